//! Names of providers in several spellings: one provider in a release of February, and as many as have an entry in one
//! of September.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

use provider_auth::rotation::{Outcome, Step};
use provider_auth::status::StatusReport;
use provider_auth::{
    AuthProfiles, CacheRetention, Config, CredentialKind, Endpoint, Environment, FailureClassifier, ModelRef,
    ProviderId, Query, ReadOptions, Timestamp,
};
use serde_json::{Value, json};

use crate::support::{config, document};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn provider(name: &str) -> ProviderId {
    ProviderId::new(name).unwrap()
}

fn model(name: &str) -> ModelRef {
    name.parse().unwrap()
}

/// A configuration of a release, with the entries of `models.providers`.
fn of(release: &str, providers: &str) -> Config {
    config(&format!("{{ meta: {{ lastTouchedVersion: '{release}' }}, models: {{ providers: {{ {providers} }} }} }}"))
}

const BOTH: &str = "zai: { baseUrl: 'https://one.example.com', api: 'anthropic-messages', apiKey: 'key-one' },
    'z.ai': { baseUrl: 'https://two.example.com', api: 'anthropic-messages', apiKey: 'key-two',
              models: [{ id: 'm', compat: { supportsLongCacheRetention: false } }] }";

#[test]
fn the_exact_spelling_wins_and_another_is_found() {
    for (providers, name, url) in [
        (BOTH, "zai", Some("one")),
        (BOTH, "z.ai", Some("two")),
        (BOTH, "Z.AI ", Some("two")),
        // Neither of the two: the first of them.
        (BOTH, "z-ai", Some("one")),
        ("bedrock: { baseUrl: 'https://one.example.com' }", "amazon-bedrock", Some("one")),
        ("'amazon-bedrock': { baseUrl: 'https://one.example.com' }", "aws-bedrock", Some("one")),
        ("'aws-bedrock': { baseUrl: 'https://one.example.com' }", "bedrock", Some("one")),
        ("'kimi-coding': { baseUrl: 'https://one.example.com' }, kimi: {}", "kimi", None),
        ("a: { baseUrl: 'https://one.example.com' }", "b", None),
    ] {
        let config = of("2026.9.6", providers);
        assert!(config.diagnostics().is_empty(), "{providers}: {:?}", config.diagnostics());
        let found = config.provider(&provider(name)).and_then(|entry| entry.base_url());
        let expected = url.map(|url| format!("https://{url}.example.com"));
        assert_eq!(found, expected.as_deref(), "{providers}: {name}");
    }
}

#[test]
fn in_an_older_file_they_are_one() {
    let config = of("2026.2.9", BOTH);
    assert_eq!(config.providers().len(), 1);
    assert_eq!(config.diagnostics().len(), 1);
    for name in ["zai", "z.ai", "z-ai"] {
        assert_eq!(config.provider(&provider(name)).unwrap().base_url(), Some("https://one.example.com"), "{name}");
    }
}

#[test]
fn each_has_its_own_server_key_and_retention() {
    let text = format!(
        "{{ agents: {{ entries: {{}}, defaults: {{ params: {{ cacheRetention: 'long' }} }} }},
            models: {{ providers: {{ {BOTH} }} }} }}"
    );
    let config = config(&text);
    for (name, host, key, retention) in [
        ("zai/m", "one.example.com", "key-one", CacheRetention::Long),
        ("z.ai/m", "two.example.com", "key-two", CacheRetention::Short),
    ] {
        let model = model(name);
        assert_eq!(Endpoint::for_model(&config, &model).unwrap().host(), host);
        let found = config.resolve(&AuthProfiles::new(), &Query::for_model(&model), NOW).unwrap();
        assert_eq!(found.credential.secret().expose(), key, "{name}");
        assert_eq!(found.profile.as_str(), format!("inline-api-key:{}", model.provider().written()));
        let found = config.cache_retention(&model, None, CredentialKind::ApiKey, None);
        assert_eq!(found.retention, retention, "{name}");
    }
}

#[test]
fn a_key_of_one_is_never_sent_to_the_other() {
    let stored = document(&json!({ "version": 1, "profiles": {
        "zai:a": { "type": "api_key", "provider": "zai", "key": "key-a" },
        "z.ai:b": { "type": "api_key", "provider": "z.ai", "key": "key-b" },
    }, "order": { "zai": ["zai:a"] } }));
    let only = document(&json!({ "version": 1, "profiles": {
        "zai:a": { "type": "api_key", "provider": "zai", "key": "key-a" },
    } }));
    // With the names of both profiles, and of the first alone.
    for (providers, name, both, first) in [
        (BOTH, "zai", "key-a", "key-a"),
        (BOTH, "z.ai", "key-b", "key-two"),
        ("zai: {}", "zai", "key-a", "key-a"),
        ("zai: {}", "z.ai", "key-a", "key-a"),
    ] {
        let config = of("2026.9.6", providers);
        let key = |profiles: &AuthProfiles| {
            let found = config.resolve(profiles, &Query::new(&provider(name)), NOW).unwrap();
            found.credential.secret().expose().to_owned()
        };
        assert_eq!((key(&stored).as_str(), key(&only).as_str()), (both, first), "{providers}: {name}");
    }
    // Nor does the provider's variable stand in for the key of another spelling.
    let variables = Environment::from_fn(|name| (name == "ZAI_API_KEY").then(|| "key-variable".to_owned()));
    let text = format!("{{ agents: {{ entries: {{}} }}, models: {{ providers: {{ {BOTH} }} }} }}");
    let config = Config::from_json5_str(&text, &ReadOptions::new().environment(variables)).unwrap();
    for (name, key) in [("zai", "key-variable"), ("z.ai", "key-two")] {
        let found = config.inline_credential(&provider(name)).unwrap();
        assert_eq!(found.credential.secret().expose(), key, "{name}");
    }
}

