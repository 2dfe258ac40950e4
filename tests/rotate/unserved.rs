//! Models for which no request can be built, and invalid model names.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where something is wrong")]
#![cfg(feature = "client")]

use std::time::Duration;

use provider_auth::rotation::{AttemptError, BlockingDriver, Rotation};
use provider_auth::{
    Call, Config, Endpoint, Error, ErrorKind, Failure, FailureReason, ModelRef, ProfileSelector, RequestBuilder,
};
use serde_json::{Value, json};

use crate::support::config;
use crate::support::rotation::{OPUS, Rig, call, keys, reasons};
use crate::support::server::{Act, Server};

const GPT: &str = "openai/gpt-5";

fn model(name: &str) -> ModelRef {
    name.parse().unwrap()
}

/// A key for each of the two providers.
fn both() -> Value {
    let mut document = keys(&["a"]);
    document["profiles"]["openai:c"] = json!({"type": "api_key", "provider": "openai", "key": "key-c"});
    document
}

fn rig(acts: Vec<Act>) -> Rig {
    Rig::new(Server::script(acts), &both())
}

fn is_about_gpt(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::NoEndpoint);
    let (text, help) = (error.to_string(), error.help());
    assert!(text.contains("\"gpt-5\"") && text.contains("\"openai\""), "{text}");
    // It is `provider/model` already, so that saying so would not help.
    assert!(help.contains("`baseUrl`") && !help.contains("provider/model"), "{help}");
}

