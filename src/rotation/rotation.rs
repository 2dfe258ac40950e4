//! The state of one call.

use std::sync::Arc;
use std::time::Duration;

use super::attempt::{Attempt, AttemptRecord};
use super::follow::leaves_a_mark;
use super::limits::RotationLimits;
use super::model_end::ModelEnd;
use super::outcome::{Outcome, Step};
use super::pick::{Outside, Pick};
use super::probes::ProbeLog;
use super::response::ErrorResponse;
use super::unserved::UnservedModel;
use crate::clock::Timestamp;
use crate::credential::InlineCredential;
use crate::error::{Error, ErrorKind};
use crate::failure::{Failure, TransportError};
use crate::id::{ModelRef, ProfileId, ProviderId};
use crate::profile::AuthProfiles;
use crate::reason::FailureReason;
use crate::record::Record;
use crate::select::{ProbePolicy, ProfileSelector, Query, Receipt};

/// One call in progress: what was tried, what is left, and the next step.
///
/// # Examples
///
/// ```
/// use provider_auth::rotation::{Outcome, Rotation, Step};
/// use provider_auth::{AuthProfiles, Failure, FailureReason, ProfileSelector, Timestamp};
///
/// let mut profiles = AuthProfiles::from_json(r#"{"version": 1, "profiles": {
///     "openai:a": {"type": "api_key", "provider": "openai", "key": "sk-a"},
///     "openai:b": {"type": "api_key", "provider": "openai", "key": "sk-b"}}}"#)?;
/// let (selector, now) = (ProfileSelector::default(), Timestamp::from_millis(1_700_000_000_000));
/// let mut rotation = Rotation::new(selector.clone(), "openai/gpt-5".parse()?, now);
///
/// // Send each attempt with the client of your choice. Suppose that the first one is rate limited.
/// let Step::Attempt(first) = rotation.next(&profiles, now) else { panic!("two keys are ready") };
/// let record = rotation.report(&first, Failure::new(FailureReason::RateLimit).into(), now);
/// if let Some(record) = record {
///     record.apply(&selector, &mut profiles, now)?;
/// }
///
/// let Step::Attempt(second) = rotation.next(&profiles, now) else { panic!("one key is ready") };
/// assert_eq!(second.profile().as_str(), "openai:b");
/// rotation.report(&second, Outcome::answered(None), now);
/// assert_eq!(rotation.attempts().len(), 2);
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Debug)]
pub struct Rotation {
    pub(super) selector: Arc<ProfileSelector>,
    pub(super) query: Query,
    /// The models in the order of use, without duplicates.
    pub(super) models: Vec<ModelRef>,
    pub(super) outside: Outside,
    pub(super) limits: RotationLimits,
    pub(super) probes: Option<(ProbePolicy, Arc<ProbeLog>)>,
    start: Timestamp,
    pub(super) attempts: Vec<AttemptRecord>,
    /// The index of the model being tried.
    pub(super) at: usize,
    /// Profiles that were tried for this model.
    pub(super) tried: Vec<ProfileId>,
    /// Profiles that cannot be used for any model.
    pub(super) useless: Vec<ProfileId>,
    /// OAuth credentials that were refreshed because they were refused.
    pub(super) refreshed: Vec<ProfileId>,
    /// `true` if nothing was tried for this model.
    pub(super) fresh: bool,
    pub(super) overloaded: u32,
    pub(super) rate_limited: u32,
    /// The number of times this model's request was repeated with the same profile.
    pub(super) retried: u32,
    /// The random share by which pauses before a retry are shortened.
    pub(super) random: f64,
    /// The profile to try again, because its credential was refreshed or its provider was at fault.
    pub(super) again: Option<ProfileId>,
    pub(super) pause: Option<Duration>,
    /// The profile with the shortest wait that a server named, and the end of that.
    pub(super) waiting: Option<(ProfileId, Timestamp)>,
    /// When the call began to wait for the session's profile.
    pub(super) patient_since: Option<Timestamp>,
    /// The last error with this model.
    pub(super) last: Option<Last>,
    /// The answer to the last attempt with this model, if there was one.
    pub(super) response: Option<Box<ErrorResponse>>,
    /// Set once this model is done: `true` if another one is worth trying.
    pub(super) over: Option<bool>,
    /// The combined end of the previous models.
    pub(super) first: Option<ModelEnd>,
    /// The ends of the other models.
    pub(super) others: Vec<(ModelRef, String)>,
    /// The moment from which one of those is worth another call.
    pub(super) retry_at: Option<Timestamp>,
    /// The models for which no request can be built.
    pub(super) unserved: Vec<UnservedModel>,
    /// The receipt that holds the claim on a trial that may be repeated.
    pub(super) claim: Option<Receipt>,
}

/// The last error with a model.
#[derive(Debug)]
pub(super) enum Last {
    Failed(Failure),
    /// There was no attempt, or its answer was not read.
    Other(Error),
}

