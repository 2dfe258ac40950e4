//! Use of the providers' reported limits within a call.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;

use super::attempt::Attempt;
use super::response::ErrorResponse;
use super::rotation::Rotation;
use crate::clock::Timestamp;
use crate::headroom::{Headroom, HeadroomTracker, Request, Ticket};
use crate::id::{ModelRef, ProfileId};
use crate::profile::AuthProfiles;
use crate::select::{Candidate, Candidates, Query, Selection, Verdict, told_of};

/// The recipient of the limits that an attempt's answer reports.
#[derive(Clone, Debug)]
pub(super) struct Observer {
    tracker: Arc<HeadroomTracker>,
    ticket: Ticket,
}

impl Rotation {
    /// Sets the tracker of the limits that providers report, shared by the calls of a program. Default: none, so that
    /// they are ignored. [`Attempt::observe`] feeds it from an answer.
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

    /// Registers that the request of a selection is about to be sent.
    pub(super) fn observer(&self, model: &ModelRef, selection: &Selection, now: Timestamp) -> Option<Observer> {
        let tracker = self.query.headroom().filter(|_| self.selector.rules().headroom.is_some())?;
        #[cfg(feature = "tracing")]
        tell(tracker, selection);
        let (profile, secret) = (&selection.profile, told_of(&selection.credential));
        let query = self.query_for(model);
        let is_home = query.home(now).is_some_and(|home| home == *profile);
        if let Some(session) = query.session_key() {
            tracker.settle(session, profile, now);
        }
        let request = Request { tokens: self.query.token_estimate(), is_home };
        let ticket = tracker.begin((profile, model.model()), secret, request, now);
        Some(Observer { tracker: Arc::clone(tracker), ticket })
    }

    /// Returns the time until one of the untried profiles has enough headroom, if the wait is worth it.
    pub(super) fn refill<'c>(
        &self,
        candidates: impl IntoIterator<Item = &'c Candidate<'c>>,
        now: Timestamp,
    ) -> Option<Duration> {
        let waits =
            |one: &&Candidate<'_>| matches!(one.verdict, Verdict::NoHeadroom { .. }) && self.is_untried(&one.id);
        let ends = candidates.into_iter().filter(waits).filter_map(|one| one.retry_at);
        let pause = ends.min()?.saturating_since(now);
        let is_short = pause <= self.limits.backoff.longest && pause < self.time_left(now);
        (is_short && !pause.is_zero() && self.allowance(now).is_some()).then_some(pause)
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
        (is_short && !pause.is_zero() && self.allowance(now).is_some()).then_some(pause)
    }

    fn is_untried(&self, profile: &ProfileId) -> bool {
        !self.tried.contains(profile)
    }
}

/// Logs, once per profile, that it was skipped for lack of headroom.
#[cfg(feature = "tracing")]
fn tell(tracker: &HeadroomTracker, selection: &Selection) {
    for candidate in &selection.skipped {
        if let Verdict::NoHeadroom { until, limit } = candidate.verdict
            && tracker.is_news(&candidate.id)
        {
            let (from, limit) = (&*candidate.id, limit.as_str());
            tracing::info!(%from, profile = %selection.profile, limit, %until, "leaving a profile before its limit is reached");
        }
    }
}

impl Attempt {
    /// Reports the limits in the headers of the answer to the tracker that the call was [given](Rotation::headroom).
    /// Call it for every answer, a success or a failure, as soon as its head has arrived.
    ///
    /// `Rotator::send` does it automatically; `Rotator::run` leaves it to the function that sends. [`Rotation::report`]
    /// does it for a failure with its [response](super::AttemptError::with_response).
    pub fn observe(&self, headers: &HeaderMap, now: Timestamp) {
        if let Some(Observer { tracker, ticket }) = self.observer() {
            tracker.observe(ticket, &Headroom::read(self.model().provider(), headers, now), now);
        }
    }

    /// Reports the limits in the headers of a failure that was kept.
    pub(super) fn observe_failure(&self, response: Option<&ErrorResponse>, now: Timestamp) {
        if let Some(response) = response {
            self.observe(response.headers(), now);
        }
    }
}
