//! The loop: select, refresh, build, send, classify, record, and the next profile or the next model.

use http::StatusCode;

use super::attempt::Attempt;
use super::call::Call;
use super::exchange::Answer;
use super::failure::SendFailure;
use super::reply::Reply;
use super::rotator::Rotator;
use super::run::{Next, Run};
use crate::background::{wait, within};
use crate::clock::Timestamp;
use crate::credential::CredentialKind;
use crate::error::{Error, ErrorKind, Result};
use crate::failure::{Failure, TransportError};
use crate::id::ModelRef;
use crate::reason::{Blame, FailureReason};
use crate::refresh::RefreshOutcome;
use crate::request::{Endpoint, PreparedRequest, RequestBuilder};
use crate::select::{Selection, Unavailable};

/// Why a model gave no answer.
pub(super) struct ModelFailure {
    pub(super) error: Error,
    pub(super) failure: Option<Failure>,
    pub(super) unavailable: Option<Unavailable>,
    /// Whether another model is worth a try.
    pub(super) next_model: bool,
}

impl From<Error> for ModelFailure {
    fn from(error: Error) -> Self {
        Self { error, failure: None, unavailable: None, next_model: false }
    }
}

impl From<Error> for Box<ModelFailure> {
    fn from(error: Error) -> Self {
        Self::new(error.into())
    }
}

/// The last thing that went wrong.
enum Last {
    /// An attempt failed.
    Failed(Failure),
    /// There was no attempt.
    Unsent(Error),
}

/// What one attempt came to.
enum AttemptOutcome {
    Answered(Box<Reply>),
    /// The attempt is to be made again with the same profile, whose login was refreshed.
    Refreshed,
    Failed(Failure, Next),
}

impl Rotator {
    pub(super) async fn run(&self, call: &Call) -> Result<Reply, SendFailure> {
        let mut run = Run::new(&self.0.limits, self.0.clock.now());
        let mut first: Option<ModelFailure> = None;
        for model in call.models(&self.0.config) {
            run.next_model();
            let ended = match self.model(call, &model, &mut run).await {
                Ok(reply) => return Ok(reply.with_attempts(run.attempts)),
                Err(ended) => *ended,
            };
            #[cfg(feature = "tracing")]
            tracing::warn!(provider = %model.provider(), model = model.model(), kind = ?ended.error.kind(), "no answer");
            let stop = !ended.next_model || run.allowance(self.0.clock.now()).is_none();
            // What the caller asked for counts most; a fallback's failure only if the first model was not even tried.
            first = Some(match first {
                Some(first) if first.failure.is_some() || ended.failure.is_none() => first,
                Some(first) => ModelFailure { unavailable: first.unavailable.or(ended.unavailable), ..ended },
                None => ended,
            });
            if stop {
                break;
            }
        }
        let nothing = || ModelFailure::from(Error::new(ErrorKind::UnknownModel, "the call names no model"));
        let ended = first.unwrap_or_else(nothing);
        Err(SendFailure::new(ended.error, ended.failure, ended.unavailable, run.attempts))
    }

