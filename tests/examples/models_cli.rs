//! The example command line, driven as a process: every command, every error, and no secret where it does not belong.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may stop where it fails, and writes its own files"
)]
#![cfg(feature = "file")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::program::{Answer, answer, example, native};

pub(crate) const KEY: &str = "sk-ant-api03-0123456789abcdefghijklmnopqrstuvwxyz";

fn token() -> String {
    format!("sk-ant-oat01-{}", "t".repeat(80))
}

struct Directory(tempfile::TempDir);

impl Directory {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn store(&self) -> PathBuf {
        self.path().join("agents/main/agent/auth-profiles.json")
    }

    fn document(&self) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.store()).unwrap()).unwrap()
    }

    fn write(&self, document: &Value) {
        std::fs::create_dir_all(self.store().parent().unwrap()).unwrap();
        std::fs::write(self.store(), document.to_string()).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = example("models");
        command.arg("--state-dir").arg(self.path()).args(arguments);
        command
    }

    fn run(&self, arguments: &[&str], input: &str) -> Answer {
        let answer = answer(&mut self.command(arguments), input.as_bytes());
        for secret in [KEY, &token(), "klmnop", "tttttttttt"] {
            assert!(!answer.out.contains(secret) && !answer.err.contains(secret), "{arguments:?} printed a secret");
        }
        answer
    }

    fn ok(&self, arguments: &[&str], input: &str) -> String {
        let answer = self.run(arguments, input);
        assert_eq!(answer.code, Some(0), "{arguments:?}: {}", answer.err);
        answer.out
    }

    fn refused(&self, arguments: &[&str], input: &str) -> String {
        let answer = self.run(arguments, input);
        assert_eq!((answer.code, answer.out.as_str()), (Some(1), ""), "{arguments:?}: {}", answer.err);
        assert!(answer.err.contains("error: ") && answer.err.contains("\nhelp: "), "{}", answer.err);
        answer.err
    }
}

#[test]
fn keys_tokens_orders_and_what_becomes_of_them() {
    let directory = Directory::new();
    let anthropic = ["--provider", "anthropic"];
    let with = |command: &[&'static str], rest: &[&'static str]| [command, &anthropic, rest].concat();

    assert_eq!(directory.ok(&with(&["auth", "set-key"], &[]), KEY), "added anthropic:default\n");
    assert_eq!(
        directory.ok(&with(&["auth", "set-key"], &["--email", "me@example.com"]), KEY),
        "replaced anthropic:default\n"
    );
    let out = directory.ok(&with(&["auth", "set-key"], &["--profile", "Work Laptop"]), &format!("\"{KEY}\"\n"));
    assert_eq!(out, "added anthropic:work-laptop\n");
    assert_eq!(
        directory.ok(&with(&["auth", "paste-token"], &["--expires-in", "365"]), &token()),
        "added anthropic:manual\n"
    );
    let id = ["--profile", "anthropic:Exact", "--expires-in", "12h"];
    assert_eq!(directory.ok(&with(&["auth", "paste-token"], &id), &token()), "added anthropic:Exact\n");

    let document = directory.document();
    assert_eq!(
        document["profiles"]["anthropic:default"],
        json!({
            "type": "api_key", "provider": "anthropic", "key": KEY, "email": "me@example.com",
        })
    );
    assert_eq!(document["profiles"]["anthropic:work-laptop"]["key"], KEY);
    let lasts = |id: &str| document["profiles"][id]["expires"].as_i64().unwrap();
    let difference = lasts("anthropic:manual") - lasts("anthropic:Exact");
    assert!((364 * 86_400_000..366 * 86_400_000).contains(&difference));

    assert_eq!(directory.ok(&with(&["auth", "order", "get"], &[]), ""), "");
    let ids = ["anthropic:work-laptop", "anthropic:default"];
    let both = "anthropic:work-laptop\nanthropic:default\n";
    assert_eq!(directory.ok(&with(&["auth", "order", "set"], &ids), ""), both);
    assert_eq!(directory.ok(&with(&["auth", "order", "get"], &[]), ""), both);
    assert_eq!(directory.document()["order"]["anthropic"], json!(ids));

    let list: Value = serde_json::from_str(&directory.ok(&["auth", "list", "--json"], "")).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 4);
    let entry = |id: &str| list.as_array().unwrap().iter().find(|entry| entry["profileId"] == id).unwrap().clone();
    assert_eq!(
        entry("anthropic:default"),
        json!({
            "profileId": "anthropic:default", "provider": "anthropic", "type": "api_key",
            "label": "anthropic:default=sk-ant-a...stuvwxyz", "health": "static", "verdict": "ready",
        })
    );
    assert_eq!(entry("anthropic:manual")["verdict"], "excluded_by_auth_order");
    assert_eq!(entry("anthropic:Exact")["health"], "expiring");
    assert_eq!(directory.ok(&["auth", "list"], "").lines().count(), 4);

    directory.ok(&["auth", "remove", "anthropic:default"], "");
    assert_eq!(directory.document()["order"]["anthropic"], json!(["anthropic:work-laptop"]));
    directory.ok(&with(&["auth", "order", "clear"], &[]), "");
    assert_eq!(directory.ok(&with(&["auth", "order", "get"], &[]), ""), "");
}

