//! `auto`: which lifetime would have been cheapest for a session so far.

use std::time::Duration;

use super::marker::CacheTtl;
use super::options::Lifetimes;
use super::prices::CachePrices;

/// The share of a prompt that is new in the usual request of an agent.
const USUAL_GROWTH: f64 = 0.05;

/// Chooses lifetimes from the gaps between the starts of a session's requests so far.
///
/// The gaps to come are taken to be like those given, so recent ones are enough. For the prefix, which does not grow, and
/// for the messages, of which one part in twenty is taken to be new each time, it adds up what either lifetime would have
/// cost and takes the cheaper one; so the prefix can be kept for an hour while the messages are written anew. Without a
/// gap it is five minutes for both.
///
/// This is never the default. A caller that wants it passes the result to
/// [`RequestBuilder::lifetimes`](crate::RequestBuilder::lifetimes) or [`MarkerOptions::lifetimes`](crate::MarkerOptions::lifetimes).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use provider_auth::{CachePrices, CacheTtl, Lifetimes, choose_lifetimes};
///
/// let minutes = |gaps: &[u64]| gaps.iter().map(|gap| Duration::from_secs(gap * 60)).collect::<Vec<_>>();
/// let choose = |gaps: &[u64]| choose_lifetimes(&minutes(gaps), &CachePrices::default());
/// assert_eq!(choose(&[1, 2, 1, 3]), Lifetimes::same(CacheTtl::FiveMinutes));
/// assert_eq!(choose(&[10, 20, 40]), Lifetimes::same(CacheTtl::OneHour));
/// // One long gap in many short ones does not pay for writing every message for an hour, but for the prefix it does.
/// assert_eq!(choose(&[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 10]), Lifetimes::mixed());
/// ```
#[must_use]
pub fn choose_lifetimes(gaps: &[Duration], prices: &CachePrices) -> Lifetimes {
    let cost = |ttl: CacheTtl, growth: f64| {
        let (life, write) = match ttl {
            CacheTtl::FiveMinutes => (300, prices.write_five_minutes),
            CacheTtl::OneHour => (3600, prices.write_one_hour),
        };
        let known = |gap: &Duration| if gap.as_secs() < life { prices.read } else { write };
        // The first request writes what the others find.
        write + gaps.iter().map(|gap| known(gap) + growth * write).sum::<f64>()
    };
    let pays = |growth: f64| cost(CacheTtl::OneHour, growth) < cost(CacheTtl::FiveMinutes, growth);
    match (pays(0.0), pays(USUAL_GROWTH)) {
        (_, true) => Lifetimes::same(CacheTtl::OneHour),
        (true, false) => Lifetimes::mixed(),
        (false, false) => Lifetimes::same(CacheTtl::FiveMinutes),
    }
}
