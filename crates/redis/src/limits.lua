-- One step of the limiter, on the keys of one tenant; nothing comes between its commands.
--
-- KEYS[1]   the hold of a call: a list of what was taken for it, '<tick> <day> <month> <tokens> <money>' each,
--           or the single entry 'over' for a call that was settled before it was taken
-- KEYS[2…]  the subjects' keys, which end with:
--   :r :t   ticks in which requests or tokens were taken, a list, oldest first
--   :ra :ta the amount of each tick, and 'sum', theirs together: a hash
--   :c      calls under way by the time when their lease runs out: a sorted set
--   :m      money spent or promised, by period: a hash
-- ARGV      what to do, the time in ms (a test's, but not for leases; otherwise empty), the lease in ms, the call's id, requests,
--           tokens, money; name, begin and end of the day and of the month; '1' to ask for seeds; then for
--           each subject: requests, their span and its grain, tokens, concurrent, money a day, a month, and
--           the seeds of both. What is not limited is empty.
--
-- Money is text, since it needs 63 bits and a Lua number has 53. Begin at the end.

local call = redis.call
local HEADER, WIDTH, MINUTE, SPARE = 14, 9, 60000, 60000

local time = call('TIME')
local clock = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local now = tonumber(ARGV[2]) or clock
local lease, id = tonumber(ARGV[3]), ARGV[4]
local requests, tokens, money = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]
local day = {name = ARGV[8], from = tonumber(ARGV[9]), to = tonumber(ARGV[10])}
local month = {name = ARGV[11], from = tonumber(ARGV[12]), to = tonumber(ARGV[13])}
local asks_seeds = ARGV[14] == '1'

local function whole(number)
  -- Not '-0', which Redis takes for no number.
  return string.format('%.0f', number + 0)
end

-- Money -----------------------------------------------------------------------------------------

local function halves(text)
  return tonumber(string.sub(text, 1, -10)) or 0, tonumber(string.sub(text, -9)) or 0
end

local function is_more(one, other)
  local a, b = halves(one)
  local c, d = halves(other)
  return a > c or (a == c and b > d)
end

local function joined(high, low)
  if low < 0 then high, low = high - 1, low + 1e9 end
  if low >= 1e9 then high, low = high + 1, low - 1e9 end
  return string.format('%.0f%09.0f', high, low)
end

local function plus(one, other)
  local a, b = halves(one)
  local c, d = halves(other)
  return joined(a + c, b + d)
end

-- One less the other, as Redis takes it: without needless zeros.
local function difference(one, other)
  local sign = ''
  if is_more(other, one) then one, other, sign = other, one, '-' end
  local a, b = halves(one)
  local c, d = halves(other)
  return sign .. string.gsub(joined(a - c, b - d), '^0+(%d)', '%1')
end

-- Windows ---------------------------------------------------------------------------------------

local function window(key, span, grain)
  return {ticks = key, amounts = key .. 'a', span = span, grain = grain}
end

-- Rounded up, so that nothing is forgotten early.
local function tick(w)
  return math.floor((now + w.grain - 1) / w.grain) * w.grain
end

-- To be looked at before.
local function add(w, amount)
  local at = tick(w)
  local name = whole(at)
  w.sum = w.sum + amount
  if w.last == at then
    call('HINCRBY', w.amounts, name, whole(amount))
    call('HSET', w.amounts, 'sum', whole(w.sum))
    return
  end
  w.last = at
  call('RPUSH', w.ticks, name)
  call('HSET', w.amounts, name, whole(amount), 'sum', whole(w.sum))
  call('PEXPIRE', w.ticks, w.span + SPARE)
  call('PEXPIRE', w.amounts, w.span + SPARE)
end

local function drop(w, at)
  local amount = tonumber(call('HGET', w.amounts, at)) or 0
  call('HDEL', w.amounts, at)
  return amount
end

-- Forgets what is older than the span.
local function look(w)
  local first = call('LINDEX', w.ticks, 0)
  local dropped, ahead = 0, 0
  while first and tonumber(first) <= now - w.span do
    dropped = dropped + drop(w, call('LPOP', w.ticks))
    first = call('LINDEX', w.ticks, 0)
  end
  if not first then
    -- Also where one of the keys was lost: nothing may be counted for ever.
    call('DEL', w.amounts)
    w.sum, w.last = 0, 0
    return
  end
  -- The clock was set back: what seems to lie in the future was taken now.
  local latest, last = tick(w), call('LINDEX', w.ticks, -1)
  while last and tonumber(last) > latest do
    ahead = ahead + drop(w, call('RPOP', w.ticks))
    last = call('LINDEX', w.ticks, -1)
  end
  w.last = tonumber(last) or 0
  w.sum = math.max((tonumber(call('HGET', w.amounts, 'sum')) or 0) - dropped - ahead, 0)
  if ahead > 0 then
    add(w, ahead)
  elseif dropped > 0 then
    call('HSET', w.amounts, 'sum', whole(w.sum))
  end
