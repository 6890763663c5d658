-- KEYS: one for each try. ARGV: now, and for each try its pace, its numbers, and how long what is held
-- of it lives, in milliseconds. Answers how long each is to wait; where all need not, each is counted.
local now, refused, waits, held, known = tonumber(ARGV[1]), false, {}, {}, {}
for i, key in ipairs(KEYS) do
  local pace, a, b, c, d = unpack(ARGV, 6 * i - 4, 6 * i)
  a, b, c, d = tonumber(a), tonumber(b), tonumber(c), tonumber(d)
  held[i] = held_at(key)
  if pace == 'steady' then
    local step, room = a, b
    local due = tonumber(held[i]:match('^%d+$')) or now
    due = math.max(now, math.min(due, now + room))
    waits[i] = math.max(0, due + step - now - room)
    if waits[i] == 0 then due = due + step end
    known[i] = string.format('%.0f', due)
  else
    local limit, window, min, max = a, b, c, d
    local count, last, till = held[i]:match('^(%d+) (%d+) (%d+)$')
    count = tonumber(count) or 0
    last = math.min(tonumber(last) or now, now)
    till = math.min(tonumber(till) or now, now + max)
    waits[i] = math.max(0, till - now)
    if waits[i] == 0 then
      if now >= math.max(last, till) + window then count = 0 end
      count, last = count + 1, now
      till = now + wait_after(count, limit, min, max)
    end
    known[i] = string.format('%.0f %.0f %.0f', count, last, till)
  end
  refused = refused or waits[i] > 0
end
for i, key in ipairs(KEYS) do
  -- A wait that a clock set back made too long is shortened for good.
  if not refused or (waits[i] > 0 and known[i] ~= held[i]) then
    redis.call('SET', key, known[i], 'PX', ARGV[6 * i + 1])
  end
end
return waits
