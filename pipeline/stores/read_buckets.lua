-- The buckets of some days of one series: every minute that was ever counted, unordered.
--
-- KEYS     the hashes, one a day and series, as count_documents.lua keeps them
-- ARGV[1]  'all', or 'totals' to leave the evidence out
-- Answers  msgpack {{index of the key from 0, minute, counts, {evidence, ...}}, ...}, counts as
-- count_documents.lua packs them

local answer = {''}
local number = 0
for index, key in ipairs(KEYS) do
  local flat = redis.call('HGETALL', key)
  local fields = {}
  for i = 1, #flat, 2 do fields[flat[i]] = flat[i + 1] end
  for field, totals in pairs(fields) do
    if string.byte(field) ~= 101 then -- 'e': evidence
      number = number + 1
      answer[#answer + 1] = '\148' .. cmsgpack.pack(index - 1) .. cmsgpack.pack(tonumber(field))
        .. totals .. (ARGV[1] == 'all' and fields['e' .. field] or '\144')
    end
  end
end
answer[1] = '\221' .. struct.pack('>I4', number)
return table.concat(answer)
