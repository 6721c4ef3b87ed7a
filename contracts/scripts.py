"""The atomic steps of a job's life, as Lua for Redis >= 6.2. ``ARGV[1]`` is the key prefix of all of them.

Everything a running worker writes is fenced by the attempt number: a worker that lost its lease publishes nothing.
"""

from __future__ import annotations

_HEAD = """
local P = ARGV[1]
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1e6
local function job_key(id) return P .. 'job:' .. id end
"""

# Ends a job in every set it may stand in, and tells the bots.
_CLOSE = """
local function close(id, state, outcome, record_ttl)
  local key = job_key(id)
  local known = redis.call('HMGET', key, 'route', 'user')
  redis.call('ZREM', P .. 'waiting:' .. known[1], id)
  redis.call('ZREM', P .. 'user:' .. known[2], id)
  for _, name in ipairs({'open', 'sent', 'deadlines', 'leases'}) do redis.call('ZREM', P .. name, id) end
  redis.call('HSET', key, 'state', state, 'ended_at', now)
  if outcome ~= '' then redis.call('HSET', key, 'outcome', outcome) end
  redis.call('HDEL', key, 'progress')
  redis.call('EXPIRE', key, record_ttl)
  redis.call('XADD', P .. 'events', 'MAXLEN', '~', 100000, '*', 'id', id)
end
"""

_REQUEUE = """
local function requeue(id)
  local key = job_key(id)
  local known = redis.call('HMGET', key, 'route', 'order', 'deadline')
  redis.call('HSET', key, 'state', 'queued')
  redis.call('HDEL', key, 'progress')
  redis.call('ZREM', P .. 'leases', id)
  redis.call('ZADD', P .. 'waiting:' .. known[1], known[2], id)
  redis.call('ZADD', P .. 'deadlines', known[3], id)
  redis.call('SADD', P .. 'routes', known[1])
  return known[1]
end
"""

# id, route, user, record, deadline, waiting_per_user, waiting_in_all -> 'ok' | 'duplicate' | 'yours' | 'full'
SUBMIT = (
    _HEAD
    + """
local id, route, user, record, deadline = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
if redis.call('EXISTS', job_key(id)) == 1 then return 'duplicate' end
if redis.call('ZCARD', P .. 'user:' .. user) >= tonumber(ARGV[7]) then return 'yours' end
if redis.call('ZCARD', P .. 'open') >= tonumber(ARGV[8]) then return 'full' end
local order = redis.call('INCR', P .. 'order')
redis.call('HSET', job_key(id), 'record', record, 'route', route, 'user', user, 'state', 'queued', 'attempt', 0, 'crashes', 0,
  'order', order, 'deadline', deadline)
redis.call('ZADD', P .. 'waiting:' .. route, order, id)
redis.call('ZADD', P .. 'user:' .. user, order, id)
redis.call('ZADD', P .. 'open', order, id)
redis.call('ZADD', P .. 'sent', now, id)
redis.call('ZADD', P .. 'deadlines', deadline, id)
redis.call('SADD', P .. 'routes', route)
return 'ok'
"""
)

# id, worker, lease -> false | {record, attempt}
CLAIM = (
    _HEAD
    + """
local id = ARGV[2]
local known = redis.call('HMGET', job_key(id), 'state', 'record', 'route')
if known[1] ~= 'queued' then return false end
local attempt = redis.call('HINCRBY', job_key(id), 'attempt', 1)
redis.call('HSET', job_key(id), 'state', 'running', 'worker', ARGV[3], 'started_at', now)
redis.call('ZREM', P .. 'waiting:' .. known[3], id)
redis.call('ZREM', P .. 'sent', id)
redis.call('ZREM', P .. 'deadlines', id)
redis.call('ZADD', P .. 'leases', now + tonumber(ARGV[4]), id)
return {known[2], attempt}
"""
)

# lease, then id, attempt, progress for each running job -> 'ok' | 'cancel' | 'lost' for each
HEARTBEAT = (
    _HEAD
    + """
local lease, answers = tonumber(ARGV[2]), {}
for i = 3, #ARGV, 3 do
  local id, attempt, progress = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local known = redis.call('HMGET', job_key(id), 'state', 'attempt', 'cancel')
  if known[1] ~= 'running' or known[2] ~= attempt then
    answers[#answers + 1] = 'lost'
  else
    redis.call('ZADD', P .. 'leases', now + lease, id)
    if progress ~= '' then redis.call('HSET', job_key(id), 'progress', progress) end
    answers[#answers + 1] = known[3] and 'cancel' or 'ok'
  end
end
return answers
"""
)

