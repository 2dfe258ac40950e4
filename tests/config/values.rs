//! The values of a configuration, read through its accessors.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails here fails the test")]

use provider_auth::config::{ProfileMode, ProviderApi, ProviderAuth, RetentionLayer};
use provider_auth::error::Severity;
use provider_auth::{CacheRetention, Config, CredentialKind, ErrorKind, ModelRef, ProfileId, ProviderId};

use crate::support::options;

fn read(text: &str) -> Config {
    Config::from_json5_str(text, &options()).expect(text)
}

fn opus() -> ModelRef {
    "anthropic/claude-opus-4-5".parse().unwrap()
}

#[test]
fn the_snippets_people_copy_parse() {
    let flat_key = r#"{ env: { ANTHROPIC_API_KEY: "sk-ant-..." }, agents: { defaults: { model: { primary: "anthropic/claude-opus-4-5" } } } }"#;
    let config = read(flat_key);
    // It parses; what the page has in the place of the key is not used as one.
    assert_eq!(config.environment().get("ANTHROPIC_API_KEY").unwrap().expose(), "sk-ant-...");
    assert!(config.inline_credential(&ProviderId::anthropic()).is_none());
    assert_eq!(config.resolve_model(config.primary_model(None).unwrap()).unwrap(), opus());

    let legacy = r#"{ agents: { defaults: { models: { "anthropic/claude-opus-4-5": { params: { cacheControlTtl: "5m" } } } } } }"#;
    let config = read(legacy);
    let found = config.cache_retention(&opus(), None, CredentialKind::ApiKey, None);
    assert_eq!((found.retention, found.layer, found.legacy), (CacheRetention::Short, RetentionLayer::Model, true));
    assert_eq!(config.diagnostics().len(), 1);
    assert_eq!(config.diagnostics()[0].severity, Severity::Warning);

    let current = r#"{ agents: { defaults: { models: { "anthropic/claude-opus-4-5": { params: { cacheRetention: "long" } } } } } }"#;
    let config = read(current);
    assert_eq!(config.cache_retention(&opus(), None, CredentialKind::ApiKey, None).retention, CacheRetention::Long);
    assert!(config.diagnostics().is_empty());

    for comment in [
        "// \u{4e0d}\u{652f}\u{6301}\u{8ba2}\u{9605}\u{7684}\u{7f13}\u{5b58}",
        "// st\u{e4}ll in hur l\u{e4}nge",
        "/* bewaart \u{e9}\u{e9}n uur */",
    ] {
        let text = format!(
            "{{\n  agents: {{\n    defaults: {{ // {comment}\n      models: {{\n        {comment}\n        'anthropic/claude-opus-4-5': {{\n          params: {{ cacheRetention: 'long', }}, \
             {comment}\n        }},\n      }},\n    }},\n  }},\n}}\n"
        );
        let found = read(&text).cache_retention(&opus(), None, CredentialKind::ApiKey, None);
        assert_eq!(found.retention, CacheRetention::Long, "{text}");
    }
}

#[test]
fn profiles_and_orders_keep_the_order_of_the_file() {
    let config = read(
        "{ auth: {
            profiles: {
                'z:1': { provider: 'Anthropic', mode: 'oauth', email: 'a@b.example', displayName: 'A' },
                'a:1': { provider: 'z.ai', mode: 'api_key' },
                'm:1': { provider: 'anthropic', mode: 'token' },
            },
            order: { ' Anthropic': ['m:1', 'z:1'], ZAI: [], 'z-ai': ['a:1'] },
        } }",
    );
    let ids: Vec<_> = config.auth_profiles().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["z:1", "a:1", "m:1"]);
    let profile = config.auth_profile(&ProfileId::new("z:1").unwrap()).unwrap();
    assert_eq!((profile.provider.as_str(), profile.mode), ("anthropic", Some(ProfileMode::OAuth)));
    assert_eq!((profile.email.as_deref(), profile.display_name.as_deref()), (Some("a@b.example"), Some("A")));
    let order = |name: &str| {
        config
            .auth_order(&ProviderId::new(name).unwrap())
            .map(|ids| ids.iter().map(ProfileId::as_str).collect::<Vec<_>>())
    };
    assert_eq!(order("anthropic"), Some(vec!["m:1", "z:1"]));
    assert_eq!(order("zai"), Some(vec![]));
    assert_eq!(order("openai"), None);
}

