//! Answers that look complete and are not.

#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]
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
