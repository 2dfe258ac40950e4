//! What is known of the server's state, and how it is learnt.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::engine::{Engine, Entry};
use super::lease::Renewals;
use super::settings::Settings;
use super::snapshot::{Change, Changes, Snapshot};
use super::stamp::Stamps;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::id::ProfileId;
use crate::profile::AuthProfiles;

/// How long a server that is away is not asked again while there is a document to serve.
const LEAVE: Duration = Duration::from_secs(1);

/// How many updates of different profiles go on at a time, and one more.
const LANES: usize = 17;

/// A store's state in this process, which outlives it as long as there are leases.
pub(super) struct Core<E> {
    pub(super) engine: E,
    pub(super) settings: Settings,
    pub(super) stamps: Stamps,
    pub(super) renewals: Renewals,
    pub(super) lost: AtomicU64,
    /// By profile the last lease whose holder may have noted a refresh token as sent, and did not send it.
    pub(super) unsent: Mutex<HashMap<ProfileId, String>>,
    newest: RwLock<Arc<Snapshot>>,
    /// Reads that have begun, and commits that were kept.
    reads: AtomicU64,
    /// Updates of this process that would only meet each other's conflicts go one after the other: those of everything in
    /// the first lane, those of a profile's statistics in one of the others.
    lanes: [Mutex<()>; LANES],
    /// The threads that are inside of an update.
    inside: Mutex<HashSet<ThreadId>>,
    away: AtomicBool,
    away_at: Mutex<Option<Timestamp>>,
}

/// That a thread is inside of an update.
pub(super) struct Inside<'a>(&'a Mutex<HashSet<ThreadId>>);

impl<E: Engine> Core<E> {
    pub(super) fn new(engine: E, settings: Settings) -> Self {
        Self {
            engine,
            settings,
            stamps: Stamps::new(),
            renewals: Renewals::default(),
            lost: AtomicU64::new(0),
            unsent: Mutex::default(),
            newest: RwLock::default(),
            reads: AtomicU64::new(0),
            lanes: Default::default(),
            inside: Mutex::default(),
            away: AtomicBool::new(false),
            away_at: Mutex::default(),
        }
    }

