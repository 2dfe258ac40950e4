//! The output and input of a rotation.

use std::time::Duration;

use http::StatusCode;

use super::attempt::Attempt;
use super::failure::SendFailure;
use super::response::ErrorResponse;
use crate::error::{Error, ErrorKind};
use crate::failure::Failure;

/// The next step of a call.
#[derive(Debug)]
#[non_exhaustive]
pub enum Step {
    /// Send the request of this attempt.
    Attempt(Attempt),
    /// Wait for this time, then call [`Rotation::next`](super::Rotation::next) again.
    Pause(Duration),
    /// Give up: nothing is left to try.
    End(SendFailure),
}

/// The outcome of an attempt.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The attempt was answered.
    Answered {
        /// The HTTP status of the answer, if known.
        status: Option<StatusCode>,
        /// `true` if the answer is complete. Otherwise the caller records the success on the attempt's receipt when it
        /// is.
        complete: bool,
    },
    /// The attempt failed.
    Failed {
        /// The meaning of the answer.
        failure: Failure,
        /// The HTTP status of the answer, if there was one.
        status: Option<StatusCode>,
        /// The answer itself, for [`SendFailure::response`].
        response: Option<Box<ErrorResponse>>,
    },
    /// The credential was refused and has been refreshed, so that the same profile is worth another attempt.
    Refreshed {
        /// The meaning of the answer.
        failure: Failure,
        /// The HTTP status of the answer, if there was one.
        status: Option<StatusCode>,
        /// The answer itself, for [`SendFailure::response`].
        response: Option<Box<ErrorResponse>>,
    },
    /// The profile cannot be used in this call, and nothing was sent: its refresh failed, or its secret is not valid in
    /// a header.
    Unusable(Error),
    /// The answer is too large and was not read, which would be the same with every profile.
    Unread {
        /// The reason that it was not read.
        error: Error,
        /// The known part of the answer, for [`SendFailure::response`].
        response: Option<Box<ErrorResponse>>,
    },
    /// No request for this model can be built: the next model is tried.
    Unserved(Error),
    /// No request can be built at all, with any profile.
    Aborted(Error),
}

impl Outcome {
    /// Creates the outcome of a complete answer.
    #[must_use]
    pub fn answered(status: Option<StatusCode>) -> Self {
        Self::Answered { status, complete: true }
    }
}

/// The reason that an attempt has no answer: the error type of a function that makes attempts.
///
/// It converts from a [`Failure`], and from an [`Error`] for a request that could not be built: kind `InvalidSecret`
/// concerns the profile, kinds `NoEndpoint` and `UnsupportedApi` the model, any other the call.
#[derive(Debug)]
#[non_exhaustive]
pub enum AttemptError {
    /// The attempt failed.
    Failed {
        /// The meaning of the answer.
        failure: Failure,
        /// The HTTP status of the answer, if there was one.
        status: Option<StatusCode>,
        /// The answer itself, for [`SendFailure::response`].
        response: Option<Box<ErrorResponse>>,
    },
    /// The profile cannot be used in this call, and nothing was sent.
    Unusable(Error),
    /// The answer is too large and was not read, which would be the same with every profile.
    Unread {
        /// The reason that it was not read.
        error: Error,
        /// The known part of the answer, for [`SendFailure::response`].
        response: Option<Box<ErrorResponse>>,
    },
    /// No request for this model can be built: the next model is tried.
    Unserved(Error),
    /// No request can be built at all, with any profile.
    Aborted(Error),
}

impl AttemptError {
    /// Creates the error of a failed attempt with a status that the failure itself does not contain.
    #[must_use]
    pub fn failed(failure: Failure, status: Option<StatusCode>) -> Self {
        Self::Failed { failure, status, response: None }
    }

    /// Creates the error of an answer that was not read, which would be the same with every profile.
    #[must_use]
    pub fn unread(error: Error) -> Self {
        Self::Unread { error, response: None }
    }

    /// Adds the answer, for [`SendFailure::response`]. An attempt that was not sent has none. Default: none.
    #[must_use]
    pub fn with_response(mut self, answer: ErrorResponse) -> Self {
        match &mut self {
            Self::Failed { status, response, .. } => {
                *status = Some(answer.status());
                *response = Some(Box::new(answer));
            }
            Self::Unread { response, .. } => *response = Some(Box::new(answer)),
            Self::Unusable(_) | Self::Unserved(_) | Self::Aborted(_) => {}
        }
        self
    }
}

impl From<Failure> for AttemptError {
    fn from(failure: Failure) -> Self {
        let status = failure.status();
        Self::Failed { failure, status, response: None }
    }
}

impl From<Error> for AttemptError {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidSecret => Self::Unusable(error),
            ErrorKind::NoEndpoint | ErrorKind::UnsupportedApi => Self::Unserved(error),
            _ => Self::Aborted(error),
        }
    }
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Self {
        AttemptError::from(failure).into()
    }
}

impl From<AttemptError> for Outcome {
    fn from(error: AttemptError) -> Self {
        match error {
            AttemptError::Failed { failure, status, response } => Self::Failed { failure, status, response },
            AttemptError::Unusable(error) => Self::Unusable(error),
            AttemptError::Unread { error, response } => Self::Unread { error, response },
            AttemptError::Unserved(error) => Self::Unserved(error),
            AttemptError::Aborted(error) => Self::Aborted(error),
        }
    }
}
