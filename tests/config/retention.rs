//! The cache retention that applies, as truth tables.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails here fails the test")]

use provider_auth::config::RetentionLayer;
use provider_auth::{CacheRetention, Config, CredentialKind, ErrorKind, ModelRef};

use crate::support::options;

use CacheRetention::{Long, Short};
use CredentialKind::{ApiKey, OAuth, Token};
use RetentionLayer::{Agent, Call, Default, Global, Model};

const NONE: CacheRetention = CacheRetention::None;

fn lenient(text: &str) -> Config {
    Config::from_json5_str(text, &options().lenient(true)).expect(text)
}

fn model(name: &str) -> ModelRef {
    name.parse().unwrap()
}

/// A configuration with these parameters in the three layers.
fn layers(global: &str, model: &str, agent: &str) -> Config {
    lenient(&format!(
        "{{ agents: {{
            defaults: {{ params: {{ {global} }}, models: {{ 'anthropic/m': {{ params: {{ {model} }} }} }} }},
            list: [{{ id: 'other', params: {{ cacheRetention: 'none' }} }}, {{ id: 'A', params: {{ {agent} }} }}],
        }} }}"
    ))
}

/// What one layer can say, and what it then says.
const LAYER: &[(&str, Option<(CacheRetention, bool)>)] = &[
    ("", None),
    ("temperature: 1", None),
    ("cacheRetention: 'none'", Some((NONE, false))),
    ("cacheRetention: 'short'", Some((Short, false))),
    ("cacheRetention: 'long'", Some((Long, false))),
    ("cacheControlTtl: '5m'", Some((Short, true))),
    ("cacheControlTtl: '1h'", Some((Long, true))),
    ("cacheRetention: 'short', cacheControlTtl: '1h'", Some((Short, false))),
    ("cacheControlTtl: '5m', cacheRetention: 'none'", Some((NONE, false))),
    ("cacheRetention: '1h', cacheControlTtl: '1h'", Some((Long, true))),
    ("cacheRetention: 'Short', cacheControlTtl: '2h'", None),
    ("cacheRetention: 'standard'", None),
    ("cacheRetention: 5", None),
    ("cacheControlTtl: '5M'", None),
    ("cacheControlTtl: ''", None),
    ("cacheControlTtl: 3600", None),
];

#[test]
fn each_layer_is_normalised_before_the_layers_are_merged() {
    let call_options = [None, Some(NONE), Some(Short), Some(Long)];
    for (global, says_global) in LAYER {
        for (of_model, says_model) in LAYER {
            for (agent, says_agent) in LAYER {
                let config = layers(global, of_model, agent);
                for call in call_options {
                    let (layer, retention, legacy) = match (call, says_agent, says_model, says_global) {
                        (Some(call), ..) => (Call, call, false),
                        (_, Some((retention, legacy)), ..) => (Agent, *retention, *legacy),
                        (_, _, Some((retention, legacy)), _) => (Model, *retention, *legacy),
                        (_, _, _, Some((retention, legacy))) => (Global, *retention, *legacy),
                        _ => (Default, Short, false),
                    };
                    let found = config.cache_retention(&model("anthropic/m"), Some(" a "), ApiKey, call);
                    let context = format!("{global} < {of_model} < {agent} < {call:?}");
                    assert_eq!((found.layer, found.retention, found.legacy), (layer, retention, legacy), "{context}");
                    assert_eq!(found.ignored, None, "{context}");
                }
            }
        }
    }
}

#[test]
fn an_invalid_value_is_an_error_where_reading_is_strict() {
    for invalid in ["cacheRetention: '1h', cacheControlTtl: '1h'", "cacheControlTtl: 3600", "cacheRetention: null"] {
        for text in [
            format!("{{ agents: {{ defaults: {{ params: {{ {invalid} }} }} }} }}"),
            format!("{{ agents: {{ defaults: {{ models: {{ m: {{ params: {{ {invalid} }} }} }} }} }} }}"),
            format!("{{ agents: {{ list: [{{ id: 'a', params: {{ {invalid} }} }}] }} }}"),
        ] {
            assert_eq!(
                Config::from_json5_str(&text, &options()).unwrap_err().kind(),
                ErrorKind::InvalidConfig,
                "{text}"
            );
        }
    }
}

