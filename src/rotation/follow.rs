//! What follows from a failure: the same profile again, another one, another model, or the end.

use std::time::Duration;

use super::rotation::Rotation;
use crate::clock::Timestamp;
use crate::failure::Failure;
use crate::id::ProfileId;
use crate::reason::{Blame, FailureReason};

/// Whether a failure says something about a profile or a model, so that it is to be recorded.
pub(crate) fn leaves_a_mark(failure: &Failure) -> bool {
    !matches!(failure.blame(), Blame::Request | Blame::Nobody)
}

impl Rotation {
    /// Plans to repeat the request without changing the profile, if that is worth it and there is time for it.
    pub(super) fn retry(&mut self, profile: &ProfileId, failure: &Failure, now: Timestamp) -> bool {
        let at_fault = matches!(failure.blame(), Blame::Provider | Blame::Nobody);
        let backoff = &self.limits.backoff;
        let pause = failure.retry_after(now, backoff, self.retried, self.random);
        let Some(pause) = pause.filter(|pause| at_fault && *pause <= backoff.longest) else { return false };
        if self.retried >= self.limits.retries || self.allowance(now).is_none() || pause >= self.time_left(now) {
            return false;
        }
        self.retried += 1;
        self.again = Some(profile.clone());
        self.pause = Some(pause).filter(|pause| !pause.is_zero());
        true
    }

    /// Decides what follows from a failure: another profile, after a pause perhaps, another model, or the end.
    pub(super) fn follow(&mut self, failure: &Failure, timeout: Duration) {
        let (reason, is_final) = (failure.reason(), failure.should_retry() == Some(false));
        self.over = match failure.blame() {
            Blame::Request => Some(false),
            // Every profile of a provider goes the same way, and so does every model.
            Blame::Nobody => Some(self.skip_provider()),
            // The server speaks of this credential, or of itself. Another account may fare better only in the first case.
            Blame::Provider | Blame::Model if is_final => Some(false),
            Blame::Profile if is_final && reason == FailureReason::Unknown => Some(false),
            Blame::Provider => {
                self.overloaded += 1;
                if reason == FailureReason::Overloaded {
                    self.pause = Some(self.limits.overloaded_pause.min(timeout)).filter(|pause| !pause.is_zero());
                }
                (self.overloaded > self.limits.overloaded_rotations).then_some(true)
            }
            _ if reason == FailureReason::RateLimit => {
                self.rate_limited += 1;
                let most = self.limits.rate_limited_rotations;
                most.is_some_and(|most| self.rate_limited > most).then_some(true)
            }
            _ => None,
        };
        if self.over.is_some() {
            self.pause = None;
        }
    }

    /// Leaves the models of the present provider out; returns whether one of another provider is left.
    fn skip_provider(&mut self) -> bool {
        let Some(here) = self.models.get(self.at).map(|model| model.provider().clone()) else { return false };
        let next = self.at + 1;
        let mut place = 0..self.models.len();
        self.models.retain(|model| place.next().is_none_or(|at| at < next) || *model.provider() != here);
        self.models.len() > next
    }
}
