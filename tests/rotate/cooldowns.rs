//! Reports of OpenClaw's users about cooldowns and classification, each as a call that must not fail that way here. The
//! numbers are those of the list of reports.

#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]
#![cfg(feature = "client")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use provider_auth::{
    AuthProfileStore, Config, Environment, ErrorKind, FailureReason, ProfileId, ProfileSelector, ProviderId,
    ReadOptions, RecordOutcome, Rotator,
};
use serde_json::json;

use crate::support::rotation::{HAIKU, OPUS, Rig, after, call, keys, reasons};
use crate::support::server::{Act, Server};
use crate::support::{NOW, config};

fn limited() -> Act {
    Act::error(429, "rate_limit_error", "This request would exceed your account's rate limit.")
        .header("retry-after", "20")
}

fn refused() -> Act {
    Act::error(401, "authentication_error", "invalid x-api-key")
}

fn out_of_credit() -> Act {
    let message = "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing.";
    Act::error(400, "invalid_request_error", message)
}

fn overloaded() -> Act {
    Act::error(529, "overloaded_error", "Overloaded")
}

/// A server that refuses one key with an act and serves the others.
fn refuses(key: &'static str, act: Act) -> Server {
    Server::start(move |asked| if asked.key() == key { act.clone() } else { Act::message("Hello") })
}

/// A server that refuses every key as long as the switch is on.
fn switched(act: Act) -> (Server, Arc<AtomicBool>) {
    let on = Arc::new(AtomicBool::new(true));
    let switch = Arc::clone(&on);
    (Server::start(move |_| if switch.load(Ordering::SeqCst) { act.clone() } else { Act::message("Hello") }), on)
}

#[tokio::test]
async fn report_1_a_profile_is_not_locked_for_ever() {
    let (server, on) = switched(refused());
    let rig = Rig::new(server, &keys(&["a"]));
    for rest in [30, 60, 300, 300, 300] {
        rig.send(OPUS).await.unwrap_err();
        let start = after(Some(provider_auth::Clock::now(&rig.clock))).unwrap();
        assert_eq!(after(rig.stats("a").cooldown_until()), Some(start + rest));
        rig.seconds(u64::try_from(rest).unwrap());
    }
    on.store(false, Ordering::SeqCst);
    assert_eq!(rig.answered(OPUS).await, "a");
    assert!(rig.stats("a").cooldown_until().is_none());
    assert_eq!(rig.count("a", FailureReason::Auth), 0);
}

#[tokio::test]
async fn report_2_a_restart_brings_no_escalation_back() {
    let (server, on) = switched(refused());
    let rig = Rig::new(server, &keys(&["a"]));
    rig.send(OPUS).await.unwrap_err();
    rig.seconds(30);
    on.store(false, Ordering::SeqCst);
    rig.answered(OPUS).await;
    let restarted = Rig::new(rig.server.clone(), &serde_json::from_str(&rig.text()).unwrap());
    restarted.seconds(60);
    on.store(true, Ordering::SeqCst);
    restarted.send(OPUS).await.unwrap_err();
    assert_eq!(after(restarted.stats("a").cooldown_until()), Some(60 + 30));
}

#[tokio::test]
async fn report_3_failures_inside_a_window_do_not_move_it() {
    let rig = Rig::with(Server::script(vec![refused()]), &keys(&["a"]), |builder| builder.probes(None));
    rig.send(OPUS).await.unwrap_err();
    let until = rig.stats("a").cooldown_until();
    for _ in 0..5 {
        rig.seconds(5);
        let failure = rig.send(OPUS).await.unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Unavailable);
        assert!(failure.attempts().is_empty());
    }
    assert_eq!(rig.stats("a").cooldown_until(), until);
    assert_eq!(rig.server.asked().len(), 1, "nothing was sent while the window ran");
}

#[tokio::test]
async fn report_4_seven_errors_do_not_mean_twenty_minutes() {
    let patience = Duration::from_millis(100);
    let rig = Rig::with(Server::script(vec![Act::hang()]), &keys(&["a"]), |builder| {
        builder.probes(None).attempt_timeout(patience)
    });
    for _ in 0..7 {
        rig.send(OPUS).await.unwrap_err();
        let rest = rig.stats("a").cooldown_until().unwrap() - provider_auth::Clock::now(&rig.clock);
        assert!(rest <= Duration::from_secs(300), "{rest:?}");
        rig.clock.advance(rest);
    }
}