#[test]
fn a_call_goes_from_one_to_the_other_with_the_key_of_each() {
    let text = format!(
        "{{ agents: {{ entries: {{}}, defaults: {{ model: {{ primary: 'zai/m', fallbacks: ['z.ai/m', 'zai/m'] }} }} }},
            models: {{ providers: {{ {BOTH} }} }} }}"
    );
    let mut rotation = config(&text).rotation(model("zai/m"), None, NOW);
    assert_eq!(rotation.models().iter().map(ModelRef::written).collect::<Vec<_>>(), ["zai/m", "z.ai/m"]);
    let classifier = FailureClassifier::for_any_provider();
    let mut keys = Vec::new();
    loop {
        match rotation.next(&AuthProfiles::new(), NOW) {
            Step::Attempt(attempt) => {
                keys.push(attempt.credential().secret().expose().to_owned());
                // Nobody is to blame: a model of another provider is next, after retries of this one.
                let failure = classifier.text("connection refused", NOW).unwrap();
                rotation.report(&attempt, Outcome::from(failure), NOW);
            }
            Step::Pause(_) => {}
            _ => break,
        }
    }
    keys.dedup();
    assert_eq!(keys, ["key-one", "key-two"]);
}

#[test]
fn an_order_and_a_models_settings_are_found_as_written_first() {
    let config = config(
        "{ agents: { entries: {}, defaults: { models: {
              'zai/m': { alias: 'one', params: { cacheRetention: 'none' } },
              'z.ai/m': { alias: 'two', params: { cacheRetention: 'long' } },
              'bedrock/m': { params: { cacheRetention: 'long' } } } } },
           auth: { order: { zai: ['zai:a'], 'z.ai': ['z.ai:b'] } } }",
    );
    assert!(config.diagnostics().is_empty(), "{:?}", config.diagnostics());
    for (name, retention) in
        [("zai/m", CacheRetention::None), ("z.ai/m", CacheRetention::Long), ("amazon-bedrock/m", CacheRetention::Long)]
    {
        let found = config.cache_retention(&model(name), None, CredentialKind::ApiKey, None);
        assert_eq!(found.retention, retention, "{name}");
    }
    assert_eq!(config.resolve_model("two").unwrap().written(), "z.ai/m");
    for (name, id) in [("zai", "zai:a"), ("z.ai", "z.ai:b"), ("z-ai", "zai:a")] {
        assert_eq!(config.auth_order(&provider(name)).unwrap()[0].as_str(), id, "{name}");
    }
}

#[test]
fn the_report_has_a_row_for_each() {
    let profiles = document(&json!({ "version": 1, "profiles": {
        "zai:a": { "type": "api_key", "provider": "zai", "key": "key-a" },
    } }));
    let rows = |config: &Config| {
        let report = StatusReport::builder(config, &profiles).build(NOW);
        assert_eq!(report.profiles().count(), 1);
        let told: Value = serde_json::from_str(&report.to_json()).unwrap();
        let rows = told["auth"]["providers"].as_array().unwrap().iter();
        rows.map(|row| format!("{} {}", row["provider"], row["effective"]["kind"])).collect::<Vec<_>>()
    };
    assert_eq!(rows(&of("2026.9.6", BOTH)), [r#""z.ai" "models.json""#, r#""zai" "profiles""#]);
    assert_eq!(rows(&of("2026.2.9", BOTH)), [r#""zai" "profiles""#]);
    assert_eq!(rows(&of("2026.9.6", "'z.ai': { apiKey: 'x' }")), [r#""zai" "profiles""#]);
}

#[test]
fn a_policy_means_the_names_that_it_has() {
    for (release, allow, allowed, refused) in [
        ("2026.9.6", "'z.ai/*'", "z.ai/m", "zai/m"),
        ("2026.9.6", "'zai/*', 'Z.AI/n'", "z.ai/n", "z.ai/m"),
        ("2026.9.6", "'bedrock/m'", "bedrock/m", "amazon-bedrock/m"),
        ("2026.2.9", "'z.ai/*'", "zai/m", "a/b"),
    ] {
        let text = format!(
            "{{ meta: {{ lastTouchedVersion: '{release}' }}, agents: {{ defaults: {{ modelPolicy: {{ allow: [{allow}] }} }} }} }}"
        );
        let config = config(&text);
        assert!(config.is_allowed(&model(allowed), None), "{text}");
        assert!(!config.is_allowed(&model(refused), None), "{text}");
    }
}
