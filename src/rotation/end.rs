//! The end of a model, and of the call.

use super::attempt::AttemptRecord;
use super::failure::SendFailure;
use super::model_end::ModelEnd;
use super::rotation::{Last, Rotation};
use super::unserved::UnservedModel;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind};
use crate::failure::Failure;
use crate::id::ModelRef;
use crate::profile::AuthProfiles;

impl Rotation {
    /// Leaves out a model before it is tried, because no request for it can be built. The other models are tried, and
    /// the end of the call lists this one. The call ends with this error if nothing else can be tried and the model is
    /// the first one.
    pub fn leave_out(&mut self, model: &ModelRef, error: Error) {
        let Some(place) = self.models.iter().skip(self.at).position(|known| known == model) else { return };
        #[cfg(feature = "tracing")]
        tracing::debug!(
            gen_ai.provider.name = %model.provider(),
            gen_ai.request.model = crate::error::Shown::new(model.model()).to_string().as_str(),
            kind = ?error.kind(),
            "left out"
        );
        let unserved = UnservedModel { model: self.models.remove(self.at + place), error };
        if self.at + place == 0 {
            self.merge(ModelEnd { is_unserved: true, ..ModelEnd::new(Some(model.clone()), unserved.again()) });
        }
        self.unserved.push(unserved);
    }

    /// Returns the end of a model: its last failure, or the error that no profile could be tried.
    pub(super) fn exhausted(&mut self, profiles: &AuthProfiles, model: &ModelRef, now: Timestamp) -> ModelEnd {
        let unavailable = self.selector.select(profiles, &self.query_for(model), now).err();
        let response = self.response.take();
        let (error, failure) = match self.last.take() {
            Some(Last::Failed(failure)) => (failure.clone().into_error(), Some(failure)),
            Some(Last::Other(error)) => (error, None),
            None => (Error::new(ErrorKind::Unavailable, format!("no profile is left to try for {model}")), None),
        };
        let retry_at = failure.as_ref().and_then(|failure| self.retry_at(failure, now));
        let is_unserved = self.unserved.last().is_some_and(|unserved| unserved.model == *model);
        ModelEnd { model: Some(model.clone()), error, is_unserved, failure, unavailable, response, retry_at }
    }

    /// Returns the moment from which another call is worth it: the one that the server named, or else after one more
    /// pause.
    fn retry_at(&self, failure: &Failure, now: Timestamp) -> Option<Timestamp> {
        let pause = failure.retry_after(now, &self.limits.backoff, self.retried, self.random);
        failure.deadline().or(pause.map(|pause| now + pause))
    }

    /// Proceeds to the next model, or ends the call.
    pub(super) fn leave(&mut self, end: ModelEnd, next_model: bool, now: Timestamp) -> Option<SendFailure> {
        #[cfg(feature = "tracing")]
        if let Some(model) = self.models.get(self.at) {
            tracing::warn!(
                gen_ai.provider.name = %model.provider(),
                gen_ai.request.model = crate::error::Shown::new(model.model()).to_string().as_str(),
                kind = ?end.error.kind(),
                "no answer"
            );
        }
        self.merge(end);
        self.at += 1;
        self.tried.clone_from(&self.useless);
        (self.fresh, self.overloaded, self.rate_limited, self.retried) = (true, 0, 0, 0);
        self.waiting = None;
        let goes_on = next_model && self.at < self.models.len() && self.allowance(now).is_some();
        if goes_on { None } else { Some(self.end()) }
    }

    /// Merges the end of a model into that of the call: the first model takes precedence unless a fallback's end has
    /// more weight. The other one is kept as text.
    pub(super) fn merge(&mut self, end: ModelEnd) {
        let Some(first) = self.first.take() else {
            self.first = Some(end);
            return;
        };
        let (mut kept, other) = if end.weight() > first.weight() { (end, first) } else { (first, end) };
        // The earlier of the two moments is enough for another call.
        let retry_at = other.unavailable.as_ref().and_then(|unavailable| unavailable.retry_at).or(other.retry_at);
        self.retry_at = [self.retry_at, retry_at].into_iter().flatten().min();
        let provider = |end: &ModelEnd| end.model.as_ref().map(|model| model.provider().clone());
        if provider(&kept) == provider(&other) {
            kept.unavailable = kept.unavailable.or(other.unavailable);
        }
        if let Some(model) = other.model.filter(|_| !other.is_unserved) {
            self.others.push((model, other.error.to_string()));
        }
        self.first = Some(kept);
    }

    /// Ends the call with an error from the caller, such as a store that cannot be read.
    #[must_use]
    pub fn abort(mut self, error: Error) -> SendFailure {
        self.merge(ModelEnd::new(None, error));
        self.end()
    }

    /// Returns the attempts of an answered call, and the models that were left out.
    pub(crate) fn into_parts(self) -> (Vec<AttemptRecord>, Vec<UnservedModel>) {
        (self.attempts, self.unserved)
    }

    pub(super) fn end(&mut self) -> SendFailure {
        self.at = self.models.len();
        let ended = || ModelEnd::new(None, Error::new(ErrorKind::Unavailable, "the call has ended"));
        let end = self.first.take().unwrap_or_else(ended);
        let (attempts, unserved) = (std::mem::take(&mut self.attempts), std::mem::take(&mut self.unserved));
        SendFailure::new(end, std::mem::take(&mut self.others), self.retry_at.take(), attempts, unserved)
    }
}
