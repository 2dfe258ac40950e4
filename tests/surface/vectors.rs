//! Recorded cases of what users see and type: status, setup and the `env` block. Kinds are compared, not sentences.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop where it fails")]

use std::collections::BTreeMap;

use provider_auth::select::SelectorRules;
use provider_auth::status::{StatusReport, mask_secret};
use provider_auth::{AuthProfiles, ErrorKind, Secret, setup};
use serde_json::{Map, Value, json};

use crate::support::{HOUR, NOW, at, config, document, names, provider};

fn cases() -> Vec<Value> {
    serde_json::from_str(include_str!("../fixtures/surface_vectors.json")).unwrap()
}

fn report(profiles: &Value, usage: &Value, now: i64, rules: &SelectorRules, models: &str) -> (Value, u8) {
    let profiles = document(&json!({ "version": 1, "profiles": profiles, "usageStats": usage }));
    let config = config(models).with_rules(rules.clone());
    let report = StatusReport::builder(&config, &profiles).build(at(now));
    (serde_json::from_str(&report.to_json()).unwrap(), report.check())
}

fn by_default(profiles: &Value, usage: &Value) -> Value {
    report(profiles, usage, NOW, &SelectorRules::default(), "{}").0
}

/// The text a case describes.
fn text(input: &Value) -> String {
    let Some(spec) = input.get("spec") else { return input["value"].as_str().unwrap().to_owned() };
    let part = |name: &str| spec[name].as_str().unwrap_or_default();
    let fill = part("fill").repeat(usize::try_from(spec["fillCount"].as_u64().unwrap()).unwrap());
    format!("{}{}{}{fill}{}", part("leading"), part("prefix"), part("insert"), part("trailing"))
}

/// A credential of a kind whose health is the one named.
fn healthy(status: &str) -> Value {
    let token = |expires: i64| json!({ "type": "token", "provider": "anthropic", "token": "t", "expires": expires });
    match status {
        "ok" => token(NOW + 100 * HOUR),
        "expiring" => token(NOW + HOUR),
        "expired" => token(NOW - HOUR),
        "missing" => json!({ "type": "oauth", "provider": "anthropic", "access": "a", "refresh": "r" }),
        _ => json!({ "type": "api_key", "provider": "anthropic", "key": "k" }),
    }
}

