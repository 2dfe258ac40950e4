//! The failure of a call.

use std::error::Error as StdError;
use std::fmt;

use super::attempt::AttemptRecord;
use super::model_end::ModelEnd;
use super::response::ErrorResponse;
use super::unserved::UnservedModel;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind};
use crate::failure::Failure;
use crate::id::ModelRef;
use crate::select::Unavailable;

/// The failure of a call: the error that ended it, and every attempt that was made.
///
/// The `?` operator converts it into an [`Error`] with the same text, from which [`Error::send_failure`] and
/// [`Error::unavailable`] return it.
pub struct SendFailure(Box<Inner>);

struct Inner {
    end: ModelEnd,
    /// The ends of the other models.
    others: Vec<(ModelRef, String)>,
    /// The moment from which one of those is worth another call.
    retry_at: Option<Timestamp>,
    attempts: Vec<AttemptRecord>,
    unserved: Vec<UnservedModel>,
}

impl SendFailure {
    pub(super) fn new(
        end: ModelEnd,
        others: Vec<(ModelRef, String)>,
        retry_at: Option<Timestamp>,
        attempts: Vec<AttemptRecord>,
        unserved: Vec<UnservedModel>,
    ) -> Self {
        Self(Box::new(Inner { end, others, retry_at, attempts, unserved }))
    }

    /// Returns the model that [`error`](Self::error), [`failure`](Self::failure), [`response`](Self::response) and
    /// [`unavailable`](Self::unavailable) concern: the first one for which a request was sent, or else the first one
    /// without a profile. `None` if the call ended for another reason, such as a store that cannot be read.
    #[must_use]
    pub fn model(&self) -> Option<&ModelRef> {
        self.0.end.model.as_ref()
    }

    /// Returns the error of the [`model`](Self::model): its last failure, or the reason that no profile was found if
    /// nothing could be tried. `Display` of the [`SendFailure`] adds the errors of the other models.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.0.end.error
    }

    /// Returns the kind of [`error`](Self::error).
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.end.error.kind()
    }

    /// Returns the meaning of the provider's last answer for the [`model`](Self::model); `None` if nothing was sent.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.0.end.failure.as_ref()
    }

    /// Returns every profile with its verdict, if no profile is left for the [`model`](Self::model) or another one of
    /// its provider. `Display` names each one with its reason and the time left.
    #[must_use]
    pub fn unavailable(&self) -> Option<&Unavailable> {
        self.0.end.unavailable.as_ref()
    }

    /// Returns the answer from which [`failure`](Self::failure) was classified: status, headers, and the start of the
    /// body. `None` if there was no answer, or your own client did not keep it
    /// ([`AttemptError::with_response`](super::AttemptError::with_response)).
    #[must_use]
    pub fn response(&self) -> Option<&ErrorResponse> {
        self.0.end.response.as_deref()
    }

    /// Returns the moment from which another call is worth it, with any of its models: the end of the earliest
    /// cooldown, the moment that the server named, or, after a temporary failure, one more pause of the backoff. `None`
    /// if waiting does not help.
    #[must_use]
    pub fn retry_at(&self) -> Option<Timestamp> {
        let cooldown = self.unavailable().and_then(|unavailable| unavailable.retry_at);
        [cooldown.or(self.0.end.retry_at), self.0.retry_at].into_iter().flatten().min()
    }

    /// Returns every attempt in order.
    #[must_use]
    pub fn attempts(&self) -> &[AttemptRecord] {
        &self.0.attempts
    }

    /// Notes that the outcome of an attempt could not be written to the store.
    #[cfg(feature = "client")]
    pub(crate) fn note_unrecorded(&mut self, attempt: usize, kind: ErrorKind) {
        if let Some(attempt) = self.0.attempts.get_mut(attempt) {
            attempt.unrecorded = Some(kind);
        }
    }

    /// Returns the models that were left out because no request for them can be built.
    #[must_use]
    pub fn unserved(&self) -> &[UnservedModel] {
        &self.0.unserved
    }
}

impl fmt::Display for SendFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.0.end.error.to_string();
        if let Some(model) = self.model().filter(|_| !self.0.others.is_empty()) {
            write!(f, "{model}: ")?;
        }
        f.write_str(&error)?;
        let attempts = self.0.attempts.len();
        if attempts > 1 {
            write!(f, " (after {attempts} attempts)")?;
        }
        // If nothing was tried, the error is the refusal itself, which already names the profiles.
        if let Some(unavailable) = self.unavailable().filter(|_| attempts > 0) {
            write!(f, "{}", unavailable.reasons())?;
        }
        self.0.others.iter().try_for_each(|(model, error)| write!(f, "; {model}: {error}"))?;
        // The error that ended the call is not repeated.
        let mut others = self.0.unserved.iter().filter(|unserved| unserved.error.to_string() != error);
        others.try_for_each(|unserved| write!(f, "; {unserved}"))
    }
}

impl fmt::Debug for SendFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendFailure")
            .field("model", &self.0.end.model)
            .field("error", &self.0.end.error)
            .field("failure", &self.0.end.failure)
            .field("unavailable", &self.0.end.unavailable)
            .field("response", &self.0.end.response)
            .field("attempts", &self.0.attempts)
            .field("unserved", &self.0.unserved)
            .finish()
    }
}

impl StdError for SendFailure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.end.error.source()
    }
}

impl From<SendFailure> for Error {
    fn from(failure: SendFailure) -> Self {
        let error = Self::new(failure.kind(), failure.to_string()).with_help(failure.error().help().to_owned());
        let transient = failure.error().is_transient();
        let unavailable = failure.unavailable().cloned();
        let error = error.with_transience(transient).with_origin(failure);
        match unavailable {
            Some(unavailable) => error.with_origin(unavailable),
            None => error,
        }
    }
}

impl Error {
    /// Returns the failed call behind this error, with every attempt; `None` for other errors.
    #[must_use]
    pub fn send_failure(&self) -> Option<&SendFailure> {
        self.origin()
    }
}
