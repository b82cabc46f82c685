-- Which story each telling tells. The rules are those of MemoryStoryIndex, step by step.
--
-- KEYS[1]  the common prefix, with its hash tag
-- ARGV     14 limits, then 15 values a telling, in the order of redis_stories.py
-- Answers  for each telling its packed place: position, voices, tellings, first, spam, story,
--          event, voice
--
-- What is remembered lies in two hashes, the generation now filled and the one before. A
-- story that is told again moves into the new one; with the old one goes what nobody told
-- again. So memory is bounded by the documents of two generations, and nothing is searched
-- for what has expired. Fields of a generation, by their first letter:
--   d document: its place      r reposted document that never came: story
--   e exact text: story        s story: {first, last, voice, event, words, numbers,
--                                        tickers, subjects, template, size, tellings, voices}
--   b band: stories, 16 bytes each, latest last
--   v subject: {event, embedding, ...}
--   t text, c account: its latest tellers, or subjects

local prefix = KEYS[1]
local limits, tellings = {}, {}
for place = 1, 14 do limits[place] = tonumber(ARGV[place]) end

local function slices(packed, width)
  local found = {}
  for from = 1, #packed, width do found[#found + 1] = string.sub(packed, from, from + width - 1) end
  return found
end

for from = 15, #ARGV, 15 do
  tellings[#tellings + 1] = {
    document = ARGV[from], at = tonumber(ARGV[from + 1]), exact = ARGV[from + 2],
    template = ARGV[from + 3], words = ARGV[from + 4], numbers = ARGV[from + 5],
    tickers = ARGV[from + 6], subjects = ARGV[from + 7], bands = slices(ARGV[from + 8], 5),
    voice = ARGV[from + 9], account = ARGV[from + 10], weight = tonumber(ARGV[from + 11]),
    repost = ARGV[from + 12], about = slices(ARGV[from + 13], 10),
    embedding = ARGV[from + 14],
  }
end
local most, span, lifetime = limits[1], limits[2], limits[3]
local in_band, most_events, most_voices = limits[4], limits[5], limits[6]
local text_window, suspect_weight = limits[7], limits[8]
local account_window, suspect_subjects = limits[9], limits[10]
local remembered, signs_differ = limits[11], limits[12]
local fewest_words, heaviest = limits[13], limits[14]
-- arguments of one call, well below what Lua's stack holds
local AT_ONCE = 2000

-- the generation to fill -----------------------------------------------------------------
local now_name = prefix .. 'generation'
local state = redis.call('HMGET', now_name, 'number', 'count', 'since', 'last')
local number, count = tonumber(state[1] or 0), tonumber(state[2] or 0)
local latest = tonumber(state[4] or 0)
for _, one in ipairs(tellings) do
  if one.at > latest then latest = one.at end
end
local since = tonumber(state[3] or latest)
-- few documents are kept longer: a replay is not read in the exact order of its times
if count >= most or (count >= most / 32 and latest - since >= span) then
  redis.call('UNLINK', prefix .. (number - 1))
  number, count, since = number + 1, 0, latest
end
local current, former = prefix .. number, prefix .. (number - 1)
local has_former = redis.call('EXISTS', former) == 1

-- reading and writing through what this call has seen ----------------------------------
local values, changed = {}, {}

