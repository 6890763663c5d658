-- KEYS: that of the try. ARGV: its pace and its numbers.
local pace, a, b, c, d = unpack(ARGV, 1, 5)
a, b, c, d = tonumber(a), tonumber(b), tonumber(c), tonumber(d)
local held, known = held_at(KEYS[1]), nil
if pace == 'steady' then
  local due, step = tonumber(held:match('^%d+$')), a
  known = due and string.format('%.0f', math.max(0, due - step))
else
  local limit, min, max = a, c, d
  local count, last, till = held:match('^(%d+) (%d+) (%d+)$')
  if count then
    count = math.max(0, tonumber(count) - 1)
    till = math.min(tonumber(till), tonumber(last) + wait_after(count, limit, min, max))
    known = string.format('%.0f %.0f %.0f', count, tonumber(last), till)
  end
end
if known then redis.call('SET', KEYS[1], known, 'KEEPTTL') end
