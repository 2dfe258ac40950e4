//! One attempt of a call: its request, and the session's memory of it.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;

use super::call::Call;
use super::rotator::Rotator;
use super::sessions::{Begun, Place, Planned};
use super::settings::Settings;
use super::target::{Sent, Target};
use crate::cache::BreakpointPlan;
use crate::error::{Diagnostic, Result};
use crate::failure::{Failure, TransportError};
use crate::net::is_direct;
use crate::request::{Endpoint, RequestBuilder, nothing_cached, remove_connection_headers};
use crate::rotation::{Attempt, AttemptError};

/// The result of an attempt: the value, the status, and whether the answer is complete.
pub(super) type Taken<T> = Result<(T, Option<StatusCode>, bool), AttemptError>;

/// An answer, and the request behind it.
pub(super) struct Exchanged {
    pub(super) response: reqwest::Response,
    /// The body of an answer that is not a stream.
    pub(super) body: Option<Bytes>,
    pub(super) notes: Vec<Diagnostic>,
    pub(super) sent: Bytes,
    /// `None` for a request of another API than the Messages API.
    pub(super) plan: Option<BreakpointPlan>,
}

impl Rotator {
    /// Sends the request of one attempt: the caller's own, or one of the Messages API.
    pub(super) async fn attempt(&self, settings: Arc<Settings>, call: &Call, attempt: Attempt) -> Taken<Exchanged> {
        let (model, config) = (attempt.model(), &settings.config);
        if let Some(request) = call.request_for(model) {
            return self.attempt_with(&settings, call, &attempt, request?).await;
        }
        let target = self.target(&settings, model)?;
        let begun = self.begin(call, &attempt, &target.endpoint);
        let builder = RequestBuilder::new(&target.endpoint, attempt.credential());
        let builder = call.set_up(builder, config, (model, target.endpoint.kind()), begun.as_ref());
        let goes_on = builder.goes_on();
        let (request, plan, notes, layout) = builder.body(call.body_for(model)?).build()?.into_planned();
        let planned = begun.filter(|_| goes_on).map(|begun| begun.planned(plan.continued(), layout));
        let (request, sent) = target.request(request).ok_or_else(|| Failure::from(TransportError::Request))?;
        let (response, body) = self.exchange(&attempt, &target, request).await?;
        Ok(self.taken(response, body, notes, sent, Some(plan), planned))
    }

    /// Does the same as [`attempt`](Self::attempt) with a request that the caller builds.
    async fn attempt_with(
        &self,
        settings: &Settings,
        call: &Call,
        attempt: &Attempt,
        request: http::Request<Vec<u8>>,
    ) -> Taken<Exchanged> {
        let model = attempt.model();
        let target = self.target(settings, model).ok().filter(|target| target.endpoint.covers(request.uri()));
        let is_messages = |target: &Target| target.endpoint.takes_messages(request.method(), request.uri());
        let is_messages = target.as_deref().is_some_and(is_messages);
        let begun = target.as_deref().filter(|_| is_messages).map(|target| self.begin(call, attempt, &target.endpoint));
        let (begun, mut planned) = (begun.flatten(), None);
        let (request, notes, plan) = match target {
            Some(target) => {
                let endpoint = &target.endpoint;
                let builder = RequestBuilder::for_selection(endpoint, attempt.selection());
                let builder = call.set_up(builder, &settings.config, (model, endpoint.kind()), begun.as_ref());
                let (goes_on, mut notes) = (builder.goes_on(), builder.notes());
                let (request, plan) = builder.authenticate_planned(request)?;
                let (plan, layout) = plan.unzip();
                notes.extend(plan.as_ref().and_then(nothing_cached));
                let continued = plan.as_ref().and_then(BreakpointPlan::continued);
                planned = begun.filter(|_| goes_on).map(|begun| begun.planned(continued, layout.flatten()));
                (request, notes, plan)
            }
            None => (attempt.selection().authenticate(request)?, Vec::new(), None),
        };
        let (mut parts, body) = request.into_parts();
        // The client chooses the version and the headers of the connection.
        parts.version = http::Version::default();
        remove_connection_headers(&mut parts.headers);
        let (host, direct) = (parts.uri.host().unwrap_or_default().to_owned(), is_direct(&parts.uri));
        let sent = Sent::new(body);
        let request = reqwest::Request::try_from(http::Request::from_parts(parts, sent.body.clone()))
            .map_err(|_| Failure::from(TransportError::Request))?;
        let (response, body) = self.exchange_at(attempt, (&host, direct), is_messages, request).await?;
        Ok(self.taken(response, body, notes, sent, plan, planned))
    }

    /// Begins a request of a session, if the call is part of one.
    fn begin(&self, call: &Call, attempt: &Attempt, endpoint: &Endpoint) -> Option<Begun> {
        let place = Place {
            session: Arc::clone(call.session_key()?),
            profile: attempt.profile().clone(),
            model: attempt.model().clone(),
            url: endpoint.uri().to_string(),
        };
        self.0.sessions.begin(place, self.0.clock.now(), call.previous_body())
    }

    /// Returns the result of an answered attempt. The server has accepted its request, which is thus the last
    /// one of its conversation.
    fn taken(
        &self,
        response: reqwest::Response,
        body: Option<Bytes>,
        notes: Vec<Diagnostic>,
        sent: Sent,
        plan: Option<BreakpointPlan>,
        planned: Option<Planned>,
    ) -> (Exchanged, Option<StatusCode>, bool) {
        if let Some(planned) = planned {
            self.0.sessions.remember(planned, sent.body.clone(), sent.held);
        }
        let (status, complete) = (response.status(), body.is_some());
        (Exchanged { response, body, notes, sent: sent.body, plan }, Some(status), complete)
    }
}
