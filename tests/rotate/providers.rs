//! Calls over the models of several providers, each with its own API.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where something is wrong")]
#![cfg(feature = "client")]

use std::sync::Mutex;
use std::time::Duration;

use provider_auth::failure::RetryBackoff;
use provider_auth::{CacheRetention, Call, Error, ErrorKind, Failure, FailureReason, ModelRef};
use serde_json::{Value, json};

use crate::support::rotation::{Rig, reasons};
use crate::support::server::{Act, Asked, Server};

const OPUS: &str = "anthropic/claude-opus-4-5";
const GPT: &str = "openai/gpt-5";

fn model(name: &str) -> ModelRef {
    name.parse().unwrap()
}

/// Two keys of one provider and one of another.
fn keys() -> Value {
    let key = |provider: &str, key: &str| json!({"type": "api_key", "provider": provider, "key": key});
    json!({"version": 1, "profiles": {
        "anthropic:a": key("anthropic", "key-a"), "anthropic:b": key("anthropic", "key-b"), "openai:c": key("openai", "key-c"),
    }})
}

/// A call that says the same to both: a message, or a chat completion.
fn call(url: &str) -> Call {
    let url = url.to_owned();
    Call::new(model(OPUS)).fallbacks(vec![model(GPT)]).requests(move |model| {
        let path = if model.provider().as_str() == "anthropic" { "v1/messages" } else { "v1/chat/completions" };
        let body = json!({"model": model.model(), "messages": [{"role": "user", "content": "Hello"}]}).to_string();
        let request = http::Request::post(format!("{}/{path}", url.trim_end_matches('/')));
        Ok(request.header("content-type", "application/json").body(body.into_bytes()).unwrap())
    })
}

fn rig(server: Server) -> Rig {
    rig_within(Duration::from_secs(20), server)
}

/// The same with another limit for each attempt.
fn rig_within(limit: Duration, server: Server) -> Rig {
    Rig::with(server, &keys(), |builder| {
        let mut backoff = RetryBackoff::default();
        backoff.first = Duration::ZERO;
        builder.retries(1).backoff(backoff).attempt_timeout(limit)
    })
}

fn openai(status: u16, error: &Value) -> Act {
    Act::json(status, json!({"error": error}).to_string())
}

#[tokio::test]
async fn a_call_goes_on_with_the_model_of_another_provider() {
    let server = Server::start(|asked: &Asked| match (asked.path.as_str(), asked.key()) {
        ("/v1/messages", "key-a") => Act::error(429, "rate_limit_error", "Rate limited."),
        ("/v1/messages", _) => Act::error(401, "authentication_error", "invalid x-api-key"),
        _ => {
            Act::json(200, json!({"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}).to_string())
        }
    });
    let rig = rig(server);
    let reply = rig.rotator.send(&call(&rig.server.url())).await.unwrap();
    assert_eq!(reply.profile().as_str(), "openai:c");
    assert_eq!(reasons(reply.attempts()), [Some(FailureReason::RateLimit), Some(FailureReason::Auth), None]);
    let asked = rig.server.asked();
    let sent: Vec<_> =
        asked.iter().map(|asked| (asked.header("x-api-key"), asked.header("authorization"), asked.model())).collect();
    assert_eq!(
        sent,
        [
            (Some("key-a"), None, "claude-opus-4-5".to_owned()),
            (Some("key-b"), None, "claude-opus-4-5".to_owned()),
            (None, Some("Bearer key-c"), "gpt-5".to_owned()),
        ]
    );
    assert_eq!((rig.count("a", FailureReason::RateLimit), rig.count("b", FailureReason::Auth)), (1, 1));
    assert_eq!(rig.count("a", FailureReason::Auth), 0);
}

#[tokio::test]
async fn a_message_among_the_callers_requests_gets_its_breakpoints_and_no_other_body_does() {
    let rig = rig(Server::start(|asked: &Asked| match asked.path.as_str() {
        "/v1/messages" => Act::error(429, "rate_limit_error", "Rate limited."),
        _ => Act::json(200, json!({"choices": [{"finish_reason": "stop"}]}).to_string()),
    }));
    rig.rotator.send(&call(&rig.server.url())).await.unwrap();
    let asked = rig.server.asked();
    let marked: Vec<_> =
        asked.iter().map(|asked| (asked.path.as_str(), asked.body.matches("cache_control").count())).collect();
    let (messages, chat) = ("/v1/messages", "/v1/chat/completions");
    assert_eq!(marked, [(messages, 1), (messages, 1), (chat, 0)]);
    assert_eq!(asked[0].header("anthropic-version"), Some("2023-06-01"));
    assert_eq!((asked[2].header("anthropic-version"), asked[2].header("anthropic-beta")), (None, None));

    // Nothing is marked that the call asks not to be.
    rig.clock.advance(Duration::from_secs(3600));
    rig.rotator.send(&call(&rig.server.url()).retention(CacheRetention::None)).await.unwrap();
    let asked = rig.server.asked();
    assert_eq!((asked[3].path.as_str(), asked[3].body.contains("cache_control")), (messages, false));
}

#[tokio::test]
async fn each_failure_of_an_agent_loop_over_two_providers_is_read_in_its_own_dialect() {
    // Anthropic: two overloads, then a bad key; OpenAI: no answer in time, then an empty purse.
    let acts = [
        Act::error(529, "overloaded_error", "Overloaded"),
        Act::error(529, "overloaded_error", "Overloaded"),
        Act::error(401, "authentication_error", "invalid x-api-key"),
        Act::hang(),
    ];
    let acts = Mutex::new(acts.into_iter());
    let server = Server::start(move |_| {
        let broke = json!({"message": "You exceeded your current quota", "type": "insufficient_quota", "code": "insufficient_quota"});
        acts.lock().unwrap().next().unwrap_or_else(|| openai(429, &broke))
    });
    let rig = rig_within(Duration::from_secs(1), server);
    let failure = rig.rotator.send(&call(&rig.server.url())).await.unwrap_err();
    assert_eq!(
        reasons(failure.attempts()),
        [
            Some(FailureReason::Overloaded),
            Some(FailureReason::Overloaded),
            Some(FailureReason::Auth),
            Some(FailureReason::Timeout),
        ]
    );
    // The single key of the other provider rests for this model; the next call finds its purse empty.
    rig.clock.advance(Duration::from_secs(60));
    let failure = rig.rotator.send(&call(&rig.server.url())).await.unwrap_err();
    assert_eq!(failure.attempts().last().unwrap().reason(), Some(FailureReason::Billing));
}

#[tokio::test]
async fn a_request_that_the_caller_cannot_make_ends_the_call_before_anything_is_sent() {
    let rig = rig(Server::script(vec![Act::message("Hello")]));
    let before = rig.text();
    let call = Call::new(model(OPUS)).requests(|_| Err(Error::from(Failure::new(FailureReason::Format))));
    let failure = rig.rotator.send(&call).await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::RequestRefused);
    assert_eq!((rig.server.asked().len(), rig.text()), (0, before.clone()));
    // A credential goes nowhere in the clear.
    let plain =
        Call::new(model(OPUS)).requests(|_| Ok(http::Request::post("http://llm.example/v1").body(Vec::new()).unwrap()));
    assert_eq!(rig.rotator.send(&plain).await.unwrap_err().kind(), ErrorKind::InsecureTransport);
    assert_eq!(rig.text(), before);
}
