//! One rate limit as a response reports it.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::Shown;

/// The unit of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LimitKind {
    /// The number of requests.
    Requests,
    /// Tokens of the request and the answer together.
    Tokens,
    /// Tokens of the request. Tokens read from a prompt cache rarely count.
    InputTokens,
    /// Tokens of the answer.
    OutputTokens,
    /// A share of a plan's use in a window of hours or days.
    Plan,
}

impl LimitKind {
    /// Returns the kind of this name, if there is one.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Requests, Self::Tokens, Self::InputTokens, Self::OutputTokens, Self::Plan];
        all.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Returns the machine-readable name: `requests`, `tokens`, `input_tokens`, `output_tokens` or `plan`.
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

/// Writes the readable name, such as `input tokens`.
impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InputTokens => "input tokens",
            Self::OutputTokens => "output tokens",
            other => other.as_str(),
        })
    }
}

/// The way in which a limit fills up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refill {
    /// Continuously, as a token bucket. The reset is the time when it is full.
    Continuous,
    /// All at once, at the reset.
    Window,
    /// The provider does not report it.
    Unknown,
}

/// One rate limit as a response reports it. A field that the response does not have, or that cannot be read, is `None`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Limit {
    /// The unit that the limit counts.
    pub kind: LimitKind,
    /// The provider's name for the limit, such as `input-tokens`, `requests-day` or `5h`.
    pub name: Cow<'static, str>,
    /// The allowed amount. Always 1 for a plan.
    pub limit: Option<f64>,
    /// The amount that was left when the response was written.
    pub remaining: Option<f64>,
    /// The time when the limit is full again.
    pub reset: Option<Timestamp>,
    /// The period in which that amount is allowed.
    pub period: Option<Duration>,
    /// The way in which the limit fills up again.
    pub refill: Refill,
    /// A word in the names of the models that the limit applies to; `None` if it applies to all.
    pub models: Option<Cow<'static, str>>,
    /// The prefix of the headers that reported it.
    pub(super) family: &'static str,
    /// The multiple that `remaining` is rounded to.
    pub(super) step: f64,
    /// `true` if tokens read from a prompt cache count.
    pub(super) counts_cached: bool,
}

impl Limit {
    /// Returns the remaining share of the limit, from 0 to 1; `None` if the response does not report it.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        let limit = self.limit?;
        (limit > 0.0).then_some((self.remaining? / limit).clamp(0.0, 1.0))
    }

    /// Returns the amount that comes back per millisecond: the limit divided by its period, or the missing part divided
    /// by the time to the reset. `None` if the limit does not fill continuously or neither is known.
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
        // No limit has a period below a second or above a month; such a result means that the clocks disagree.
        let is_plausible = missing > 0.0 && (1e3..=2.8e9).contains(&(limit / rate));
        is_plausible.then_some(rate)
    }
}

/// Writes the remaining amount and the time when the limit is full, such as `32% of the plan's 7d` or `12000 of 60000
/// tokens, full at 2026-11-26T12:00:00.000Z`.
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

/// Returns a duration in milliseconds, with fractions.
pub(super) fn millis(length: Duration) -> f64 {
    length.as_secs_f64() * 1_000.0
}

/// A caller's estimate of the tokens that a request takes from the limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenEstimate {
    /// The tokens of the request, including those that the provider's prompt cache is expected to have.
    pub input: u64,
    /// The tokens of the answer. Until it is complete, providers count what it may have (`max_tokens`).
    pub output: u64,
    /// The tokens of the request that the provider's prompt cache is expected to have if the session's last request
    /// used the same profile. Anthropic and Groq do not count them.
    pub cached: u64,
}

impl TokenEstimate {
    /// Creates an estimate for a request without cached tokens.
    #[must_use]
    pub const fn new(input: u64, output: u64) -> Self {
        Self { input, output, cached: 0 }
    }

    /// Sets the number of the request's tokens that the cache is expected to have if the session's last request used
    /// the same profile. On another profile none are expected to be cached. Default: 0.
    #[must_use]
    pub const fn with_cached(self, cached: u64) -> Self {
        Self { cached, ..self }
    }

    /// Returns the cost in units of a limit, on the profile that the session uses or on another one.
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
