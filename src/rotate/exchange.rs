//! One request and its answer.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::rotator::Rotator;
use crate::failure::{Failure, FailureClassifier, TransportError};
use crate::id::ModelRef;
use crate::net::{MAX_EVENT, is_direct};
use crate::request::PreparedRequest;
use crate::rotation::AttemptError;

/// More of an error's body than this is not read, in bytes: the classifier would not parse it.
const MAX_ERROR: usize = MAX_EVENT;

impl Rotator {
    /// One request and its answer: a whole one, or a stream of which the head is in.
    pub(super) async fn exchange(
        &self,
        model: &ModelRef,
        request: PreparedRequest,
    ) -> Result<(reqwest::Response, bool), AttemptError> {
        let client = if is_direct(request.uri()) { &self.0.direct } else { &self.0.client };
        let host = request.uri().host().unwrap_or_default().to_owned();
        let request = reqwest::Request::try_from(request).map_err(|_| Failure::from(TransportError::Request))?;
        let mut response = client.execute(request).await.map_err(|error| Failure::from(&error).with_host(&host))?;
        let status = response.status();
        if status.is_redirection() {
            return Err(AttemptError::failed(TransportError::Redirect.into(), Some(status)));
        }
        if status.is_success() && is_event_stream(response.headers()) {
            return Ok((response, true));
        }
        let mut body = Vec::new();
        let broken = loop {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break None,
                Err(error) => break Some(Failure::from(&error)),
            }
            if !status.is_success() && body.len() > MAX_ERROR {
                break None;
            }
        };
        let classifier = FailureClassifier::new(model.provider());
        let failure = classifier.response(status, response.headers(), &body, self.0.clock.now());
        // An error that came through counts more than a connection that broke after it.
        match failure.or(broken) {
            Some(failure) => Err(AttemptError::failed(failure.with_host(&host), Some(status))),
            None => Ok((whole(response, body), false)),
        }
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
}

/// The response with the body that was read from it.
fn whole(response: reqwest::Response, body: Vec<u8>) -> reqwest::Response {
    http::Response::from(response).map(|_: reqwest::Body| body).into()
}
