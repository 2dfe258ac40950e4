//! Trials of profiles, each made by one machine of a fleet.

use std::time::Duration;

use super::attempt::Attempt;
use super::outcome::Outcome;
use super::rotation::Rotation;
use crate::clock::Timestamp;
use crate::profile::{AuthProfiles, Trial, TrialGuard};
use crate::record::Record;
use crate::select::Candidate;

/// The time for which a profile is left to another machine before its trial is checked again.
const LEAVE: Duration = Duration::from_secs(2);

impl Attempt {
    /// Returns the window that the attempt tries. Drivers over a store that many machines share
    /// [claim](crate::AuthProfileStore::claim_trial) it before they send anything.
    #[must_use]
    pub fn trial(&self) -> Option<&Trial> {
        self.receipt().trial()
    }
}

impl Rotation {
    /// Processes the outcome of an attempt, and returns what to record in the store.
    ///
    /// The claim on a trial ends once that is recorded. If there is nothing to record, for example because a stream has
    /// just begun, it ends here. If the same profile is tried again, it passes to the next attempt.
    pub fn report(&mut self, attempt: &Attempt, outcome: Outcome, now: Timestamp) -> Option<Record> {
        self.reported(attempt, outcome, now).0
    }

    /// Does the same as [`report`](Self::report), and returns the claim that ends here.
    pub(crate) fn reported(
        &mut self,
        attempt: &Attempt,
        outcome: Outcome,
        now: Timestamp,
    ) -> (Option<Record>, Option<Box<dyn TrialGuard>>) {
        attempt.note_sent(&outcome, now);
        let (record, receipt) = (self.take(attempt, outcome, now), attempt.receipt());
        if self.again.is_some() {
            self.claim = receipt.with_claim();
            return (record, None);
        }
        let ended = if record.is_none() { receipt.unclaimed() } else { None };
        (record, ended)
    }

    /// Passes the claim of the last trial to an attempt that repeats it; for any other attempt the claim ends.
    pub(super) fn hold(&mut self, attempt: &Attempt) {
        let Some(last) = self.claim.take() else { return };
        let is_same = attempt.trial().zip(last.trial()).is_some_and(|(own, last)| own.is_of_window(last));
        if let Some(guard) = last.unclaimed().filter(|_| is_same) {
            attempt.receipt().hold(guard);
        }
    }

    /// Leaves the profile of an attempt that was not made to another machine, which is trying it. For this call it is
    /// cooling down for two seconds, and the call uses other profiles that are ready.
    pub fn postpone(&mut self, attempt: &Attempt, now: Timestamp) {
        #[cfg(feature = "tracing")]
        tracing::debug!(profile = %attempt.profile(), "another machine is trying the profile");
        attempt.withdraw();
        self.query = self.query.clone().postponing(attempt.profile().clone(), now + LEAVE);
    }

    /// Does the same as [`claimed`](Self::claimed) with any guard of a claim.
    pub(super) fn claimed_by(
        &mut self,
        attempt: &Attempt,
        guard: Box<dyn TrialGuard>,
        profiles: &AuthProfiles,
        now: Timestamp,
    ) -> Option<Attempt> {
        let claimed = self.claim_again(attempt, profiles, now);
        claimed.as_ref().unwrap_or(attempt).receipt().hold(guard);
        if claimed.is_none() {
            // The next attempt may be a trial of the same window.
            self.claim = attempt.receipt().with_claim();
        }
        claimed
    }

    /// Returns the attempt with the profile's present state in the store; `None` if it is no longer the same trial.
    fn claim_again(&self, attempt: &Attempt, profiles: &AuthProfiles, now: Timestamp) -> Option<Attempt> {
        // Its own registered request must not block it.
        let query = self.query_for(attempt.model()).locked(attempt.profile().clone()).without_headroom();
        let candidates = self.selector.candidates(profiles, &query, now);
        let is_it = |one: &&Candidate<'_>| {
            *one.id == *attempt.profile() && (one.verdict.is_ready() || one.verdict.is_cooling_down())
        };
        candidates.iter().find(is_it)?;
        let mut selection = self.selector.selection(profiles, &query, attempt.profile().clone(), candidates, now)?;
        if selection.receipt.trial() != attempt.trial() {
            return None;
        }
        // The others keep their verdicts from the pick.
        selection.skipped.clone_from(&attempt.selection().skipped);
        let timeout = attempt.timeout().min(self.time_left(now));
        Some(self.ticketed(attempt.model().clone(), selection, (timeout, now), attempt.ticket().cloned()))
    }
}
