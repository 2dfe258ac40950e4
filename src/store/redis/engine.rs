//! The engine of the shared store on Redis.

use std::fmt;
use std::time::Duration;

use redis::{RedisResult, Value as Reply};

use super::connections::Connections;
use super::failure::{failure, is_refusal};
use super::link::Link;
use super::script::{COMMITTING, READING, RELEASING, RENEWING, TOUCHING};
use crate::error::{Error, ErrorKind, Result};
use crate::store::shared::{Commit, Committed, Condition, Engine, Entry, Known, Listing, Value};

/// A Redis or Valkey server for a [`SharedStore`](crate::store::SharedStore), with the name of the agent whose profiles
/// it keeps.
///
/// URLs may contain a user name and a password, which never appear in texts of this crate. `rediss://` needs the
/// feature `redis-rustls`, which uses the process's default `CryptoProvider` of `rustls` and installs that of
/// `aws-lc-rs` if there is none, or another TLS feature of the crate `redis`. With that crate's own `tls-rustls`, install
/// a provider first: it panics without one.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use provider_auth::store::shared::{Settings, SharedStore};
/// use provider_auth::store::RedisEngine;
///
/// let engine = RedisEngine::new("redis://me:secret@redis.example.com")?.agent("research")?.timeout(Duration::from_secs(2));
/// let store = SharedStore::new(engine, Settings::default().staleness(Duration::from_millis(200)));
/// assert!(!format!("{store:?}").contains("secret"));
/// # Ok::<(), provider_auth::Error>(())
/// ```
pub struct RedisEngine {
    connections: Connections,
    agent: String,
    /// The hash with the agent's values. The part in braces selects the cluster's slot.
    key: String,
    replicas: Option<(u32, Duration)>,
}

impl RedisEngine {
    fn with(connections: Connections) -> Self {
        let agent = "main".to_owned();
        Self { connections, key: key_of(&agent), agent, replicas: None }
    }

    /// Creates an engine for one server.
    ///
    /// The agent is `main` and the timeout 5 s unless set otherwise.
    ///
    /// # Errors
    ///
    /// [`InvalidUrl`](crate::ErrorKind::InvalidUrl) if this is not the URL of a Redis server, or asks for TLS that is
    /// not compiled in.
    pub fn new(url: &str) -> Result<Self> {
        Connections::server(url).map(Self::with)
    }

    /// Creates an engine for the master that sentinels report. The server's URL has the master's name as its host, such
    /// as `redis://user:password@mymaster`.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new), also if there is no sentinel.
    pub fn sentinel(sentinels: &[&str], server: &str) -> Result<Self> {
        Connections::sentinel(sentinels, server).map(Self::with)
    }

    /// Creates an engine for the cluster of these nodes. All values of one agent are in one slot.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new), also if there is no node.
    pub fn cluster(nodes: &[&str]) -> Result<Self> {
        Connections::cluster(nodes).map(Self::with)
    }

    /// Sets the agent whose profiles are kept. Default: `main`.
    ///
    /// # Errors
    ///
    /// [`InvalidId`](crate::ErrorKind::InvalidId) for a blank name and for one with braces.
    pub fn agent(mut self, agent: &str) -> Result<Self> {
        if agent.trim().is_empty() || agent.contains(['{', '}']) {
            let message = "the name of the agent is blank or contains braces";
            return Err(Error::new(ErrorKind::InvalidId, message).with_help("Choose a name of letters and digits."));
        }
        agent.clone_into(&mut self.agent);
        self.key = key_of(agent);
        Ok(self)
    }

    /// Sets the timeout of connecting and of each answer. Default: 5 s; at least 1 ms.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.connections.timeout = timeout.max(Duration::from_millis(1));
        self
    }

    /// Sets how many replicas must confirm a commit before an update returns, and how long to wait for them. If fewer
    /// do, the update is written but returns an error. Default: none, so a lost server takes with it what its replicas
    /// did not have yet.
    #[must_use]
    pub fn wait_for_replicas(mut self, replicas: u32, wait: Duration) -> Self {
        self.replicas = Some((replicas, wait)).filter(|(replicas, _)| *replicas > 0);
        self
    }

    fn call<T>(&self, call: impl Fn(&mut Link) -> RedisResult<T>) -> Result<T> {
        self.connections.call(&self.key, true, call).map_err(|error| failure(&error))
    }

    /// Returns `true` if as many replicas as requested have what this connection has written.
    fn is_copied(&self, link: &mut Link) -> RedisResult<bool> {
        self.replicas.map_or(Ok(true), |(replicas, wait)| link.wait(replicas, wait, self.connections.timeout))
    }

    fn lease_key(&self, name: &str) -> String {
        format!("{}:lease:{name}", self.key)
    }
}

fn key_of(agent: &str) -> String {
    format!("{{provider-auth:{agent}}}")
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1)
}

fn unexpected() -> Error {
    Error::new(ErrorKind::Io, "the server that keeps the credentials sent an unexpected answer")
}

