//! From an answer to a failure.

use std::borrow::Cow;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::body::{Found, MAX_JSON, is_error, narrowed, parse};
use super::deadline::{self, LONGEST};
use super::failure::Failure;
use super::prose::status_in;
use super::rules::{self, Evidence};
use super::stream;
use super::text::ends_of;
use crate::clock::Timestamp;
use crate::id::ProviderId;
#[cfg(feature = "client")]
use crate::net::Event;
use crate::providers::Dialect;
use crate::reason::FailureReason;
use crate::secret::Secret;

/// Turns answers into [`Failure`]s: status, headers and body, an event of a stream, or a text alone.
///
/// Pure and bounded: bodies beyond 256 KiB are judged by their first 4 and last 2 KiB, and nothing here can panic.
/// Structured codes come first, then the wording of billing and credentials, then the status. Text that is ambiguous
/// never leads to a long cooldown: `billing` and `auth_permanent` need a code, an unmistakable sentence in a message of at
/// most 512 bytes, or the status 402.
///
/// The rules follow the documentation of Anthropic, `OpenAI`, `OpenRouter`, Google, Amazon Bedrock and Microsoft Foundry, and
/// answers reported to them, as of September 2026.
///
/// # Examples
///
/// ```
/// use provider_auth::{FailureClassifier, FailureReason, ProviderId, Timestamp};
///
/// let classifier = FailureClassifier::new(&ProviderId::new("openai")?);
/// let failure = classifier.text("Rate limit reached. Please try again in 1.574s.", Timestamp::from_millis(0));
/// assert_eq!(failure.reason(), FailureReason::RateLimit);
/// assert_eq!(failure.deadline(), Some(Timestamp::from_millis(1_574)));
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FailureClassifier {
    dialect: Dialect,
    cap: Duration,
}

/// Where an answer's own words come from, beside its body.
struct Envelope<'a> {
    status: Option<StatusCode>,
    headers: &'a HeaderMap,
}

impl FailureClassifier {
    /// A classifier for the answers of this provider. Most rules hold for all providers, so a proxy's name does no harm.
    #[must_use]
    pub fn new(provider: &ProviderId) -> Self {
        Self { dialect: provider.known().map_or(Dialect::Common, |known| known.dialect), cap: LONGEST }
    }

    /// Sets the longest wait a deadline can ask for. Default: 366 days.
    ///
    /// A deadline beyond it is cut. What is recorded is cut again by
    /// [`CooldownPolicy::deadline_cap`](crate::select::CooldownPolicy::deadline_cap); this cap is for callers who wait themselves.
    #[must_use]
    pub fn with_deadline_cap(mut self, cap: Duration) -> Self {
        self.cap = cap.min(LONGEST);
        self
    }

