//! The example command line: where it looks, in which order, and what it prints where. `models_cli.rs` has what it does.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may stop where it fails, and writes its own files"
)]
#![cfg(feature = "file")]

use std::fs::{create_dir_all, write};
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};

use crate::models_cli::KEY;
use crate::program::example;

fn models(home: &Path, variables: &[(&str, &Path)], arguments: &[&str]) -> Output {
    let mut command = example("models");
    command.env("HOME", home).envs(variables.iter().copied()).args(arguments).output().unwrap()
}

fn printed(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

/// The configuration that is read under these circumstances.
fn config_path(home: &Path, variables: &[(&str, &Path)], arguments: &[&str]) -> PathBuf {
    let output = models(home, variables, &[arguments, &["status", "--json"]].concat());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    PathBuf::from(report["configPath"].as_str().unwrap())
}

#[test]
fn what_is_said_wins_over_variables_and_newer_names_over_older_ones() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let (said, named) = (home.join("said"), home.join("named"));
    let variables = [("OPENCLAW_STATE_DIR", &*named), ("CLAWDBOT_STATE_DIR", Path::new("/nowhere"))];
    let state = ["--state-dir", said.to_str().unwrap()];
    assert_eq!(config_path(home, &variables, &state), said.join("openclaw.json"));
    assert_eq!(config_path(home, &[("OPENCLAW_STATE_DIR", Path::new(" "))], &[]), home.join(".openclaw/openclaw.json"));

    for name in ["clawdbot", "moltbot", "openclaw"] {
        create_dir_all(home.join(format!(".{name}"))).unwrap();
        assert_eq!(config_path(home, &[], &[]), home.join(format!(".{name}/openclaw.json")));
    }
    for name in ["clawdbot", "moltbot", "openclaw"] {
        let file = home.join(format!(".openclaw/{name}.json"));
        write(&file, "{}").unwrap();
        assert_eq!(config_path(home, &[], &[]), file);
    }
    let elsewhere = home.join("my.json5");
    write(&elsewhere, "{ agents: { defaults: { model: 'openai/gpt-5' } } }").unwrap();
    let asked = ["--config", elsewhere.to_str().unwrap()];
    assert_eq!(config_path(home, &variables, &asked), elsewhere);
    assert!(printed(&models(home, &[], &[&asked[..], &["status"]].concat())).contains("openai/gpt-5"));
}

#[test]
fn each_agent_has_its_own_profiles_and_main_is_meant_where_none_is_named() {
    let home = tempfile::tempdir().unwrap();
    let place = |agent: &str| home.path().join(format!(".openclaw/agents/{agent}/agent/auth-profiles.json"));
    for agent in ["main", "other"] {
        create_dir_all(place(agent).parent().unwrap()).unwrap();
        let id = format!("anthropic:{agent}");
        let profiles =
            json!({ "version": 1, "profiles": { id: { "type": "api_key", "provider": "anthropic", "key": KEY } } });
        write(place(agent), profiles.to_string()).unwrap();
    }
    let listed = |arguments: &[&str]| {
        let output = models(home.path(), &[], &[arguments, &["auth", "list", "--json"]].concat());
        let list: Value = serde_json::from_slice(&output.stdout).unwrap();
        list.as_array().unwrap().iter().map(|entry| entry["profileId"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(listed(&[]), ["anthropic:main"]);
    assert_eq!(listed(&["--agent", "other"]), ["anthropic:other"]);
}

#[test]
fn the_report_and_its_exit_code_come_together() {
    let home = tempfile::tempdir().unwrap();
    let output = models(home.path(), &[], &["status", "--json", "--check"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &report["auth"]["missingProvidersInUse"]), (Some(1), &json!(["anthropic"])));
    assert!(output.stderr.is_empty());
    assert_eq!(printed(&models(home.path(), &[], &["auth", "list", "--json"])), "[]\n");
    assert_eq!(printed(&models(home.path(), &[], &["auth", "list"])), "");
}

#[test]
fn a_removed_profile_is_nowhere_any_more() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(".openclaw/agents/main/agent/auth-profiles.json");
    create_dir_all(file.parent().unwrap()).unwrap();
    let profile = |key: &str| json!({ "type": "api_key", "provider": "anthropic", "key": key });
    let document = json!({
        "version": 1,
        "profiles": { "anthropic:gone": profile("sk-ant-gone"), "anthropic:kept": profile("sk-ant-kept") },
        "order": { "anthropic": ["anthropic:gone", "anthropic:kept"] },
        "lastGood": { "anthropic": "anthropic:gone" },
        "usageStats": { "anthropic:gone": { "lastUsed": 1 }, "anthropic:kept": { "lastUsed": 2 } },
    });
    write(&file, document.to_string()).unwrap();
    assert_eq!(models(home.path(), &[], &["auth", "remove", "anthropic:gone"]).status.code(), Some(0));
    let left: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert!(!left.to_string().contains("gone"), "{left}");
    assert_eq!(left["order"]["anthropic"], json!(["anthropic:kept"]));
    assert_eq!(left["usageStats"], json!({ "anthropic:kept": { "lastUsed": 2 } }));
}