    pub(super) fn orphaned(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    pub(super) fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    pub(super) fn newest(&self) -> Arc<Snapshot> {
        Arc::clone(&self.newest.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The document that may be given without a question to the server.
    pub(super) fn known(&self) -> Option<Arc<AuthProfiles>> {
        if self.settings.staleness.is_zero() {
            return None;
        }
        let newest = self.newest.read().unwrap_or_else(PoisonError::into_inner);
        self.is_younger(&newest, self.settings.staleness).then(|| Arc::clone(&newest.document))
    }

    pub(super) fn load(&self) -> Result<Arc<AuthProfiles>> {
        if let Some(known) = self.known() {
            return Ok(known);
        }
        let newest = self.newest();
        let may_serve = || self.is_younger(&newest, self.settings.serve_stale);
        if self.is_away() && self.was_away_lately() && may_serve() {
            return Ok(Arc::clone(&newest.document));
        }
        match self.read(&newest) {
            Ok(snapshot) => Ok(Arc::clone(&snapshot.document)),
            Err(error) if error.kind() == ErrorKind::StoreUnavailable && may_serve() => {
                Ok(Arc::clone(&newest.document))
            }
            Err(error) => Err(error),
        }
    }

    /// Returns whether a snapshot was read so short a time ago. A moment that lies ahead is a clock that was set back.
    fn is_younger(&self, snapshot: &Snapshot, age: Duration) -> bool {
        if age.is_zero() {
            return false;
        }
        let now = self.settings.clock.now();
        snapshot.read_at.is_some_and(|at| at <= now && now - at < age)
    }

    pub(super) fn was_away_lately(&self) -> bool {
        let now = self.settings.clock.now();
        self.away_at.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|at| at <= now && now - at < LEAVE)
    }

    /// Notes whether the server answered.
    pub(super) fn asked<T>(&self, answer: Result<T>) -> Result<T> {
        let away = answer.as_ref().is_err_and(|error| error.kind() == ErrorKind::StoreUnavailable);
        if away {
            *self.away_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.settings.clock.now());
        }
        if away != self.is_away() {
            self.away.store(away, Ordering::Relaxed);
        }
        answer
    }

    /// Reads what is new since a snapshot.
    pub(super) fn read(&self, known: &Arc<Snapshot>) -> Result<Arc<Snapshot>> {
        let number = self.reads.fetch_add(1, Ordering::SeqCst) + 1;
        let keeps_time = !self.settings.staleness.is_zero() || !self.settings.serve_stale.is_zero();
        let read_at = keeps_time.then(|| self.settings.clock.now());
        let listing = self.asked(self.engine.read(&known.known))?;
        let next = match listing {
            None if !keeps_time && known.number > 0 => return Ok(Arc::clone(known)),
            None => Snapshot { number, read_at, ..Snapshot::clone(known) },
            Some(listing) => Snapshot { number, read_at, ..known.listed(listing, &self.settings.seal)? },
        };
        let next = Arc::new(next);
        let mut newest = self.newest.write().unwrap_or_else(PoisonError::into_inner);
        if newest.number <= number {
            *newest = Arc::clone(&next);
        }
        Ok(next)
    }

    /// Takes over what was committed on a snapshot; gives the snapshot with it.
    pub(super) fn keep(
        &self,
        stamp: &str,
        changes: &Changes,
        base: &Arc<Snapshot>,
        before: &str,
    ) -> Result<Arc<Snapshot>> {
        let mut own = base.committed(stamp, changes, before)?;
        let mut newest = self.newest.write().unwrap_or_else(PoisonError::into_inner);
        // A read that has begun may not know of the commit, and is not taken over.
        own.number = self.reads.fetch_add(1, Ordering::SeqCst) + 1;
        let (number, own) = (own.number, Arc::new(own));
        // Two states without a value may have had it between them.
        let is_one = newest.known.revision == base.known.revision || newest.known.revision == before;
        let is_same = |(name, _): &Change| {
            let version = newest.known.version(name);
            version == base.known.version(name) && (is_one || version.is_some())
        };
        *newest = if Arc::ptr_eq(&newest, base) {
            Arc::clone(&own)
        } else if changes.values.iter().all(is_same) {
            let changes = Changes { values: changes.values.clone(), document: None };
            Arc::new(Snapshot { number, ..newest.committed(stamp, &changes, before)? })
        } else {
            // Of two reads at a time nobody knows which is newer: what is not asked for again is not given to anybody.
            Arc::new(Snapshot { read_at: None, ..Snapshot::clone(&own) })
        };
        Ok(own)
    }

    /// Takes over what a conflict told of some values of a snapshot; gives the snapshot with it.
    pub(super) fn amend(&self, base: &Arc<Snapshot>, now: Vec<Entry>) -> Result<Arc<Snapshot>> {
        let mut next = base.amended(now, &self.settings.seal)?;
        let mut newest = self.newest.write().unwrap_or_else(PoisonError::into_inner);
        let is_newest = Arc::ptr_eq(&newest, base);
        next.number = self.reads.fetch_add(1, Ordering::SeqCst) + 1;
        let next = Arc::new(next);
        if is_newest {
            *newest = Arc::clone(&next);
        }
        Ok(next)
    }

    /// Waits for the updates of this process that are about the same: of a profile, or of everything.
    pub(super) fn lane(&self, profile: Option<&ProfileId>) -> Option<MutexGuard<'_, ()>> {
        let number = profile.map_or(0, |profile| {
            let mut hasher = DefaultHasher::new();
            profile.hash(&mut hasher);
            1 + usize::try_from(hasher.finish() % (LANES as u64 - 1)).unwrap_or(0)
        });
        self.lanes.get(number).map(|lane| lane.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes that this thread begins an update.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Reentrant`] if it is inside of one.
    pub(super) fn enter(&self) -> Result<Inside<'_>> {
        if !self.inside.lock().unwrap_or_else(PoisonError::into_inner).insert(thread::current().id()) {
            return Err(Error::new(ErrorKind::Reentrant, "the store is being updated by the caller itself"));
        }
        Ok(Inside(&self.inside))
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&thread::current().id());
    }
}

impl<E> fmt::Debug for Core<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").finish_non_exhaustive()
    }
}
