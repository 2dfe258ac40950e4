//! Use of the providers' reported limits within a call.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;

use super::attempt::Attempt;
use super::outcome::Outcome;
use super::response::ErrorResponse;
use super::rotation::Rotation;
use crate::clock::Timestamp;
use crate::failure::{Failure, TransportError};
use crate::headroom::{Headroom, HeadroomTracker, Planned, Request, Ticket};
#[cfg(feature = "tracing")]
use crate::headroom::{HeadroomPolicy, Known};
use crate::id::{ModelRef, ProfileId};
use crate::profile::AuthProfiles;
use crate::select::{Candidate, Candidates, Query, Selection, Verdict, told_of};

impl Rotation {
    /// Sets the tracker of the limits that providers report, shared by the calls of a program. Default: none, so that
    /// they are ignored. [`Attempt::observe`] feeds it from an answer.
    ///
    /// The tokens of an attempt are set aside from its choice on. They are returned if it is not sent: if it is postponed,
    /// reported as an outcome without a request, or dropped before its answer is observed or reported.
    ///
    /// A profile with too little headroom is skipped without a request. If that applies to all, the call waits for the
    /// first one, provided that the wait is no longer than the longest pause of [`RotationLimits::backoff`]. Rules
    /// without a [`SelectorRules::headroom`] ignore the limits.
    ///
    /// [`RotationLimits::backoff`]: super::RotationLimits::backoff
    /// [`SelectorRules::headroom`]: crate::select::SelectorRules::headroom
    #[must_use]
    pub fn headroom(mut self, tracker: Arc<HeadroomTracker>) -> Self {
        self.query = self.query.with_headroom(Some(tracker));
        self
    }

    /// Sets that the driver reports with [`Attempt::sending`] when it sends an attempt. Otherwise an attempt counts as
    /// sent when it is returned.
    #[must_use]
    pub(crate) fn reserving(mut self) -> Self {
        self.outside.reserves = true;
        self
    }

    /// Sets aside what the request of a selection will use.
    pub(super) fn ticket(&self, model: &ModelRef, selection: &Selection, now: Timestamp) -> Option<Arc<Ticket>> {
        let tracker = self.query.headroom()?;
        let policy = self.selector.rules().headroom.as_ref()?;
        let (profile, query) = (&selection.profile, self.query_for(model));
        let home = query.home(now);
        #[cfg(feature = "tracing")]
        tell(tracker, selection, (model.model(), home.as_ref()), policy, now);
        #[cfg(not(feature = "tracing"))]
        let _ = policy;
        let planned = Planned {
            profile,
            model: model.model(),
            secret: told_of(&selection.credential),
            session: query.session_key(),
            request: Request { tokens: self.query.token_estimate(), is_home: home.as_ref() == Some(profile) },
            is_reserved: self.outside.reserves,
        };
        Some(Arc::new(Ticket::new(tracker, &planned, now)))
    }

    /// Returns the time until one of the untried profiles has enough headroom, if the wait is worth it.
    pub(super) fn refill<'c>(
        &self,
        candidates: impl IntoIterator<Item = &'c Candidate<'c>>,
        now: Timestamp,
    ) -> Option<Duration> {
        let waits =
            |one: &&Candidate<'_>| matches!(one.verdict, Verdict::NoHeadroom { .. }) && self.is_untried(&one.id);
        let ends = candidates.into_iter().filter(waits).filter_map(|one| Some((one.retry_at?, &one.id)));
        let (end, profile) = ends.min_by_key(|(end, _)| *end)?;
        let pause = end.saturating_since(now);
        let is_short = pause <= self.limits.backoff.longest && pause < self.time_left(now);
        let waits = is_short && !pause.is_zero() && self.allowance(now).is_some();
        waits.then(|| tell_wait(profile, pause)).map(|()| pause)
    }

    /// Returns the time to wait for the session's profile, if that is worth it. The rules limit how long a call waits
    /// for it in total.
    pub(super) fn patience(
        &mut self,
        profiles: &AuthProfiles,
        query: &Query,
        candidates: &Candidates<'_>,
        now: Timestamp,
    ) -> Option<Duration> {
        let patience = self.selector.rules().headroom.as_ref()?.patience;
        let (home, until) = self.selector.waits_for(profiles, query, candidates, now)?;
        if !self.is_untried(&home) {
            return None;
        }
        let since = *self.patient_since.get_or_insert(now);
        let pause = until - now;
        let is_short = until - since <= patience && pause < self.time_left(now);
        let waits = is_short && !pause.is_zero() && self.allowance(now).is_some();
        waits.then(|| tell_wait(&home, pause)).map(|()| pause)
    }

    fn is_untried(&self, profile: &ProfileId) -> bool {
        !self.tried.contains(profile)
    }
}

