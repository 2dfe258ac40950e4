//! The limits of one profile for one model, and the requests that were sent.

use std::collections::VecDeque;
use std::time::Duration;

use super::gauge::Gauge;
use super::limit::{Limit, TokenEstimate};
use crate::clock::Timestamp;

/// More requests than this are not kept in mind: their answers have long come.
const MOST_BEGUN: usize = 512;
/// What was sent longer ago than this has been counted by the provider.
const LONGEST_BEGUN: Duration = Duration::from_secs(600);

/// The limits of one profile for one model.
#[derive(Debug, Default)]
pub(super) struct Meter {
    pub(super) gauges: Vec<Gauge>,
    /// The requests that were sent, oldest first: those after the one whose answer counts are not in what it told.
    begun: VecDeque<Begun>,
    /// The number of the request whose answer counts.
    newest: u64,
}

/// What is known of a request before it is answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    /// What its caller says that it takes.
    pub(crate) tokens: Option<TokenEstimate>,
    /// Whether it goes to the profile that its session used last.
    pub(crate) is_home: bool,
}

#[derive(Debug)]
struct Begun {
    number: u64,
    request: Request,
    at: Timestamp,
}

impl Meter {
    /// Notes that a request is being sent.
    pub(super) fn begin(&mut self, number: u64, request: Request, now: Timestamp) {
        for gauge in &mut self.gauges {
            gauge.spend(request, now);
        }
        let is_old = |begun: &Begun| now - begun.at > LONGEST_BEGUN;
        while self.begun.len() >= MOST_BEGUN || self.begun.front().is_some_and(is_old) {
            self.begun.pop_front();
        }
        self.begun.push_back(Begun { number, request, at: now });
    }

    /// Takes what the answer to a request tells, unless that to a later one has come. Providers count a request when they
    /// admit it, so that an answer knows of all that were sent before its own request; those after it are taken off.
    pub(super) fn observe<'l>(&mut self, number: u64, limits: impl Iterator<Item = &'l Limit>, now: Timestamp) {
        if number <= self.newest {
            return;
        }
        let is_counted = |begun: &&Begun| begun.number > self.newest && begun.number <= number;
        let counted: Vec<Request> = self.begun.iter().filter(is_counted).map(|begun| begun.request).collect();
        self.newest = number;
        self.begun.retain(|begun| begun.number > number);
        for limit in limits {
            let known = self.gauges.iter().position(|gauge| gauge.limit().name == limit.name);
            if let Some(gauge) = known.and_then(|place| self.gauges.get_mut(place)) {
                gauge.tell(limit, &counted, now);
            } else {
                self.gauges.extend(Gauge::new(limit, now));
            }
            let place = known.unwrap_or(self.gauges.len().saturating_sub(1));
            let gauge = self.gauges.get_mut(place).filter(|gauge| gauge.limit().name == limit.name);
            if let Some(gauge) = gauge.filter(|_| limit.remaining.is_some()) {
                self.begun.iter().for_each(|begun| gauge.owe(begun.request));
            }
        }
    }
}