#[test]
fn modes_by_name() {
    for (name, mode, kind) in [
        ("api_key", ProfileMode::ApiKey, Some(CredentialKind::ApiKey)),
        ("oauth", ProfileMode::OAuth, Some(CredentialKind::OAuth)),
        ("token", ProfileMode::Token, Some(CredentialKind::Token)),
        ("aws-sdk", ProfileMode::AwsSdk, None),
    ] {
        let config = read(&format!("{{ auth: {{ profiles: {{ p: {{ provider: 'x', mode: '{name}' }} }} }} }}"));
        let (_, profile) = config.auth_profiles().next().unwrap();
        assert_eq!((profile.mode, mode.as_str(), mode.kind()), (Some(mode), name, kind));
    }
}

#[test]
fn lenient_reading_never_turns_a_broken_order_into_an_order_for_nobody() {
    let options = options().lenient(true);
    let config =
        Config::from_json5_str("{ auth: { order: { a: [1], b: [1, 'x'], c: [], d: 'x' } } }", &options).unwrap();
    let order = |name: &str| config.auth_order(&ProviderId::new(name).unwrap()).map(<[_]>::len);
    assert_eq!((order("a"), order("b"), order("c"), order("d")), (None, Some(1), Some(0), None));
}

#[test]
fn cooldowns_have_all_keys_of_both_versions() {
    let config = read(
        "{ auth: { cooldowns: {
            billingBackoffHours: 5, billingBackoffHoursByProvider: { 'Z.AI': 0.5, anthropic: 0x2 }, billingMaxHours: 24,
            failureWindowHours: 1e1, authPermanentBackoffMinutes: .5, authPermanentMaxMinutes: 60.,
            overloadedProfileRotations: 0, overloadedBackoffMs: 250, rateLimitedProfileRotations: 3,
        } } }",
    );
    let found = config.cooldowns();
    assert_eq!(found.billing_backoff_hours, Some(5.0));
    assert_eq!(found.billing_max_hours, Some(24.0));
    assert_eq!(found.failure_window_hours, Some(10.0));
    assert_eq!(found.auth_permanent_backoff_minutes, Some(0.5));
    assert_eq!(found.auth_permanent_max_minutes, Some(60.0));
    assert_eq!(found.overloaded_profile_rotations, Some(0));
    assert_eq!(found.overloaded_backoff_ms, Some(250));
    assert_eq!(found.rate_limited_profile_rotations, Some(3));
    for (name, hours) in [("zai", 0.5), ("anthropic", 2.0), ("openai", 5.0)] {
        assert_eq!(found.billing_backoff_hours_for(&ProviderId::new(name).unwrap()), Some(hours), "{name}");
    }
}

#[test]
fn models_of_agents_and_of_the_defaults() {
    let config = read(
        "{ agents: {
            defaults: { model: { primary: 'opus', fallbacks: ['b', 'c'] }, imageModel: { primary: 'i', fallbacks: ['j'] } },
            list: [
                { id: 'text', model: 'own' },
                { id: 'Object', model: { fallbacks: [] } },
                { id: 'both', model: { primary: 'own', fallbacks: ['d'] } },
            ],
        } }",
    );
    for (agent, primary, fallbacks) in [
        (None, "opus", &["b", "c"][..]),
        (Some("nobody"), "opus", &["b", "c"]),
        (Some("text"), "own", &["b", "c"]),
        (Some("object"), "opus", &[]),
        (Some("both"), "own", &["d"]),
    ] {
        assert_eq!(config.primary_model(agent), Some(primary), "{agent:?}");
        assert_eq!(config.fallback_models(agent), fallbacks, "{agent:?}");
    }
    assert_eq!((config.image_model(), config.image_fallback_models()), (Some("i"), &["j".to_owned()][..]));
    let config = read("{ agents: { defaults: { model: ' anthropic/m ' } } }");
    assert_eq!(config.primary_model(None), Some("anthropic/m"));
    assert_eq!(read("{}").primary_model(None), None);
}

