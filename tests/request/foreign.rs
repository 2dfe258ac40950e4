//! Requests of other libraries, authenticated for any provider.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where something is wrong")]

use http::{HeaderMap, Request};
use provider_auth::providers::Provider;
use provider_auth::{
    AuthProfiles, Error, ErrorKind, ProfileSelector, ProviderId, Query, RequestBuilder, Selection, Timestamp,
};
use serde_json::json;

fn selection(provider: &str, kind: &str, secret: &str) -> Selection {
    let field = if kind == "api_key" { "key" } else { "token" };
    let profile = json!({"type": kind, "provider": provider, field: secret});
    let document = json!({"version": 1, "profiles": {(format!("{provider}:a")): profile}});
    let profiles = AuthProfiles::from_json(&document.to_string()).unwrap();
    let provider = ProviderId::new(provider).unwrap();
    ProfileSelector::default().select(&profiles, &Query::new(&provider), Timestamp::from_millis(1)).unwrap()
}

fn post(url: &str, headers: &[(&str, &str)]) -> Request<&'static str> {
    let request = headers.iter().fold(Request::post(url), |request, (name, value)| request.header(*name, *value));
    request.body("{}").unwrap()
}

#[test]
fn the_secret_goes_into_the_header_that_the_provider_reads() {
    for (provider, kind, url, header, value) in [
        ("anthropic", "api_key", "https://api.anthropic.com/v1/messages", "x-api-key", "s-1"),
        ("anthropic", "token", "https://api.anthropic.com/v1/messages", "authorization", "Bearer s-1"),
        ("openai", "api_key", "https://api.openai.com/v1/responses", "authorization", "Bearer s-1"),
        ("openrouter", "api_key", "https://openrouter.ai/api/v1/chat/completions", "authorization", "Bearer s-1"),
        (
            "google",
            "api_key",
            "https://generativelanguage.googleapis.com/v1beta/models/g:generateContent",
            "x-goog-api-key",
            "s-1",
        ),
        (
            "google",
            "token",
            "https://generativelanguage.googleapis.com/v1beta/models/g:generateContent",
            "authorization",
            "Bearer s-1",
        ),
        ("mistral", "api_key", "https://api.mistral.ai/v1/chat/completions", "authorization", "Bearer s-1"),
        ("ollama", "api_key", "http://127.0.0.1:11434/v1/chat/completions", "authorization", "Bearer s-1"),
        ("somebody", "api_key", "https://llm.example/v1", "authorization", "Bearer s-1"),
    ] {
        // Whatever else would authenticate goes.
        let given = [("X-Api-Key", "old"), ("Authorization", "Basic old"), ("x-goog-api-key", "old"), ("x-other", "1")];
        let request = selection(provider, kind, "s-1").authenticate(post(url, &given)).unwrap();
        let mut found: Vec<_> =
            request.headers().keys().map(http::HeaderName::as_str).filter(|name| *name != "anthropic-beta").collect();
        found.sort_unstable();
        let mut expected = [header, "x-other"];
        expected.sort_unstable();
        assert_eq!(found, expected, "{provider} {kind}");
        assert_eq!(request.headers()[header], value, "{provider} {kind}");
        assert!(request.headers()[header].is_sensitive());
        assert!(!format!("{request:?}").contains("s-1"), "{request:?}");
        assert_eq!(
            (request.method().as_str(), request.uri().to_string().as_str(), *request.body()),
            ("POST", url, "{}")
        );
    }
}

#[test]
fn each_row_of_the_table_is_authenticated_at_its_base_url() {
    let mut rows = 0;
    for row in Provider::all() {
        let (Some(header), Some(base)) = (row.auth_header(), row.base_url()) else { continue };
        let request = selection(row.id(), "api_key", "s-1").authenticate(post(&format!("{base}/path"), &[])).unwrap();
        let expected = if header == "authorization" { "Bearer s-1" } else { "s-1" };
        assert_eq!(request.headers()[header], expected, "{}", row.id());
        assert_eq!(request.headers().contains_key("anthropic-beta"), row.id() == "anthropic");
        rows += 1;
    }
    assert!(rows >= 20, "{rows}");
}

#[test]
fn flags_of_the_messages_api_are_merged_where_it_is_asked() {
    let beta = |provider: &str, kind: &str, url: &str, given: &[(&str, &str)]| {
        let request = selection(provider, kind, "s-1").authenticate(post(url, given)).unwrap();
        let all: Vec<_> = request
            .headers()
            .get_all("anthropic-beta")
            .iter()
            .map(|value| value.to_str().unwrap().to_owned())
            .collect();
        all.join("; ")
    };
    let (here, there) = ("https://api.anthropic.com/v1/messages", "https://gateway.example/v1/messages");
    let given = [("anthropic-beta", "context-1m-2025-08-07"), ("anthropic-beta", "Extended-Cache-TTL-2025-04-11")];
    assert_eq!(beta("anthropic", "api_key", here, &[]), "extended-cache-ttl-2025-04-11");
    assert_eq!(beta("anthropic", "api_key", here, &given).split(',').count(), 2, "each once");
    assert_eq!(beta("anthropic", "api_key", there, &[]), "");
    assert_eq!(beta("anthropic", "token", there, &[]), "oauth-2025-04-20");
    assert_eq!(beta("anthropic", "token", here, &given[..1]), "oauth-2025-04-20,context-1m-2025-08-07");
    assert_eq!(beta("openai", "api_key", "https://api.openai.com/v1", &[]), "");

    // What the builder of this crate makes has the same headers.
    let selection = selection("anthropic", "api_key", "s-1");
    let endpoint = provider_auth::Endpoint::anthropic();
    let built = RequestBuilder::for_selection(&endpoint, &selection).body("{}").build().unwrap();
    let ours = selection.authenticate(post(here, &[])).unwrap();
    for name in ["x-api-key", "anthropic-beta"] {
        assert_eq!(built.headers().get(name), ours.headers().get(name), "{name}");
    }
}

#[test]
fn a_secret_does_not_travel_where_it_could_be_read() {
    let kind = |url: &str| {
        selection("openai", "api_key", "s-1")
            .authenticate(post(url, &[]))
            .map_err(|error: Error| error.kind())
            .unwrap_err()
    };
    assert_eq!(kind("http://llm.example/v1"), ErrorKind::InsecureTransport);
    assert_eq!(kind("https://user:word@llm.example/v1"), ErrorKind::InvalidUrl);
    assert_eq!(kind("/v1/messages"), ErrorKind::InvalidUrl);
    assert_eq!(
        selection("anthropic", "api_key", "s-1")
            .authenticate(post("https://api.anthropic.com/v1/messages", &[("anthropic-beta", "a b")]))
            .unwrap_err()
            .kind(),
        ErrorKind::InvalidHeader
    );
}

#[test]
fn headers_alone_are_authenticated_without_a_flag_for_a_host_that_is_not_known() {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", "Bearer old".parse().unwrap());
    selection("anthropic", "api_key", "s-1").authenticate_headers(&mut headers).unwrap();
    assert_eq!((headers.len(), &headers["x-api-key"]), (1, &"s-1".parse().unwrap()));
}
