//! The failure of a call for its caller: the last answer, and when to call again.

#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]
#![cfg(feature = "client")]

use http::{HeaderMap, StatusCode};
use provider_auth::failure::TransportError;
use provider_auth::rotation::{AttemptError, ErrorResponse};
use provider_auth::{ErrorKind, Failure, FailureReason, SendFailure};

use crate::support::rotation::{OPUS, Rig, after, call, keys};
use crate::support::server::{Act, Server};

async fn failed(acts: Vec<Act>, names: &[&str]) -> SendFailure {
    Rig::new(Server::script(acts), &keys(names)).send(OPUS).await.unwrap_err()
}

fn overloaded() -> Act {
    Act::error(529, "overloaded_error", "hunter-prompt")
}

/// Seconds from the call to the moment of another one.
fn retry(failure: &SendFailure) -> Option<i64> {
    after(failure.retry_at())
}

#[tokio::test]
async fn the_last_answer_is_kept_and_not_shown() {
    let limited = Act::error(429, "rate_limit_error", "Slow down").header("retry-after", "9");
    let failure = failed(vec![limited, overloaded().header("x-trace", "hunter-trace")], &["a", "b"]).await;
    assert_eq!((failure.attempts().len(), failure.kind()), (2, ErrorKind::ProviderFailed));
    let response = failure.response().unwrap();
    assert_eq!((response.status().as_u16(), response.headers()["x-trace"].to_str().unwrap()), (529, "hunter-trace"));
    assert!(String::from_utf8_lossy(response.unredacted_body()).contains("hunter-prompt"));
    let shown = format!("{failure} {failure:?} {response:?}");
    assert!(!shown.contains("hunter") && shown.contains("ErrorResponse { status: 529"), "{shown}");

    // An error under a success status, one without end, one that breaks off, a redirect.
    let inside = Act::json(200, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#);
    let endless = Act::json(500, "").endless(&"x".repeat(64 << 10));
    for (act, status, length) in [
        (inside, 200, 75),
        (endless, 500, ErrorResponse::MAX_BODY),
        (Act::broken(200, "{\"type\":"), 200, 8),
        (Act::json(302, "hunter").header("location", "http://127.0.0.1:1/"), 302, 0),
    ] {
        let failure = failed(vec![act], &["a"]).await;
        let response = failure.response().unwrap();
        assert_eq!((response.status().as_u16(), response.unredacted_body().len()), (status, length));
        assert_eq!(failure.attempts()[0].status, Some(response.status()));
    }
    // No answer is none, also after one.
    assert!(failed(vec![Act::drop()], &["a"]).await.response().is_none());
    let limited = Act::error(429, "rate_limit_error", "Slow down");
    assert!(failed(vec![limited, Act::drop()], &["a", "b"]).await.response().is_none());
}

#[tokio::test]
async fn a_client_of_ones_own_can_keep_it_too() {
    let rig = Rig::new(Server::script(vec![overloaded()]), &keys(&["a"]));
    let mut headers = HeaderMap::new();
    headers.insert("x-trace", "7".parse().unwrap());
    let answer = ErrorResponse::new(StatusCode::CONFLICT, headers, &vec![b'x'; 300 << 10]);
    let call = call(OPUS);
    let run = rig.rotator.run(&call, |_| {
        let error = AttemptError::from(Failure::new(FailureReason::ServerError)).with_response(answer.clone());
        async { Err::<(), _>(error) }
    });
    let failure = run.await.unwrap_err();
    assert_eq!(failure.attempts()[0].status, Some(StatusCode::CONFLICT));
    assert_eq!(failure.response(), Some(&answer));
    assert_eq!(answer.unredacted_body().len(), 256 << 10);
    assert!(rig.server.asked().is_empty());
}

#[tokio::test]
async fn a_failure_that_passes_says_when_to_come_back() {
    let told = |act: Act| act.header("retry-after", "40");
    let limited = || Act::error(429, "rate_limit_error", "Slow down");
    for (act, expected) in [
        // Nobody rests: one more pause of half a second, or what the server says.
        (overloaded(), Some(0)),
        (told(overloaded()), Some(40)),
        (Act::drop(), Some(0)),
        // The profile rests.
        (told(limited()), Some(40)),
        (limited(), Some(30)),
        // Waiting does not help.
        (overloaded().header("x-should-retry", "false"), None),
        (Act::error(400, "invalid_request_error", "no such field"), None),
        (Act::json(302, "").header("location", "/"), None),
    ] {
        let failure = failed(vec![act.clone()], &["a"]).await;
        assert_eq!(retry(&failure), expected, "{act:?} {failure:?}");
    }
    let rig = Rig::new(Server::script(vec![overloaded()]), &keys(&["a"]));
    let now = provider_auth::Clock::now(&rig.clock);
    let at = rig.send(OPUS).await.unwrap_err().retry_at().unwrap();
    let pause = at.saturating_since(now).as_millis();
    assert!((375..=500).contains(&pause), "{pause} ms");
    let failure = failed(vec![Act::drop()], &["a"]).await;
    assert_eq!(failure.failure().and_then(Failure::transport), Some(TransportError::Reset));
}
