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
    /// Leaves a model out before it is tried, because no request for it can be made: the others are tried, and the end
    /// of the call has it in its list. The error is that of the call if nothing else can be tried, and the model the
    /// first one.
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

    /// The end of a model: the last failure, or that nobody could be tried.
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

    /// From when on another call is worth it after this failure: the moment the server named, else after one more pause.
    fn retry_at(&self, failure: &Failure, now: Timestamp) -> Option<Timestamp> {
        let pause = failure.retry_after(now, &self.limits.backoff, self.retried, self.random);
        failure.deadline().or(pause.map(|pause| now + pause))
    }

    /// Goes on to the next model, or ends the call.
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

    /// What the caller asked for counts most; a fallback's end only if it says more. The other one is kept as a text.
    pub(super) fn merge(&mut self, end: ModelEnd) {
        let Some(first) = self.first.take() else {
            self.first = Some(end);
            return;
        };
        let (mut kept, other) = if end.weight() > first.weight() { (end, first) } else { (first, end) };
        // Whichever may be asked first is worth another call.
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

    /// Ends the call for a reason of the caller's, such as a store that cannot be read.
    #[must_use]
    pub fn abort(mut self, error: Error) -> SendFailure {
        self.merge(ModelEnd::new(None, error));
        self.end()
    }

    /// Returns what an answered call has to tell.
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
