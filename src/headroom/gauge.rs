//! One limit with its current level: the last report, less what was sent since.

use std::time::Duration;

use super::limit::{Limit, LimitKind, millis};
use super::meter::Request;
use super::policy::HeadroomPolicy;
use crate::clock::Timestamp;

/// The longest assumed period of a limit of unknown period, except a plan's. An older report is out of date.
const LONGEST_UNKNOWN: Duration = Duration::from_secs(3_600);

/// A limit and its level.
#[derive(Clone, Debug)]
pub(super) struct Gauge {
    limit: Limit,
    /// The remaining amount in the last report and its time, which the next report is compared with.
    told: (f64, Timestamp),
    /// The estimated remaining amount; below zero if more was sent than was left.
    level: f64,
    /// The time of `level`.
    at: Timestamp,
    /// The start of its window as far as known: the time of the report, or when the limit was full again after it.
    since: Timestamp,
    /// The amount that comes back per millisecond.
    rate: Option<f64>,
    /// The learned use of requests: of other requests, and of a session's requests on its own profile.
    typical: [Option<Typical>; 2],
}

/// The learned use of requests: the mean, the mean deviation, and how much it is on average above the caller's
/// estimates.
#[derive(Clone, Copy, Debug)]
struct Typical {
    mean: f64,
    spread: f64,
    above: f64,
}

impl Gauge {
    /// Creates a gauge from a reported limit; `None` if the report does not include what is left.
    pub(super) fn new(limit: &Limit, now: Timestamp) -> Option<Self> {
        let told = limit.remaining?;
        let rate = limit.rate(now);
        Some(Self {
            rate,
            limit: believed(limit, rate, now),
            told: (told, now),
            level: lower(limit, told),
            at: now,
            since: now,
            typical: [None; 2],
        })
    }

    pub(super) fn limit(&self) -> &Limit {
        &self.limit
    }

    /// Returns `true` if a report is about this limit. Several families of headers use the same names.
    pub(super) fn is_of(&self, limit: &Limit) -> bool {
        (self.limit.family, &self.limit.name) == (limit.family, &limit.name)
    }

    /// Returns the time of the last report.
    pub(super) fn told_at(&self) -> Timestamp {
        self.told.1
    }

    /// Returns `true` if it is known how the limit fills. If not, only a response can show that something is left.
    pub(super) fn fills(&self, now: Timestamp) -> bool {
        self.rate.is_some() || self.period().is_some() || self.limit.reset.is_some_and(|reset| reset > now)
    }

    /// Updates the gauge from a later report. `requests` were sent between the two reports; the caller subtracts again
    /// what was sent after the later one.
    pub(super) fn tell(&mut self, limit: &Limit, requests: &[Request], now: Timestamp) {
        let Some(told) = limit.remaining else { return };
        let rate = limit.rate(now).or_else(|| self.rate.filter(|_| self.limit.limit == limit.limit));
        self.settle(now);
        self.learn(told, rate, requests, now);
        self.limit = believed(limit, rate, now);
        (self.told, self.level, self.rate) = ((told, now), lower(limit, told), rate);
        (self.at, self.since) = (now, now);
    }

    fn learn(&mut self, told: f64, rate: Option<f64>, requests: &[Request], now: Timestamp) {
        let (before, at) = self.told;
        let most = self.limit.limit.unwrap_or(f64::MAX);
        let has_filled = rate.is_none() && self.since > at;
        // The report does not show how several requests share the use, so only requests of the same sort are learned
        // from.
        let Some(is_home) = requests.first().map(|first| first.is_home) else { return };
        let are_alike = requests.iter().all(|request| request.is_home == is_home);
        if has_filled || !are_alike || self.limit.kind == LimitKind::Plan {
            return;
        }
        let filled = (before + rate.unwrap_or(0.0) * millis(now - at)).min(most);
        let count = u32::try_from(requests.len()).unwrap_or(u32::MAX);
        let each = ((filled - told) / f64::from(count)).max(0.0);
        let by_caller: Option<f64> = requests.iter().map(|request| self.told_cost(*request)).sum();
        let [away, home] = &mut self.typical;
        let typical = if is_home { home } else { away };
        let missed = by_caller.map(|told| each - told / f64::from(count));
        let known = Typical { mean: each, spread: each / 2.0, above: missed.unwrap_or(0.0) };
        let Typical { mean, spread, above } = typical.unwrap_or(known);
        let off = each - mean;
        *typical = Some(Typical {
            mean: mean + off / 4.0,
            spread: spread + (off.abs() - spread) / 4.0,
            above: above + missed.map_or(0.0, |missed| (missed - above) / 4.0),
        });
    }

