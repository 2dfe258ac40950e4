//! Outcomes that are being written to the store: their effect on picks, and the writing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;

use super::reported::Reported;
use crate::clock::{Clock, Timestamp};
use crate::error::{Error, ErrorKind, Result};
use crate::headroom::HeadroomTracker;
use crate::id::ProfileId;
use crate::profile::{AuthProfiles, UsageStats};
use crate::record::{Record, name_last_good};
use crate::select::{ProfileSelector, Receipt, Unwritten};
use crate::store::{AuthProfileStore, Gate};

/// The maximum number of outcomes to keep while the store cannot be written; the oldest are dropped.
const MOST: usize = 1_000;

/// The time limit for waiting for another writing thread. Only a thread inside an update of the store takes that long.
const TURN: Duration = Duration::from_secs(5);

/// The outcomes that are not in the store yet.
#[derive(Default)]
pub(super) struct Outcomes {
    state: Mutex<State>,
    /// Lets one thread at a time write the queue, from reading it to removing what was written, because a store that
    /// never blocks is written by any number of threads.
    turn: Gate,
    /// Successes that are not worth a separate write.
    pub(super) unwritten: Arc<Unwritten>,
    /// The limits that other users of the store are informed of.
    headroom: Arc<HeadroomTracker>,
}

#[derive(Default)]
struct State {
    /// Ordered by the time of the report.
    waiting: Vec<Arc<Reported>>,
    /// The document that was last read or written, and the number of that operation.
    known: Option<(u64, Arc<AuthProfiles>)>,
    /// The same document with the queue applied; reset when either changes.
    foreseen: Option<Arc<AuthProfiles>>,
    last: u64,
    /// `true` if a job that writes the queue is scheduled.
    is_queued: bool,
}

type Skipped = IndexMap<ProfileId, Vec<(Receipt, Timestamp)>>;

impl Outcomes {
    /// Creates an empty queue, which also informs others of the profiles' limits.
    pub(super) fn new(headroom: Arc<HeadroomTracker>) -> Self {
        Self { headroom, ..Self::default() }
    }

    /// Returns the number of a load that begins.
    pub(super) fn begin(&self) -> u64 {
        self.state().begin()
    }

    /// Returns the document for a pick: the newest one that was read or written, with the queue applied.
    pub(super) fn foresee(
        &self,
        (number, loaded): (u64, Arc<AuthProfiles>),
        selector: &ProfileSelector,
        now: Timestamp,
    ) -> Arc<AuthProfiles> {
        let mut state = self.state();
        state.know(number, loaded);
        self.foreseen(&mut state, selector, now).unwrap_or_default()
    }

    /// Accepts an outcome unless its receipt was reported before. A success that is not worth a write is remembered;
    /// any other outcome is returned, to be written.
    pub(super) fn add(&self, record: Record, selector: &ProfileSelector, clock: &dyn Clock) -> Option<Arc<Reported>> {
        let claim = record.receipt().claim()?;
        let mut state = self.state();
        // The time is read under the lock, so that the queue is ordered by time.
        let now = clock.now();
        if let Record::Success(receipt) = &record
            && selector.skips_successes()
            && let Some(profiles) = self.foreseen(&mut state, selector, now)
            && selector.may_skip_success(&profiles, receipt, now)
            && !selector.has_hint(&profiles, receipt.profile(), &self.headroom, now)
        {
            self.unwritten.add(receipt, now);
            claim.keep();
            drop(receipt.unclaimed());
            return None;
        }
        let reported = Arc::new(Reported::new(record, now, claim));
        state.waiting.push(Arc::clone(&reported));
        state.give_up();
        state.foreseen = None;
        Some(reported)
    }

    /// Returns `true` if a job that writes the queue must be scheduled; one job writes everything.
    pub(super) fn queue(&self) -> bool {
        !std::mem::replace(&mut self.state().is_queued, true)
    }

