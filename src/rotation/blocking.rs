//! A driver for programs without a runtime.

use std::fmt;
use std::time::Duration;

use super::attempt::{Answered, Attempt};
use super::failure::SendFailure;
use super::outcome::{AttemptError, Outcome, Step};
use super::rotation::Rotation;
use crate::clock::{Clock, Timestamp};
use crate::credential::CredentialKind;
use crate::error::Error;
use crate::profile::AuthProfiles;
use crate::record::RecordOutcome as _;
use crate::refresh::{RefreshCoordinator, RefreshOutcome};
use crate::store::{AuthProfileStore, Lease, TrialClaim};

/// A driver that runs rotations over a store and a clock on the calling thread, with any synchronous client.
///
/// # Examples
///
/// ```
/// use provider_auth::rotation::BlockingDriver;
/// use provider_auth::{AuthProfiles, Clock, Config, Environment, Failure, FailureReason, MemoryStore, ReadOptions, SystemClock};
///
/// let config = Config::from_json5_str("{}", &ReadOptions::new().environment(Environment::empty()))?;
/// let store = MemoryStore::new(AuthProfiles::from_json(r#"{"version": 1, "profiles": {
///     "openai:a": {"type": "api_key", "provider": "openai", "key": "sk-a"},
///     "openai:b": {"type": "api_key", "provider": "openai", "key": "sk-b"}}}"#)?);
///
/// let driver = BlockingDriver::new(&store, &SystemClock, std::thread::sleep);
/// let rotation = config.rotation("openai/gpt-5".parse()?, None, SystemClock.now());
/// let answered = driver.run(rotation, |attempt| {
///     // Send the request with your client, and classify what comes back with a `FailureClassifier`.
///     match attempt.credential().secret().expose() {
///         "sk-a" => Err(Failure::new(FailureReason::RateLimit)),
///         _ => Ok("Hello"),
///     }
/// })?;
/// assert_eq!((answered.value, answered.attempts.len()), ("Hello", 2));
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct BlockingDriver<'a> {
    store: &'a dyn AuthProfileStore,
    clock: &'a dyn Clock,
    sleep: fn(Duration),
    refresh: Option<&'a RefreshCoordinator>,
}

impl<'a> BlockingDriver<'a> {
    /// Creates a driver. `sleep` waits for pauses; it is usually `std::thread::sleep`.
    #[must_use]
    pub fn new(store: &'a dyn AuthProfileStore, clock: &'a dyn Clock, sleep: fn(Duration)) -> Self {
        Self { store, clock, sleep, refresh: None }
    }

    /// Sets the coordinator that refreshes OAuth credentials before they expire and when they are refused. Default:
    /// none.
    #[must_use]
    pub fn refresh(mut self, coordinator: &'a RefreshCoordinator) -> Self {
        self.refresh = Some(coordinator);
        self
    }

    /// Makes attempts until one is answered or nothing is left to try. Every outcome is recorded in the store by the
    /// rules of the rotation's selector; the success of an answer is recorded as soon as it is returned.
    ///
    /// The function must observe [`Attempt::timeout`], because it cannot be interrupted.
    ///
    /// # Errors
    ///
    /// A [`SendFailure`] that lists every attempt.
    pub fn run<T, E: Into<AttemptError>>(
        &self,
        rotation: Rotation,
        send: impl FnMut(&Attempt) -> Result<T, E>,
    ) -> Result<Answered<T>, SendFailure> {
        self.run_until(rotation, true, send)
    }

    /// Makes attempts as [`run`](Self::run) does, for answers that are streams: the function returns as soon as the
    /// stream has begun, and its success is not recorded.
    ///
    /// The reader of the stream records its end on the receipt of [`Answered::attempt`]:
    /// [`record_success`](crate::RecordOutcome::record_success) if it is complete,
    /// [`record_failure`](crate::RecordOutcome::record_failure) if it is not. A stream without either leaves the
    /// profile unchanged.
    ///
    /// # Errors
    ///
    /// A [`SendFailure`] that lists every attempt.
    pub fn run_streamed<T, E: Into<AttemptError>>(
        &self,
        rotation: Rotation,
        send: impl FnMut(&Attempt) -> Result<T, E>,
    ) -> Result<Answered<T>, SendFailure> {
        self.run_until(rotation, false, send)
    }

