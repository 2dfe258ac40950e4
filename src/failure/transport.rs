//! Failures without an answer.

use super::failure::Failure;
use crate::reason::FailureReason;

/// Why there was no answer, or not a whole one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportError {
    /// No answer within the time allowed.
    TimedOut,
    /// No connection: refused, unreachable, a name that does not resolve, a failed TLS handshake.
    Connect,
    /// The connection broke before the answer was complete.
    Reset,
    /// The answer broke off, or is not what its headers promise.
    Body,
    /// The answer redirects to another address. Redirects are not followed with a credential.
    Redirect,
    /// The request could not be built or sent: its URL, headers or body are not acceptable to the client.
    Request,
}

impl TransportError {
    /// The reason, as the selector understands it.
    #[must_use]
    pub fn reason(self) -> FailureReason {
        match self {
            Self::TimedOut | Self::Connect | Self::Reset | Self::Body => FailureReason::Timeout,
            Self::Redirect | Self::Request => FailureReason::Format,
        }
    }
}

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        Self::new(error.reason())
    }
}

#[cfg(feature = "client")]
impl From<&reqwest::Error> for TransportError {
    fn from(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            Self::TimedOut
        } else if error.is_connect() {
            Self::Connect
        } else if error.is_redirect() {
            Self::Redirect
        } else if error.is_builder() {
            Self::Request
        } else if error.is_body() || error.is_decode() {
            Self::Body
        } else {
            Self::Reset
        }
    }
}
