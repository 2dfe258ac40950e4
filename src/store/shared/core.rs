//! The state of a shared store in this process, and how it is read from the server.

use std::collections::HashSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::engine::{Engine, Entry};
use super::lease::Renewals;
use super::settings::Settings;
use super::snapshot::{Change, Changes, Snapshot, is_mixed};
use super::stamp::Stamps;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::id::ProfileId;
use crate::profile::AuthProfiles;

/// How long after a failed call `load` serves a stale document, if it may, without asking the server.
const LEAVE: Duration = Duration::from_secs(1);

/// The number of lanes: one for updates of everything, the others for updates of single profiles.
const LANES: usize = 17;

/// The state of a store in this process. Leases keep it alive longer than the store.
pub(super) struct Core<E> {
    pub(super) engine: E,
    pub(super) settings: Settings,
    pub(super) stamps: Stamps,
    pub(super) renewals: Renewals,
    pub(super) lost: AtomicU64,
    newest: RwLock<Arc<Snapshot>>,
    reads: AtomicU64,
    /// Updates of this process that would only conflict with each other run one after the other: updates of everything
    /// in the first lane, updates of one profile's statistics in one of the others.
    lanes: [Mutex<()>; LANES],
    inside: Mutex<HashSet<ThreadId>>,
    away: AtomicBool,
    /// `true` if the server refused the last write, although it can be read.
    refuses: AtomicBool,
    away_at: Mutex<Option<Timestamp>>,
}

/// Marks a thread as inside an update until it is dropped.
pub(super) struct Inside<'a>(&'a Mutex<HashSet<ThreadId>>);

impl<E: Engine> Core<E> {
    pub(super) fn new(engine: E, settings: Settings) -> Self {
        Self {
            engine,
            settings,
            stamps: Stamps::new(),
            renewals: Renewals::default(),
            lost: AtomicU64::new(0),
            newest: RwLock::default(),
            reads: AtomicU64::new(0),
            lanes: Default::default(),
            inside: Mutex::default(),
            away: AtomicBool::new(false),
            refuses: AtomicBool::new(false),
            away_at: Mutex::default(),
        }
    }

    pub(super) fn orphaned(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Returns `true` if the server could not be reached by the last call.
    fn is_cut(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    /// Returns `true` if the server could not be reached by the last call, or refused the last write.
    pub(super) fn is_away(&self) -> bool {
        self.is_cut() || self.refuses.load(Ordering::Relaxed)
    }

    /// Notes whether the server accepts writes.
    pub(super) fn refuses(&self, refuses: bool) {
        if refuses != self.refuses.load(Ordering::Relaxed) {
            self.refuses.store(refuses, Ordering::Relaxed);
        }
    }

    pub(super) fn newest(&self) -> Arc<Snapshot> {
        Arc::clone(&self.newest.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the document that may be served without asking the server.
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
        if self.was_cut_lately() && may_serve() {
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

    /// Returns `true` if a snapshot is younger than `age`. One from the future was read before the clock was set back.
    fn is_younger(&self, snapshot: &Snapshot, age: Duration) -> bool {
        if age.is_zero() {
            return false;
        }
        let now = self.settings.clock.now();
        snapshot.read_at.is_some_and(|at| at <= now && now - at < age)
    }

    /// Returns `true` if the server could not be reached a moment ago, so that it is not asked again yet.
    pub(super) fn was_cut_lately(&self) -> bool {
        let now = self.settings.clock.now();
        self.is_cut()
            && self
                .away_at
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .is_some_and(|at| at <= now && now - at < LEAVE)
    }

    pub(super) fn asked<T>(&self, answer: Result<T>) -> Result<T> {
        let away = answer.as_ref().is_err_and(|error| error.kind() == ErrorKind::StoreUnavailable);
        if away {
            *self.away_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.settings.clock.now());
        }
        if away != self.is_cut() {
            self.away.store(away, Ordering::Relaxed);
        }
        answer
    }

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

    /// Applies changes that were committed on top of a snapshot, and returns the resulting snapshot.
    pub(super) fn keep(
        &self,
        stamp: &str,
        changes: &Changes,
        base: &Arc<Snapshot>,
        before: &str,
    ) -> Result<Arc<Snapshot>> {
        let mut own = base.committed(stamp, changes, before)?;
        let mut newest = self.newest.write().unwrap_or_else(PoisonError::into_inner);
        // A read that has already begun may miss the commit, so its lower number keeps it from replacing this state.
        own.number = self.reads.fetch_add(1, Ordering::SeqCst) + 1;
        let (number, own) = (own.number, Arc::new(own));
        // A value that is missing from both states may have existed in between.
        let is_base = newest.known.revision == base.known.revision && !is_mixed(&base.known.revision);
        let is_one = is_base || newest.known.revision == before;
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
            // It is unknown which of two concurrent reads is newer. Without `read_at`, nobody gets this one without
            // asking the server.
            Arc::new(Snapshot { read_at: None, ..Snapshot::clone(&own) })
        };
        Ok(own)
    }

    /// Returns a snapshot with the values that a conflict reported, and keeps it if the base is still the newest.
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

    /// Waits for the updates of this process that concern the same: one profile, or everything.
    pub(super) fn lane(&self, profile: Option<&ProfileId>) -> Option<MutexGuard<'_, ()>> {
        let number = profile.map_or(0, |profile| {
            let mut hasher = DefaultHasher::new();
            profile.hash(&mut hasher);
            1 + usize::try_from(hasher.finish() % (LANES as u64 - 1)).unwrap_or(0)
        });
        self.lanes.get(number).map(|lane| lane.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Marks this thread as inside an update.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Reentrant`] if it already is.
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
