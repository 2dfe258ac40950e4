//! Until when the server wants to be left alone.

mod calendar;
mod duration;
mod headers;
mod hints;
mod moment;
mod sentence;
mod zone;

use std::time::Duration;

use http::HeaderMap;

pub(super) use headers::{has_limits, should_retry};
pub(super) use hints::Hints;
use moment::Hint;

use crate::clock::Timestamp;
use crate::reason::FailureReason;

/// The longest wait a provider can mean: spend limits last a month, no limit lasts longer than a year. What is beyond it
/// is garbage and no deadline at all.
pub(super) const LONGEST: Duration = Duration::from_secs(366 * 24 * 3_600);

/// The moment the server named, if it did: after `now`, and not beyond `cap` from it.
pub(super) fn find(
    reason: FailureReason,
    headers: &HeaderMap,
    hints: &Hints,
    now: Timestamp,
    cap: Duration,
) -> Option<Timestamp> {
    use FailureReason::{ContextOverflow, Format, RateLimit};
    if matches!(reason, Format | ContextOverflow) && should_retry(headers) != Some(true) {
        return None;
    }
    let moment = |hint: Hint| hint.resolve(now, cap);
    let asked = headers::asked(headers).find_map(moment);
    let limited = reason == RateLimit;
    // A plan's window that rejects binds whatever else was said, and the one that ends last binds longest.
    let rejected = limited.then(|| headers::rejected(headers).filter_map(moment).max()).flatten();
    if asked.is_some() || rejected.is_some() {
        return asked.max(rejected);
    }
    // Wording about a credential that was not accepted speaks of logins and of tokens, not of waiting.
    if reason.is_refusal() {
        return None;
    }
    let told = hints.in_order().find_map(moment);
    told.or_else(|| limited.then(|| exhausted(headers, now, cap)).flatten())
}

/// The reset of the limits that are used up: the last of those that say so; of those that do not say how much is left,
/// the first, because a try too early costs one request.
fn exhausted(headers: &HeaderMap, now: Timestamp, cap: Duration) -> Option<Timestamp> {
    let resets = |known: bool| {
        let resets = headers::resets(headers).filter(move |reset| reset.empty == known.then_some(true));
        resets.filter_map(|reset| reset.hint.resolve(now, cap))
    };
    resets(true).max().or_else(|| resets(false).min())
}