    /// Returns the share of the limit that the last report would have left after a request; below zero if it explains a
    /// refusal.
    pub(super) fn margin(&self, request: Request) -> f64 {
        let least = if self.limit.kind == LimitKind::Requests { 1.0 } else { self.cost(request) };
        (self.told.0 - least) / self.full()
    }

    /// Learns that a request takes more than was left: at most twice the caller's estimate, because another program may
    /// have used the rest.
    pub(super) fn raise(&mut self, request: Request) {
        if matches!(self.limit.kind, LimitKind::Requests | LimitKind::Plan) {
            return;
        }
        let told = self.told_cost(request);
        let least = told.map_or(self.told.0, |told| self.told.0.min(told * 2.0));
        let [away, home] = &mut self.typical;
        let typical = if request.is_home { home } else { away };
        let known = typical.get_or_insert(Typical { mean: least, spread: 0.0, above: 0.0 });
        known.mean = known.mean.max(least);
        known.above = known.above.max(told.map_or(0.0, |told| least - told));
    }

    /// Returns the cost of a request by the caller's estimate.
    fn told_cost(&self, Request { tokens, is_home }: Request) -> Option<f64> {
        tokens.map(|tokens| tokens.of(&self.limit, is_home).min(self.full()))
    }

    /// Subtracts the cost of a request that is being sent.
    pub(super) fn spend(&mut self, request: Request, now: Timestamp) {
        self.settle(now);
        self.level -= self.cost(request);
        // The amount after its reset is used up, and no response has reported since how much came back.
        if self.level < 0.0 && self.since > self.told.1 && !self.fills(now) {
            self.level = f64::MAX;
        }
    }

    /// Subtracts the cost of a request that was sent before the last response came and is not counted in it.
    pub(super) fn owe(&mut self, request: Request) {
        self.level -= self.cost(request);
    }

    /// Adds the cost of a request that was subtracted but not sent.
    pub(super) fn restore(&mut self, request: Request) {
        self.level = (self.level + self.cost(request)).min(self.full());
    }

    /// Returns the cost of a request: the caller's estimate, corrected if it is wrong by much on average, otherwise the
    /// learned use. A request above the whole limit costs the whole limit, because refusing it is up to the provider.
    fn cost(&self, request: Request) -> f64 {
        let is_home = request.is_home;
        let [away, home] = self.typical;
        let typical = if is_home { home.or(away) } else { away.or(home) };
        let cost = match (self.limit.kind, self.told_cost(request)) {
            (LimitKind::Requests, _) => 1.0,
            (LimitKind::Plan, _) => 0.0,
            (_, Some(told)) => {
                // Rounded figures make an exact estimate look a little wrong.
                let is_wrong = |typical: &Typical| typical.above.abs() > typical.mean / 8.0 + self.limit.step / 2.0;
                let above = typical.filter(is_wrong).map_or(0.0, |typical| typical.above);
                (told + above).max(0.0)
            }
            (_, None) => typical.map_or(0.0, |typical| typical.mean + typical.spread),
        };
        cost.min(self.full())
    }

    fn settle(&mut self, now: Timestamp) {
        (self.level, self.at) = (self.level(now), self.at.max(now));
        if let Some(end) = self.end().filter(|end| now >= *end) {
            let period = self.period();
            let begun = period.and_then(|period| (now - end).as_millis().checked_rem(period.as_millis()));
            self.since = now - Duration::from_millis(begun.and_then(|begun| u64::try_from(begun).ok()).unwrap_or(0));
            self.limit.reset = self.limit.reset.and(period).map(|period| self.since + period);
        }
    }

