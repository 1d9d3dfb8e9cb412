if redis.pcall('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[4] ~= 'keep' then redis.call('DEL', KEYS[1]) end
if KEYS[2] then
  if ARGV[3] == '' then
    redis.call('SET', KEYS[2], ARGV[2])
  else
    redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
  end
end
return 1
