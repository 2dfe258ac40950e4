//! What a rotation says and is told.

use std::time::Duration;

use http::StatusCode;

use super::attempt::Attempt;
use super::failure::SendFailure;
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
    },
    /// The credential was refused and has been refreshed, so that the same profile is worth another try.
    Refreshed {
        /// What the answer means.
        failure: Failure,
        /// The status of the answer, if there was one.
        status: Option<StatusCode>,
    },
    /// The profile cannot be used in this call, and nothing was sent: its refresh failed, or its secret cannot stand in a
    /// header.
    Unusable(Error),
    /// The answer was not taken, which would be the same with every profile: it is too large.
    Unread {
        /// What stood in the way.
        error: Error,
        /// The status of the answer, if it is known.
        status: Option<StatusCode>,
    },
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
/// concerns the profile, any other the call.
#[derive(Debug)]
#[non_exhaustive]
pub enum AttemptError {
    /// It failed.
    Failed {
        /// What the answer means.
        failure: Failure,
        /// The status of the answer, if there was one.
        status: Option<StatusCode>,
    },
    /// The profile cannot be used in this call, and nothing was sent.
    Unusable(Error),
    /// The answer was not taken, which would be the same with every profile: it is too large.
    Unread {
        /// What stood in the way.
        error: Error,
        /// The status of the answer, if it is known.
        status: Option<StatusCode>,
    },
    /// No request could be made at all, with whatever profile.
    Aborted(Error),
}

impl AttemptError {
    /// Describes a failed attempt whose status the failure itself does not know.
    #[must_use]
    pub fn failed(failure: Failure, status: Option<StatusCode>) -> Self {
        Self::Failed { failure, status }
    }

    /// Describes an answer that was not taken, which would be the same with every profile.
    #[must_use]
    pub fn unread(error: Error, status: Option<StatusCode>) -> Self {
        Self::Unread { error, status }
    }
}

impl From<Failure> for AttemptError {
    fn from(failure: Failure) -> Self {
        let status = failure.status();
        Self::Failed { failure, status }
    }
}

impl From<Error> for AttemptError {
    fn from(error: Error) -> Self {
        if error.kind() == ErrorKind::InvalidSecret { Self::Unusable(error) } else { Self::Aborted(error) }
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
            AttemptError::Failed { failure, status } => Self::Failed { failure, status },
            AttemptError::Unusable(error) => Self::Unusable(error),
            AttemptError::Unread { error, status } => Self::Unread { error, status },
            AttemptError::Aborted(error) => Self::Aborted(error),
        }
    }
}
