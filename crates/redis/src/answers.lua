-- Keeps one answer, and makes room for it: what has run out goes, then the oldest.
--
-- KEYS[1]   the answer's key, which ends with its id: 64 letters
-- KEYS[2]   ids by the time when they run out, in microseconds: a sorted set
-- KEYS[3]   the size of each id, and 'sum', theirs together: a hash
-- ARGV      the answer, how long it lives in ms, the most bytes of all

local call = redis.call
local WHEN, SIZES, ENTRY, SPARE, BATCH = KEYS[2], KEYS[3], 256, 60000, 1000
local prefix, own = string.sub(KEYS[1], 1, -65), string.sub(KEYS[1], -64)
local bytes, lives, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

local time = call('TIME')
-- In microseconds, so that no two answers have the same time.
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local sum = tonumber(call('HGET', SIZES, 'sum') or 0)

local function forget(id)
  sum = sum - tonumber(call('HGET', SIZES, id) or 0)
  call('HDEL', SIZES, id)
  call('ZREM', WHEN, id)
  call('DEL', prefix .. id)
end

for _, id in ipairs(call('ZRANGEBYSCORE', WHEN, '-inf', now, 'LIMIT', 0, BATCH)) do
  forget(id)
end
forget(own)

local size = #bytes + ENTRY
if size <= most then
  while sum + size > most do
    local oldest = call('ZRANGE', WHEN, 0, 0)[1]
    if not oldest then
      -- Redis itself made room, and threw the list away.
      sum = 0
      break
    end
    forget(oldest)
  end
  call('SET', KEYS[1], bytes, 'PX', lives)
  call('ZADD', WHEN, now + lives * 1000, own)
  call('HSET', SIZES, own, size)
  sum = sum + size
end

call('HSET', SIZES, 'sum', sum)
local until_end = math.max(lives, call('PTTL', WHEN)) + SPARE
call('PEXPIRE', WHEN, until_end)
call('PEXPIRE', SIZES, until_end)
return sum
