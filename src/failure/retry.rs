//! The pauses before retries.

use std::time::Duration;

/// The pause before repeating a request with the same profile. It doubles with every retry up to a limit, and is
/// shortened at random, so that many clients do not retry at the same moment.
///
/// The defaults are those of the SDKs of Anthropic and `OpenAI`: 500 ms, doubling to 8 s, shortened by up to a quarter.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use provider_auth::failure::RetryBackoff;
///
/// let backoff = RetryBackoff::default();
/// assert_eq!(backoff.delay(0, 0.0), Duration::from_millis(500));
/// assert_eq!(backoff.delay(2, 0.0), Duration::from_secs(2));
/// assert_eq!(backoff.delay(2, 1.0), Duration::from_millis(1_500));
/// assert_eq!(backoff.delay(u32::MAX, 0.0), Duration::from_secs(8));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RetryBackoff {
    /// The first pause. Default: 500 ms.
    pub first: Duration,
    /// The maximum pause. Default: 8 s.
    pub longest: Duration,
    /// The maximum share by which a pause is shortened, from 0 to 1. Default: 0.25.
    pub jitter: f64,
}

impl Default for RetryBackoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(500), longest: Duration::from_secs(8), jitter: 0.25 }
    }
}

impl RetryBackoff {
    /// Returns the pause before the retry that follows `retries` others. `random` is a number from 0 to 1; 0 yields the
    /// whole pause.
    #[must_use]
    pub fn delay(&self, retries: u32, random: f64) -> Duration {
        let grown = self.first.saturating_mul(2_u32.saturating_pow(retries.min(31))).min(self.longest);
        let share = |number: f64| if number.is_nan() { 0.0 } else { number.clamp(0.0, 1.0) };
        let left = grown.as_secs_f64() * (1.0 - share(random) * share(self.jitter));
        // The maximum duration as a float rounds up beyond the type's range.
        Duration::try_from_secs_f64(left).unwrap_or(grown)
    }
}
