//! Failures without an answer of the provider.

use super::failure::Failure;
use crate::reason::FailureReason;

/// The reason that there is no answer of the provider, or only part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportError {
    /// The client has no TLS and cannot use `https`.
    NoTls,
    /// The host's name does not resolve.
    Dns,
    /// No connection could be made: it was refused, or there is no route to the host.
    Connect,
    /// No connection could be made within the time limit.
    ConnectTimedOut,
    /// The TLS handshake failed.
    Tls,
    /// A proxy refused the request, or could not be reached.
    Proxy,
    /// Something on the way answered instead of the provider: a challenge page, a captive portal, or a web page where
    /// JSON was expected.
    Intercepted,
    /// The connection broke before the first byte of the answer.
    Reset,
    /// The answer broke off, or is not what its headers promise.
    Body,
    /// The provider was reached but did not answer within the time limit.
    TimedOut,
    /// The answer redirects to another address. Redirects are not followed with a credential.
    Redirect,
    /// The request could not be built or sent: its URL, headers or body are not acceptable to the client.
    Request,
}

/// One row: the reason, whether the same request can succeed later, what happened, what the user can do.
struct Row(TransportError, FailureReason, bool, &'static str, &'static str);

const CONNECTION: &str = "Check this machine's network and the base URL, then try again.";
const BROKEN: &str = "Try again; if it happens often, look for a proxy or a timeout on the way that ends long answers.";

#[rustfmt::skip]
const TABLE: [Row; 12] = [
    Row(TransportError::NoTls, FailureReason::Network, false, "this program's HTTP client has no TLS, so that nothing was sent",
        "Get a build of this program with TLS: its HTTP client was compiled without it and cannot use `https`. Or set the base URL to a gateway on this machine that accepts plain HTTP."),
    Row(TransportError::Dns, FailureReason::Network, true, "the provider's host name does not resolve",
        "Check this machine's network, its DNS, and the host in the base URL."),
    Row(TransportError::Connect, FailureReason::Network, true, "no connection to the provider could be made", CONNECTION),
    Row(TransportError::ConnectTimedOut, FailureReason::Network, true, "no connection to the provider could be made in time", CONNECTION),
    Row(TransportError::Tls, FailureReason::Network, false, "the TLS handshake with the provider's host failed",
        "Check this machine's clock and its certificates: a proxy that inspects TLS needs its own certificate installed here."),
    Row(TransportError::Proxy, FailureReason::Network, false, "the proxy on the way refused the request",
        "Check the address of the proxy and the login for it; the provider was not reached."),
    Row(TransportError::Intercepted, FailureReason::Network, false, "something on the way answered instead of the provider",
        "Check the base URL, and open it in a browser from this machine: a firewall, a login page or a challenge is in front of the provider."),
    Row(TransportError::Reset, FailureReason::Network, true, "the connection broke before the provider answered", CONNECTION),
    Row(TransportError::Body, FailureReason::Network, true, "the provider's answer broke off", BROKEN),
    Row(TransportError::TimedOut, FailureReason::Timeout, true, "the provider did not answer in time",
        "Try again later, or allow more time; if it persists, look at the provider's status page."),
    Row(TransportError::Redirect, FailureReason::NotFound, false, "the answer redirects to another address, which is not followed with a credential",
        "Set the base URL to the address that the provider documents."),
    Row(TransportError::Request, FailureReason::Format, false, "the request could not be built", "Check the base URL and the headers that are set for this provider."),
];

impl TransportError {
    /// Returns an iterator over all transport errors.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }

    fn row(self) -> Option<&'static Row> {
        TABLE.iter().find(|row| row.0 == self)
    }

    /// Returns the reason for the selector.
    #[must_use]
    pub fn reason(self) -> FailureReason {
        self.row().map_or(FailureReason::Network, |row| row.1)
    }

    /// Returns `true` if the same request can succeed later without human intervention.
    #[must_use]
    pub fn can_retry(self) -> bool {
        self.row().is_some_and(|row| row.2)
    }

    /// Returns one sentence about what happened that is safe to show.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        self.row().map_or("the request failed on the way", |row| row.3)
    }

    /// Returns what the user can do about it.
    #[must_use]
    pub fn help(self) -> &'static str {
        self.row().map_or(CONNECTION, |row| row.4)
    }
}

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        Self { transport: Some(error), ..Self::new(error.reason()) }
    }
}
