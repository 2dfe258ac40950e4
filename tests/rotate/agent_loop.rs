//! An agent's loop over two providers and three keys that meets everything that can go wrong before an answer.

#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]
#![cfg(feature = "client")]

use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use provider_auth::failure::{RetryBackoff, TransportError};
use provider_auth::{AuthProfileStore as _, Call, ErrorKind, Failure, FailureReason, Reply};
use serde_json::{Value, json};

use crate::support::rotation::{Rig, after};
use crate::support::server::{Act, Server};

const START: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":1,\"cache_read_input_tokens\":9}}}\n\n";
const STOP: &str = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

/// A word of an answer of the Messages API.
fn word(text: &str) -> String {
    let delta = json!({"type": "content_block_delta", "delta": {"type": "text_delta", "text": text}});
    format!("event: content_block_delta\ndata: {delta}\n\n")
}

/// A word of a chat completion.
fn chunk(text: &str) -> String {
    format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]}))
}

/// What the server does, request by request. The ninth request goes where nobody listens.
fn script() -> Vec<Act> {
    let overloaded = Act::error(529, "overloaded_error", "Overloaded");
    let limited = json!({"error": {"type": "rate_limit_error", "code": "rate_limit_exceeded", "message": "Slow down"}});
    vec![
        Act::error(429, "rate_limit_error", "Rate limited."),
        overloaded.clone(),
        overloaded,
        Act::stream(&[START, &word("Let me "), &word("look."), STOP]),
        Act::error(401, "authentication_error", "invalid x-api-key"),
        Act::broken_stream(&[&chunk("It")]),
        Act::stream(&[&chunk("It"), &chunk(" is"), &format!("data: {limited}\n\n")]),
        Act::hang(),
        Act::stream(&[START, &word("It is "), &word("done."), STOP]),
    ]
}

const REFUSED: usize = 8;

/// The same question for both providers, as only the agent can put it.
fn call(server: &str) -> Call {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (server, closed, made) = (server.to_owned(), format!("http://{closed}"), AtomicUsize::new(0));
    let fallback = "openai/gpt-5".parse().unwrap();
    Call::new("anthropic/claude-opus-4-5".parse().unwrap()).fallbacks(vec![fallback]).requests(move |model| {
        let base = if made.fetch_add(1, Ordering::Relaxed) == REFUSED { &closed } else { &server };
        let path = if model.provider().as_str() == "anthropic" { "messages" } else { "chat/completions" };
        let body =
            json!({"model": model.model(), "stream": true, "messages": [{"role": "user", "content": "Is it done?"}]});
        let request = http::Request::post(format!("{base}/v1/{path}")).header("content-type", "application/json");
        Ok(request.body(body.to_string().into_bytes()).unwrap())
    })
}

fn rig() -> Rig {
    let key = |provider: &str, key: &str| json!({"type": "api_key", "provider": provider, "key": key});
    let document = json!({"version": 1, "profiles": {
        "anthropic:a": key("anthropic", "key-a"), "anthropic:b": key("anthropic", "key-b"), "openai:c": key("openai", "key-c"),
    }});
    Rig::with(Server::script(script()), &document, |builder| {
        let mut backoff = RetryBackoff::default();
        backoff.first = Duration::ZERO;
        builder.retries(2).backoff(backoff).attempt_timeout(Duration::from_secs(1))
    })
}

/// The words of an answer, and how it ended.
async fn read(reply: &mut Reply) -> (String, Option<ErrorKind>) {
    let mut text = String::new();
    loop {
        match reply.event().await {
            Ok(Some(event)) => {
                let data: Value = serde_json::from_str(&event.data).unwrap();
                let words = data.pointer("/delta/text").or(data.pointer("/choices/0/delta/content"));
                text.push_str(words.and_then(Value::as_str).unwrap_or_default());
            }
            Ok(None) => return (text, None),
            Err(error) => return (text, Some(error.kind())),
        }
    }
}

/// What is kept of a profile: the end of its window and the last success, in seconds from the start, and its failures.
type Kept = (Option<i64>, Option<i64>, Vec<(FailureReason, f64)>);

fn kept(rig: &Rig, profile: &str) -> Kept {
    let usage = rig.store.load().unwrap().usage(profile).cloned().unwrap_or_default();
    let counts = FailureReason::all().map(|reason| (reason, usage.failure_count(reason)));
    let counts = counts.filter(|(_, count)| *count != 0.0).collect();
    (after(usage.cooldown_until().or(usage.disabled_until())), after(usage.last_used()), counts)
}