    /// Returns the time when a limit that does not fill continuously is full again.
    fn end(&self) -> Option<Timestamp> {
        let is_plan = self.limit.kind == LimitKind::Plan;
        let latest = || (!is_plan).then(|| self.since + self.period().unwrap_or(LONGEST_UNKNOWN));
        self.limit.reset.or_else(latest).filter(|_| self.rate.is_none())
    }

    /// Returns the period after which the same amount is allowed again. `None` for a plan, whose windows begin with its
    /// first use.
    fn period(&self) -> Option<Duration> {
        self.limit.period.filter(|_| self.limit.kind != LimitKind::Plan)
    }

    fn full(&self) -> f64 {
        self.limit.limit.unwrap_or(f64::MAX)
    }

    /// Returns what is left at a moment.
    fn level(&self, now: Timestamp) -> f64 {
        if let Some(rate) = self.rate {
            return (self.level + rate * millis(now - self.at)).min(self.full());
        }
        let is_over = self.level < f64::MAX && self.end().is_some_and(|end| now >= end);
        if is_over { self.full() } else { self.level }
    }

    /// Returns the remaining share, from 0 to 1.
    pub(super) fn share(&self, now: Timestamp) -> Option<f64> {
        let limit = self.limit.limit.filter(|limit| *limit > 0.0)?;
        Some((self.level(now) / limit).clamp(0.0, 1.0))
    }

    /// Returns the time when a request will fit, or `None` if it fits now.
    pub(super) fn refuses(&self, request: Request, policy: &HeadroomPolicy, now: Timestamp) -> Option<Timestamp> {
        let least = if self.limit.kind == LimitKind::Plan { f64::MIN_POSITIVE } else { 1.0 };
        let missing = self.cost(request).max(least).min(self.full()) - self.level(now);
        if missing <= 0.0 {
            return None;
        }
        let probe = self.at + policy.probe_after;
        let until = match (self.rate, self.limit.reset, self.limit.refill) {
            (Some(rate), ..) => now + from_millis(missing / rate),
            (None, Some(reset), super::Refill::Window) => reset,
            (None, reset, _) => reset.map_or(probe, |reset| reset.min(probe)),
        };
        (until > now).then_some(until)
    }

    /// Returns the limit with what is left now and the time when it will be full.
    pub(super) fn shown(&self, now: Timestamp) -> Limit {
        let level = self.level(now);
        let reset = match (self.rate, self.limit.limit) {
            (Some(rate), Some(full)) => (level < full).then(|| now + from_millis((full - level) / rate)),
            _ => self.limit.reset.filter(|reset| *reset > now),
        };
        let remaining = (level < f64::MAX).then_some(level.max(0.0));
        Limit { remaining, reset, ..self.limit.clone() }
    }

    /// Returns `true` if the report is from the future, because the clock was set back since.
    pub(super) fn is_ahead(&self, now: Timestamp) -> bool {
        self.told.1 - now > Duration::from_secs(60)
    }
}

/// Limits the reset to the period, so that a server's wrong reset of a limit per minute is not waited for. A known rate
/// is used instead of the reset.
fn believed(limit: &Limit, rate: Option<f64>, now: Timestamp) -> Limit {
    let is_believed = rate.is_some() || limit.kind == LimitKind::Plan;
    let latest = now + limit.period.unwrap_or(LONGEST_UNKNOWN);
    let reset = limit.reset.map(|reset| if is_believed { reset } else { reset.min(latest) });
    Limit { reset, ..limit.clone() }
}

/// Returns the smallest remaining amount that a rounded figure allows.
fn lower(limit: &Limit, told: f64) -> f64 {
    if limit.limit == Some(told) { told } else { (told - limit.step / 2.0).max(0.0) }
}

fn from_millis(length: f64) -> Duration {
    // Longer times are cut to about a month, which is long enough.
    Duration::from_secs_f64((length.clamp(0.0, 2.8e9)).ceil() / 1_000.0)
}
