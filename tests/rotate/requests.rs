//! Requests built by the caller, as they are sent over the wire.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where something is wrong")]
#![cfg(feature = "client")]

use std::sync::Arc;

use http::request::Builder;
use provider_auth::{AuthProfileStore, Call, Error, ErrorKind, FailureReason, ProviderId, Rotator};
use serde_json::{Value, json};

use crate::support::config;
use crate::support::rotation::{OPUS, Rig, keys, reasons};
use crate::support::server::{Act, Asked, Server};

const BODY: &str = r#"{"messages":[{"role":"user","content":"Hello"}]}"#;

fn call(model: &str, url: String, set: impl Fn(Builder) -> Builder + Send + Sync + 'static) -> Call {
    Call::new(model.parse().unwrap())
        .requests(move |_| Ok(set(http::Request::post(&url)).body(BODY.as_bytes().to_vec()).unwrap()))
}

#[tokio::test]
async fn every_request_under_the_base_url_of_an_endpoint_has_its_scheme_and_headers() {
    let document = json!({"version": 1, "profiles": {
        "relay:a": {"type": "api_key", "provider": "relay", "key": "key-a"},
    }});
    let rig = Rig::new(Server::script(vec![Act::json(200, "{}")]), &document);
    let (url, store) = (rig.server.url(), Arc::clone(&rig.store) as Arc<dyn AuthProfileStore>);
    let text = json!({"models": {"providers": {"relay": {
        "baseUrl": format!("{url}/llm"), "api": "anthropic-messages", "headers": {"x-team": "blue"},
    }}}});
    let rotator = Rotator::builder(store).config(config(&text.to_string())).build().unwrap();
    let marked = |asked: &Asked| asked.body.contains("cache_control");
    for (path, is_ours, is_message) in [
        ("/llm/v1/messages", true, true),
        ("/llm/v1/messages?beta=true", true, true),
        ("/llm/v1/messages/", true, true),
        ("/llm//v1/messages", true, true),
        ("/llm/v1/messages/count_tokens", true, false),
        ("/llm/v1/models", true, false),
        // Another API of the same server.
        ("/v1/messages", false, false),
        ("/chat/completions", false, false),
    ] {
        let call = call("relay/m", format!("{url}{path}"), |request| request);
        rotator.send(&call.retention(provider_auth::CacheRetention::Short)).await.unwrap();
        let asked = rig.server.asked().pop().unwrap();
        assert_eq!((asked.path.as_str(), asked.key()), (path, "key-a"));
        assert_eq!(asked.header("x-api-key").is_some(), is_ours, "{path}");
        assert_eq!(asked.header("x-team"), is_ours.then_some("blue"), "{path}");
        assert_eq!(asked.header("anthropic-version").is_some(), is_ours, "{path}");
        assert_eq!(marked(&asked), is_message, "{path}");
    }
}

#[tokio::test]
async fn what_belongs_to_the_connection_is_not_taken_over() {
    type Set = fn(Builder) -> Builder;
    let sets: [(&str, Set); 5] = [
        ("version", |request| request.version(http::Version::HTTP_2)),
        ("host", |request| request.header("host", "elsewhere.example")),
        ("transfer-encoding", |request| request.header("transfer-encoding", "chunked")),
        ("expect", |request| request.header("expect", "100-continue")),
        ("content-length", |request| request.header("content-length", "3")),
    ];
    for path in ["/v1/messages", "/v2/other"] {
        for (name, set) in sets {
            let rig = Rig::new(Server::script(vec![Act::message("Hello")]), &keys(&["a"]));
            let url = rig.server.url();
            rig.rotator.send(&call(OPUS, format!("{url}{path}"), set)).await.unwrap();
            let asked = rig.server.asked().pop().unwrap();
            assert_eq!(asked.header("host"), url.strip_prefix("http://"), "{name}");
            assert!(asked.header("transfer-encoding").is_none() && asked.header("expect").is_none(), "{name}");
            assert!(asked.body.starts_with("{\"messages\":") && asked.body.ends_with('}'), "{name} {}", asked.body);
        }
    }
}

