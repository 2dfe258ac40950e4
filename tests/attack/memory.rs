//! Checks that no secret is left in the memory of the process after everything that held it is dropped.
//!
//! Made-up secrets come from a generator, and the text to look for is kept masked, so that the search leaves no copy.
//! Each case is a separate process: this test binary, run again with `child`.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test stops where something is wrong, and looks at the memory from outside"
)]

use std::fs::File;
use std::io::Write as _;
use std::process::Command;

use provider_auth::{
    AuthProfileStore, AuthProfileStoreExt as _, AuthProfiles, Credential, Endpoint, Environment, FileStore,
    MemoryStore, ProfileId, ProviderId, RequestBuilder, Secret, StateDir,
};
use serde_json::json;
use zeroize::Zeroizing;

use crate::remains::{LENGTH, PARTS, copies, text};

const CASE: &str = "PROVIDER_AUTH_TEST_MEMORY";
const CASES: [&str; 8] =
    ["control", "document", "changed", "memory store", "file store", "request", "environment", "state directory"];

fn key(number: u64) -> Credential {
    Credential::api_key(Secret::new(text(number).as_str()))
}

/// A document with one profile, and a token that is written with escapes.
fn document() -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(4096));
    out.push_str(r#"{"version":1,"profiles":{"anthropic:a":{"type":"api_key","provider":"anthropic","key":""#);
    out.push_str(&text(0));
    out.push_str(r#"","note":[1,2]},"anthropic:b":{"type":"token","provider":"anthropic","token":""#);
    out.push_str(&text(1));
    out.push_str(r#""}},"order":{"anthropic":["anthropic:a"]}}"#);
    assert!(out.capacity() == 4096);
    out
}

/// Does what the case says, and drops everything.
fn run(case: &str) {
    let (id, anthropic) = (ProfileId::new("anthropic:a").unwrap(), ProviderId::anthropic());
    match case {
        "document" => drop(AuthProfiles::from_json(&document()).unwrap()),
        "changed" => {
            let mut profiles = AuthProfiles::from_json(&document()).unwrap();
            for number in 2..7 {
                profiles.upsert(&id, &anthropic, &key(number), None).unwrap();
                drop(profiles.to_json());
            }
        }
        "memory store" => {
            let store = MemoryStore::new(AuthProfiles::from_json(&document()).unwrap());
            for number in 2..7 {
                store.upsert(&id, &anthropic, &key(number), None).unwrap();
            }
        }
        "file store" => {
            let directory = tempfile::tempdir().unwrap();
            let store = FileStore::new(directory.path().join("auth-profiles.json")).unwrap();
            let other = FileStore::new(directory.path().join("auth-profiles.json")).unwrap();
            for number in 2..7 {
                store.upsert(&id, &anthropic, &key(number), None).unwrap();
                for store in [&store, &other, &store, &other] {
                    assert_eq!(store.load().unwrap().len(), 1);
                }
            }
        }
        "request" => {
            let key = key(0);
            let body = json!({"model": "claude-opus-4-5", "max_tokens": 9, "messages": []});
            for _ in 0..5 {
                let request = RequestBuilder::new(&Endpoint::anthropic(), &key).json(&body).build().unwrap();
                assert!(request.headers().contains_key("x-api-key"));
            }
        }
        "environment" => {
            let env = Environment::from_fn(|name| {
                let mut text = text(0);
                (name == "ANTHROPIC_API_KEY").then(|| std::mem::take(&mut *text))
            });
            for _ in 0..5 {
                assert!(env.credential(&ProviderId::anthropic()).is_some());
            }
        }
        "state directory" => {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join(".env");
            {
                let mut file = File::create(&path).unwrap();
                for (number, quote) in [(0, ""), (1, "'"), (2, "\"")] {
                    let text = text(number);
                    for piece in [&format!("export KEY_{number}={quote}"), &*text, quote, "\n"] {
                        file.write_all(piece.as_bytes()).unwrap();
                    }
                }
                // Longer than what is read at a time.
                file.write_all(&b"# a remark\n".repeat(5_000)).unwrap();
            }
            for _ in 0..5 {
                let environment = StateDir::at(directory.path()).environment().unwrap();
                assert_eq!(environment.get("KEY_2").unwrap().expose().len(), LENGTH);
            }
        }
        other => unreachable!("{other}"),
    }
}

/// As a test of its own it does nothing.
#[test]
fn child() {
    let Ok(case) = std::env::var(CASE) else { return };
    if case == "control" {
        let kept = text(0);
        println!("=found {}", copies(0..7));
        drop(kept);
    } else {
        run(&case);
        println!("=found {}", copies(0..7));
    }
}

#[test]
fn no_secret_stays_in_the_memory() {
    let mut stayed = Vec::new();
    for case in CASES {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["memory::child", "--exact", "--nocapture", "--test-threads=1"])
            .env(CASE, case)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success(), "{case}: {said}{}", String::from_utf8_lossy(&child.stderr));
        let found = said.lines().find_map(|line| line.rsplit_once("=found ")?.1.trim().parse().ok());
        let found: usize = found.unwrap();
        println!("{case}: {found} parts of secrets in the memory");
        if case == "control" {
            assert!(found >= PARTS.len(), "what is there is found");
        } else if found > 0 {
            stayed.push((case, found));
        }
    }
    assert_eq!(stayed, []);
}
