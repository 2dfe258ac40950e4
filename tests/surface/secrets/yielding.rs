//! A text that can be no secret gives way, and the rules can take it all the same.

use provider_auth::credential::{CredentialSource, Implausible, InlineCredential};
use provider_auth::error::DiagnosticCode;
use provider_auth::select::{SelectorRules, Verdict};
use provider_auth::status::StatusReport;
use provider_auth::{
    AuthProfiles, Config, Credential, Environment, ErrorKind, ProfileSelector, Query, ReadOptions, Secret,
};
use serde_json::json;

use super::entrance::{Entrance, through_with};
use crate::support::{NOW, at, document, provider};

/// A configuration read with these variables.
fn configured(text: &str, variables: &'static [(&str, &str)]) -> Config {
    let lookup = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let options = ReadOptions::new().environment(Environment::from_fn(lookup));
    Config::from_json5_str(text, &options).unwrap()
}

fn key(text: &str) -> serde_json::Value {
    json!({ "type": "api_key", "provider": "anthropic", "key": text })
}

/// What is used, and where it came from.
fn used(config: &Config, profiles: &AuthProfiles) -> (String, String) {
    let selection = config.resolve(profiles, &Query::new(&provider("anthropic")), at(NOW)).unwrap();
    (selection.credential.secret().expose().to_owned(), selection.source.to_string())
}

#[test]
fn a_plausible_credential_further_down_is_used() {
    let none = AuthProfiles::new();
    let placeholder = document(&json!({ "version": 1, "profiles": { "anthropic:a": key("your_api_key_here") } }));
    let both = document(&json!({
        "version": 1,
        "profiles": { "anthropic:a": key("your_api_key_here"), "anthropic:b": key("stored") },
        "order": { "anthropic": ["anthropic:a", "anthropic:b"] },
    }));
    let keyed = "{ models: { providers: { anthropic: { apiKey: 'written' } } } }";
    let doubtful = "{ models: { providers: { anthropic: { apiKey: '<key>' } } } }";
    let reference =
        "{ models: { providers: { anthropic: { apiKey: { source: 'env', provider: 'default', id: 'MINE' } } } } }";

    let config = configured("{}", &[("ANTHROPIC_API_KEY", "exported")]);
    assert_eq!(used(&config, &both).0, "stored");
    assert_eq!(used(&config, &placeholder).0, "exported");
    let config = configured(keyed, &[("ANTHROPIC_API_KEY", "op://a/b/c")]);
    assert_eq!(used(&config, &placeholder).0, "written");
    assert_eq!(used(&config, &none), ("written".to_owned(), "`models.providers` of the configuration".to_owned()));
    let config = configured(doubtful, &[("ANTHROPIC_OAUTH_TOKEN", "changeme"), ("ANTHROPIC_API_KEY", "second")]);
    assert_eq!(used(&config, &none).1, "the environment variable ANTHROPIC_API_KEY");

    // What a reference of the configuration leads to comes before the variables, and gives way to them.
    let variables = &[("MINE", "<key>"), ("ANTHROPIC_API_KEY", "exported")];
    let config = configured(reference, variables);
    let found = provider_auth::references::ReferenceResolver::new().resolve(&none, &config, at(NOW));
    assert_eq!(used(&config.with_references(found), &none).0, "exported");
    // One that leads nowhere does not.
    let config = configured(reference, &[("ANTHROPIC_API_KEY", "exported")]);
    let found = provider_auth::references::ReferenceResolver::new().resolve(&none, &config, at(NOW));
    assert!(config.with_references(found).resolve(&none, &Query::new(&provider("anthropic")), at(NOW)).is_err());
}

