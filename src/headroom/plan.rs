//! The windows of plans: of Anthropic's subscriptions, and of `ChatGPT`'s as reported to Codex.
//!
//! Anthropic's headers are not documented. According to public reports of 2026-04 to 2026-09, the used share may exceed
//! one while extra usage serves, and the status shows whether a window refuses. Codex: codex-rs, 2026-09.

use std::time::Duration;

use http::HeaderMap;

use super::limit::{Limit, LimitKind};
use super::value::{after, moment, plain};
use crate::clock::Timestamp;

const UNIFIED: &str = "anthropic-ratelimit-unified-";
pub(super) const CODEX: &str = "x-codex-";

/// The remaining share of a window that is used up by its figure although the server reports that it goes on serving.
const STILL_SERVED: f64 = 0.001;

const HOUR: u64 = 3_600;

/// The windows: name, length in seconds, and a word in the names of the models that they apply to. Windows of other
/// names exist, but their meaning is not known, so they are left out.
#[rustfmt::skip]
const WINDOWS: &[(&str, u64, Option<&str>)] = &[
    ("5h", 5 * HOUR, None),
    ("7d", 7 * 24 * HOUR, None),
    ("7d_opus", 7 * 24 * HOUR, Some("opus")),
    ("7d_sonnet", 7 * 24 * HOUR, Some("sonnet")),
    ("7d-opus", 7 * 24 * HOUR, Some("opus")),
    ("7d-sonnet", 7 * 24 * HOUR, Some("sonnet")),
];

/// Returns `true` for a header of a plan's window.
pub(super) fn is_of_plan(name: &str) -> bool {
    name.starts_with(UNIFIED) || name.starts_with(CODEX)
}

/// Adds the windows that the headers report.
pub(super) fn read(headers: &HeaderMap, now: Timestamp, limits: &mut Vec<Limit>) {
    let text = |name: String| headers.get(name)?.to_str().ok().map(str::trim);
    let overall = text(format!("{UNIFIED}status"));
    let served = overall.is_some_and(|status| status.starts_with("allowed"));
    for (name, seconds, models) in WINDOWS {
        let status = text(format!("{UNIFIED}{name}-status"));
        let used =
            text(format!("{UNIFIED}{name}-utilization")).and_then(plain).filter(|used| (0.0..=100.0).contains(used));
        let rejects = status == Some("rejected") && !served;
        let Some(left) = used.map(|used| 1.0 - used).or_else(|| rejects.then_some(0.0)) else { continue };
        let remaining = match (rejects, status.is_some() || served) {
            (true, _) => 0.0,
            (false, true) => left.max(STILL_SERVED),
            (false, false) => left.max(0.0),
        };
        limits.push(Limit {
            limit: Some(1.0),
            remaining: Some(remaining),
            reset: text(format!("{UNIFIED}{name}-reset")).and_then(|reset| moment(reset, now)),
            period: Some(Duration::from_secs(*seconds)),
            models: models.map(Into::into),
            ..Limit::window(LimitKind::Plan, *name)
        });
    }
    for name in ["primary", "secondary"] {
        let number = |part: &str| text(format!("{CODEX}{name}-{part}")).and_then(plain);
        let Some(used) = number("used-percent").filter(|used| (0.0..=10_000.0).contains(used)) else { continue };
        let at = text(format!("{CODEX}{name}-reset-at")).and_then(|reset| moment(reset, now));
        let minutes = number("window-minutes").filter(|minutes| (1.0..=1e6).contains(minutes));
        limits.push(Limit {
            limit: Some(1.0),
            remaining: Some((1.0 - used / 100.0).max(0.0)),
            reset: at.or_else(|| after(number("reset-after-seconds")?, now)).filter(|at| *at > now),
            period: minutes.map(|minutes| Duration::from_secs_f64(minutes * 60.0)),
            ..Limit::window(LimitKind::Plan, name)
        });
    }
}
