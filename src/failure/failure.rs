//! A classified failure.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use http::StatusCode;

use super::refusal::SubscriptionRefusal;
use super::retry::RetryBackoff;
use super::rules;
use super::transport::TransportError;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Shown};
use crate::reason::{Blame, FailureReason};
use crate::secret::Secret;

/// A failed request: its reason, what it concerns, and when another attempt is worth it.
///
/// `Display` is a sentence of this crate, never of the provider, because providers repeat fragments of keys and
/// prompts. [`unredacted_message`](Self::unredacted_message) returns their own words.
///
/// # Examples
///
/// ```
/// use http::{HeaderMap, StatusCode};
/// use provider_auth::{FailureClassifier, FailureReason, ProviderId, Timestamp};
///
/// let now = Timestamp::from_millis(1_700_000_000_000);
/// let mut headers = HeaderMap::new();
/// headers.insert("retry-after", "12".parse()?);
/// let body = br#"{"type":"error","error":{"type":"rate_limit_error","message":"Rate limited"}}"#;
///
/// let classifier = FailureClassifier::new(&ProviderId::anthropic());
/// let failure = classifier.response(StatusCode::TOO_MANY_REQUESTS, &headers, body, now).unwrap();
/// assert_eq!(failure.reason(), FailureReason::RateLimit);
/// assert_eq!(failure.deadline(), Some(Timestamp::from_millis(1_700_000_012_000)));
/// assert!(failure.can_retry() && failure.can_rotate());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Failure {
    pub(super) reason: FailureReason,
    pub(super) refusal: Option<SubscriptionRefusal>,
    pub(super) transport: Option<TransportError>,
    pub(super) host: Option<Box<str>>,
    pub(super) status: Option<StatusCode>,
    pub(super) deadline: Option<Timestamp>,
    pub(super) should_retry: Option<bool>,
    pub(super) code: Option<Box<str>>,
    pub(super) request_id: Option<Box<str>>,
    pub(super) message: Option<Secret>,
}

impl Failure {
    /// Creates a failure with a known reason, for callers that classify answers themselves.
    #[must_use]
    pub fn new(reason: FailureReason) -> Self {
        Self {
            reason,
            refusal: None,
            transport: None,
            host: None,
            status: None,
            deadline: None,
            should_retry: None,
            code: None,
            request_id: None,
            message: None,
        }
    }

    /// Sets the moment from which another attempt is worth it. Default: none.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Option<Timestamp>) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets the host of the request, which the help names if the network or the address is at fault. Default: none.
    #[must_use]
    pub fn with_host(mut self, host: &str) -> Self {
        self.host = (self.blame() == Blame::Nobody && !host.is_empty()).then(|| host.into());
        self
    }

    /// Returns the reason for the failure.
    #[must_use]
    pub fn reason(&self) -> FailureReason {
        self.reason
    }

    /// Returns who or what is to blame.
    #[must_use]
    pub fn blame(&self) -> Blame {
        self.reason.blame()
    }

    /// Returns the kind of refusal, if a subscription credential was refused.
    #[must_use]
    pub fn refusal(&self) -> Option<SubscriptionRefusal> {
        self.refusal
    }

    /// Returns the transport error, if the request failed without a whole answer of the provider.
    #[must_use]
    pub fn transport(&self) -> Option<TransportError> {
        self.transport
    }

    /// Returns the HTTP status of the answer; `None` for a text, an event of a stream, or no answer at all.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// Returns the moment that the server named, from which another attempt is worth it. It is later than the time of
    /// classification.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }

    /// Returns whether the server recommends a retry (`x-should-retry`); `None` without that header.
    #[must_use]
    pub fn should_retry(&self) -> Option<bool> {
        self.should_retry
    }

    /// Returns `true` if the same request with the same profile can succeed later without human intervention.
    ///
    /// The server's `x-should-retry` decides if it is set, as in Anthropic's SDKs, except that a refusal of a
    /// subscription credential never clears.
    #[must_use]
    pub fn can_retry(&self) -> bool {
        use FailureReason::{Network, Overloaded, RateLimit, ServerError, Timeout, Unknown};
        if self.refusal.is_some() {
            return false;
        }
        let passes = match (self.transport, self.reason) {
            (Some(transport), _) => transport.can_retry(),
            (None, RateLimit | Timeout | Overloaded | ServerError | Network) => true,
            (None, Unknown) => self.status == Some(StatusCode::CONFLICT),
            (None, _) => false,
        };
        self.should_retry.unwrap_or(passes)
    }

