//! Chooses the lifetimes that would have been cheapest for a session so far.

use std::time::Duration;

use super::prices::CachePrices;
use crate::cache::plan::Lifetimes;
use crate::retention::CacheTtl;

/// The share of a prompt that is new in the usual request of an agent.
const USUAL_GROWTH: f64 = 0.05;

/// Chooses the cheapest lifetimes for the gaps between the starts of a session's requests so far.
///
/// Future gaps are expected to be like those passed in, so recent gaps are enough, and a new session can start with
/// those of earlier sessions. Without a gap both lifetimes are five minutes.
///
/// The function adds up what each lifetime would have cost and takes the cheaper one, separately for the prefix, which
/// does not grow, and for the messages, of which 5% are taken to be new in each request. So the prefix may get one hour
/// and the messages five minutes. Messages that would hardly ever have been read get no markers; the prefix always
/// does, because other sessions read it too. For a host without one-hour entries, set their price to `f64::INFINITY`.
///
/// Nothing calls this by default. Pass the result to [`RequestBuilder::lifetimes`](crate::RequestBuilder::lifetimes) or
/// [`BreakpointOptions::lifetimes`](crate::cache::BreakpointOptions::lifetimes).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use provider_auth::cache::{CachePrices, CacheTtl, Lifetimes, choose_lifetimes};
///
/// let minutes = |gaps: &[u64]| gaps.iter().map(|gap| Duration::from_secs(gap * 60)).collect::<Vec<_>>();
/// let choose = |gaps: &[u64]| choose_lifetimes(&minutes(gaps), &CachePrices::default());
/// assert_eq!(choose(&[1, 2, 1, 3]), Lifetimes::same(CacheTtl::FiveMinutes));
/// assert_eq!(choose(&[10, 20, 40]), Lifetimes::same(CacheTtl::OneHour));
/// // One long gap among many short ones pays for keeping the prefix for an hour, but not for keeping every message.
/// assert_eq!(choose(&[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 10]), Lifetimes::mixed());
///
/// // On a host without one-hour entries, messages that expire before the next request are not worth writing.
/// let short_only = CachePrices::new(0.1, 1.25, f64::INFINITY);
/// assert_eq!(choose_lifetimes(&minutes(&[10, 20, 40]), &short_only), Lifetimes::prefix_only(CacheTtl::FiveMinutes));
/// ```
#[must_use]
pub fn choose_lifetimes(gaps: &[Duration], prices: &CachePrices) -> Lifetimes {
    if gaps.is_empty() {
        return Lifetimes::same(CacheTtl::FiveMinutes);
    }
    // The cost of a part that was written once: read or rewritten after each gap, plus its share of new tokens.
    let cost = |life: u64, write: f64, growth: f64| {
        let known = |gap: &Duration| if gap.as_secs() < life { prices.read } else { write };
        gaps.iter().map(|gap| known(gap) + growth * write).sum::<f64>()
    };
    let short = |growth| cost(300, prices.write_five_minutes, growth);
    let long = |growth| cost(3600, prices.write_one_hour, growth);
    // A lifetime of zero never hits, and an unmarked token costs 1.
    let unmarked = cost(0, 1.0, USUAL_GROWTH);
    let prefix = if long(0.0) < short(0.0) { CacheTtl::OneHour } else { CacheTtl::FiveMinutes };
    if unmarked < short(USUAL_GROWTH).min(long(USUAL_GROWTH)) {
        Lifetimes::prefix_only(prefix)
    } else if long(USUAL_GROWTH) < short(USUAL_GROWTH) {
        Lifetimes::same(CacheTtl::OneHour)
    } else if prefix == CacheTtl::OneHour {
        Lifetimes::mixed()
    } else {
        Lifetimes::same(CacheTtl::FiveMinutes)
    }
}