    fn run_until<T, E: Into<AttemptError>>(
        &self,
        rotation: Rotation,
        complete: bool,
        mut send: impl FnMut(&Attempt) -> Result<T, E>,
    ) -> Result<Answered<T>, SendFailure> {
        let mut rotation = rotation.reserving();
        loop {
            let profiles = match self.store.load() {
                Ok(profiles) => profiles,
                Err(error) => return Err(rotation.abort(error)),
            };
            rotation.set_store_away(self.store.is_away());
            let attempt = match rotation.next(&profiles, self.clock.now()) {
                Step::Attempt(attempt) => attempt,
                Step::Pause(pause) => {
                    (self.sleep)(pause);
                    continue;
                }
                Step::End(failure) => return Err(failure),
            };
            let Some(attempt) = self.claimed(&mut rotation, attempt) else { continue };
            let attempt = match self.refreshed(&rotation, attempt.clone()) {
                Ok(attempt) => attempt,
                Err(error) => {
                    self.report(&mut rotation, &attempt, Outcome::Unusable(error));
                    continue;
                }
            };
            if rotation.time_left(self.clock.now()).is_zero() {
                // The refresh used up the time. Nothing was sent, so nothing is recorded about the profile.
                continue;
            }
            attempt.sending(self.clock.now());
            let (outcome, value) = match send(&attempt).map_err(Into::into) {
                Ok(value) => (Outcome::Answered { status: None, complete }, Some(value)),
                Err(error) => (self.after(&mut rotation, &attempt, error), None),
            };
            self.report(&mut rotation, &attempt, outcome);
            if let Some(value) = value {
                return Ok(Answered::new(value, attempt, rotation.into_parts()));
            }
        }
    }

    /// Returns the attempt once its trial is claimed; `None` if another machine makes or has just made the trial.
    fn claimed(&self, rotation: &mut Rotation, attempt: Attempt) -> Option<Attempt> {
        // The claim of a repeated trial is held already.
        let trial = attempt.trial().filter(|_| !attempt.receipt().is_claimed());
        match trial.map(|trial| self.store.claim_trial(trial)) {
            Some(Ok(TrialClaim::Held(guard))) => {
                let profiles = self.store.load().ok()?;
                rotation.claimed(&attempt, guard, &profiles, self.clock.now())
            }
            Some(Ok(TrialClaim::Elsewhere)) => {
                rotation.postpone(&attempt, self.clock.now());
                None
            }
            // If the other machines cannot be asked, the trial is made anyway.
            None | Some(Ok(TrialClaim::Unshared) | Err(_)) => Some(attempt),
        }
    }

    /// Returns the attempt with its credential refreshed if that is due.
    fn refreshed(&self, rotation: &Rotation, attempt: Attempt) -> Result<Attempt, Error> {
        let oauth = attempt.credential().kind() == CredentialKind::OAuth;
        let Some(coordinator) = self.refresh.filter(|_| oauth) else { return Ok(attempt) };
        match coordinator.refresh_if_needed_blocking(attempt.profile())? {
            RefreshOutcome::NotNeeded | RefreshOutcome::Postponed(_) => Ok(attempt),
            RefreshOutcome::Refreshed | RefreshOutcome::RefreshedElsewhere => {
                let profiles = self.store.load()?;
                let fresh = rotation.reselect(&attempt, &profiles, self.clock.now());
                fresh.ok_or_else(|| attempt.no_longer(&profiles))
            }
        }
    }

    /// Returns the outcome of a failed attempt, after a refresh of the credential if it was refused.
    fn after(&self, rotation: &mut Rotation, attempt: &Attempt, error: AttemptError) -> Outcome {
        let AttemptError::Failed { failure, status, response } = error else { return error.into() };
        let Some(coordinator) = self.refresh.filter(|_| rotation.can_refresh(attempt, &failure)) else {
            return Outcome::Failed { failure, status, response };
        };
        let used = attempt.credential().secret();
        let refreshed = coordinator.refresh_rejected_blocking(attempt.profile(), used).is_ok();
        let now = self.store.load().ok().filter(|_| refreshed);
        let credential = now.as_ref().and_then(|now| now.get(attempt.profile().as_str())?.credential());
        if credential.is_some_and(|credential| credential.secret() != used) {
            return Outcome::Refreshed { failure, status, response };
        }
        rotation.refresh_failed(attempt);
        Outcome::Failed { failure, status, response }
    }

    fn report(&self, rotation: &mut Rotation, attempt: &Attempt, outcome: Outcome) {
        let (record, claim) = rotation.reported(attempt, outcome, self.clock.now());
        if let Some(claim) = claim {
            claim.release();
        }
        let recorded = record.map(|record| self.store.record(rotation.selector(), &record, self.clock.now()));
        if let Some(Err(error)) = recorded {
            rotation.unrecorded(error.kind());
        }
    }
}

impl Rotation {
    /// Returns the attempt of a claimed trial with the profile's present state in the store; `None` if the trial is
    /// obsolete because another machine has made it meanwhile. The claim is held until the outcome of the attempt is
    /// [recorded](crate::RecordOutcome), or [reported](Self::report) if there is nothing to record, and at most until
    /// the last receipt of the attempt is dropped.
    #[must_use]
    pub fn claimed(
        &mut self,
        attempt: &Attempt,
        claim: Lease,
        profiles: &AuthProfiles,
        now: Timestamp,
    ) -> Option<Attempt> {
        self.claimed_by(attempt, Box::new(claim), profiles, now)
    }
}

impl fmt::Debug for BlockingDriver<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingDriver")
            .field("store", &self.store)
            .field("refresh", &self.refresh)
            .finish_non_exhaustive()
    }
}
