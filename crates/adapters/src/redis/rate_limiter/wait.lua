-- How long nothing is taken after so many tries.
local function wait_after(count, limit, min, max)
  if count < limit then return 0 end
  return math.min(min * 2 ^ (count - limit), max)
end

-- What is held at a key, if it is a text; times are in microseconds since the Unix epoch.
local function held_at(key)
  local held = redis.pcall('GET', key)
  return type(held) == 'string' and held or ''
end
