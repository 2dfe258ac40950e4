//! What OpenClaw 2026.2.9 printed for `models status --json --check` in made-up situations, at a fixed moment, and what
//! the report says in the same ones. Whatever the reference says has to be there; the report may say more.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it fails")]

use std::collections::BTreeMap;

use provider_auth::status::StatusReport;
use provider_auth::{AuthProfiles, Config, Environment, ReadOptions};
use serde_json::Value;

use crate::support::{NOW, at};

/// Where the report says something else on purpose: the situation, the members, and why. The page "Coming from
/// OpenClaw" says the same to users.
const DIFFERENT: &[(&str, &[&str], &str)] = &[
    ("key-short", &["labels/0"], "nothing is shown of a short secret"),
    ("key-blank", &["missingProvidersInUse", "status"], "a blank key is none"),
    ("emptylogin", &["missingProvidersInUse", "status"], "a login without any token is none"),
    ("token-expired+env", &["effective"], "the environment is what would be used"),
    ("token-expires-zero", &["status"], "an expiry that is no moment makes a token unusable"),
    ("login-expiring-refresh", &["status"], "the end is told, and that the login can be renewed"),
    ("login-expired-refresh", &["status"], "the end is told, and that the login can be renewed"),
    ("stale-disabled-reason", &["reason"], "the reason of a window that is over is not that of another"),
    ("alias-provider", &["provider", "providers"], "a provider is one, however it is spelled"),
    ("models-string", &["missingProvidersInUse"], "an alias stands for its model's provider"),
    ("model-opus-alias-nomodels", &["resolvedDefault"], "there is no model of the name that is left otherwise"),
    ("allowed-keys", &["aliases/glm", "allowed/0", "allowed/1", "allowed/2"], "models are listed in one spelling"),
    ("agents-own", &["effective/detail"], "the agent's own file, not the main agent's"),
    ("env-beyond", &["auth/providers", "auth/oauth/providers"], "every provider's variables are looked at"),
];

/// Situations whose exit code differs, for the reasons above.
const OTHER_CODES: &[(&str, u8)] =
    &[("key-blank", 1), ("emptylogin", 1), ("token-expires-zero", 1), ("models-string", 1)];

fn cases() -> Vec<Value> {
    serde_json::from_str(include_str!("../fixtures/openclaw_status.json")).unwrap()
}

fn report(case: &Value) -> StatusReport {
    let variables: BTreeMap<String, String> = serde_json::from_value(case["variables"].clone()).unwrap();
    let options = ReadOptions::new().environment(Environment::from_fn(move |name| variables.get(name).cloned()));
    let config = Config::from_json5_str(&case["config"].to_string(), &options.lenient(true)).unwrap();
    let profiles = AuthProfiles::from_json(&case["profiles"].to_string()).unwrap();
    let agent = case["agent"].as_str();
    let directory = format!("/home/user/.openclaw/agents/{}/agent", agent.unwrap_or("main"));
    let report = StatusReport::builder(&config, &profiles)
        .config_path("/home/user/.openclaw/openclaw.json")
        .agent_dir(&directory)
        .store_path(format!("{directory}/auth-profiles.json"))
        .home("/home/user");
    if let Some(agent) = agent { report.agent(agent).build(at(NOW)) } else { report.build(at(NOW)) }
}

/// The paths of everything the reference says and the report does not say.
fn missing(reference: &Value, ours: &Value, path: &str, found: &mut Vec<String>) {
    match (reference, ours) {
        (Value::Object(reference), Value::Object(ours)) => {
            for (key, value) in reference {
                missing(value, ours.get(key).unwrap_or(&Value::Null), &format!("{path}/{key}"), found);
            }
        }
        (Value::Array(reference), Value::Array(ours)) if reference.len() == ours.len() => {
            for (place, (value, own)) in reference.iter().zip(ours).enumerate() {
                missing(value, own, &format!("{path}/{place}"), found);
            }
        }
        _ if reference == ours => {}
        _ => found.push(path.to_owned()),
    }
}

#[test]
fn the_report_says_what_the_reference_says() {
    let mut wrong = Vec::new();
    for case in cases() {
        let name = case["name"].as_str().unwrap();
        let (report, known) = (report(&case), DIFFERENT.iter().find(|(known, _, _)| *known == name));
        // Paths were put down with the separators of Unix.
        let text = report.to_json();
        let text = if cfg!(windows) { text.replace(r"\\", "/") } else { text };
        let ours: Value = serde_json::from_str(&text).unwrap();
        let mut found = Vec::new();
        missing(&case["report"], &ours, "", &mut found);
        let expected = known.map_or(&[][..], |(_, ends, _)| *ends);
        let is_expected = |path: &String| expected.iter().any(|end| path.contains(&format!("/{end}")));
        wrong.extend(found.iter().filter(|path| !is_expected(path)).map(|path| format!("{name}: {path}")));
        // A difference that is gone must not stay on the list.
        let gone = expected.iter().filter(|end| !found.iter().any(|path| path.contains(&format!("/{end}"))));
        wrong.extend(gone.map(|end| format!("{name}: {end} agrees by now")));

        let other = OTHER_CODES.iter().find(|(known, _)| *known == name).map(|(_, code)| *code);
        let code = other.map_or_else(|| case["check"].as_u64().unwrap(), u64::from);
        if u64::from(report.check()) != code {
            wrong.push(format!("{name}: exit code {}, not {code}", report.check()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_known_difference_is_of_a_situation() {
    let names: Vec<String> = cases().iter().map(|case| case["name"].as_str().unwrap().to_owned()).collect();
    assert!(names.len() >= 12);
    let known = DIFFERENT.iter().map(|(name, _, _)| *name).chain(OTHER_CODES.iter().map(|(name, _)| *name));
    for name in known {
        assert!(names.iter().any(|known| known == name), "{name}");
    }
}
