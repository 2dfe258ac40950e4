//! One request and its answer.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use reqwest::ResponseBuilderExt as _;
use tokio::time::{Instant, timeout_at};

use super::bound::Bound;
use super::form::{Form, form_of, is_event_stream};
use super::rotator::Rotator;
use super::stream::Watch;
use super::target::Target;
use crate::failure::{Failure, FailureClassifier, TransportError, is_plain_answer};
use crate::net::{MAX_EVENT, execute};
use crate::rotation::{Attempt, AttemptError, ErrorResponse};

/// The maximum length of an error's body, in bytes: the classifier would not parse more.
const MAX_ERROR: usize = MAX_EVENT;
/// The time limit for the body of an error: its head is the most important part, and another profile may answer
/// meanwhile.
const ERROR_BODY: Duration = Duration::from_secs(10);

impl Rotator {
    /// Sends one request and returns its answer: a complete one with its body, or a stream whose head has arrived.
    pub(super) async fn exchange(
        &self,
        attempt: &Attempt,
        target: &Target,
        request: reqwest::Request,
    ) -> Result<(reqwest::Response, Option<Bytes>), AttemptError> {
        let host = target.endpoint.host();
        self.exchange_at(attempt, (host, target.is_direct), true, request).await
    }

    /// Does the same as [`exchange`](Self::exchange) for a request to any host. `is_direct` bypasses proxies;
    /// `is_messages` marks a request of the Messages API.
    pub(super) async fn exchange_at(
        &self,
        attempt: &Attempt,
        (host, is_direct): (&str, bool),
        is_messages: bool,
        request: reqwest::Request,
    ) -> Result<(reqwest::Response, Option<Bytes>), AttemptError> {
        let (model, limit) = (attempt.model(), attempt.timeout());
        let has_body = request.method() != Method::HEAD;
        let client = if is_direct { &self.0.direct } else { &self.0.client };
        let begun = Instant::now();
        let mut response = execute(client, request).await.map_err(|error| {
            error.as_ref().map_or_else(|| TransportError::Dns.into(), Failure::from).with_host(host)
        })?;
        attempt.observe(response.headers(), self.0.clock.now());
        let status = response.status();
        if status.is_redirection() {
            let failure = Failure::from(TransportError::Redirect).with_host(host);
            return Err(kept(failure.into(), &mut response, &[]));
        }
        if status.is_success() && is_event_stream(response.headers()) {
            return Ok((response, None));
        }
        let (mut body, mut bound) = (Vec::new(), Bound::new(self.0.max_body));
        // A slow error body must end before the attempt does, or the error would be lost.
        let error_ends = Instant::now() + ERROR_BODY.min(limit.saturating_sub(begun.elapsed()) / 2);
        let broken = loop {
            let chunk = if status.is_success() {
                response.chunk().await
            } else if let Ok(chunk) = timeout_at(error_ends, response.chunk()).await {
                chunk
            } else {
                break None;
            };
            match chunk {
                Ok(Some(chunk)) => {
                    if status.is_success() {
                        let taken = bound.take(&chunk).map_err(AttemptError::unread);
                        taken.map_err(|error| kept(error, &mut response, &[]))?;
                    }
                    body.extend_from_slice(&chunk);
                }
                Ok(None) => break None,
                Err(error) => break Some(Failure::from(&error)),
            }
            if !status.is_success() && body.len() > MAX_ERROR {
                break None;
            }
        };
        let (classifier, now) =
            (|| FailureClassifier::new(model.provider()).with_model(model.model()), self.0.clock.now());
        let is_plain = is_plain_answer(status, &body);
        let failure = if is_plain { None } else { classifier().response(status, response.headers(), &body, now) };
        // An error that was received takes precedence over a connection that broke after it.
        if let Some(failure) = failure.or(broken) {
            return Err(kept(failure.with_host(host).into(), &mut response, &body));
        }
        let form = if has_body { form_of(status, response.headers(), &body, is_messages) } else { Form::Whole };
        let error = match form {
            Form::Whole => return Ok((response, Some(body.into()))),
            Form::Events if Watch::new(classifier(), self.0.max_body).sees_the_end(&body, now) => {
                return Ok((with_body(response, body.into()), None));
            }
            Form::Events | Form::Cut => TransportError::Body,
            Form::Foreign => TransportError::Intercepted,
        };
        Err(kept(Failure::from(error).with_host(host).into(), &mut response, &body))
    }
}

/// Returns the error with the answer from which it was read.
fn kept(error: AttemptError, response: &mut reqwest::Response, body: &[u8]) -> AttemptError {
    let headers = std::mem::take(response.headers_mut());
    error.with_response(ErrorResponse::new(response.status(), headers, body))
}

/// Returns the response with its whole body, which was read before.
pub(super) fn with_body(response: reqwest::Response, body: Bytes) -> reqwest::Response {
    // The client's own conversion drops the URL.
    let url = http::Response::builder().url(response.url().clone()).body(()).map(|known| known.into_parts().0);
    let mut response = http::Response::from(response).map(|_: reqwest::Body| body);
    if let Ok(known) = url {
        response.extensions_mut().extend(known.extensions);
    }
    response.into()
}
