//! Recorded cases of order, cooldown settings and credential resolution, each under its own rules.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it fails")]

use std::collections::HashMap;

use provider_auth::credential::CredentialSource;
use provider_auth::select::{Receipt, SelectorRules};
use provider_auth::{
    AuthProfiles, Config, CredentialKind, Environment, FailureReason, ProfileId, ProviderId, Query, ReadOptions,
    Timestamp,
};
use serde_json::{Value, json};

/// Cases that one of the rules decides otherwise, and why.
const OTHERWISE_BY_DEFAULT: [(&str, &str); 1] =
    [("order-043", "it declares an alias of its own; here the table of aliases is fixed")];

const OPERATIONS: [&str; 4] = ["resolve_order", "mark_failure", "resolve_env_key", "resolve_credential"];

fn cases(op: &str) -> Vec<Value> {
    let all: Vec<Value> = serde_json::from_str(include_str!("../fixtures/resolution_vectors.json")).unwrap();
    let cases: Vec<Value> = all.into_iter().filter(|case| case["input"]["op"] == op).collect();
    assert!(!cases.is_empty(), "no case of {op}");
    cases
}

#[test]
fn every_case_is_run_by_one_of_the_tests_below() {
    let all: Vec<Value> = serde_json::from_str(include_str!("../fixtures/resolution_vectors.json")).unwrap();
    let run: usize = OPERATIONS.iter().map(|operation| cases(operation).len()).sum();
    assert_eq!(run, all.len());
    // Variables by provider, and who comes before whom.
    assert_eq!(cases("resolve_env_key").len() + cases("resolve_credential").len(), 22);
}

fn config(input: &Value) -> Config {
    let env: HashMap<String, String> = serde_json::from_value(input.get("env").cloned().unwrap_or(json!({}))).unwrap();
    let options = ReadOptions::new().environment(Environment::from_fn(move |name| env.get(name).cloned()));
    Config::from_json5_str(&input.get("config").unwrap_or(&json!({})).to_string(), &options).unwrap()
}

fn document(store: &Value) -> AuthProfiles {
    let mut store = store.clone();
    store["version"] = json!(1);
    if store["profiles"].is_null() {
        store["profiles"] = json!({});
    }
    AuthProfiles::from_json(&store.to_string()).unwrap()
}

fn now(input: &Value) -> Timestamp {
    Timestamp::from_millis(input["now"].as_i64().unwrap_or(1_700_000_000_000))
}

/// The rules a case speaks of: the early ones, and the default ones too where nothing says otherwise.
fn rules(case: &Value) -> Vec<SelectorRules> {
    let id = case["id"].as_str().unwrap();
    let early = case["version"].as_str().unwrap().starts_with("early");
    let by_default = !OTHERWISE_BY_DEFAULT.iter().any(|(other, _)| *other == id);
    let early = early.then(SelectorRules::openclaw_2026_02);
    early.into_iter().chain(by_default.then(SelectorRules::default)).collect()
}

#[test]
fn order() {
    for case in cases("resolve_order") {
        let input = &case["input"];
        let (config, profiles) = (config(input), document(&input["store"]));
        let provider = ProviderId::new(input["provider"].as_str().unwrap()).unwrap();
        let preferred = input["preferredProfile"].as_str().map(|id| ProfileId::new(id).unwrap());
        for rules in rules(&case) {
            let config = config.clone().with_rules(rules);
            let query = Query::new(&provider);
            let query = preferred.iter().fold(query, |query, id| query.preferred(id.clone()));
            let candidates = config.selector().candidates(&profiles, &query, now(input));
            let order: Vec<&str> = candidates.order().map(ProfileId::as_str).collect();
            assert_eq!(json!(order), case["expected"]["order"], "{}: {candidates:#?}", case["id"]);
        }
    }
}

#[test]
fn cooldown_settings() {
    for case in cases("mark_failure") {
        let input = &case["input"];
        let id = input["profileId"].as_str().unwrap();
        let provider = ProviderId::new(input["provider"].as_str().unwrap()).unwrap();
        let reason = FailureReason::from_name(input["reason"].as_str().unwrap()).unwrap();
        let store = json!({"profiles": {id: {"type": "api_key", "provider": provider.as_str(), "key": "k"}},
            "usageStats": {id: input["existing"]}});
        let early = case["version"].as_str().unwrap().starts_with("early");
        let rules = if early { SelectorRules::openclaw_2026_02() } else { SelectorRules::default() };
        let config = config(input).with_rules(rules);
        let mut profiles = document(&store);
        let receipt = Receipt::new(ProfileId::new(id).unwrap(), provider, None, now(input));
        config.selector().record_failure(&mut profiles, &receipt, reason, None, now(input)).unwrap();
        let after: Value = serde_json::from_str(&profiles.usage(id).unwrap().to_json()).unwrap();
        for (key, expected) in case["expected"].as_object().unwrap() {
            assert_eq!(&after[key], expected, "{} {key}", case["id"]);
        }
    }
}

#[test]
fn environment_and_precedence() {
    for case in cases("resolve_env_key").into_iter().chain(cases("resolve_credential")) {
        let (input, expected) = (&case["input"], &case["expected"]);
        let provider = ProviderId::new(input["provider"].as_str().unwrap()).unwrap();
        let profiles = document(&json!({"profiles": input["profiles"]}));
        let config = config(input);
        let selection = config.resolve(&profiles, &Query::new(&provider), now(input)).unwrap();
        let source = match &selection.source {
            CredentialSource::Profile => format!("profile:{}", selection.profile),
            CredentialSource::Environment { variable, .. } => format!("env: {variable}"),
            _ => "models.json".to_owned(),
        };
        assert_eq!(json!(selection.credential.secret().expose()), expected["value"], "{}", case["id"]);
        assert_eq!(json!(source), expected["source"], "{}", case["id"]);
        if let Some(mode) = expected["mode"].as_str() {
            let kind = if mode == "api-key" { CredentialKind::ApiKey } else { CredentialKind::Token };
            assert_eq!(selection.credential.kind(), kind, "{}", case["id"]);
        }
    }
}