/// Logs, once per profile, that it was skipped for lack of headroom, and that a session leaves its profile because of
/// the share that the rules ask for.
#[cfg(feature = "tracing")]
fn tell(
    tracker: &HeadroomTracker,
    selection: &Selection,
    (model, home): (&str, Option<&ProfileId>),
    policy: &HeadroomPolicy,
    now: Timestamp,
) {
    let to = &selection.profile;
    for candidate in &selection.skipped {
        let from = &*candidate.id;
        if let Verdict::NoHeadroom { until, limit } = candidate.verdict
            && tracker.is_news(from)
        {
            let limit = limit.as_str();
            tracing::info!(%from, profile = %to, limit, %until, "leaving a profile before its limit is reached");
        }
        if candidate.verdict.is_ready() && home == Some(from) {
            let request = Request { tokens: None, is_home: true };
            let standing = tracker.standing((from, Some(model)), None, request, (policy, &Known::default()), now);
            if standing.share < policy.leave_below {
                let (left, leave_below) = (standing.share, policy.leave_below);
                tracing::info!(%from, profile = %to, left, leave_below, "a session leaves a profile with little left");
            }
        }
    }
}

/// Logs that a call waits for headroom.
fn tell_wait(profile: &ProfileId, pause: Duration) {
    #[cfg(feature = "tracing")]
    tracing::info!(%profile, pause_ms = pause.as_millis(), "waiting until a profile has enough left of its limits");
    #[cfg(not(feature = "tracing"))]
    let _ = (profile, pause);
}

/// Returns `true` if a failure happened before the request reached anything that counts it.
fn is_unsent(failure: &Failure) -> bool {
    use TransportError::{Connect, ConnectTimedOut, Dns, NoTls, Proxy, Request, Tls};
    matches!(failure.transport(), Some(NoTls | Dns | Connect | ConnectTimedOut | Tls | Proxy | Request))
}

impl Attempt {
    /// Notes that the request is being sent now, for drivers that do something else first.
    pub(crate) fn sending(&self, now: Timestamp) {
        if let Some(ticket) = self.ticket() {
            ticket.sent(now);
        }
    }

    /// Returns what was set aside for a request that is not sent.
    pub(super) fn withdraw(&self) {
        if let Some(ticket) = self.ticket() {
            ticket.withdraw();
        }
    }

    /// Notes by the outcome whether the request was sent.
    pub(super) fn note_sent(&self, outcome: &Outcome, now: Timestamp) {
        match outcome {
            Outcome::Unusable(_) | Outcome::Unserved(_) | Outcome::Aborted(_) => self.withdraw(),
            Outcome::Failed { failure, response: None, .. } if is_unsent(failure) => self.withdraw(),
            _ => self.sending(now),
        }
    }

    /// Reports the limits in the headers of the answer to the tracker that the call was [given](Rotation::headroom).
    /// Call it for every answer, a success or a failure, as soon as its head has arrived.
    ///
    /// `Rotator::send` does it automatically; `Rotator::run` leaves it to the function that sends. [`Rotation::report`]
    /// does it for a failure with its [response](super::AttemptError::with_response).
    pub fn observe(&self, headers: &HeaderMap, now: Timestamp) {
        if let Some(ticket) = self.ticket() {
            ticket.observe(&Headroom::read(self.model().provider(), headers, now), now);
        }
    }

    /// Reports the limits in the headers of a failure that was kept.
    pub(super) fn observe_failure(&self, response: Option<&ErrorResponse>, now: Timestamp) {
        if let Some(response) = response {
            self.observe(response.headers(), now);
        }
    }
}
