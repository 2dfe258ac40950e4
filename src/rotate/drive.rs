//! The loop that carries out the steps of a rotation on a runtime.

use std::sync::Arc;
use std::time::Duration;

use tokio::time;

use super::attempt::Taken;
use super::call::Call;
use super::reported::Reported;
use super::rotator::Rotator;
use super::settings::Settings;
use crate::credential::{Credential, CredentialKind, CredentialSource, InlineCredential};
use crate::error::{Error, ErrorKind, Result};
use crate::failure::{Failure, TransportError};
use crate::id::{ModelRef, ProviderId};
use crate::refresh::RefreshOutcome;
use crate::request::Endpoint;
use crate::rotation::{Answered, Attempt, AttemptError, Outcome, Rotation, SendFailure, Step};
use crate::store::TrialClaim;

impl Rotator {
    /// Makes attempts with your own client until one is answered or nothing is left to try.
    ///
    /// The function is called for each [`Attempt`]. It sends the request with the attempt's credential, and returns the
    /// answer or the [`Failure`] that a [`FailureClassifier`](crate::FailureClassifier) makes of it.
    /// Every outcome is recorded, as by [`send`](Self::send). An attempt that takes longer than [`Attempt::timeout`] is
    /// dropped, which counts as a timeout. An error of kind [`NoEndpoint`](ErrorKind::NoEndpoint) or
    /// [`UnsupportedApi`](ErrorKind::UnsupportedApi), as returned by
    /// [`Endpoint::for_model`](crate::Endpoint::for_model), leaves the model out. The body of the call is not used. Use
    /// [`run_streamed`](Self::run_streamed) for answers that have only begun when the function returns.
    ///
    /// # Errors
    ///
    /// A [`SendFailure`] that lists every attempt, as from [`send`](Self::send).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), provider_auth::Error> {
    /// use std::sync::Arc;
    /// use provider_auth::{AuthProfiles, Call, Failure, FailureReason, MemoryStore, Rotator};
    ///
    /// let store = Arc::new(MemoryStore::new(AuthProfiles::from_json(r#"{"version": 1, "profiles": {
    ///     "openai:a": {"type": "api_key", "provider": "openai", "key": "sk-a"},
    ///     "openai:b": {"type": "api_key", "provider": "openai", "key": "sk-b"}}}"#)?));
    /// let rotator = Rotator::builder(store).build()?;
    ///
    /// let answered = rotator
    ///     .run(&Call::new("openai/gpt-5".parse()?), |attempt| async move {
    ///         match attempt.credential().secret().expose() {
    ///             "sk-a" => Err(Failure::new(FailureReason::RateLimit)),
    ///             _ => Ok("Hello"),
    ///         }
    ///     })
    ///     .await?;
    /// assert_eq!((answered.value, answered.attempts.len()), ("Hello", 2));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn run<T, E, F, Fut>(&self, call: &Call, send: F) -> Result<Answered<T>, SendFailure>
    where
        E: Into<AttemptError>,
        F: FnMut(Attempt) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        self.run_until(call, true, send).await
    }

    /// Does the same as [`run`](Self::run); `complete` decides whether the function's value is the whole answer.
    pub(super) async fn run_until<T, E, F, Fut>(
        &self,
        call: &Call,
        complete: bool,
        mut send: F,
    ) -> Result<Answered<T>, SendFailure>
    where
        E: Into<AttemptError>,
        F: FnMut(Attempt) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let settings = self.settings().await;
        let rotation = self.rotation(&settings, call, call.fallback_models(&settings.config));
        self.drive(&settings, rotation, |attempt| {
            let answer = send(attempt);
            async move { answer.await.map(|value| (value, None, complete)).map_err(Into::into) }
        })
        .await
        .map(|(answered, _)| answered)
    }

    pub(super) fn rotation(
        &self,
        settings: &Settings,
        call: &Call,
        fallbacks: impl IntoIterator<Item = ModelRef>,
    ) -> Box<Rotation> {
        let (model, limits) = (call.model().clone(), settings.limits.clone());
        let rotation = settings.config.rotation_with(model, fallbacks, limits, self.0.clock.now());
        let rotation = self.with_endpoints(rotation);
        let query = call.query().clone();
        let rotation =
            rotation.query(query.with_unwritten(Arc::clone(&self.0.outcomes.unwritten))).random((self.0.random)());
        let rotation = rotation.headroom(Arc::clone(&self.0.headroom)).reserving();
        // Boxed, because a future moves everything it holds, more than once.
        Box::new(match &self.0.probes {
            Some(policy) => rotation.probes(policy.clone(), self.0.probed.clone()),
            None => rotation,
        })
    }

    /// Marks the builder's endpoints that need no credential.
    fn with_endpoints(&self, rotation: Rotation) -> Rotation {
        let is_open = |endpoint: &Endpoint| endpoint.takes_no_credential() || endpoint.authenticates_itself();
        let providers = rotation.models().iter().map(ModelRef::provider);
        let open = providers.filter(|provider| self.0.endpoints.get(*provider).is_some_and(is_open));
        let mut providers: Vec<ProviderId> = open.cloned().collect();
        if providers.is_empty() {
            return rotation;
        }
        providers.dedup();
        providers.into_iter().fold(rotation, |rotation, provider| match self.0.endpoints.get(&provider) {
            Some(endpoint) if endpoint.takes_no_credential() => rotation.with_keyless(provider),
            Some(endpoint) if endpoint.authenticates_itself() => {
                rotation.inline(provider, InlineCredential::new(Credential::None, CredentialSource::NotNeeded))
            }
            _ => rotation,
        })
    }

    pub(super) async fn drive<T, Fut>(
        &self,
        settings: &Arc<Settings>,
        mut rotation: Box<Rotation>,
        mut send: impl FnMut(Attempt) -> Fut,
    ) -> Result<(Answered<T>, Option<Arc<Reported>>), SendFailure>
    where
        Fut: Future<Output = Taken<T>>,
    {
        // The outcomes reported by this call, by the index of the attempt.
        let mut reports = Vec::new();
        loop {
            let number = self.0.outcomes.begin();
            let look = async {
                let loaded = self.0.store.load().await?;
                Ok((self.referred(settings, &loaded).await, loaded))
            };
            let (references, loaded) = match self.within(&rotation, look).await {
                Ok(looked) => looked,
                Err(error) => {
                    let left = self.left(&rotation);
                    return Err(self.ended(rotation.abort(error), &reports, left).await);
                }
            };
            rotation.set_references(references);
            rotation.set_store_away(self.0.store.store().is_away());
            let now = self.0.clock.now();
            let profiles = self.0.outcomes.foresee((number, loaded), rotation.selector(), now);
            let attempt = match rotation.next(&profiles, now) {
                Step::Attempt(attempt) => attempt,
                Step::Pause(pause) => {
                    time::sleep(pause).await;
                    continue;
                }
                Step::End(failure) => return Err(self.ended(failure, &reports, self.left(&rotation)).await),
            };
            let Some(attempt) = self.claimed(&mut rotation, attempt).await else { continue };
            let attempt = match self.refreshed(&rotation, attempt.clone()).await {
                Ok(attempt) => attempt,
                Err(error) => {
                    reports.extend(self.note(&mut rotation, &attempt, Outcome::Unusable(error)).await);
                    continue;
                }
            };
            if rotation.time_left(self.0.clock.now()).is_zero() {
                // The refresh used up the time. Nothing was sent, so nothing is recorded about the profile.
                continue;
            }
            attempt.sending(self.0.clock.now());
            let late = || Err(Failure::from(TransportError::TimedOut).into());
            let taken = time::timeout(attempt.timeout(), send(attempt.clone())).await.unwrap_or_else(|_| late());
            let (outcome, value) = match taken {
                Ok((value, status, complete)) => (Outcome::Answered { status, complete }, Some(value)),
                Err(error) => (self.after(&mut rotation, &attempt, error).await, None),
            };
            reports.extend(self.note(&mut rotation, &attempt, outcome).await);
            if let Some(value) = value {
                let (mut attempts, unserved) = rotation.into_parts();
                for (number, report) in &reports {
                    if let Some(attempt) = attempts.get_mut(*number) {
                        attempt.unrecorded = report.unrecorded();
                    }
                }
                let last = reports.pop().filter(|(number, _)| *number + 1 == attempts.len());
                let answered = Answered::new(value, attempt, (attempts, unserved));
                return Ok((answered, last.map(|(_, report)| report)));
            }
        }
    }

    /// Returns the attempt once its trial is claimed; `None` if another machine makes or has just made the trial.
    async fn claimed(&self, rotation: &mut Rotation, attempt: Attempt) -> Option<Attempt> {
        // The claim of a repeated trial is held already.
        let trial = attempt.trial().filter(|_| !attempt.receipt().is_claimed()).cloned();
        let Some(trial) = trial else { return Some(attempt) };
        match self.within(rotation, self.0.store.claim_trial(trial)).await {
            Ok(TrialClaim::Held(claim)) => {
                let (number, loaded) =
                    (self.0.outcomes.begin(), self.within(rotation, self.0.store.load()).await.ok()?);
                let now = self.0.clock.now();
                let profiles = self.0.outcomes.foresee((number, loaded), rotation.selector(), now);
                rotation.claimed(&attempt, claim, &profiles, now)
            }
            Ok(TrialClaim::Elsewhere) => {
                rotation.postpone(&attempt, self.0.clock.now());
                None
            }
            // If the other machines cannot be asked, the trial is made anyway.
            Ok(TrialClaim::Unshared) | Err(_) => Some(attempt),
        }
    }

    /// Processes the outcome of an attempt. Returns it with the attempt's index if it is to be recorded.
    async fn note(
        &self,
        rotation: &mut Rotation,
        attempt: &Attempt,
        outcome: Outcome,
    ) -> Option<(usize, Arc<Reported>)> {
        let (record, claim) = rotation.reported(attempt, outcome, self.0.clock.now());
        if let Some(claim) = claim {
            // The claim must be released before this call returns, because the program may end then.
            let _ = self.within(rotation, self.0.store.give_back(claim)).await;
        }
        let reported = self.report(record?)?;
        Some((rotation.attempts().len().checked_sub(1)?, reported))
    }

    /// Returns the attempt with its credential refreshed if that is due.
    async fn refreshed(&self, rotation: &Rotation, attempt: Attempt) -> Result<Attempt> {
        let oauth = attempt.credential().kind() == CredentialKind::OAuth;
        let Some(coordinator) = self.0.coordinator.as_ref().filter(|_| oauth) else { return Ok(attempt) };
        match self.within(rotation, coordinator.refresh_if_needed(attempt.profile())).await? {
            RefreshOutcome::NotNeeded | RefreshOutcome::Postponed(_) => Ok(attempt),
            RefreshOutcome::Refreshed | RefreshOutcome::RefreshedElsewhere => {
                let (number, loaded) = (self.0.outcomes.begin(), self.within(rotation, self.0.store.load()).await?);
                let now = self.0.clock.now();
                let profiles = self.0.outcomes.foresee((number, loaded), rotation.selector(), now);
                rotation.reselect(&attempt, &profiles, now).ok_or_else(|| attempt.no_longer(&profiles))
            }
        }
    }

    /// Returns the outcome of a failed attempt, after a refresh of the credential if it was refused.
    async fn after(&self, rotation: &mut Rotation, attempt: &Attempt, error: AttemptError) -> Outcome {
        let AttemptError::Failed { failure, status, response } = error else { return error.into() };
        let coordinator = self.0.coordinator.as_ref().filter(|_| rotation.can_refresh(attempt, &failure));
        let Some(coordinator) = coordinator else { return Outcome::Failed { failure, status, response } };
        let used = attempt.credential().secret();
        let refreshed = self.within(rotation, coordinator.refresh_rejected(attempt.profile(), used)).await.is_ok();
        let now = if refreshed { self.within(rotation, self.0.store.load()).await.ok() } else { None };
        let credential = now.as_ref().and_then(|now| now.get(attempt.profile().as_str())?.credential());
        if credential.is_some_and(|credential| credential.secret() != used) {
            return Outcome::Refreshed { failure, status, response };
        }
        rotation.refresh_failed(attempt);
        Outcome::Failed { failure, status, response }
    }

    /// Waits for the store or a refresh within the call's time limit; the work itself goes on.
    async fn within<T>(&self, rotation: &Rotation, work: impl Future<Output = Result<T>>) -> Result<T> {
        bounded(self.left(rotation), work).await
    }

    /// Returns the remaining time of the call. The record of the last attempt may be written after it.
    fn left(&self, rotation: &Rotation) -> Duration {
        rotation.time_left(self.0.clock.now()).max(GRACE)
    }
}

pub(super) async fn bounded<T>(time: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
    let late =
        |_| Err(Error::new(ErrorKind::Locked, "the credential store was not ready within the time limit of the call"));
    time::timeout(time, work).await.unwrap_or_else(late)
}

/// The time for writing an outcome after the call's time is over.
pub(super) const GRACE: Duration = Duration::from_secs(1);
