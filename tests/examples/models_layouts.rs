//! The example command line on state directories of every release. The databases are empty files, because a program
//! without SQLite only looks for them; `tests/backends` has real ones.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test may stop where it fails, writes its own files, and says what it does not look at"
)]
#![cfg(feature = "file")]

use std::fs::{create_dir_all, read_to_string, write};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::models_cli::KEY;
use crate::program::{Answer, answer, example, native};

const FILE: &str = "agents/main/agent/auth-profiles.json";

fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (below, text) in files {
        let path = directory.path().join(below);
        create_dir_all(path.parent().unwrap()).unwrap();
        write(path, text).unwrap();
    }
    directory
}

fn run(directory: &TempDir, arguments: &[&str]) -> Answer {
    let mut command = example("models");
    let answer = answer(command.arg("--state-dir").arg(directory.path()).args(arguments), KEY.as_bytes());
    assert!(!answer.out.contains(KEY) && !answer.err.contains(KEY), "{arguments:?} printed a secret");
    answer
}

fn profiles(ids: &[&str]) -> String {
    let profile = |id: &&str| ((*id).to_owned(), json!({ "type": "api_key", "provider": "anthropic", "key": KEY }));
    json!({ "version": 1, "profiles": ids.iter().map(profile).collect::<serde_json::Map<_, _>>() }).to_string()
}

const COMMANDS: [&[&str]; 6] = [
    &["status"],
    &["status", "--json", "--check"],
    &["auth", "list"],
    &["auth", "set-key", "--provider", "anthropic"],
    &["auth", "order", "set", "--provider", "anthropic", "anthropic:a"],
    &["auth", "remove", "anthropic:a"],
];

/// Whether SQLite's functions are in the program, whatever it says of itself.
#[cfg(not(feature = "sqlite"))]
fn has_sqlite() -> bool {
    let program = std::fs::read(example("models").get_program()).unwrap();
    memchr::memmem::find(&program, b"sqlite3_open").is_some()
}

#[cfg(not(feature = "sqlite"))]
#[test]
fn without_sqlite_every_command_says_so_and_makes_nothing() {
    // A build of the whole workspace leaves a program with SQLite behind, and `cargo test --test examples` builds none.
    if has_sqlite() {
        println!("skipped: the example was built with SQLite; `cargo build --example models` builds it without");
        return;
    }
    for files in [
        &[("state/openclaw.sqlite", "")][..],
        &[("agents/main/agent/openclaw-agent.sqlite", ""), ("state/openclaw.sqlite", "")],
        &[("state/openclaw.sqlite", ""), (FILE, "{\"version\":1,\"profiles\":{}}")],
    ] {
        let directory = directory(files);
        for command in COMMANDS {
            let answer = run(&directory, command);
            assert_eq!((answer.code, answer.out.as_str()), (Some(1), ""), "{command:?}: {}", answer.err);
            assert!(answer.err.contains("help: This program was built without SQLite"), "{}", answer.err);
        }
        let there = files.iter().any(|(name, _)| *name == FILE);
        assert_eq!(directory.path().join(FILE).exists(), there);
        let checked = run(&directory, &["config", "check"]);
        assert_eq!((checked.code, checked.err.as_str()), (Some(0), ""), "what is configured can be looked at");
    }
}

#[test]
fn where_openclaw_has_made_no_database_yet_it_is_asked_to() {
    for files in [&[("openclaw.json", "{ agents: { entries: { work: {} } } }")][..], &[("state/lock", "")]] {
        let directory = directory(files);
        for command in COMMANDS {
            let answer = run(&directory, &[&["--agent", "work"], command].concat());
            assert_eq!((answer.code, answer.out.as_str()), (Some(1), ""), "{command:?}: {}", answer.err);
            assert!(answer.err.contains("openclaw models auth paste-api-key --agent work"), "{}", answer.err);
        }
        assert!(!directory.path().join("agents").exists());
    }
}

#[test]
fn one_file_or_two_are_read_and_written_where_they_are() {
    let state = json!({ "version": 1, "order": { "anthropic": ["anthropic:b", "anthropic:a"] } }).to_string();
    let directory = directory(&[(FILE, &profiles(&["anthropic:a", "anthropic:b"]))]);
    let get = ["auth", "order", "get", "--provider", "anthropic"];
    assert_eq!(run(&directory, &get).out, "");
    let file = directory.path().join("agents/main/agent/auth-state.json");
    write(&file, state).unwrap();
    assert_eq!(run(&directory, &get).out, "anthropic:b\nanthropic:a\n");
    let set = run(&directory, &["auth", "order", "set", "--provider", "anthropic", "anthropic:a", "anthropic:b"]);
    // An agent's file is nobody else's.
    assert_eq!((set.out.as_str(), set.err.as_str()), ("anthropic:a\nanthropic:b\n", ""));
    let written: Value = serde_json::from_str(&read_to_string(file).unwrap()).unwrap();
    assert_eq!(written["order"]["anthropic"], json!(["anthropic:a", "anthropic:b"]));
    let report: Value = serde_json::from_str(&run(&directory, &["status", "--json"]).out).unwrap();
    assert_eq!(report["auth"]["storePath"], json!(native(&directory.path().join(FILE))));
    assert_eq!(report["agentDir"], json!(native(&directory.path().join("agents/main/agent"))));
}