#[tokio::test]
async fn a_redirect_leads_to_the_model_of_another_provider() {
    let mut document: Value = keys(&["a", "b"]);
    document["profiles"]["openai:c"] = json!({"type": "api_key", "provider": "openai", "key": "key-c"});
    let rig = Rig::new(
        Server::start(|asked| match asked.path.as_str() {
            "/v1/messages" => Act::json(302, "").header("location", "http://127.0.0.1:1/"),
            _ => Act::json(200, r#"{"choices":[{"finish_reason":"stop"}]}"#),
        }),
        &document,
    );
    let before = rig.text();
    let url = rig.server.url();
    let fallback = "openai/gpt-5".parse().unwrap();
    let call = Call::new(OPUS.parse().unwrap()).fallbacks(vec![fallback]).requests(move |model| {
        let path = if model.provider().as_str() == "anthropic" { "messages" } else { "chat/completions" };
        Ok(http::Request::post(format!("{url}/v1/{path}")).body(BODY.as_bytes().to_vec()).unwrap())
    });
    let reply = rig.rotator.send(&call).await.unwrap();
    assert_eq!(reasons(reply.attempts()), [Some(FailureReason::NotFound), None]);
    assert_eq!(reply.profile().as_str(), "openai:c");
    // Without another provider, the wrong address is what the caller is told of.
    let failure = rig.rotator.send(&call.fallbacks(Vec::new())).await.unwrap_err();
    assert_eq!((failure.kind(), failure.attempts().len()), (ErrorKind::WrongAddress, 1));
    assert!(failure.error().help().contains("The host was 127.0.0.1"), "{}", failure.error().help());
    assert!(!before.contains("cooldownUntil") && !rig.text().contains("cooldownUntil"));
}

#[tokio::test]
async fn a_secret_that_the_function_cannot_use_leaves_its_profile_out() {
    let rig = Rig::new(Server::script(vec![Act::message("Hello")]), &keys(&["a", "b"]));
    let call = Call::new(OPUS.parse().unwrap())
        .requests(|_| Err(Error::new(ErrorKind::InvalidSecret, "the secret cannot be used")));
    let failure = rig.rotator.send(&call).await.unwrap_err();
    let unsent: Vec<_> = failure.attempts().iter().map(|attempt| attempt.unsent).collect();
    assert_eq!(unsent, [Some(ErrorKind::InvalidSecret); 2]);
}

/// A request as another library builds it, with a key of its own.
fn foreign(url: &str) -> http::Request<String> {
    let body = json!({"model": "claude-opus-4-5", "messages": [{"role": "user", "content": "Hello"}]});
    let request = http::Request::post(format!("{url}/v1/messages")).header("x-api-key", "key-of-the-library");
    request.header("anthropic-beta", "files-api-2025-04-14").body(body.to_string()).unwrap()
}

#[tokio::test]
async fn a_request_of_another_library_is_sent_with_the_profiles_of_its_provider() {
    let acts = vec![Act::error(404, "not_found_error", "model: claude-opus-4-5"), Act::message("Hello")];
    let rig = Rig::new(Server::script(acts), &keys(&["a"]));
    let fallbacks = vec!["openai/gpt-5".parse().unwrap(), "anthropic/claude-sonnet-4-5".parse().unwrap()];
    let call = Call::from_request(&ProviderId::anthropic(), foreign(&rig.server.url())).unwrap();
    let reply = rig.rotator.send(&call.fallbacks(fallbacks)).await.unwrap();

    assert_eq!(reply.model().to_string(), "anthropic/claude-sonnet-4-5");
    let asked = rig.server.asked();
    let models: Vec<_> = asked.iter().map(Asked::model).collect();
    assert_eq!(models, ["claude-opus-4-5", "claude-sonnet-4-5"]);
    for asked in &asked {
        assert_ne!(asked.key(), "key-of-the-library");
        assert!(asked.body.contains("cache_control"), "{}", asked.body);
        assert!(asked.header("anthropic-beta").is_some_and(|flags| flags.contains("files-api-2025-04-14")));
    }
}

#[tokio::test]
async fn a_request_of_another_library_is_not_sent_to_another_api() {
    let rig = Rig::new(Server::script(vec![Act::error(401, "authentication_error", "invalid")]), &keys(&["a"]));
    let call = Call::from_request(&ProviderId::anthropic(), foreign(&rig.server.url())).unwrap();
    let failure = rig.rotator.send(&call.fallbacks(vec!["openai/gpt-5".parse().unwrap()])).await.unwrap_err();
    assert_eq!((failure.kind(), rig.server.asked().len()), (ErrorKind::Unauthorized, 1));
}

#[test]
fn a_request_without_a_model_in_its_body_is_refused() {
    for body in ["", "{}", "[\"m\"]", "{\"model\":1}", "{\"model\":\"a\",\"model\":\"b\"}", "\u{fffd}"] {
        let request = http::Request::post("http://127.0.0.1/v1/messages").body(body).unwrap();
        let error = Call::from_request(&ProviderId::anthropic(), request).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidBody, "{body}");
    }
    let request = http::Request::post("http://127.0.0.1/v1/messages").body("{\"model\":\" \"}").unwrap();
    assert_eq!(Call::from_request(&ProviderId::anthropic(), request).unwrap_err().kind(), ErrorKind::InvalidId);
}

#[tokio::test]
async fn a_body_whose_null_markers_prevent_all_caching_says_so_in_the_reply() {
    let rig = Rig::new(Server::script(vec![Act::message("Hello"), Act::message("Hello")]), &keys(&["a"]));
    let url = format!("{}/v1/messages", rig.server.url());
    let body = r#"{"messages":[{"role":"user","content":[{"type":"text","text":"u","cache_control":null}]}]}"#;
    let own = Call::new(OPUS.parse().unwrap())
        .requests(move |_| Ok(http::Request::post(&url).body(body.as_bytes().to_vec()).unwrap()));
    for call in [Call::new(OPUS.parse().unwrap()).body(body), own] {
        let reply = rig.rotator.send(&call).await.unwrap();
        assert!(reply.notes().iter().any(|note| note.to_string().contains("nothing is cached")), "{:?}", reply.notes());
    }
}
