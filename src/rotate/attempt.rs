//! One try of a call.

use std::fmt;
use std::time::Duration;

use http::StatusCode;

use crate::error::ErrorKind;
use crate::failure::Failure;
use crate::id::{ModelRef, ProfileId};
use crate::reason::FailureReason;

/// One try of a call: with which profile, for which model, and what came of it.
///
/// `Display` is one line for a log. There is no secret in it, and nothing the provider said.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// The profile.
    pub profile: ProfileId,
    /// The model.
    pub model: ModelRef,
    /// Why it failed; `None` for the one that did not.
    pub failure: Option<Failure>,
    /// The status of the answer, if there was one.
    pub status: Option<StatusCode>,
    /// How long it took by the rotator's clock: until the head of a stream, else until the answer was complete.
    pub duration: Duration,
    /// What kept the request from being sent at all: a refresh that failed, or a secret no header can carry.
    pub unsent: Option<ErrorKind>,
    /// Why the outcome could not be written to the store, if it could not. The call itself goes on.
    pub unrecorded: Option<ErrorKind>,
}

impl Attempt {
    /// Why it failed; `None` for the one that did not.
    #[must_use]
    pub fn reason(&self) -> Option<FailureReason> {
        self.failure.as_ref().map(Failure::reason)
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {}: ", self.profile, self.model)?;
        match self.reason() {
            Some(reason) => write!(f, "{reason}")?,
            None => f.write_str("ok")?,
        }
        if let Some(status) = self.status {
            write!(f, ", status {}", status.as_u16())?;
        }
        if self.unsent.is_some() {
            f.write_str(", not sent")?;
        }
        write!(f, ", {} ms", self.duration.as_millis())
    }
}