# id, attempt, state, outcome, file_ttl, record_ttl, cost, files... -> 1 | 0
FINISH = (
    _HEAD
    + _CLOSE
    + """
local id, cost = ARGV[2], tonumber(ARGV[8])
local known = redis.call('HMGET', job_key(id), 'state', 'attempt', 'route')
if known[1] ~= 'running' or known[2] ~= ARGV[3] then return 0 end
if #ARGV > 8 then
  redis.call('RPUSH', P .. 'files:' .. id, unpack(ARGV, 9))
  redis.call('EXPIRE', P .. 'files:' .. id, ARGV[6])
end
if cost > 0 then
  local mean = tonumber(redis.call('HGET', P .. 'cost', known[3]) or cost)
  redis.call('HSET', P .. 'cost', known[3], 0.8 * mean + 0.2 * cost)
end
close(id, ARGV[4], ARGV[5], ARGV[7])
return 1
"""
)

# id, attempt -> 1 | 0
RELEASE = (
    _HEAD
    + _REQUEUE
    + """
local id = ARGV[2]
local known = redis.call('HMGET', job_key(id), 'state', 'attempt')
if known[1] ~= 'running' or known[2] ~= ARGV[3] then return 0 end
requeue(id)
redis.call('ZADD', P .. 'sent', 0, id)
return 1
"""
)

# id, record_ttl -> false | state from before
CANCEL = (
    _HEAD
    + _CLOSE
    + """
local id = ARGV[2]
local state = redis.call('HGET', job_key(id), 'state')
if state == 'queued' then close(id, 'cancelled', '', ARGV[3])
elseif state == 'running' then redis.call('HSET', job_key(id), 'cancel', 1) end
return state
"""
)

# max_crashes, resend_seconds, record_ttl, lost_outcome, late_outcome, then route, backlog for each
# -> {requeued, given_up, expired, {id, route, ...} to send again}
RECOVER = (
    _HEAD
    + _CLOSE
    + _REQUEUE
    + """
local requeued, given_up, expired, resend = {}, {}, {}, {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'leases', '-inf', now, 'LIMIT', 0, 200)) do
  local crashes = redis.call('HINCRBY', job_key(id), 'crashes', 1)
  if redis.call('HGET', job_key(id), 'cancel') then
    close(id, 'cancelled', '', ARGV[4]); given_up[#given_up + 1] = id
  elseif crashes >= tonumber(ARGV[2]) then
    close(id, 'failed', ARGV[5], ARGV[4]); given_up[#given_up + 1] = id
  else
    local route = requeue(id)
    redis.call('ZADD', P .. 'sent', now, id)
    requeued[#requeued + 1] = id
    resend[#resend + 1] = id; resend[#resend + 1] = route
  end
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'deadlines', '-inf', now, 'LIMIT', 0, 200)) do
  close(id, 'expired', ARGV[6], ARGV[4]); expired[#expired + 1] = id
end
for i = 7, #ARGV, 2 do
  local route, backlog = ARGV[i], tonumber(ARGV[i + 1])
  if backlog == 0 then
    for _, id in ipairs(redis.call('ZRANGE', P .. 'waiting:' .. route, 0, 199)) do
      local sent = tonumber(redis.call('ZSCORE', P .. 'sent', id) or 0)
      if sent < now - tonumber(ARGV[3]) then
        redis.call('ZADD', P .. 'sent', now, id)
        resend[#resend + 1] = id; resend[#resend + 1] = route
      end
    end
  end
end
return {requeued, given_up, expired, resend}
"""
)

# ids... -> {state, rank, cost, progress, cancel, route} for each; false for one that is not there
SNAPSHOTS = (
    _HEAD
    + """
local answers = {}
for i = 2, #ARGV do
  local known = redis.call('HMGET', job_key(ARGV[i]), 'state', 'route', 'progress', 'cancel')
  if not known[1] then answers[#answers + 1] = false
  else
    local rank = redis.call('ZRANK', P .. 'waiting:' .. known[2], ARGV[i])
    local cost = redis.call('HGET', P .. 'cost', known[2])
    answers[#answers + 1] = {known[1], rank or -1, cost or '', known[3] or '', known[4] or '', known[2]}
  end
end
return answers
"""
)

# worker, announcement, then name, card for each of its models -> nothing
ANNOUNCE = (
    _HEAD
    + """
redis.call('ZADD', P .. 'workers', now, ARGV[2])
redis.call('HSET', P .. 'announcements', ARGV[2], ARGV[3])
if #ARGV > 3 then redis.call('HSET', P .. 'cards', unpack(ARGV, 4)) end
"""
)

# ttl -> announcements of the live workers; the others are forgotten
WORKERS = (
    _HEAD
    + """
local gone = redis.call('ZRANGEBYSCORE', P .. 'workers', '-inf', '(' .. (now - tonumber(ARGV[2])))
for _, worker in ipairs(gone) do
  redis.call('ZREM', P .. 'workers', worker)
  redis.call('HDEL', P .. 'announcements', worker)
end
return redis.call('HVALS', P .. 'announcements')
"""
)
