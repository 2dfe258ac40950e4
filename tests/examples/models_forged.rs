//! The example command line over files whose names forge lines: whatever it prints for people stays on its line.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop where it fails, and writes its own files"
)]
#![cfg(feature = "file")]

use serde_json::json;

use crate::forged::{is_forged, tails};
use crate::program::{answer, example};

#[test]
fn what_is_printed_stays_on_its_line() {
    // A zero can stand in no argument of a program.
    for tail in tails().iter().map(|tail| tail.replace('\0', "")) {
        let tail = &*tail;
        let id = |name: &str| format!("anthropic:{name}{tail}");
        let key =
            json!({ "type": "api_key", "provider": "anthropic", "key": "made-up", "email": tail, "displayName": tail });
        let profiles = json!({
            "version": 1,
            "profiles": {
                id("1"): key,
                id("2"): { "type": "token", "provider": "anthropic", "token": "made-up", "expires": 1 },
                id("3"): { "type": tail, "provider": "anthropic" },
                tail: { "type": "api_key", "provider": tail, "key": " " },
            },
            "order": { "anthropic": [id("1"), tail], tail: [tail] },
            "usageStats": { id("1"): { "disabledUntil": 9_000_000_000_000_i64, "disabledReason": tail } },
        });
        let config = json!({
            tail: 1,
            "agents": { "defaults": { "model": { "primary": format!("relay/{tail}"), "fallbacks": [tail] } } },
            "auth": { "order": { "anthropic": [id("8")] } },
            "models": { "providers": { tail: { "baseUrl": tail, "models": [{ "id": tail }] } } },
        });
        let directory = tempfile::tempdir().unwrap();
        let agent = directory.path().join("agents/main/agent");
        std::fs::create_dir_all(&agent).unwrap();
        std::fs::write(agent.join("auth-profiles.json"), profiles.to_string()).unwrap();
        std::fs::write(directory.path().join("openclaw.json"), config.to_string()).unwrap();
        let one = id("1");
        let commands: [&[&str]; 14] = [
            &["status"],
            &["status", "--check"],
            &["auth", "list"],
            &["config", "check"],
            &["auth", "order", "get", "--provider", "anthropic"],
            &["auth", "order", "get", "--provider", tail],
            &["auth", "order", "set", "--provider", "anthropic", tail],
            &["auth", "order", "set", "--provider", "anthropic", &one],
            &["auth", "order", "clear", "--provider", tail],
            &["auth", "set-key", "--provider", tail, "--profile", &one],
            &["auth", "paste-token", "--provider", "anthropic", "--profile", tail, "--expires-in", tail],
            &["auth", "clear-cooldown", &one],
            &["auth", "remove", tail],
            &["auth", "remove", "nobody"],
        ];
        let elsewhere: [&[&str]; 3] = [&["--agent", tail], &["--config", tail], &[tail]];
        let elsewhere = elsewhere.map(|place| [place, &["status"]].concat());
        for command in commands.iter().copied().chain(elsewhere.iter().map(Vec::as_slice)) {
            let mut program = example("models");
            let said = answer(program.arg("--state-dir").arg(directory.path()).args(command), b"made-up-key");
            let text = said.out + &said.err;
            let fault = text.lines().find(|line| is_forged(line));
            assert_eq!(fault, None, "{command:?}: {text:?}");
            assert!(!text.contains("panicked"), "{text}");
        }
    }
}