impl Rotation {
    /// Creates the rotation of a call for a model, without fallbacks and with the default limits.
    ///
    /// [`Config::rotation`](crate::Config::rotation) takes the selector, the fallbacks and the limits from a
    /// configuration.
    #[must_use]
    pub fn new(selector: impl Into<Arc<ProfileSelector>>, model: ModelRef, now: Timestamp) -> Self {
        Self {
            selector: selector.into(),
            query: Query::for_model(&model),
            models: vec![model],
            outside: Outside::default(),
            limits: RotationLimits::default(),
            probes: None,
            start: now,
            attempts: Vec::new(),
            at: 0,
            tried: Vec::new(),
            useless: Vec::new(),
            refreshed: Vec::new(),
            fresh: true,
            overloaded: 0,
            rate_limited: 0,
            retried: 0,
            random: 0.0,
            again: None,
            pause: None,
            waiting: None,
            patient_since: None,
            last: None,
            response: None,
            over: None,
            first: None,
            others: Vec::new(),
            retry_at: None,
            unserved: Vec::new(),
            claim: None,
        }
    }

    /// Adds models to use if the first one is not available; duplicates are ignored. Default: none.
    #[must_use]
    pub fn fallbacks(mut self, models: impl IntoIterator<Item = ModelRef>) -> Self {
        self.add_models(models);
        self
    }

    /// Sets what narrows the choice of profiles: session, preferred or locked profile, references. The attempt's
    /// provider and model replace those of the query. A query without references keeps those that were set before.
    #[must_use]
    pub fn query(mut self, query: Query) -> Self {
        let tracker = self.query.headroom().cloned();
        self.query = query.or_references_of(&self.query).with_headroom(tracker);
        self
    }

    /// Adds a provider's credential to use if no stored profile can serve. Default: none.
    #[must_use]
    pub fn inline(mut self, provider: ProviderId, credential: InlineCredential) -> Self {
        self.outside.inline.push((provider, Ok(credential)));
        self
    }