    /// Tries the profiles for one model.
    async fn model(&self, call: &Call, model: &ModelRef, run: &mut Run) -> Result<Reply, Box<ModelFailure>> {
        // A fallback that leads nowhere must not hide what befell the others.
        let no_endpoint =
            |error| Box::new(ModelFailure { next_model: model != call.model(), ..ModelFailure::from(error) });
        let endpoint = self.endpoint(model).map_err(no_endpoint)?;
        let mut last: Option<Last> = None;
        let mut again = None;
        loop {
            let Some(allowance) = run.allowance(self.0.clock.now()) else {
                return Err(self.exhausted(call, model, last, false));
            };
            let selection = match again.take() {
                Some(selection) => selection,
                None => match self.pick(call, model, run)? {
                    Some(selection) => selection,
                    None => return Err(self.exhausted(call, model, last, true)),
                },
            };
            let profile = selection.profile.clone();
            let selection = match self.refreshed(call, model, selection, run).await? {
                Ok(selection) => selection,
                Err(error) => {
                    last = Some(Last::Unsent(error));
                    continue;
                }
            };
            let request = match self.build(call, model, &endpoint, &selection, run)? {
                Ok(request) => request,
                Err(error) => {
                    last = Some(Last::Unsent(error));
                    continue;
                }
            };
            match self.attempt(model, &selection, request, allowance, run).await {
                AttemptOutcome::Answered(reply) => return Ok(*reply),
                AttemptOutcome::Refreshed => {
                    again = self.pick_only(call, model, &profile)?;
                    last = Some(Last::Failed(Failure::new(FailureReason::Auth)));
                    if again.is_none() {
                        run.tried(&profile);
                    }
                }
                AttemptOutcome::Failed(failure, next) => {
                    run.tried(&profile);
                    match next {
                        Next::Profile(pause) => wait(pause.min(allowance)).await,
                        Next::Model => return Err(self.exhausted(call, model, Some(Last::Failed(failure)), true)),
                        Next::Stop => return Err(self.exhausted(call, model, Some(Last::Failed(failure)), false)),
                    }
                    last = Some(Last::Failed(failure));
                }
            }
        }
    }

    /// The end of a model: the last failure, or that nobody could be tried.
    fn exhausted(&self, call: &Call, model: &ModelRef, last: Option<Last>, next_model: bool) -> Box<ModelFailure> {
        let unavailable = self.load().ok().and_then(|profiles| {
            self.0.config.selector().select(&profiles, &self.query(call, model), self.0.clock.now()).err()
        });
        let (error, failure) = match last {
            Some(Last::Failed(failure)) => (failure.clone().into_error(), Some(failure)),
            Some(Last::Unsent(error)) => (error, None),
            None => (Error::new(ErrorKind::Unavailable, format!("no profile is left to try for {model}")), None),
        };
        Box::new(ModelFailure { error, failure, unavailable, next_model })
    }

    /// The selection, its login refreshed if that is due; or why it cannot be used.
    async fn refreshed(
        &self,
        call: &Call,
        model: &ModelRef,
        selection: Selection,
        run: &mut Run,
    ) -> Result<Result<Selection>, Box<ModelFailure>> {
        let login = selection.credential.kind() == CredentialKind::OAuth;
        let Some(coordinator) = self.0.coordinator.as_ref().filter(|_| login) else { return Ok(Ok(selection)) };
        let start = self.0.clock.now();
        let error = match coordinator.refresh_if_needed(&selection.profile).await {
            Ok(RefreshOutcome::NotNeeded | RefreshOutcome::Postponed(_)) => return Ok(Ok(selection)),
            Ok(_) => match self.pick_only(call, model, &selection.profile)? {
                Some(selection) => return Ok(Ok(selection)),
                None => Error::new(ErrorKind::RefreshFailed, "the profile is gone"),
            },
            Err(error) => error,
        };
        let denied = error.kind() == ErrorKind::RefreshDenied;
        let failure = Failure::new(if denied { FailureReason::AuthPermanent } else { FailureReason::Auth });
        // What may pass leaves no mark: it says nothing of the profile.
        let recorded = if denied { self.record(&selection.receipt, &failure).await } else { Ok(()) };
        self.note(run, model, &selection, start, Some(failure), None);
        if let Some(attempt) = run.attempts.last_mut() {
            attempt.unsent = Some(error.kind());
            attempt.unrecorded = recorded.err().map(|error| error.kind());
        }
        run.useless(&selection.profile);
        Ok(Err(error))
    }

