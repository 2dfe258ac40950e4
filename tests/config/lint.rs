//! Valid configurations that are probably not what was meant.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

use provider_auth::AuthProfiles;
use provider_auth::error::{DiagnosticCode, Severity};
use serde_json::json;

use crate::support::{config, document};

fn stored() -> AuthProfiles {
    document(&json!({ "version": 1, "profiles": {
        "anthropic:key": { "type": "api_key", "provider": "anthropic", "key": "sk-ant-a" },
        "anthropic:spare": { "type": "api_key", "provider": "anthropic", "key": "sk-ant-b" },
        "zai:plan": { "type": "token", "provider": "zai", "token": "t" },
    } }))
}

/// Codes and key paths of what is found.
fn lint(text: &str, profiles: Option<&AuthProfiles>) -> Vec<(DiagnosticCode, String)> {
    let config = config(text);
    let found = config.lint(profiles).into_iter();
    found
        .map(|found| {
            assert_ne!(found.severity, Severity::Error);
            assert!(found.location.line.is_some() && found.help.is_some(), "{found}");
            (found.code, found.location.key_path.unwrap_or_default())
        })
        .collect()
}

fn found(code: DiagnosticCode, path: &str) -> (DiagnosticCode, String) {
    (code, path.to_owned())
}

#[test]
fn each_lint() {
    use DiagnosticCode::{Conflict, DeprecatedKey, IgnoredSetting, LeftOut, NeverMatches, UnknownProfile};
    let cases: [(&str, &[(DiagnosticCode, &str)]); 9] = [
        ("{}", &[]),
        (
            "{ agents: { defaults: { params: { cacheControlTtl: '1h' } } } }",
            &[(DeprecatedKey, "agents.defaults.params.cacheControlTtl")],
        ),
        (
            "{ agents: { defaults: { params: { cacheRetention: 'long', cacheControlTtl: '5m' } } } }",
            &[(Conflict, "agents.defaults.params"), (DeprecatedKey, "agents.defaults.params.cacheControlTtl")],
        ),
        (
            "{ agents: { defaults: { models: { 'zai/glm': { params: { cacheRetention: 'long' } },
                                               'anthropic/claude': { params: { cacheRetention: 'long' } } } } } }",
            &[(IgnoredSetting, "agents.defaults.models[\"zai/glm\"].params")],
        ),
        (
            "{ auth: { order: { anthropic: ['anthropic:key', 'anthropic:old'] } } }",
            &[(UnknownProfile, "auth.order.anthropic[1]")],
        ),
        (
            "{ auth: { profiles: { 'anthropic:key': { provider: 'anthropic', mode: 'api_key' } } } }",
            &[(LeftOut, "auth.profiles[\"anthropic:key\"]")],
        ),
        (
            "{ auth: { profiles: { 'zai:plan': { provider: 'z.ai', mode: 'api_key' } } } }",
            &[(NeverMatches, "auth.profiles[\"zai:plan\"]")],
        ),
        (
            "{ auth: { profiles: { 'zai:plan': { provider: 'openai', mode: 'token' } } } }",
            &[(NeverMatches, "auth.profiles[\"zai:plan\"]")],
        ),
        (
            "{ auth: { profiles: { 'zai:plan': { provider: 'zai', mode: 'oauth' },
                                   'zai:gone': { provider: 'zai', mode: 'token' } } } }",
            &[(UnknownProfile, "auth.profiles[\"zai:gone\"]")],
        ),
    ];
    for (text, expected) in cases {
        let expected: Vec<_> = expected.iter().map(|(code, path)| found(*code, path)).collect();
        assert_eq!(lint(text, Some(&stored())), expected, "{text}");
    }
}

#[test]
fn without_profiles_the_modes_tell_what_is_a_subscription() {
    let text = |mode| {
        format!(
            "{{ auth: {{ profiles: {{ 'anthropic:a': {{ provider: 'anthropic', mode: '{mode}' }} }} }},
                agents: {{ defaults: {{ model: 'anthropic/claude', params: {{ cacheRetention: 'long' }} }} }} }}"
        )
    };
    let ignored = [found(DiagnosticCode::IgnoredSetting, "agents.defaults.params")];
    assert_eq!(lint(&text("token"), None), ignored);
    assert_eq!(lint(&text("api_key"), None), []);
}

#[test]
fn an_order_hides_no_wrong_mode_and_allows_what_it_names() {
    let text = "{ auth: { profiles: { 'anthropic:key': { provider: 'anthropic', mode: 'token' } },
                          order: { anthropic: ['anthropic:key', 'anthropic:spare'] } } }";
    assert_eq!(lint(text, Some(&stored())), [found(DiagnosticCode::NeverMatches, "auth.profiles[\"anthropic:key\"]")]);
}
