//! One sample for each kind of server: URL, authentication, version, flags, markers.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use provider_auth::cache::Breakpoint;
use provider_auth::request::EndpointKind;
use provider_auth::{CacheRetention, Credential, Endpoint, PreparedRequest, RequestBuilder, Secret};

const BODY: &str = r#"{"max_tokens":9,"messages":[{"role":"user","content":"Hello"}]}"#;

struct Sample {
    kind: EndpointKind,
    base: &'static str,
    url: &'static str,
    /// The header with the secret of an API key.
    auth: (&'static str, &'static str),
    version: Option<&'static str>,
    betas: Option<&'static str>,
    /// What stands behind the messages in the body.
    tail: &'static str,
    automatic: bool,
    collapses: bool,
}

const VERTEX: &str = "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5/publishers/anthropic/models/claude-opus-4-6:rawPredict";
const BEDROCK: &str = "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-opus-4-6-v1/invoke";

const PLAIN: Sample = Sample {
    kind: EndpointKind::AnthropicCompatible,
    base: "https://relay.example.com/anthropic",
    url: "https://relay.example.com/anthropic/v1/messages",
    auth: ("x-api-key", "k"),
    version: Some("2023-06-01"),
    betas: Some("one"),
    tail: "}",
    automatic: true,
    collapses: false,
};

const SAMPLES: [Sample; 8] = [
    Sample {
        kind: EndpointKind::Anthropic,
        base: "https://api.anthropic.com",
        url: "https://api.anthropic.com/v1/messages",
        betas: Some("extended-cache-ttl-2025-04-11,one"),
        collapses: true,
        ..PLAIN
    },
    PLAIN,
    Sample {
        kind: EndpointKind::ClaudePlatformAws,
        base: "https://aws-external-anthropic.us-west-2.api.aws",
        url: "https://aws-external-anthropic.us-west-2.api.aws/v1/messages",
        ..PLAIN
    },
    Sample {
        kind: EndpointKind::BedrockRuntime,
        base: BEDROCK,
        url: BEDROCK,
        auth: ("authorization", "Bearer k"),
        version: None,
        betas: None,
        tail: r#","anthropic_version":"bedrock-2023-05-31","anthropic_beta":["one"]}"#,
        automatic: false,
        ..PLAIN
    },
    Sample {
        kind: EndpointKind::BedrockMessages,
        base: "https://bedrock-mantle.us-east-1.api.aws/anthropic",
        url: "https://bedrock-mantle.us-east-1.api.aws/anthropic/v1/messages",
        ..PLAIN
    },
    Sample {
        kind: EndpointKind::Vertex,
        base: VERTEX,
        url: VERTEX,
        auth: ("authorization", "Bearer k"),
        version: None,
        tail: r#","anthropic_version":"vertex-2023-10-16"}"#,
        ..PLAIN
    },
    Sample {
        kind: EndpointKind::Foundry,
        base: "https://resource.services.ai.azure.com/anthropic",
        url: "https://resource.services.ai.azure.com/anthropic/v1/messages",
        ..PLAIN
    },
    Sample {
        kind: EndpointKind::OpenRouter,
        base: "https://openrouter.ai/api",
        url: "https://openrouter.ai/api/v1/messages",
        auth: ("authorization", "Bearer k"),
        ..PLAIN
    },
];

fn build(sample: &Sample, automatic: bool) -> PreparedRequest {
    let endpoint = Endpoint::of_kind(sample.kind, sample.base).expect("a URL");
    let credential = Credential::api_key(Secret::new("k"));
    let builder = RequestBuilder::new(&endpoint, &credential).body(BODY).retention(CacheRetention::Long).beta("one");
    if automatic { builder.automatic_caching() } else { builder }.build().expect("a request")
}

