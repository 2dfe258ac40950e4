//! The classifier of answers.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::body::Found;
use super::deadline::{self, Hints, LONGEST};
use super::envelope::{MAX_JSON, is_error, may_be_error, narrowed, parse};
use super::failure::Failure;
use super::rules::{self, Evidence};
use super::speaker;
use super::stream;
use super::text::ends_of;
use crate::clock::Timestamp;
use crate::id::ProviderId;
use crate::net::Event;
use crate::providers::Dialect;
use crate::secret::Secret;

/// A classifier that turns answers into [`Failure`]s: status, headers and body, an event of a stream, or a text alone.
///
/// It is pure and bounded: it reads only the first and the last KiB of a text, and never panics. It reads an answer in
/// four steps: who sent it, the structured code, the message where that is more specific, the status. The caller's own
/// words, which providers repeat, are no evidence. Ambiguous text never leads to a long cooldown: `billing` and
/// `auth_permanent` need a code, an unmistakable sentence in a message of at most 512 bytes, or the status 402.
///
/// The rules follow the providers' documentation, and answers that were reported to them, as of November 2026.
///
/// # Examples
///
/// ```
/// use provider_auth::{FailureClassifier, FailureReason, ProviderId, Timestamp};
///
/// let classifier = FailureClassifier::new(&ProviderId::new("openai")?);
/// let failure = classifier.text("Rate limit reached. Please try again in 1.574s.", Timestamp::from_millis(0));
/// let failure = failure.unwrap();
/// assert_eq!(failure.reason(), FailureReason::RateLimit);
/// assert_eq!(failure.deadline(), Some(Timestamp::from_millis(1_574)));
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone)]
pub struct FailureClassifier {
    dialect: Dialect,
    cap: Duration,
    model: Option<Box<str>>,
    names: Vec<Box<str>>,
}

/// The source of an answer's words, apart from its body.
struct Envelope<'a> {
    status: Option<StatusCode>,
    headers: &'a HeaderMap,
}

impl FailureClassifier {
    /// Creates a classifier for the answers of this provider. Most rules apply to all providers, so a proxy's name does
    /// no harm.
    #[must_use]
    pub fn new(provider: &ProviderId) -> Self {
        Self::of(provider.known().map_or(Dialect::Common, |known| known.dialect))
    }

    /// Creates a classifier for answers of an unknown provider. The codes of every provider count; if two providers use
    /// the same number differently, one of them is assumed.
    #[must_use]
    pub fn for_any_provider() -> Self {
        Self::of(Dialect::Any)
    }

    fn of(dialect: Dialect) -> Self {
        Self { dialect, cap: LONGEST, model: None, names: Vec::new() }
    }

    /// Sets the maximum wait of a deadline. Default: 366 days.
    ///
    /// A later deadline is cut to it. A recorded deadline is also cut by
    /// [`CooldownPolicy::deadline_cap`](crate::select::CooldownPolicy::deadline_cap); this cap is for callers that wait
    /// themselves.
    #[must_use]
    pub fn with_deadline_cap(mut self, cap: Duration) -> Self {
        self.cap = cap.min(LONGEST);
        self
    }

    /// Sets the requested model. A 404 whose message names it then concerns the model, not the address. Default: none.
    #[must_use]
    pub fn with_model(mut self, model: &str) -> Self {
        self.model = (!model.trim().is_empty()).then(|| model.trim().into());
        self
    }

    /// Adds words that the caller chose, such as the names of its tools. They are no evidence when a provider repeats
    /// them in a message.
    ///
    /// Text in quotes or backticks and words with underscores or dots are ignored anyway.
    #[must_use]
    pub fn with_caller_words<S: Into<Box<str>>>(mut self, words: impl IntoIterator<Item = S>) -> Self {
        self.names.extend(words.into_iter().map(Into::into).filter(|word| !word.trim().is_empty()));
        self
    }

