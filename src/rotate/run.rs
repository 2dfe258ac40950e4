//! What one call may still do: its budgets, and what the next step is after a failure. No I/O.

use std::time::Duration;

use super::attempt::Attempt;
use crate::clock::Timestamp;
use crate::config::CooldownSettings;
use crate::failure::Failure;
use crate::id::ProfileId;
use crate::reason::{Blame, FailureReason};

/// What bounds a call.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    pub(super) attempts: usize,
    pub(super) time: Duration,
    pub(super) attempt: Option<Duration>,
    /// How many more profiles to try where the provider is to blame.
    overloaded: u32,
    /// How long to wait before such a try.
    overloaded_wait: Duration,
    /// How many more profiles to try after a rate limit; `None` for all.
    rate_limited: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            attempts: 10,
            time: Duration::from_secs(600),
            attempt: None,
            overloaded: 1,
            overloaded_wait: Duration::ZERO,
            rate_limited: None,
        }
    }
}

impl Limits {
    pub(super) fn configure(&mut self, settings: &CooldownSettings) {
        self.overloaded = settings.overloaded_profile_rotations.unwrap_or(self.overloaded);
        self.rate_limited = settings.rate_limited_profile_rotations.or(self.rate_limited);
        if let Some(millis) = settings.overloaded_backoff_ms {
            self.overloaded_wait = Duration::from_millis(millis.into());
        }
    }
}

/// What to do after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Try another profile, after a wait.
    Profile(Duration),
    /// Try another model.
    Model,
    /// Give the failure to the caller.
    Stop,
}

/// One call under way.
#[derive(Debug)]
pub(super) struct Run {
    limits: Limits,
    start: Timestamp,
    pub(super) attempts: Vec<Attempt>,
    /// Profiles that were tried for the present model.
    tried: Vec<ProfileId>,
    /// Profiles that are of no use for any model.
    useless: Vec<ProfileId>,
    /// Logins that were refreshed because they were refused.
    pub(super) refreshed: Vec<ProfileId>,
    /// Whether nothing was tried for the present model.
    fresh: bool,
    overloaded: u32,
    rate_limited: u32,
}

impl Run {
    pub(super) fn new(limits: &Limits, start: Timestamp) -> Self {
        Self {
            limits: limits.clone(),
            start,
            attempts: Vec::new(),
            tried: Vec::new(),
            useless: Vec::new(),
            refreshed: Vec::new(),
            fresh: true,
            overloaded: 0,
            rate_limited: 0,
        }
    }

    /// Begins with another model.
    pub(super) fn next_model(&mut self) {
        self.tried.clone_from(&self.useless);
        (self.fresh, self.overloaded, self.rate_limited) = (true, 0, 0);
    }

    /// How long the next attempt may take; `None` if there is no next one.
    pub(super) fn allowance(&self, now: Timestamp) -> Option<Duration> {
        let left = self.limits.time.saturating_sub(now.saturating_since(self.start));
        let more = self.attempts.len() < self.limits.attempts && !left.is_zero();
        more.then(|| self.limits.attempt.map_or(left, |attempt| attempt.min(left)))
    }

    /// Whether the profile may be tried for this model.
    pub(super) fn may_try(&self, profile: &ProfileId) -> bool {
        !self.tried.contains(profile)
    }

    /// Whether nothing was tried for this model.
    pub(super) fn is_fresh(&self) -> bool {
        self.fresh
    }

    pub(super) fn tried(&mut self, profile: &ProfileId) {
        self.fresh = false;
        self.tried.push(profile.clone());
    }

    /// Leaves the profile alone for the rest of the call.
    pub(super) fn useless(&mut self, profile: &ProfileId) {
        self.useless.push(profile.clone());
        self.tried(profile);
    }

