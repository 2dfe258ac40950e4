//! The source of a credential: profiles, then the environment, then the configuration.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::float_cmp, reason = "a test may stop where it fails")]

use std::collections::HashMap;

use provider_auth::credential::{CredentialSource, EnvOrigin};
use provider_auth::select::Verdict;
use provider_auth::{
    AuthProfiles, Config, CredentialKind, Environment, ErrorKind, FailureReason, ProfileId, ProfileSelector,
    ProviderId, Query, ReadOptions, Selection, Timestamp,
};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn config(text: &str, variables: &[(&str, &str)]) -> Config {
    let variables: HashMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let environment = Environment::from_fn(move |name| variables.get(name).cloned());
    Config::from_json5_str(text, &ReadOptions::new().environment(environment)).unwrap()
}

fn resolve(profiles: &str, config: &Config, provider: &str) -> Result<Selection, provider_auth::Error> {
    let profiles = AuthProfiles::from_json(profiles).unwrap();
    let provider = ProviderId::new(provider).unwrap();
    config.resolve(&profiles, &Query::new(&provider), NOW)
}

const EMPTY: &str = r#"{"version": 1, "profiles": {}}"#;
const STORED: &str =
    r#"{"version":1,"profiles":{"anthropic:default":{"type":"api_key","provider":"anthropic","key":"sk-store"}}}"#;
const CONFIG_KEY: &str =
    r#"{models: {providers: {anthropic: {baseUrl: "https://api.anthropic.com", apiKey: "sk-cfg"}}}}"#;

#[test]
fn profiles_come_before_the_environment_and_that_before_the_configuration() {
    let both = config(CONFIG_KEY, &[("ANTHROPIC_API_KEY", "sk-env")]);
    let selection = resolve(STORED, &both, "anthropic").unwrap();
    assert_eq!((selection.source, selection.credential.secret().expose()), (CredentialSource::Profile, "sk-store"));

    let selection = resolve(EMPTY, &both, "anthropic").unwrap();
    assert!(matches!(
        selection.source,
        CredentialSource::Environment { variable: "ANTHROPIC_API_KEY", origin: EnvOrigin::Process, .. }
    ));
    assert_eq!(selection.credential.secret().expose(), "sk-env");
    assert_eq!(selection.profile.as_str(), "inline-api-key:anthropic");
    assert_eq!(selection.receipt.profile(), &selection.profile);

    let selection = resolve(EMPTY, &config(CONFIG_KEY, &[]), "anthropic").unwrap();
    assert_eq!((selection.source, selection.credential.secret().expose()), (CredentialSource::Config, "sk-cfg"));
}

#[test]
fn the_env_block_of_the_configuration_stands_in_for_the_process() {
    let text = r#"{env: {ANTHROPIC_API_KEY: "sk-block", vars: {ANTHROPIC_API_KEY: "sk-vars"}}}"#;
    let selection = resolve(EMPTY, &config(text, &[]), "anthropic").unwrap();
    assert!(matches!(selection.source, CredentialSource::Environment { origin: EnvOrigin::ConfigBlock, .. }));
    assert_eq!(selection.credential.secret().expose(), "sk-block");

    let selection = resolve(EMPTY, &config(text, &[("ANTHROPIC_API_KEY", "sk-env")]), "anthropic").unwrap();
    assert_eq!(selection.credential.secret().expose(), "sk-env");
    let blank = resolve(EMPTY, &config(text, &[("ANTHROPIC_API_KEY", "  ")]), "anthropic").unwrap();
    assert_eq!(blank.credential.secret().expose(), "sk-block");
}

#[test]
fn the_kind_follows_the_variable_and_the_text() {
    for (name, value, kind) in [
        ("ANTHROPIC_API_KEY", "sk-ant-api03-x", CredentialKind::ApiKey),
        ("ANTHROPIC_API_KEY", "sk-ant-oat01-x", CredentialKind::Token),
        ("ANTHROPIC_OAUTH_TOKEN", "anything", CredentialKind::Token),
    ] {
        let selection = resolve(EMPTY, &config("{}", &[(name, value)]), "anthropic").unwrap();
        assert_eq!(selection.credential.kind(), kind, "{name}");
    }
    let both = config("{}", &[("ANTHROPIC_API_KEY", "sk-key"), ("ANTHROPIC_OAUTH_TOKEN", "token")]);
    assert_eq!(resolve(EMPTY, &both, "anthropic").unwrap().credential.secret().expose(), "token");
    assert!(resolve(EMPTY, &both, "openai").is_err());
}

