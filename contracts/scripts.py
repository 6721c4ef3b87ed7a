"""The atomic steps of a job's life, as Lua for Redis >= 6.2. ``ARGV[1]`` is the key prefix of all of them.

``ARGV[2]`` of those that may dispatch jobs is the envelope of their Celery messages; it is empty where another broker than this Redis carries
them, and the script then returns what is to be sent. Everything a running worker writes is fenced by the attempt number: a worker that lost
its lease publishes nothing.
"""

from __future__ import annotations

from contracts.fairness import ARRIVAL
from contracts.routes import QUEUE_PREFIX

_HEAD = """
local P = ARGV[1]
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1e6
local function job_key(id) return P .. 'job:' .. id end
"""

# The line of one route: see contracts.fairness, whose steps these are.
_FAIR = """
local function flow_enter(starts, finished, clock, name)
  if redis.call('ZSCORE', starts, name) then return end
  local now_v = tonumber(redis.call('HGET', P .. 'virtual', clock) or 0) + ARRIVAL
  redis.call('HSET', P .. 'virtual', clock, now_v)
  local tag = tonumber(redis.call('ZSCORE', finished, name) or 0)
  redis.call('ZREM', finished, name)
  redis.call('ZADD', starts, math.max(now_v, tag), name)
end
local function flow_leave(starts, finished, clock, name, tag)
  tag = tag or redis.call('ZSCORE', starts, name)
  redis.call('ZREM', starts, name)
  redis.call('ZADD', finished, tag, name)
  if redis.call('ZCARD', starts) == 0 then
    redis.call('DEL', finished)
    redis.call('HDEL', P .. 'virtual', clock)
  end
end
local function flow_served(starts, finished, clock, name, cost, more)
  local start = tonumber(redis.call('ZSCORE', starts, name))
  redis.call('HSET', P .. 'virtual', clock, math.max(start, tonumber(redis.call('HGET', P .. 'virtual', clock) or 0)))
  redis.call('ZREMRANGEBYSCORE', finished, '-inf', start)
  if more then redis.call('ZADD', starts, start + cost, name)
  else flow_leave(starts, finished, clock, name, start + cost) end
end
local function fair_keys(route, server)
  local outer, inner = route, route .. ':' .. server
  return P .. 'fair:' .. outer, P .. 'finished:' .. outer, outer, P .. 'fair:' .. inner, P .. 'finished:' .. inner, inner
end
local function line_key(route, server, user) return P .. 'line:' .. route .. ':' .. server .. ':' .. user end
local function line_enter(route, server, user, id, order)
  local starts, finished, clock, starts_u, finished_u, clock_u = fair_keys(route, server)
  redis.call('ZADD', line_key(route, server, user), order, id)
  flow_enter(starts_u, finished_u, clock_u, user)
  flow_enter(starts, finished, clock, server)
end
local function line_take(route)
  local server = redis.call('ZRANGE', P .. 'fair:' .. route, 0, 0)[1]
  if not server then return nil end
  local starts, finished, clock, starts_u, finished_u, clock_u = fair_keys(route, server)
  local user = redis.call('ZRANGE', starts_u, 0, 0)[1]
  local line = line_key(route, server, user)
  local id = redis.call('ZRANGE', line, 0, 0)[1]
  redis.call('ZREM', line, id)
  local known = redis.call('HMGET', job_key(id), 'size', 'weight')
  local share = tonumber(redis.call('HGET', P .. 'shares', server) or 1)
  flow_served(starts_u, finished_u, clock_u, user, tonumber(known[1]) / tonumber(known[2]), redis.call('ZCARD', line) > 0)
  flow_served(starts, finished, clock, server, tonumber(known[1]) / share, redis.call('ZCARD', starts_u) > 0)
  return id
end
local function line_remove(route, server, user, id)
  local line = line_key(route, server, user)
  if redis.call('ZREM', line, id) == 0 or redis.call('ZCARD', line) > 0 then return end
  local starts, finished, clock, starts_u, finished_u, clock_u = fair_keys(route, server)
  flow_leave(starts_u, finished_u, clock_u, user)
  if redis.call('ZCARD', starts_u) == 0 then flow_leave(starts, finished, clock, server) end
end
local function pairs_of(key)
  local flat, rows = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES'), {}
  for i = 1, #flat, 2 do rows[#rows + 1] = {name = flat[i], start = tonumber(flat[i + 1])} end
  return rows
end
local function first_of(rows)
  local best = 1
  for i = 2, #rows do
    local a, b = rows[i], rows[best]
    if a.start < b.start or (a.start == b.start and a.name < b.name) then best = i end
  end
  return best
end
-- the places of the waiting jobs, as they would be taken if nobody else came
local function line_ranks(route, limit)
  local servers, ranks = pairs_of(P .. 'fair:' .. route), {}
  for _, server in ipairs(servers) do
    server.share = tonumber(redis.call('HGET', P .. 'shares', server.name) or 1)
    server.users = pairs_of(P .. 'fair:' .. route .. ':' .. server.name)
    for _, user in ipairs(server.users) do
      user.line, user.at = redis.call('ZRANGE', line_key(route, server.name, user.name), 0, limit - 1), 1
    end
  end
  for rank = 0, limit - 1 do
    if #servers == 0 then break end
    local s = first_of(servers)
    local server = servers[s]
    local u = first_of(server.users)
    local user = server.users[u]
    local id = user.line[user.at]
    ranks[id] = rank
    local known = redis.call('HMGET', job_key(id), 'size', 'weight')
    user.start, user.at = user.start + tonumber(known[1]) / tonumber(known[2]), user.at + 1
    server.start = server.start + tonumber(known[1]) / server.share
    if not user.line[user.at] then table.remove(server.users, u) end
    if #server.users == 0 then table.remove(servers, s) end
  end
  return ranks
end
""".replace("ARRIVAL", str(ARRIVAL))

