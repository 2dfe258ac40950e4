//! What somebody sees who listens: rotations, cooldowns and refreshes once each, attempts below them.

#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]
#![cfg(feature = "client")]

use std::sync::Mutex;

use crate::support::rotation::{OPUS, Rig, keys};
use crate::support::server::{Act, Server};
use crate::support::traced::traced;

#[test]
fn a_rotation_and_a_cooldown_are_told_once_each_and_attempts_below_them() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let acts = [
        Act::error(429, "rate_limit_error", "Rate limited."),
        Act::error(401, "authentication_error", "invalid x-api-key"),
        Act::message("Hello"),
    ];
    let acts = Mutex::new(acts.into_iter());
    let server = Server::start(move |_| acts.lock().unwrap().next().unwrap());
    let (profile, log) = traced(|| {
        runtime.block_on(async {
            let rig = Rig::new(server, &keys(&["a", "b", "c"]));
            rig.answered(OPUS).await
        })
    });
    assert_eq!(profile, "c");
    let lines = |level: &str, words: &str| -> Vec<String> {
        let own = log.lines().filter(|line| line.contains("provider_auth") && line.contains(level));
        own.filter(|line| line.contains(words)).map(ToOwned::to_owned).collect()
    };
    let rotations = lines("INFO", "rotating");
    assert_eq!(rotations.len(), 2, "{log}");
    for (line, (from, to, reason)) in rotations.iter().zip([("a", "b", "rate_limit"), ("b", "c", "auth")]) {
        for part in [
            format!("from=anthropic:{from}"),
            format!("profile=anthropic:{to}"),
            format!("error.type=\"{reason}\""),
            "gen_ai.provider.name=anthropic".to_owned(),
            "gen_ai.request.model=\"claude-opus-4-5\"".to_owned(),
        ] {
            assert!(line.contains(&part), "{part} in {line}");
        }
    }
    let cooldowns = lines("INFO", "cooling down");
    assert_eq!(cooldowns.len(), 2, "{log}");
    assert!(cooldowns.iter().all(|line| line.contains("until=") && line.contains("reason=")), "{cooldowns:?}");
    assert_eq!(lines("DEBUG", " attempt ").len(), 3, "{log}");
    assert!(lines("DEBUG", "http.response.status_code=429").len() == 1, "{log}");
    assert!(!log.contains("key-a") && !log.contains("invalid x-api-key"), "{log}");
}
