//! The output of `tracing`: rotations, cooldowns and refreshes once each, attempts at a lower level.

#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]
#![cfg(feature = "client")]

use std::sync::Mutex;

use crate::logins;
use crate::support::NOW;
use crate::support::rotation::{OPUS, Rig, keys};
use crate::support::server::{Act, Server};
use crate::support::traced::traced;

/// The crate's own lines of a level with these words in them.
fn lines(log: &str, level: &str, words: &str) -> Vec<String> {
    let own = log.lines().filter(|line| line.contains("provider_auth") && line.contains(level));
    own.filter(|line| line.contains(words)).map(ToOwned::to_owned).collect()
}

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
    let lines = |level: &str, words: &str| lines(&log, level, words);
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

#[test]
fn a_refresh_is_told_once_and_a_call_has_the_names_of_opentelemetry() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (server, tokens) = (logins::takes(&["a-2"]), logins::token_server());
    let (answers, log) = traced(|| {
        runtime.block_on(async {
            let rig = logins::rig(&server, &tokens, &logins::document(NOW + 10_000, "r-1"));
            // Two calls need the same refresh, and one makes it.
            let (one, other) = tokio::join!(rig.send(OPUS), rig.send(OPUS));
            [one, other].map(|reply| reply.unwrap().profile().to_string())
        })
    });
    assert_eq!(answers, ["anthropic:me", "anthropic:me"]);
    let refreshed = lines(&log, "INFO", "refreshed");
    assert_eq!((refreshed.len(), tokens.asked().len()), (1, 1), "{log}");
    assert!(refreshed.iter().all(|line| line.contains("profile=anthropic:me")), "{refreshed:?}");
    let spans = lines(&log, "DEBUG", "send{");
    for part in
        ["gen_ai.operation.name=\"chat\"", "gen_ai.provider.name=anthropic", "gen_ai.request.model=\"claude-opus-4-5\""]
    {
        assert!(!spans.is_empty() && spans.iter().all(|line| line.contains(part)), "{part} in {spans:?}");
    }
    assert!(["a-1", "a-2", "r-1", "r-2"].iter().all(|secret| !log.contains(&format!("\"{secret}\""))), "{log}");
}