    /// Returns the failure that an answer means; `None` for a success, and never for any other status.
    ///
    /// A success status with an error inside is a failure: an error object, a choice that ended with `error`, an error
    /// event among server-sent events, or a web page. A model's own text is never read for that.
    #[must_use]
    pub fn response(&self, status: StatusCode, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Option<Failure> {
        if is_plain_answer(status, body) {
            return None;
        }
        let text = bounded(body);
        let value = parse(&text);
        // A proxy on the way assigns request ids too, but under other header names.
        let own = ["request-id", "x-amzn-requestid", "apim-request-id", "x-ms-request-id", "x-goog-request-id"];
        let spoke = own.iter().any(|name| headers.contains_key(*name)) || value.as_ref().is_some_and(is_error);
        if let Some(error) = speaker::impostor(status, headers, &text, spoke) {
            return Some(Failure {
                status: Some(status),
                deadline: deadline::find(error.reason(), headers, &Hints::default(), now, self.cap),
                should_retry: deadline::should_retry(headers),
                ..error.into()
            });
        }
        let success = status.is_success();
        let error = if value.is_none() && stream::is_stream(&text) {
            stream::error_in(&text)
        } else {
            value.filter(|value| !success || is_error(value))
        };
        if success && error.is_none() {
            return None;
        }
        let found = match error {
            Some(error) => Found::in_value(&narrowed(error), &self.names),
            None if speaker::is_markup(&text) => Found::new(&self.names),
            None => Found::in_text(&text, &self.names),
        };
        Some(self.judge(found, &Envelope { status: Some(status), headers }, now))
    }

    /// Returns the failure that a server-sent event means, or an error object without a status; `None` if it is not a
    /// failure.
    ///
    /// `name` is the event's name, empty if it has none: an event named `error` is a failure regardless of its data.
    /// For callers that read a stream event by event; `data` can also be a whole stream, or a piece of one.
    #[must_use]
    pub fn event(&self, name: &str, data: &[u8], now: Timestamp) -> Option<Failure> {
        let text = bounded(data);
        let named = Event { name: name.trim().as_bytes(), data: text.as_bytes() };
        let error = match stream::error_of(named) {
            None if stream::is_stream(&text) => stream::error_in(&text),
            error => error,
        };
        self.error_event(error, now)
    }

    /// Does the same as [`event`](Self::event) for a parsed event.
    #[cfg(feature = "client")]
    pub(crate) fn stream_event(&self, event: Event<'_>, now: Timestamp) -> Option<Failure> {
        self.error_event(stream::error_of(event), now)
    }

    fn error_event(&self, error: Option<Value>, now: Timestamp) -> Option<Failure> {
        let found = Found::in_value(&narrowed(error?), &self.names);
        Some(self.judge(found, &Envelope { status: None, headers: &HeaderMap::new() }, now))
    }

    /// Returns the failure that a text means, for callers whose client hides the answer: an error message, a code such
    /// as `ECONNRESET`, or either around the provider's JSON. Never `None`: a text without evidence is
    /// [`Unknown`](crate::FailureReason::Unknown).
    #[must_use]
    pub fn text(&self, text: &str, now: Timestamp) -> Option<Failure> {
        let found = Found::in_text(text, &self.names);
        Some(self.judge(found, &Envelope { status: None, headers: &HeaderMap::new() }, now))
    }

    /// Returns the failure that a status alone means.
    #[cfg(feature = "client")]
    pub(super) fn of_status(status: StatusCode) -> Failure {
        let envelope = Envelope { status: Some(status), headers: &HeaderMap::new() };
        Self::of(Dialect::Common).judge(Found::new(&[]), &envelope, Timestamp::default())
    }

    fn judge(&self, mut found: Found<'_>, envelope: &Envelope<'_>, now: Timestamp) -> Failure {
        let headers = envelope.headers;
        if let Some(code) = headers.get("x-amzn-errortype").and_then(|code| code.to_str().ok()) {
            found.add_code(code);
        }
        // With a success status, the status of the error inside counts.
        let real = envelope.status.filter(|status| !status.is_success()).map(|status| status.as_u16());
        let status = real.or(found.status).or(found.told_status);
        let verdict = rules::judge(&Evidence {
            dialect: self.dialect,
            status,
            codes: &found.codes,
            told: &found.told,
            text: &found.text,
            message: &found.message,
            names_model: self.model.as_deref().is_some_and(|model| names(&found.message, model)),
            has_limit_headers: deadline::has_limits(headers),
        });
        let reason = verdict.reason;
        let id = request_id(headers).or_else(|| found.request_id.take().filter(|id| is_plain(id)));
        Failure {
            reason,
            refusal: verdict.refusal,
            transport: verdict.transport,
            host: None,
            status: envelope.status,
            deadline: deadline::find(reason, headers, &found.hints, now, self.cap),
            should_retry: deadline::should_retry(headers),
            code: found.code.map(Into::into),
            request_id: id.map(Into::into),
            message: (!found.message.is_empty()).then(|| Secret::new(found.message)),
        }
    }
}

/// Returns `true` if [`FailureClassifier::response`] finds no failure because nothing in the body could be an error, as
/// in most answers.
pub(crate) fn is_plain_answer(status: StatusCode, body: &[u8]) -> bool {
    status.is_success() && !may_be_error(body)
}

/// Returns `true` if a message names a model, and not a longer name or path that contains it.
fn names(message: &str, model: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    message.match_indices(model).any(|(at, found)| {
        let (before, after) =
            (message.get(..at).unwrap_or_default(), message.get(at + found.len()..).unwrap_or_default());
        let after = after.strip_prefix('.').filter(|after| !after.starts_with(part)).unwrap_or(after);
        !before.ends_with(part) && !after.starts_with(part)
    })
}

/// Returns the text of a body: all of it, or both ends of one that is too large to be an error.
fn bounded(body: &[u8]) -> Cow<'_, str> {
    let head = body.get(..MAX_JSON).unwrap_or(body);
    let tail = if body.len() > MAX_JSON { body.get(body.len() - MAX_JSON..) } else { None };
    let text = std::str::from_utf8(head).map_or_else(|_| String::from_utf8_lossy(head), Cow::Borrowed);
    match tail {
        Some(tail) => {
            let tail = String::from_utf8_lossy(tail);
            let (start, _) = ends_of(&text);
            Cow::Owned(format!("{start}\n\n{tail}"))
        }
        None => text,
    }
}

/// Returns the request id that Anthropic, `OpenAI` and others, Amazon or Azure assign.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let names = ["request-id", "x-request-id", "x-amzn-requestid", "apim-request-id", "x-ms-request-id"];
    let values = names.iter().filter_map(|name| headers.get(*name)?.to_str().ok());
    values.map(str::trim).find(|id| is_plain(id)).map(ToOwned::to_owned)
}

fn is_plain(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=128).contains(&id.len()) && id.bytes().all(plain)
}

impl fmt::Debug for FailureClassifier {
    /// The caller's words may come from its prompt, so only their number is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailureClassifier")
            .field("dialect", &self.dialect)
            .field("deadline_cap", &self.cap)
            .field("model", &self.model)
            .field("caller_words", &self.names.len())
            .finish()
    }
}
