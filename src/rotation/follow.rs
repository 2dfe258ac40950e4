//! The step after a failure: the same profile again, another one, another model, or the end.

use std::time::Duration;

use super::attempt::Attempt;
use super::rotation::Rotation;
use crate::clock::Timestamp;
use crate::failure::{Failure, TransportError};
use crate::id::{ModelRef, ProfileId};
use crate::profile::AuthProfiles;
use crate::reason::{Blame, FailureReason};

/// Returns `true` if a failure says something about a profile or a model, so that it is recorded.
pub(crate) fn leaves_a_mark(failure: &Failure) -> bool {
    !matches!(failure.blame(), Blame::Request | Blame::Nobody)
}

impl Rotation {
    /// Plans to repeat the request with the same profile, if that is worth it and there is time.
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

    /// Decides the step after a failure: another profile, perhaps after a pause, another model, or the end.
    pub(super) fn follow(&mut self, failure: &Failure, now: Timestamp) {
        let (reason, is_final) = (failure.reason(), failure.should_retry() == Some(false));
        self.over = match failure.blame() {
            Blame::Request => Some(false),
            // No profile or model of this provider can fare better.
            Blame::Nobody => Some(self.skip_provider()),
            // The server ruled out a retry for this credential, or for itself. Another account may fare better only in
            // the first case.
            Blame::Provider | Blame::Model if is_final => Some(false),
            Blame::Profile if is_final && reason == FailureReason::Unknown => Some(false),
            Blame::Provider => {
                self.overloaded += 1;
                let pause = Some(self.limits.overloaded_pause).filter(|_| reason == FailureReason::Overloaded);
                self.pause = pause.filter(|pause| !pause.is_zero());
                // A fallback needs no pause, and may still be tried.
                let has_time = self.pause.is_none_or(|pause| pause < self.time_left(now));
                (self.overloaded > self.limits.overloaded_rotations || !has_time).then_some(true)
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

    /// Keeps the profile with the shortest wait that a server named.
    pub(super) fn note_wait(&mut self, profile: &ProfileId, failure: &Failure) {
        let until = failure.deadline().filter(|_| failure.can_retry());
        let sooner = |until: &Timestamp| self.waiting.as_ref().is_none_or(|(_, known)| until < known);
        if let Some(until) = until.filter(sooner) {
            self.waiting = Some((profile.clone(), until));
        }
    }

    /// Plans to repeat the request after such a wait, if no other profile is left to try.
    pub(super) fn wait(&mut self, profiles: &AuthProfiles, model: &ModelRef, now: Timestamp) -> Option<Duration> {
        let (profile, until) = self.waiting.take()?;
        let pause = until.saturating_since(now);
        let may = self.retried < self.limits.retries && pause <= self.limits.backoff.longest;
        if !may || self.allowance(now).is_none() || pause >= self.time_left(now) {
            return None;
        }
        // The recorded window ends with the wait; otherwise the profile cannot be used yet.
        self.select_again(profiles, model, &profile, until)?;
        self.retried += 1;
        self.again = Some(profile);
        Some(pause)
    }

    /// Returns `true` if an attempt was cut off because the call's time was over and others had used part of it, which
    /// says nothing about the provider.
    pub(super) fn ran_out(&self, attempt: &Attempt, failure: &Failure, now: Timestamp) -> bool {
        let given = self.limits.attempt_timeout.unwrap_or(self.limits.time).min(self.limits.time);
        failure.transport() == Some(TransportError::TimedOut)
            && self.time_left(now).is_zero()
            && attempt.timeout() < given
    }

    /// Leaves out the models of the current provider. Returns `true` if one of another provider is left.
    fn skip_provider(&mut self) -> bool {
        let Some(here) = self.models.get(self.at).map(|model| model.provider().clone()) else { return false };
        let next = self.at + 1;
        let mut place = 0..self.models.len();
        let selector = &self.selector;
        self.models
            .retain(|model| place.next().is_none_or(|at| at < next) || !selector.is_one(model.provider(), &here));
        self.models.len() > next
    }
}