    /// The request; or why the profile cannot be used in one.
    fn build(
        &self,
        call: &Call,
        model: &ModelRef,
        endpoint: &Endpoint,
        selection: &Selection,
        run: &mut Run,
    ) -> Result<Result<PreparedRequest>, Box<ModelFailure>> {
        let builder = RequestBuilder::new(endpoint, &selection.credential);
        let builder = call.set_up(builder, &self.0.config, model).body(call.body_for(model)?);
        match builder.build() {
            Ok(request) => Ok(Ok(request)),
            Err(error) if error.kind() == ErrorKind::InvalidSecret => {
                let failure = Failure::new(FailureReason::Auth);
                self.note(run, model, selection, self.0.clock.now(), Some(failure), None);
                if let Some(attempt) = run.attempts.last_mut() {
                    attempt.unsent = Some(error.kind());
                }
                run.useless(&selection.profile);
                Ok(Err(error))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Sends a request, records what came of it, and says what is next.
    async fn attempt(
        &self,
        model: &ModelRef,
        selection: &Selection,
        request: PreparedRequest,
        allowance: std::time::Duration,
        run: &mut Run,
    ) -> AttemptOutcome {
        let (start, notes) = (self.0.clock.now(), request.notes().to_vec());
        let late = || Answer::Failed { failure: TransportError::TimedOut.into(), status: None };
        let answer = within(Some(allowance), self.exchange(model, request)).await.unwrap_or_else(late);
        let (response, is_stream) = match answer {
            Answer::Whole(response) => (response, false),
            Answer::Stream(response) => (response, true),
            Answer::Failed { failure, status } => {
                self.note(run, model, selection, start, Some(failure.clone()), status);
                if self.refresh_refused(selection, &failure, run).await {
                    return AttemptOutcome::Refreshed;
                }
                if failure.blame() != Blame::Request {
                    let recorded = self.record(&selection.receipt, &failure).await;
                    self.unrecorded(run, recorded);
                }
                let next = run.next(&failure, failure.should_retry() == Some(false));
                return AttemptOutcome::Failed(failure, next);
            }
        };
        self.note(run, model, selection, start, None, Some(response.status()));
        if !is_stream {
            let recorded = self.finish(&selection.receipt).await;
            self.unrecorded(run, recorded);
        }
        let receipt = selection.receipt.clone();
        AttemptOutcome::Answered(Box::new(Reply::new(self.clone(), response, model.clone(), receipt, notes, is_stream)))
    }

    /// Refreshes a login that was refused, once in a call; returns `true` if there is a new token to try.
    async fn refresh_refused(&self, selection: &Selection, failure: &Failure, run: &mut Run) -> bool {
        let refused = failure.reason().is_refusal() && failure.reason() != FailureReason::AuthPermanent;
        let login = selection.credential.kind() == CredentialKind::OAuth;
        let Some(coordinator) = self.0.coordinator.as_ref().filter(|_| refused && login) else { return false };
        if run.refreshed.contains(&selection.profile) {
            return false;
        }
        run.refreshed.push(selection.profile.clone());
        let used = selection.credential.secret();
        if coordinator.refresh_rejected(&selection.profile, used).await.is_err() {
            return false;
        }
        let now = self.load().ok();
        let credential = now.as_ref().and_then(|now| now.get(selection.profile.as_str())?.credential());
        credential.is_some_and(|credential| credential.secret() != used)
    }

    fn note(
        &self,
        run: &mut Run,
        model: &ModelRef,
        selection: &Selection,
        start: Timestamp,
        failure: Option<Failure>,
        status: Option<StatusCode>,
    ) {
        let (profile, model) = (selection.profile.clone(), model.clone());
        let duration = self.0.clock.now().saturating_since(start);
        let attempt = Attempt { profile, model, failure, status, duration, unsent: None, unrecorded: None };
        #[cfg(feature = "tracing")]
        tracing::debug!(
            profile = %attempt.profile,
            model = %attempt.model,
            reason = attempt.reason().map(FailureReason::as_str),
            status = status.map(|status| status.as_u16()),
            "attempt"
        );
        run.attempts.push(attempt);
    }

    #[expect(clippy::unused_self, reason = "it belongs to the steps around it")]
    fn unrecorded(&self, run: &mut Run, recorded: Result<()>) {
        if let (Err(error), Some(attempt)) = (recorded, run.attempts.last_mut()) {
            #[cfg(feature = "tracing")]
            tracing::warn!(profile = %attempt.profile, kind = ?error.kind(), "the outcome could not be recorded");
            attempt.unrecorded = Some(error.kind());
        }
    }
}
