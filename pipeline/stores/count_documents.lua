-- Counts each document once, by its newest edition: marks it, adds its buckets and takes out
-- what an older edition of it had added, in one atomic step. Returns the state now of every
-- bucket it was asked about, whether or not anything changed, and of those it took out of.
--
-- KEYS[1]  the common prefix, with its hash tag: every key below lies in one slot
-- ARGV[1]  msgpack {retention ms, slack ms, documents, groups}
--   document {id, day, published us, minute, {variant, ...}, {bucket, variant, bucket, ...}}
--   variant  {{twelve totals}, story slot, voice slot, evidence}
--   evidence {} or {story, id, voice, us, negative, novel}
--   group    {day, series, {minute, ...}}; buckets are numbered through all groups from 1
-- ARGV[1 + n]  of the nth document: its edition, 16 bytes, and its receipt, msgpack {minute,
--   {{{twelve totals}, story slot, voice slot}, ...}, {series, variant, series, variant, ...}}:
--   what it adds, to take it out again
-- Answers msgpack {{{counts, {evidence, ...}}, ...}, {{day, series, minute}, ...}}: the
-- buckets in their order, then those of the second list. Nothing read is decoded unless it
-- changes.
--   counts   {twelve totals, revision, {slot, documents, ...} stories, {...} voices}
--
-- Keys (D is a day as YYYYMMDD):
--   b:D:series   hash  minute -> counts, e<minute> -> evidence
--   marks:D      hash  ids of the documents counted in the buckets of D -> edition, receipt
--   series:D     set   series with a bucket in D
--   days         zset  D -> the instant (ms) at which everything of D goes, all at once. A day
--                      that went stays here: what still comes for it is counted in SQL alone
--   ids:N        hash  ids counted in period N, whatever their day -> edition, day: a document
--                      given again with another publication time is still the same document
--   changed      set   D:minute:series of buckets changed since they were last persisted
--   alone        hash  D:minute:id -> edition, of documents that SQL alone must count
--   head         hash  at -> highest publication time (us), moved -> when that moved (us)

local prefix = KEYS[1]
local given = cmsgpack.unpack(ARGV[1])
local retention, slack, documents, groups = given[1], given[2], given[3], given[4]
local MOST = 20
local TOTALS = 12
local REVISION, STORIES, VOICES = 13, 14, 15
local EDITION = 16

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