#[test]
fn a_cooldown_is_seen_and_cleared() {
    let directory = Directory::new();
    directory.write(&json!({
        "version": 1,
        "profiles": { "anthropic:default": { "type": "api_key", "provider": "anthropic", "key": KEY } },
        "lastGood": { "anthropic": "anthropic:default" },
        "usageStats": { "anthropic:default": { "disabledUntil": 4_102_444_800_000_i64, "disabledReason": "billing",
            "disabledSince": 4_102_444_700_000_i64 } },
    }));
    // A window of ours that was opened in the future was written by a clock that ran ahead, and binds nobody. Another
    // program's is believed.
    assert!(directory.ok(&["status"], "").contains("ready"));
    let mut document = directory.document();
    document["usageStats"]["anthropic:default"].as_object_mut().unwrap().remove("disabledSince");
    directory.write(&document);
    assert!(directory.ok(&["status"], "").contains("disabled"));
    let soon = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() + 3_600_000;
    let mut document = directory.document();
    document["usageStats"]["anthropic:default"]["disabledUntil"] = json!(u64::try_from(soon).unwrap());
    directory.write(&document);
    let list: Value = serde_json::from_str(&directory.ok(&["auth", "list", "--json"], "")).unwrap();
    assert_eq!((&list[0]["verdict"], &list[0]["reason"]), (&json!("disabled"), &json!("billing")));
    assert_eq!(list[0]["until"], document["usageStats"]["anthropic:default"]["disabledUntil"]);
    directory.ok(&["auth", "clear-cooldown", "anthropic:default"], "");
    assert!(directory.ok(&["status"], "").contains("ready"));
    directory.ok(&["auth", "remove", "anthropic:default"], "");
    assert!(!std::fs::read_to_string(directory.store()).unwrap().contains("anthropic:default"));
}

#[test]
fn status_and_its_exit_codes() {
    let directory = Directory::new();
    let check = |directory: &Directory| directory.run(&["status", "--check"], "").code;
    assert_eq!(check(&directory), Some(1));
    assert_eq!(directory.run(&["status"], "").code, Some(0));
    directory.ok(&["auth", "set-key", "--provider", "anthropic"], KEY);
    assert_eq!(check(&directory), Some(0));
    directory.ok(&["auth", "paste-token", "--provider", "anthropic", "--expires-in", "2h"], &token());
    assert_eq!(check(&directory), Some(2));
    directory.ok(&["auth", "paste-token", "--provider", "anthropic", "--expires-in", "1ms"], &token());
    assert_eq!(check(&directory), Some(1));
    directory.ok(&["auth", "paste-token", "--provider", "anthropic", "--expires-in", "365d"], &token());
    assert_eq!(check(&directory), Some(0));

    let report: Value = serde_json::from_str(&directory.ok(&["status", "--json"], "")).unwrap();
    assert_eq!(report["auth"]["storePath"], json!(native(&directory.store())));
    assert_eq!(report["auth"]["providers"][0]["profiles"]["count"], 2);
    assert_eq!(report["configPath"], json!(directory.path().join("openclaw.json")));
    for command in [&["status"][..], &["auth", "list"], &["auth", "order", "get", "--provider", "anthropic"]] {
        assert!(directory.refused(&[&["--agent", "other"], command].concat(), "").contains("no agent \"other\""));
    }
    std::fs::write(directory.path().join("openclaw.json"), "{ agents: { list: [{ id: 'Other' }] } }").unwrap();
    assert_eq!(directory.ok(&["--agent", "OTHER", "status"], "").matches("anthropic:").count(), 0);
    directory.ok(&["--agent", "third", "auth", "set-key", "--provider", "anthropic"], KEY);
    assert_eq!(directory.ok(&["--agent", "third", "auth", "list"], "").lines().count(), 1);
    let environment = directory.command(&["status", "--json"]).env("ANTHROPIC_API_KEY", KEY).output().unwrap();
    let report: Value = serde_json::from_slice(&environment.stdout).unwrap();
    assert_eq!(report["auth"]["providers"][0]["env"]["source"], "env: ANTHROPIC_API_KEY");
}