end

-- How long until so much of what is in it has left it.
local function wait(w, amount)
  local freed, index = 0, 0
  local at = call('LINDEX', w.ticks, index)
  while at do
    freed = freed + (tonumber(call('HGET', w.amounts, at)) or 0)
    if freed >= amount then return tonumber(at) + w.span - now end
    index = index + 1
    at = call('LINDEX', w.ticks, index)
  end
  return math.max(w.last + w.span - now, 0)
end

local function reset(w)
  return w.sum > 0 and math.max(w.last + w.span - now, 0) or 0
end

local function take_back(w, at, amount)
  local left = tonumber(call('HGET', w.amounts, at))
  if left then
    local back = whole(-math.min(left, amount))
    call('HINCRBY', w.amounts, at, back)
    call('HINCRBY', w.amounts, 'sum', back)
  end
end

-- Subjects --------------------------------------------------------------------------------------

local function subject(number)
  local key, at = KEYS[number + 1], HEADER + (number - 1) * WIDTH
  local s = {calls = key .. ':c', money = key .. ':m', budgets = {}}
  s.count = tonumber(ARGV[at + 1])
  if s.count then s.requests = window(key .. ':r', tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])) end
  s.most_tokens = tonumber(ARGV[at + 4])
  if s.most_tokens then s.tokens = window(key .. ':t', MINUTE, 60) end
  s.most_calls = tonumber(ARGV[at + 5])
  if ARGV[at + 6] ~= '' then
    table.insert(s.budgets, {limit = ARGV[at + 6], period = day, seed = ARGV[at + 8], kind = 'day'})
  end
  if ARGV[at + 7] ~= '' then
    table.insert(s.budgets, {limit = ARGV[at + 7], period = month, seed = ARGV[at + 9], kind = 'month'})
  end
  return s
end

local function subjects()
  local all = {}
  for number = 1, #KEYS - 1 do all[number] = subject(number) end
  return all
end

-- Is there anything that a settlement would change?
local function is_lasting(s)
  return s.tokens or s.most_calls or #s.budgets > 0
end

-- What was spent or promised; none when nothing is known of this period.
local function spent(s, budget)
  local known = call('HGET', s.money, budget.period.name)
  if not known and budget.seed ~= '' then
    call('HSET', s.money, budget.period.name, budget.seed)
    call('PEXPIRE', s.money, month.to - now + 2 * 86400000)
    return budget.seed
  end
  return known
end

-- Forgets all periods of this kind but the latest two.
local function forget_old(s, name)
  local same = {}
  for _, other in ipairs(call('HKEYS', s.money)) do
    if #other == #name then table.insert(same, other) end
  end
  table.sort(same)
  for index = 1, #same - 2 do call('HDEL', s.money, same[index]) end
end

local function charge(s, budget)
  call('HINCRBY', s.money, budget.period.name, money)
  if budget.is_new then
    forget_old(s, budget.period.name)
    call('PEXPIRE', s.money, month.to - now + 2 * 86400000)
  end
end

-- Which limit is in the way for the longest, and for how long.
local function refusal(s)
  local limit, longest
  local function refuse(kind, time)
    if not longest or time > longest then limit, longest = kind, time end
  end
  if s.requests and requests > 0 then
    local excess = s.requests.sum + requests - s.count
    if excess > 0 then refuse('requests', wait(s.requests, excess)) end
  end
  if s.tokens and tokens > 0 then
    local excess = s.tokens.sum + tokens - s.most_tokens
    if excess > 0 then refuse('tokens', tokens > s.most_tokens and math.huge or wait(s.tokens, excess)) end
  end
  if s.most_calls and requests > 0 then
    call('ZREMRANGEBYSCORE', s.calls, '-inf', clock)
    -- Concurrency says nothing of when a call ends.
    if call('ZCARD', s.calls) >= s.most_calls then refuse('concurrency', 1000) end
  end
  for _, budget in ipairs(s.budgets) do
    if is_more(plus(budget.spent, money), budget.limit) then refuse(budget.kind, budget.period.to - now) end
  end
  return limit, longest
end

local function standing(all, reply)
  for _, s in ipairs(all) do
    for _, w in ipairs({s.requests or false, s.tokens or false}) do
      table.insert(reply, w and w.sum or -1)
      table.insert(reply, w and reset(w) or -1)
    end
  end
  return reply
end

local function look_at(s)
  if s.requests then look(s.requests) end
  if s.tokens then look(s.tokens) end
end

local function note(s)
  if s.requests and requests > 0 then add(s.requests, requests) end
  if s.tokens and tokens > 0 then add(s.tokens, tokens) end
  if s.most_calls and requests > 0 then
    call('ZADD', s.calls, clock + lease, id)
    call('PEXPIRE', s.calls, lease + SPARE)
  end
  for _, budget in ipairs(s.budgets) do charge(s, budget) end
