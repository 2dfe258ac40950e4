//! Requests where the reference's rules and ours agree. Each case carries the name of the recorded vector.
//!
//! Not adopted: a marker on every system block (`pay-1`; the last one's prefix contains them), a boundary inside the
//! system text (`pay-3`, `pay-4`), taking markers off thinking blocks (`pay-5`; they are an error here), and removing a
//! flag the caller asked for (`beta-6`, `beta-10`).
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use provider_auth::cache::{BreakpointOptions, mark_body};
use provider_auth::{CacheRetention, Credential, CredentialKind, Endpoint, RequestBuilder, Secret};

#[test]
fn retention_on_hosts() {
    for (id, base, retention, marker) in [
        ("cc-3", "https://us-east5-aiplatform.googleapis.com", CacheRetention::Long, Some(r#","ttl":"1h"}"#)),
        ("cc-4", "https://us-east5-aiplatform.googleapis.com", CacheRetention::Short, Some(r#""ephemeral"}"#)),
        ("cc-5", "https://api.anthropic.com/v1", CacheRetention::None, None),
        ("cc-6", "https://proxy.example.com/anthropic", CacheRetention::Long, Some(r#","ttl":"1h"}"#)),
    ] {
        let endpoint = Endpoint::new(base).expect(id);
        let credential = Credential::api_key(Secret::new("sk-ant-api03-x"));
        let request = RequestBuilder::new(&endpoint, &credential)
            .body(r#"{"messages":[{"role":"user","content":"Hello"}]}"#)
            .retention(retention)
            .build()
            .expect(id);
        let body = std::str::from_utf8(request.body()).expect(id);
        assert_eq!(body.contains("cache_control"), marker.is_some(), "{id}");
        assert!(marker.is_none_or(|marker| body.contains(marker)), "{id}");
    }
}

#[test]
fn marked_payloads() {
    for (id, body, expected) in [
        (
            "pay-2",
            r#"{"system":[{"type":"text","text":"Follow policy."}],"messages":[{"role":"user","content":"Hello"}]}"#,
            r#"{"system":[{"type":"text","text":"Follow policy.","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":[{"type":"text","text":"Hello","cache_control":{"type":"ephemeral"}}]}]}"#,
        ),
        (
            "pay-7",
            r#"{"messages":[{"role":"user","content":"Q"},{"role":"assistant","content":"A"},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"r"}]}]}"#,
            r#"{"messages":[{"role":"user","content":[{"type":"text","text":"Q","cache_control":{"type":"ephemeral"}}]},{"role":"assistant","content":"A"},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"r","cache_control":{"type":"ephemeral"}}]}]}"#,
        ),
        (
            "pay-8",
            r#"{"tools":[{"cache_control":{"type":"ephemeral"}},{"cache_control":{"type":"ephemeral"}},{"cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":"Q"},{"role":"assistant","content":"A"},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"r"}]}]}"#,
            r#"{"tools":[{"cache_control":{"type":"ephemeral"}},{"cache_control":{"type":"ephemeral"}},{"cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":"Q"},{"role":"assistant","content":"A"},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"r","cache_control":{"type":"ephemeral"}}]}]}"#,
        ),
        (
            "pay-9",
            r#"{"tools":[{"cache_control":{"type":"ephemeral"}},{"cache_control":{"type":"ephemeral"}},{"cache_control":{"type":"ephemeral"}},{"cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":"Q"}]}"#,
            r#"{"tools":[{"cache_control":{"type":"ephemeral"}},{"cache_control":{"type":"ephemeral"}},{"cache_control":{"type":"ephemeral"}},{"cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":"Q"}]}"#,
        ),
    ] {
        let (marked, _) =
            mark_body(body.as_bytes().to_vec(), &BreakpointOptions::new(CacheRetention::Short)).expect(id);
        assert_eq!(String::from_utf8_lossy(&marked), expected, "{id}");
    }
}

#[test]
fn headers_and_flags() {
    let credential = Credential::api_key(Secret::new("sk-ant-api03-x"));
    assert_eq!(credential.kind(), CredentialKind::ApiKey, "oauthdetect-2");
    let endpoint = Endpoint::anthropic().with_header("X-Custom", "1").with_header("Anthropic-Beta", "a,b");
    let request = RequestBuilder::new(&endpoint, &credential)
        .body(r#"{"messages":[]}"#)
        .beta(" files-api-2025-04-14 ")
        .build()
        .expect("a request");
    assert_eq!(request.headers()["x-custom"], "1", "beta-2");
    // The order of `beta-8`: what headers say, what the request needs, what was asked for.
    assert_eq!(request.headers()["anthropic-beta"], "a,b,extended-cache-ttl-2025-04-11,files-api-2025-04-14", "beta-8");
}
