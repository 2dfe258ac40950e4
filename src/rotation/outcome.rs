//! What a rotation says and is told.

use std::time::Duration;

use http::StatusCode;

use super::attempt::Attempt;
use super::failure::SendFailure;
use super::response::ErrorResponse;
use crate::error::{Error, ErrorKind};
use crate::failure::Failure;

/// What to do next.
#[derive(Debug)]
#[non_exhaustive]
pub enum Step {
    /// Send the request with this credential.
    Attempt(Attempt),
    /// Wait this long, then ask again.
    Pause(Duration),
    /// Give up: nothing is left to try.
    End(SendFailure),
}

/// What came of an attempt.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// It was answered.
    Answered {
        /// The status of the answer, if it is known.
        status: Option<StatusCode>,
        /// Whether the answer is complete. The success of one that is not is for the caller to record, on the attempt's
        /// receipt, when it is.
        complete: bool,
    },
    /// It failed.
    Failed {
        /// What the answer means.
        failure: Failure,
        /// The status of the answer, if there was one.
        status: Option<StatusCode>,
        /// The answer itself, for [`SendFailure::response`].
        response: Option<Box<ErrorResponse>>,
    },
    /// The credential was refused and has been refreshed, so that the same profile is worth another try.
    Refreshed {
        /// What the answer means.
        failure: Failure,
        /// The status of the answer, if there was one.
        status: Option<StatusCode>,
        /// The answer itself, for [`SendFailure::response`].
        response: Option<Box<ErrorResponse>>,
    },
    /// The profile cannot be used in this call, and nothing was sent: its refresh failed, or its secret cannot stand in a
    /// header.
    Unusable(Error),
    /// The answer was not taken, which would be the same with every profile: it is too large.
    Unread {
        /// What stood in the way.
        error: Error,
        /// What is known of the answer, for [`SendFailure::response`].
        response: Option<Box<ErrorResponse>>,
    },
    /// No request for this model can be made: the next one is tried.
    Unserved(Error),
    /// No request could be made at all, with whatever profile.
    Aborted(Error),
}

impl Outcome {
    /// Says that an answer is complete.
    #[must_use]
    pub fn answered(status: Option<StatusCode>) -> Self {
        Self::Answered { status, complete: true }
    }
}

/// Why an attempt has no answer: what a function that makes attempts returns.
///
/// Converts from a [`Failure`], and from an [`Error`] for requests that could not be made: one of kind `InvalidSecret`
/// concerns the profile, one of kind `NoEndpoint` or `UnsupportedApi` the model, any other the call.
#[derive(Debug)]
#[non_exhaustive]
pub enum AttemptError {
    /// It failed.
    Failed {
        /// What the answer means.
        failure: Failure,
        /// The status of the answer, if there was one.
        status: Option<StatusCode>,
        /// The answer itself, for [`SendFailure::response`].
        response: Option<Box<ErrorResponse>>,
    },
    /// The profile cannot be used in this call, and nothing was sent.
    Unusable(Error),
    /// The answer was not taken, which would be the same with every profile: it is too large.
    Unread {
        /// What stood in the way.
        error: Error,
        /// What is known of the answer, for [`SendFailure::response`].
        response: Option<Box<ErrorResponse>>,
    },
    /// No request for this model can be made: the next one is tried.
    Unserved(Error),
    /// No request could be made at all, with whatever profile.
    Aborted(Error),
}

impl AttemptError {
    /// Describes a failed attempt whose status the failure itself does not know.
    #[must_use]
    pub fn failed(failure: Failure, status: Option<StatusCode>) -> Self {
        Self::Failed { failure, status, response: None }
    }

    /// Describes an answer that was not taken, which would be the same with every profile.
    #[must_use]
    pub fn unread(error: Error) -> Self {
        Self::Unread { error, response: None }
    }

    /// Adds the answer, for [`SendFailure::response`]. An attempt that was not sent has none.
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
