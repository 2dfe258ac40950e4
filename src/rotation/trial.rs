//! Trials of profiles, of which one machine of a fleet makes each.

use std::time::Duration;

use super::attempt::Attempt;
use super::outcome::Outcome;
use super::rotation::Rotation;
use crate::clock::Timestamp;
use crate::profile::{AuthProfiles, Trial, TrialGuard};
use crate::record::Record;
use crate::select::Candidate;

/// How long a profile is left to another machine before it is asked again how that went.
const LEAVE: Duration = Duration::from_secs(2);

impl Attempt {
    /// Returns the window that the attempt tries, for drivers over a store that many machines share: they
    /// [claim](crate::AuthProfileStore::claim_trial) it before they send anything.
    #[must_use]
    pub fn trial(&self) -> Option<&Trial> {
        self.receipt().trial()
    }
}

impl Rotation {
    /// Takes the outcome of an attempt, and returns what is to be recorded in the store.
    ///
    /// The claim on a trial ends once that is recorded. It ends here if there is nothing to record, as when a stream has
    /// begun, and goes over to the next attempt where the same profile is tried again.
    pub fn report(&mut self, attempt: &Attempt, outcome: Outcome, now: Timestamp) -> Option<Record> {
        self.reported(attempt, outcome, now).0
    }

    /// As [`report`](Self::report), with the claim that ends here.
    pub(crate) fn reported(
        &mut self,
        attempt: &Attempt,
        outcome: Outcome,
        now: Timestamp,
    ) -> (Option<Record>, Option<Box<dyn TrialGuard>>) {
        let (record, receipt) = (self.take(attempt, outcome, now), attempt.receipt());
        if self.again.is_some() {
            self.claim = receipt.with_claim();
            return (record, None);
        }
        let ended = if record.is_none() { receipt.unclaimed() } else { None };
        (record, ended)
    }

    /// Hands the claim of the last trial on to an attempt that makes it again; it ends if the attempt is another one.
    pub(super) fn hold(&mut self, attempt: &Attempt) {
        let Some(last) = self.claim.take() else { return };
        let is_same = attempt.trial().zip(last.trial()).is_some_and(|(own, last)| own.is_of_window(last));
        if let Some(guard) = last.unclaimed().filter(|_| is_same) {
            attempt.receipt().hold(guard);
        }
    }

    /// Leaves the profile of an attempt that was not made to another machine, which tries it. For two seconds it is cooling
    /// down for this call, which goes on with what is ready.
    pub fn postpone(&mut self, attempt: &Attempt, now: Timestamp) {
        #[cfg(feature = "tracing")]
        tracing::debug!(profile = %attempt.profile(), "another machine tries the profile");
        self.query = self.query.clone().postponing(attempt.profile().clone(), now + LEAVE);
    }

    /// As [`claimed`](Self::claimed), with whatever ends the claim.
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
            // What is next may be a trial of the same window.
            self.claim = attempt.receipt().with_claim();
        }
        claimed
    }

    /// The attempt with what the store says of its profile now; `None` if it is no longer the same trial.
    fn claim_again(&self, attempt: &Attempt, profiles: &AuthProfiles, now: Timestamp) -> Option<Attempt> {
        // Its own request was noted, and must not stand in its way.
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
        // The verdicts of the others are those of the pick.
        selection.skipped.clone_from(&attempt.selection().skipped);
        let timeout = attempt.timeout().min(self.time_left(now));
        Some(self.observed(attempt.model().clone(), selection, (timeout, now), attempt.observer().cloned()))
    }
}
