//! Prices of caching, as multiples of the price of an uncached input token.

/// The price multipliers of one model: what a cached token costs relative to an uncached input token.
///
/// # Examples
///
/// ```
/// use provider_auth::cache::CachePrices;
///
/// assert_eq!(CachePrices::default().read, 0.1);
/// assert_eq!(CachePrices::for_model("us.anthropic.claude-opus-5-5-v1").read, 0.05);
/// assert_eq!(CachePrices::for_model("anthropic/claude-sonnet-5.5").read, 0.05);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct CachePrices {
    /// The multiplier for a token read from the cache.
    pub read: f64,
    /// The multiplier for a token written for five minutes.
    pub write_five_minutes: f64,
    /// The multiplier for a token written for one hour.
    pub write_one_hour: f64,
}

/// Models whose reads are cheaper than the usual 0.1 (pricing page, 2026-09 and 2026-10). Names have hyphens for dots.
const CHEAP_READS: [(&str, f64); 4] =
    [("fable-5-1", 0.025), ("mythos-5-1", 0.025), ("opus-5-5", 0.05), ("sonnet-5-5", 0.05)];

impl Default for CachePrices {
    /// Returns Anthropic's usual multipliers: 0.1 for a read, 1.25 and 2 for a write (pricing page, 2026-09).
    fn default() -> Self {
        Self { read: 0.1, write_five_minutes: 1.25, write_one_hour: 2.0 }
    }
}

impl CachePrices {
    /// Returns the multipliers of a model. The name may have a host's prefix or suffix; unknown models get the
    /// [default](Self::default).
    #[must_use]
    pub fn for_model(model: &str) -> Self {
        let name = model.to_ascii_lowercase().replace('.', "-");
        let is_named = |part: &str| {
            name.split_once(part).is_some_and(|(_, rest)| !rest.starts_with(|next: char| next.is_ascii_digit()))
        };
        let cheap = CHEAP_READS.iter().find(|(part, _)| is_named(part));
        cheap.map_or_else(Self::default, |(_, read)| Self { read: *read, ..Self::default() })
    }

    /// Creates multipliers, for models with other prices.
    #[must_use]
    pub fn new(read: f64, write_five_minutes: f64, write_one_hour: f64) -> Self {
        Self { read, write_five_minutes, write_one_hour }
    }
}
