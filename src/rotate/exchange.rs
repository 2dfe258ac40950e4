//! One request and its answer.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::rotator::Rotator;
use super::target::Target;
use crate::failure::{Failure, FailureClassifier, TransportError};
use crate::id::ModelRef;
use crate::net::MAX_EVENT;
use crate::request::PreparedRequest;
use crate::rotation::AttemptError;

/// More of an error's body than this is not read, in bytes: the classifier would not parse it.
const MAX_ERROR: usize = MAX_EVENT;

impl Rotator {
    /// One request and its answer: a whole one with its body, or a stream of which the head is in.
    pub(super) async fn exchange(
        &self,
        model: &ModelRef,
        target: &Target,
        request: PreparedRequest,
    ) -> Result<(reqwest::Response, Option<Vec<u8>>), AttemptError> {
        let client = if target.is_direct { &self.0.direct } else { &self.0.client };
        let request = target.request(request).ok_or_else(|| Failure::from(TransportError::Request))?;
        let mut response = client.execute(request).await.map_err(|error| Failure::from(&error))?;
        let status = response.status();
        if status.is_redirection() {
            return Err(AttemptError::failed(TransportError::Redirect.into(), Some(status)));
        }
        if status.is_success() && is_event_stream(response.headers()) {
            return Ok((response, None));
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
        let classify = || classifier.response(status, response.headers(), &body, self.0.clock.now());
        let failure = if status.is_success() && !may_tell_an_error(&body) { None } else { classify() };
        // An error that came through counts more than a connection that broke after it.
        match failure.or(broken) {
            Some(failure) => Err(AttemptError::failed(failure, Some(status))),
            None => Ok((response, Some(body))),
        }
    }
}

/// Whether a body that came with a success is worth parsing: no error in it goes without one of the first two words, which
/// may have escapes in them.
fn may_tell_an_error(body: &[u8]) -> bool {
    ["error", "failed", "\\u"].iter().any(|word| memchr::memmem::find(body, word.as_bytes()).is_some())
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
}

#[cfg(test)]
mod tests {
    use super::may_tell_an_error;

    #[test]
    fn every_form_of_error_is_parsed_and_an_answer_is_not() {
        for error in [
            r#"{"error":{"type":"overloaded_error"}}"#,
            r#"{"type":"response.failed"}"#,
            r#"{"\u0065rror":"no"}"#,
            "event: error\ndata: no\n\n",
        ] {
            assert!(may_tell_an_error(error.as_bytes()), "{error}");
        }
        assert!(!may_tell_an_error(br#"{"type":"message","content":[{"type":"text","text":"Hi \"you\""}]}"#));
    }
}
