//! Hints about the headroom of a profile, for other programs that share the store.

use indexmap::IndexMap;

use super::gauge::Gauge;
use super::limit::{Limit, LimitKind, Refill};
use super::meter::Request;
use super::policy::HeadroomPolicy;
use super::tracker::{HeadroomTracker, ProfileHeadroom, Standing};
use super::value::LONGEST;
use crate::clock::Timestamp;
use crate::id::ProfileId;

/// The name of the plan's end.
const PLAN: &str = "plan";
const USED: &str = "used";
const UNTIL: &str = "until";

const MINUTE: f64 = 60_000.0;
/// The time for which it is remembered that a limit is not used up any more.
const HOUR: f64 = 60.0 * MINUTE;

/// A hint for other programs that share the store: which limits are used up and until when, how much of a plan is used,
/// and when that was reported. Three lists of numbers, as in the usage statistics; times are in milliseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Hint {
    /// The time until which nothing is left, by `plan`, or by the kind of limit and the model.
    pub(crate) ends: IndexMap<Box<str>, f64>,
    /// The used share of the plan's most used window, and its end.
    pub(crate) plan: IndexMap<Box<str>, f64>,
    /// The time of the report that each of those is from, by the same names. A newer report replaces an older one, also
    /// if it shows that something is left again.
    pub(crate) told: IndexMap<Box<str>, f64>,
}

impl HeadroomTracker {
    /// Returns the hint for a profile, with the time of each report even if it has no end; `None` if nothing is known
    /// about the profile.
    pub(crate) fn hint(&self, profile: &ProfileId, policy: &HeadroomPolicy, now: Timestamp) -> Option<Hint> {
        let mut hint = Hint::default();
        self.each_gauge(profile, |model, gauge| hint.add(model, gauge, policy, now));
        (!hint.told.is_empty()).then_some(hint)
    }
}

impl Hint {
    fn add(&mut self, model: Option<&str>, gauge: &Gauge, policy: &HeadroomPolicy, now: Timestamp) {
        let limit = gauge.shown(now);
        // A plan's window for some models only has no key in the hint.
        if limit.models.is_some() || gauge.is_ahead(now) {
            return;
        }
        let name = name(limit.kind, model);
        let told = self.told.entry(name.clone()).or_insert(0.0);
        *told = told.max(millis(gauge.told_at()));
        let (Some(left), Some(reset)) = (limit.remaining, limit.reset) else { return };
        if limit.kind == LimitKind::Plan && self.plan.get(USED).is_none_or(|known| 1.0 - left > *known) {
            self.plan = IndexMap::from([(USED.into(), 1.0 - left), (UNTIL.into(), millis(reset))]);
        }
        let until = match (limit.kind, limit.refill) {
            (LimitKind::Plan, _) => (left <= 0.0).then_some(reset),
            (_, Refill::Window) => (left < 1.0).then_some(reset),
            // A token bucket has tokens long before it is full: enough for a request of the usual size.
            (_, Refill::Continuous) if left < 1.0 => {
                gauge.refuses(Request { tokens: None, is_home: false }, policy, now)
            }
            _ => None,
        };
        if let Some(until) = until.map(millis) {
            let end = self.ends.entry(name).or_insert(until);
            *end = end.max(until);
        }
    }

    /// Leaves out what a later success contradicts. `served` returns when the last request was sent that succeeded: any
    /// request for a plan, those for its model for another limit.
    pub(crate) fn unless_served(mut self, served: impl Fn(Option<&str>) -> Option<Timestamp>) -> Self {
        let told = self.told;
        let is_refuted = |name: &str| {
            let served = served(name.split_once(' ').map(|(_, model)| model));
            told.get(name).zip(served).is_some_and(|(told, served)| millis(served) > *told)
        };
        self.ends.retain(|name, _| !is_refuted(name));
        if self.plan.get(USED).is_some_and(|used| *used >= 1.0) && is_refuted(PLAN) {
            self.plan.clear();
        }
        Self { told, ..self }
    }

    /// Returns the time of the report about a limit; `None` if it is unknown, or ahead of the clock.
    fn told_at(&self, name: &str, now: Timestamp) -> Option<f64> {
        self.told.get(name).copied().filter(|at| *at <= millis(now) + MINUTE)
    }

    /// Returns `true` if the hint has a report about the plan that is newer than another one.
    pub(super) fn has_newer_plan(&self, told: Timestamp, now: Timestamp) -> bool {
        let is_known = self.ends.contains_key(PLAN) || self.runs(now);
        is_known && self.told_at(PLAN, now).is_some_and(|at| at > millis(told))
    }

    /// Returns `true` if the plan's window has not ended.
    fn runs(&self, now: Timestamp) -> bool {
        self.plan.get(UNTIL).is_some_and(|until| running(*until, now).is_some())
    }

    /// Returns the end of the plan's window if so much of it is used that others should know.
    fn worth_telling(&self, policy: &HeadroomPolicy, now: Timestamp) -> Option<f64> {
        let is_worth_it = self.runs(now) && self.plan.get(USED).is_some_and(|used| *used >= policy.share_plan_above);
        self.plan.get(UNTIL).copied().filter(|_| is_worth_it)
    }

