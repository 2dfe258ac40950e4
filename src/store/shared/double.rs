//! An engine in memory for tests, on which several stores act as several machines.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::engine::{Commit, Committed, Condition, Engine, Entry, Known, Listing, Value};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::error::{Error, ErrorKind, Result};

/// A server in this process's memory, for tests. Clones are connections to the same server, which can be
/// [cut](Self::cut) separately.
///
/// By default leases end by the system clock.
#[derive(Debug)]
pub struct MemoryEngine {
    server: Arc<Mutex<Server>>,
    clock: Arc<dyn Clock>,
    is_cut: Arc<Mutex<Cut>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Cut {
    #[default]
    No,
    Yes,
    /// The next commit is written, but its answer is lost.
    NextAnswer,
}

#[derive(Clone, Debug, Default)]
struct Server {
    known: Known,
    values: BTreeMap<String, Value>,
    leases: HashMap<String, (String, Timestamp)>,
}

impl Server {
    /// Returns the values whose versions differ from these.
    fn others(&self, versions: &[(String, Option<String>)]) -> Vec<Entry> {
        let others = versions.iter().filter(|(name, version)| self.known.version(name) != version.as_deref());
        let entry = |(name, _): &(String, Option<String>)| {
            Entry::new(name, self.known.version(name).unwrap_or_default(), self.values.get(name).cloned())
        };
        others.map(entry).collect()
    }
}

/// A saved state of a [`MemoryEngine`]'s server. Restoring it simulates a server that loses writes.
#[derive(Clone, Debug)]
pub struct Saved(Server);

impl MemoryEngine {
    /// Creates a server whose leases end by this clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { server: Arc::default(), clock, is_cut: Arc::default() }
    }

    /// Cuts or restores this connection. Every call on a cut connection fails.
    pub fn cut(&self, cut: bool) {
        *self.is_cut.lock().unwrap_or_else(PoisonError::into_inner) = if cut { Cut::Yes } else { Cut::No };
    }

    /// Loses the answer to the next commit on this connection, which is written nevertheless.
    pub fn lose_next_answer(&self) {
        *self.is_cut.lock().unwrap_or_else(PoisonError::into_inner) = Cut::NextAnswer;
    }

    /// Returns the server's current state.
    #[must_use]
    pub fn save(&self) -> Saved {
        Saved(self.server().clone())
    }

    /// Resets the server to a saved state.
    pub fn restore(&self, saved: &Saved) {
        *self.server() = saved.0.clone();
    }

    fn server(&self) -> MutexGuard<'_, Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reach(&self) -> Result<MutexGuard<'_, Server>> {
        if *self.is_cut.lock().unwrap_or_else(PoisonError::into_inner) == Cut::Yes {
            return Err(Error::new(
                ErrorKind::StoreUnavailable,
                "the server that keeps the credentials cannot be reached",
            ));
        }
        Ok(self.server())
    }
}

impl Default for MemoryEngine {
    fn default() -> Self {
        Self::new(Arc::new(SystemClock))
    }
}

impl Clone for MemoryEngine {
    fn clone(&self) -> Self {
        Self { server: Arc::clone(&self.server), clock: Arc::clone(&self.clock), is_cut: Arc::default() }
    }
}

impl Engine for MemoryEngine {
    fn read(&self, known: &Known) -> Result<Option<Listing>> {
        let server = self.reach()?;
        if known.revision() == server.known.revision() {
            return Ok(None);
        }
        let mut listing = Listing::new(server.known.revision());
        for (name, version) in server.known.iter() {
            let value = server.values.get(name).filter(|_| known.version(name) != Some(version));
            listing.entries.push(Entry::new(name, version, value.cloned()));
        }
        Ok(Some(listing))
    }

    fn commit(&self, commit: &Commit) -> Result<Committed> {
        let mut server = self.reach()?;
        if !commit.condition.holds(&server.known) {
            return Ok(match &commit.condition {
                Condition::Revision(_) => Committed::Conflict,
                Condition::Versions(versions) => Committed::ConflictWith(server.others(versions)),
            });
        }
        for (name, value) in &commit.writes {
            server.known.versions.remove(&**name);
            server.values.remove(name);
            if let Some(value) = value {
                server.known.versions.insert(name.as_str().into(), commit.stamp.as_str().into());
                server.values.insert(name.clone(), value.clone());
            }
        }
        let before = std::mem::replace(&mut server.known.revision, commit.stamp.clone());
        drop(server);
        let mut cut = self.is_cut.lock().unwrap_or_else(PoisonError::into_inner);
        if *cut == Cut::NextAnswer {
            *cut = Cut::No;
            return Err(Error::new(
                ErrorKind::StoreUnavailable,
                "the server that keeps the credentials did not answer",
            ));
        }
        Ok(Committed::Done { before })
    }

    fn acquire(&self, name: &str, token: &str, life: Duration) -> Result<bool> {
        let (mut server, now) = (self.reach()?, self.clock.now());
        if server.leases.get(name).is_some_and(|(_, end)| *end > now) {
            return Ok(false);
        }
        server.leases.insert(name.to_owned(), (token.to_owned(), now + life));
        Ok(true)
    }

    fn renew(&self, name: &str, token: &str, life: Duration) -> Result<bool> {
        let (mut server, now) = (self.reach()?, self.clock.now());
        let held = server.leases.get_mut(name).filter(|(holder, end)| holder == token && *end > now);
        Ok(held.map(|(_, end)| *end = now + life).is_some())
    }

    fn release(&self, name: &str, token: &str) -> Result<()> {
        let mut server = self.reach()?;
        if server.leases.get(name).is_some_and(|(holder, _)| holder == token) {
            server.leases.remove(name);
        }
        Ok(())
    }

    fn may_block(&self) -> bool {
        false
    }
}
