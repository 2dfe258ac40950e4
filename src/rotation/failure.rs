//! The end of a call that was not answered.

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

/// Why a call has no answer: the failure that ended it, and every attempt that was made.
///
/// Converts into [`Error`] with `?`, which says the same; [`Error::send_failure`] and [`Error::unavailable`] have it back.
pub struct SendFailure(Box<Inner>);

struct Inner {
    end: ModelEnd,
    /// What the other models of the call ended with.
    others: Vec<(ModelRef, String)>,
    /// From when on one of those is worth another call.
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
    /// [`unavailable`](Self::unavailable) are about: the first one that was asked, else the first one that no profile was
    /// found for. `None` if the call ended for another reason, such as a store that cannot be read.
    #[must_use]
    pub fn model(&self) -> Option<&ModelRef> {
        self.0.end.model.as_ref()
    }

    /// What went wrong with the [`model`](Self::model): its last failure, or, where nothing could be tried, why no profile
    /// was found. `Display` tells what the other models ended with too.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.0.end.error
    }

    /// The kind of [`error`](Self::error).
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.end.error.kind()
    }

    /// What the provider's last answer for the [`model`](Self::model) means; `None` if nothing was sent.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.0.end.failure.as_ref()
    }

    /// Every profile with its verdict, if no profile is left for the [`model`](Self::model) or another one of its provider.
    /// `Display` names each one with its reason and the time left.
    #[must_use]
    pub fn unavailable(&self) -> Option<&Unavailable> {
        self.0.end.unavailable.as_ref()
    }

    /// Returns the answer that [`failure`](Self::failure) was read from: status, headers, and the start of the body. `None`
    /// if there was no answer, or a client of your own did not keep it
    /// ([`AttemptError::with_response`](super::AttemptError::with_response)).
    #[must_use]
    pub fn response(&self) -> Option<&ErrorResponse> {
        self.0.end.response.as_deref()
    }

    /// Returns the moment from which another call is worth it, with whichever of its models: the end of the cooldown that
    /// ends first, or the moment the server named, or, where a failure passes by itself, after one more pause of the
    /// backoff. `None` if waiting does not help.
    #[must_use]
    pub fn retry_at(&self) -> Option<Timestamp> {
        let cooldown = self.unavailable().and_then(|unavailable| unavailable.retry_at);
        [cooldown.or(self.0.end.retry_at), self.0.retry_at].into_iter().flatten().min()
    }

    /// Every attempt in order.
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

    /// Returns the models that were left out because no request for them can be made.
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
        // A call of which nothing was tried ends in the refusal itself, which names them.
        if let Some(unavailable) = self.unavailable().filter(|_| attempts > 0) {
            write!(f, "{}", unavailable.reasons())?;
        }
        self.0.others.iter().try_for_each(|(model, error)| write!(f, "; {model}: {error}"))?;
        // What ended the call need not be said twice.
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
    /// The failed call behind this error, with every attempt. `None` for other errors.
    #[must_use]
    pub fn send_failure(&self) -> Option<&SendFailure> {
        self.origin()
    }
}