    /// What an answer means; `None` if it is a success.
    ///
    /// A success status with an error inside is a failure: an error object, a choice that ended with `error`, or an error
    /// event among server-sent events. A model's own text is never read for that.
    #[must_use]
    pub fn response(&self, status: StatusCode, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Option<Failure> {
        let text = bounded(body);
        let value = parse(&text);
        let success = status.is_success() || status.is_informational();
        let error = if stream::is_stream(&text) && value.is_none() {
            stream::error_in(&text)
        } else {
            value.filter(|value| !success || is_error(value))
        };
        if success && error.is_none() {
            return None;
        }
        let found = error.map_or_else(|| Found::in_text(&text), |error| Found::in_value(&narrowed(error)));
        Some(self.judge(found, &Envelope { status: Some(status), headers }, now))
    }

    /// What the data of a server-sent event means, or an error object without a status; `None` if it is no error.
    ///
    /// For callers that read a stream event by event. An event named `error` is one whatever its data; pass its data to
    /// [`text`](Self::text) if this says nothing.
    #[must_use]
    pub fn event(&self, data: &[u8], now: Timestamp) -> Option<Failure> {
        let text = bounded(data);
        let error = if stream::is_stream(&text) { stream::error_in(&text) } else { parse(&text) };
        self.error_event(error, now)
    }

    /// As [`event`](Self::event), for an event that was taken apart already.
    #[cfg(feature = "client")]
    pub(crate) fn stream_event(&self, event: Event<'_>, now: Timestamp) -> Option<Failure> {
        self.error_event(stream::error_of(event), now)
    }

    fn error_event(&self, error: Option<Value>, now: Timestamp) -> Option<Failure> {
        let found = Found::in_value(&narrowed(error.filter(is_error)?));
        Some(self.judge(found, &Envelope { status: None, headers: &HeaderMap::new() }, now))
    }

    /// What a text means that stands in place of an answer, for callers whose client swallowed it: an error message, a code
    /// such as `ECONNRESET`, or either around the provider's JSON.
    #[must_use]
    pub fn text(&self, text: &str, now: Timestamp) -> Failure {
        let found = Found::in_prose(text);
        self.judge(found, &Envelope { status: None, headers: &HeaderMap::new() }, now)
    }

    fn judge(&self, mut found: Found, envelope: &Envelope<'_>, now: Timestamp) -> Failure {
        let headers = envelope.headers;
        if let Some(code) = headers.get("x-amzn-errortype").and_then(|code| code.to_str().ok()) {
            found.add_code(code);
        }
        // Under a success, the status of the error inside is the one that counts.
        let real = envelope.status.filter(|status| !status.is_success()).map(|status| status.as_u16());
        let status = real.or(found.status).or_else(|| status_in(&found.text));
        let evidence = Evidence {
            dialect: self.dialect,
            status,
            codes: &found.codes,
            text: &found.text,
            message: &found.message,
            has_limit_headers: deadline::has_limits(headers),
        };
        let rule = rules::find(&evidence);
        let reason = rule.map_or(FailureReason::Unknown, |rule| rule.reason);
        let id = request_id(headers).or_else(|| found.request_id.take().filter(|id| is_plain(id)));
        Failure {
            reason,
            refusal: rule.and_then(|rule| rule.refusal),
            status: envelope.status,
            deadline: deadline::find(reason, headers, &found.hints, now, self.cap),
            should_retry: deadline::should_retry(headers),
            code: found.code.map(Into::into),
            request_id: id.map(Into::into),
            message: (!found.message.is_empty()).then(|| Secret::new(found.message)),
        }
    }
}

/// The text of a body: all of it, or the two ends of one that is too large to be an error.
fn bounded(body: &[u8]) -> Cow<'_, str> {
    let head = body.get(..MAX_JSON).unwrap_or(body);
    let tail = if body.len() > MAX_JSON { body.get(body.len() - MAX_JSON.min(body.len() - MAX_JSON)..) } else { None };
    let text = String::from_utf8_lossy(head);
    match tail {
        Some(tail) => {
            let tail = String::from_utf8_lossy(tail);
            let (start, _) = ends_of(&text);
            Cow::Owned(format!("{start}\n\n{tail}"))
        }
        None => text,
    }
}

/// Anthropic, `OpenAI` and others, Amazon, Azure.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let names = ["request-id", "x-request-id", "x-amzn-requestid", "apim-request-id", "x-ms-request-id"];
    let values = names.iter().filter_map(|name| headers.get(*name)?.to_str().ok());
    values.map(str::trim).find(|id| is_plain(id)).map(ToOwned::to_owned)
}

fn is_plain(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=128).contains(&id.len()) && id.bytes().all(plain)
}

/// A `reqwest` error that carries a status is read as that status, any other by what kind of error it is. Its text holds
/// the URL, whose query may be confidential, and goes nowhere.
#[cfg(feature = "client")]
impl From<&reqwest::Error> for Failure {
    fn from(error: &reqwest::Error) -> Self {
        match error.status() {
            Some(status) => {
                let classifier = FailureClassifier { dialect: Dialect::Common, cap: LONGEST };
                let envelope = Envelope { status: Some(status), headers: &HeaderMap::new() };
                classifier.judge(Found::default(), &envelope, Timestamp::default())
            }
            None => super::transport::TransportError::from(error).into(),
        }
    }
}
