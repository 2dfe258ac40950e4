//! Outcomes on their way into the store: what every pick knows of them, and how they are written.

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

/// More outcomes than this are not kept while the store cannot be written: the oldest are given up.
const MOST: usize = 1_000;

/// How long one thread that writes waits for another. Only one that is within an update of the store itself can take as long.
const TURN: Duration = Duration::from_secs(5);

/// The outcomes that are not in the store yet.
#[derive(Default)]
pub(super) struct Outcomes {
    state: Mutex<State>,
    /// Lets one thread at a time write what waits, from looking at the line to taking out of it what was written: of a store
    /// that never blocks, any number of threads write.
    turn: Gate,
    /// Successes of which nothing is worth a write of its own.
    pub(super) unwritten: Arc<Unwritten>,
    /// What others who share the store are told of.
    headroom: Arc<HeadroomTracker>,
}

#[derive(Default)]
struct State {
    /// In the order in which they were reported.
    waiting: Vec<Arc<Reported>>,
    /// The document that was read or written last, and the number under which that was begun or ended.
    known: Option<(u64, Arc<AuthProfiles>)>,
    /// The same with what waits, until one of the two changes.
    foreseen: Option<Arc<AuthProfiles>>,
    last: u64,
    /// Whether a job that writes what waits stands in line.
    is_queued: bool,
}

type Skipped = IndexMap<ProfileId, Vec<(Receipt, Timestamp)>>;

impl Outcomes {
    /// Creates an empty line, which tells others what is left of the profiles as well.
    pub(super) fn new(headroom: Arc<HeadroomTracker>) -> Self {
        Self { headroom, ..Self::default() }
    }

    /// Returns the number of a load that begins.
    pub(super) fn begin(&self) -> u64 {
        self.state().begin()
    }

    /// Returns what a pick has to know: the newest document that was read or written, and what waits.
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

    /// Takes an outcome, unless its receipt was reported before. A success of which nothing is worth a write is kept in mind;
    /// anything else is given back, to be written.
    pub(super) fn add(&self, record: Record, selector: &ProfileSelector, clock: &dyn Clock) -> Option<Arc<Reported>> {
        let claim = record.receipt().claim()?;
        let mut state = self.state();
        // Within the lock, so that what waits is in the order of its times.
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

    /// Returns `true` if a job is to be queued that writes what waits: one serves all.
    pub(super) fn queue(&self) -> bool {
        !std::mem::replace(&mut self.state().is_queued, true)
    }

    /// Writes what waits in one update, and with `all` the times of successes that were skipped.
    ///
    /// # Errors
    ///
    /// Those of the store; what could not be written goes on waiting.
    pub(super) fn write(
        &self,
        store: &dyn AuthProfileStore,
        (selector, clock): (&ProfileSelector, &dyn Clock),
        all: bool,
    ) -> Result<()> {
        let turn = self.turn.enter_within(TURN).and_then(|turn| {
            turn.ok_or_else(|| Error::new(ErrorKind::Locked, "another thread is writing outcomes, and does not end"))
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
                // Where the store is away, it is so for the others.
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
        // What the store refuses about one profile says nothing of the others.
        for (id, times) in skipped {
            let own = of(&id);
            let written = self.commit(store, (selector, clock), &own, &IndexMap::from([(id, times)]));
            result = result.and(written.map_err(|error| self.fail(&own, error)));
        }
        result
    }

    /// Writes the outcomes of one profile, in a store that keeps its statistics apart.
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
            // Times of success alone make no statistics of a profile that has none, or is no longer there.
            if profiles.usage(id.as_str()).is_some() {
                selector.note_skipped(usage, skipped, now);
            }
            for reported in waiting {
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
            // For display only.
            let _ = name_last_good(store, &profiles, id);
        }
        Ok(())
    }

    /// Learns what is in a store that gives no whole document for a write of a part.
    fn look(&self, store: &dyn AuthProfileStore) {
        let number = self.begin();
        // Every pick loads it too.
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
                // What cannot be written is only times.
                let _ = selector.write_skipped(profiles, id, times, now);
            }
            waiting.iter().try_for_each(|reported| match &reported.record {
                Record::Success(receipt) => selector.write_late_success(profiles, receipt, reported.at, now),
                Record::Failure(receipt, failure) => {
                    selector.write_failure(profiles, receipt, failure.reason(), failure.deadline(), reported.at)
                }
            })?;
            // What cannot be written is a hint.
            for id in skipped.keys() {
                let _ = selector.write_hint(profiles, id, &self.headroom, now);
            }
            Ok(())
        })?;
        let mut state = self.state();
        // It has all that a load under way may have missed.
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

    /// Notes why what waits was not written. It is tried again with the next outcome.
    pub(super) fn missed(&self, error: Error) -> Error {
        let mut state = self.state();
        state.is_queued = false;
        let waiting = state.waiting.clone();
        drop(state);
        self.fail(&waiting, error)
    }

    /// Notes why these were not written; returns the same error.
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

    /// Counts what could not be written when it was tried, and is kept.
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
            // A load may have seen what is about to be taken out of the line.
            if selector.counts_twice(known, receipt.profile(), at, failed) {
                continue;
            }
            // What does not apply here will not when it is written.
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

/// Lets others try the profiles again, whose store says now what came of it.
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

    /// Takes a document, unless a newer one is known.
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

    /// Takes the oldest that could not be written out of a line that is too long.
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

    /// Takes out of the line what was written.
    fn settle(&mut self, written: &[Arc<Reported>]) {
        for reported in written {
            reported.settle();
        }
        self.waiting.retain(|reported| !reported.is_settled());
        self.foreseen = None;
    }
}