# Takes the jobs whose turn it is out of the line, and writes their messages where this Redis is the broker.
_TURNS = """
local ENVELOPE, unsent = ARGV[2], {}
local function send(id, route)
  if ENVELOPE == '' then unsent[#unsent + 1] = id; unsent[#unsent + 1] = route; return end
  local values = {JOB = id, ROUTE = route, TAG = id .. ':' .. redis.call('INCR', P .. 'messages')}
  redis.call('LPUSH', QUEUES .. route, (string.gsub(ENVELOPE, '@(%u+)@', values)))
end
local function room(route, oldest)
  local held = redis.call('HGETALL', P .. 'serving:' .. route)
  local total = 0
  for i = 1, #held, 2 do
    if tonumber(redis.call('ZSCORE', P .. 'workers', held[i]) or 0) >= oldest then total = total + tonumber(held[i + 1])
    else redis.call('HDEL', P .. 'serving:' .. route, held[i]) end
  end
  return total - redis.call('ZCARD', P .. 'sent:' .. route) - redis.call('SCARD', P .. 'running:' .. route)
end
local function take_turns(route, worker_ttl, at_most)
  if redis.call('EXISTS', P .. 'fair:' .. route) == 0 then return 0 end
  local count = math.min(room(route, now - worker_ttl), at_most)
  for i = 1, count do
    local id = line_take(route)
    if not id then return i - 1 end
    local turn = redis.call('INCR', P .. 'turns')
    redis.call('HSET', job_key(id), 'turn', turn, 'sent_at', now)
    redis.call('ZADD', P .. 'sent:' .. route, turn, id)
    send(id, route)
  end
  return math.max(count, 0)
end
""".replace("QUEUES", f"'{QUEUE_PREFIX}'")

# Ends a job in every set it may stand in, and tells the bots.
_CLOSE = """
local function close(id, state, outcome, record_ttl)
  local key = job_key(id)
  local known = redis.call('HMGET', key, 'route', 'user', 'server')
  line_remove(known[1], known[3], known[2], id)
  redis.call('ZREM', P .. 'sent:' .. known[1], id)
  redis.call('SREM', P .. 'running:' .. known[1], id)
  redis.call('ZREM', P .. 'user:' .. known[2], id)
  redis.call('ZREM', P .. 'server:' .. known[3], id)
  for _, name in ipairs({'open', 'deadlines', 'leases'}) do redis.call('ZREM', P .. name, id) end
  redis.call('HSET', key, 'state', state, 'ended_at', now)
  if outcome ~= '' then redis.call('HSET', key, 'outcome', outcome) end
  redis.call('HDEL', key, 'progress')
  redis.call('EXPIRE', key, record_ttl)
  redis.call('XADD', P .. 'events', 'MAXLEN', '~', 100000, '*', 'id', id)
end
"""

_REQUEUE = """
local function requeue(id, sent_at)
  local key = job_key(id)
  local known = redis.call('HMGET', key, 'route', 'turn', 'deadline')
  redis.call('HSET', key, 'state', 'queued', 'sent_at', sent_at)
  redis.call('HDEL', key, 'progress')
  redis.call('ZREM', P .. 'leases', id)
  redis.call('SREM', P .. 'running:' .. known[1], id)
  redis.call('ZADD', P .. 'sent:' .. known[1], known[2], id)
  redis.call('ZADD', P .. 'deadlines', known[3], id)
  return known[1]
end
"""

