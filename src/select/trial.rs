//! Trials: the window that a request tries, and profiles left to another machine that tries theirs.

use super::order::Selecting;
use super::rules::{FailureCounting, SelectorRules};
use super::verdict::{Verdict, as_millis};
use crate::id::ProfileId;
use crate::profile::{Trial, UsageStats, Window, timestamp};

impl Selecting<'_> {
    /// Returns the trial that a request with this profile makes; `None` if no window concerns it.
    pub(super) fn trial(&self, id: &ProfileId, usage: &UsageStats) -> Option<Trial> {
        let window = self.rules.tried(usage, self.query.model.as_deref(), as_millis(self.now))?;
        let trial = Trial::new(id.clone(), window.model.as_deref(), timestamp(window.until));
        Some(trial.after(usage.last_failure_at()))
    }

    /// Returns what keeps a profile from being used now, its windows or a trial by another machine, and until when.
    pub(super) fn cooling(&self, id: &ProfileId, usage: Option<&UsageStats>) -> Option<(f64, Verdict)> {
        let cooling = self.rules.cooling(usage, self.query.model.as_deref(), as_millis(self.now));
        cooling.or_else(|| self.postponed(id, usage))
    }

    /// Returns `true` if something keeps a profile from being used now: the same as [`cooling`](Self::cooling), without
    /// the verdict.
    pub(super) fn is_cooling(&self, id: &ProfileId, usage: Option<&UsageStats>) -> bool {
        let model = self.query.model.as_deref();
        usage.is_some_and(|usage| self.rules.is_cooling(usage, model, as_millis(self.now)))
            || self.postponed(id, usage).is_some()
    }

    /// Returns the verdict on a ready profile that is left to another machine, and until when.
    fn postponed(&self, id: &ProfileId, usage: Option<&UsageStats>) -> Option<(f64, Verdict)> {
        let (_, until) = *self.query.postponed.iter().find(|(known, until)| known == id && *until > self.now)?;
        let window =
            usage.and_then(|usage| self.rules.tried(usage, self.query.model.as_deref(), as_millis(self.now)))?;
        let (reason, model_only) = (window.reason, window.model.is_some());
        Some((as_millis(until), Verdict::Cooling { until, reason, model_only }))
    }
}

impl SelectorRules {
    /// Returns the window that ends last among those that concern a model and that no success has ended. One of the whole
    /// profile comes first, so that calls for several models try the profile one after the other. Windows that end in the
    /// future but are not in force do not count.
    fn tried<'a>(&self, usage: &'a UsageStats, model: Option<&str>, now: f64) -> Option<&'a Window> {
        if usage.last_end <= 0.0 {
            return None;
        }
        let long = usage.disabled.iter();
        let windows: Vec<&Window> = if self.cooldown.counting == FailureCounting::Shared {
            long.chain(&usage.cooldown).collect()
        } else {
            long.chain(usage.transient()).chain(&usage.blocked).collect()
        };
        let concerns = |window: &Window| match (&window.model, model) {
            (Some(own), Some(wanted)) => **own == *wanted,
            _ => true,
        };
        let is_one = |window: &Window| {
            window.until.is_finite()
                && window.until > 0.0
                && (window.until <= now || self.is_active(usage, window, now))
        };
        let concerning = windows.into_iter().filter(|window| concerns(window) && is_one(window));
        let is_wide = |window: &Window| window.model.is_none();
        concerning.max_by(|one, two| is_wide(one).cmp(&is_wide(two)).then(one.until.total_cmp(&two.until)))
    }
}
