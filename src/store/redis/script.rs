//! The scripts that the server runs, each all or nothing.
//!
//! An agent's values are the fields of one hash: the revision under the empty name, and for each value its version under `v`
//! and its name, and its bytes under `d` and its name. A server that evicts or loses the key loses all of it.

use std::sync::LazyLock;

use redis::Script;

/// Gives the revision and all versions, with the values whose version is not the known one; nothing if the revision is.
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

/// Writes fields if others have their values, one of which may be the revision; gives the revision before. If they have not, it
/// gives the versions that are others by their names, each with its value, or nothing where the revision was to be one.
///
/// The arguments are how many fields are looked at, how many of them must have a value, how many arguments set fields; then the
/// fields to look at, the revision last, the values that they must have, fields with what they are set to, and those to remove.
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

/// Writes the revision anew, so that a connection has written something after every commit before.
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
