//! From configuration to request: which endpoint serves a model, and what a request to it carries.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

use provider_auth::request::{AuthScheme, EndpointKind};
use provider_auth::{CacheRetention, Credential, Endpoint, ErrorKind, ModelRef, RequestBuilder, Secret};

use crate::support::config;

fn model(text: &str) -> ModelRef {
    text.parse().unwrap()
}

const BODY: &str = r#"{"system":"Be brief.","messages":[{"role":"user","content":"Hello"}]}"#;

const RELAY: &str = "{ models: { providers: { Relay: {
    baseUrl: 'https://relay.example.com/anthropic', api: 'anthropic-messages', authHeader: true, apiKey: 'sk-relay',
    headers: { 'X-Team': 'blue', 'Anthropic-Beta': 'one-2025-01-01' },
    models: [{ id: 'claude-opus-4-5', headers: { 'x-team': 'green' } }] },
  chat: { baseUrl: 'https://chat.example.com', api: 'openai-completions' },
  silent: { baseUrl: 'https://silent.example.com' },
  plain: { baseUrl: 'http://plain.example.com', api: 'anthropic-messages' } } } }";

#[test]
fn a_model_finds_its_endpoint_or_says_why_not() {
    let config = config(RELAY);
    let anthropic = Endpoint::for_model(&config, &model("anthropic/claude-opus-4-5")).unwrap();
    assert_eq!((anthropic.host(), anthropic.kind()), ("api.anthropic.com", EndpointKind::Anthropic));

    let relay = Endpoint::for_model(&config, &model("relay/claude-opus-4-5")).unwrap();
    assert_eq!(relay.uri(), "https://relay.example.com/anthropic/v1/messages");
    assert_eq!(relay.auth_scheme(), AuthScheme::Bearer);

    for (reference, kind) in [
        ("nowhere/m", ErrorKind::NoEndpoint),
        ("chat/m", ErrorKind::UnsupportedApi),
        ("silent/m", ErrorKind::NoEndpoint),
        ("plain/m", ErrorKind::InsecureTransport),
    ] {
        let error = Endpoint::for_model(&config, &model(reference)).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
}

#[test]
fn a_relay_gets_its_headers_and_one_authentication() {
    let config = config(RELAY);
    let model = model("relay/claude-opus-4-5");
    let endpoint = Endpoint::for_model(&config, &model).unwrap();
    let credential = Credential::api_key(Secret::new("sk-relay"));
    let request = RequestBuilder::new(&endpoint, &credential)
        .configured(&config, &model, None, Some(CacheRetention::Short))
        .body(BODY)
        .build()
        .unwrap();
    let headers = request.headers();
    assert_eq!(headers["authorization"], "Bearer sk-relay");
    assert!(!headers.contains_key("x-api-key"));
    assert_eq!(headers.get_all("x-team").iter().collect::<Vec<_>>(), ["green"], "the model's header wins");
    assert_eq!(headers["anthropic-beta"], "one-2025-01-01", "no flag of ours goes to other hosts by itself");
    assert_eq!(request.plan().breakpoints().len(), 2);

    let unset = RequestBuilder::new(&endpoint, &credential).configured(&config, &model, None, None).body(BODY);
    assert!(unset.build().unwrap().plan().breakpoints().is_empty(), "only `anthropic` is cached without being asked");
}

#[test]
fn retention_and_betas_come_from_the_most_specific_layer() {
    let config = config(
        "{ agents: {
            defaults: {
                params: { cacheRetention: 'none', anthropicBeta: 'global-2025-01-01' },
                models: { 'Anthropic/claude-opus-4-5': { params: { cacheControlTtl: '1h', anthropicBeta: ['model-2025-01-01'] } } },
            },
            list: [{ id: 'writer', params: { cacheRetention: 'short' } }] } }",
    );
    let model = model("anthropic/claude-opus-4-5");
    let key = Credential::api_key(Secret::new("sk-ant-api03-x"));
    let endpoint = Endpoint::anthropic();
    let last_ttl = |agent, call| {
        let request =
            RequestBuilder::new(&endpoint, &key).configured(&config, &model, agent, call).body(BODY).build().unwrap();
        let betas = request.headers()["anthropic-beta"].to_str().unwrap().to_owned();
        (request.plan().breakpoints().last().map(|marker| marker.ttl.as_str()), betas)
    };
    let betas = || "extended-cache-ttl-2025-04-11,model-2025-01-01".to_owned();
    assert_eq!(last_ttl(None, None), (Some("1h"), betas()));
    assert_eq!(last_ttl(Some("writer"), None), (Some("5m"), betas()));
    assert_eq!(last_ttl(Some("writer"), Some(CacheRetention::Long)), (Some("1h"), betas()));
    assert_eq!(last_ttl(Some("writer"), Some(CacheRetention::None)), (None, betas()));

    let token = Credential::token(Secret::new("sk-ant-oat01-x"), None);
    let request =
        RequestBuilder::new(&endpoint, &token).configured(&config, &model, None, None).body(BODY).build().unwrap();
    assert!(request.plan().breakpoints().is_empty());
    assert_eq!(request.notes().len(), 1, "the ignored setting is reported");
    assert_eq!(request.headers()["anthropic-beta"], "oauth-2025-04-20,model-2025-01-01");
    let opted_in =
        RequestBuilder::new(&endpoint, &token).cache_for_subscription().configured(&config, &model, None, None);
    assert_eq!(opted_in.body(BODY).build().unwrap().plan().breakpoints().len(), 2);
}
