//! The end of a call with more than one model.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where something is wrong")]
#![cfg(feature = "client")]

use provider_auth::{Call, ErrorKind, Failure, FailureReason, ModelRef};
use serde_json::{Value, json};

use crate::support::rotation::{HAIKU, OPUS, Rig, after, call, keys};
use crate::support::server::{Act, Server};

const GPT: &str = "openai/gpt-5";

fn model(name: &str) -> ModelRef {
    name.parse().unwrap()
}

/// A key for each of two providers, whose answers are these.
fn rig(anthropic: Act, openai: Act) -> Rig {
    let mut document: Value = keys(&["a"]);
    document["profiles"]["openai:c"] = json!({"type": "api_key", "provider": "openai", "key": "key-c"});
    let server =
        Server::start(move |asked| if asked.path == "/v1/messages" { anthropic.clone() } else { openai.clone() });
    Rig::new(server, &document)
}

fn both(rig: &Rig) -> Call {
    let url = rig.server.url();
    Call::new(model(OPUS)).fallbacks(vec![model(GPT)]).requests(move |model| {
        let path = if model.provider().as_str() == "anthropic" { "messages" } else { "chat/completions" };
        Ok(http::Request::post(format!("{url}/v1/{path}")).body(b"{\"messages\":[]}".to_vec()).unwrap())
    })
}

fn refused() -> Act {
    Act::json(401, json!({"error": {"code": "invalid_api_key", "message": "no"}}).to_string())
}

#[tokio::test]
async fn the_first_models_failure_counts_most_and_the_others_are_told() {
    let overloaded = Act::error(529, "overloaded_error", "Overloaded").header("x-trace", "first");
    let rig = rig(overloaded, refused());
    let failure = rig.rotator.send(&both(&rig)).await.unwrap_err();
    assert_eq!((failure.kind(), failure.model()), (ErrorKind::ProviderFailed, Some(&model(OPUS))));
    assert_eq!(failure.failure().map(Failure::reason), Some(FailureReason::Overloaded));
    let response = failure.response().unwrap();
    assert_eq!((response.status().as_u16(), response.headers()["x-trace"].to_str().unwrap()), (529, "first"));
    assert!(String::from_utf8_lossy(response.unredacted_body()).contains("Overloaded"));
    assert_eq!(
        failure.to_string(),
        "anthropic/claude-opus-4-5: the provider is overloaded (status 529) (after 2 attempts); \
         openai/gpt-5: the provider did not accept the credential (status 401)"
    );
}

#[tokio::test]
async fn a_provider_that_rests_is_not_mixed_into_the_failure_of_another() {
    let limited = Act::error(429, "rate_limit_error", "Slow down").header("retry-after", "90");
    let rig = rig(limited, Act::json(400, r#"{"error":{"message":"bad field","type":"invalid_request_error"}}"#));
    let failure = rig.rotator.send(&both(&rig)).await.unwrap_err();
    assert_eq!((failure.kind(), failure.attempts().len()), (ErrorKind::RateLimited, 2));
    // Now nothing is asked of the first one.
    let failure = rig.rotator.send(&both(&rig)).await.unwrap_err();
    assert_eq!((failure.kind(), failure.model()), (ErrorKind::RequestRefused, Some(&model(GPT))));
    assert!(failure.unavailable().is_none());
    let told = failure.to_string();
    let start = "openai/gpt-5: the provider refused the request as malformed or not allowed (status 400); \
                 anthropic/claude-opus-4-5: ";
    assert!(told.starts_with(start) && told.contains("anthropic:a is cooling down"), "{told}");
    // Then the first model can be asked again.
    assert_eq!(after(failure.retry_at()), Some(90));
}

#[tokio::test]
async fn the_profiles_of_one_provider_are_told_whichever_of_its_models_failed() {
    let limited = Act::error(429, "rate_limit_error", "Slow down").header("retry-after", "90");
    let rig = Rig::new(Server::script(vec![limited]), &keys(&["a"]));
    let failure = rig.rotator.send(&call(OPUS).fallbacks(vec![model(HAIKU)])).await.unwrap_err();
    assert!(failure.unavailable().is_some());
    let told = failure.to_string();
    assert!(
        told.starts_with("anthropic/claude-opus-4-5: ") && told.contains("; anthropic/claude-haiku-4-5: "),
        "{told}"
    );
}

#[tokio::test]
async fn a_model_that_cannot_be_asked_gives_way_to_any_other_end() {
    let document = json!({"version": 1, "profiles": {
        "mistral:a": {"type": "api_key", "provider": "mistral", "key": "key-a"},
    }});
    let rig = Rig::new(Server::script(vec![Act::message("Hello")]), &document);
    let failure = rig.rotator.send(&call(GPT).fallbacks(vec![model(OPUS)])).await.unwrap_err();
    assert_eq!((failure.kind(), failure.unserved().len()), (ErrorKind::MissingApiKey, 1));
    let told = failure.to_string();
    assert!(told.contains("\"anthropic\"") && told.contains("; openai/gpt-5 was left out: "), "{told}");
}
