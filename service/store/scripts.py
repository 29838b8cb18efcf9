"""What Redis does in one step, as Lua: nothing may come between its reads and its writes."""

RESERVE = """
-- KEYS: jobs of the key, reservations, queue. ARGV: job id, member, most jobs or -1, seconds until
-- it is given up, most queued. Answers 'ok', 'jobs' or 'queue'.
if redis.call('LLEN', KEYS[3]) >= tonumber(ARGV[5]) then return 'queue' end
local most = tonumber(ARGV[3])
if most >= 0 and redis.call('SCARD', KEYS[1]) >= most then return 'jobs' end
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[2], redis.call('TIME')[1] + ARGV[4], ARGV[2])
return 'ok'
"""

RELEASE = """
-- KEYS: jobs of the key, reservations, erasures. ARGV: job id, member. Answers 1 where the upload
-- is no job and cannot become one any more; what is left of it is then erased whoever dies.
if redis.call('ZREM', KEYS[2], ARGV[2]) == 0 then return 0 end
redis.call('SREM', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[3], redis.call('TIME')[1], ARGV[1])
return 1
"""

SUBMIT = """
-- KEYS: queue, pace, workers, twin or '', batch or '', reservations, claims ... ARGV: member, then
-- commands, each as the number of its words and its words. Answers 'given up', 'no batch', or
-- 'claimed' or 'twin' and what is found there, and does nothing; or obeys the commands and answers
-- 'ok', jobs waiting, pace, workers.
if not redis.call('ZSCORE', KEYS[6], ARGV[1]) then return {'given up'} end
for i = 7, #KEYS do
  local found = redis.call('GET', KEYS[i])
  if found then return {'claimed', found} end
end
if KEYS[5] ~= '' and redis.call('EXISTS', KEYS[5]) == 0 then return {'no batch'} end
if KEYS[4] ~= '' then
  local twin = redis.call('GET', KEYS[4])
  if twin then return {'twin', twin} end
end
local at = 2
while at <= #ARGV do
  local last = at + tonumber(ARGV[at])
  redis.call(unpack(ARGV, at + 1, last))
  at = last + 1
end
return {'ok', redis.call('LLEN', KEYS[1]), redis.call('GET', KEYS[2]), redis.call('SCARD', KEYS[3])}
"""

SETTLE = """
-- The first end of a job wins. KEYS: job, events, deadlines, expiry, due webhooks, pace.
-- ARGV: 1 job id, 2 settlement, 3 state, 4 status event, 5 now, 6 expires at, 7 forgotten at,
-- 8 seconds it took or '', 9 key under which its result is found again or '', 10 channel.
-- Answers the settlement that holds, nothing where there is no such job.
local job = redis.call('HMGET', KEYS[1], 'record', 'settled', 'key_id', 'batch_id', 'ref', 'hook')
if not job[1] then return false end
if job[2] then return job[2] end
redis.call('HSET', KEYS[1], 'settled', ARGV[2])
redis.call('EXPIREAT', KEYS[1], ARGV[7])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZADD', KEYS[4], ARGV[6], ARGV[1])
redis.call('SREM', 'madv:active:' .. job[3], ARGV[1])
if job[6] == '1' then redis.call('ZADD', KEYS[5], ARGV[5], ARGV[1]) end
if ARGV[8] ~= '' then
  local before = redis.call('GET', KEYS[6])
  local pace = before and 0.8 * before + 0.2 * ARGV[8] or ARGV[8]
  redis.call('SET', KEYS[6], pace, 'EX', 86400)
end
if ARGV[9] ~= '' then redis.call('SET', ARGV[9], ARGV[1], 'EXAT', ARGV[6]) end
if job[4] ~= '' then
  local batch = 'madv:batch:' .. job[4]
  redis.call('SREM', batch .. ':open', ARGV[1])
  if redis.call('EXISTS', batch) == 1 then
    redis.call('HINCRBY', batch, ARGV[3], 1)
    redis.call('XADD', batch .. ':finished', '*', 'job_id', ARGV[1], 'ref', job[5], 'state',
      ARGV[3])
    redis.call('PEXPIRE', batch .. ':finished', redis.call('PTTL', batch))
    local is_last = redis.call('SCARD', batch .. ':open') == 0
    if is_last and redis.call('HGET', batch, 'awaiting') == '0' then
      if redis.call('HSETNX', batch, 'finished_at', ARGV[5]) == 1
          and redis.call('HGET', batch, 'hook') == '1' then
        redis.call('ZADD', KEYS[5], ARGV[5], job[4])
      end
    end
    redis.call('PUBLISH', ARGV[10], job[4])
  end
end
redis.call('XADD', KEYS[2], 'NOMKSTREAM', '*', 'kind', 'status', 'data', ARGV[4])
redis.call('EXPIREAT', KEYS[2], ARGV[7])
redis.call('PUBLISH', ARGV[10], ARGV[1])
return ARGV[2]
"""