    /// Writes the queue in one update, and with `all` also the times of skipped successes.
    ///
    /// # Errors
    ///
    /// Those of the store. Outcomes that could not be written stay in the queue.
    pub(super) fn write(
        &self,
        store: &dyn AuthProfileStore,
        (selector, clock): (&ProfileSelector, &dyn Clock),
        all: bool,
    ) -> Result<()> {
        let turn = self.turn.enter_within(TURN).and_then(|turn| {
            turn.ok_or_else(|| {
                Error::new(ErrorKind::Locked, "another thread is writing outcomes and did not finish in time")
            })
        });
        let _turn = match turn {
            Ok(turn) => turn,
            Err(error) => return Err(self.missed(error)),
        };
        let mut state = self.state();
        state.is_queued = false;
        let waiting = state.waiting.clone();
        drop(state);
        let ids = waiting.iter().map(|reported| reported.record.receipt().profile().clone());
        let ids = ids.chain(if all { self.unwritten.profiles() } else { Vec::new() });
        let skipped: Skipped = ids.map(|id| (id.clone(), self.unwritten.of(&id))).collect();
        if waiting.is_empty() && skipped.is_empty() {
            return Ok(());
        }
        let of = |id: &ProfileId| {
            let own = waiting.iter().filter(|reported| reported.record.receipt().profile() == id);
            own.cloned().collect::<Vec<Arc<Reported>>>()
        };
        let mut result = Ok(());
        if store.splits_usage() {
            for (id, times) in skipped {
                let written = self.commit_usage(store, (selector, clock), &id, &of(&id), &times);
                // If the store is away, it is away for the others too.
                if let Err(error) = written {
                    let own = if error.is_transient() { &waiting } else { &of(&id) };
                    let error = self.fail(own, error);
                    if error.is_transient() {
                        return Err(error);
                    }
                    result = result.and(Err(error));
                }
            }
            self.look(store);
            return result;
        }
        let Err(error) = self.commit(store, (selector, clock), &waiting, &skipped) else { return Ok(()) };
        if skipped.len() < 2 || error.is_transient() {
            return Err(self.fail(&waiting, error));
        }
        // An error about one profile does not concern the others.
        for (id, times) in skipped {
            let own = of(&id);
            let written = self.commit(store, (selector, clock), &own, &IndexMap::from([(id, times)]));
            result = result.and(written.map_err(|error| self.fail(&own, error)));
        }
        result
    }

    /// Writes the outcomes of one profile to a store with separate statistics.
    fn commit_usage(
        &self,
        store: &dyn AuthProfileStore,
        (selector, clock): (&ProfileSelector, &dyn Clock),
        id: &ProfileId,
        waiting: &[Arc<Reported>],
        skipped: &[(Receipt, Timestamp)],
    ) -> Result<()> {
        let profiles = store.update_usage(id, &mut |profiles, usage| {
            let now = clock.now();
            // Times of success alone do not justify an entry for a profile that has none or no longer exists.
            if profiles.usage(id.as_str()).is_some() {
                selector.note_skipped(usage, skipped, now);
            }
            for reported in waiting.iter().filter(|reported| !reported.is_late(selector, profiles)) {
                match &reported.record {
                    Record::Success(receipt) => selector.note_success(profiles, usage, receipt, reported.at, now),
                    Record::Failure(receipt, failure) => {
                        let failed = (failure.reason(), failure.deadline());
                        selector.note_failure(profiles, usage, receipt, failed, reported.at);
                    }
                }
            }
            if profiles.usage(id.as_str()).is_some() || *usage != UsageStats::default() {
                selector.note_hint(usage, id, &self.headroom, now);
            }
        })?;
        self.state().settle(waiting);
        give_back(waiting);
        self.unwritten.forget(id, skipped);
        if waiting.iter().any(|reported| matches!(reported.record, Record::Success(_))) {
            // The last good profile is for display only.
            let _ = name_last_good(store, &profiles, id);
        }
        Ok(())
    }

    /// Reads a store whose partial writes do not return the whole document.
    fn look(&self, store: &dyn AuthProfileStore) {
        let number = self.begin();
        // Every pick loads the document too.
        if let Ok(document) = store.load() {
            self.state().know(number, document);
        }
    }

    fn commit(
        &self,
        store: &dyn AuthProfileStore,
        (selector, clock): (&ProfileSelector, &dyn Clock),
        waiting: &[Arc<Reported>],
        skipped: &Skipped,
    ) -> Result<()> {
        let document = store.update(&mut |profiles| {
            let now = clock.now();
            for (id, times) in skipped.iter().filter(|(_, times)| !times.is_empty()) {
                // Only times are lost if this fails.
                let _ = selector.write_skipped(profiles, id, times, now);
            }
            // All are compared with what was stored before.
            let late: Vec<_> = waiting.iter().map(|reported| reported.is_late(selector, profiles)).collect();
            let timely = waiting.iter().zip(late).filter(|(_, is_late)| !is_late);
            timely.map(|(reported, _)| reported).try_for_each(|reported| match &reported.record {
                Record::Success(receipt) => selector.write_late_success(profiles, receipt, reported.at, now),
                Record::Failure(receipt, failure) => {
                    selector.write_failure(profiles, receipt, failure.reason(), failure.deadline(), reported.at)
                }
            })?;
            // Only a hint is lost if this fails.
            for id in skipped.keys() {
                let _ = selector.write_hint(profiles, id, &self.headroom, now);
            }
            Ok(())
        })?;
        let mut state = self.state();
        // The new document has everything that a load in progress may have missed.
        let number = state.begin();
        state.know(number, document);
        state.settle(waiting);
        drop(state);
        give_back(waiting);
        for (id, times) in skipped {
            self.unwritten.forget(id, times);
        }
        Ok(())
    }