local function strongest(held, gone, added)
  local best = {}
  local order = {}
  for _, pieces in ipairs({held, added}) do
    for _, piece in ipairs(pieces) do
      if pieces == added or not gone[piece[2]] then
        local other = best[piece[1]]
        if not other then order[#order + 1] = piece[1] end
        if not other or stronger(piece, other) then best[piece[1]] = piece end
      end
    end
  end
  local found = {}
  for _, story in ipairs(order) do found[#found + 1] = best[story] end
  table.sort(found, stronger)
  for i = #found, MOST + 1, -1 do found[i] = nil end
  return found
end

-- 1. what is known of each document: its edition, its day, and its mark if that is alive
local known = {}
local ids = {}
for i, document in ipairs(documents) do ids[i] = document[1] end
local asked = {}
if #ids > 0 then
  local newer = redis.call('HMGET', prefix .. 'ids:' .. whole(epoch), unpack(ids))
  local older = redis.call('HMGET', prefix .. 'ids:' .. whole(epoch - 1), unpack(ids))
  for i, document in ipairs(documents) do
    local found = newer[i] or older[i]
    local day = document[2]
    if found then
      day = string.sub(found, EDITION + 1)
      known[document[1]] = {string.sub(found, 1, EDITION), day, false}
    end
    asked[day] = asked[day] or {}
    table.insert(asked[day], document[1])
  end
end
local closed = {}
for day, names in pairs(asked) do
  for i, mark in ipairs(redis.call('HMGET', prefix .. 'marks:' .. day, unpack(names))) do
    if mark then
      known[names[i]] = {string.sub(mark, 1, EDITION), day, string.sub(mark, EDITION + 1)}
    end
  end
end
local function is_closed(day)
  if closed[day] == nil then
    local goes = redis.call('ZSCORE', prefix .. 'days', day)
    closed[day] = goes and tonumber(goes) <= now or false
  end
  return closed[day]
end

-- 2. what is added to each bucket, and what is taken out
local deltas = {}
local marks = {}   -- day -> id -> mark, or false to delete
local names = {}   -- id -> edition, day
local alone = {}
local growing = {} -- days something is added to
local numbers      -- day:minute:series -> number, made when something must be taken out
local number = 0
for _, group in ipairs(groups) do number = number + #group[3] end
local asked_buckets = number

local function apply(delta, variant, sign)
  local totals = delta.totals
  for n, value in ipairs(variant[1]) do totals[n] = totals[n] + sign * value end
  delta.revision = delta.revision + 1
  local story, voice = variant[2], variant[3]
  delta.stories[story] = (delta.stories[story] or 0) + sign
  delta.voices[voice] = (delta.voices[voice] or 0) + sign
end

-- what one document adds stands for the delta until something else comes to the bucket
local function delta_of(bucket)
  local delta = deltas[bucket]
  if delta and delta.totals then return delta end
  local alone = delta
  delta = {totals = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, revision = 0,
    stories = {}, voices = {}, added = {}, gone = {}}
  deltas[bucket] = delta
  if alone then
    apply(delta, alone, 1)
    if #alone[4] > 0 then delta.added[1] = alone[4] end
  end
  return delta
end

local function number_of(day, minute, series)
  if not numbers then
    numbers = {}
    local at = 0
    for _, group in ipairs(groups) do
      for _, one in ipairs(group[3]) do
        at = at + 1
        numbers[group[1] .. ':' .. one .. ':' .. group[2]] = at
      end
    end
  end
  local name = day .. ':' .. minute .. ':' .. series
  if not numbers[name] then
    number = number + 1
    numbers[name] = number
    groups[#groups + 1] = {day, series, {minute}}
  end
  return numbers[name]
end

local function take_out(id, day, packed)
  local receipt = cmsgpack.unpack(packed)
  local minute, variants, touched = receipt[1], receipt[2], receipt[3]
  for i = 1, #touched, 2 do
    local delta = delta_of(number_of(day, minute, touched[i]))
    apply(delta, variants[touched[i + 1]], -1)
    delta.gone[id] = true
    -- added by this very batch
    for n = #delta.added, 1, -1 do
      if delta.added[n][2] == id then table.remove(delta.added, n) end
    end
  end
end

local function mark(day, id, value)
  marks[day] = marks[day] or {}
  marks[day][id] = value
end

local head = tonumber(redis.call('HGET', prefix .. 'head', 'at') or '-1')
local newest = head
for n, document in ipairs(documents) do
  local id, day, given_mark = document[1], document[2], ARGV[1 + n]
  local edition = string.sub(given_mark, 1, EDITION)
  local held = known[id]
  -- a mark lives as long as its day: without one, a day that is open was opened again
  if held and held[2] == day and not held[3] and not is_closed(day)
    and not greater(held[1], edition) then
    held = nil
  end
  if not held or greater(edition, held[1]) then
    local receipt = string.sub(given_mark, EDITION + 1)
    local stays = held and held[2] == day and held[3] == receipt
    if held and not stays then
      if held[3] then
        take_out(id, held[2], held[3])
        mark(held[2], id, false)
      elseif held[2] ~= day then
        alone[held[2] .. '::' .. id] = edition
      end
    end
    names[id] = edition .. day
    if document[3] > newest then newest = document[3] end
    if is_closed(day) then
      alone[day .. ':' .. document[4] .. ':' .. id] = edition
      known[id] = {edition, day, false}
    else
      if not stays then
        local variants, touched = document[5], document[6]
        for i = 1, #touched, 2 do
          local bucket, variant = touched[i], variants[touched[i + 1]]
          if deltas[bucket] then
            local delta = delta_of(bucket)
            apply(delta, variant, 1)
            if #variant[4] > 0 then table.insert(delta.added, variant[4]) end
          else
            deltas[bucket] = variant
          end
        end
      end
      growing[day] = true
      mark(day, id, given_mark)
      known[id] = {edition, day, receipt}
    end
  end
end

-- 3. until when each day lives: everything of a day goes at one instant, so that a mark
-- never outlives the count it stands for, nor a count its mark
local deadline = {}
for day, _ in pairs(growing) do
  local until_ms = now + retention + slack
  if redis.call('EXISTS', prefix .. 'marks:' .. day) == 1 then
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
local function tallied(held, slots)
  local places = {}
  for i = 1, #held, 2 do places[held[i]] = i + 1 end
  for slot, documents in pairs(slots) do
    local place = places[slot]
    if place then
      held[place] = held[place] + documents
    elseif documents ~= 0 then
      held[#held + 1] = slot
      held[#held + 1] = documents
    end
  end
  for i = #held, 2, -2 do
    if held[i] == 0 then
      held[i - 1], held[i] = held[#held - 1], held[#held]
      held[#held] = nil
      held[#held] = nil
    end
  end
  return held
end

local NOTHING = '\159' .. string.rep('\0', 13) .. '\144\144'
local answer = {''}
local extras = {}
local changed = {}
number = 0
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
    local counts, evidence = held[2 * i - 1], held[2 * i]
    if counts then missing = false end
    local delta = deltas[number]
    if delta and not counts and not delta.totals then
      -- one document in a new bucket, as most are: packed once for all its series
      if not delta.packed then
        local sum = {unpack(delta[1])}
        sum[REVISION], sum[STORIES], sum[VOICES] = 1, {delta[2], 1}, {delta[3], 1}
        delta.packed = cmsgpack.pack(sum)
        delta.evidence = #delta[4] > 0 and cmsgpack.pack({delta[4]})
      end
      counts, evidence = delta.packed, delta.evidence
      written[#written + 1] = minute
      written[#written + 1] = counts
      if evidence then
        written[#written + 1] = 'e' .. minute
        written[#written + 1] = evidence
      end
      changed[#changed + 1] = day .. ':' .. minute .. ':' .. series
    elseif delta then
      delta = delta_of(number)
      local sum = delta.totals
      sum[REVISION] = delta.revision
      local stories, voices = {}, {}
      if counts then
        local old = cmsgpack.unpack(counts)
        for n = 1, REVISION do sum[n] = sum[n] + old[n] end
        stories, voices = old[STORIES], old[VOICES]
      end
      sum[STORIES] = tallied(stories, delta.stories)
      sum[VOICES] = tallied(voices, delta.voices)
      counts = cmsgpack.pack(sum)
      written[#written + 1] = minute
      written[#written + 1] = counts
      changed[#changed + 1] = day .. ':' .. minute .. ':' .. series
      if #delta.added > 0 or (evidence and next(delta.gone)) then
        local pieces = evidence and cmsgpack.unpack(evidence) or {}
        evidence = cmsgpack.pack(strongest(pieces, delta.gone, delta.added))
        written[#written + 1] = 'e' .. minute
        written[#written + 1] = evidence
      end
    end
    answer[#answer + 1] = '\146' .. (counts or NOTHING) .. (evidence or '\144')
    if number > asked_buckets then extras[#extras + 1] = {day, series, minute} end
  end
  if #written > 0 then
    redis.call('HSET', key, unpack(written))
    if missing and deadline[day] then
      redis.call('PEXPIREAT', key, deadline[day])
      redis.call('SADD', prefix .. 'series:' .. day, series)
    end
  end
end
answer[1] = '\146\221' .. struct.pack('>I4', number)
answer[#answer + 1] = cmsgpack.pack(extras)

-- 5. the marks
if next(names) then
  for day, of_day in pairs(marks) do
    local set, gone = {}, {}
    for id, value in pairs(of_day) do
      if value then
        set[#set + 1] = id
        set[#set + 1] = value
      else
        gone[#gone + 1] = id
      end
    end
    if #gone > 0 then redis.call('HDEL', prefix .. 'marks:' .. day, unpack(gone)) end
    if #set > 0 then redis.call('HSET', prefix .. 'marks:' .. day, unpack(set)) end
  end
  for day, goes in pairs(deadline) do
    redis.call('PEXPIREAT', prefix .. 'marks:' .. day, goes)
    redis.call('PEXPIREAT', prefix .. 'series:' .. day, goes)
    redis.call('ZADD', prefix .. 'days', goes, day)
  end
  local fresh = {}
  for id, value in pairs(names) do
    fresh[#fresh + 1] = id
    fresh[#fresh + 1] = value
  end
  redis.call('HSET', prefix .. 'ids:' .. whole(epoch), unpack(fresh))
  redis.call('PEXPIREAT', prefix .. 'ids:' .. whole(epoch), whole((epoch + 2) * period))
  for first = 1, #changed, 4000 do
    redis.call('SADD', prefix .. 'changed',
      unpack(changed, first, math.min(first + 3999, #changed)))
  end
  redis.call('PEXPIRE', prefix .. 'changed', whole(period))
  if next(alone) then
    for name, edition in pairs(alone) do redis.call('HSET', prefix .. 'alone', name, edition) end
    redis.call('PEXPIRE', prefix .. 'alone', whole(period))
  end
  if newest > head then
    redis.call('HSET', prefix .. 'head', 'at', whole(newest), 'moved', whole(now_us))
  end
end
return table.concat(answer)
