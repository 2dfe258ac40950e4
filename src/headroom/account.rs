//! The headroom of one profile.

use super::gauge::Gauge;
use super::hint::Hint;
use super::limit::{Limit, LimitKind};
use super::meter::{Meter, Request};
use super::policy::HeadroomPolicy;
use super::read::Headroom;
use crate::clock::Timestamp;
use crate::secret::Secret;

/// The number of models that are remembered for one profile.
const MOST_MODELS: usize = 64;

/// The headroom of one profile: the limits of each model, and the windows of its plan.
#[derive(Debug, Default)]
pub(super) struct Account {
    models: Vec<(Box<str>, Meter)>,
    plan: Meter,
    /// The secret that the headroom was reported for: another one may belong to another account.
    pub(super) secret: Option<Secret>,
    /// `true` if it was logged that calls leave the profile.
    pub(super) is_told: bool,
}

/// The state of a profile for one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Standing {
    /// When the request will fit, and the limit that it exceeds; `None` if it fits now.
    pub(crate) refused: Option<(Timestamp, LimitKind)>,
    /// The smallest remaining share of any limit, from 0 to 1; 1 if nothing is known.
    pub(crate) share: f64,
}

/// What the store says about the limits of a profile.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// The hint of the program that reported last.
    pub(crate) hint: Option<Hint>,
    /// The time when the last request was sent that succeeded, by any program.
    pub(crate) served: Option<Timestamp>,
}

impl Default for Standing {
    fn default() -> Self {
        Self { refused: None, share: 1.0 }
    }
}

impl Standing {
    /// Returns the state by both: the later end and the smaller share.
    pub(super) fn and(self, other: Self) -> Self {
        let refused = match (self.refused, other.refused) {
            (Some(one), Some(other)) => Some(if one.0 < other.0 { other } else { one }),
            (one, other) => one.or(other),
        };
        Self { refused, share: self.share.min(other.share) }
    }
}

impl Known {
    /// Returns the state by the hint alone.
    pub(crate) fn alone(&self, model: Option<&str>, now: Timestamp) -> Standing {
        self.hinted(model, None, now)
    }

    /// Returns the state by the hint, apart from limits with a report of this program that is as new.
    pub(super) fn hinted(&self, model: Option<&str>, account: Option<&Account>, now: Timestamp) -> Standing {
        let told = |kind, model: &str| account.and_then(|account| account.told_at(kind, model, now));
        self.hint.as_ref().map_or_else(Standing::default, |hint| hint.standing(model, told, now))
    }

    /// Returns `true` if the store shows that a report about a plan is out of date: another program has a newer one, or
    /// a request that was sent later succeeded although nothing was left.
    fn outdates(&self, gauge: &Gauge, is_used_up: bool, now: Timestamp) -> bool {
        let is_general = gauge.limit().kind == LimitKind::Plan && gauge.limit().models.is_none();
        let told = gauge.told_at();
        is_general
            && (self.hint.as_ref().is_some_and(|hint| hint.has_newer_plan(told, now))
                || (is_used_up && self.served.is_some_and(|served| served > told)))
    }
}

impl Account {
    pub(super) fn observe(&mut self, number: u64, model: &str, headroom: &Headroom, now: Timestamp) {
        let is_plan = |limit: &&Limit| limit.kind == LimitKind::Plan;
        let (limits, is_refused) = (headroom.limits().iter(), headroom.is_refused());
        self.meter(model).observe((number, is_refused), limits.clone().filter(|limit| !is_plan(limit)), now);
        self.plan.observe((number, is_refused), limits.filter(is_plan), now);
    }

    pub(super) fn meter(&mut self, model: &str) -> &mut Meter {
        let known = self.models.iter().position(|(name, _)| **name == *model);
        let place = known.unwrap_or_else(|| {
            if self.models.len() >= MOST_MODELS {
                self.models.remove(0);
            }
            self.models.push((model.into(), Meter::default()));
            self.models.len() - 1
        });
        // The index was just found or added.
        self.models.get_mut(place).map_or(&mut self.plan, |(_, meter)| meter)
    }

    /// Returns the gauges that apply to a model, or all of them without one.
    fn gauges<'a>(&'a self, model: Option<&'a str>) -> impl Iterator<Item = &'a Gauge> {
        let concerned = self.models.iter().filter(move |(name, _)| model.is_none_or(|model| *model == **name));
        let plan = self.plan.gauges.iter().filter(move |gauge| match (&gauge.limit().models, model) {
            (Some(word), Some(model)) => model.contains(&**word),
            _ => true,
        });
        concerned.flat_map(|(_, meter)| &meter.gauges).chain(plan)
    }

    pub(super) fn standing(
        &self,
        model: Option<&str>,
        request: Request,
        (policy, known): (&HeadroomPolicy, &Known),
        now: Timestamp,
    ) -> Standing {
        let mut standing = Standing::default();
        for gauge in self.gauges(model).filter(|gauge| !gauge.is_ahead(now)) {
            let refused = gauge.refuses(request, policy, now);
            if !known.outdates(gauge, refused.is_some(), now) {
                let refused = refused.map(|until| (until, gauge.limit().kind));
                standing = standing.and(Standing { refused, share: gauge.share(now).unwrap_or(1.0) });
            }
        }
        standing
    }

    /// Returns the time of the newest report about a limit, as the hint names it: a plan's general windows, or a kind of
    /// limit for a model.
    fn told_at(&self, kind: LimitKind, model: &str, now: Timestamp) -> Option<Timestamp> {
        let is_it = |of: Option<&str>, gauge: &Gauge| {
            let limit = gauge.limit();
            limit.kind == kind && limit.models.is_none() && (kind == LimitKind::Plan || of == Some(model))
        };
        let told = self.all().filter(|(of, gauge)| is_it(*of, gauge) && !gauge.is_ahead(now));
        told.map(|(_, gauge)| gauge.told_at()).max()
    }

    /// Returns every gauge with the model that it is for; `None` for a plan's.
    pub(super) fn all(&self) -> impl Iterator<Item = (Option<&str>, &Gauge)> {
        let models = self.models.iter().map(|(name, meter)| (Some(&**name), meter));
        models
            .chain([(None, &self.plan)])
            .flat_map(|(model, meter)| meter.gauges.iter().map(move |gauge| (model, gauge)))
    }

    /// Returns the limits of each model, and those of the plan with `None`.
    pub(super) fn shown(&self, now: Timestamp) -> impl Iterator<Item = (Option<&str>, Vec<Limit>)> {
        let models = self.models.iter().map(|(name, meter)| (Some(&**name), meter));
        let all = models.chain([(None, &self.plan)]);
        all.filter(|(_, meter)| !meter.gauges.is_empty()).map(move |(model, meter)| {
            (model, meter.gauges.iter().filter(|gauge| !gauge.is_ahead(now)).map(|gauge| gauge.shown(now)).collect())
        })
    }
}
