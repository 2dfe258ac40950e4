//! One limit as it stands now: what was told of it last, and what was sent since.

use std::time::Duration;

use super::limit::{Limit, LimitKind, millis};
use super::meter::Request;
use super::policy::HeadroomPolicy;
use crate::clock::Timestamp;

/// No limit lasts longer whose period is not known, except a plan's: what was told longer ago says nothing any more.
const LONGEST_UNKNOWN: Duration = Duration::from_secs(3_600);

/// A limit and its level.
#[derive(Clone, Debug)]
pub(super) struct Gauge {
    limit: Limit,
    /// What was told to be left, and when: what the next answer is compared with.
    told: (f64, Timestamp),
    /// What is left by what is known, below zero where more was sent than that.
    level: f64,
    /// When that was so.
    at: Timestamp,
    /// When its window began, as far as that is known: when it was told, or when it was full again after that.
    since: Timestamp,
    /// How much comes back in a millisecond.
    rate: Option<f64>,
    /// By experience: of requests of a session on its profile, and of others.
    typical: [Option<Typical>; 2],
}

/// What requests take of a limit by experience, as a mean and how far they are from it.
#[derive(Clone, Copy, Debug)]
struct Typical {
    mean: f64,
    spread: f64,
}

impl Gauge {
    /// Takes what an answer tells of a limit; `None` if it does not tell what is left.
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

    /// Whether an answer tells of this limit: several families of headers have the same name for theirs.
    pub(super) fn is_of(&self, limit: &Limit) -> bool {
        (self.limit.family, &self.limit.name) == (limit.family, &limit.name)
    }

    /// When it was told.
    pub(super) fn told_at(&self) -> Timestamp {
        self.told.1
    }

    /// Whether it is known how it fills. If not, only an answer can tell that something is left.
    pub(super) fn fills(&self, now: Timestamp) -> bool {
        self.rate.is_some() || self.period().is_some() || self.limit.reset.is_some_and(|reset| reset > now)
    }

    /// Takes what a later answer tells. `requests` were sent between the two; what was sent after the later one is taken off
    /// again by the caller.
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
        // Of several nobody knows which took what, unless they are alike.
        let Some(is_home) = requests.first().map(|first| first.is_home) else { return };
        let are_alike = requests.iter().all(|request| request.is_home == is_home);
        if has_filled || !are_alike || self.limit.kind == LimitKind::Plan {
            return;
        }
        let filled = (before + rate.unwrap_or(0.0) * millis(now - at)).min(most);
        let count = u32::try_from(requests.len()).unwrap_or(u32::MAX);
        let each = ((filled - told) / f64::from(count)).max(0.0);
        let [away, home] = &mut self.typical;
        let typical = if is_home { home } else { away };
        let Typical { mean, spread } = typical.unwrap_or(Typical { mean: each, spread: each / 2.0 });
        let off = each - mean;
        *typical = Some(Typical { mean: mean + off / 4.0, spread: spread + (off.abs() - spread) / 4.0 });
    }

    /// Takes off what a request takes that is being sent.
    pub(super) fn spend(&mut self, request: Request, now: Timestamp) {
        self.settle(now);
        self.level -= self.cost(request);
        // What it held after its reset is used up, and no answer says how much came back since.
        if self.level < 0.0 && self.since > self.told.1 && !self.fills(now) {
            self.level = f64::MAX;
        }
    }

    /// Takes off what a request takes that was sent before the last answer came, and is not in it.
    pub(super) fn owe(&mut self, request: Request) {
        self.level -= self.cost(request);
    }

    /// What a request takes: what the caller says, else what others took. One that is larger than the whole limit is for the
    /// provider to refuse, and takes no more than that.
    fn cost(&self, Request { tokens, is_home }: Request) -> f64 {
        let [away, home] = self.typical;
        let typical = if is_home { home.or(away) } else { away.or(home) };
        let cost = match (self.limit.kind, tokens) {
            (LimitKind::Requests, _) => 1.0,
            (LimitKind::Plan, _) => 0.0,
            (_, Some(tokens)) => tokens.of(&self.limit, is_home),
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

    /// When it is full again, where it does not fill continuously.
    fn end(&self) -> Option<Timestamp> {
        let is_plan = self.limit.kind == LimitKind::Plan;
        let latest = || (!is_plan).then(|| self.since + self.period().unwrap_or(LONGEST_UNKNOWN));
        self.limit.reset.or_else(latest).filter(|_| self.rate.is_none())
    }

    /// In what time as much is allowed. The windows of a plan begin with its first use.
    fn period(&self) -> Option<Duration> {
        self.limit.period.filter(|_| self.limit.kind != LimitKind::Plan)
    }

    fn full(&self) -> f64 {
        self.limit.limit.unwrap_or(f64::MAX)
    }

    /// What is left at a moment.
    fn level(&self, now: Timestamp) -> f64 {
        if let Some(rate) = self.rate {
            return (self.level + rate * millis(now - self.at)).min(self.full());
        }
        let is_over = self.level < f64::MAX && self.end().is_some_and(|end| now >= end);
        if is_over { self.full() } else { self.level }
    }

    /// Returns which part is left, from 0 to 1.
    pub(super) fn share(&self, now: Timestamp) -> Option<f64> {
        let limit = self.limit.limit.filter(|limit| *limit > 0.0)?;
        Some((self.level(now) / limit).clamp(0.0, 1.0))
    }

    /// Returns from when on a request fits in, if it does not now.
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

    /// Returns the limit with what is left now, and when it will be full.
    pub(super) fn shown(&self, now: Timestamp) -> Limit {
        let level = self.level(now);
        let reset = match (self.rate, self.limit.limit) {
            (Some(rate), Some(full)) => (level < full).then(|| now + from_millis((full - level) / rate)),
            _ => self.limit.reset.filter(|reset| *reset > now),
        };
        let remaining = (level < f64::MAX).then_some(level.max(0.0));
        Limit { remaining, reset, ..self.limit.clone() }
    }

    /// Whether this was told at a moment that has not come: the clock was set back since.
    pub(super) fn is_ahead(&self, now: Timestamp) -> bool {
        self.told.1 - now > Duration::from_secs(60)
    }
}

/// The limit with a reset no later than it can be: nobody waits for a month because a server miscounts a minute. Where the
/// rate is known it is the rate that counts.
fn believed(limit: &Limit, rate: Option<f64>, now: Timestamp) -> Limit {
    let is_believed = rate.is_some() || limit.kind == LimitKind::Plan;
    let latest = now + limit.period.unwrap_or(LONGEST_UNKNOWN);
    let reset = limit.reset.map(|reset| if is_believed { reset } else { reset.min(latest) });
    Limit { reset, ..limit.clone() }
}

/// The least that may be left where the figure is rounded.
fn lower(limit: &Limit, told: f64) -> f64 {
    if limit.limit == Some(told) { told } else { (told - limit.step / 2.0).max(0.0) }
}

fn from_millis(length: f64) -> Duration {
    // A day more or less makes no difference for what is a month away.
    Duration::from_secs_f64((length.clamp(0.0, 2.8e9)).ceil() / 1_000.0)
}