    /// What follows from a failure. `final_answer` is the server's word that a further try is of no use.
    pub(super) fn next(&mut self, failure: &Failure, final_answer: bool) -> Next {
        let reason = failure.reason();
        match failure.blame() {
            Blame::Request => Next::Stop,
            // The server speaks of this credential, or of itself. Another account may fare better only in the first case.
            Blame::Provider | Blame::Model if final_answer => Next::Stop,
            Blame::Profile if final_answer && reason == FailureReason::Unknown => Next::Stop,
            Blame::Provider => {
                self.overloaded += 1;
                let wait =
                    if reason == FailureReason::Overloaded { self.limits.overloaded_wait } else { Duration::ZERO };
                if self.overloaded > self.limits.overloaded { Next::Model } else { Next::Profile(wait) }
            }
            _ if reason == FailureReason::RateLimit => {
                self.rate_limited += 1;
                let spent = self.limits.rate_limited.is_some_and(|most| self.rate_limited > most);
                if spent { Next::Model } else { Next::Profile(Duration::ZERO) }
            }
            _ => Next::Profile(Duration::ZERO),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> Run {
        Run::new(&Limits::default(), Timestamp::default())
    }

    #[test]
    fn each_reason_rotates_as_the_table_says() {
        use FailureReason::*;
        let another = Next::Profile(Duration::ZERO);
        for reason in [Auth, AuthPermanent, SessionExpired, Billing, RateLimit, Timeout, ModelNotFound, Unknown] {
            let mut run = run();
            for _ in 0..5 {
                assert_eq!(run.next(&Failure::new(reason), false), another, "{reason}");
            }
        }
        for reason in [Overloaded, ServerError] {
            let mut run = run();
            assert_eq!(run.next(&Failure::new(reason), false), another, "{reason}");
            assert_eq!(run.next(&Failure::new(reason), false), Next::Model, "{reason}");
        }
        for reason in [Format, ContextOverflow] {
            assert_eq!(run().next(&Failure::new(reason), false), Next::Stop, "{reason}");
        }
    }

    #[test]
    fn a_final_answer_stops_unless_the_account_is_to_blame() {
        use FailureReason::*;
        for reason in [Overloaded, ServerError, Timeout, ModelNotFound, Unknown, Format] {
            assert_eq!(run().next(&Failure::new(reason), true), Next::Stop, "{reason}");
        }
        for reason in [Auth, AuthPermanent, SessionExpired, Billing, RateLimit] {
            assert_eq!(run().next(&Failure::new(reason), true), Next::Profile(Duration::ZERO), "{reason}");
        }
    }

    #[test]
    fn configured_rotations_are_respected() {
        let settings = CooldownSettings {
            overloaded_profile_rotations: Some(0),
            overloaded_backoff_ms: Some(250),
            rate_limited_profile_rotations: Some(1),
            ..CooldownSettings::default()
        };
        let mut limits = Limits::default();
        limits.configure(&settings);
        let mut run = Run::new(&limits, Timestamp::default());
        assert_eq!(run.next(&Failure::new(FailureReason::Overloaded), false), Next::Model);
        assert_eq!(run.next(&Failure::new(FailureReason::RateLimit), false), Next::Profile(Duration::ZERO));
        assert_eq!(run.next(&Failure::new(FailureReason::RateLimit), false), Next::Model);
        limits.overloaded = 1;
        let wait = Duration::from_millis(250);
        assert_eq!(
            Run::new(&limits, Timestamp::default()).next(&Failure::new(FailureReason::Overloaded), false),
            Next::Profile(wait)
        );
    }

    #[test]
    fn budgets_end_a_call() {
        let mut limits = Limits { time: Duration::from_secs(10), attempts: 1, ..Limits::default() };
        let run = Run::new(&limits, Timestamp::default());
        assert_eq!(run.allowance(Timestamp::from_millis(4_000)), Some(Duration::from_secs(6)));
        assert_eq!(run.allowance(Timestamp::from_millis(10_000)), None);
        limits.attempt = Some(Duration::from_secs(2));
        let run = Run::new(&limits, Timestamp::default());
        assert_eq!(run.allowance(Timestamp::from_millis(4_000)), Some(Duration::from_secs(2)));
        assert_eq!(run.allowance(Timestamp::from_millis(9_000)), Some(Duration::from_secs(1)));
    }
}
