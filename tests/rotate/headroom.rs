//! Headroom through the rotator: read over a real connection, shared by clones, and passed to others by the store.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where something is wrong")]
#![cfg(feature = "client")]

use provider_auth::headroom::{LimitKind, TokenEstimate};
use provider_auth::select::Verdict;
use provider_auth::{Call, Clock as _, ErrorKind, ProviderId, Query};
use serde_json::{Value, json};

use crate::support::config;
use crate::support::rotation::{OPUS, Rig, call, keys};
use crate::support::server::{Act, Asked, Server};

/// An answer that tells what is left: of tokens in a minute, of which there are 60000, and of a plan.
fn told(act: Act, tokens: u32) -> Act {
    act.header("anthropic-ratelimit-input-tokens-limit", "60000")
        .header("anthropic-ratelimit-input-tokens-remaining", &tokens.to_string())
}

fn sized(tokens: u64) -> Call {
    call(OPUS).tokens(TokenEstimate::new(tokens, 0))
}

#[tokio::test]
async fn a_key_is_left_before_it_is_empty_and_clones_know_it() {
    let rig = Rig::new(
        Server::start(|asked: &Asked| told(Act::message("Hello"), if asked.key() == "key-a" { 5_000 } else { 50_000 })),
        &keys(&["a", "b"]),
    );
    let clone = rig.rotator.clone();
    rig.rotator.send(&sized(1_000)).await.unwrap();
    for _ in 0..3 {
        let reply = clone.send(&sized(8_000)).await.unwrap();
        assert_eq!((reply.profile().as_str(), reply.attempts().len()), ("anthropic:b", 1));
    }
    assert!(rig.server.keys().iter().skip(1).all(|key| key == "key-b"));
    rig.rotator.flush().await.unwrap();
    assert_eq!(rig.stats("a").last_failure_at(), None, "nothing failed");
    let shown = rig.rotator.headroom().profiles(rig.clock.now());
    assert_eq!(shown[0].limits[0].kind, LimitKind::InputTokens);
}

#[tokio::test]
async fn a_failure_and_a_stream_tell_it_too() {
    for act in [
        Act::error(400, "invalid_request_error", "messages: at least one message is required"),
        Act::stream(&[crate::streams::START, crate::streams::STOP]),
    ] {
        let act = std::sync::Mutex::new(Some(act));
        let rig = Rig::new(
            Server::start(move |_| {
                let first = act.lock().unwrap().take();
                first.map_or_else(|| told(Act::message("Hello"), 50_000), |first| told(first, 1_000))
            }),
            &keys(&["a", "b"]),
        );
        let _ = rig.rotator.send(&sized(500)).await;
        rig.rotator.send(&sized(9_000)).await.unwrap();
        let asked = rig.server.keys();
        assert_ne!(asked[0], asked[1]);
    }
}

#[tokio::test]
async fn others_who_share_the_store_are_told_of_a_plan_with_no_write_for_each_answer() {
    let used = std::sync::Arc::new(std::sync::Mutex::new("0.5"));
    let shown = std::sync::Arc::clone(&used);
    let reset = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let until = std::sync::Arc::clone(&reset);
    let rig = Rig::new(
        Server::start(move |_| {
            Act::message("Hello")
                .header("anthropic-ratelimit-unified-5h-utilization", *shown.lock().unwrap())
                .header("anthropic-ratelimit-unified-5h-reset", &until.lock().unwrap())
        }),
        &keys(&["a"]),
    );
    let end = rig.clock.now().as_millis() / 1_000 + 7_200;
    *reset.lock().unwrap() = end.to_string();
    let entry = || serde_json::from_str::<Value>(&rig.text()).unwrap()["usageStats"]["anthropic:a"].clone();
    for _ in 0..3 {
        rig.rotator.send(&call(OPUS)).await.unwrap();
    }
    rig.rotator.flush().await.unwrap();
    assert_eq!(entry()["planUsed"], Value::Null, "half of a plan is nobody's concern");

    *used.lock().unwrap() = "0.95";
    rig.rotator.send(&call(OPUS)).await.unwrap();
    rig.rotator.flush().await.unwrap();
    let known = entry()["planUsed"].clone();
    assert_eq!((known["used"].as_f64(), known["until"].as_i64()), (Some(0.95), Some(end * 1_000)));
    assert_eq!(entry()["noHeadroomUntil"], Value::Null);

    *used.lock().unwrap() = "1";
    rig.rotator.send(&call(OPUS)).await.unwrap();
    rig.rotator.flush().await.unwrap();
    assert_eq!(entry()["noHeadroomUntil"], json!({"plan": end * 1_000}));

    // Another program with the same store leaves the profile alone, and tells why; OpenClaw may drop the hint.
    let profiles = provider_auth::AuthProfiles::from_json(&rig.text()).unwrap();
    let query = Query::new(&ProviderId::anthropic());
    let refused = config("{}").resolve(&profiles, &query, rig.clock.now()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    let verdict = refused.unavailable().unwrap().candidates[0].verdict;
    assert!(matches!(verdict, Verdict::NoHeadroom { limit: LimitKind::Plan, .. }), "{verdict:?}");
    let later = provider_auth::Timestamp::from_millis(end * 1_000);
    assert!(config("{}").resolve(&profiles, &query, later).is_ok());
}
