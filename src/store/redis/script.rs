//! The atomic scripts that the server runs.
//!
//! An agent's values are the fields of one hash: the revision under the empty name, and for each value its version
//! under `v` plus its name and its bytes under `d` plus its name. A server that evicts or loses the key loses all of
//! it.

use std::sync::LazyLock;

use redis::Script;

/// Returns the revision and all versions, with the values whose version is not known; nothing if the revision is known.
const READ: &str = r"
local revision = redis.call('HGET', KEYS[1], '') or ''
if revision == ARGV[1] then return false end
local known = cjson.decode(ARGV[2])
local fields = redis.call('HGETALL', KEYS[1])
local versions, values = {}, {}
for i = 1, #fields, 2 do
  local name = string.sub(fields[i], 2)
  local kind = string.sub(fields[i], 1, 1)
  if kind == 'v' then versions[name] = fields[i + 1] end
  if kind == 'd' then values[name] = fields[i + 1] end
end
local reply = { revision }
for name, version in pairs(versions) do
  reply[#reply + 1] = name
  reply[#reply + 1] = version
  if known[name] == version then reply[#reply + 1] = false else reply[#reply + 1] = values[name] or false end
end
return reply
";

/// Writes values if the condition holds; returns the previous revision, or nothing.
const COMMIT: &str = r"
local stamp, key = ARGV[1], KEYS[1]
local before = redis.call('HGET', key, '') or ''
local at
if ARGV[2] == 'revision' then
  if before ~= ARGV[3] then return false end
  at = 4
else
  at = 4 + 2 * tonumber(ARGV[3])
  for i = 4, at - 1, 2 do
    if (redis.call('HGET', key, 'v' .. ARGV[i]) or '') ~= ARGV[i + 1] then return false end
  end
end
for i = at, #ARGV, 3 do
  if ARGV[i + 1] == 'set' then
    redis.call('HSET', key, 'v' .. ARGV[i], stamp, 'd' .. ARGV[i], ARGV[i + 2])
  else
    redis.call('HDEL', key, 'v' .. ARGV[i], 'd' .. ARGV[i])
  end
end
redis.call('HSET', key, '', stamp)
return before
";

/// Writes the revision again, so that the connection's own write comes after every earlier commit.
const TOUCH: &str = r"
local revision = redis.call('HGET', KEYS[1], '')
if revision then redis.call('HSET', KEYS[1], '', revision) end
return true
";

const RENEW: &str = r"
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
";

const RELEASE: &str = r"
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
";

pub(super) static READING: LazyLock<Script> = LazyLock::new(|| Script::new(READ));
pub(super) static COMMITTING: LazyLock<Script> = LazyLock::new(|| Script::new(COMMIT));
pub(super) static TOUCHING: LazyLock<Script> = LazyLock::new(|| Script::new(TOUCH));
pub(super) static RENEWING: LazyLock<Script> = LazyLock::new(|| Script::new(RENEW));
pub(super) static RELEASING: LazyLock<Script> = LazyLock::new(|| Script::new(RELEASE));