    /// Returns the state of a profile according to the hint. `told` returns the time of the own report about a limit,
    /// by its kind and its model; the hint says nothing about limits of which the own report is as new.
    pub(crate) fn standing(
        &self,
        model: Option<&str>,
        told: impl Fn(LimitKind, &str) -> Option<Timestamp>,
        now: Timestamp,
    ) -> Standing {
        let mut standing = Standing::default();
        let is_newest = |name: &str, kind, of: &str| {
            told(kind, of).is_none_or(|told| self.told_at(name, now).is_some_and(|at| at > millis(told)))
        };
        for (name, until) in &self.ends {
            let (kind, of) = name.split_once(' ').unwrap_or((name, ""));
            let Some(kind) = LimitKind::from_name(kind) else { continue };
            let concerns = of.is_empty() || model.is_none_or(|model| model == of);
            if let Some(until) = running(*until, now).filter(|_| concerns && is_newest(name, kind, of))
                && standing.refused.is_none_or(|(longest, _)| longest < until)
            {
                standing.refused = Some((until, kind));
            }
        }
        if let Some(used) = self.plan.get(USED).filter(|_| self.runs(now) && is_newest(PLAN, LimitKind::Plan, "")) {
            standing.share = (1.0 - used).clamp(0.0, 1.0);
        }
        standing
    }

    /// Returns what the hint says about a profile, as headroom: of its models, and of its plan.
    pub(crate) fn shown(&self, profile: &ProfileId, now: Timestamp) -> Vec<ProfileHeadroom> {
        let mut all: Vec<ProfileHeadroom> = Vec::new();
        let mut add =
            |model: Option<&str>, limit: Limit| match all.iter_mut().find(|known| known.model.as_deref() == model) {
                Some(known) => known.limits.push(limit),
                None => all.push(ProfileHeadroom {
                    profile: profile.clone(),
                    model: model.map(str::to_owned),
                    limits: vec![limit],
                }),
            };
        for (name, until) in &self.ends {
            let (kind, model) = name.split_once(' ').map_or((&**name, None), |(kind, model)| (kind, Some(model)));
            let known = LimitKind::from_name(kind).filter(|kind| (*kind == LimitKind::Plan) == model.is_none());
            if let Some((kind, reset)) = known.zip(running(*until, now)) {
                // The hint has no name of a plan's window.
                let name = if model.is_some() { kind.as_str() } else { "window" };
                let limit = (kind == LimitKind::Plan).then_some(1.0);
                add(model, Limit { limit, remaining: Some(0.0), reset: Some(reset), ..Limit::window(kind, name) });
            }
        }
        let until = self.plan.get(UNTIL).and_then(|until| running(*until, now));
        if let Some((used, reset)) = self.plan.get(USED).zip(until).filter(|_| !self.ends.contains_key(PLAN)) {
            let left = Some((1.0 - used).clamp(0.0, 1.0));
            let window = Limit::window(LimitKind::Plan, "window");
            add(None, Limit { limit: Some(1.0), remaining: left, reset: Some(reset), ..window });
        }
        all
    }

    /// Merges this program's hint with the one in the store. The newest report about each limit counts, whoever wrote
    /// it; of two that are equally new, this program's. Ends that have passed or are further ahead than any limit are
    /// dropped.
    ///
    /// The share of a plan that was in the store once is kept up to date until the end of its window, so that a program
    /// with an older report sees that there is room again.
    pub(crate) fn over(&self, others: &Self, policy: &HeadroomPolicy, now: Timestamp) -> Self {
        let mut all = Self::default();
        let is_ours = |name: &str| {
            self.told_at(name, now).is_some_and(|at| others.told_at(name, now).is_none_or(|other| at >= other))
        };
        let plan = if is_ours(PLAN) { self } else { others };
        if plan.runs(now) && (others.runs(now) || plan.worth_telling(policy, now).is_some()) {
            all.plan.clone_from(&plan.plan);
        }
        let names = others.told.keys().chain(others.ends.keys()).chain(self.ends.keys());
        for name in names.map(|name| &**name).chain([PLAN]) {
            let newest = if is_ours(name) { self } else { others };
            let end = newest.ends.get(name).copied().filter(|until| running(*until, now).is_some());
            if let Some(end) = end {
                all.ends.insert(name.into(), end);
            }
            let is_recent = |at: &f64| (0.0..=HOUR).contains(&(millis(now) - at)) && others.told.contains_key(name);
            let is_of_use = end.is_some() || (name == PLAN && !all.plan.is_empty());
            let told = newest.told.get(name).copied().filter(|at| at.is_finite() && (is_of_use || is_recent(at)));
            if let Some(told) = told {
                all.told.insert(name.into(), told);
            }
        }
        all
    }