# envelope, worker_ttl, at_most, id, route, server, user, record, deadline, size, weight, per_user, per_server, in_all
# -> 'ok' | 'duplicate' | 'yours' | 'server' | 'full'
SUBMIT = (
    _HEAD
    + _FAIR
    + _TURNS
    + """
local id, route, server, user, record, deadline = ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]
if redis.call('EXISTS', job_key(id)) == 1 then return 'duplicate' end
if redis.call('ZCARD', P .. 'user:' .. user) >= tonumber(ARGV[13]) then return 'yours' end
if redis.call('ZCARD', P .. 'server:' .. server) >= tonumber(ARGV[14]) then return 'server' end
if redis.call('ZCARD', P .. 'open') >= tonumber(ARGV[15]) then return 'full' end
local order = redis.call('INCR', P .. 'order')
redis.call('HSET', job_key(id), 'record', record, 'route', route, 'server', server, 'user', user, 'size', ARGV[11], 'weight', ARGV[12],
  'state', 'queued', 'attempt', 0, 'crashes', 0, 'deadline', deadline, 'submitted_at', now)
line_enter(route, server, user, id, order)
redis.call('ZADD', P .. 'user:' .. user, order, id)
redis.call('ZADD', P .. 'server:' .. server, order, id)
redis.call('ZADD', P .. 'open', order, id)
redis.call('ZADD', P .. 'deadlines', deadline, id)
redis.call('SADD', P .. 'routes', route)
if ENVELOPE ~= '' then take_turns(route, tonumber(ARGV[3]), tonumber(ARGV[4])) end
return 'ok'
"""
)

# envelope, worker_ttl, at_most, routes... -> {id, route, ...} whose messages are to be sent: as many as the live workers still have room for
DISPATCH = (
    _HEAD
    + _FAIR
    + _TURNS
    + """
local left = tonumber(ARGV[4])
for i = 5, #ARGV do left = left - take_turns(ARGV[i], tonumber(ARGV[3]), left) end
return unsent
"""
)