#[test]
fn where_nothing_is_left_the_refusal_says_what_and_where() {
    let query = Query::new(&provider("anthropic"));
    let config = configured("{}", &[("ANTHROPIC_API_KEY", "your_api_key_here")]);
    assert!(config.inline_credential(&provider("anthropic")).is_none());
    assert!(config.environment().credential(&provider("anthropic")).is_none());
    let error = config.resolve(&AuthProfiles::new(), &query, at(NOW)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingApiKey);
    assert_eq!(
        error.to_string(),
        "No API key found for provider \"anthropic\": inline-api-key:anthropic has a placeholder instead of a secret"
    );
    assert_eq!(
        error.help(),
        "In the environment variable ANTHROPIC_API_KEY: Replace the placeholder with the secret itself, or remove the entry."
    );
    let verdict = error.unavailable().unwrap().candidates.first().unwrap().verdict;
    assert_eq!(verdict.code(), "implausible_secret");
    assert!(matches!(verdict, Verdict::ImplausibleSecret { reason: Implausible::Placeholder, .. }));

    let profiles = document(&json!({ "version": 1, "profiles": { "anthropic:a": key("op://a/b/c") } }));
    let error = configured("{}", &[]).resolve(&profiles, &query, at(NOW)).unwrap_err();
    assert!(error.to_string().contains("anthropic:a has an address instead of a secret"), "{error}");
    assert!(error.help().contains("`op run`") && !error.is_transient(), "{}", error.help());
}

#[test]
fn a_status_counts_it_as_missing_and_says_it_once() {
    let config = configured(
        "{ models: { providers: { anthropic: { apiKey: '<key>' } } } }",
        &[("ANTHROPIC_API_KEY", "your_api_key_here"), ("OPENAI_API_KEY", "\"exported\"")],
    );
    let profiles = document(&json!({ "version": 1, "profiles": { "anthropic:a": key("op://a/b/c") } }));
    let report = StatusReport::builder(&config, &profiles).build(at(NOW));
    assert_eq!(report.missing_providers_in_use, [provider("anthropic")]);
    assert_eq!(report.profiles().next().unwrap().label, "anthropic:a=not a secret");
    let of = |code| report.diagnostics.iter().filter(|found| found.code == code).count();
    assert_eq!((of(DiagnosticCode::ImplausibleSecret), of(DiagnosticCode::CleanedSecret)), (3, 1));
    let lint = config.lint([&profiles, &profiles]);
    let of = |code| lint.iter().filter(|found| found.code == code).count();
    assert_eq!((of(DiagnosticCode::ImplausibleSecret), of(DiagnosticCode::CleanedSecret)), (3, 1));
}

#[test]
fn callers_and_rules_take_it_as_it_is() {
    let mut rules = SelectorRules::default();
    rules.refuse_implausible = false;
    for entrance in Entrance::ALL.into_iter().filter(|entrance| *entrance != Entrance::Paste) {
        let came = through_with(entrance, "anthropic", "changeme", rules.clone());
        assert_eq!(came.sent.as_deref(), Some("changeme"), "{entrance:?}");
        let came = through_with(entrance, "anthropic", "changeme", SelectorRules::openclaw_2026_02());
        let knows_references = entrance != Entrance::Reference;
        assert!(!knows_references || came.sent.as_deref() == Some("changeme"), "{entrance:?}: {}", came.said);
    }
    // What a caller hands over is the caller's word, also in quotation marks.
    let query = Query::new(&provider("anthropic"));
    for text in ["changeme", "\"op://a/b/c\""] {
        let credential = Credential::api_key(Secret::new(text));
        let inline = InlineCredential::new(credential, CredentialSource::Caller);
        let selection =
            ProfileSelector::default().resolve(&AuthProfiles::new(), Some(inline), &query, at(NOW)).unwrap();
        assert_eq!(selection.credential.secret().expose(), text);
    }
    // What it took from the environment is not.
    let credential = Credential::api_key(Secret::new("changeme"));
    let inline = InlineCredential::new(credential, CredentialSource::Config);
    assert!(ProfileSelector::default().resolve(&AuthProfiles::new(), Some(inline), &query, at(NOW)).is_err());
}

#[test]
fn a_document_is_not_rewritten_by_reading() {
    let text =
        r#"{"version":1,"profiles":{"anthropic:a":{"type":"api_key","provider":"anthropic","key":"'A_KEY=made-up'"}}}"#;
    let mut profiles = AuthProfiles::from_json(text).unwrap();
    assert_eq!(
        profiles.get("anthropic:a").unwrap().credential().unwrap().secret().expose(),
        "'A_KEY=made-up'".trim_matches('\'').trim_start_matches("A_KEY=")
    );
    profiles.set_order(&provider("anthropic"), &["anthropic:a".parse().unwrap()]).unwrap();
    assert!(profiles.to_json().expose().contains("'A_KEY=made-up'"));
}