#[test]
fn keys_of_this_machine_reach_no_test() {
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "models_cli::keys_in_the_env_file_of_the_state_directory_are_found"]);
    let output = again.envs(["GH_TOKEN", "GEMINI_API_KEY", "XAI_API_KEY"].map(|name| (name, KEY))).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
fn a_secret_that_will_not_be_used_is_stored_and_said_to_be_left_out() {
    let directory = Directory::new();
    let config = "{ auth: { profiles: { 'anthropic:manual': { provider: 'anthropic', mode: 'token' } } } }";
    std::fs::write(directory.path().join("openclaw.json"), config).unwrap();
    let answer = directory.run(&["auth", "paste-token", "--provider", "anthropic"], &token());
    assert_eq!((answer.code, answer.err.contains("not used")), (Some(0), false), "{}", answer.err);
    let key = ["auth", "set-key", "--provider", "anthropic", "--profile-id", "work"];
    let answer = directory.run(&key, KEY);
    assert_eq!(
        (answer.code, answer.out.as_str()),
        (
            Some(0),
            "added anthropic:work
"
        )
    );
    assert!(answer.err.contains("not used. `auth.profiles` of the configuration"), "{}", answer.err);
    // The configuration is the user's, and stays as it is.
    assert_eq!(std::fs::read_to_string(directory.path().join("openclaw.json")).unwrap(), config);
    directory.ok(&["auth", "order", "set", "--provider", "anthropic", "anthropic:work"], "");
    assert!(!directory.run(&key, KEY).err.contains("not used"));
}

#[test]
fn keys_in_the_env_file_of_the_state_directory_are_found() {
    let directory = Directory::new();
    let config = "{ agents: { defaults: { model: { primary: 'openai/gpt-5.2' } } } }";
    std::fs::write(directory.path().join("openclaw.json"), config).unwrap();
    assert_eq!(directory.run(&["status", "--check"], "").code, Some(1));
    std::fs::write(directory.path().join(".env"), "OPENAI_API_KEY='sk-proj-example'\n").unwrap();
    let report: Value = serde_json::from_str(&directory.ok(&["status", "--check", "--json"], "")).unwrap();
    let found = &report["auth"]["providers"][0];
    assert_eq!((&found["provider"], &found["effective"]["kind"]), (&json!("openai"), &json!("env")));
    assert_eq!((&found["env"]["source"], &found["env"]["origin"]), (&json!("env: OPENAI_API_KEY"), &json!("file")));
}

#[test]
fn the_state_directory_and_the_configuration_are_found() {
    let (home, named) = (Directory::new(), Directory::new());
    let program = |variables: &[(&str, &Path)]| {
        let mut command = example("models");
        command.args(["status", "--json"]).env("HOME", home.path()).envs(variables.iter().copied());
        let report: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
        PathBuf::from(report["configPath"].as_str().unwrap())
    };
    assert_eq!(program(&[]), home.path().join(".openclaw/openclaw.json"));
    std::fs::create_dir_all(home.path().join(".clawdbot")).unwrap();
    assert_eq!(program(&[]), home.path().join(".clawdbot/openclaw.json"));
    std::fs::create_dir_all(home.path().join(".moltbot")).unwrap();
    std::fs::write(home.path().join(".moltbot/clawdbot.json"), "{}").unwrap();
    assert_eq!(program(&[]), home.path().join(".moltbot/clawdbot.json"));
    assert_eq!(program(&[("CLAWDBOT_STATE_DIR", named.path())]), named.path().join("openclaw.json"));
    let both = [("CLAWDBOT_STATE_DIR", home.path()), ("OPENCLAW_STATE_DIR", named.path())];
    assert_eq!(program(&both), named.path().join("openclaw.json"));
    assert_eq!(program(&[("OPENCLAW_STATE_DIR", Path::new("~/state"))]), home.path().join("state/openclaw.json"));
    let config = [("OPENCLAW_STATE_DIR", named.path()), ("OPENCLAW_CONFIG_PATH", Path::new("~/my.json"))];
    assert_eq!(program(&config), home.path().join("my.json"));
}

