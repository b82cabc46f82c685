-- Counts each document once: marks it and adds its buckets in one atomic step, then returns
-- the state now of every bucket it was asked about, whether or not anything was added.
--
-- KEYS[1]  the common prefix, with its hash tag: every key below lies in one slot
-- ARGV[1]  msgpack {retention ms, slack ms, documents, groups}
--   document {id, day, published us, {variant, ...}, {bucket, variant, bucket, variant, ...}}
--   variant  {nine totals, evidence}  evidence {} or {story, id, voice, us, negative, novel}
--   group    {day, series, {minute, ...}}; buckets are numbered through all groups from 1
-- Answers msgpack {{nine totals, {evidence, ...}}, ...} in the buckets' order, and nothing
-- that is read is decoded unless it changes.
--
-- Keys (D is a day as YYYYMMDD):
--   b:D:series   hash  minute -> totals, e<minute> -> evidence
--   marks:D      set   ids of the documents counted in the buckets of D
--   series:D     set   series with a bucket in D
--   days         zset  D -> the instant (ms) at which everything of D goes, all at once
--   ids:N        set   ids counted in period N, whatever their day: a document given again
--                      with another publication time is still the same document
--   changed      set   D:minute:series of buckets changed since they were last persisted
--   head         hash  at -> highest publication time (us), moved -> when that moved (us)

local prefix = KEYS[1]
local given = cmsgpack.unpack(ARGV[1])
local retention, slack, documents, groups = given[1], given[2], given[3], given[4]
local MOST = 20

local clock = redis.call('TIME')
local now_us = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local now = math.floor(now_us / 1000)
local period = retention + slack
local epoch = math.floor(now / period)

-- '..' writes a number with 14 digits, too few for microseconds
local function whole(number)
  return string.format('%.0f', number)
end