local function fetch(fields)
  for first = 1, #fields, AT_ONCE do
    local last = math.min(first + AT_ONCE - 1, #fields)
    local found = redis.call('HMGET', current, unpack(fields, first, last))
    local absent = {}
    for place = first, last do
      local value = found[place - first + 1]
      values[fields[place]] = value
      if not value and has_former then absent[#absent + 1] = fields[place] end
    end
    if #absent > 0 then
      found = redis.call('HMGET', former, unpack(absent))
      for place, field in ipairs(absent) do values[field] = found[place] end
    end
  end
end

local function get(field)
  if values[field] == nil then fetch({field}) end
  return values[field]
end

local function put(field, value)
  values[field], changed[field] = value, true
end

-- a name is kept beside its story: with it inside, a story would be packed as a map
local stories, touched, name_of = {}, {}, {}

local function story_of(name)
  if not name then return nil end
  local story = stories[name]
  if story == nil then
    local packed = get('s' .. name)
    story = packed and cmsgpack.unpack(packed) or false
    if story then name_of[story] = name end
    stories[name] = story
  end
  return story or nil
end

local FIRST, LAST, VOICE, EVENT, WORDS, NUMBERS, TICKERS, SUBJECTS = 1, 2, 3, 4, 5, 6, 7, 8
local TEMPLATE, SIZE, TELLINGS, VOICES = 9, 10, 11, 12

local function living(name, at)
  local story = story_of(name)
  if story and story[FIRST] - span <= at and at <= story[LAST] + span then return story end
end

-- copies --------------------------------------------------------------------------------
local sets = {}

local function set_of(packed)
  local set = sets[packed]
  if not set then
    set = {}
    for at = 1, #packed, 2 do set[string.sub(packed, at, at + 1)] = true end
    sets[packed] = set
  end
  return set
end

local function shared(one, other)
  local set, found = set_of(other), 0
  for at = 1, #one, 2 do
    if set[string.sub(one, at, at + 1)] then found = found + 1 end
  end
  return found
end

local function apart(one, other)
  return one ~= '' and other ~= '' and shared(one, other) == 0
end

local function agree(one, other, quarters)
  local both = shared(one, other)
  return both > 0 and (quarters == 1 or 8 * both >= quarters * math.min(#one, #other))
end

local function is_copy(story, one)
  local a, b = #story[WORDS] / 2, #one.words / 2
  local fewer, more = math.min(a, b), math.max(a, b)
  if fewer < fewest_words then return false end
  -- most that one machine posts differs here, at the cost of a few steps
  if apart(story[TICKERS], one.tickers) or apart(story[NUMBERS], one.numbers) then return false end
  local words = shared(story[WORDS], one.words)
  local alike = 10 * words >= 6 * (fewer + more - words)
  if not alike and not (10 * words >= 9 * fewer and 2 * fewer >= more) then return false end
  local numbers, tickers, subjects = story[NUMBERS], story[TICKERS], story[SUBJECTS]
  if numbers ~= '' and one.numbers ~= '' and not agree(numbers, one.numbers, 3) then
    return false
  end
  local least = words == more and 1 or 2
  if tickers ~= '' and one.tickers ~= '' and not agree(tickers, one.tickers, least) then
    return false
  end
  if subjects ~= '' and one.subjects ~= '' and not agree(subjects, one.subjects, least) then
    return false
  end
  return (subjects == '') == (one.subjects == '') or words == fewer
end

-- events --------------------------------------------------------------------------------
local ones = {}
for byte = 0, 255 do
  local left, sum = byte, 0
  while left > 0 do sum, left = sum + left % 2, math.floor(left / 2) end
  ones[byte] = sum
end

local function same_event(one, other)
  if #one ~= #other then return false end
  local differ = 0
  for at = 1, #one do
    differ = differ + ones[bit.bxor(string.byte(one, at), string.byte(other, at))]
  end
  return differ <= math.floor(signs_differ * 8 * #one)
end

local function figures_differ(one, other)
  return one ~= '' and other ~= '' and not agree(one, other, 2)
end

local function event_of(one, at)
  if one.embedding == '' then return nil end
  for _, subject in ipairs(one.about) do
    local packed = get('v' .. subject)
    local held = packed and cmsgpack.unpack(packed) or {}
    for place = #held - 1, 1, -2 do
      local story = living(held[place], at)
      if story and not figures_differ(story[NUMBERS], one.numbers)
        and same_event(held[place + 1], one.embedding) then
        return held[place]
      end
    end
  end
end

-- spam ----------------------------------------------------------------------------------
-- 15 bytes a teller or subject, the latest last: name (10), time (4), weight + 128 (1)
local function remember(field, name, at, weight)
  local held = get(field) or ''
  for from = 1, #held, 15 do
    if string.sub(held, from, from + 9) == name then
      held = string.sub(held, 1, from - 1) .. string.sub(held, from + 15)
      break
    end
  end
  held = string.sub(held .. name .. struct.pack('>I4B', at, weight + 128), -15 * remembered)
  put(field, held)
  return held
end

local function suspected(one, story, at)
  local spam = false
  local tellers = get('t' .. story[TEMPLATE]) or ''
  if one.account ~= '' and #story[WORDS] > 0 then
    tellers = remember('t' .. story[TEMPLATE], one.account, at, one.weight)
  end
  -- nobody weighs more than ten: of fewer tellers none is suspected
  if #tellers >= 15 * suspect_weight / heaviest then
    local weight = 0
    for from = 1, #tellers, 15 do
      local time, each = struct.unpack('>I4B', tellers, from + 10)
      if math.abs(at - time) <= text_window then weight = weight + each - 128 end
    end
    spam = weight >= suspect_weight
  end
  -- asked also of spam: what an account did is remembered whatever else is said of it
  if one.account ~= '' and one.weight >= 0 then
    local held = ''
    for _, subject in ipairs(one.about) do held = remember('c' .. one.account, subject, at, 0) end
    if #held >= 15 * suspect_subjects then
      local recent = 0
      for from = 1, #held, 15 do
        local time = struct.unpack('>I4', held, from + 10)
        if math.abs(at - time) <= account_window then recent = recent + 1 end
      end
      spam = spam or recent >= suspect_subjects
    end
  end
  return spam
end

-- one telling ---------------------------------------------------------------------------
local function repeated(one, at)
  local names = {}
  if one.repost ~= '' then
    local original = get('d' .. one.repost)
    names[1] = original and string.sub(original, 22, 37) or get('r' .. one.repost) or false
  end
  names[#names + 1] = get('r' .. one.document) or false
  names[#names + 1] = get('e' .. one.exact) or false
  for _, name in ipairs(names) do
    local story = living(name, at)
    if story then return story end
  end
  local tried = {}
  for _, band in ipairs(one.bands) do
    local held = get('b' .. band) or ''
    for from = #held - 15, 1, -16 do
      local name = string.sub(held, from, from + 15)
      if not tried[name] then
        tried[name] = true
        local story = living(name, at)
        if story and is_copy(story, one) then return story end
      end
    end
  end
end

local function new(one, at)
  local name = one.exact
  local event = event_of(one, at) or name
  local story = {
    at, at, one.voice, event, one.words, one.numbers, one.tickers, one.subjects,
    one.template, 0, 0, {},
  }
  name_of[story] = name
  stories[name] = story
  for _, band in ipairs(one.bands) do
    put('b' .. band, string.sub((get('b' .. band) or '') .. name, -16 * in_band))
  end
  if one.embedding ~= '' and event == name then
    for _, subject in ipairs(one.about) do
      local packed = get('v' .. subject)
      local held = packed and cmsgpack.unpack(packed) or {}
      held[#held + 1], held[#held + 2] = name, one.embedding
      while #held > 2 * most_events do
        table.remove(held, 1)
        table.remove(held, 1)
      end
      put('v' .. subject, cmsgpack.pack(held))
    end
  end
  return story
end

local function told(one, at)
  local story = repeated(one, at) or new(one, at)
  local name = name_of[story]
  touched[name] = true
  local position = story[SIZE]
  story[SIZE] = position + 1
  story[FIRST], story[LAST] = math.min(story[FIRST], at), math.max(story[LAST], at)
  put('e' .. one.exact, name)
  if one.repost ~= '' and not get('d' .. one.repost) then put('r' .. one.repost, name) end
  local event = story_of(story[EVENT]) or story
  touched[name_of[event]] = true
  local before = event[TELLINGS]
  event[TELLINGS] = before + 1
  event[FIRST], event[LAST] = math.min(event[FIRST], at), math.max(event[LAST], at)
  local heard = false
  for _, voice in ipairs(event[VOICES]) do heard = heard or voice == story[VOICE] end
  if not heard and #event[VOICES] < most_voices then
    event[VOICES][#event[VOICES] + 1] = story[VOICE]
  end
  local spam = suspected(one, story, at) and 1 or 0
  return struct.pack('>I4I4I4I8B', position, #event[VOICES], before, event[FIRST], spam)
    .. name .. name_of[event] .. story[VOICE]
end

-- all of them ---------------------------------------------------------------------------
local wanted, seen = {}, {}
local function want(field)
  if not seen[field] then seen[field], wanted[#wanted + 1] = true, field end
end
for _, one in ipairs(tellings) do
  want('d' .. one.document)
  want('r' .. one.document)
  want('e' .. one.exact)
  want('t' .. one.template)
  for _, band in ipairs(one.bands) do want('b' .. band) end
  if one.repost ~= '' then
    want('d' .. one.repost)
    want('r' .. one.repost)
  end
  if one.account ~= '' then want('c' .. one.account) end
end
fetch(wanted)

local answers = {}
for place, one in ipairs(tellings) do
  local field = 'd' .. one.document
  local answer = get(field)
  if not answer then
    answer = told(one, one.at)
    put(field, answer)
    count = count + 1
  end
  answers[place] = answer
end

local pairs_to_set = {}
for name in pairs(touched) do put('s' .. name, cmsgpack.pack(stories[name])) end
for field in pairs(changed) do
  pairs_to_set[#pairs_to_set + 1] = field
  pairs_to_set[#pairs_to_set + 1] = values[field]
end
for first = 1, #pairs_to_set, AT_ONCE do
  redis.call(
    'HSET', current, unpack(pairs_to_set, first, math.min(first + AT_ONCE - 1, #pairs_to_set))
  )
end
redis.call('HSET', now_name, 'number', number, 'count', count, 'since', since, 'last', latest)
redis.call('PEXPIRE', current, lifetime)
redis.call('PEXPIRE', former, lifetime)
redis.call('PEXPIRE', now_name, lifetime)
return answers