end

-- What can be asked for ---------------------------------------------------------------------------

local steps = {}

-- Takes from all subjects or from none.
function steps.take()
  if now < day.from or now >= day.to or now < month.from or now >= month.to then return {'period', now} end
  if call('LINDEX', KEYS[1], 0) == 'over' then return {'over', now} end
  local all, unknown = subjects(), {'seed', now}
  local lasting = false
  for number, s in ipairs(all) do
    look_at(s)
    lasting = lasting or is_lasting(s)
    for _, budget in ipairs(s.budgets) do
      budget.spent = spent(s, budget)
      if not budget.spent and asks_seeds then
        table.insert(unknown, number - 1)
        table.insert(unknown, budget.kind)
      end
      budget.is_new = not budget.spent
      budget.spent = budget.spent or '0'
    end
  end
  if #unknown > 2 then return unknown end
  local whose, limit, longest
  for number, s in ipairs(all) do
    local kind, time = refusal(s)
    if kind and (not longest or time > longest) then whose, limit, longest = number, kind, time end
  end
  if whose then return {'refused', now, whose - 1, limit, longest == math.huge and -1 or longest} end
  for _, s in ipairs(all) do note(s) end
  if lasting then
    local at = math.floor((now + 59) / 60) * 60
    call('RPUSH', KEYS[1], table.concat({whole(at), day.name, month.name, whole(tokens), money}, ' '))
    call('PEXPIRE', KEYS[1], lease)
  end
  return standing(all, {'taken', now})
end

local function settle_part(s, part, used_tokens, used_money)
  if s.tokens then
    if used_tokens <= part.tokens then
      take_back(s.tokens, part.at, part.tokens - used_tokens)
    else
      look(s.tokens)
      add(s.tokens, used_tokens - part.tokens)
    end
  end
  for _, budget in ipairs(s.budgets) do
    local name = budget.kind == 'day' and part.day or part.month
    local more = difference(used_money, part.money)
    -- What Redis has forgotten is not begun anew by what is given back.
    if more ~= '0' and call('HEXISTS', s.money, name) == 1 then
      if call('HINCRBY', s.money, name, more) < 0 then call('HSET', s.money, name, '0') end
    end
  end
end

-- Puts what was used in the place of what was taken; does nothing the second time.
function steps.settle()
  local parts = call('LRANGE', KEYS[1], 0, -1)
  local all = subjects()
  for _, s in ipairs(all) do call('ZREM', s.calls, id) end
  call('DEL', KEYS[1])
  if #parts == 0 or parts[1] == 'over' then
    -- Perhaps what it settles is still on the way.
    call('RPUSH', KEYS[1], 'over')
    call('PEXPIRE', KEYS[1], lease)
    return {'over', now}
  end
  local left_tokens, left_money = tokens, money
  for number, text in ipairs(parts) do
    local part = {}
    part.at, part.day, part.month, part.tokens, part.money = string.match(text, '^(%S+) (%S+) (%S+) (%S+) (%S+)$')
    part.tokens = tonumber(part.tokens)
    local used_tokens, used_money = left_tokens, left_money
    if number < #parts then
      used_tokens = math.min(left_tokens, part.tokens)
      if is_more(left_money, part.money) then used_money = part.money end
    end
    left_tokens = left_tokens - used_tokens
    left_money = difference(left_money, used_money)
    for _, s in ipairs(all) do settle_part(s, part, used_tokens, used_money) end
  end
  return {'settled', now}
end

-- A call under way is still under way.
function steps.renew()
  if call('PEXPIRE', KEYS[1], lease) == 0 then return {'over', now} end
  for _, s in ipairs(subjects()) do
    if s.most_calls then
      call('ZADD', s.calls, clock + lease, id)
      call('PEXPIRE', s.calls, lease + SPARE)
    end
  end
  return {'renewed', now}
end

function steps.look()
  local all = subjects()
  for _, s in ipairs(all) do look_at(s) end
  return standing(all, {'standing', now})
end

-- What each subject has used: as its standing, then calls under way, then the money of the day and the month.
function steps.use()
  if now < day.from or now >= day.to or now < month.from or now >= month.to then return {'period', now} end
  local reply = {'used', now}
  for _, s in ipairs(subjects()) do
    look_at(s)
    standing({s}, reply)
    if s.most_calls then call('ZREMRANGEBYSCORE', s.calls, '-inf', clock) end
    table.insert(reply, s.most_calls and call('ZCARD', s.calls) or -1)
    local known = {day = '', month = ''}
    for _, budget in ipairs(s.budgets) do known[budget.kind] = call('HGET', s.money, budget.period.name) or '' end
    table.insert(reply, known.day)
    table.insert(reply, known.month)
  end
  return reply
end

return steps[ARGV[1]]()