# id, worker, lease -> false | {record, attempt}
CLAIM = (
    _HEAD
    + _FAIR
    + """
local id = ARGV[2]
local known = redis.call('HMGET', job_key(id), 'state', 'record', 'route', 'server', 'user', 'turn')
if known[1] ~= 'queued' then return false end
local attempt = redis.call('HINCRBY', job_key(id), 'attempt', 1)
redis.call('HSET', job_key(id), 'state', 'running', 'worker', ARGV[3], 'started_at', now)
if not known[6] then
  line_remove(known[3], known[4], known[5], id)
  redis.call('HSET', job_key(id), 'turn', redis.call('INCR', P .. 'turns'))
end
redis.call('ZREM', P .. 'sent:' .. known[3], id)
redis.call('SADD', P .. 'running:' .. known[3], id)
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

# envelope, worker_ttl, at_most, id, attempt, state, outcome, file_ttl, record_ttl, cost, files... -> 1 | 0
FINISH = (
    _HEAD
    + _FAIR
    + _TURNS
    + _CLOSE
    + """
local id, cost = ARGV[5], tonumber(ARGV[11])
local known = redis.call('HMGET', job_key(id), 'state', 'attempt', 'route', 'size')
if known[1] ~= 'running' or known[2] ~= ARGV[6] then return 0 end
if #ARGV > 11 then
  redis.call('RPUSH', P .. 'files:' .. id, unpack(ARGV, 12))
  redis.call('EXPIRE', P .. 'files:' .. id, ARGV[9])
end
if cost > 0 then
  for field, seconds in pairs({[known[3]] = cost, [known[3] .. ':unit'] = cost / tonumber(known[4])}) do
    local mean = tonumber(redis.call('HGET', P .. 'cost', field) or seconds)
    redis.call('HSET', P .. 'cost', field, 0.8 * mean + 0.2 * seconds)
  end
end
close(id, ARGV[7], ARGV[8], ARGV[10])
if ENVELOPE ~= '' then take_turns(known[3], tonumber(ARGV[3]), tonumber(ARGV[4])) end
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
requeue(id, 0)
return 1
"""
)

# id, record_ttl -> false | state from before
CANCEL = (
    _HEAD
    + _FAIR
    + _CLOSE
    + """
local id = ARGV[2]
local state = redis.call('HGET', job_key(id), 'state')
if state == 'queued' then close(id, 'cancelled', '', ARGV[3])
elseif state == 'running' then redis.call('HSET', job_key(id), 'cancel', 1) end
return state
"""
)

# envelope, lease, max_crashes, resend_seconds, record_ttl, lost_outcome, late_outcome, then route, backlog for each
# -> {requeued, given_up, expired, number of messages sent again, {id, route, ...} whose messages are to be sent again}
RECOVER = (
    _HEAD
    + _FAIR
    + _TURNS
    + _CLOSE
    + _REQUEUE
    + """
local requeued, given_up, expired, again = {}, {}, {}, 0
-- a lease that ends later than any new one was written before the clock was set back
for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'leases', '(' .. (now + tonumber(ARGV[3])), '+inf', 'LIMIT', 0, 200)) do
  redis.call('ZADD', P .. 'leases', now + tonumber(ARGV[3]), id)
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'leases', '-inf', now, 'LIMIT', 0, 200)) do
  local crashes = redis.call('HINCRBY', job_key(id), 'crashes', 1)
  if redis.call('HGET', job_key(id), 'cancel') then
    close(id, 'cancelled', '', ARGV[6]); given_up[#given_up + 1] = id
  elseif crashes >= tonumber(ARGV[4]) then
    close(id, 'failed', ARGV[7], ARGV[6]); given_up[#given_up + 1] = id
  else
    local route = requeue(id, now)
    requeued[#requeued + 1] = id
    send(id, route)
    again = again + 1
  end
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'deadlines', '-inf', now, 'LIMIT', 0, 200)) do
  close(id, 'expired', ARGV[8], ARGV[6]); expired[#expired + 1] = id
end
for i = 9, #ARGV, 2 do
  local route, backlog = ARGV[i], tonumber(ARGV[i + 1])
  if backlog == 0 then
    for _, id in ipairs(redis.call('ZRANGE', P .. 'sent:' .. route, 0, 199)) do
      local sent = tonumber(redis.call('HGET', job_key(id), 'sent_at') or 0)
      if sent < now - tonumber(ARGV[5]) or sent > now then  -- the latter: sent before the clock was set back
        redis.call('HSET', job_key(id), 'sent_at', now)
        send(id, route)
        again = again + 1
      end
    end
  end
end
return {requeued, given_up, expired, again, unsent}
"""
)

# limit, ids... -> {state, rank, cost, progress, cancel, route} for each; false for one that is not there
SNAPSHOTS = (
    _HEAD
    + _FAIR
    + """
local answers, ranks, limit = {}, {}, tonumber(ARGV[2])
local function rank_of(id, route)
  local sent = redis.call('ZRANK', P .. 'sent:' .. route, id)
  if sent then return sent end
  ranks[route] = ranks[route] or line_ranks(route, limit)
  return redis.call('ZCARD', P .. 'sent:' .. route) + (ranks[route][id] or limit)
end
for i = 3, #ARGV do
  local known = redis.call('HMGET', job_key(ARGV[i]), 'state', 'route', 'progress', 'cancel')
  if not known[1] then answers[#answers + 1] = false
  else
    local rank = known[1] == 'queued' and rank_of(ARGV[i], known[2]) or -1
    local cost = redis.call('HGET', P .. 'cost', known[2])
    answers[#answers + 1] = {known[1], rank, cost or '', known[3] or '', known[4] or '', known[2]}
  end
end
return answers
"""
)

# worker, announcement, then name, card, jobs that it can hold, for each of its models -> nothing
ANNOUNCE = (
    _HEAD
    + """
redis.call('ZADD', P .. 'workers', now, ARGV[2])
redis.call('HSET', P .. 'announcements', ARGV[2], ARGV[3])
for i = 4, #ARGV, 3 do
  redis.call('HSET', P .. 'cards', ARGV[i], ARGV[i + 1])
  redis.call('HSET', P .. 'serving:' .. ARGV[i], ARGV[2], ARGV[i + 2])
end
"""
)

# ttl -> announcements of the live workers; the others are forgotten
WORKERS = (
    _HEAD
    + """
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', P .. 'workers', '(' .. now, '+inf')) do
  redis.call('ZADD', P .. 'workers', now, worker)  -- announced before the clock was set back
end
local gone = redis.call('ZRANGEBYSCORE', P .. 'workers', '-inf', '(' .. (now - tonumber(ARGV[2])))
for _, worker in ipairs(gone) do
  redis.call('ZREM', P .. 'workers', worker)
  redis.call('HDEL', P .. 'announcements', worker)
end
return redis.call('HVALS', P .. 'announcements')
"""
)