#[test]
fn a_resting_profile_is_waited_for_and_not_replaced() {
    let cooling = STORED.replace("}}}", r#"}},"usageStats":{"anthropic:default":{"cooldownUntil":1700000060000}}}"#);
    let error = resolve(&cooling, &config(CONFIG_KEY, &[("ANTHROPIC_API_KEY", "sk-env")]), "anthropic").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let named = "anthropic:default is cooling down for 1 min";
    let text = format!("No available auth profile for anthropic (all in cooldown or unavailable): {named}");
    assert_eq!(error.to_string(), text);
    let unavailable = error.unavailable().unwrap();
    assert_eq!(unavailable.retry_after().unwrap().as_secs(), 60);
    assert_eq!(unavailable.candidates.len(), 1);
}

#[test]
fn an_unfit_profile_is_replaced_and_named() {
    let blank = STORED.replace("sk-store", " ");
    let selection = resolve(&blank, &config("{}", &[("ANTHROPIC_API_KEY", "sk-env")]), "anthropic").unwrap();
    assert_eq!(selection.skipped.len(), 1);
    assert_eq!(selection.skipped[0].verdict, Verdict::MissingSecret);

    let error = resolve(&blank, &config("{}", &[]), "anthropic").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingApiKey);
    assert_eq!(error.to_string(), "No API key found for provider \"anthropic\": anthropic:default has no secret");
    let unavailable = error.unavailable().unwrap();
    assert_eq!(unavailable.candidates[0].verdict, Verdict::MissingSecret);
}

#[test]
fn a_locked_profile_is_not_replaced_by_anything() {
    let config = config("{}", &[("ANTHROPIC_API_KEY", "sk-env")]);
    let anthropic = ProviderId::anthropic();
    let other = r#"{"version":1,"profiles":{
        "anthropic:default":{"type":"api_key","provider":"anthropic","key":"sk-store"},
        "openai:default":{"type":"api_key","provider":"openai","key":"sk-openai"}}}"#;
    let profiles = AuthProfiles::from_json(other).unwrap();
    for (id, kind, text) in [
        (
            "anthropic:gone",
            ErrorKind::MissingCredentials,
            "No credentials found for profile \"anthropic:gone\": it does not exist",
        ),
        (
            "openai:default",
            ErrorKind::ProfileNotConfigured,
            "Auth profile \"openai:default\" is not configured for anthropic: it belongs to another provider",
        ),
    ] {
        let id = ProfileId::new(id).unwrap();
        let error = config.resolve(&profiles, &Query::new(&anthropic).locked(id), NOW).unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (kind, text));
    }
}

#[test]
fn failures_of_an_inline_key_are_kept_under_its_pseudo_profile() {
    let config = config("{}", &[("ANTHROPIC_API_KEY", "sk-env")]);
    let (selector, anthropic) = (config.selector(), ProviderId::anthropic());
    let mut profiles = AuthProfiles::new();
    let selection = config.resolve(&profiles, &Query::new(&anthropic), NOW).unwrap();
    selector.record_failure(&mut profiles, &selection.receipt, FailureReason::Billing, None, NOW).unwrap();

    let error = config.resolve(&profiles, &Query::new(&anthropic), NOW).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let unavailable = error.unavailable().unwrap();
    assert_eq!(unavailable.candidates[0].id.as_str(), "inline-api-key:anthropic");
    assert_eq!(unavailable.retry_after().unwrap().as_secs(), 600);
    assert_eq!(unavailable.reason(), Some(FailureReason::Billing));

    let later = Timestamp::from_millis(NOW.as_millis() + 600_000);
    assert!(config.resolve(&profiles, &Query::new(&anthropic), later).is_ok());
}