#[test]
fn the_default_agent_and_its_directory_are_the_configurations() {
    let elsewhere = directory(&[("auth-profiles.json", &profiles(&["anthropic:a"]))]);
    let config = json!({ "agents": { "list": [{ "id": "main" }, { "id": "work", "default": true, "agentDir": elsewhere.path() }] } });
    let directory = directory(&[("openclaw.json", &config.to_string())]);
    let report: Value = serde_json::from_str(&run(&directory, &["status", "--json"]).out).unwrap();
    assert_eq!((&report["agentId"], &report["agentDir"]), (&json!("work"), &json!(elsewhere.path())));
    assert_eq!(report["auth"]["providers"][0]["profiles"]["count"], 1);
    assert_eq!(run(&directory, &["--agent", "main", "auth", "list"]).out, "");
}

#[test]
fn logins_that_an_import_left_behind_are_in_the_status() {
    let name = "agents/main/agent/auth-profiles.json.migrated-2026-11-25T18-32-10.391Z-b593b537";
    let directory = directory(&[(FILE, &profiles(&["anthropic:a"])), (name, &profiles(&["anthropic:a", "acme:b"]))]);
    let status = run(&directory, &["status"]);
    assert!(status.out.contains("contains 1 profile that no store has: \"acme:b\""), "{}", status.out);
    let report: Value = serde_json::from_str(&run(&directory, &["status", "--json"]).out).unwrap();
    let told = report["diagnostics"].as_array().unwrap().last().unwrap();
    assert!(told["message"].as_str().unwrap().contains("\"acme:b\"") && told["help"].is_string(), "{told}");
    assert!(told["location"].as_str().unwrap().contains(".migrated-2026"), "{told}");
    assert_eq!(run(&directory, &["status", "--check"]).code, Some(0), "a hint is no failure");
}

#[test]
fn a_key_that_is_only_referred_to_is_found_where_it_is() {
    let keys = |name: &str| {
        let reference = json!({ "source": "env", "provider": "default", "id": name });
        let profile = json!({ "type": "api_key", "provider": "anthropic", "keyRef": reference });
        json!({ "version": 1, "profiles": { "anthropic:default": profile } }).to_string()
    };
    let dotenv = format!("WORK_KEY={KEY}\n");
    let config = r#"{ secrets: { providers: { default: { source: "env", allowlist: ["WORK_KEY", "NOT_SET"] } } } }"#;
    for (name, code, state) in [
        ("WORK_KEY", 0, "is ready"),
        ("NOT_SET", 1, "has a reference to a secret that was not resolved: its variable is not set"),
        (
            "ANTHROPIC_API_KEY",
            1,
            "has a reference to a secret that was not resolved: the provider's allowlist does not name the variable",
        ),
    ] {
        let directory = directory(&[(FILE, &keys(name)), (".env", &dotenv), ("openclaw.json", config)]);
        let status = run(&directory, &["status", "--json", "--check"]);
        assert_eq!(status.code, Some(code), "{name}: {}", status.err);
        let status: Value = serde_json::from_str(&status.out).unwrap();
        // As OpenClaw 2026.2.9 has it; since August 2026 it names the variable too.
        let label = "anthropic:default=ref:env";
        assert_eq!(status["auth"]["providers"][0]["profiles"]["labels"], json!([label]));
        assert_eq!(status["auth"]["missingProvidersInUse"], json!([]));
        let list = run(&directory, &["auth", "list"]).out;
        assert_eq!(list.trim(), format!("{label}  static  {state}"));
        let checked = run(&directory, &["config", "check"]);
        assert_eq!(checked.code, Some(0), "{}", checked.out);
        // What no variable can mend is said of the configuration too.
        let is_denied = state.contains("allowlist");
        assert_eq!(checked.out.contains("the reference cannot be resolved"), is_denied, "{}", checked.out);
        assert_eq!(checked.out.is_empty(), !is_denied, "{}", checked.out);
    }
}
