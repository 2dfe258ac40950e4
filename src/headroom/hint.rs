//! Hints about the headroom of a profile, for other programs that share the store.

use indexmap::IndexMap;

use super::limit::{Limit, LimitKind};
use super::policy::HeadroomPolicy;
use super::tracker::{HeadroomTracker, Standing};
use super::value::LONGEST;
use crate::clock::Timestamp;
use crate::id::ProfileId;

/// The name of the plan's end.
const PLAN: &str = "plan";
const USED: &str = "used";
const UNTIL: &str = "until";

/// A hint for other programs that share the store: which limits are used up and until when, and how much of a plan is
/// used. Two lists of numbers, as in the usage statistics; times are in milliseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Hint {
    /// The time until which nothing is left, by `plan`, or by the kind of limit and the model.
    pub(crate) ends: IndexMap<Box<str>, f64>,
    /// The used share of the plan's most used window, and its end.
    pub(crate) plan: IndexMap<Box<str>, f64>,
}

impl HeadroomTracker {
    /// Returns the hint for a profile; `None` if nothing is known about it.
    pub(crate) fn hint(&self, profile: &ProfileId, policy: &HeadroomPolicy, now: Timestamp) -> Option<Hint> {
        let mut hint = Hint::default();
        let mut is_known = false;
        for (model, limits) in self.limits(profile, now) {
            is_known |= !limits.is_empty();
            for limit in limits {
                hint.add(model.as_deref(), &limit, policy);
            }
        }
        is_known.then_some(hint)
    }
}

impl Hint {
    fn add(&mut self, model: Option<&str>, limit: &Limit, policy: &HeadroomPolicy) {
        // A plan's window for some models only has no key in the hint.
        let (Some(left), Some(until)) = (limit.remaining, limit.reset) else { return };
        if limit.models.is_some() {
            return;
        }
        let until = millis(until);
        if limit.kind == LimitKind::Plan && 1.0 - left >= policy.share_plan_above {
            let known = self.plan.get(USED).copied().unwrap_or(0.0);
            if 1.0 - left > known {
                self.plan = IndexMap::from([(USED.into(), 1.0 - left), (UNTIL.into(), until)]);
            }
        }
        let name = match (limit.kind, model) {
            (LimitKind::Plan, _) if left <= 0.0 => PLAN.to_owned(),
            // A token bucket has tokens long before it is full, so its reset would be too late.
            (kind, Some(model)) if left < 1.0 && limit.refill == super::Refill::Window => {
                format!("{} {model}", kind.as_str())
            }
            _ => return,
        };
        let end = self.ends.entry(name.into()).or_insert(until);
        *end = end.max(until);
    }

    /// Returns the state of a profile according to the hint.
    pub(crate) fn standing(&self, model: Option<&str>, now: Timestamp) -> Standing {
        let mut standing = Standing::default();
        for (name, until) in &self.ends {
            let (kind, of) = name.split_once(' ').unwrap_or((name, ""));
            let Some(kind) = LimitKind::from_name(kind) else { continue };
            let concerns = of.is_empty() || model.is_none_or(|model| model == of);
            if let Some(until) = running(*until, now).filter(|_| concerns)
                && standing.refused.is_none_or(|(longest, _)| longest < until)
            {
                standing.refused = Some((until, kind));
            }
        }
        let runs = self.plan.get(UNTIL).is_some_and(|until| running(*until, now).is_some());
        if let Some(used) = self.plan.get(USED).filter(|_| runs) {
            standing.share = (1.0 - used).clamp(0.0, 1.0);
        }
        standing
    }

    /// Merges this hint over that of others. Their entries stay unless they have ended or are further ahead than any
    /// limit.
    pub(crate) fn over(self, others: &Self, now: Timestamp) -> Self {
        let mut all = others.clone();
        all.ends.retain(|_, until| running(*until, now).is_some());
        all.ends.extend(self.ends);
        let runs = others.plan.get(UNTIL).is_some_and(|until| running(*until, now).is_some());
        if !self.plan.is_empty() || !runs {
            all.plan = self.plan;
        }
        all
    }

    /// Returns `true` if this hint has news about a plan. They are worth a separate write, which happens once or twice
    /// per window.
    pub(crate) fn is_news(&self, known: &Self) -> bool {
        const MINUTE: f64 = 60_000.0;
        let differs = |ours: Option<&f64>, theirs: Option<&f64>| {
            ours.is_some_and(|ours| theirs.is_none_or(|theirs| (ours - theirs).abs() > MINUTE))
        };
        differs(self.ends.get(PLAN), known.ends.get(PLAN)) || differs(self.plan.get(UNTIL), known.plan.get(UNTIL))
    }
}

#[expect(clippy::cast_precision_loss, reason = "real times are far below 2^53 ms")]
fn millis(at: Timestamp) -> f64 {
    at.as_millis() as f64
}

/// Reads an end in the future. Others' entries are limited to the same distance as a provider's report.
fn running(millis: f64, now: Timestamp) -> Option<Timestamp> {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be below 2^53")]
    let until = (0.0..8.64e15).contains(&millis).then_some(Timestamp::from_millis(millis as i64));
    until.filter(|until| *until > now && *until - now <= LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn an_end_that_no_limit_has_is_passed_over_and_dropped() {
        let now = Timestamp::from_millis(1_790_000_000_000);
        let written = |until: f64| Hint {
            ends: IndexMap::from([(PLAN.into(), until)]),
            plan: IndexMap::from([(USED.into(), 0.95), (UNTIL.into(), until)]),
        };
        let month = written(millis(now + LONGEST));
        assert_eq!(month.standing(None, now).refused, Some((now + LONGEST, LimitKind::Plan)));
        assert_eq!(Hint::default().over(&month, now), month);
        for until in [millis(now + LONGEST + Duration::from_millis(1)), 8.0e15, f64::MAX] {
            assert_eq!(written(until).standing(None, now), Standing::default());
            assert_eq!(Hint::default().over(&written(until), now), Hint::default());
        }
    }
}