#[test]
fn the_configuration_orders_lists_and_restricts() {
    let stored = r#"{"version":1,"profiles":{
        "anthropic:a":{"type":"api_key","provider":"anthropic","key":"sk-a"},
        "anthropic:b":{"type":"api_key","provider":"anthropic","key":"sk-b"},
        "anthropic:c":{"type":"token","provider":"anthropic","token":"sk-c"}}}"#;
    let profiles = AuthProfiles::from_json(stored).unwrap();
    let anthropic = ProviderId::anthropic();
    let verdicts = |text: &str| -> Vec<(String, Verdict)> {
        let (config, query) = (config(text, &[]), Query::new(&anthropic));
        let candidates = config.selector().candidates(&profiles, &query, NOW);
        candidates.iter().map(|candidate| (candidate.id.to_string(), candidate.verdict)).collect()
    };
    let row = |id: &str, verdict| (format!("anthropic:{id}"), verdict);
    assert_eq!(
        verdicts("{auth: {order: {Anthropic: ['anthropic:b', 'anthropic:gone', 'anthropic:b']}}}"),
        [
            row("b", Verdict::Ready),
            row("gone", Verdict::Missing),
            row("a", Verdict::ExcludedByOrder),
            row("c", Verdict::ExcludedByOrder)
        ]
    );
    assert_eq!(
        verdicts("{auth: {profiles: {'anthropic:a': {provider: 'anthropic', mode: 'api_key'}}}}"),
        [row("a", Verdict::Ready), row("b", Verdict::NotConfigured), row("c", Verdict::NotConfigured)]
    );
    let modes = "{auth: {profiles: {
        'anthropic:a': {provider: 'anthropic', mode: 'oauth'},
        'anthropic:b': {provider: 'anthropic', mode: 'token'},
        'anthropic:c': {provider: 'anthropic', mode: 'oauth'}}}}";
    assert_eq!(
        verdicts(modes),
        [row("c", Verdict::Ready), row("a", Verdict::ModeMismatch), row("b", Verdict::ModeMismatch)],
        "a configured login accepts a token, not the other way round"
    );
    assert_eq!(
        verdicts("{auth: {order: {anthropic: []}}}").iter().filter(|(_, verdict)| verdict.is_ready()).count(),
        0
    );
}

#[test]
fn cooldown_settings_override_the_rules() {
    let text = "{auth: {cooldowns: {billingBackoffHours: 2, billingMaxHours: 3, failureWindowHours: 1,
        billingBackoffHoursByProvider: {OpenAI: 0.001}, authPermanentBackoffMinutes: 5, authPermanentMaxMinutes: 6}}}";
    let settings = config(text, &[]);
    let fails = |provider: &str, reason, times: i64| {
        let selector = settings.selector();
        let document =
            format!(r#"{{"version":1,"profiles":{{"p":{{"type":"api_key","provider":"{provider}","key":"k"}}}}}}"#);
        let mut profiles = AuthProfiles::from_json(&document).unwrap();
        let provider = ProviderId::new(provider).unwrap();
        let mut now = NOW;
        let mut rest = 0;
        for _ in 0..times {
            let selection = selector.select(&profiles, &Query::new(&provider), now).unwrap();
            selector.record_failure(&mut profiles, &selection.receipt, reason, None, now).unwrap();
            let until = profiles.usage("p").unwrap().disabled_until().unwrap();
            rest = (until - now).as_secs();
            now = until;
        }
        rest
    };
    assert_eq!(fails("anthropic", FailureReason::Billing, 1), 7_200);
    assert_eq!(fails("anthropic", FailureReason::Billing, 2), 7_200, "the counter starts again after one hour");
    assert_eq!(fails("openai", FailureReason::Billing, 1), 60, "no base is shorter than a minute");
    assert_eq!(fails("openai", FailureReason::Billing, 3), 240);
    assert_eq!(fails("anthropic", FailureReason::AuthPermanent, 1), 300);
    assert_eq!(fails("anthropic", FailureReason::AuthPermanent, 2), 360);
}

