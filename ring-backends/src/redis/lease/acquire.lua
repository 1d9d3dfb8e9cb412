local threshold = tonumber(ARGV[3])
if threshold >= 0 then
  local value = redis.pcall('GET', KEYS[2])
  if type(value) == 'string' then
    local left = redis.call('PTTL', KEYS[2])
    if left == -1 or left > threshold then return {value, left} end
  end
end
local held = redis.pcall('GET', KEYS[1])
if threshold == -2 or held == ARGV[1] or type(held) == 'table' then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 1
end
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return 0
