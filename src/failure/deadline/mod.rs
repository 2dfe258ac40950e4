//! The deadline that a server names.

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

/// The maximum wait that a provider can mean: spend limits last a month, and no limit lasts longer than a year. A later
/// deadline is ignored as garbage.
pub(super) const LONGEST: Duration = Duration::from_secs(366 * 24 * 3_600);

/// Returns the moment that the server named, if any: after `now`, and at most `cap` from it.
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
    // A plan's window that rejects requests overrides everything else, and the one that ends last is decisive.
    let rejected = limited.then(|| headers::rejected(headers).filter_map(moment).max()).flatten();
    if asked.is_some() || rejected.is_some() {
        return asked.max(rejected);
    }
    // Texts about a refused credential speak of logins and of tokens, not of waiting.
    if reason.is_refusal() {
        return None;
    }
    let told = hints.in_order().find_map(moment);
    told.or_else(|| limited.then(|| exhausted(headers, now, cap)).flatten())
}

/// Returns the reset of the exhausted limits: the last one among those declared exhausted, or else the first among
/// those without a remaining amount, because a premature attempt costs one request.
fn exhausted(headers: &HeaderMap, now: Timestamp, cap: Duration) -> Option<Timestamp> {
    let resets = |known: bool| {
        let resets = headers::resets(headers).filter(move |reset| reset.empty == known.then_some(true));
        resets.filter_map(|reset| reset.hint.resolve(now, cap))
    };
    resets(true).max().or_else(|| resets(false).min())
}
