//! Trials of profiles, of which one machine of a fleet makes each.

use std::any::Any;
use std::time::Duration;

use super::attempt::Attempt;
use super::rotation::Rotation;
use crate::clock::Timestamp;
use crate::profile::{AuthProfiles, Trial};
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
    /// Leaves the profile of an attempt that was not made to another machine, which tries it. For two seconds it is cooling
    /// down for this call, which goes on with what is ready.
    pub fn postpone(&mut self, attempt: &Attempt, now: Timestamp) {
        #[cfg(feature = "tracing")]
        tracing::debug!(profile = %attempt.profile(), "another machine tries the profile");
        self.query = self.query.clone().postponing(attempt.profile().clone(), now + LEAVE);
    }

    /// Returns the attempt of a trial that was claimed, with what the store says of its profile after that; `None` if the
    /// trial is no longer to be made, because another machine has made it meanwhile. The guard is held as long as there is
    /// a receipt of the attempt.
    #[must_use]
    pub fn claimed(
        &self,
        attempt: &Attempt,
        guard: impl Any + Send,
        profiles: &AuthProfiles,
        now: Timestamp,
    ) -> Option<Attempt> {
        let query = self.query_for(attempt.model()).locked(attempt.profile().clone());
        let candidates = self.selector.candidates(profiles, &query, now);
        let is_it = |one: &&Candidate<'_>| {
            *one.id == *attempt.profile() && (one.verdict.is_ready() || one.verdict.is_cooling_down())
        };
        candidates.iter().find(is_it)?;
        let mut selection = self.selector.selection(profiles, &query, attempt.profile().clone(), candidates, now)?;
        if selection.receipt.trial() != attempt.trial() {
            return None;
        }
        selection.receipt = selection.receipt.holding(guard);
        // The verdicts of the others are those of the pick.
        selection.skipped.clone_from(&attempt.selection().skipped);
        let timeout = attempt.timeout().min(self.time_left(now));
        Some(self.attempt(attempt.model().clone(), selection, timeout, now))
    }
}