#[test]
fn an_agent_or_a_model_that_is_not_configured_has_no_layer() {
    let config = layers("cacheRetention: 'long'", "cacheRetention: 'short'", "cacheRetention: 'none'");
    let layer = |name: &str, agent| config.cache_retention(&model(name), agent, ApiKey, None).layer;
    assert_eq!(layer("anthropic/m", Some("a")), Agent);
    assert_eq!(layer("anthropic/m", Some("b")), Model);
    assert_eq!(layer("anthropic/m", None), Model);
    assert_eq!(layer("anthropic/n", None), Global);
    // The provider half is normalised on both sides, the model half on neither.
    assert_eq!(layer(" Anthropic /m", None), Model);
    assert_eq!(layer("anthropic/M", None), Global);
    assert_eq!(layer("openrouter/anthropic/m", None), Global);
    let config = lenient("{ agents: { defaults: { models: { 'Z-AI/X': { params: { cacheRetention: 'long' } } } } } }");
    assert_eq!(config.cache_retention(&model("zai/X"), None, ApiKey, None).layer, Model);
    assert_eq!(config.cache_retention(&model("zai/x"), None, ApiKey, None).layer, Default);
}

#[test]
fn without_a_setting_only_an_anthropic_key_caches() {
    let config = lenient("{}");
    for (name, kind, expected) in [
        ("anthropic/m", ApiKey, Short),
        ("anthropic/m", Token, NONE),
        ("anthropic/m", OAuth, NONE),
        ("openai/gpt-4", ApiKey, NONE),
        ("litellm/anthropic/m", ApiKey, NONE),
        ("openrouter/anthropic/m", ApiKey, NONE),
    ] {
        let found = config.cache_retention(&model(name), None, kind, None);
        assert_eq!((found.retention, found.layer, found.ignored), (expected, Default, None), "{name} {kind}");
        assert_eq!(found.even_for_subscription(), found, "{name} {kind}");
    }
    let config = lenient("{ agents: { defaults: { params: { cacheRetention: 'long' } } } }");
    assert_eq!(config.cache_retention(&model("litellm/m"), None, ApiKey, None).retention, Long);
}

#[test]
fn a_subscription_ignores_settings_and_says_which() {
    let config = layers("", "cacheControlTtl: '1h'", "");
    for kind in [Token, OAuth] {
        for (call, layer, legacy, ignored) in
            [(None, Model, true, Some(Long)), (Some(Short), Call, false, Some(Short)), (Some(NONE), Call, false, None)]
        {
            let found = config.cache_retention(&model("anthropic/m"), None, kind, call);
            assert_eq!(found.retention, NONE);
            assert_eq!((found.layer, found.legacy, found.ignored), (layer, legacy, ignored));
            let opted_in = found.even_for_subscription();
            assert_eq!(opted_in.retention, ignored.unwrap_or(NONE));
            assert_eq!((opted_in.layer, opted_in.legacy, opted_in.ignored), (layer, legacy, None));
        }
    }
}

#[test]
fn beta_flags_come_from_the_innermost_layer_that_has_them() {
    let config = layers(
        "anthropicBeta: 'one-2025-01-01, Two-2025-01-01,,'",
        "anthropicBeta: ['three-2025-01-01', ' four , five ']",
        "anthropicBeta: []",
    );
    let betas = |name: &str, agent| config.anthropic_betas(&model(name), agent);
    assert_eq!(betas("anthropic/n", None), ["one-2025-01-01", "Two-2025-01-01"]);
    assert_eq!(betas("anthropic/m", None), ["three-2025-01-01", "four", "five"]);
    assert_eq!(betas("anthropic/m", Some("a")), [""; 0]);
    assert_eq!(betas("anthropic/n", Some("other")), ["one-2025-01-01", "Two-2025-01-01"]);
}

#[test]
fn settings_under_a_short_name_are_those_of_the_model() {
    let config = lenient(
        "{ agents: { defaults: { models: { 'anthropic/opus-4.6': { alias: 'big', params: { cacheRetention: 'long' } } } } } }",
    );
    for name in ["anthropic/opus-4.6", "opus-4.6", "big", "claude-opus-4-6"] {
        let model = config.resolve_model(name).unwrap();
        assert_eq!(config.cache_retention(&model, None, ApiKey, None).retention, Long, "{name}");
    }
}
