//! The headroom of one profile.

use super::gauge::Gauge;
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
    /// `true` if anything is known.
    pub(crate) is_known: bool,
}

impl Default for Standing {
    fn default() -> Self {
        Self { refused: None, share: 1.0, is_known: false }
    }
}

impl Account {
    pub(super) fn begin(&mut self, number: u64, model: &str, request: Request, now: Timestamp) {
        self.meter(model).begin(number, request, now);
    }

    pub(super) fn observe(&mut self, number: u64, model: &str, headroom: &Headroom, now: Timestamp) {
        let is_plan = |limit: &&Limit| limit.kind == LimitKind::Plan;
        self.meter(model).observe(number, headroom.limits().iter().filter(|limit| !is_plan(limit)), now);
        self.plan.observe(number, headroom.limits().iter().filter(is_plan), now);
    }

    fn meter(&mut self, model: &str) -> &mut Meter {
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
        policy: &HeadroomPolicy,
        now: Timestamp,
    ) -> Standing {
        let mut standing = Standing::default();
        for gauge in self.gauges(model).filter(|gauge| !gauge.is_ahead(now)) {
            standing.is_known = true;
            standing.share = gauge.share(now).map_or(standing.share, |share| share.min(standing.share));
            if let Some(until) = gauge.refuses(request, policy, now)
                && standing.refused.is_none_or(|(longest, _)| longest < until)
            {
                standing.refused = Some((until, gauge.limit().kind));
            }
        }
        standing
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