    /// Returns `true` if this hint has news about a plan: that it is nearly or entirely used up, or no longer. They are
    /// worth a separate write, which happens a few times per window.
    pub(crate) fn is_news(&self, known: &Self, policy: &HeadroomPolicy, now: Timestamp) -> bool {
        let Some(ours) = self.told_at(PLAN, now) else { return false };
        if known.told_at(PLAN, now).is_some_and(|theirs| theirs > ours) {
            return false;
        }
        let differs = |ours: Option<f64>, theirs: Option<f64>| match (ours, theirs) {
            (Some(ours), Some(theirs)) => (ours - theirs).abs() > MINUTE,
            (ours, theirs) => ours.is_some() || theirs.is_some(),
        };
        let end = |hint: &Self| hint.ends.get(PLAN).copied().filter(|until| running(*until, now).is_some());
        differs(end(self), end(known)) || differs(self.worth_telling(policy, now), known.worth_telling(policy, now))
    }
}

/// Returns the name of a limit in the hint.
fn name(kind: LimitKind, model: Option<&str>) -> Box<str> {
    match model {
        Some(model) if kind != LimitKind::Plan => format!("{} {model}", kind.as_str()).into(),
        _ => PLAN.into(),
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

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn written(used: f64, until: Timestamp) -> Hint {
        let until = millis(until);
        let ends = if used >= 1.0 { IndexMap::from([(PLAN.into(), until)]) } else { IndexMap::new() };
        Hint { ends, plan: IndexMap::from([(USED.into(), used), (UNTIL.into(), until)]), told: IndexMap::new() }
    }

    fn told(used: f64, seconds: u64) -> Hint {
        let told = IndexMap::from([(PLAN.into(), millis(NOW + Duration::from_secs(seconds)))]);
        Hint { told, ..written(used, NOW + Duration::from_secs(86_400)) }
    }

    fn merged(ours: &Hint, theirs: &Hint) -> Hint {
        ours.over(theirs, &HeadroomPolicy::default(), NOW + Duration::from_secs(100))
    }

    #[test]
    fn an_end_that_no_limit_has_is_passed_over_and_dropped() {
        let standing = |hint: &Hint| hint.standing(None, |_, _| None, NOW);
        let kept = |hint: &Hint| Hint::default().over(hint, &HeadroomPolicy::default(), NOW);
        let month = written(1.0, NOW + LONGEST);
        assert_eq!(standing(&month).refused, Some((NOW + LONGEST, LimitKind::Plan)));
        assert_eq!(kept(&month), month);
        for until in [millis(NOW + LONGEST + Duration::from_millis(1)), 8.0e15, f64::MAX] {
            let mut far = month.clone();
            for numbers in [&mut far.ends, &mut far.plan] {
                numbers.values_mut().filter(|number| **number > 1.0).for_each(|number| *number = until);
            }
            assert_eq!((standing(&far), kept(&far)), (Standing::default(), Hint::default()));
        }
    }

    #[test]
    fn the_newest_report_counts_whoever_wrote_it() {
        // Ours, theirs, and the one that is written.
        for (ours, theirs, expected) in [
            (told(0.1, 20), told(1.0, 10), told(0.1, 20)),
            (told(1.0, 10), told(0.1, 20), told(0.1, 20)),
            (told(0.1, 10), told(1.0, 20), told(1.0, 20)),
            (told(1.0, 20), told(0.1, 10), told(1.0, 20)),
            (told(0.95, 20), Hint::default(), told(0.95, 20)),
            (told(0.1, 20), Hint::default(), Hint::default()),
            // Without a time, a report is older than any with one.
            (told(0.1, 20), written(1.0, NOW + Duration::from_secs(86_400)), told(0.1, 20)),
            // A time ahead of the clock does not count.
            (told(0.1, 20), told(1.0, 1_000), told(0.1, 20)),
        ] {
            assert_eq!(merged(&ours, &theirs), expected, "{ours:?} over {theirs:?}");
        }
    }

    #[test]
    fn what_was_taken_back_is_worth_a_write_once() {
        let (policy, now) = (HeadroomPolicy::default(), NOW + Duration::from_secs(100));
        let is_news = |ours: &Hint, theirs: &Hint| ours.is_news(theirs, &policy, now);
        assert!(is_news(&told(0.1, 20), &told(1.0, 10)) && is_news(&told(0.1, 20), &told(0.95, 10)));
        assert!(!is_news(&told(0.1, 20), &merged(&told(0.1, 20), &told(1.0, 10))));
        assert!(!is_news(&told(0.1, 10), &told(1.0, 20)), "theirs is newer");
        assert!(is_news(&told(0.95, 20), &told(0.1, 10)) && !is_news(&told(0.97, 20), &told(0.95, 10)));
    }

    #[test]
    fn a_later_success_contradicts_a_plan_that_is_used_up_and_nothing_else() {
        let served = |seconds| move |_: Option<&str>| Some(NOW + Duration::from_secs(seconds));
        let kept = told(1.0, 10);
        assert_eq!(kept.clone().unless_served(served(10)), kept);
        let Hint { ends, plan, .. } = kept.unless_served(served(11));
        assert_eq!((ends.len(), plan.len()), (0, 0));
        assert_eq!(told(0.95, 10).unless_served(served(11)), told(0.95, 10));
    }
}
