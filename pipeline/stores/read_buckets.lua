-- The buckets of some days of one series: every minute that was ever counted, unordered.
--
-- KEYS     the hashes, one a day and series, as count_documents.lua keeps them
-- ARGV[1]  'all', or 'totals' to leave the evidence out
-- ARGV[2], ARGV[3]  the first minute of the day, and the one after the last
-- Answers  msgpack {{index of the key from 0, minute, counts, {evidence, ...}}, ...}, counts as
-- count_documents.lua packs them

local first, last = tonumber(ARGV[2]), tonumber(ARGV[3])
local answer = {''}
local number = 0
for index, key in ipairs(KEYS) do
  local flat = redis.call('HGETALL', key)
  local fields = {}
  for i = 1, #flat, 2 do fields[flat[i]] = flat[i + 1] end
  for field, totals in pairs(fields) do
    local minute = tonumber(field) -- none where it is evidence
    if minute and minute >= first and minute < last then
      number = number + 1
      answer[#answer + 1] = '\148' .. cmsgpack.pack(index - 1) .. cmsgpack.pack(minute)
        .. totals .. (ARGV[1] == 'all' and fields['e' .. field] or '\144')
    end
  end
end
answer[1] = '\221' .. struct.pack('>I4', number)
return table.concat(answer)
