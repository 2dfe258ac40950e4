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
use crate::select::Unavailable;

/// Why a call has no answer: the failure that ended it, and every attempt that was made.
///
/// Converts into [`Error`] with `?`, which says the same; [`Error::send_failure`] and [`Error::unavailable`] have it back.
pub struct SendFailure(Box<Inner>);

struct Inner {
    end: ModelEnd,
    attempts: Vec<AttemptRecord>,
    unserved: Vec<UnservedModel>,
}

impl SendFailure {
    pub(super) fn new(end: ModelEnd, attempts: Vec<AttemptRecord>, unserved: Vec<UnservedModel>) -> Self {
        Self(Box::new(Inner { end, attempts, unserved }))
    }

    /// What went wrong: that of the last attempt, or, where none was possible, of the selection.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.0.end.error
    }

    /// The kind of [`error`](Self::error).
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.end.error.kind()
    }

    /// What the provider's last answer means; `None` if nothing was sent.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.0.end.failure.as_ref()
    }

    /// Every profile with its verdict, if no profile is left for the first model.
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

    /// Returns the moment from which another call is worth it: the end of the cooldown that ends first, or the moment the
    /// server named, or, where a failure passes by itself, after one more pause of the backoff. `None` if waiting does not
    /// help.
    #[must_use]
    pub fn retry_at(&self) -> Option<Timestamp> {
        let cooldown = self.unavailable().and_then(|unavailable| unavailable.retry_at);
        cooldown.or(self.0.end.retry_at)
    }

    /// Every attempt in order.
    #[must_use]
    pub fn attempts(&self) -> &[AttemptRecord] {
        &self.0.attempts
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
        f.write_str(&error)?;
        match self.0.attempts.len() {
            0 | 1 => {}
            attempts => write!(f, " (after {attempts} attempts)")?,
        }
        // What ended the call need not be said twice.
        let mut others = self.0.unserved.iter().filter(|unserved| unserved.error.to_string() != error);
        others.try_for_each(|unserved| write!(f, "; {unserved}"))
    }
}

impl fmt::Debug for SendFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendFailure")
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
