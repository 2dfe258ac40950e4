//! The limits of one profile for one model, and the requests that were sent since.

use std::collections::VecDeque;
use std::time::Duration;

use super::gauge::Gauge;
use super::limit::{Limit, TokenEstimate};
use crate::clock::Timestamp;

/// The number of requests that are remembered. Earlier ones have been answered long ago.
const MOST_BEGUN: usize = 512;
/// The number of limits that are remembered. No provider is known to report more than eight.
const MOST_GAUGES: usize = 16;
/// The age after which the provider is expected to have counted a request.
const LONGEST_BEGUN: Duration = Duration::from_secs(600);

/// The limits of one profile for one model.
#[derive(Debug, Default)]
pub(super) struct Meter {
    pub(super) gauges: Vec<Gauge>,
    /// The requests that were begun, oldest first. Those that are reserved, or were sent after request `newest`, are not
    /// counted in the last report.
    begun: VecDeque<Begun>,
    /// The number of the newest request whose response was read.
    newest: u64,
}

/// What is known about a request before it is answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    /// The caller's estimate of its tokens.
    pub(crate) tokens: Option<TokenEstimate>,
    /// `true` if it goes to the profile that its session used last.
    pub(crate) is_home: bool,
}

#[derive(Debug)]
struct Begun {
    number: u64,
    request: Request,
    /// `true` if it has not been sent yet.
    is_reserved: bool,
    at: Timestamp,
}

impl Meter {
    /// Sets aside what a request will use.
    pub(super) fn begin(&mut self, number: u64, request: Request, is_reserved: bool, now: Timestamp) {
        for gauge in &mut self.gauges {
            gauge.spend(request, now);
        }
        let is_old = |begun: &Begun| now - begun.at > LONGEST_BEGUN;
        while self.begun.len() >= MOST_BEGUN || self.begun.front().is_some_and(is_old) {
            self.begun.pop_front();
        }
        self.begun.push_back(Begun { number, request, is_reserved, at: now });
    }

    /// Notes that a reserved request is being sent, under a new number.
    pub(super) fn sent(&mut self, number: u64, new: u64, now: Timestamp) {
        if let Some(Begun { request, .. }) = self.take(number) {
            self.begun.push_back(Begun { number: new, request, is_reserved: false, at: now });
        }
    }

    /// Returns what was set aside for a request that was not sent, unless a report has replaced that.
    pub(super) fn withdraw(&mut self, number: u64) {
        if let Some(Begun { request, .. }) = self.take(number) {
            self.gauges.iter_mut().for_each(|gauge| gauge.restore(request));
        }
    }

    fn take(&mut self, number: u64) -> Option<Begun> {
        let place = self.begun.iter().position(|begun| begun.number == number)?;
        self.begun.remove(place)
    }

    /// Reads the limits from the response to a request, unless the response to a later one was read before. Providers
    /// count a request when they admit it, so a response includes all requests sent before its own; those sent later
    /// are subtracted.
    ///
    /// Some providers report a limit only with errors. If a response no longer reports a limit and it is not known how
    /// it fills, the limit is forgotten.
    ///
    /// A request that was refused took nothing, but shows that it takes more than is left of a limit.
    pub(super) fn observe<'l>(
        &mut self,
        (number, is_refused): (u64, bool),
        limits: impl Iterator<Item = &'l Limit>,
        now: Timestamp,
    ) {
        if number <= self.newest {
            return;
        }
        let limits: Vec<&Limit> = limits.collect();
        self.gauges.retain(|gauge| gauge.fills(now) || limits.iter().any(|limit| gauge.is_of(limit)));
        if limits.is_empty() {
            if self.gauges.is_empty() {
                self.begun.retain(|begun| begun.number > number || begun.is_reserved);
            }
            return;
        }
        let refused = self.begun.iter().find(|begun| begun.number == number && is_refused).map(|begun| begun.request);
        let last = if is_refused { number.saturating_sub(1) } else { number };
        let is_counted = |begun: &&Begun| begun.number > self.newest && begun.number <= last && !begun.is_reserved;
        let counted: Vec<Request> = self.begun.iter().filter(is_counted).map(|begun| begun.request).collect();
        self.newest = number;
        self.begun.retain(|begun| begun.number > number || begun.is_reserved);
        for limit in limits {
            let known = self.gauges.iter().position(|gauge| gauge.is_of(limit));
            if let Some(gauge) = known.and_then(|place| self.gauges.get_mut(place)) {
                gauge.tell(limit, &counted, now);
            } else if let Some(gauge) = Gauge::new(limit, now) {
                self.make_room();
                self.gauges.push(gauge);
            }
            let place = known.unwrap_or(self.gauges.len().saturating_sub(1));
            let gauge = self.gauges.get_mut(place).filter(|gauge| gauge.is_of(limit));
            if let Some(gauge) = gauge.filter(|_| limit.remaining.is_some()) {
                self.begun.iter().for_each(|begun| gauge.owe(begun.request));
            }
        }
        if let Some(refused) = refused {
            self.learn_from_refusal(refused);
        }
    }

    /// Raises the expected use of requests where nothing else explains a refusal: of the limit that was nearest to it.
    fn learn_from_refusal(&mut self, refused: Request) {
        let margins = self.gauges.iter().enumerate().map(|(place, gauge)| (gauge.margin(refused), place));
        if let Some((margin, place)) = margins.min_by(|one, other| one.0.total_cmp(&other.0))
            && margin >= 0.0
            && let Some(gauge) = self.gauges.get_mut(place)
        {
            gauge.raise(refused);
        }
    }

    /// Forgets the limit with the oldest report if there are too many, because a server may make up names.
    fn make_room(&mut self) {
        if self.gauges.len() < MOST_GAUGES {
            return;
        }
        let oldest = self.gauges.iter().enumerate().min_by_key(|(_, gauge)| gauge.told_at());
        if let Some(place) = oldest.map(|(place, _)| place) {
            self.gauges.remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headroom::LimitKind;

    #[test]
    fn no_meter_is_larger_than_its_documentation_says() {
        let requests = MOST_BEGUN * size_of::<Begun>();
        let gauges = MOST_GAUGES * (size_of::<Gauge>() + super::super::listed::LONGEST_NAME);
        assert_eq!(size_of::<Begun>(), 64);
        assert!(requests + gauges <= 48 << 10, "{requests} and {gauges}");
    }

    #[test]
    fn of_too_many_limits_the_one_told_longest_ago_goes() {
        let mut meter = Meter::default();
        for number in 1..=100_u32 {
            let name = format!("made-up-{number}");
            let limit = Limit {
                limit: Some(10.0),
                remaining: Some(5.0),
                period: Some(Duration::from_secs(60)),
                ..Limit::window(LimitKind::Requests, name)
            };
            meter.observe(
                (u64::from(number), false),
                std::iter::once(&limit),
                Timestamp::from_millis(i64::from(number)),
            );
        }
        let names: Vec<&str> = meter.gauges.iter().map(|gauge| &*gauge.limit().name).collect();
        assert_eq!((names.len(), names[0], names[15]), (MOST_GAUGES, "made-up-85", "made-up-100"));
    }
}
