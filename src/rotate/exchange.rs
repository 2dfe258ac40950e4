//! One request and its answer.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};

use super::rotator::Rotator;
use crate::failure::{Failure, FailureClassifier, TransportError};
use crate::id::ModelRef;
use crate::net::{MAX_EVENT, is_direct};
use crate::request::PreparedRequest;

/// More of an error's body than this is not read, in bytes: the classifier would not parse it.
const MAX_ERROR: usize = MAX_EVENT;

/// What came over the wire.
pub(super) enum Answer {
    Whole(reqwest::Response),
    Stream(reqwest::Response),
    Failed { failure: Failure, status: Option<StatusCode> },
}

impl Rotator {
    /// One request and its answer.
    pub(super) async fn exchange(&self, model: &ModelRef, request: PreparedRequest) -> Answer {
        let client = if is_direct(request.uri()) { &self.0.direct } else { &self.0.client };
        let failed = |failure| Answer::Failed { failure, status: None };
        let Ok(request) = reqwest::Request::try_from(request) else { return failed(TransportError::Request.into()) };
        let mut response = match client.execute(request).await {
            Ok(response) => response,
            Err(error) => return failed(Failure::from(&error)),
        };
        let status = response.status();
        if status.is_redirection() {
            return Answer::Failed { failure: TransportError::Redirect.into(), status: Some(status) };
        }
        if status.is_success() && is_event_stream(response.headers()) {
            return Answer::Stream(response);
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
            Some(failure) => Answer::Failed { failure, status: Some(status) },
            None => Answer::Whole(whole(&response, body)),
        }
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
}

/// The response with the body that was read from it.
fn whole(response: &reqwest::Response, body: Vec<u8>) -> reqwest::Response {
    let mut complete = http::Response::new(body);
    *complete.status_mut() = response.status();
    *complete.version_mut() = response.version();
    *complete.headers_mut() = response.headers().clone();
    complete.into()
}
