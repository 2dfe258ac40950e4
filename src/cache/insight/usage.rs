//! The cache counters of a reply.

use std::iter::Sum;
use std::ops::{Add, AddAssign};

use memchr::memmem::find;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::counters::{Counters, sum_of};
use super::prices::CachePrices;
use crate::error::{Error, ErrorKind, Result};
use crate::net::events;

/// The input tokens of one reply or of several, by price. A counter that the reply does not have is `None`.
///
/// The counters have the same meaning for every API: each token of the prompt is counted once.
///
/// | API | location of the counters | cached tokens counted among the input tokens |
/// | --- | --- | --- |
/// | Messages, flat (`cache_creation_input_tokens`) or nested (`cache_creation.ephemeral_5m_input_tokens`) | `usage`; `message.usage` of an event | no, beside them |
/// | the same, where the model ran several times for one reply (compaction, server tools) | the sum of `usage.iterations` | no, beside them |
/// | Converse of Bedrock, and its lifetimes in `cacheDetails` | `usage`; `metadata.usage` of an event | no, beside them |
/// | `InvokeModel` of Bedrock, in a stream | `amazon-bedrock-invocationMetrics` | no, beside them |
/// | Messages on Vertex, Foundry and `OpenRouter` | as of the Messages API | no, beside them |
/// | Responses of `OpenAI`, and xAI's | `usage.input_tokens_details`; `response.usage` of an event | yes |
/// | chat of `OpenAI`, `OpenRouter`, xAI and others | `usage.prompt_tokens_details` | yes |
/// | chat of `DeepSeek` | `usage.prompt_cache_hit_tokens` | yes |
/// | chat of Moonshot | `usage.cached_tokens`; in a stream `usage` of the choice | yes |
/// | chat of Groq, in a stream | `x_groq.usage` | yes |
/// | Gemini | `usageMetadata` | yes |
///
/// From the providers' pages of 2026-08 (Messages, Converse, `OpenRouter`) and 2026-11. Gemini's separate count for the
/// results of tools (`toolUsePromptTokenCount`) is not included.
///
/// Where other models ran for the same reply (an advisor, or a model that the server fell back from), their tokens have
/// other prices. They are in [`other_models`](Self::other_models) only.
///
/// Add usages up, for example over the replies of a session. Keep models with different prices apart, because
/// [`relative_cost`](Self::relative_cost), [`saved_tokens`](Self::saved_tokens) and [`saved_money`](Self::saved_money)
/// take one set of prices.
///
/// # Examples
///
/// ```
/// use provider_auth::cache::{CachePrices, CacheUsage};
///
/// let reply = br#"{"usage":{"input_tokens":50,"cache_read_input_tokens":900,
///     "cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":50}}}"#;
/// let usage = CacheUsage::from_reply(reply)?;
/// assert_eq!((usage.written(), usage.total()), (50, 1000));
/// assert_eq!(usage.hit_ratio(), Some(0.9));
/// // 900 at 0.1, 50 at 2, 50 at 1: instead of 1000.
/// assert!((usage.relative_cost(&CachePrices::default()).unwrap() - 0.24).abs() < 1e-9);
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheUsage {
    /// Tokens that were neither read from the cache nor written to it.
    pub uncached: Option<u64>,
    /// Tokens read from the cache.
    pub read: Option<u64>,
    /// All tokens written to the cache, as one counter.
    pub written_flat: Option<u64>,
    /// Tokens written for five minutes. The API also writes such entries itself after server tools.
    pub written_five_minutes: Option<u64>,
    /// Tokens written for one hour.
    pub written_one_hour: Option<u64>,
    /// All input tokens of other models that ran for the same reply, cached or not. No method includes them.
    pub other_models: Option<u64>,
    is_sum: IsSum,
}

/// `true` if the counters are sums of several runs or replies, which a later event must not replace by those of one.
/// Two usages with the same counters are equal all the same.
#[derive(Clone, Copy, Debug, Default)]
struct IsSum(bool);

impl PartialEq for IsSum {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for IsSum {}

/// The parts of a reply or of a streamed event that may hold counters.
#[derive(Deserialize)]
struct Reply<'r> {
    usage: Option<Value>,
    #[serde(rename = "usageMetadata")]
    usage_metadata: Option<Value>,
    /// The reply in an event of the Messages API; other APIs may have anything here.
    #[serde(borrow)]
    message: Option<&'r RawValue>,
    /// The same in the Responses API.
    #[serde(borrow)]
    response: Option<&'r RawValue>,
    /// The same in Groq's chunks.
    #[serde(borrow)]
    x_groq: Option<&'r RawValue>,
    /// The same in the last event of Converse.
    #[serde(borrow)]
    metadata: Option<&'r RawValue>,
    /// Bedrock's addition to the last event of a model's own API.
    #[serde(rename = "amazon-bedrock-invocationMetrics")]
    invocation_metrics: Option<Value>,
    #[serde(borrow)]
    choices: Option<&'r RawValue>,
}

