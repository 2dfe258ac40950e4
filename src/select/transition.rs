//! Pure functions from old statistics to those after an outcome.

use crate::profile::{UsageStats, Window, key};
use crate::reason::{CooldownKind, FailureReason};

use super::event::Event;
use super::rules::{CLOCK_CORRECTION, FailureCounting, SelectorRules, millis};

impl SelectorRules {
    pub(super) fn after_success(&self, usage: &UsageStats, event: &Event<'_>) -> UsageStats {
        if self.cooldown.counting == FailureCounting::Shared {
            return usage.edited(|edit| {
                edit.number(key::LAST_USED, event.now);
                edit.number(key::ERROR_COUNT, 0.0);
                for gone in [key::COOLDOWN_UNTIL, key::DISABLED_UNTIL, key::DISABLED_REASON, key::FAILURE_COUNTS] {
                    edit.remove(gone);
                }
            });
        }
        let fallback = usage.last_failure_at;
        // A time ahead of the clock is ignored: the clock was set back.
        let latest = event.written_at + millis(CLOCK_CORRECTION);
        let opened_after =
            |window: &Window| window.since.or(fallback).is_some_and(|since| since > event.picked_at && since <= latest);
        let runs = |window: &Window| {
            self.is_active(usage, window, event.now) || self.is_active(usage, window, event.written_at)
        };
        let stays = |window: &Window| runs(window) && (opened_after(window) || event.is_foreign(window));
        let transient: Vec<Window> = usage.transient().filter(|window| stays(window)).cloned().collect();
        let disabled = usage.disabled.clone().filter(stays);
        let blocked = usage
            .blocked
            .as_ref()
            .is_some_and(|window| runs(window) && (event.is_foreign(window) || event.saw_another(window.until)));
        let mut counts = usage.failure_counts.clone();
        let kept: Vec<_> = transient.iter().chain(&disabled).filter_map(|window| window.reason).collect();
        counts.retain(|reason, _| kept.iter().any(|kept| kept.as_str() == &**reason));
        let last_used =
            usage.last_used.filter(|last| *last <= event.written_at).map_or(event.now, |last| last.max(event.now));
        usage.edited(|edit| {
            edit.number(key::LAST_USED, last_used);
            edit.number(key::ERROR_COUNT, counts.values().sum());
            edit.transient(&transient);
            edit.disabled(disabled.as_ref());
            if !blocked {
                for gone in key::BLOCKED {
                    edit.remove(gone);
                }
            }
            edit.numbers(key::FAILURE_COUNTS, &counts);
            edit.numbers(key::SUCCESS_PICKED_AT, &self.successes(usage, event));
        })
    }

    /// Returns the times of success including this event's. Reports can arrive out of order; times ahead of the clock
    /// are dropped, and so are those older than the failure window, which no longer matter.
    pub(super) fn successes(&self, usage: &UsageStats, event: &Event<'_>) -> indexmap::IndexMap<Box<str>, f64> {
        let mut stamps = usage.success_picked_at.clone();
        stamps.retain(|_, at| *at <= event.written_at && event.now - *at <= millis(self.cooldown.failure_window));
        let stamp = stamps.entry(event.model.unwrap_or_default().into()).or_insert(event.picked_at);
        *stamp = stamp.max(event.picked_at);
        stamps
    }

