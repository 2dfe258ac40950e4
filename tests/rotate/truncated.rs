//! Answers that look complete but are not.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where something is wrong")]
#![cfg(feature = "client")]

use provider_auth::failure::TransportError;
use provider_auth::{ErrorKind, Failure, FailureReason};

use crate::streams::{DELTA, LIMITED, START, STOP, events, sent};
use crate::support::rotation::{OPUS, Rig, after, keys};
use crate::support::server::{Act, Server};

/// What went wrong on the way of a call that has no answer; nothing is recorded, and no success.
async fn refused(act: Act) -> TransportError {
    let rig = Rig::new(Server::script(vec![act.clone()]), &keys(&["a"]));
    let before = rig.text();
    let failure = rig.send(OPUS).await.map(|reply| format!("{reply:?} {act:?}")).unwrap_err();
    assert_eq!((failure.kind(), rig.text()), (ErrorKind::Unreachable, before), "{act:?}");
    failure.failure().and_then(Failure::transport).unwrap()
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_no_success_whatever_its_type() {
    let (json, text, bytes) = ("application/json", "text/plain", "application/octet-stream");
    let half = "{\"type\":\"message\",\"content\":[{\"te";
    for (kind, pieces) in [
        (json, &[half][..]),
        (json, &[]),
        (bytes, &[half]),
        (text, &[START, DELTA]),
        (bytes, &[START]),
        (json, &[START]),
        ("application/x-ndjson", &["{\"message\":{\"content\":\"hi\"},\"done\":false}\n"]),
    ] {
        assert_eq!(refused(Act::typed(kind, pieces)).await, TransportError::Body, "{kind} {pieces:?}");
    }
    // What stands in the provider's place.
    for (kind, body) in [(text, "OK"), (json, "<html>login</html>")] {
        assert_eq!(refused(Act::typed(kind, &[body])).await, TransportError::Intercepted, "{body}");
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_asked_for_again() {
    let acts = vec![Act::typed("application/json", &["{\"type\":"]), Act::message("Hello")];
    let rig = Rig::with(Server::script(acts), &keys(&["a"]), |builder| {
        let mut backoff = provider_auth::failure::RetryBackoff::default();
        backoff.first = std::time::Duration::ZERO;
        builder.retries(1).backoff(backoff)
    });
    let reply = rig.send(OPUS).await.unwrap();
    assert!(reply.is_complete() && reply.attempts().len() == 2);
}

#[tokio::test]
async fn a_stream_under_another_type_is_read_as_one() {
    for kind in ["text/plain", "application/octet-stream", "application/json"] {
        let (rig, mut reply) = sent(Act::typed(kind, &[START, DELTA, STOP])).await;
        assert!(reply.is_stream() && reply.response().url().as_str().starts_with(&rig.server.url()));
        let (names, error) = events(&mut reply).await;
        assert_eq!((names.len(), error), (3, None), "{kind}");
        assert!(reply.is_complete() && reply.usage().total() == 10 && rig.stats("a").last_used().is_some());
        let (_, reply) = sent(Act::typed(kind, &[START, STOP])).await;
        assert_eq!(reply.into_response().text().await.unwrap(), format!("{START}{STOP}"));
        // An error in it is found before anything is handed over.
        let rig = Rig::new(Server::script(vec![Act::typed(kind, &[START, LIMITED])]), &keys(&["a"]));
        let failure = rig.send(OPUS).await.unwrap_err();
        assert_eq!(failure.failure().map(Failure::reason), Some(FailureReason::RateLimit));
        assert_eq!(after(rig.stats("a").cooldown_until()), Some(30));
    }
}

#[tokio::test]
async fn an_error_without_the_form_of_an_event_is_told_under_the_type_of_a_stream_too() {
    let limited = r#"{"error":{"code":"rate_limit_exceeded","message":"Rate limit reached"}}"#;
    let throttled = r#"{"throttlingException":{"message":"Too many requests"}}"#;
    for act in [
        Act::typed("text/event-stream", &[limited]),
        Act::typed("text/event-stream", &[&format!("data: {throttled}\n\n")]),
        Act::broken_stream(&[limited]),
    ] {
        let (rig, mut reply) = sent(act.clone()).await;
        assert_eq!(events(&mut reply).await, (Vec::new(), Some(ErrorKind::RateLimited)), "{act:?}");
        assert!(!reply.is_complete() && after(rig.stats("a").cooldown_until()) == Some(30));
    }
    let rig = Rig::new(Server::script(vec![Act::json(200, throttled)]), &keys(&["a"]));
    assert_eq!(rig.send(OPUS).await.unwrap_err().kind(), ErrorKind::RateLimited);
}

#[tokio::test]
async fn half_an_error_event_leaves_the_key_as_it_is() {
    let half = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overl";
    for act in [Act::broken_stream(&[START, half]), Act::stream(&[START, half])] {
        let (rig, mut reply) = sent(act).await;
        let before = rig.text();
        assert_eq!(events(&mut reply).await.1, Some(ErrorKind::Unreachable));
        assert_eq!(rig.text(), before);
    }
}

#[tokio::test]
async fn an_answer_that_is_not_streamed_is_read_under_the_type_of_a_stream() {
    let (rig, mut reply) = sent(Act::typed("text/event-stream", &["{\"type\":", "\"message\"}"])).await;
    assert_eq!(reply.json::<serde_json::Value>().await.unwrap()["type"], "message");
    assert!(reply.is_complete() && rig.stats("a").last_used().is_some());
}
