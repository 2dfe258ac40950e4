//! One limit, as far as an answer tells of it.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::Shown;

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LimitKind {
    /// Requests.
    Requests,
    /// Tokens, those of the request and of the answer together.
    Tokens,
    /// Tokens of the request. Where the provider has a prompt cache, those read from it rarely count.
    InputTokens,
    /// Tokens of the answer.
    OutputTokens,
    /// The use of a plan in a window of hours or days, as a share of the whole.
    Plan,
}

impl LimitKind {
    /// Returns the kind of that name, if there is one.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Requests, Self::Tokens, Self::InputTokens, Self::OutputTokens, Self::Plan];
        all.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Returns the name for programs: `requests`, `tokens`, `input_tokens`, `output_tokens` or `plan`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::InputTokens => "input_tokens",
            Self::OutputTokens => "output_tokens",
            Self::Plan => "plan",
        }
    }
}

/// Writes the name for people: `input tokens`.
impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InputTokens => "input tokens",
            Self::OutputTokens => "output tokens",
            other => other.as_str(),
        })
    }
}

/// How what was used of a limit comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refill {
    /// A little all the time: a token bucket, of which the reset is the moment when it is full again.
    Continuous,
    /// All of it at the reset.
    Window,
    /// The provider does not say.
    Unknown,
}

/// One limit, as far as an answer tells of it. What the answer does not say, or says in a way that cannot be read, is `None`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Limit {
    /// What it counts.
    pub kind: LimitKind,
    /// The name that the provider gives it: `input-tokens`, `requests-day`, `5h`.
    pub name: Cow<'static, str>,
    /// How much is allowed. Always 1 for a plan.
    pub limit: Option<f64>,
    /// How much was left when the answer was written.
    pub remaining: Option<f64>,
    /// When it is full again.
    pub reset: Option<Timestamp>,
    /// In what time as much is allowed.
    pub period: Option<Duration>,
    /// How it fills.
    pub refill: Refill,
    /// The word in the names of the models that it is for, if it is for some only.
    pub models: Option<Cow<'static, str>>,
    /// What the names of the headers begin with that told of it.
    pub(super) family: &'static str,
    /// What `remaining` is rounded to.
    pub(super) step: f64,
    /// Whether tokens that are read from a prompt cache count.
    pub(super) counts_cached: bool,
}

impl Limit {
    /// Returns which part of the limit is left, from 0 to 1; `None` where the answer does not say it.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        let limit = self.limit?;
        (limit > 0.0).then_some((self.remaining? / limit).clamp(0.0, 1.0))
    }

    /// Returns how much comes back in a millisecond: the limit spread over its period, or over the time that is said to be
    /// needed for what is missing. `None` where it does not fill continuously, or neither is known.
    pub(super) fn rate(&self, now: Timestamp) -> Option<f64> {
        if self.refill != Refill::Continuous {
            return None;
        }
        let limit = self.limit?;
        if let Some(period) = self.period {
            return Some(limit / millis(period));
        }
        let (missing, wait) = (limit - self.remaining?, millis(self.reset? - now));
        let rate = missing / wait;
        // No limit is for less than a second or more than a month: those are clocks that disagree.
        let is_plausible = missing > 0.0 && (1e3..=2.8e9).contains(&(limit / rate));
        is_plausible.then_some(rate)
    }
}

/// Writes what is left and when it is full: `12000 of 60000 tokens, full at 2026-11-26T12:00:00.000Z`,
/// `32% of the plan's 7d`.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Shown::new(&self.name);
        match (self.kind, self.remaining, self.limit) {
            (LimitKind::Plan, Some(left), _) => write!(f, "{:.0}% of the plan's {name}", left * 100.0)?,
            (LimitKind::Plan, None, _) => write!(f, "an unknown part of the plan's {name}")?,
            (kind, Some(left), Some(limit)) => write!(f, "{:.0} of {limit:.0} {kind}", left.floor())?,
            (kind, Some(left), None) => write!(f, "{:.0} {kind}", left.floor())?,
            (kind, None, Some(limit)) => write!(f, "an unknown part of {limit:.0} {kind}")?,
            (kind, None, None) => write!(f, "an unknown number of {kind}")?,
        }
        let is_plain = self.name.replace('-', "_") == self.kind.as_str();
        if self.kind != LimitKind::Plan && !is_plain {
            write!(f, " ({name})")?;
        }
        self.reset.map_or(Ok(()), |at| write!(f, ", full at {at}"))
    }
}

/// Whole and fractional milliseconds.
pub(super) fn millis(length: Duration) -> f64 {
    length.as_secs_f64() * 1_000.0
}

/// How many tokens a request takes of the limits, as its caller estimates it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenEstimate {
    /// The tokens of the request, those that the provider's prompt cache is expected to have included.
    pub input: u64,
    /// The tokens of the answer: providers count what it may have (`max_tokens`) until it is complete.
    pub output: u64,
    /// Of the tokens of the request those that the provider's prompt cache is expected to have, if the session's last request
    /// went to the same profile. Anthropic and Groq do not count them.
    pub cached: u64,
}

impl TokenEstimate {
    /// Creates an estimate for a request of which nothing is cached.
    #[must_use]
    pub const fn new(input: u64, output: u64) -> Self {
        Self { input, output, cached: 0 }
    }

    /// Sets how many of the request's tokens the cache is expected to have, where the session's last request went to the
    /// same profile. Another profile is taken to have none.
    #[must_use]
    pub const fn with_cached(self, cached: u64) -> Self {
        Self { cached, ..self }
    }

    /// Returns what it takes of a limit, on the profile that the session uses or on another one.
    pub(super) fn of(self, limit: &Limit, is_home: bool) -> f64 {
        let cached = if is_home && !limit.counts_cached { self.cached } else { 0 };
        #[expect(clippy::cast_precision_loss, reason = "no request has 2^53 tokens")]
        let (input, output) = (self.input.saturating_sub(cached) as f64, self.output as f64);
        match limit.kind {
            LimitKind::Requests => 1.0,
            LimitKind::Tokens => input + output,
            LimitKind::InputTokens => input,
            LimitKind::OutputTokens => output,
            LimitKind::Plan => 0.0,
        }
    }
}