/// One of several answers of a chat, with counters in Moonshot's chunks.
#[derive(Deserialize)]
struct Choice {
    usage: Option<Value>,
}

impl CacheUsage {
    /// Reads the counters of a whole JSON reply: an object, or the array that Gemini streams without server-sent
    /// events. All counters are `None` if the reply has none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Syntax`] if the reply is neither.
    pub fn from_reply(json: &[u8]) -> Result<Self> {
        let mut usage = Self::default();
        if json.trim_ascii_start().starts_with(b"[") {
            let chunks: Vec<Reply<'_>> = serde_json::from_slice(json).map_err(|_| not_an_object())?;
            for chunk in &chunks {
                usage.observe(chunk);
            }
        } else {
            usage.observe_event(json)?;
        }
        Ok(usage)
    }

    /// Reads the counters of a stream of server-sent events, which may be incomplete. Lines other than `data:` with a
    /// JSON object are ignored.
    #[must_use]
    pub fn from_stream(text: &[u8]) -> Self {
        let mut usage = Self::default();
        events(text, |event| {
            // Some servers leave out the blank lines between events, so that each line of the data is an event.
            if usage.observe_event(event.data).is_err() {
                for line in event.data.split(|byte| *byte == b'\n') {
                    // Unreadable lines are ignored, as documented.
                    let _ = usage.observe_event(line);
                }
            }
        });
        usage
    }

    /// Adds the counters of one streamed event: the text after `data:`. Counters that come more than once are
    /// cumulative, so the larger value of each counts, or the later ones if they come with tokens that were read and the
    /// earlier ones are not the sum of several runs. The
    /// Messages API sends them in `message_start` and `message_delta`, Gemini in every chunk, the Responses API in
    /// `response.completed`, and chats in the last chunk (with `"stream_options":{"include_usage":true}` in the
    /// request).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Syntax`] if the event is not a JSON object.
    pub fn observe_event(&mut self, json: &[u8]) -> Result<()> {
        // The cause is dropped: its text may repeat a value.
        let event: Reply<'_> = serde_json::from_slice(json).map_err(|_| not_an_object())?;
        self.observe(&event);
        Ok(())
    }