#[test]
fn every_kind_has_a_sample() {
    let kinds: Vec<_> = SAMPLES.iter().map(|sample| sample.kind).collect();
    assert_eq!(kinds, EndpointKind::all().collect::<Vec<_>>());
    for sample in &SAMPLES {
        let request = build(sample, false);
        let header = |name: &str| request.headers().get(name).map(|value| value.to_str().expect("text").to_owned());
        let kind = sample.kind;
        assert_eq!(request.uri(), sample.url, "{kind:?}");
        assert_eq!(header(sample.auth.0).as_deref(), Some(sample.auth.1), "{kind:?}");
        assert_eq!(header("anthropic-version").as_deref(), sample.version, "{kind:?}");
        assert_eq!(header("anthropic-beta").as_deref(), sample.betas, "{kind:?}");
        let marked = r#"{"max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"Hello","cache_control":{"type":"ephemeral","ttl":"1h"}}]}]"#;
        assert_eq!(String::from_utf8_lossy(request.body()), format!("{marked}{}", sample.tail), "{kind:?}");
        assert!(kind.has_one_hour());
        assert_eq!(
            (kind.has_automatic(), kind.collapses_tool_runs()),
            (sample.automatic, sample.collapses),
            "{kind:?}"
        );
    }
}

/// Nobody has to name the kind where the host tells it.
#[test]
fn a_documented_host_tells_its_kind() {
    for sample in SAMPLES.iter().filter(|sample| sample.kind != EndpointKind::AnthropicCompatible) {
        let endpoint = Endpoint::new(sample.base).expect("a URL");
        assert_eq!((endpoint.kind(), endpoint.uri().to_string()), (sample.kind, sample.url.to_owned()));
        let moved = Endpoint::anthropic().with_base_url(sample.base).expect("a URL");
        assert_eq!((moved.kind(), moved.uri()), (sample.kind, endpoint.uri()));
    }
}

#[test]
fn automatic_caching_is_used_where_it_exists_and_reported_where_not() {
    for sample in &SAMPLES {
        let request = build(sample, true);
        let text = String::from_utf8_lossy(request.body()).into_owned();
        let paths: Vec<_> = request.plan().breakpoints().iter().map(Breakpoint::path).collect();
        if sample.automatic {
            let top = r#","cache_control":{"type":"ephemeral","ttl":"1h"}"#;
            let end = format!(r#"[{{"role":"user","content":"Hello"}}]{top}{}"#, sample.tail);
            assert!(text.ends_with(&end), "{:?}: {text}", sample.kind);
            assert_eq!(paths, [""]);
        } else {
            assert_eq!(paths, ["/messages/0/content/0"]);
            assert_eq!(request.notes().len(), 1);
        }
    }
}

#[test]
fn fields_of_the_host_that_are_there_already_stay() {
    let endpoint = Endpoint::of_kind(EndpointKind::BedrockRuntime, BEDROCK).expect("a URL");
    // A token is an ordinary key here, so it is cached like one.
    let credential = Credential::token(Secret::new("k"), None);
    let body = r#"{"anthropic_version":"bedrock-later","anthropic_beta":["mine"],"messages":[{"role":"user","content":"Hello"}]}"#;
    let request = RequestBuilder::new(&endpoint, &credential)
        .body(body)
        .retention(CacheRetention::Short)
        .beta("one")
        .build()
        .expect("a request");
    let text = String::from_utf8_lossy(request.body()).into_owned();
    assert!(text.starts_with(r#"{"anthropic_version":"bedrock-later","anthropic_beta":["mine"],"#), "{text}");
    assert_eq!((text.matches("anthropic_version").count(), text.matches("anthropic_beta").count()), (1, 1));
    assert_eq!(request.plan().breakpoints().len(), 1);
    assert_eq!(request.notes().len(), 1, "the flag that was not added is reported");

    let empty = RequestBuilder::new(&endpoint, &credential).body("{ }").build().expect("a request");
    assert_eq!(empty.body(), br#"{"anthropic_version":"bedrock-2023-05-31" }"#);
}