fn text(reply: Reply) -> Result<String> {
    match reply {
        Reply::BulkString(bytes) => String::from_utf8(bytes).map_err(|_| unexpected()),
        Reply::SimpleString(text) => Ok(text),
        _ => Err(unexpected()),
    }
}

/// Values, each as its name, its version and itself.
fn entries(mut fields: impl Iterator<Item = Reply>) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    while let Some(name) = fields.next() {
        let version = text(fields.next().ok_or_else(unexpected)?)?;
        let value = match fields.next() {
            Some(Reply::BulkString(bytes)) => Some(Value::new(bytes)),
            Some(Reply::Nil) => None,
            _ => return Err(unexpected()),
        };
        entries.push(Entry::new(text(name)?, version, value));
    }
    Ok(entries)
}

impl Engine for RedisEngine {
    fn read(&self, known: &Known) -> Result<Option<Listing>> {
        let reply: Reply = self.call(|connection| {
            READING.key(&self.key).arg(known.revision()).arg(known.versions_as_json()).invoke(connection)
        })?;
        let fields = match reply {
            Reply::Nil => return Ok(None),
            Reply::Array(fields) => fields,
            _ => return Err(unexpected()),
        };
        let mut fields = fields.into_iter();
        let mut listing = Listing::new(text(fields.next().ok_or_else(unexpected)?)?);
        listing.entries = entries(fields)?;
        Ok(Some(listing))
    }

    fn commit(&self, commit: &Commit) -> Result<Committed> {
        // The fields that are looked at, and what must be in them; the revision is looked at in any case.
        let (mut looked, mut wanted) = (Vec::new(), Vec::new());
        match &commit.condition {
            Condition::Revision(revision) => wanted.push(revision.as_str()),
            Condition::Versions(versions) => {
                for (name, version) in versions {
                    looked.push(format!("v{name}"));
                    wanted.push(version.as_deref().unwrap_or_default());
                }
            }
        }
        looked.push(String::new());
        let kept: Vec<_> = commit.writes.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))).collect();
        let mut call = COMMITTING.key(&self.key);
        call.arg(looked.len()).arg(wanted.len()).arg(2 + 4 * kept.len()).arg(looked).arg(wanted);
        call.arg("").arg(&commit.stamp);
        for (name, value) in kept {
            call.arg(format!("v{name}")).arg(&commit.stamp).arg(format!("d{name}")).arg(value.as_bytes());
        }
        for (name, _) in commit.writes.iter().filter(|(_, value)| value.is_none()) {
            call.arg(format!("v{name}")).arg(format!("d{name}"));
        }
        let answer = self.connections.call(&self.key, false, |link| {
            let before: Reply = call.invoke(link)?;
            let is_written = matches!(before, Reply::BulkString(_) | Reply::SimpleString(_));
            let is_copied = if is_written { self.is_copied(link) } else { Ok(true) };
            // An error would hide that it was written.
            let is_copied = match is_copied {
                Err(error) if failure(&error).kind() == ErrorKind::PermissionDenied => None,
                is_copied => Some(is_copied?),
            };
            Ok((before, is_copied))
        });
        match answer {
            Ok((Reply::Nil, _)) => Ok(Committed::Conflict),
            Ok((Reply::Array(others), _)) => entries(others.into_iter()).map(Committed::ConflictWith),
            Ok((before, Some(true))) => Ok(Committed::Done { before: text(before)? }),
            Ok((before, Some(false))) => Ok(Committed::Unconfirmed { before: text(before)? }),
            Ok((before, None)) => Ok(Committed::Unasked { before: text(before)? }),
            Err(error) if is_refusal(&error) => Ok(Committed::Refused),
            Err(error) => Err(failure(&error)),
        }
    }

    fn confirm(&self) -> Result<bool> {
        if self.replicas.is_none() {
            return Ok(true);
        }
        // `WAIT` covers only what its own connection has written.
        self.call(|link| TOUCHING.key(&self.key).invoke::<()>(link).and_then(|()| self.is_copied(link)))
    }

    fn acquire(&self, name: &str, token: &str, life: Duration) -> Result<bool> {
        let key = self.lease_key(name);
        let reply: Reply = self.call(|connection| {
            redis::cmd("SET").arg(&key).arg(token).arg("NX").arg("PX").arg(millis(life)).query(connection)
        })?;
        // The lease may have been acquired by a call whose answer was lost.
        if reply == Reply::Okay { Ok(true) } else { self.renew(name, token, life) }
    }

    fn renew(&self, name: &str, token: &str, life: Duration) -> Result<bool> {
        let key = self.lease_key(name);
        let held: u32 = self.call(|link| RENEWING.key(&key).arg(token).arg(millis(life)).invoke(link))?;
        Ok(held == 1)
    }

    fn release(&self, name: &str, token: &str) -> Result<()> {
        let key = self.lease_key(name);
        let _: u32 = self.call(|link| RELEASING.key(&key).arg(token).invoke(link))?;
        Ok(())
    }
}

impl fmt::Debug for RedisEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisEngine")
            .field("agent", &self.agent)
            .field("timeout", &self.connections.timeout)
            .field("replicas", &self.replicas)
            .finish_non_exhaustive()
    }
}