    /// Returns how long to wait before repeating the same request with the same profile; `None` if that is not worth
    /// it.
    ///
    /// A wait that the server named takes precedence over the backoff. `retries` is the number of previous retries,
    /// `random` a number from 0 to 1.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use provider_auth::failure::RetryBackoff;
    /// use provider_auth::{Failure, FailureReason, Timestamp};
    ///
    /// let (now, backoff) = (Timestamp::from_millis(1_700_000_000_000), RetryBackoff::default());
    /// let overloaded = Failure::new(FailureReason::Overloaded);
    /// assert_eq!(overloaded.retry_after(now, &backoff, 0, 0.0), Some(Duration::from_millis(500)));
    /// let told = overloaded.with_deadline(Some(now + Duration::from_secs(3)));
    /// assert_eq!(told.retry_after(now, &backoff, 0, 0.0), Some(Duration::from_secs(3)));
    /// assert_eq!(Failure::new(FailureReason::Auth).retry_after(now, &backoff, 0, 0.0), None);
    /// ```
    #[must_use]
    pub fn retry_after(&self, now: Timestamp, backoff: &RetryBackoff, retries: u32, random: f64) -> Option<Duration> {
        let named = self.deadline.map(|deadline| deadline.saturating_since(now)).filter(|wait| !wait.is_zero());
        self.can_retry().then(|| named.unwrap_or_else(|| backoff.delay(retries, random)))
    }

    /// Returns `true` if another profile can succeed with the same request. It cannot if the request itself is to
    /// blame, or the network, which is the same for every profile.
    #[must_use]
    pub fn can_rotate(&self) -> bool {
        !matches!(self.blame(), Blame::Request | Blame::Nobody)
    }

    /// Returns the provider's most specific code for the failure, as the provider wrote it.
    ///
    /// # Security
    ///
    /// The code can be any text from the server. If the server is not trusted, log the [`reason`](Self::reason)
    /// instead.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Returns the provider's id of the request, to quote to its support. It can be any text from the server.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Returns the provider's own words, up to 1 KiB, including anything that they repeat of the caller's data.
    ///
    /// # Security
    ///
    /// Providers repeat fragments of keys and prompts in their messages, so this is a [`Secret`]: do not log it.
    #[must_use]
    pub fn unredacted_message(&self) -> Option<&Secret> {
        self.message.as_ref()
    }

    /// Returns one sentence about what happened that is safe to show.
    #[must_use]
    pub fn sentence(&self) -> &'static str {
        let named = self.refusal.map(SubscriptionRefusal::sentence);
        named.or(self.transport.map(TransportError::sentence)).unwrap_or_else(|| sentence(self.reason))
    }

    /// Returns what the user can do about it.
    #[must_use]
    pub fn help(&self) -> Cow<'static, str> {
        let named = self.refusal.map(SubscriptionRefusal::help).or(self.transport.map(TransportError::help));
        let help = named.unwrap_or_else(|| kind(self.reason).help());
        match &self.host {
            Some(host) => format!("{help} The host was {}.", Shown::new(host)).into(),
            None => help.into(),
        }
    }

    /// Converts the failure into an error with the same sentence and help, of kind [`ErrorKind::Unauthorized`] for a
    /// refused credential. It does not contain the provider's words.
    #[must_use]
    pub fn into_error(self) -> Error {
        Error::new(kind(self.reason), self.to_string()).with_help(self.help())
    }
}

fn kind(reason: FailureReason) -> ErrorKind {
    use FailureReason::{Billing, ContextOverflow, Format, ModelNotFound, Network, NotFound, RateLimit};
    match reason {
        _ if reason.is_refusal() => ErrorKind::Unauthorized,
        Billing => ErrorKind::PaymentRequired,
        RateLimit => ErrorKind::RateLimited,
        ModelNotFound => ErrorKind::ModelUnavailable,
        Format | ContextOverflow => ErrorKind::RequestRefused,
        Network => ErrorKind::Unreachable,
        NotFound => ErrorKind::WrongAddress,
        _ => ErrorKind::ProviderFailed,
    }
}

fn sentence(reason: FailureReason) -> &'static str {
    match reason {
        FailureReason::Auth => "the provider did not accept the credential",
        FailureReason::AuthPermanent => "the provider reports that the credential is revoked, disabled or not allowed",
        FailureReason::SessionExpired => "the login session is over",
        FailureReason::Billing => "the account's credit, quota or spend limit is exhausted",
        FailureReason::RateLimit => "the provider limits the rate of requests",
        FailureReason::Network => "the request failed on the way to the provider",
        FailureReason::Timeout => "the provider did not answer in time",
        FailureReason::ModelNotFound => "the provider does not serve this model to this account",
        FailureReason::NotFound => "the provider has nothing at this address",
        FailureReason::Overloaded => "the provider is overloaded",
        FailureReason::ServerError => "the provider failed",
        FailureReason::Format => "the provider refused the request as malformed or not allowed",
        FailureReason::ContextOverflow => "the request is too long for the model",
        FailureReason::Unknown => "the provider answered with an unknown error",
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.into_error()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())?;
        match self.status {
            Some(status) => write!(f, " (status {})", status.as_u16()),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A code that is not in the tables could be anything, even a piece of the key.
        let code = self.code().map(|code| if rules::is_known_code(code) { code } else { "[unknown]" });
        f.debug_struct("Failure")
            .field("reason", &self.reason)
            .field("refusal", &self.refusal)
            .field("transport", &self.transport)
            .field("status", &self.status)
            .field("deadline", &self.deadline)
            .field("should_retry", &self.should_retry)
            .field("code", &code)
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}
