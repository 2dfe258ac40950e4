//! One request and its answer.

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::bound::Bound;
use super::rotator::Rotator;
use super::target::Target;
use crate::failure::{Failure, FailureClassifier, TransportError};
use crate::id::ModelRef;
use crate::net::MAX_EVENT;
use crate::request::PreparedRequest;
use crate::rotation::{AttemptError, ErrorResponse};

/// More of an error's body than this is not read, in bytes: the classifier would not parse it.
const MAX_ERROR: usize = MAX_EVENT;

impl Rotator {
    /// One request and its answer: a whole one with its body, or a stream of which the head is in.
    pub(super) async fn exchange(
        &self,
        model: &ModelRef,
        target: &Target,
        request: PreparedRequest,
    ) -> Result<(reqwest::Response, Option<Bytes>), AttemptError> {
        let host = target.endpoint.uri().host().unwrap_or_default();
        let request = target.request(request).ok_or_else(|| Failure::from(TransportError::Request))?;
        self.exchange_at(model, host, target.is_direct, request).await
    }

    /// As [`exchange`](Self::exchange), for a request to any host. `is_direct` says that it goes without a proxy.
    pub(super) async fn exchange_at(
        &self,
        model: &ModelRef,
        host: &str,
        is_direct: bool,
        request: reqwest::Request,
    ) -> Result<(reqwest::Response, Option<Bytes>), AttemptError> {
        let client = if is_direct { &self.0.direct } else { &self.0.client };
        let mut response = client.execute(request).await.map_err(|error| Failure::from(&error).with_host(host))?;
        let status = response.status();
        if status.is_redirection() {
            return Err(kept(Failure::from(TransportError::Redirect).into(), &mut response, &[]));
        }
        if status.is_success() && is_event_stream(response.headers()) {
            return Ok((response, None));
        }
        let (mut body, mut bound) = (Vec::new(), Bound::new(self.0.max_body));
        let broken = loop {
            match response.chunk().await {
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
        let classifier = FailureClassifier::new(model.provider()).with_model(model.model());
        let failure = classifier.response(status, response.headers(), &body, self.0.clock.now());
        // An error that came through counts more than a connection that broke after it.
        match failure.or(broken) {
            Some(failure) => Err(kept(failure.with_host(host).into(), &mut response, &body)),
            None => Ok((response, Some(body.into()))),
        }
    }
}

/// The error with the answer it was read from.
fn kept(error: AttemptError, response: &mut reqwest::Response, body: &[u8]) -> AttemptError {
    let headers = std::mem::take(response.headers_mut());
    error.with_response(ErrorResponse::new(response.status(), headers, body))
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
}