#[test]
fn a_configuration_is_checked() {
    let directory = Directory::new();
    let file = directory.path().join("openclaw.json");
    let check = |text: &str| {
        std::fs::write(&file, text).unwrap();
        directory.run(&["config", "check"], "")
    };
    let answer = check("{}");
    assert_eq!((answer.code, answer.out.as_str(), answer.err.as_str()), (Some(0), "", ""));
    let answer = check("{ agents: { defaults: { params: { cacheControlTtl: '1h' } } } }");
    assert_eq!(
        (answer.code, answer.out.contains("1:35, agents.defaults.params.cacheControlTtl")),
        (Some(0), true),
        "{}",
        answer.out
    );
    let answer = check("{ auth: { order: { anthropic: ['anthropic:old'] } } }");
    assert_eq!((answer.code, answer.out.contains("0 errors, 1 remarks")), (Some(0), true), "{}", answer.out);
    let answer = check("{ auth: { cooldowns: { billingMaxHours: -1, billingBackoffHours: 'x' } } }");
    assert_eq!((answer.code, answer.out.contains("2 errors")), (Some(1), true), "{}", answer.out);
    // Warnings alone are no failure, however many.
    let answer = check("{ auth: { ordr: {} }, agents: { defaults: { params: { cacheControlTtl: '1h' } } } }");
    assert_eq!((answer.code, answer.out.contains("0 errors, 2 remarks")), (Some(0), true), "{}", answer.out);
    let answer = check("{ auth: ");
    assert_eq!((answer.code, answer.err.contains("help:")), (Some(1), true), "{}", answer.err);
    directory.refused(&["--config", "no/such/file", "config", "check"], "");
    directory.refused(&["--config", "no/such/file", "status"], "");
}

#[test]
fn every_error_exits_with_one_and_helps() {
    let directory = Directory::new();
    directory.ok(&["auth", "set-key", "--provider", "anthropic"], KEY);
    let cut = token().split_at(60).0.to_owned();
    let cut = cut.as_str();
    let order = ["auth", "order", "set", "--provider", "anthropic"];
    let cases: &[(&[&str], &str, &str)] = &[
        (&["auth", "set-key", "--provider", "anthropic"], "", "nothing was pasted"),
        (&["auth", "set-key", "--provider", "anthropic"], &token(), "setup-token"),
        (&["auth", "set-key", "--provider", " "], KEY, "blank"),
        (&["auth", "set-key", "--provider", "openai"], KEY, "anthropic"),
        (&["auth", "paste-token", "--provider", "anthropic"], KEY, "API key"),
        (&["auth", "paste-token", "--provider", "anthropic"], cut, "short"),
        (&["auth", "paste-token", "--provider", "anthropic"], "code#state", "code#state"),
        (&["auth", "paste-token", "--provider", "anthropic", "--expires-in", "soon"], &token(), "number"),
        (&order, "", "at least one"),
        (&[&order[..], &["anthropic:nobody"]].concat(), "", "anthropic:nobody"),
        (&["auth", "order", "set", "--provider", "openai", "anthropic:default"], "", "anthropic:default"),
        (&["auth", "remove", "anthropic:nobody"], "", "anthropic:nobody"),
        (&["auth", "clear-cooldown", "anthropic:nobody"], "", "anthropic:nobody"),
        (&["--agent", "../x", "status"], "", "agent"),
    ];
    for (arguments, input, word) in cases {
        let err = directory.refused(arguments, input);
        assert!(err.contains(word) && err.contains("help: "), "{arguments:?}: {err}");
    }
    assert_eq!(directory.document()["profiles"].as_object().unwrap().len(), 1);

    std::fs::write(directory.store(), "{ not json").unwrap();
    for arguments in [&["status", "--check"][..], &["auth", "list"], &["auth", "remove", "anthropic:default"]] {
        assert!(directory.refused(arguments, "").contains("auth-profiles.json"));
    }
    assert_eq!(std::fs::read_to_string(directory.store()).unwrap(), "{ not json");
}

#[test]
fn wrong_usage_exits_with_one_and_repeats_no_secret() {
    let directory = Directory::new();
    for arguments in [
        &[][..],
        &["nonsense"],
        &["status", "--nonsense"],
        &["auth", "set-key"],
        &["auth", "order", "get"],
        &["auth", "set-key", "--provider", "anthropic", KEY],
        &["auth", "order", "set", "--provider", "anthropic", KEY],
    ] {
        let answer = directory.run(arguments, "");
        assert_eq!((answer.code, answer.out.as_str()), (Some(1), ""), "{arguments:?}");
        assert!(!answer.err.is_empty());
    }
    assert_eq!(directory.run(&["--help"], "").code, Some(0));
}

#[test]
fn eight_processes_paste_at_once_and_every_token_is_there() {
    let directory = Directory::new();
    std::thread::scope(|scope| {
        for process in 0..8 {
            let directory = &directory;
            scope.spawn(move || {
                for number in 0..25 {
                    let profile = format!("p{process}-{number}");
                    let arguments = ["auth", "paste-token", "--provider", "anthropic", "--profile", &profile];
                    directory.ok(&arguments, &token());
                }
            });
        }
    });
    let document = directory.document();
    let profiles = document["profiles"].as_object().unwrap();
    assert_eq!(profiles.len(), 200);
    for (process, number) in (0..8).flat_map(|process| (0..25).map(move |number| (process, number))) {
        assert!(profiles.contains_key(&format!("anthropic:p{process}-{number}")));
    }
}
