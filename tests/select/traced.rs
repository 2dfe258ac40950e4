//! The output of the feature `tracing`: names and reasons, never a secret.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

use provider_auth::{AuthProfiles, ProviderId, Query, Timestamp};

use crate::support::config;
use crate::support::traced::traced;

#[test]
fn selection_is_traced_without_secrets() {
    let config = config("{}");
    let profiles = AuthProfiles::from_json(
        r#"{"version":1,"profiles":{"anthropic:a":{"type":"api_key","provider":"anthropic","key":"sk-ant-hunter2"}}}"#,
    )
    .unwrap();
    let (anthropic, openai) = (ProviderId::anthropic(), ProviderId::new("openai").unwrap());
    let now = Timestamp::from_millis(1_700_000_000_000);
    let ((), text) = traced(|| {
        config.resolve(&profiles, &Query::new(&anthropic), now).unwrap();
        config.resolve(&profiles, &Query::new(&openai), now).unwrap_err();
    });
    assert!(text.contains("credential chosen") && text.contains("anthropic:a"), "{text}");
    assert!(text.contains("No API key found for provider"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}
