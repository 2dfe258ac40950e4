//! The windows of plans: of Anthropic's subscriptions, and of `ChatGPT`'s as reported to Codex.
//!
//! Anthropic's headers are not documented. According to public reports of 2026-04 to 2026-09, the used share may exceed
//! one while extra usage serves, and the status shows whether a window refuses. Codex: codex-rs, 2026-09.

use std::time::Duration;

use super::limit::{Limit, LimitKind};
use super::value::{after, moment, plain};
use crate::clock::Timestamp;

const UNIFIED: &str = "anthropic-ratelimit-unified-";
const CODEX: &str = "x-codex-";

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

const UNIFIED_PARTS: [&str; 3] = ["status", "utilization", "reset"];

const CODEX_WINDOWS: [&str; 2] = ["primary", "secondary"];
const CODEX_PARTS: [&str; 4] = ["used-percent", "reset-at", "reset-after-seconds", "window-minutes"];

/// The headers of plans' windows in one answer. Of a header that is repeated the first one counts.
#[derive(Default)]
pub(super) struct Windows<'h> {
    /// What the server says of the request, over all windows.
    status: Option<&'h str>,
    unified: [[Option<&'h str>; UNIFIED_PARTS.len()]; WINDOWS.len()],
    codex: [[Option<&'h str>; CODEX_PARTS.len()]; CODEX_WINDOWS.len()],
}

impl<'h> Windows<'h> {
    /// Takes a header, and returns `true` if it is of a plan.
    pub(super) fn take(&mut self, name: &str, text: &'h str) -> bool {
        let place = if let Some(rest) = name.strip_prefix(UNIFIED) {
            self.unified_part(rest)
        } else if let Some(rest) = name.strip_prefix(CODEX) {
            self.codex_part(rest)
        } else {
            return false;
        };
        if let Some(place) = place {
            place.get_or_insert(text.trim());
        }
        true
    }

    fn unified_part(&mut self, rest: &str) -> Option<&mut Option<&'h str>> {
        let Some((window, part)) = rest.rsplit_once('-') else {
            return (rest == "status").then_some(&mut self.status);
        };
        let window = WINDOWS.iter().position(|(name, ..)| *name == window)?;
        self.unified.get_mut(window)?.get_mut(UNIFIED_PARTS.iter().position(|name| *name == part)?)
    }

    fn codex_part(&mut self, rest: &str) -> Option<&mut Option<&'h str>> {
        let (window, part) = rest.split_once('-')?;
        let window = CODEX_WINDOWS.iter().position(|name| *name == window)?;
        self.codex.get_mut(window)?.get_mut(CODEX_PARTS.iter().position(|name| *name == part)?)
    }

    /// Adds the windows that the headers tell of.
    pub(super) fn read(&self, now: Timestamp, limits: &mut Vec<Limit>) {
        let is_served = self.status.is_some_and(|status| status.starts_with("allowed"));
        for ((name, seconds, models), [status, utilization, reset]) in WINDOWS.iter().zip(self.unified) {
            let used = utilization.and_then(plain).filter(|used| (0.0..=100.0).contains(used));
            let rejects = status == Some("rejected") && !is_served;
            let Some(left) = used.map(|used| 1.0 - used).or_else(|| rejects.then_some(0.0)) else { continue };
            let remaining = match (rejects, status.is_some() || is_served) {
                (true, _) => 0.0,
                (false, true) => left.max(STILL_SERVED),
                (false, false) => left.max(0.0),
            };
            limits.push(Limit {
                limit: Some(1.0),
                remaining: Some(remaining),
                reset: reset.and_then(|reset| moment(reset, now)),
                period: Some(Duration::from_secs(*seconds)),
                models: models.map(Into::into),
                ..Limit::window(LimitKind::Plan, *name)
            });
        }
        for (name, [used, reset_at, reset_after, minutes]) in CODEX_WINDOWS.into_iter().zip(self.codex) {
            let number = |text: Option<&str>| text.and_then(plain);
            let Some(used) = number(used).filter(|used| (0.0..=10_000.0).contains(used)) else { continue };
            let at = reset_at.and_then(|reset| moment(reset, now));
            let minutes = number(minutes).filter(|minutes| (1.0..=1e6).contains(minutes));
            limits.push(Limit {
                limit: Some(1.0),
                remaining: Some((1.0 - used / 100.0).max(0.0)),
                reset: at.or_else(|| after(number(reset_after)?, now)).filter(|at| *at > now),
                period: minutes.map(|minutes| Duration::from_secs_f64(minutes * 60.0)),
                ..Limit::window(LimitKind::Plan, name)
            });
        }
    }
}