#[tokio::test]
async fn f11_a_model_that_messages_hosts_do_not_serve_has_a_kind_of_its_own() {
    is_about_gpt(&Endpoint::for_model(&Config::default(), &model(GPT)).unwrap_err());

    // The same with and without a key, so that nobody is sent for one: nothing was tried, and no profile changed.
    for document in [both(), keys(&["a"])] {
        let rig = Rig::new(Server::script(vec![Act::message("Hello")]), &document);
        let before = rig.text();
        let failure = rig.send(GPT).await.unwrap_err();
        is_about_gpt(failure.error());
        assert_eq!((failure.attempts().len(), failure.unserved().len(), failure.retry_at()), (0, 1, None));
        assert_eq!(failure.to_string(), failure.error().to_string(), "it is said once");
        assert_eq!((rig.server.asked().len(), rig.text()), (0, before));
        is_about_gpt(&Error::from(failure));
    }

    // With requests of the caller's it is served.
    let rig = rig(vec![Act::json(200, r#"{"choices":[{"finish_reason":"stop"}]}"#)]);
    let url = format!("{}/chat/completions", rig.server.url().trim_end_matches('/'));
    let call = Call::new(model(GPT)).requests(move |_| Ok(http::Request::post(&url).body(b"{}".to_vec()).unwrap()));
    let reply = rig.rotator.send(&call).await.unwrap();
    assert_eq!((reply.profile().as_str(), reply.unserved().len()), ("openai:c", 0));
}

#[test]
fn f12_a_bare_alias_does_not_become_a_models_name_on_the_wire() {
    let error = "opus".parse::<ModelRef>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownModel);
    assert!(error.help().contains("`provider/model`") && error.help().contains("alias"), "{}", error.help());
    // Who knows the aliases gives the model's name.
    assert_eq!(config("{}").resolve_model("opus").unwrap().to_string(), "anthropic/claude-opus-4-6");
    let own = config("{ agents: { defaults: { models: { 'anthropic/claude-haiku-4-5': { alias: 'opus' } } } } }");
    assert_eq!(own.resolve_model("opus").unwrap().to_string(), "anthropic/claude-haiku-4-5");
}

#[tokio::test]
async fn a_fallback_that_cannot_be_asked_is_listed_and_the_call_goes_on() {
    let rig = rig(vec![Act::message("Hello")]);
    let reply = rig.rotator.send(&call(OPUS).fallbacks(vec![model(GPT)])).await.unwrap();
    assert_eq!((reply.profile().as_str(), reasons(reply.attempts())), ("anthropic:a", vec![None]));
    assert_eq!(reply.unserved()[0].model, model(GPT));
    is_about_gpt(&reply.unserved()[0].error);
}

#[tokio::test]
async fn a_first_model_that_cannot_be_asked_leaves_the_call_to_its_fallbacks() {
    let rig = rig(vec![Act::message("Hello")]);
    let call = call(GPT).fallbacks(vec![model("mistral/large"), model(OPUS)]);
    let reply = rig.rotator.send(&call).await.unwrap();
    assert_eq!((reply.model(), reply.attempts().len()), (&model(OPUS), 1));
    let left_out: Vec<_> = reply.unserved().iter().map(|unserved| unserved.model.to_string()).collect();
    assert_eq!(left_out, [GPT, "mistral/large"]);
    assert_eq!(rig.server.asked()[0].model(), "claude-opus-4-5");
}

#[tokio::test]
async fn the_failure_of_what_was_tried_counts_more_and_names_what_was_not() {
    for (first, fallback) in [(OPUS, GPT), (GPT, OPUS)] {
        let rig = rig(vec![Act::error(429, "rate_limit_error", "Rate limited.")]);
        let failure = rig.rotator.send(&call(first).fallbacks(vec![model(fallback)])).await.unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::RateLimited, "{first}");
        assert_eq!(reasons(failure.attempts()), [Some(FailureReason::RateLimit)]);
        is_about_gpt(&failure.unserved()[0].error);
        let text = failure.to_string();
        assert!(text.contains("; openai/gpt-5 was left out: "), "{text}");
        assert_eq!(Error::from(failure).to_string(), text);
    }
    // With nothing tried, a key that is missing: with it, the call could be answered.
    let rig = Rig::new(Server::script(Vec::new()), &json!({"version": 1, "profiles": {}}));
    for (first, fallback, kind) in [(GPT, OPUS, ErrorKind::MissingApiKey), (OPUS, GPT, ErrorKind::MissingApiKey)] {
        let failure = rig.rotator.send(&call(first).fallbacks(vec![model(fallback)])).await.unwrap_err();
        assert_eq!((failure.kind(), failure.unserved().len()), (kind, 1), "{first}");
    }
    let all = rig.rotator.send(&call(GPT).fallbacks(vec![model("mistral/large")])).await.unwrap_err();
    assert_eq!((all.kind(), all.unserved().len()), (ErrorKind::NoEndpoint, 2));
    assert!(all.to_string().contains("gpt-5") && all.to_string().contains("mistral/large was left out"), "{all}");
}

#[tokio::test]
async fn a_base_url_that_cannot_be_used_leaves_its_models_out_too() {
    let text =
        "{ models: { providers: { relay: { baseUrl: 'http://relay.example.com', api: 'anthropic-messages' } } } }";
    let rig = Rig::with(Server::script(vec![Act::message("Hello")]), &both(), |builder| builder.config(config(text)));
    let reply = rig.rotator.send(&call("relay/m").fallbacks(vec![model(OPUS)])).await.unwrap();
    assert_eq!(reply.unserved()[0].error.kind(), ErrorKind::InsecureTransport);
    let failure = rig.rotator.send(&call("relay/m").fallbacks(Vec::new())).await.unwrap_err();
    assert!(failure.error().location().is_some(), "{failure}");
}

/// The request of another client's, for a model that may lead nowhere.
fn prepared(config: &Config, model: &ModelRef, key: &provider_auth::Selection) -> Result<String, Error> {
    let endpoint = Endpoint::for_model(config, model)?;
    let request =
        http::Request::post(endpoint.uri()).body(r#"{"messages":[{"role":"user","content":"Hello"}]}"#).unwrap();
    let request =
        RequestBuilder::for_selection(&endpoint, key).configured(config, model, None, None).authenticate(request)?;
    Ok(String::from_utf8_lossy(request.body()).into_owned())
}

#[tokio::test]
async fn another_client_goes_on_as_well() {
    for (first, fallback) in [(OPUS, GPT), (GPT, OPUS)] {
        let rig = rig(Vec::new());
        let before = rig.text();
        let call = Call::new(model(first)).fallbacks(vec![model(fallback)]);
        let mut limited = first == OPUS;
        let answered = rig
            .rotator
            .run(&call, |attempt| {
                let sent = prepared(&config("{}"), attempt.model(), attempt.selection()).map_err(AttemptError::from);
                // The model that can be asked is at its limit where it comes first.
                let failed = std::mem::take(&mut limited);
                async move { if failed { Err(Failure::new(FailureReason::RateLimit).into()) } else { sent } }
            })
            .await;
        match answered {
            Ok(answered) => {
                assert!(first == GPT && answered.value.contains("cache_control"), "{}", answered.value);
                assert_eq!((answered.unserved.len(), answered.attempts.len()), (1, 1));
                is_about_gpt(&answered.unserved[0].error);
                assert!(!rig.text().contains("openai:c\":{\"error"), "nothing is said of the other profile");
            }
            Err(failure) => {
                assert_eq!((first, failure.kind(), failure.attempts().len()), (OPUS, ErrorKind::RateLimited, 1));
                is_about_gpt(&failure.unserved()[0].error);
                assert_ne!(rig.text(), before);
            }
        }
    }
}

#[test]
fn a_driver_that_blocks_goes_on_as_well() {
    let rig = rig(Vec::new());
    let driver = BlockingDriver::new(&*rig.store, &rig.clock, |_: Duration| {});
    let rotation = Rotation::new(ProfileSelector::default(), model(GPT), provider_auth::Clock::now(&rig.clock));
    let send =
        |attempt: &provider_auth::rotation::Attempt| prepared(&config("{}"), attempt.model(), attempt.selection());
    let answered = driver.run(rotation.fallbacks([model(OPUS)]), send).unwrap();
    assert_eq!((answered.attempt.model(), answered.unserved.len()), (&model(OPUS), 1));
}
