"""What the counters do inside Redis: each script runs whole, by the server's clock, and once for each reservation.

A scope is a hash: `newest`, `spent` and `held` of a window of the calendar; `b<number>` for each slice of one that
rolls; `full`, when a bucket is full, in milliseconds; `running`. Amounts travel as text: Lua's numbers are exact up to
2^53, which the largest budget is below, but its JSON is not.
"""

from __future__ import annotations

from typing import Final

__all__ = ["CHARGE", "RESERVE", "SETTLE", "SWEEP"]

_COMMON: Final = """
local function clock(shift)
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000) + tonumber(shift)
end
local function number(key, field)
  return tonumber(redis.call('HGET', key, field) or '0')
end
local function whole(value)
  return string.format('%.0f', value)
end
-- What is spent in the slices of a window that rolls; those that no longer count are dropped.
local function slices(key, oldest)
  local sum = 0
  local all = redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    if string.sub(all[i], 1, 1) == 'b' then
      if tonumber(string.sub(all[i], 2)) < oldest then redis.call('HDEL', key, all[i])
      else sum = sum + tonumber(all[i + 1]) end
    end
  end
  return sum
end
local function close(at, name, held, used)
  for _, c in ipairs(held.claims) do
    local a = tonumber(c.a)
    local u = a
    if used and c.u ~= 'requests' then u = tonumber(used[c.u]) elseif used and used.released then u = 0 end
    if c.m == 'w' then
      local newest = number(c.k, 'newest')
      if c.r == 0 then
        if c.id == newest then
          redis.call('HINCRBY', c.k, 'held', whole(-a))
          redis.call('HINCRBY', c.k, 'spent', whole(u))
        end
      else
        redis.call('HINCRBY', c.k, 'held', whole(-a))
        if c.id >= newest - c.r then redis.call('HINCRBY', c.k, 'b' .. whole(c.id), whole(u)) end
      end
    elseif c.m == 'b' then
      local full = math.max(number(c.k, 'full'), at)
      local per = tonumber(c.f) / tonumber(c.l)
      if u < a then full = full - math.max(0, (a - u) * per - math.max(0, at - tonumber(held.at)))
      else full = full + (u - a) * per end
      redis.call('HSET', c.k, 'full', string.format('%.3f', full))
    else
      redis.call('HINCRBY', c.k, 'running', -1)
    end
  end
end
"""

RESERVE: Final = (
    _COMMON
    + """
local at = clock(ARGV[2])
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return cjson.encode({err = 'epoch', now = whole(at)}) end
if redis.call('EXISTS', KEYS[3]) == 1 then return cjson.encode({again = true, now = whole(at)}) end
local claims = cjson.decode(ARGV[4])
local denied, would, spents = {}, {}, {}
for i, c in ipairs(claims) do
  local key, a, limit, why, wait = KEYS[3 + i], tonumber(c.a), tonumber(c.l), nil, nil
  c.k = key
  if c.m == 'w' then
    local w = c.w[1]
    if at >= w[2] then w = c.w[2] end
    if at >= w[2] then return cjson.encode({err = 'late', now = whole(at)}) end
    local newest = number(key, 'newest')
    c.id = math.max(w[1], newest)
    c.ends = w[2]
    c.is_new = c.id > newest
    local spent, held = number(key, 'spent'), number(key, 'held')
    if c.r > 0 then spent = slices(key, c.id - c.r) elseif c.is_new then spent, held = 0, 0 end
    spents[#spents + 1] = {c.s, whole(spent)}
    if a > limit then why = 'too_large'
    elseif spent + held + a > limit then
      if spent + a <= limit then why, wait = 'held', 1000 else why, wait = 'spent', math.max(1, w[2] - at) end
    end
  elseif c.m == 'b' then
    local after = math.max(number(key, 'full'), at) + a * tonumber(c.f) / limit
    c.after = string.format('%.3f', after)
    if a > limit then why = 'too_large'
    elseif after - at - tonumber(c.f) > 0.001 then why, wait = 'spent', math.ceil(after - at - tonumber(c.f)) end
  elseif number(key, 'running') + 1 > limit then
    why, wait = 'busy', 1000
  end
  if why then
    local row = {c.s, why, wait or -1}
    if c.e == 1 then denied[#denied + 1] = row else would[#would + 1] = row end
  end
end
if #denied > 0 then return cjson.encode({denied = denied, now = whole(at), spent = spents}) end
local kept = {}
for i, c in ipairs(claims) do
  local ttl = 172800000
  if c.m == 'w' then
    if c.r == 0 and c.is_new then redis.call('HSET', c.k, 'spent', '0', 'held', '0') end
    if c.is_new then redis.call('HSET', c.k, 'newest', whole(c.id)) end
    redis.call('HINCRBY', c.k, 'held', c.a)
    ttl = ttl + c.ends - at + tonumber(c.t)
  elseif c.m == 'b' then
    redis.call('HSET', c.k, 'full', c.after)
  else
    redis.call('HINCRBY', c.k, 'running', 1)
  end
  redis.call('PEXPIRE', c.k, whole(ttl))
  kept[i] = {k = c.k, m = c.m, a = c.a, l = c.l, u = c.u, f = c.f, r = c.r, id = c.id}
end
redis.call('SET', KEYS[3], cjson.encode({claims = kept, at = whole(at)}), 'PX', whole(tonumber(ARGV[3]) + 172800000))
redis.call('ZADD', KEYS[2], whole(at + tonumber(ARGV[3])), ARGV[5])
return cjson.encode({would = would, now = whole(at), spent = spents})
"""
)

SETTLE: Final = (
    _COMMON
    + """
local at = clock(ARGV[1])
local text = redis.call('GET', KEYS[2])
if not text then return 0 end
local held = cjson.decode(text)
if held.ended then return 0 end
close(at, ARGV[2], held, cjson.decode(ARGV[3]))
redis.call('SET', KEYS[2], '{"ended":true}', 'KEEPTTL')
redis.call('ZREM', KEYS[1], ARGV[2])
return 1
"""
)

SWEEP: Final = (
    _COMMON
    + """
local at = clock(ARGV[1])
local lost = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', whole(at), 'LIMIT', 0, 100)
for _, name in ipairs(lost) do
  local key = ARGV[2] .. name
  local text = redis.call('GET', key)
  if text then
    local held = cjson.decode(text)
    if not held.ended then close(at, name, held, nil) end
    redis.call('SET', key, '{"ended":true}', 'KEEPTTL')
  end
  redis.call('ZREM', KEYS[1], name)
end
return lost
"""
)

CHARGE: Final = """
-- What one gateway spent before this epoch, once: KEYS are the scopes, ARGV its name and a row for each scope.
if redis.call('SADD', KEYS[1], ARGV[1]) == 0 then return 0 end
for i = 2, #KEYS do
  local row = cjson.decode(ARGV[i])
  local newest = tonumber(redis.call('HGET', KEYS[i], 'newest') or '0')
  if row.r > 0 then
    redis.call('HINCRBY', KEYS[i], 'b' .. string.format('%.0f', row.id), row.a)
    if row.newest > newest then redis.call('HSET', KEYS[i], 'newest', string.format('%.0f', row.newest)) end
  elseif row.id > newest then
    redis.call('HSET', KEYS[i], 'newest', string.format('%.0f', row.id), 'spent', row.a, 'held', '0')
  elseif row.id == newest then
    redis.call('HINCRBY', KEYS[i], 'spent', row.a)
  end
  redis.call('PEXPIRE', KEYS[i], row.ttl)
end
return 1
"""