#[tokio::test]
async fn an_agent_gets_its_answer_and_every_attempt_leaves_what_it_should() {
    use FailureReason::{Auth, Network, RateLimit, Timeout};
    let rig = rig();
    let call = call(&rig.server.url());
    let untouched: Kept = (None, None, Vec::new());

    // The first turn: a limit, two overloads, an answer.
    let mut reply = rig.rotator.send(&call).await.unwrap();
    assert_eq!(read(&mut reply).await, ("Let me look.".to_owned(), None));
    assert_eq!(
        lines(&reply),
        [
            "anthropic:a for anthropic/claude-opus-4-5: rate_limit, status 429, 0 ms",
            "anthropic:b for anthropic/claude-opus-4-5: overloaded, status 529, 0 ms",
            "anthropic:b for anthropic/claude-opus-4-5: overloaded, status 529, 0 ms",
            "anthropic:b for anthropic/claude-opus-4-5: ok, status 200, 0 ms",
        ]
    );
    assert!(reply.is_complete() && reply.failure().is_none());
    assert_eq!(kept(&rig, "anthropic:a"), (Some(30), None, vec![(RateLimit, 1.0)]));
    // An overload is the provider's: nothing but the success is kept.
    assert_eq!(kept(&rig, "anthropic:b"), (None, Some(0), Vec::new()));
    assert_eq!(kept(&rig, "openai:c"), untouched);

    // The second turn: a key that is refused, and the other provider, whose stream breaks.
    rig.seconds(1);
    let mut reply = rig.rotator.send(&call).await.unwrap();
    assert_eq!(read(&mut reply).await, ("It".to_owned(), Some(ErrorKind::Unreachable)));
    assert_eq!(
        lines(&reply),
        [
            "anthropic:b for anthropic/claude-opus-4-5: auth, status 401, 0 ms",
            "openai:c for openai/gpt-5: network, status 200, 0 ms",
        ]
    );
    assert!(!reply.is_complete() && !reply.receipt().is_reported());
    assert_eq!(reply.failure().map(Failure::reason), Some(Network));
    assert_eq!(reply.failure().and_then(Failure::transport), Some(TransportError::Body));
    assert_eq!(kept(&rig, "anthropic:b"), (Some(31), Some(0), vec![(Auth, 1.0)]));
    assert_eq!(kept(&rig, "openai:c"), untouched, "a way that breaks blames nobody");

    // Once more: the stream tells of an error. What was read of it is no answer.
    let mut reply = rig.rotator.send(&call).await.unwrap();
    assert_eq!(read(&mut reply).await, ("It is".to_owned(), Some(ErrorKind::RateLimited)));
    assert_eq!(lines(&reply), ["openai:c for openai/gpt-5: rate_limit, status 200, 0 ms"]);
    assert!(!reply.is_complete() && reply.receipt().is_reported());
    assert_eq!(reply.failure().map(Failure::reason), Some(RateLimit));
    assert_eq!(kept(&rig, "openai:c"), (Some(31), None, vec![(RateLimit, 1.0)]));

    // Nobody is left: the agent is told when to come back, and sends nothing.
    let asked = rig.server.asked().len();
    let refused = rig.rotator.send(&call).await.unwrap_err();
    assert_eq!((refused.kind(), after(refused.retry_at())), (ErrorKind::Unavailable, Some(30)));
    assert_eq!((refused.attempts().len(), rig.server.asked().len()), (0, asked));

    // Then: an answer that does not come, a connection that is refused, the answer.
    rig.seconds(30);
    let mut reply = rig.rotator.send(&call).await.unwrap();
    assert_eq!(read(&mut reply).await, ("It is done.".to_owned(), None));
    assert_eq!(
        lines(&reply),
        [
            "anthropic:a for anthropic/claude-opus-4-5: timeout, 0 ms",
            "anthropic:b for anthropic/claude-opus-4-5: network, 0 ms",
            "anthropic:b for anthropic/claude-opus-4-5: ok, status 200, 0 ms",
        ]
    );
    let refused = reply.attempts().iter().filter_map(|attempt| attempt.failure.as_ref()?.transport());
    assert_eq!(refused.collect::<Vec<_>>(), [TransportError::TimedOut, TransportError::Connect]);
    assert!(reply.is_complete() && reply.failure().is_none() && reply.unrecorded().is_none());
    assert_eq!((reply.usage().total(), reply.usage().hit_ratio()), (10, Some(0.9)));
    assert_eq!(kept(&rig, "anthropic:a"), (Some(61), None, vec![(Timeout, 1.0), (RateLimit, 1.0)]));
    assert_eq!(kept(&rig, "anthropic:b"), (None, Some(31), Vec::new()), "a success ends what came before it");
    assert_eq!(kept(&rig, "openai:c"), (Some(31), None, vec![(RateLimit, 1.0)]));
    assert_eq!(rig.server.keys(), ["key-a", "key-b", "key-b", "key-b", "key-b", "key-c", "key-c", "key-a", "key-b"]);
}

/// What an agent asks again because the answer stopped in the middle is answered with the other key.
#[tokio::test]
async fn an_answer_that_stalls_is_a_timeout_and_the_next_turn_is_answered() {
    let acts = vec![
        Act::stream(&[START, &word("Let "), &word("me")]).paced(Duration::from_secs(3)),
        Act::stream(&[START, &word("It is done."), STOP]),
    ];
    let rig = Rig::with(Server::script(acts), &crate::support::rotation::keys(&["a", "b"]), |builder| {
        builder.client(|| reqwest::Client::builder().read_timeout(Duration::from_millis(500)))
    });
    let call = crate::support::rotation::call("anthropic/claude-opus-4-5");
    let mut reply = rig.rotator.send(&call).await.unwrap();
    assert_eq!(read(&mut reply).await, (String::new(), Some(ErrorKind::ProviderFailed)));
    assert_eq!(reply.failure().and_then(Failure::transport), Some(TransportError::TimedOut));
    assert_eq!(kept(&rig, "anthropic:a"), (Some(30), None, vec![(FailureReason::Timeout, 1.0)]));
    let mut reply = rig.rotator.send(&call).await.unwrap();
    assert_eq!(read(&mut reply).await, ("It is done.".to_owned(), None));
    assert_eq!(rig.server.keys(), ["key-a", "key-b"]);
}

fn lines(reply: &Reply) -> Vec<String> {
    reply.attempts().iter().map(ToString::to_string).collect()
}
