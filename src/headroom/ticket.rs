//! One request, from the choice of its profile to its answer.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::meter::Request;
use super::read::Headroom;
use super::sessions::Home;
use super::tracker::HeadroomTracker;
use crate::clock::Timestamp;
use crate::id::ProfileId;
use crate::secret::Secret;

/// The registration of a request with the tracker. Its tokens are set aside from the choice of its profile on, so that
/// other calls do not count on them, and are returned if it is never sent, at the latest when the ticket is dropped.
pub(crate) struct Ticket {
    tracker: Arc<HeadroomTracker>,
    profile: ProfileId,
    model: Box<str>,
    /// The session that uses the profile once the request is sent.
    session: Option<u64>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The place of the request among all that were sent.
    number: u64,
    stage: Stage,
    /// What the tracker had for the session before, and what this request has put there.
    settled: Option<(Option<Home>, Home)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The profile was chosen. The driver reports when it sends the request.
    Reserved,
    /// The profile was chosen by a caller who reports only the answer, and who sends at once.
    Chosen,
    Sent,
    /// It was not sent, and uses nothing.
    Withdrawn,
}

/// What is known of a request when its profile is chosen.
pub(crate) struct Planned<'a> {
    pub(crate) profile: &'a ProfileId,
    pub(crate) model: &'a str,
    /// The secret of the profile, if that identifies its account.
    pub(crate) secret: Option<&'a Secret>,
    pub(crate) session: Option<u64>,
    pub(crate) request: Request,
    /// `true` if [`Ticket::sent`] will be called when the request is sent.
    pub(crate) is_reserved: bool,
}

impl Ticket {
    /// Registers a request whose profile was chosen.
    pub(crate) fn new(tracker: &Arc<HeadroomTracker>, planned: &Planned<'_>, now: Timestamp) -> Self {
        let stage = if planned.is_reserved { Stage::Reserved } else { Stage::Chosen };
        let begun = State { number: tracker.begin(planned, now), stage, settled: None };
        let ticket = Self {
            tracker: Arc::clone(tracker),
            profile: planned.profile.clone(),
            model: planned.model.into(),
            session: planned.session,
            state: Mutex::new(begun),
        };
        if !planned.is_reserved {
            ticket.settle(&mut ticket.state(), now);
        }
        ticket
    }

    /// Notes that the request is being sent, or was.
    pub(crate) fn sent(&self, now: Timestamp) {
        let mut state = self.state();
        if state.stage == Stage::Reserved {
            state.number = self.tracker.sent((&self.profile, &self.model), state.number, now);
            self.settle(&mut state, now);
        }
        if state.stage != Stage::Withdrawn {
            state.stage = Stage::Sent;
        }
    }

    /// Reads the headroom from the response.
    pub(crate) fn observe(&self, headroom: &Headroom, now: Timestamp) {
        self.sent(now);
        let number = self.state().number;
        self.tracker.observe((&self.profile, &self.model), number, headroom, now);
    }

    /// Returns what was set aside, because the request was not sent.
    pub(crate) fn withdraw(&self) {
        let mut state = self.state();
        if state.stage == Stage::Withdrawn {
            return;
        }
        state.stage = Stage::Withdrawn;
        self.tracker.withdraw((&self.profile, &self.model), state.number);
        if let Some((session, (before, ours))) = self.session.zip(state.settled.take()) {
            self.tracker.unsettle(session, before, &ours);
        }
    }

    fn settle(&self, state: &mut State, now: Timestamp) {
        if let Some(session) = self.session {
            let ours = (self.profile.clone(), now);
            state.settled = Some((self.tracker.settle(session, ours.clone()), ours));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.state().stage != Stage::Sent {
            self.withdraw();
        }
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("profile", &self.profile).field("state", &self.state()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::headroom::{Limit, LimitKind};

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn told(left: f64) -> Headroom {
        let limit = Limit {
            limit: Some(1_000.0),
            remaining: Some(left),
            period: Some(Duration::from_secs(60)),
            ..Limit::window(LimitKind::Tokens, "tokens")
        };
        Headroom::of(vec![limit])
    }

    /// A driver may refresh a login between the choice of the profile and the request.
    #[test]
    fn an_answer_does_not_count_what_was_chosen_and_not_sent_yet() {
        let (tracker, profile) = (Arc::new(HeadroomTracker::new()), "openai:a".parse().unwrap());
        let begin = || {
            let request = Request { tokens: None, is_home: false };
            let model = "gpt-5";
            let planned = Planned { profile: &profile, model, secret: None, session: None, request, is_reserved: true };
            Ticket::new(&tracker, &planned, NOW)
        };
        let left = || tracker.profiles(NOW)[0].limits[0].remaining;
        begin().observe(&told(1_000.0), NOW);
        let mut rest = 1_000.0;
        for _ in 0..8 {
            let (early, late) = (begin(), begin());
            rest -= 20.0;
            late.observe(&told(rest), NOW);
            assert!(left() < Some(rest - 15.0), "the early one is still to come: {:?} of {rest}", left());
            early.withdraw();
            assert_eq!(left(), Some(rest));
        }
        let next = begin();
        next.sent(NOW);
        drop(next);
        let cost = rest - left().unwrap();
        assert!((20.0..25.0).contains(&cost), "the answer to one request shows the use of one: {cost}");
    }
}