#[tokio::test]
async fn report_5_a_limit_on_one_model_leaves_its_siblings() {
    let server = Server::start(|asked| if asked.model().contains("opus") { limited() } else { Act::message("Hello") });
    let rig = Rig::new(server, &keys(&["a"]));
    let failure = rig.send(OPUS).await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::RateLimited);
    assert_eq!(rig.answered(HAIKU).await, "a");
}

#[tokio::test]
async fn report_6_a_timeout_on_one_model_leaves_the_account() {
    let server =
        Server::start(|asked| if asked.model().contains("opus") { Act::hang() } else { Act::message("Hello") });
    let rig = Rig::with(server, &keys(&["a"]), |builder| builder.attempt_timeout(Duration::from_millis(400)));
    let failure = rig.send(OPUS).await.unwrap_err();
    assert_eq!(failure.failure().unwrap().reason(), FailureReason::Timeout);
    assert_eq!(rig.answered(HAIKU).await, "a");
}

#[tokio::test]
async fn report_7_an_unknown_model_leaves_the_account() {
    let unknown = Act::error(404, "not_found_error", "model: claude-opus-4-5");
    let server = Server::start(
        move |asked| if asked.model().contains("opus") { unknown.clone() } else { Act::message("Hello") },
    );
    let rig = Rig::new(server, &keys(&["a", "b"]));
    let failure = rig.send(OPUS).await.unwrap_err();
    assert_eq!(reasons(failure.attempts()), vec![Some(FailureReason::ModelNotFound); 2]);
    assert_eq!(rig.answered(HAIKU).await, "a");
}

#[tokio::test]
async fn report_8_a_malformed_request_rests_nobody_and_is_not_sent_twice() {
    let act = Act::error(400, "invalid_request_error", "messages.0.content: Input should be a valid list");
    let rig = Rig::new(Server::script(vec![act]), &keys(&["a", "b", "c"]));
    let before = rig.text();
    let failure = rig.send(OPUS).await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::RequestRefused);
    assert_eq!(reasons(failure.attempts()), [Some(FailureReason::Format)]);
    assert_eq!(rig.text(), before);
}

#[tokio::test]
async fn report_9_the_first_profile_comes_back() {
    let rig = Rig::new(Server::script(vec![limited(), Act::message("b"), Act::message("a")]), &keys(&["a", "b"]));
    assert_eq!(rig.answered(OPUS).await, "b");
    rig.seconds(20);
    assert_eq!(rig.answered(OPUS).await, "a", "the order counts again as soon as the window is over");
}

#[tokio::test]
async fn report_10_a_persisted_limit_is_probed_before_its_end_and_once() {
    let mut document = keys(&["a"]);
    document["usageStats"] = json!({"anthropic:a": {
        "cooldownUntil": NOW + 3_600_000, "cooldownReason": "rate_limit", "cooldownModel": "claude-opus-4-5",
        "lastFailureAt": NOW - 1_000}});
    let (server, on) = switched(limited());
    let rig = Rig::new(server, &document);
    let failure = rig.send(OPUS).await.unwrap_err();
    assert_eq!((failure.attempts().len(), after(failure.retry_at())), (0, Some(3_600)));
    rig.seconds(3_600 - 120);
    // Due: one probe goes out, and no second one follows at once.
    assert_eq!(rig.send(OPUS).await.unwrap_err().attempts().len(), 1);
    assert_eq!(rig.send(OPUS).await.unwrap_err().attempts().len(), 0);
    on.store(false, Ordering::SeqCst);
    rig.seconds(30);
    assert_eq!(rig.answered(OPUS).await, "a");
    assert!(rig.stats("a").cooldown_until().is_none());
}

#[tokio::test]
async fn report_11_a_success_ends_what_the_provider_had_announced() {
    let mut document = keys(&["a"]);
    document["usageStats"] = json!({"anthropic:a": {
        "blockedUntil": NOW + 60_000, "blockedReason": "subscription_limit", "blockedSource": "headers"}});
    let rig = Rig::new(Server::script(vec![Act::message("Hello")]), &document);
    assert_eq!(rig.answered(OPUS).await, "a", "within two minutes of the end a probe goes out");
    assert!(!rig.stats("a").to_json().contains("blocked"));
}

