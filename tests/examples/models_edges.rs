//! The example command line where something is odd: secrets in arguments, no home, names that steer a terminal, output
//! that nobody takes, files that are none. `models_cli.rs` has what it does otherwise.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may stop where it fails, and writes its own files"
)]
#![cfg(all(unix, feature = "file"))]

use std::ffi::OsStr;
use std::fs::{create_dir_all, read_dir, write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::program::{Answer, answer, example};

const REST: &str = "0123456789abcdefghijklmnopqrstuvwxyz";

fn at(state: &Path, arguments: &[&str]) -> Command {
    let mut command = example("models");
    command.arg("--state-dir").arg(state).args(arguments).current_dir(state);
    command
}

/// A state directory with one profile of this id, which also stands in an order.
fn with_profile(id: &str) -> tempfile::TempDir {
    let state = tempfile::tempdir().unwrap();
    let file = state.path().join("agents/main/agent/auth-profiles.json");
    create_dir_all(file.parent().unwrap()).unwrap();
    let profile =
        json!({ "type": "api_key", "provider": "anthropic", "key": format!("sk-ant-{REST}"), "email": "a\u{1b}]0;b" });
    let document = json!({ "version": 1, "profiles": { id: profile }, "order": { "anthropic": [id] } });
    write(file, document.to_string()).unwrap();
    state
}

#[test]
fn secrets_in_arguments_are_refused_wherever_they_stand_and_not_repeated() {
    let state = tempfile::tempdir().unwrap();
    let key = ["auth", "set-key", "--provider", "anthropic"];
    let input = format!("sk-ant-api03-{REST}");
    for start in ["sk-", "sk-ant-api03-", "AIza", "ghp_", "gho_", "ghu_", "github_pat_", "gsk_", "xai-"] {
        let secret = format!("{start}{REST}");
        for argument in [
            secret.clone(),
            format!("--profile={secret}"),
            format!("--profile=anthropic:{secret}"),
            format!("--email=\"{secret}\""),
        ] {
            let answer = answer(&mut at(state.path(), &[&key[..], &[&argument]].concat()), input.as_bytes());
            assert_eq!((answer.code, answer.out.as_str()), (Some(1), ""), "{argument}: {}", answer.err);
            assert!(answer.err.contains("in the arguments") && !answer.err.contains(REST), "{}", answer.err);
        }
    }
    assert_eq!(read_dir(state.path()).unwrap().count(), 0, "something was stored");
    // Names that only begin like one.
    let named = ["auth", "set-key", "--provider", "xai", "--profile", "xai-work"];
    assert_eq!(answer(&mut at(state.path(), &named), format!("xai-{REST}").as_bytes()).out, "added xai:xai-work\n");
}

#[test]
fn wrong_usage_is_explained_without_the_words_that_are_wrong() {
    let state = tempfile::tempdir().unwrap();
    let cases: [(&[&str], &str); 6] = [
        (&["auth", "set-key", "--provider", "google", REST], "unexpected"),
        (&["status", "--check=0123456789abcdefghijklmnopqrstuvwxyz"], "unexpected"),
        (&["status", "--0123456789abcdefghijklmnopqrstuvwxyz"], "unexpected"),
        (&[REST], "subcommand"),
        (&["auth", REST], "subcommand"),
        (&["auth", "set-key"], "--provider"),
    ];
    for (arguments, word) in cases {
        let answer = answer(&mut at(state.path(), arguments), b"");
        assert_eq!((answer.code, answer.out.as_str()), (Some(1), ""), "{arguments:?}: {}", answer.err);
        assert!(!answer.err.contains("0123") && answer.err.contains("Usage: models"), "{arguments:?}: {}", answer.err);
        assert!(answer.err.to_lowercase().contains(word), "{arguments:?}: {}", answer.err);
    }
}

#[test]
fn without_a_home_nothing_is_written_where_the_program_happens_to_run() {
    for home in [None, Some(""), Some("."), Some("some/where")] {
        let here = tempfile::tempdir().unwrap();
        for arguments in
            [&["auth", "set-key", "--provider", "anthropic"][..], &["status"], &["--state-dir", "~/s", "status"]]
        {
            let mut command = example("models");
            command.current_dir(&here).args(arguments).env_remove("HOME").env_remove("USERPROFILE");
            command.envs(home.map(|home| ("HOME", home)));
            let answer = answer(&mut command, format!("sk-ant-api03-{REST}").as_bytes());
            assert_eq!((answer.code, answer.out.as_str()), (Some(1), ""), "{home:?}: {}", answer.err);
            assert!(answer.err.contains("--state-dir") && answer.err.contains("\nhelp: "), "{}", answer.err);
            assert_eq!(read_dir(&here).unwrap().count(), 0);
        }
    }
}

#[test]
fn names_do_not_steer_the_terminal() {
    let id = "anthropic:\u{1b}[31mred\u{7}\u{9b}2J";
    let state = with_profile(id);
    for command in [&["auth", "list"][..], &["auth", "order", "get", "--provider", "anthropic"], &["status"]] {
        let answer = answer(&mut at(state.path(), command), b"");
        assert_eq!(answer.code, Some(0), "{command:?}: {}", answer.err);
        assert!(answer.out.contains("anthropic:\\u{1b}[31mred") || command == ["status"], "{}", answer.out);
        assert!(!answer.out.contains(|c: char| c.is_control() && c != '\n'), "{command:?}: {:?}", answer.out);
    }
    let json: Value =
        serde_json::from_str(&answer(&mut at(state.path(), &["auth", "list", "--json"]), b"").out).unwrap();
    assert_eq!(json[0]["profileId"], id);
    let answer = answer(&mut at(state.path(), &["auth", "remove", "anthropic:\u{1b}[32m"]), b"");
    assert!(answer.code == Some(1) && !answer.err.contains('\u{1b}'), "{:?}", answer.err);
}

#[test]
fn arguments_that_are_no_text_are_refused_or_used_as_paths() {
    let state = tempfile::tempdir().unwrap();
    let odd = state.path().join(OsStr::from_bytes(b"\xff"));
    let found = answer(at(state.path(), &["--config"]).arg(odd).arg("status"), b"");
    assert_eq!(found.code, Some(1), "{}", found.err);
    let found = answer(at(state.path(), &["auth", "remove"]).arg(OsStr::from_bytes(b"\xff")), b"");
    assert_eq!((found.code, found.err.contains("Usage")), (Some(1), true), "{}", found.err);
}

#[test]
fn a_reader_who_leaves_is_no_failure_and_a_full_disk_is() {
    let state = with_profile("anthropic:default");
    // Of a configuration in order nothing would be printed.
    write(state.path().join("openclaw.json"), "{ auth: { ordre: {} } }").unwrap();
    let commands: [&[&str]; 5] =
        [&["status"], &["auth", "list"], &["auth", "list", "--json"], &["config", "check"], &["--help"]];
    for command in commands {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = at(state.path(), command).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stderr.is_empty(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else { continue };
        let output = at(state.path(), command).stdout(full).stderr(Stdio::piped()).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{command:?}: {err}");
        assert!(err.contains("error: standard output") && err.contains("help: "), "{command:?}: {err}");
    }
}

#[test]
fn an_env_file_is_read_in_spite_of_other_encodings_and_not_missed_in_silence() {
    let state = tempfile::tempdir().unwrap();
    let file = state.path().join(".env");
    let status = || answer(&mut at(state.path(), &["status", "--json"]), b"");
    let found = |status: &Answer| status.out.contains("env: OPENAI_API_KEY");
    write(state.path().join("openclaw.json"), "{ agents: { defaults: { model: 'openai/gpt-5' } } }").unwrap();
    assert_eq!((status().err.as_str(), found(&status())), ("", false));
    write(&file, [b"# caf\xe9\nOPENAI_API_KEY=sk-".as_slice(), REST.as_bytes(), b"\n"].concat()).unwrap();
    assert_eq!((status().err.as_str(), found(&status())), ("", true));
    std::fs::remove_file(&file).unwrap();
    assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
    let piped = status();
    assert_eq!((piped.code, piped.err.matches("warning: ").count()), (Some(0), 1), "{}", piped.err);
    assert!(piped.err.contains(".env"), "{}", piped.err);
}

#[test]
fn what_is_too_long_is_refused_rather_than_cut() {
    let state = tempfile::tempdir().unwrap();
    let key = ["auth", "set-key", "--provider", "somebody"];
    for (length, code) in [(65_536, Some(0)), (65_537, Some(1)), (200_000, Some(1))] {
        let state = tempfile::tempdir().unwrap();
        let answer = answer(&mut at(state.path(), &key), "k".repeat(length).as_bytes());
        assert_eq!(answer.code, code, "{length}: {}", answer.err);
        assert_eq!(state.path().join("agents").exists(), code == Some(0));
    }
    let token = ["auth", "paste-token", "--provider", "somebody", "--expires-in", "100000000d"];
    let answer = answer(&mut at(state.path(), &token), REST.as_bytes());
    assert_eq!((answer.code, answer.out.as_str()), (Some(1), ""), "{}", answer.err);
    assert!(answer.err.contains("later than") && answer.err.contains("help: "), "{}", answer.err);
}

#[test]
fn the_help_names_the_variables_and_units() {
    let help = |arguments: &[&str]| answer(example("models").args(arguments), b"").out;
    let general = help(&["--help"]);
    for name in ["OPENCLAW_STATE_DIR", "CLAWDBOT_STATE_DIR", "OPENCLAW_CONFIG_PATH", "OPENCLAW_HOME", "NO_COLOR"] {
        assert!(general.contains(name), "{general}");
    }
    assert!(help(&["auth", "paste-token", "--help"]).contains("a number alone means days"));
}

#[test]
fn a_tilde_before_the_configuration_is_the_home_directory() {
    let home = tempfile::tempdir().unwrap();
    write(home.path().join("my.json"), "{}").unwrap();
    let mut command = at(home.path(), &["--config", "~/my.json", "status", "--json"]);
    let answer = answer(command.env("HOME", home.path()), b"");
    let report: Value = serde_json::from_str(&answer.out).expect("a report");
    assert_eq!(report["configPath"], json!(home.path().join("my.json")));
}
