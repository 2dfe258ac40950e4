//! Headroom through the rotator: read over a real connection, shared by clones, and passed to others by the store.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where something is wrong")]
#![cfg(feature = "client")]

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use provider_auth::clock::ManualClock;
use provider_auth::failure::TransportError;
use provider_auth::headroom::{LimitKind, TokenEstimate};
use provider_auth::select::{Receipt, Verdict};
use provider_auth::status::StatusReport;
use provider_auth::{
    AuthProfileStore, AuthProfiles, Call, Clock as _, ErrorKind, Failure, MemoryStore, ProviderId, Query,
    RecordOutcome as _, Rotator, Timestamp,
};
use serde_json::{Value, json};

use crate::support::rotation::{OPUS, Rig, call, keys};
use crate::support::server::{Act, Asked, Server};
use crate::support::{NOW, config};

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
    let used = Arc::new(std::sync::Mutex::new("0.5"));
    let shown = Arc::clone(&used);
    let reset = Arc::new(std::sync::Mutex::new(String::new()));
    let until = Arc::clone(&reset);
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
    let profiles = AuthProfiles::from_json(&rig.text()).unwrap();
    let query = Query::new(&ProviderId::anthropic());
    let refused = config("{}").resolve(&profiles, &query, rig.clock.now()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    let verdict = refused.unavailable().unwrap().candidates[0].verdict;
    assert!(matches!(verdict, Verdict::NoHeadroom { limit: LimitKind::Plan, .. }), "{verdict:?}");
    let later = Timestamp::from_millis(end * 1_000);
    assert!(config("{}").resolve(&profiles, &query, later).is_ok());
}

/// Programs that share a store, each with its own rotator and the same clock.
struct Fleet {
    store: Arc<MemoryStore>,
    clock: ManualClock,
}

impl Fleet {
    fn new() -> Self {
        let store = Arc::new(MemoryStore::new(AuthProfiles::from_json(&keys(&["a"]).to_string()).unwrap()));
        Self { store, clock: ManualClock::new(Timestamp::from_millis(NOW)) }
    }

    fn program(&self) -> Rotator {
        let builder = Rotator::builder(Arc::clone(&self.store) as Arc<dyn AuthProfileStore>);
        builder.config(config("{}")).clock(Arc::new(self.clock.clone())).build().unwrap()
    }

    /// Sends a call, and reads what the answer tells about the plan's week; returns `true` if the key was used.
    async fn ask(&self, program: &Rotator, told: Option<(&'static str, &'static str)>) -> bool {
        let (clock, reset) = (&self.clock, ((NOW + 5 * DAY) / 1_000).to_string());
        let mut headers = HeaderMap::new();
        if let Some((used, status)) = told {
            headers.insert("anthropic-ratelimit-unified-7d-utilization", used.parse().unwrap());
            headers.insert("anthropic-ratelimit-unified-7d-status", status.parse().unwrap());
            headers.insert("anthropic-ratelimit-unified-7d-reset", reset.parse().unwrap());
        }
        let call = call(OPUS);
        let answered = program.run(&call, |attempt| {
            attempt.observe(&headers, clock.now());
            async { Ok::<_, Failure>(()) }
        });
        let is_used = answered.await.is_ok();
        program.flush().await.unwrap();
        self.clock.advance(Duration::from_secs(30));
        is_used
    }

    fn entry(&self, key: &str) -> Value {
        let profiles = self.store.load().unwrap();
        let stats = profiles.usage("anthropic:a").unwrap().to_json();
        serde_json::from_str::<Value>(&stats).unwrap()[key].clone()
    }
}

const DAY: i64 = 86_400_000;
const USED_UP: Option<(&str, &str)> = Some(("1", "rejected"));
const ROOM: Option<(&str, &str)> = Some(("0.1", "allowed"));

#[tokio::test]
async fn a_newer_report_takes_back_what_an_older_one_told_others() {
    let fleet = Fleet::new();
    let first = fleet.program();
    assert!(fleet.ask(&first, USED_UP).await);
    assert_eq!(fleet.entry("noHeadroomUntil"), json!({"plan": NOW + 5 * DAY}));
    assert!(!fleet.ask(&first, ROOM).await && !fleet.ask(&fleet.program(), ROOM).await);

    // The limit was raised. The request of the day finds that out.
    fleet.clock.advance(Duration::from_secs(86_400));
    assert!(fleet.ask(&first, ROOM).await);
    assert_eq!(fleet.entry("noHeadroomUntil"), Value::Null);
    assert!(fleet.ask(&fleet.program(), ROOM).await, "a new program knows it from the store");
}

#[tokio::test]
async fn the_newest_report_counts_whoever_has_it() {
    let fleet = Fleet::new();
    let (first, second) = (fleet.program(), fleet.program());
    assert!(fleet.ask(&first, ROOM).await && fleet.ask(&second, USED_UP).await);
    assert!(!fleet.ask(&first, ROOM).await, "its own report is older");

    // An outcome without a report leaves the newer one of the other in place.
    let now = fleet.clock.now();
    let receipt = Receipt::new("anthropic:a".parse().unwrap(), ProviderId::anthropic(), None, now);
    first.finish(&receipt).await.unwrap();
    first.flush().await.unwrap();
    assert!(!fleet.entry("headroomToldAt").is_null());
}

