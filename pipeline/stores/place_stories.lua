-- Which of its story's documents each document is, remembered once.
--
-- KEYS[1]  the common prefix, with its hash tag
-- ARGV     most members a story remembers, how long (ms), then id, story, id, story, ...
-- Answers  one number a pair: how many other documents told the story before
--
-- A full story takes no more members: every later document gets the same number, so that
-- asking again still gives the same answer, and a flood of copies costs nothing.

local prefix, most, lifetime = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local places = {}
for i = 3, #ARGV, 2 do
  local key = prefix .. ARGV[i + 1]
  local place = redis.call('HGET', key, ARGV[i])
  if place then
    place = tonumber(place)
  else
    place = redis.call('HLEN', key)
    if place < most then
      redis.call('HSET', key, ARGV[i], place)
      redis.call('PEXPIRE', key, lifetime)
    end
  end
  places[#places + 1] = place
end
return cmsgpack.pack(places)
