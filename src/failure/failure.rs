//! What an answer means.

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

/// Why a request failed, whom that concerns, and when it is worth another try.
///
/// `Display` is a sentence of this crate, never the provider's: providers repeat fragments of keys and prompts. Their own
/// words are behind [`unredacted_message`](Self::unredacted_message).
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
    /// Creates a failure of a known reason, for callers who classify by themselves.
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

    /// Sets the moment from which another try is worth it.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Option<Timestamp>) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets the host that was asked, which the help then names where the way to it or its address is at fault.
    #[must_use]
    pub fn with_host(mut self, host: &str) -> Self {
        self.host = (self.blame() == Blame::Nobody && !host.is_empty()).then(|| host.into());
        self
    }

    /// Returns why the request failed.
    #[must_use]
    pub fn reason(&self) -> FailureReason {
        self.reason
    }

    /// Returns what the failure says something about.
    #[must_use]
    pub fn blame(&self) -> Blame {
        self.reason.blame()
    }

    /// Returns which refusal of a subscription credential this is, if it is one.
    #[must_use]
    pub fn refusal(&self) -> Option<SubscriptionRefusal> {
        self.refusal
    }

    /// Returns what went wrong on the way, if something did.
    #[must_use]
    pub fn transport(&self) -> Option<TransportError> {
        self.transport
    }

    /// Returns the status of the answer; `None` for a text, an event of a stream, or no answer at all.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// Returns the moment that the server named, from which another try is worth it. It lies after the moment of
    /// classification.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }

    /// Returns the server's own word on whether another try is of use (`x-should-retry`); `None` if it did not say.
    #[must_use]
    pub fn should_retry(&self) -> Option<bool> {
        self.should_retry
    }

    /// Returns `true` if the same request, with the same profile, can succeed later without a human doing anything.
    ///
    /// The server's `x-should-retry` decides where it is set, as in Anthropic's SDKs; but a refusal of a subscription
    /// credential never clears.
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

    /// Returns how long to wait before the same request is sent again with the same profile; `None` if it is not worth
    /// a retry.
    ///
    /// What the server named comes first, then the backoff: `retries` is how many retries there were before this one,
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

    /// Returns `true` if another profile can succeed with the same request: unless the request itself is to blame, or
    /// the way to the provider, which is the same for every profile.
    #[must_use]
    pub fn can_rotate(&self) -> bool {
        !matches!(self.blame(), Blame::Request | Blame::Nobody)
    }

    /// Returns the provider's most specific code for the failure, as it wrote it.
    ///
    /// # Security
    ///
    /// A code is whatever the server put in its place. Log the [`reason`](Self::reason) where a server is not trusted.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Returns the provider's number for the request, to quote to its support. It is whatever the server put in its place.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Returns the provider's own words, up to 1 KiB of them, with whatever they repeat of the caller's data.
    ///
    /// # Security
    ///
    /// Providers repeat fragments of keys and of prompts in their messages, so this is a [`Secret`]: do not log it.
    #[must_use]
    pub fn unredacted_message(&self) -> Option<&Secret> {
        self.message.as_ref()
    }

    /// Returns one sentence that says what happened, safe to show.
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

    /// Turns the failure into an error of this crate, [`ErrorKind::Unauthorized`] for a credential that was not accepted,
    /// with the same sentence and help. The provider's words are not in it.
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
        FailureReason::AuthPermanent => "the provider says that the credential is revoked, disabled or not allowed",
        FailureReason::SessionExpired => "the login session is over",
        FailureReason::Billing => "the account's credit, quota or spend limit is exhausted",
        FailureReason::RateLimit => "the provider limits the rate of requests",
        FailureReason::Network => "the request failed on the way to the provider",
        FailureReason::Timeout => "the provider did not answer in time",
        FailureReason::ModelNotFound => "the provider does not serve this model to this account",
        FailureReason::NotFound => "there is nothing at this address of the provider",
        FailureReason::Overloaded => "the provider is overloaded",
        FailureReason::ServerError => "the provider failed",
        FailureReason::Format => "the provider refused the request as malformed or not allowed",
        FailureReason::ContextOverflow => "the request is too long for the model",
        FailureReason::Unknown => "the provider answered with an error that is not known",
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
        // A code that stands in no table could be anything, a piece of the key included.
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