    pub(super) fn after_failure(
        &self,
        usage: &UsageStats,
        event: &Event<'_>,
        reason: FailureReason,
        deadline: Option<f64>,
    ) -> UsageStats {
        let policy = &self.cooldown;
        let gap = usage.last_failure_at.filter(|last| *last > 0.0 && event.now - last > millis(policy.failure_window));
        let mut counts = if gap.is_some() { indexmap::IndexMap::new() } else { usage.failure_counts.clone() };
        let errors = if gap.is_some() { 0.0 } else { usage.error_count.unwrap_or(0.0) };
        let mut count = || {
            let counter = counts.entry(reason.as_str().into()).or_insert(0.0);
            *counter += 1.0;
            *counter
        };
        if policy.counting == FailureCounting::Shared {
            let own = count();
            let failures = if policy.cooldown_kind(reason) == CooldownKind::Disabled { own } else { errors + 1.0 };
            let until = event.now + policy.millis(reason, event.provider, failures);
            return usage.edited(|edit| {
                edit.number(key::ERROR_COUNT, errors + 1.0);
                edit.numbers(key::FAILURE_COUNTS, &counts);
                edit.number(key::LAST_FAILURE_AT, event.now);
                if policy.cooldown_kind(reason) == CooldownKind::Disabled {
                    edit.number(key::DISABLED_UNTIL, until);
                    edit.text(key::DISABLED_REASON, reason.as_str());
                } else {
                    edit.number(key::COOLDOWN_UNTIL, until);
                }
            });
        }
        if event.is_before_success(usage, reason) {
            return usage.clone();
        }
        let model = event.model.filter(|_| reason.is_model_scoped());
        let deadline = deadline.filter(|at| *at > event.now).map(|at| at.min(event.now + millis(policy.deadline_cap)));
        let announced = self.announced_since(usage, event, model);
        if announced.is_some_and(|until| deadline.is_none_or(|at| at <= until)) {
            return usage.clone();
        }
        let kind = policy.cooldown_kind(reason);
        if kind == CooldownKind::None {
            // The provider is to blame, not the profile: nothing is counted, but the server's deadline is kept.
            let (Some(until), Some(_)) = (deadline, model) else { return usage.clone() };
            let running = window_of(usage, model, false).filter(|window| self.is_active(usage, window, event.now));
            return match running {
                Some(window) if window.until >= until => usage.clone(),
                Some(window) => self.with_window(usage, Window { until, ..window.clone() }, false, event.now),
                None => self.with_window(usage, event.window(until, model).because(reason), false, event.now),
            };
        }
        let long = kind == CooldownKind::Disabled;
        let running = window_of(usage, model, long);
        let opened = running.map(|window| window.since.or(usage.last_failure_at).unwrap_or(window.until));
        let counts_not =
            announced.is_some() || opened.is_some_and(|opened| event.picked_at <= opened && opened <= event.now);
        let active = running.filter(|window| self.is_active(usage, window, event.now));
        let mut window = match active {
            Some(active) => {
                Window { until: deadline.map_or(active.until, |at| at.max(active.until)), ..active.clone() }
            }
            None if counts_not && deadline.is_none() => return usage.clone(),
            None => event.window(deadline.unwrap_or(0.0), model),
        };
        if counts_not {
            if window.reason.is_none() {
                window = window.because(reason);
            }
            return self.with_window(usage, window, long, event.now);
        }
        let failures = count();
        window = window.because(reason);
        if active.is_none() && deadline.is_none() {
            window.until = event.now + policy.millis(reason, event.provider, failures);
        }
        // Other readers of the file use the aggregate: it restarts once every window is over.
        let cooling = self.cooling(Some(usage), None, event.now).is_some();
        let errors = if cooling { errors } else { 0.0 };
        let counted = usage.edited(|edit| {
            edit.number(key::ERROR_COUNT, errors + 1.0);
            edit.numbers(key::FAILURE_COUNTS, &counts);
            edit.number(key::LAST_FAILURE_AT, event.now);
        });
        self.with_window(&counted, window, long, event.now)
    }

    /// Returns the end of a window that another program announced after the event's pick, if it concerns the model.
    /// Such a window does not record when it opened. It is newer if the selector saw another one or none; for a pick
    /// without the selector it counts as newer, because nobody sends a request while a window is in force.
    fn announced_since(&self, usage: &UsageStats, event: &Event<'_>, model: Option<&str>) -> Option<f64> {
        let concerns = |window: &&Window| window.model.is_none() || window.model.as_deref() == model;
        let window = usage.blocked.as_ref().filter(concerns)?;
        let until = Some(window.until).filter(|until| until.is_finite() && *until > event.picked_at)?;
        let unseen = || event.announced.is_none() && (until <= event.now || self.is_active(usage, window, event.now));
        (event.saw_another(until) || unseen()).then_some(until)
    }

    /// Returns the statistics with this window in place of the one of the same kind and scope. Running windows of other
    /// scopes stay.
    fn with_window(&self, usage: &UsageStats, window: Window, long: bool, now: f64) -> UsageStats {
        if long {
            return usage.edited(|edit| edit.disabled(Some(&window)));
        }
        let stays = |other: &&Window| other.model != window.model && self.is_active(usage, other, now);
        let mut transient: Vec<Window> = usage.transient().filter(stays).cloned().collect();
        transient.push(window);
        usage.edited(|edit| edit.transient(&transient))
    }
}

/// Returns the window of a cooldown kind that concerns exactly this model, or exactly the whole profile.
fn window_of<'a>(usage: &'a UsageStats, model: Option<&str>, long: bool) -> Option<&'a Window> {
    if long {
        return usage.disabled.as_ref();
    }
    usage.transient().filter(|window| window.model.as_deref() == model).max_by(|a, b| a.until.total_cmp(&b.until))
}