    fn observe(&mut self, reply: &Reply<'_>) {
        for inner in [reply.message, reply.response, reply.x_groq, reply.metadata].into_iter().flatten() {
            // Any other value has no counters.
            if let Ok(inner) = serde_json::from_str::<Reply<'_>>(inner.get()) {
                self.count(&inner);
            }
        }
        self.count(reply);
        // Most choices are pieces of text, which are not worth parsing.
        let choices = reply.choices.filter(|choices| find(choices.get().as_bytes(), b"\"usage\"").is_some());
        let choices = choices.and_then(|choices| serde_json::from_str::<Vec<Choice>>(choices.get()).ok());
        for usage in choices.into_iter().flatten().filter_map(|choice| choice.usage) {
            self.merge(&Counters::new(&usage));
        }
    }

    fn count(&mut self, reply: &Reply<'_>) {
        for usage in reply.usage.iter().chain(&reply.usage_metadata).chain(&reply.invocation_metrics) {
            self.merge(&Counters::new(usage));
        }
    }

    fn merge(&mut self, new: &Counters) {
        // The total so far is taken before the counters change, because a later event may report less than the whole
        // prompt.
        let before = self.total();
        self.read = self.read.max(new.read);
        self.written_flat = self.written_flat.max(new.written);
        self.written_five_minutes = self.written_five_minutes.max(new.written_five_minutes);
        self.written_one_hour = self.written_one_hour.max(new.written_one_hour);
        self.uncached = match new.prompt {
            // The cached part may have come in another event than the whole.
            Some(prompt) => {
                let cached = self.read.unwrap_or(0).saturating_add(self.written());
                Some(prompt.max(before).saturating_sub(cached))
            }
            // A complete last event replaces earlier ones, which may have been estimates.
            None if !self.is_sum.0 && new.read.is_some_and(|read| read > 0) && new.uncached.is_some() => {
                self.read = new.read;
                new.uncached
            }
            None => self.uncached.max(new.uncached),
        };
        self.other_models = self.other_models.max(new.other_models);
        self.is_sum.0 |= new.is_sum;
    }

    /// Returns the tokens written to the cache: the flat counter or the sum of the two lifetimes, whichever is larger.
    #[must_use]
    pub fn written(&self) -> u64 {
        let split = self.written_five_minutes.unwrap_or(0).saturating_add(self.written_one_hour.unwrap_or(0));
        self.written_flat.unwrap_or(0).max(split)
    }

    /// Returns the tokens written to the cache, or `None` if there is no such counter.
    fn all_written(&self) -> Option<u64> {
        let known = self.written_flat.or(self.written_five_minutes).or(self.written_one_hour);
        known.map(|_| self.written())
    }

    /// Returns all tokens of the prompt.
    #[must_use]
    pub fn total(&self) -> u64 {
        let known = self.uncached.unwrap_or(0).saturating_add(self.read.unwrap_or(0));
        known.saturating_add(self.written())
    }

    /// Returns the share of the prompt that was read from the cache, from 0 to 1, or `None` if no counter is above
    /// zero.
    #[must_use]
    pub fn hit_ratio(&self) -> Option<f64> {
        (self.total() > 0).then(|| share(self.read.unwrap_or(0), self.total()))
    }

    /// Returns the cost of the prompt relative to the same prompt without caching; below 1 is a gain. Written tokens of
    /// unknown lifetime count as written for five minutes. `None` if no counter is above zero.
    ///
    /// The default prices are Anthropic's; for models of other providers, pass theirs ([`CachePrices::new`]).
    #[must_use]
    pub fn relative_cost(&self, prices: &CachePrices) -> Option<f64> {
        let total = self.total();
        let part = |tokens: u64| share(tokens, total);
        let long = self.written_one_hour.unwrap_or(0);
        let short = self.written().saturating_sub(long);
        (total > 0).then(|| {
            part(self.uncached.unwrap_or(0))
                + part(self.read.unwrap_or(0)) * prices.read
                + part(short) * prices.write_five_minutes
                + part(long) * prices.write_one_hour
        })
    }

    /// Returns the savings from caching in uncached input tokens: how many more the same prompts would have cost
    /// without caching. Negative if caching cost more than it saved; `None` if no counter is above zero.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::cache::{CachePrices, CacheUsage};
    ///
    /// let replies = [
    ///     r#"{"usage":{"input_tokens":10,"cache_creation_input_tokens":1000}}"#,
    ///     r#"{"usage":{"input_tokens":10,"cache_read_input_tokens":1000}}"#,
    /// ];
    /// let mut session = CacheUsage::default();
    /// for reply in replies {
    ///     session += CacheUsage::from_reply(reply.as_bytes())?;
    /// }
    /// // 1000 at 1.25 and 1000 at 0.1, instead of 2000.
    /// let prices = CachePrices::for_model("claude-opus-5");
    /// assert_eq!(session.saved_tokens(&prices).map(f64::round), Some(650.0));
    /// // At 5 dollars for a million.
    /// assert_eq!(session.saved_money(&prices, 5.0).map(|saved| format!("{saved:.5}")), Some("0.00325".to_owned()));
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    #[must_use]
    pub fn saved_tokens(&self, prices: &CachePrices) -> Option<f64> {
        let cost = self.relative_cost(prices)?;
        Some((1.0 - cost) * share(self.total(), 1))
    }

    /// Returns the savings from caching in money, at `per_million` for a million uncached input tokens. Negative if
    /// caching cost more than it saved; `None` if no counter is above zero.
    #[must_use]
    pub fn saved_money(&self, prices: &CachePrices, per_million: f64) -> Option<f64> {
        self.saved_tokens(prices).map(|tokens| tokens / 1e6 * per_million)
    }
}

impl AddAssign for CacheUsage {
    /// Adds the tokens of another reply.
    fn add_assign(&mut self, other: Self) {
        // One reply may have only the sum and the other only its parts.
        let written = sum_of(self.all_written(), other.all_written());
        *self = Self {
            uncached: sum_of(self.uncached, other.uncached),
            read: sum_of(self.read, other.read),
            written_flat: written,
            written_five_minutes: sum_of(self.written_five_minutes, other.written_five_minutes),
            written_one_hour: sum_of(self.written_one_hour, other.written_one_hour),
            other_models: sum_of(self.other_models, other.other_models),
            is_sum: IsSum(true),
        };
    }
}

impl Add for CacheUsage {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl Sum for CacheUsage {
    fn sum<I: Iterator<Item = Self>>(replies: I) -> Self {
        replies.fold(Self::default(), Add::add)
    }
}

fn not_an_object() -> Error {
    Error::new(ErrorKind::Syntax, "the reply is not a JSON object")
}

#[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^53")]
fn share(part: u64, of: u64) -> f64 {
    part as f64 / of as f64
}