-- string order by bytes, which for UTF-8 is that of code points; Lua's < asks the locale
local function greater(a, b)
  local shorter = math.min(#a, #b)
  for i = 1, shorter do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x > y end
  end
  return #a > #b
end

-- the rank of pipeline.trends.Evidence: novel, then negative, then id
local function stronger(a, b)
  if a[6] ~= b[6] then return a[6] > b[6] end
  if a[5] ~= b[5] then return a[5] > b[5] end
  return a[2] ~= b[2] and greater(a[2], b[2])
end

local function strongest(held, added)
  local best = {}
  local order = {}
  for _, pieces in ipairs({held, added}) do
    for _, piece in ipairs(pieces) do
      local other = best[piece[1]]
      if not other then order[#order + 1] = piece[1] end
      if not other or stronger(piece, other) then best[piece[1]] = piece end
    end
  end
  local found = {}
  for _, story in ipairs(order) do found[#found + 1] = best[story] end
  table.sort(found, stronger)
  for i = #found, MOST + 1, -1 do found[i] = nil end
  return found
end

-- 1. which documents are new
local by_day = {}
local ids = {}
for _, document in ipairs(documents) do
  local day = document[2]
  by_day[day] = by_day[day] or {}
  table.insert(by_day[day], document[1])
  ids[#ids + 1] = document[1]
end
local known = {}
local function remember(key, asked)
  local answers = redis.call('SMISMEMBER', key, unpack(asked))
  for i, answer in ipairs(answers) do
    if answer == 1 then known[asked[i]] = true end
  end
end
if #ids > 0 then
  remember(prefix .. 'ids:' .. whole(epoch), ids)
  remember(prefix .. 'ids:' .. whole(epoch - 1), ids)
end
for day, asked in pairs(by_day) do remember(prefix .. 'marks:' .. day, asked) end

-- 2. what they add to each bucket
local totals = {}
local evidence = {}
local fresh = {}
local fresh_ids = {}
local head = tonumber(redis.call('HGET', prefix .. 'head', 'at') or '-1')
local newest = head
for _, document in ipairs(documents) do
  local id, day = document[1], document[2]
  if not known[id] then
    known[id] = true
    fresh[day] = fresh[day] or {}
    table.insert(fresh[day], id)
    fresh_ids[#fresh_ids + 1] = id
    if document[3] > newest then newest = document[3] end
    local variants, touched = document[4], document[5]
    for i = 1, #touched, 2 do
      local bucket, variant = touched[i], variants[touched[i + 1]]
      local sum = totals[bucket]
      if sum then
        for n, value in ipairs(variant[1]) do sum[n] = sum[n] + value end
      else
        totals[bucket] = {unpack(variant[1])}
      end
      if #variant[2] > 0 then
        evidence[bucket] = evidence[bucket] or {}
        table.insert(evidence[bucket], variant[2])
      end
    end
  end
end

-- 3. until when each day lives: everything of a day goes at one instant, so that a mark
-- never outlives the count it stands for, nor a count its mark
local deadline = {}
for day, _ in pairs(fresh) do
  local marks = prefix .. 'marks:' .. day
  local until_ms = now + retention + slack
  if redis.call('EXISTS', marks) == 1 then
    local held = tonumber(redis.call('ZSCORE', prefix .. 'days', day) or '0')
    if held - now >= retention then
      until_ms = held
    else
      for _, series in ipairs(redis.call('SMEMBERS', prefix .. 'series:' .. day)) do
        redis.call('PEXPIREAT', prefix .. 'b:' .. day .. ':' .. series, whole(until_ms))
      end
    end
  end
  deadline[day] = whole(until_ms)
end

-- 4. add and answer
local answer = {'\221' .. struct.pack('>I4', 0)}
local number = 0
local changed = {}
for _, group in ipairs(groups) do
  local day, series, minutes = group[1], group[2], group[3]
  local key = prefix .. 'b:' .. day .. ':' .. series
  local fields = {}
  for _, minute in ipairs(minutes) do
    fields[#fields + 1] = minute
    fields[#fields + 1] = 'e' .. minute
  end
  local held = redis.call('HMGET', key, unpack(fields))
  local written = {}
  local missing = true
  for i, minute in ipairs(minutes) do
    number = number + 1
    local old, old_evidence = held[2 * i - 1], held[2 * i]
    if old then missing = false end
    local sum = totals[number]
    if sum then
      if old then
        for n, value in ipairs(cmsgpack.unpack(old)) do sum[n] = sum[n] + value end
      end
      old = cmsgpack.pack(sum)
      written[#written + 1] = minute
      written[#written + 1] = old
      changed[#changed + 1] = day .. ':' .. minute .. ':' .. series
      if evidence[number] then
        local pieces = old_evidence and cmsgpack.unpack(old_evidence) or {}
        old_evidence = cmsgpack.pack(strongest(pieces, evidence[number]))
        written[#written + 1] = 'e' .. minute
        written[#written + 1] = old_evidence
      end
    end
    -- nine zeros and no evidence where there is no bucket
    answer[#answer + 1] = '\146' .. (old or '\153\0\0\0\0\0\0\0\0\0') .. (old_evidence or '\144')
  end
  if #written > 0 then
    redis.call('HSET', key, unpack(written))
    if missing then
      redis.call('PEXPIREAT', key, deadline[day])
      redis.call('SADD', prefix .. 'series:' .. day, series)
    end
  end
end
answer[1] = '\221' .. struct.pack('>I4', number)

if #fresh_ids > 0 then
  redis.call('ZREMRANGEBYSCORE', prefix .. 'days', '-inf', whole(now))
  for day, marked in pairs(fresh) do
    redis.call('SADD', prefix .. 'marks:' .. day, unpack(marked))
    redis.call('PEXPIREAT', prefix .. 'marks:' .. day, deadline[day])
    redis.call('PEXPIREAT', prefix .. 'series:' .. day, deadline[day])
    redis.call('ZADD', prefix .. 'days', deadline[day], day)
  end
  redis.call('SADD', prefix .. 'ids:' .. whole(epoch), unpack(fresh_ids))
  redis.call('PEXPIREAT', prefix .. 'ids:' .. whole(epoch), whole((epoch + 2) * period))
  for first = 1, #changed, 4000 do
    redis.call('SADD', prefix .. 'changed',
      unpack(changed, first, math.min(first + 3999, #changed)))
  end
  redis.call('PEXPIRE', prefix .. 'changed', whole(period))
  if newest > head then
    redis.call('HSET', prefix .. 'head', 'at', whole(newest), 'moved', whole(now_us))
  end
end
return table.concat(answer)