#[test]
fn model_names() {
    let config = read(
        "{ agents: { defaults: { models: {
            'Anthropic/claude-opus-4-5': { alias: ' Opus ' }, 'openai/gpt-5': { alias: 'big one' }, bare: { alias: 'a/b' },
        } } } }",
    );
    for (name, expected) in [
        ("opus", Ok("anthropic/claude-opus-4-5")),
        (" OPUS\n", Ok("anthropic/claude-opus-4-5")),
        ("Big One", Ok("openai/gpt-5")),
        ("a/b", Ok("anthropic/bare")),
        ("claude-x", Ok("anthropic/claude-x")),
        ("Z.AI/GLM", Ok("zai/GLM")),
        ("openrouter/anthropic/claude-opus-4-5", Ok("openrouter/anthropic/claude-opus-4-5")),
        ("sonnet", Ok("anthropic/claude-sonnet-4-5")),
        ("GPT-mini", Ok("openai/gpt-5-mini")),
        ("anthropic/Opus-4.6", Ok("anthropic/claude-opus-4-6")),
        ("sonnet-4.5", Ok("anthropic/claude-sonnet-4-5")),
        ("openrouter/sonnet-4.5", Ok("openrouter/sonnet-4.5")),
        ("", Err(ErrorKind::InvalidId)),
        (" \t", Err(ErrorKind::InvalidId)),
        ("anthropic/", Err(ErrorKind::UnknownModel)),
        ("/model", Err(ErrorKind::UnknownModel)),
        ("two words", Err(ErrorKind::UnknownModel)),
        ("anthropic/a\u{7}b", Err(ErrorKind::UnknownModel)),
    ] {
        let found = config.resolve_model(name).map(|model| model.to_string()).map_err(|error| error.kind());
        assert_eq!(found, expected.map(str::to_owned), "{name:?}");
    }
}

#[test]
fn models_the_reference_has_an_alias_for() {
    let config = read(
        "{ agents: { defaults: { models: {
            'anthropic/claude-opus-4-6': {}, 'openai/gpt-5.2': { alias: '' }, 'openai/gpt-5-mini': { alias: 'Sonnet' },
            'anthropic/claude-sonnet-4-5': {}, 'google/gemini-3-pro-preview': { alias: 'big' } } } } }",
    );
    let aliases: Vec<_> = config.models().map(|(_, alias)| alias).collect();
    assert_eq!(aliases, [Some("opus"), None, Some("Sonnet"), None, Some("big")]);
    let resolved = |name| config.resolve_model(name).unwrap().to_string();
    assert_eq!(resolved("sonnet"), "openai/gpt-5-mini");
    assert_eq!(resolved("BIG"), "google/gemini-3-pro-preview");
}

#[test]
fn providers() {
    let config = read(
        "{ models: { providers: { 'Z.AI': {
            baseUrl: ' https://example.com/v1 ', apiKey: ' sk-1\\n', auth: 'api-key', api: 'anthropic-messages', authHeader: true,
            headers: { 'X-B': ' b ', 'X-A': 'a' },
            models: [{ id: 'm', headers: { 'X-M': 'm' } }, { id: 'n' }],
        } } } }",
    );
    let provider = config.provider(&ProviderId::new("zai").unwrap()).unwrap();
    assert_eq!(provider.base_url(), Some("https://example.com/v1"));
    assert_eq!(provider.api_key().unwrap().expose(), "sk-1");
    assert_eq!((provider.auth(), provider.api()), (Some(ProviderAuth::ApiKey), Some(ProviderApi::AnthropicMessages)));
    assert_eq!(provider.auth_header(), Some(true));
    let headers: Vec<_> = provider.headers().map(|(name, value)| (name, value.expose())).collect();
    assert_eq!(headers, [("X-B", " b "), ("X-A", "a")]);
    let headers = |model| provider.model_headers(model).map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!((headers("m"), headers("n"), headers("o")), (vec!["X-M"], vec![], vec![]));
    assert!(config.provider(&ProviderId::anthropic()).is_none());
}

#[test]
fn a_name_alone_is_no_model_by_accident() {
    for name in ["opus", "gpt-5", "claude-opus-4-5", ""] {
        let error = name.parse::<ModelRef>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownModel, "{name}");
        assert!(error.help().contains("provider/model"), "{}", error.help());
    }
    assert_eq!(Config::default().resolve_model("opus").unwrap().provider().as_str(), "anthropic");
    assert_eq!("openai/gpt-5".parse::<ModelRef>().unwrap().to_string(), "openai/gpt-5");
}