#[tokio::test]
async fn a_program_with_an_old_report_sees_that_a_neighbour_has_room() {
    let fleet = Fleet::new();
    let (first, second) = (fleet.program(), fleet.program());
    assert!(fleet.ask(&second, Some(("0.95", "allowed"))).await && fleet.ask(&first, USED_UP).await);
    assert!(!fleet.ask(&second, ROOM).await);
    fleet.clock.advance(Duration::from_secs(86_400));
    assert!(fleet.ask(&second, ROOM).await, "the request of the day");
    assert!(fleet.ask(&first, ROOM).await, "its own report is a day old, the other's is new");
}

#[tokio::test]
async fn a_key_that_a_neighbour_uses_with_success_is_tried() {
    let fleet = Fleet::new();
    let first = fleet.program();
    assert!(fleet.ask(&first, USED_UP).await);
    let second = fleet.program();
    assert!(!fleet.ask(&second, None).await);

    // A neighbour that reads no headers, and whose requests succeed.
    let config = config("{}");
    fleet.clock.advance(Duration::from_secs(600));
    let receipt = Receipt::new("anthropic:a".parse().unwrap(), ProviderId::anthropic(), None, fleet.clock.now());
    fleet.store.record_success(config.selector(), &receipt, fleet.clock.now()).unwrap();
    for program in [&second, &first, &fleet.program()] {
        assert!(fleet.ask(program, None).await);
    }
}

#[tokio::test]
async fn only_what_was_sent_uses_headroom() {
    let fleet = Fleet::new();
    let program = fleet.program();
    let told =
        [("anthropic-ratelimit-input-tokens-limit", "60000"), ("anthropic-ratelimit-input-tokens-remaining", "60000")];
    let headers: HeaderMap = told.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    let clock = &fleet.clock;
    let (small, large) = (sized(0), sized(20_000));
    let observed = program.run(&small, |attempt| {
        attempt.observe(&headers, clock.now());
        async { Ok::<_, Failure>(()) }
    });
    observed.await.unwrap();
    let left = || program.headroom().profiles(clock.now())[0].limits[0].remaining;
    assert_eq!(left(), Some(60_000.0));
    let refused = program.run(&large, |_| async { Err::<(), _>(Failure::from(TransportError::Dns)) });
    refused.await.unwrap_err();
    assert_eq!(left(), Some(60_000.0), "nothing was sent");
    // A call that is dropped while its request is under way has sent it.
    let begun = tokio::sync::Notify::new();
    let given_up = program.run(&large, |_| {
        begun.notify_one();
        std::future::pending::<Result<(), Failure>>()
    });
    tokio::select! {
        _ = given_up => unreachable!("it is never answered"),
        () = begun.notified() => {}
    }
    assert_eq!(left(), Some(40_000.0));
}

#[tokio::test]
async fn a_status_from_another_process_shows_what_is_used_up() {
    let fleet = Fleet::new();
    let report = || {
        let profiles = fleet.store.load().unwrap();
        StatusReport::builder(&config("{}"), &profiles).build(fleet.clock.now())
    };
    fleet.ask(&fleet.program(), Some(("0.95", "allowed"))).await;
    assert_eq!(report().unusable_profiles, []);
    let end = Timestamp::from_millis(NOW + 5 * DAY);
    assert_eq!(report().headroom[0].to_string(), format!("anthropic:a: 5% of the plan's window, full at {end}"));

    fleet.ask(&fleet.program(), USED_UP).await;
    let report = report();
    let status = report.profiles().next().unwrap();
    assert!(matches!(status.verdict, Verdict::NoHeadroom { until, .. } if until == end), "{:?}", status.verdict);
    let unusable = &report.unusable_profiles[0];
    assert_eq!((unusable.kind(), unusable.limit, unusable.until), ("no_headroom", Some(LimitKind::Plan), end));
    assert_eq!(report.headroom[0].to_string(), format!("anthropic:a: 0% of the plan's window, full at {end}"));
    let json: Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(json["auth"]["unusableProfiles"][0]["kind"], "no_headroom");
    assert_eq!(json["auth"]["headroom"][0]["limits"][0]["remaining"], 0.0);
}

#[tokio::test]
async fn others_leave_an_empty_token_bucket_alone_until_it_has_enough_again() {
    let store = Arc::new(MemoryStore::new(AuthProfiles::from_json(&keys(&["a", "b"]).to_string()).unwrap()));
    let fleet = Fleet { store, ..Fleet::new() };
    let first = fleet.program();
    for left in ["60000", "50000", "0"] {
        fleet.clock.advance(Duration::from_secs(10));
        let told = [("limit", "60000"), ("remaining", left)];
        let name = |part: &str| format!("anthropic-ratelimit-input-tokens-{part}").parse().unwrap();
        let headers: HeaderMap = told.iter().map(|(part, value)| (name(part), value.parse().unwrap())).collect();
        let (call, clock) = (call(OPUS), &fleet.clock);
        let answered = first.run(&call, |attempt| {
            attempt.observe(&headers, clock.now());
            async { Ok::<_, Failure>(()) }
        });
        assert_eq!(answered.await.unwrap().attempt.profile().as_str(), "anthropic:a");
    }
    first.flush().await.unwrap();
    let ask = |program: Rotator| async move {
        let answered = program.run(&call(OPUS), |_| async { Ok::<_, Failure>(()) }).await.unwrap();
        answered.attempt.profile().as_str().to_owned()
    };
    assert_eq!(ask(fleet.program()).await, "anthropic:b");
    fleet.clock.advance(Duration::from_secs(60));
    assert_eq!(ask(fleet.program()).await, "anthropic:a");
}