fn holds(input: &Value, expected: &Value) -> bool {
    let none = json!({});
    match input["op"].as_str().unwrap() {
        "validate_setup_token" => match setup::setup_token(&text(input)) {
            Ok(_) => expected["ok"] == json!(true),
            Err(error) => expected["ok"] == json!(false) && error.kind() == ErrorKind::InvalidSecret,
        },
        "normalize_token_profile_name" => setup::slug(input["value"].as_str().unwrap()) == expected["name"],
        "apply_env_block" => {
            let config = config(&json!({ "env": input["env"] }).to_string());
            let asked =
                input["env"]["vars"].as_object().unwrap().keys().chain(input["env"].as_object().unwrap().keys());
            let applied = asked.filter_map(|name| {
                let value = config.environment().get(name)?;
                Some((name.clone(), json!(value.expose())))
            });
            Value::Object(applied.collect::<Map<_, _>>()) == expected["applied"]
        }
        "unusable_profiles" => {
            let now = input["now"].as_i64().unwrap();
            [SelectorRules::default(), SelectorRules::openclaw_2026_02()].into_iter().all(|rules| {
                let (report, _) = report(&input["profiles"], &input["usageStats"], now, &rules, "{}");
                report["auth"]["unusableProfiles"] == expected["unusableProfiles"]
            })
        }
        "status_json_top_level_keys" => {
            let report = by_default(&none, &none);
            let has = |object: &Value, wanted: &Value| {
                wanted
                    .as_array()
                    .unwrap()
                    .iter()
                    .all(|key| *key == "probes" || names(object).contains(&key.as_str().unwrap()))
            };
            has(&report, &expected["keys"]) && has(&report["auth"], &expected["authKeys"])
        }
        "status_json" => {
            let key = input["shortKey"].as_str().unwrap();
            let profiles = json!({ "anthropic:a": { "type": "api_key", "provider": "anthropic", "key": key } });
            let text = by_default(&profiles, &none).to_string();
            !text.contains(key) && text.contains(expected["labelsContain"].as_str().unwrap())
        }
        "check_exit_code" => {
            let statuses = input["oauth"].as_array().unwrap().iter().enumerate();
            let mut profiles: Map<String, Value> =
                statuses.map(|(n, status)| (format!("anthropic:{n}"), healthy(status.as_str().unwrap()))).collect();
            profiles.insert("anthropic:key".to_owned(), healthy("static"));
            let missing = input["missingProviders"].as_array().unwrap();
            let models = missing.iter().map(|provider| format!("'{}/model'", provider.as_str().unwrap()));
            let models = models.collect::<Vec<_>>().join(",");
            let config = format!("{{ agents: {{ defaults: {{ model: {{ fallbacks: [{models}] }} }} }} }}");
            let (_, check) = report(&profiles.into(), &none, NOW, &SelectorRules::default(), &config);
            expected["exit"] == json!(check)
        }
        "profile_health" => {
            let mut profiles = Map::new();
            profiles.insert("anthropic:a".to_owned(), input["credential"].clone());
            by_default(&profiles.into(), &none)["auth"]["oauth"]["profiles"][0]["status"] == expected["status"]
        }
        "provider_health" => {
            let statuses = input["statuses"].as_array().unwrap().iter().enumerate();
            let profiles: Map<String, Value> =
                statuses.map(|(n, status)| (format!("anthropic:{n}"), healthy(status.as_str().unwrap()))).collect();
            by_default(&profiles.into(), &none)["auth"]["oauth"]["providers"][0]["status"] == expected["status"]
        }
        "format_remaining" | "label_suffix" => {
            let key = json!({ "anthropic:a": { "type": "api_key", "provider": "anthropic", "key": "k" } });
            let stats = input
                .get("stats")
                .cloned()
                .unwrap_or_else(|| json!({ "disabledUntil": NOW + input["ms"].as_i64().unwrap() }));
            let report = by_default(&key, &json!({ "anthropic:a": stats }));
            let label = report["auth"]["providers"][0]["profiles"]["labels"][0].as_str().unwrap();
            let suffix = expected["suffix"].as_str().map_or_else(
                || match expected["text"].as_str().unwrap() {
                    // What is over is not mentioned any more.
                    "0m" => String::new(),
                    text => format!(" [disabled {text}]"),
                },
                str::to_owned,
            );
            label == format!("anthropic:a=...{suffix}")
        }
        "mask_key" => mask_secret(&Secret::new(input["value"].as_str().unwrap())) == expected["masked"],
        "display_label" => {
            let id = input["profileId"].as_str().unwrap();
            let mut profiles = Map::new();
            profiles.insert(id.to_owned(), json!({ "type": "oauth", "provider": "openai-codex", "access": "a" }));
            let report = by_default(&profiles.into(), &none);
            report["auth"]["oauth"]["profiles"][0]["label"] == expected["label"]
        }
        other => panic!("no way to run {other}"),
    }
}

#[test]
fn recorded_cases() {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for case in cases() {
        let area = case["area"].as_str().unwrap();
        assert!(holds(&case["input"], &case["expected"]), "{case:#}");
        *counts.entry(area.to_owned()).or_default() += 1;
    }
    let expected = [("config_env", 4), ("setup_token", 11), ("status_output", 27)];
    assert_eq!(counts, expected.map(|(area, count)| (area.to_owned(), count)).into());
}

#[test]
fn the_default_profiles_are_the_references() {
    use provider_auth::CredentialKind::{ApiKey, OAuth, Token};
    for (kind, expected) in [(ApiKey, "zai:default"), (OAuth, "zai:default"), (Token, "zai:manual")] {
        assert_eq!(setup::profile_id(&provider("z.ai"), None, kind).unwrap().as_str(), expected);
    }
    assert!(AuthProfiles::new().is_empty());
}