#[test]
fn a_refusal_says_whether_waiting_helps() {
    let empty = config("{}", &[]);
    let cooling = STORED.replace("}}}", r#"}},"usageStats":{"anthropic:default":{"cooldownUntil":1700000060000}}}"#);
    let error = resolve(&cooling, &empty, "anthropic").unwrap_err();
    assert!(error.is_transient());
    assert_eq!(error.retry_after().unwrap().as_secs(), 60);
    assert_eq!(error.unavailable().unwrap().candidates.len(), 1);

    let none_of_them = STORED.replace("}}}", r#"}},"order":{"anthropic":[]}}"#);
    let anthropic = ProviderId::anthropic();
    for text in [&none_of_them, &STORED.replace("sk-store", "two words")] {
        let profiles = AuthProfiles::from_json(text).unwrap();
        let refusal = ProfileSelector::default().select(&profiles, &Query::new(&anthropic), NOW).unwrap_err();
        let error = provider_auth::Error::from(refusal);
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(!error.is_transient() && error.retry_after().is_none() && error.help().contains("does not help"));
    }
    assert!(resolve(EMPTY, &empty, "anthropic").unwrap_err().unavailable().is_some());
}

#[test]
fn a_new_inline_key_does_not_inherit_the_rest_of_the_old_one() {
    let anthropic = ProviderId::anthropic();
    let mut profiles = AuthProfiles::new();
    let with_key = |key: &str| config("{}", &[("ANTHROPIC_API_KEY", key)]);
    let selector = ProfileSelector::default();
    let pick = |profiles: &AuthProfiles, key: &str| with_key(key).resolve(profiles, &Query::new(&anthropic), NOW);
    let old = pick(&profiles, "sk-old-and-revoked").unwrap();
    selector.record_failure(&mut profiles, &old.receipt, FailureReason::AuthPermanent, None, NOW).unwrap();
    assert!(pick(&profiles, "sk-old-and-revoked").is_err());
    let new = pick(&profiles, "sk-new").unwrap();
    assert!(!profiles.to_json().expose().contains("sk-old"), "nothing of the key is written");

    selector.record_failure(&mut profiles, &new.receipt, FailureReason::Auth, None, NOW).unwrap();
    let usage = profiles.usage("inline-api-key:anthropic").unwrap();
    assert_eq!((usage.disabled_until(), usage.failure_count(FailureReason::AuthPermanent)), (None, 0.0));
}

#[test]
fn a_late_report_of_a_replaced_inline_key_does_not_touch_the_new_one() {
    let anthropic = ProviderId::anthropic();
    let mut profiles = AuthProfiles::new();
    let with_key = |key: &str| config("{}", &[("ANTHROPIC_API_KEY", key)]);
    let selector = ProfileSelector::default();
    let later = Timestamp::from_millis(NOW.as_millis() + 1_000);
    let old = with_key("sk-old").resolve(&profiles, &Query::new(&anthropic), NOW).unwrap();
    let new = with_key("sk-new").resolve(&profiles, &Query::new(&anthropic), later).unwrap();
    selector.record_failure(&mut profiles, &new.receipt, FailureReason::Billing, None, later).unwrap();
    let before = profiles.to_json();
    selector.record_failure(&mut profiles, &old.receipt, FailureReason::AuthPermanent, None, later).unwrap();
    assert_eq!(profiles.to_json().expose(), before.expose());
    assert!(with_key("sk-new").resolve(&profiles, &Query::new(&anthropic), later).is_err());
}

#[test]
fn the_rules_of_february_2026_keep_nothing_of_inline_keys_and_ask_no_secret() {
    let anthropic = ProviderId::anthropic();
    let mut profiles = AuthProfiles::new();
    let config = config("{}", &[("ANTHROPIC_API_KEY", "sk-env")]);
    let config = config.with_rules(provider_auth::select::SelectorRules::openclaw_2026_02());
    let selector = config.selector();
    let inline = config.resolve(&profiles, &Query::new(&anthropic), NOW).unwrap();
    selector.record_failure(&mut profiles, &inline.receipt, FailureReason::Auth, None, NOW).unwrap();
    assert_eq!(profiles.usage_stats().count(), 0);

    let id = ProfileId::new("anthropic:default").unwrap();
    let key = |text: &str| provider_auth::Credential::api_key(provider_auth::Secret::new(text));
    profiles.upsert(&id, &anthropic, &key("sk-old"), None).unwrap();
    let picked = selector.select(&profiles, &Query::new(&anthropic), NOW).unwrap();
    profiles.upsert(&id, &anthropic, &key("sk-new"), None).unwrap();
    selector.record_failure(&mut profiles, &picked.receipt, FailureReason::Auth, None, NOW).unwrap();
    assert_eq!(profiles.usage("anthropic:default").unwrap().failure_count(FailureReason::Auth), 1.0);
}

#[test]
fn a_login_that_must_be_renewed_says_so() {
    let anthropic = ProviderId::anthropic();
    for (access, expires, needs) in [("", 0, true), ("live", 1, false), ("over", 0, true), ("over", -1, true)] {
        let expires = NOW.as_millis() + expires;
        let text = format!(
            r#"{{"version":1,"profiles":{{"a":{{"type":"oauth","provider":"anthropic","access":"{access}","refresh":"r","expires":{expires}}}}}}}"#
        );
        let profiles = AuthProfiles::from_json(&text).unwrap();
        let selection = ProfileSelector::default().select(&profiles, &Query::new(&anthropic), NOW).unwrap();
        assert_eq!(selection.needs_refresh(), needs, "{access} {expires}");
    }
    let key = resolve(STORED, &config("{}", &[]), "anthropic").unwrap();
    assert!(!key.needs_refresh());
}