#[tokio::test]
async fn report_12_only_real_success_marks_success() {
    let inside = Act::json(200, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#);
    let rig = Rig::new(Server::script(vec![inside]), &keys(&["a"]));
    let failure = rig.send(OPUS).await.unwrap_err();
    assert_eq!(reasons(failure.attempts()), [Some(FailureReason::Overloaded)]);
    assert!(rig.stats("a").last_used().is_none());

    let error = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"Slow down\"}}\n\n";
    let stop = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    let rig = Rig::new(Server::script(vec![Act::stream(&[error, stop])]), &keys(&["a"]));
    let mut reply = rig.send(OPUS).await.unwrap();
    assert!(reply.is_stream() && rig.stats("a").last_used().is_none());
    assert_eq!(reply.bytes().await.unwrap_err().kind(), ErrorKind::RateLimited);
    assert!(rig.stats("a").last_used().is_none(), "the window must not vanish with the end of the run");
    assert_eq!(after(rig.stats("a").cooldown_until()), Some(30));
}

#[tokio::test]
async fn report_13_an_empty_account_comes_back_after_minutes_or_by_hand() {
    let (server, on) = switched(out_of_credit());
    let rig = Rig::new(server, &keys(&["a"]));
    let failure = rig.send(OPUS).await.unwrap_err();
    assert_eq!((failure.kind(), after(rig.stats("a").disabled_until())), (ErrorKind::PaymentRequired, Some(600)));
    on.store(false, Ordering::SeqCst);
    rig.send(OPUS).await.unwrap_err();
    rig.store.clear_cooldown(&ProfileSelector::default(), &ProfileId::new("anthropic:a").unwrap()).unwrap();
    assert_eq!(rig.answered(OPUS).await, "a");
}

#[tokio::test]
async fn report_14_a_key_from_the_environment_rests_and_recovers_like_any_other() {
    let environment = Environment::from_fn(|name| (name == "ANTHROPIC_API_KEY").then(|| "key-env".to_owned()));
    let config = Config::from_json5_str("{}", &ReadOptions::new().environment(environment)).unwrap();
    let (server, on) = switched(out_of_credit());
    let rig = Rig::with(server, &json!({"version": 1, "profiles": {}}), |builder| builder.config(config));
    rig.send(OPUS).await.unwrap_err();
    let cooling = rig.send(OPUS).await.unwrap_err();
    assert_eq!((cooling.kind(), after(cooling.retry_at())), (ErrorKind::Unavailable, Some(600)));
    on.store(false, Ordering::SeqCst);
    rig.seconds(600);
    let reply = rig.send(OPUS).await.unwrap();
    assert_eq!(reply.profile().as_str(), "inline-api-key:anthropic");
    assert_eq!(rig.server.keys(), ["key-env", "key-env"]);
}

#[tokio::test]
async fn report_15_a_throttle_that_speaks_of_a_quota_is_no_billing_disable() {
    let qwen = ProviderId::new("qwen").unwrap();
    let body = r#"{"error":{"code":"insufficient_quota","message":"You exceeded your current quota, please check your plan"}}"#;
    let server = Server::script(vec![Act::json(429, body)]);
    let endpoint = provider_auth::Endpoint::new(&server.url()).unwrap();
    let document = json!({"version": 1, "profiles":
        {"qwen:a": {"type": "api_key", "provider": "qwen", "key": "key-a"}}});
    let rig = Rig::with(server, &document, |builder| builder.endpoint(qwen, endpoint));
    let failure = rig.send("qwen/qwen3-coder").await.unwrap_err();
    assert_eq!(reasons(failure.attempts()), [Some(FailureReason::RateLimit)]);
    assert!(rig.store.load().unwrap().usage("qwen:a").unwrap().disabled_until().is_none());
}

#[tokio::test]
async fn report_16_a_402_takes_out_the_account_it_speaks_of_and_no_other() {
    let act = Act::json(402, r#"{"error":{"message":"Payment required","code":402}}"#);
    let rig = Rig::new(refuses("key-a", act), &keys(&["a", "b"]));
    assert_eq!(rig.answered(OPUS).await, "b");
    assert!(rig.stats("b").disabled_until().is_none());
}

#[tokio::test]
async fn report_17_an_answer_that_speaks_of_billing_is_an_answer() {
    let text = "error: your credit balance is too low (402 Payment Required, insufficient_quota, rate_limit_error)";
    let rig = Rig::new(Server::script(vec![Act::message(text)]), &keys(&["a"]));
    assert_eq!(rig.answered(OPUS).await, "a");
    assert!(rig.stats("a").disabled_until().is_none() && rig.stats("a").last_used().is_some());
}

#[tokio::test]
async fn report_18_revoked_keys_rest_long_and_odd_refusals_briefly() {
    let revoked = Act::error(401, "authentication_error", "This API key has been revoked.");
    let rig = Rig::new(
        Server::start(move |asked| match asked.key() {
            "key-a" => revoked.clone(),
            "key-b" => refused(),
            _ => Act::message("Hello"),
        }),
        &keys(&["a", "b", "c"]),
    );
    let reply = rig.send(OPUS).await.unwrap();
    assert_eq!(reasons(reply.attempts()), [Some(FailureReason::AuthPermanent), Some(FailureReason::Auth), None]);
    assert_eq!(after(rig.stats("a").disabled_until()), Some(600));
    assert_eq!(after(rig.stats("b").cooldown_until()), Some(30));
}

#[tokio::test]
async fn report_19_overload_tries_one_more_account_and_charges_none() {
    let rig = Rig::new(Server::script(vec![overloaded()]), &keys(&["a", "b", "c", "d"]));
    let before = rig.text();
    let failure = rig.send(OPUS).await.unwrap_err();
    assert_eq!(rig.server.keys(), ["key-a", "key-b"]);
    assert_eq!((failure.kind(), failure.unavailable().is_none()), (ErrorKind::ProviderFailed, true));
    assert_eq!(rig.text(), before);

    let none = config("{ auth: { cooldowns: { overloadedProfileRotations: 3, overloadedBackoffMs: 1 } } }");
    let rig = Rig::with(Server::script(vec![overloaded()]), &keys(&["a", "b", "c", "d"]), |b| b.config(none));
    rig.send(OPUS).await.unwrap_err();
    assert_eq!(rig.server.asked().len(), 4);
}

#[tokio::test]
async fn report_20_the_providers_reset_time_counts() {
    let act = Act::error(429, "rate_limit_error", "This request would exceed your account's rate limit.")
        .header("retry-after", "13262");
    let rig = Rig::new(Server::script(vec![act]), &keys(&["a"]));
    let failure = rig.send(OPUS).await.unwrap_err();
    assert_eq!(after(failure.retry_at()), Some(13_262));
    rig.seconds(62);
    let cooling = rig.send(OPUS).await.unwrap_err();
    assert_eq!(cooling.unavailable().unwrap().retry_after(), Some(Duration::from_secs(13_200)));
}

#[tokio::test]
async fn report_21_parallel_calls_charge_a_limit_once() {
    let rig = Rig::new(refuses("key-a", limited().after(Duration::from_millis(50))), &keys(&["a", "b"]));
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let rotator = rig.rotator.clone();
            tokio::spawn(async move { rotator.send(&call(OPUS)).await.unwrap().profile().to_string() })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), "anthropic:b");
    }
    assert_eq!(rig.count("a", FailureReason::RateLimit), 1);
    assert_eq!(after(rig.stats("a").cooldown_until()), Some(20));
}