    /// Notes why the queue was not written. It is tried again with the next outcome.
    pub(super) fn missed(&self, error: Error) -> Error {
        let mut state = self.state();
        state.is_queued = false;
        let waiting = state.waiting.clone();
        drop(state);
        self.fail(&waiting, error)
    }

    /// Notes why these outcomes were not written; returns the same error.
    fn fail(&self, waiting: &[Arc<Reported>], error: Error) -> Error {
        let error = Arc::new(error);
        #[cfg(feature = "tracing")]
        if !waiting.is_empty() {
            tracing::warn!(outcomes = waiting.len(), kind = ?error.kind(), "outcomes could not be recorded");
        }
        for reported in waiting {
            reported.fail(&error);
        }
        let mut state = self.state();
        state.give_up();
        state.foreseen = None;
        Error::shared(&error)
    }

    /// Returns the number of outcomes that could not be written and are kept.
    pub(super) fn unrecorded(&self) -> usize {
        self.state().waiting.iter().filter(|reported| reported.unrecorded().is_some()).count()
    }

    fn foreseen(&self, state: &mut State, selector: &ProfileSelector, now: Timestamp) -> Option<Arc<AuthProfiles>> {
        let (_, known) = state.known.as_ref()?;
        if state.waiting.is_empty() {
            return Some(Arc::clone(known));
        }
        if let Some(foreseen) = &state.foreseen {
            return Some(Arc::clone(foreseen));
        }
        let mut profiles = AuthProfiles::clone(known);
        for reported in &state.waiting {
            let (receipt, at) = (reported.record.receipt(), reported.at);
            let failed = matches!(reported.record, Record::Failure(..));
            // A load may have seen an outcome that is about to leave the queue.
            if selector.counts_twice(known, receipt.profile(), at, failed) {
                continue;
            }
            // An outcome that cannot be applied here cannot be written either.
            let _ = match &reported.record {
                Record::Success(receipt) => selector.write_late_success(&mut profiles, receipt, at, now),
                Record::Failure(receipt, failure) => {
                    let skipped = self.unwritten.of(receipt.profile());
                    let _ = selector.write_skipped(&mut profiles, receipt.profile(), &skipped, now);
                    selector.foresee_failure(&mut profiles, receipt, (failure.reason(), failure.deadline()), at)
                }
            };
        }
        let profiles = Arc::new(profiles);
        state.foreseen = Some(Arc::clone(&profiles));
        Some(profiles)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Releases the claims, because the store now has the outcomes of the trials.
fn give_back(written: &[Arc<Reported>]) {
    for reported in written {
        reported.record.receipt().give_back();
    }
}

impl State {
    fn begin(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Keeps a document unless a newer one is known.
    fn know(&mut self, number: u64, document: Arc<AuthProfiles>) {
        match &mut self.known {
            Some((newer, _)) if *newer > number => {}
            Some((known, same)) if Arc::ptr_eq(same, &document) => *known = number,
            known => {
                *known = Some((number, document));
                self.foreseen = None;
            }
        }
    }

    /// Drops the oldest outcomes that could not be written if the queue is too long.
    fn give_up(&mut self) {
        let mut surplus = self.waiting.len().saturating_sub(MOST);
        if surplus == 0 {
            return;
        }
        self.waiting.retain(|reported| {
            let goes = surplus > 0 && reported.unrecorded().is_some();
            surplus -= usize::from(goes);
            !goes
        });
    }

    /// Removes what was written from the queue.
    fn settle(&mut self, written: &[Arc<Reported>]) {
        for reported in written {
            reported.settle();
        }
        self.waiting.retain(|reported| !reported.is_settled());
        self.foreseen = None;
    }
}
