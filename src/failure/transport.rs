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

#[cfg(feature = "client")]
#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::clock::Timestamp;

    fn outcome(listener: &TcpListener) -> reqwest::Error {
        let url = format!("http://{}/?key=sk-1", listener.local_addr().unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client =
            reqwest::Client::builder().no_proxy().timeout(std::time::Duration::from_millis(50)).build().unwrap();
        runtime.block_on(async { client.get(url).send().await }).unwrap_err()
    }

    #[test]
    fn kinds_of_client_errors() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let error = outcome(&silent);
        assert_eq!(TransportError::from(&error), TransportError::TimedOut);
        let failure = Failure::from(&error);
        assert_eq!((failure.reason(), failure.deadline()), (FailureReason::Timeout, None::<Timestamp>));
        assert!(!format!("{failure} {failure:?}").contains("sk-1"));

        let built = reqwest::Client::new().get("http://[").build().unwrap_err();
        assert_eq!(Failure::from(&built).reason(), FailureReason::Format);

        let answer = http::Response::builder().status(529).body("").unwrap();
        let status = reqwest::Response::from(answer).error_for_status().unwrap_err();
        assert_eq!(Failure::from(&status).reason(), FailureReason::Overloaded);
    }
}