#[tokio::test]
async fn report_22_a_timeout_cools_once_for_its_model() {
    let rig = Rig::with(Server::script(vec![Act::hang(), Act::message("Hello")]), &keys(&["a", "b"]), |builder| {
        builder.attempt_timeout(Duration::from_millis(400))
    });
    let reply = rig.send(OPUS).await.unwrap();
    assert_eq!(reasons(reply.attempts()), [Some(FailureReason::Timeout), None]);
    assert_eq!(after(rig.stats("a").cooldown_until()), Some(30));
    assert!(rig.stats("a").to_json().contains("claude-opus-4-5"));
    assert_eq!(rig.count("a", FailureReason::Timeout), 1);
}

#[tokio::test]
async fn report_23_a_run_leaves_the_limited_account_and_comes_back_in_order() {
    let limit = Arc::new(AtomicBool::new(true));
    let switch = Arc::clone(&limit);
    let server = Server::start(move |asked| {
        if asked.key() == "key-a" && switch.load(Ordering::SeqCst) { limited() } else { Act::message("Hello") }
    });
    let rig = Rig::new(server, &keys(&["a", "b", "c"]));
    assert_eq!(rig.answered(OPUS).await, "b");
    assert_eq!(rig.answered(OPUS).await, "b", "the limited account is not asked again");
    limit.store(false, Ordering::SeqCst);
    rig.seconds(20);
    assert_eq!(rig.answered(OPUS).await, "a");
    assert_eq!(rig.server.keys(), ["key-a", "key-b", "key-b", "key-a"]);
}

#[tokio::test]
async fn a_bare_rotator_needs_nothing_but_a_store() {
    let store = Arc::new(provider_auth::MemoryStore::default());
    let rotator = Rotator::builder(store as Arc<dyn AuthProfileStore>).config(config("{}")).build().unwrap();
    assert_eq!(rotator.send(&call(OPUS)).await.unwrap_err().kind(), ErrorKind::MissingApiKey);
}
