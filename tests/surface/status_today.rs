//! What OpenClaw 2026.9.6 printed for `models status --json --agent ID` of made-up configurations, without any credential,
//! and what the report says of the same ones.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it fails")]

use provider_auth::status::StatusReport;
use provider_auth::{AuthProfiles, Config, Environment, ReadOptions};
use serde_json::{Value, json};

use crate::support::{NOW, at, document, leading_to};

const CASES: &str = include_str!("../fixtures/openclaw_status_2026_9.jsonl");

/// Where the report says something else on purpose.
const DIFFERENT: &[(&str, &str, &str)] = &[
    ("policy", "allowed", "OpenClaw knows every model of Anthropic, and lists those instead of `anthropic/*`"),
    ("legacylist", "allowed", "the same, of OpenAI"),
    ("bare", "resolvedDefault", "an alias that no listed model has stands for its model, with a remark"),
    ("bare", "utilityModel", "so the model beside it is Anthropic's"),
    ("bare", "missingProvidersInUse", "and so is the provider"),
    (
        "provname",
        "missingProvidersInUse",
        "OpenClaw calls a provider it does not know indeterminate, which fails the check too",
    ),
];

fn cases() -> Vec<Value> {
    CASES.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn config(text: &str) -> Config {
    Config::from_json5_str(text, &ReadOptions::new().environment(Environment::empty())).unwrap()
}

fn report(config: &Config, profiles: &AuthProfiles, agent: &str) -> (Value, u8) {
    let report = StatusReport::builder(config, profiles).agent(agent).build(at(NOW));
    (serde_json::from_str(&report.to_json()).unwrap(), report.check())
}

#[test]
fn the_report_says_what_openclaw_says() {
    let mut wrong = Vec::new();
    for case in cases() {
        let (name, agent) = (case["name"].as_str().unwrap(), case["agent"].as_str().unwrap());
        let config = config(&case["config"].to_string());
        let (ours, check) = report(&config, &AuthProfiles::new(), agent);
        for (member, theirs) in case["expected"].as_object().unwrap() {
            let ours = if member == "missingProvidersInUse" { &ours["auth"][member] } else { &ours[member] };
            let differs = DIFFERENT.iter().any(|(known, which, _)| *known == name && which == member);
            // The members of the second agent of a configuration can agree where those of the first do not.
            if (ours != theirs) != differs && !(differs && agent != "main") {
                wrong.push(format!("{name} / {agent}: {member}: {ours} and not {theirs}"));
            }
        }
        if Some(u64::from(check)) != case["check"].as_u64() {
            wrong.push(format!("{name} / {agent}: exit code {check}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_said_of_what_openclaw_takes_as_it_is() {
    for case in cases() {
        let (name, config) = (case["name"].as_str().unwrap(), config(&case["config"].to_string()));
        assert_eq!(config.diagnostics(), [], "{name}");
        // The one in which OpenClaw takes an alias for a model of OpenAI, and says so itself.
        let remarks = config.lint(None).len();
        assert_eq!(remarks > 0, name == "bare", "{name}: {:?}", config.lint(None));
    }
}

#[test]
fn the_shape_is_that_of_the_release() {
    let newer = ["utilityModel", "auth/modelRouteIssues", "auth/runtimeAuthRoutes"];
    for (text, is_newer) in [
        ("{}", false),
        ("{ meta: { lastTouchedVersion: '2026.7.1' } }", false),
        ("{ agents: { list: [{ id: 'main' }] } }", false),
        ("{ meta: { lastTouchedVersion: '2026.9.6' } }", true),
        ("{ agents: { entries: {} } }", true),
    ] {
        let (ours, _) = report(&config(text), &AuthProfiles::new(), "main");
        for member in newer {
            assert_eq!(ours.pointer(&format!("/{member}")).is_some(), is_newer, "{text}: {member}");
        }
        let model = if is_newer { "openai/gpt-6-astra" } else { "anthropic/claude-opus-4-6" };
        assert_eq!(ours["defaultModel"], model, "{text}");
    }
}

#[test]
fn a_reference_that_nothing_resolved_is_not_a_credential_yet() {
    let profiles = document(&json!({ "version": 1, "profiles": { "anthropic:default": {
        "type": "api_key", "provider": "anthropic", "keyRef": { "source": "env", "provider": "default", "id": "EXAMPLE" } } } }));
    let text = "{ agents: { defaults: { model: 'anthropic/claude-opus-5' }, entries: { main: {} } } }";
    let (ours, check) = report(&config(text), &profiles, "main");
    let models: Vec<&Value> =
        ours["auth"]["modelRouteIssues"].as_array().unwrap().iter().map(|issue| &issue["model"]).collect();
    assert_eq!((models, check), (vec![&json!("claude-opus-5"), &json!("claude-haiku-4-5")], 1));
    assert_eq!(ours["auth"]["providers"][0]["profiles"]["labels"], json!(["anthropic:default=ref(env:EXAMPLE)"]));
    let effective = &ours["auth"]["oauth"]["providers"][0]["effectiveProfiles"];
    assert_eq!(effective[0]["profileId"], "anthropic:default");

    let config = config(text).with_references(leading_to(&profiles, "sk-ant-example"));
    let resolved = StatusReport::builder(&config, &profiles).build(at(NOW));
    assert_eq!((resolved.unconfirmed_models.len(), resolved.check()), (0, 0));
    // An older release says nothing of it, and so does the report.
    let (older, check) = report(&self::config("{ agents: { defaults: { model: 'anthropic/m' } } }"), &profiles, "main");
    assert_eq!((older["auth"].get("modelRouteIssues"), check), (None, 0));
}

#[test]
fn what_to_do_about_each_profile_that_cannot_be_used() {
    let profiles = document(&json!({ "version": 1, "profiles": {
        "anthropic:a": { "type": "api_key", "provider": "anthropic", "key": "sk-ant-a" },
        "anthropic:b": { "type": "api_key", "provider": "anthropic", "key": "sk-ant-b" },
        "anthropic:c": { "type": "api_key", "provider": "anthropic", "key": "sk-ant-c" },
    }, "usageStats": {
        "anthropic:a": { "cooldownUntil": NOW + 60_000, "cooldownReason": "rate_limit" },
        "anthropic:b": { "disabledUntil": NOW + 70_000, "disabledReason": "billing" },
        "anthropic:c": { "disabledUntil": NOW + 80_000, "disabledReason": "auth_permanent" },
    } }));
    let (ours, _) = report(&config("{ agents: { entries: { main: {} } } }"), &profiles, "main");
    let unusable = ours["auth"]["unusableProfiles"].as_array().unwrap();
    let hints: Vec<&str> = unusable.iter().map(|entry| entry["recoveryHint"].as_str().unwrap()).collect();
    assert_eq!(hints.len(), 3);
    for (hint, word) in
        hints.iter().zip(["Wait", "Top up", "models auth login --provider anthropic --profile-id 'anthropic:c'"])
    {
        assert!(hint.contains(word), "{hint}");
    }
    let (older, _) = report(&config("{}"), &profiles, "main");
    assert!(older["auth"]["unusableProfiles"][0].get("recoveryHint").is_none());
}
