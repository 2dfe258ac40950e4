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

/// Writes fields if other fields have the expected values, and returns the previous revision. On a conflict it returns
/// each version that differs by its name, with its value, or nothing if the revision itself had to match.
///
/// The arguments: the number of fields to check, how many of them must match, and the number of arguments that set
/// fields; then the fields to check with the revision last, the expected values, the fields to set with their values, and
/// the fields to remove.
const COMMIT: &str = r"
local key, looked, wanted, set = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local at = 3 + looked
local now = redis.call('HMGET', key, unpack(ARGV, 4, at))
local others = {}
for i = 1, wanted do
  if (now[i] or '') ~= ARGV[at + i] then
    if wanted == looked then return false end
    local name = string.sub(ARGV[3 + i], 2)
    others[#others + 1] = name
    others[#others + 1] = now[i] or ''
    others[#others + 1] = redis.call('HGET', key, 'd' .. name)
  end
end
if #others > 0 then return others end
at = at + wanted
for i = at + 1, at + set, 2000 do
  redis.call('HSET', key, unpack(ARGV, i, math.min(i + 1999, at + set)))
end
at = at + set
for i = at + 1, #ARGV, 2000 do
  redis.call('HDEL', key, unpack(ARGV, i, math.min(i + 1999, #ARGV)))
end
return now[looked] or ''
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