    /// Sets the limits of the call. Default: [`RotationLimits::default`].
    #[must_use]
    pub fn limits(mut self, limits: RotationLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets a random number from 0 to 1 that shortens the pauses before retries, so that many callers do not retry at
    /// the same moment. Default: 0, for whole pauses.
    #[must_use]
    pub fn random(mut self, random: f64) -> Self {
        self.random = random;
        self
    }

    /// Allows a probe of a profile that is cooling down if all are. Calls that share the log keep an interval between
    /// their probes. Default: no probes.
    #[must_use]
    pub fn probes(mut self, policy: ProbePolicy, log: Arc<ProbeLog>) -> Self {
        self.probes = Some((policy, log));
        self
    }

    /// Returns the selector that chooses the profiles.
    #[must_use]
    pub fn selector(&self) -> &ProfileSelector {
        &self.selector
    }

    /// Returns the models in the order of use.
    #[must_use]
    pub fn models(&self) -> &[ModelRef] {
        &self.models
    }

    /// Returns every attempt that was reported, in order.
    #[must_use]
    pub fn attempts(&self) -> &[AttemptRecord] {
        &self.attempts
    }

    /// Returns the remaining time of the call.
    #[must_use]
    pub fn time_left(&self, now: Timestamp) -> Duration {
        self.limits.time.saturating_sub(now.saturating_since(self.start))
    }

    /// Returns the next step.
    ///
    /// `profiles` is the present content of the store; read it again for each call of this method.
    pub fn next(&mut self, profiles: &AuthProfiles, now: Timestamp) -> Step {
        if let Some(pause) = self.pause.take() {
            return Step::Pause(pause);
        }
        loop {
            let Some(model) = self.models.get(self.at).cloned() else { return Step::End(self.end()) };
            if let Some(next_model) = self.over.take() {
                let end = self.exhausted(profiles, &model, now);
                if let Some(failure) = self.leave(end, next_model, now) {
                    return Step::End(failure);
                }
                continue;
            }
            let Some(timeout) = self.allowance(now) else {
                self.over = Some(false);
                continue;
            };
            if let Some(profile) = self.again.take() {
                if let Some(selection) = self.select_again(profiles, &model, &profile, now) {
                    return self.begin(self.attempt(model, selection, timeout, now));
                }
                // The step that the retry had replaced is taken now.
                self.tried(&profile);
                if let Some(Last::Failed(failure)) = &self.last {
                    let failure = failure.clone();
                    self.follow(&failure, now);
                    if self.over.is_some() {
                        continue;
                    }
                }
            }
            match self.pick(profiles, &model, now) {
                Pick::Found(selection) => return self.begin(self.attempt(model, *selection, timeout, now)),
                Pick::Later(pause) => return Step::Pause(pause),
                Pick::Exhausted => match self.wait(profiles, &model, now) {
                    Some(pause) if pause.is_zero() => {}
                    Some(pause) => return Step::Pause(pause),
                    None => self.over = Some(true),
                },
                Pick::Refused(error) => {
                    let unavailable = error.unavailable().cloned();
                    let end = ModelEnd { unavailable, ..ModelEnd::new(Some(model), error) };
                    if let Some(failure) = self.leave(end, true, now) {
                        return Step::End(failure);
                    }
                }
            }
        }
    }

    /// Returns an attempt to the driver, and logs a change of profile or model.
    fn begin(&mut self, attempt: Attempt) -> Step {
        self.hold(&attempt);
        #[cfg(feature = "tracing")]
        if let Some(last) = self.attempts.last()
            && (last.profile != *attempt.profile() || last.model != *attempt.model())
        {
            tracing::info!(
                from = %last.profile,
                profile = %attempt.profile(),
                gen_ai.provider.name = %attempt.model().provider(),
                gen_ai.request.model = crate::error::Shown::new(attempt.model().model()).to_string().as_str(),
                error.r#type = last.reason().map(FailureReason::as_str),
                "rotating"
            );
        }
        Step::Attempt(attempt)
    }

    /// Does the same as [`report`](Self::report), apart from the claim on a trial.
    pub(super) fn take(&mut self, attempt: &Attempt, outcome: Outcome, now: Timestamp) -> Option<Record> {
        let profile = attempt.profile();
        match outcome {
            Outcome::Answered { status, complete } => {
                self.note(attempt.record(None, status, None, now));
                complete.then(|| Record::Success(attempt.receipt().clone()))
            }
            Outcome::Failed { failure, status, response } if self.ran_out(attempt, &failure, now) => {
                self.note(attempt.record(Some(failure.clone()), status, None, now));
                if self.last.is_none() {
                    (self.last, self.response) = (Some(Last::Failed(failure)), response);
                }
                self.over = Some(false);
                None
            }
            Outcome::Failed { failure, status, response } => {
                attempt.observe_failure(response.as_deref(), now);
                self.response = response;
                self.note(attempt.record(Some(failure.clone()), status, None, now));
                if !self.retry(profile, &failure, now) {
                    self.tried(profile);
                    self.follow(&failure, now);
                    self.note_wait(profile, &failure);
                }
                self.last = Some(Last::Failed(failure.clone()));
                leaves_a_mark(&failure).then(|| Record::Failure(attempt.receipt().clone(), failure))
            }
            Outcome::Refreshed { failure, status, response } => {
                self.response = response;
                self.note(attempt.record(Some(failure.clone()), status, None, now));
                self.refreshed.push(profile.clone());
                self.again = Some(profile.clone());
                self.last = Some(Last::Failed(failure));
                None
            }
            Outcome::Unusable(error) => {
                let denied = error.kind() == ErrorKind::RefreshDenied;
                let failure = Failure::new(if denied { FailureReason::AuthPermanent } else { FailureReason::Auth });
                self.note(attempt.record(Some(failure.clone()), None, Some(error.kind()), now));
                self.useless.push(profile.clone());
                self.tried(profile);
                (self.last, self.response) = (Some(Last::Other(error)), None);
                // A temporary error is not recorded, because it says nothing about the profile.
                denied.then(|| Record::Failure(attempt.receipt().clone(), failure))
            }
            Outcome::Unread { error, response } => {
                let status = response.as_ref().map(|response| response.status());
                self.response = response;
                self.note(attempt.record(Some(TransportError::Body.into()), status, None, now));
                (self.last, self.over) = (Some(Last::Other(error)), Some(false));
                None
            }
            Outcome::Unserved(error) => {
                let unserved = UnservedModel { model: attempt.model().clone(), error };
                (self.last, self.response) = (Some(Last::Other(unserved.again())), None);
                self.unserved.push(unserved);
                self.over = Some(true);
                None
            }
            Outcome::Aborted(error) => {
                (self.last, self.response) = (Some(Last::Other(error)), None);
                self.over = Some(false);
                None
            }
        }
    }

    /// Records that the last outcome could not be written to the store.
    pub fn unrecorded(&mut self, kind: ErrorKind) {
        if let Some(attempt) = self.attempts.last_mut() {
            #[cfg(feature = "tracing")]
            tracing::warn!(profile = %attempt.profile, ?kind, "the outcome could not be recorded");
            attempt.unrecorded = Some(kind);
        }
    }

    fn tried(&mut self, profile: &ProfileId) {
        self.fresh = false;
        self.tried.push(profile.clone());
    }

    /// Returns the time limit of the next attempt; `None` if there is no next one.
    pub(super) fn allowance(&self, now: Timestamp) -> Option<Duration> {
        let left = self.time_left(now);
        let more = self.attempts.len() < self.limits.attempts.max(1) && !left.is_zero();
        more.then(|| self.limits.attempt_timeout.map_or(left, |attempt| attempt.min(left)))
    }

    fn note(&mut self, attempt: AttemptRecord) {
        #[cfg(feature = "tracing")]
        tracing::debug!(
            profile = %attempt.profile,
            gen_ai.provider.name = %attempt.model.provider(),
            gen_ai.request.model = crate::error::Shown::new(attempt.model.model()).to_string().as_str(),
            error.r#type = attempt.reason().map(FailureReason::as_str),
            http.response.status_code = attempt.status.map(|status| status.as_u16()),
            "attempt"
        );
        self.attempts.push(attempt);
    }
}
