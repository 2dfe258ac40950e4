//! Calls over a connection that is slow, broken, streaming or misleading.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where something is wrong")]
#![cfg(feature = "client")]

use std::sync::Arc;
use std::time::Duration;

use provider_auth::failure::RetryBackoff;
use provider_auth::{AuthProfileStore, Clock, Error, ErrorKind, FailureReason, ProfileId, ProviderId};

use crate::support::rotation::{HAIKU, OPUS, Rig, after, call, keys, reasons};
use crate::support::server::{Act, Asked, Server};
use crate::support::{NOW, config};

const START: &str = "event: message_start\ndata: {\"type\":\"message_start\"}\n\n";
const STOP: &str = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
const OVERLOADED: &str =
    "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";

fn limited() -> Act {
    Act::error(429, "rate_limit_error", "Rate limited.").header("retry-after", "20")
}

#[tokio::test]
async fn a_stream_is_handed_over_with_its_head_and_succeeds_with_its_end() {
    let rig = Rig::new(Server::script(vec![limited(), Act::stream(&[START, STOP])]), &keys(&["a", "b"]));
    let mut reply = rig.send(OPUS).await.unwrap();
    assert!(reply.is_stream() && !reply.receipt().is_reported());
    assert_eq!((reply.response().status().as_u16(), reply.attempts().len()), (200, 2));
    let mut body = Vec::new();
    while let Some(chunk) = reply.chunk().await.unwrap() {
        body.extend(chunk);
    }
    assert_eq!(String::from_utf8(body).unwrap(), format!("{START}{STOP}"));
    assert!(reply.receipt().is_reported() && reply.unrecorded().is_none());
    assert!(rig.stats("b").last_used().is_some());
}

#[tokio::test]
async fn a_stream_that_breaks_blames_nobody_and_one_that_is_left_is_nothing() {
    let rig = Rig::new(Server::script(vec![Act::broken_stream(&[START])]), &keys(&["a"]));
    let before = rig.text();
    let mut reply = rig.send(OPUS).await.unwrap();
    let error = loop {
        match reply.chunk().await {
            Ok(chunk) => assert!(chunk.is_some(), "a broken stream has no end"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert_eq!(rig.text(), before, "nothing is recorded of a way that broke");

    let rig = Rig::new(Server::script(vec![Act::stream(&[START, STOP])]), &keys(&["a"]));
    let before = rig.text();
    let reply = rig.send(OPUS).await.unwrap();
    assert!(!reply.receipt().is_reported(), "a stream without its last event is neither success nor failure");
    drop(reply);
    assert_eq!(rig.text(), before);
}

#[tokio::test]
async fn an_error_event_is_charged_once_to_what_it_speaks_of() {
    let rig = Rig::new(Server::script(vec![Act::stream(&[START, OVERLOADED])]), &keys(&["a"]));
    let before = rig.text();
    let mut reply = rig.send(OPUS).await.unwrap();
    assert_eq!(reply.bytes().await.unwrap_err().kind(), ErrorKind::ProviderFailed);
    assert!(reply.receipt().is_reported());
    assert_eq!(rig.text(), before, "the provider is to blame");

    // Those who read the response themselves report by themselves.
    let limit = br#"{"type":"error","error":{"type":"rate_limit_error","message":"Slow down"}}"#;
    let reply = rig.send(OPUS).await.unwrap();
    let receipt = reply.receipt().clone();
    assert_eq!(reply.into_response().text().await.unwrap(), format!("{START}{OVERLOADED}"));
    assert!(rig.rotator.report_stream_error(&receipt, b"{\"type\":\"ping\"}").await.unwrap().is_none());
    let failure = rig.rotator.report_stream_error(&receipt, limit).await.unwrap().unwrap();
    assert_eq!(failure.reason(), FailureReason::RateLimit);
    let charged = rig.text();
    rig.seconds(1);
    // Doubled and late reports change nothing.
    rig.rotator.report_stream_error(&receipt, limit).await.unwrap();
    rig.rotator.finish(&receipt).await.unwrap();
    assert_eq!(rig.text(), charged);
}

#[tokio::test]
async fn a_late_failure_after_a_newer_success_changes_nothing() {
    let rig = Rig::new(Server::script(vec![Act::stream(&[START]), Act::message("Hello")]), &keys(&["a"]));
    let old = rig.send(OPUS).await.unwrap();
    rig.seconds(1);
    rig.answered(OPUS).await;
    let before = rig.text();
    rig.seconds(1);
    let limit = br#"{"type":"error","error":{"type":"rate_limit_error","message":"Slow down"}}"#;
    rig.rotator.report_stream_error(old.receipt(), limit).await.unwrap();
    assert_eq!(rig.text(), before);
}

#[tokio::test]
async fn threads_that_report_at_once_charge_a_request_once() {
    let rig = Rig::new(Server::script(vec![Act::stream(&[START])]), &keys(&["a"]));
    let limit = br#"{"type":"error","error":{"type":"rate_limit_error","message":"Slow down"}}"#;
    let first = rig.send(OPUS).await.unwrap();
    let second = rig.send(OPUS).await.unwrap();
    rig.seconds(1);
    std::thread::scope(|scope| {
        for receipt in [first.receipt(), second.receipt(), first.receipt(), second.receipt()] {
            let rotator = &rig.rotator;
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(rotator.report_stream_error(receipt, limit)).unwrap();
            });
        }
    });
    // The second request was under way when the window opened: it is the same limit.
    assert_eq!(rig.count("a", FailureReason::RateLimit), 1);
    assert_eq!(after(rig.stats("a").cooldown_until()), Some(31));
}

#[tokio::test]
async fn an_answer_that_is_late_takes_the_next_profile_and_a_way_that_breaks_is_tried_again() {
    let slow = Act::message("late").after(Duration::from_millis(1_500));
    for act in [Act::hang(), slow] {
        let rig = Rig::with(
            Server::start(move |asked| if asked.key() == "key-a" { act.clone() } else { Act::message("Hello") }),
            &keys(&["a", "b"]),
            |builder| builder.attempt_timeout(Duration::from_millis(400)),
        );
        let reply = rig.send(OPUS).await.unwrap();
        assert_eq!(reasons(reply.attempts()), [Some(FailureReason::Timeout), None]);
        assert_eq!(after(rig.stats("a").cooldown_until()), Some(30));
    }
    for act in [Act::drop(), Act::broken(200, "{\"type\":")] {
        let (rig, before) = retrying(vec![act.clone(), act, Act::message("Hello")]);
        let reply = rig.send(OPUS).await.unwrap();
        assert_eq!(reasons(reply.attempts()), [Some(FailureReason::Network), Some(FailureReason::Network), None]);
        assert_eq!(reply.profile().as_str(), "anthropic:a");
        assert!(!before.contains("cooldown") && rig.stats("a").cooldown_until().is_none());
    }
    // An error whose body breaks off still says what it says.
    let act = Act::broken(429, r#"{"type":"error","error":{"type":"rate_limit_error","message":"x"#);
    let rig = Rig::new(Server::script(vec![act, Act::message("Hello")]), &keys(&["a", "b"]));
    assert_eq!(reasons(rig.send(OPUS).await.unwrap().attempts()), [Some(FailureReason::RateLimit), None]);
}

/// Two keys, and a rotator that tries again without a pause.
fn retrying(acts: Vec<Act>) -> (Rig, String) {
    let rig = Rig::with(Server::script(acts), &keys(&["a", "b"]), |builder| {
        let mut backoff = RetryBackoff::default();
        backoff.first = Duration::ZERO;
        builder.retries(2).backoff(backoff)
    });
    let before = rig.text();
    (rig, before)
}

#[tokio::test]
async fn a_single_key_gets_its_retries_and_a_random_number_shortens_their_pauses() {
    let overloaded = Act::error(529, "overloaded_error", "Overloaded");
    let rig = Rig::with(Server::script(vec![overloaded, Act::message("Hello")]), &keys(&["a"]), |builder| {
        let mut backoff = RetryBackoff::default();
        (backoff.first, backoff.jitter) = (Duration::from_secs(3_600), 1.0);
        backoff.longest = backoff.first;
        builder.retries(1).backoff(backoff).random(|| 1.0).max_time(Duration::from_secs(60))
    });
    let reply = rig.send(OPUS).await.unwrap();
    assert_eq!(reasons(reply.attempts()), [Some(FailureReason::Overloaded), None]);
}

#[tokio::test]
async fn a_server_that_says_no_more_is_believed() {
    for (act, asked) in [
        (Act::error(500, "api_error", "Internal").header("x-should-retry", "false"), 1),
        (Act::error(500, "api_error", "Internal").header("x-should-retry", "true"), 2),
        (Act::error(500, "api_error", "Internal"), 2),
        // The account is to blame: another one may fare better.
        (limited().header("x-should-retry", "false"), 3),
    ] {
        let rig = Rig::new(Server::script(vec![act]), &keys(&["a", "b", "c"]));
        rig.send(OPUS).await.unwrap_err();
        assert_eq!(rig.server.asked().len(), asked);
    }
}

#[tokio::test]
async fn attempts_and_time_are_limited() {
    let rig = Rig::with(Server::script(vec![limited()]), &keys(&["a", "b", "c", "d"]), |b| b.max_attempts(2));
    let failure = rig.send(OPUS).await.unwrap_err();
    assert_eq!((failure.attempts().len(), failure.kind()), (2, ErrorKind::RateLimited));

    // The clock moves while the server thinks.
    let clock = provider_auth::clock::ManualClock::new(provider_auth::Timestamp::from_millis(NOW));
    let hand = clock.clone();
    let server = Server::start(move |_| {
        hand.advance(Duration::from_secs(6));
        limited()
    });
    let rig = Rig::with(server, &keys(&["a", "b", "c", "d"]), |builder| {
        builder.clock(Arc::new(clock)).max_time(Duration::from_secs(10))
    });
    let failure = rig.send(OPUS).await.unwrap_err();
    assert_eq!(failure.attempts().len(), 2);
    assert_eq!(failure.attempts()[0].duration, Duration::from_secs(6));
    assert_eq!(failure.to_string(), "the provider limits the rate of requests (status 429) (after 2 attempts)");
}

#[tokio::test]
async fn the_models_fallbacks_come_last_and_once_each() {
    let fallbacks = "{ agents: { defaults: { model: { primary: 'anthropic/claude-opus-4-5', fallbacks: \
                     ['anthropic/claude-opus-4-5', 'nowhere/x', 'anthropic/claude-haiku-4-5', 'claude-haiku-4-5'] } } } }";
    let server = Server::start(|asked| if asked.model().contains("opus") { limited() } else { Act::message("Hello") });
    let rig = Rig::with(server, &keys(&["a", "b"]), |builder| builder.config(config(fallbacks)));
    let reply = rig.send(OPUS).await.unwrap();
    assert_eq!(reply.model().to_string(), HAIKU);
    let models: Vec<String> = rig.server.asked().iter().map(Asked::model).collect();
    assert_eq!(models, ["claude-opus-4-5", "claude-opus-4-5", "claude-haiku-4-5"]);
    // While the first model rests, it is not even asked.
    rig.send(OPUS).await.unwrap();
    assert_eq!(rig.server.asked().len(), 4);
    // A call can do without.
    let failure = rig.rotator.send(&call(OPUS).fallbacks(Vec::new())).await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_locked_profile_is_the_only_one_and_a_preferred_one_the_first() {
    let rig = Rig::new(Server::script(vec![limited()]), &keys(&["a", "b", "c"]));
    let b = ProfileId::new("anthropic:b").unwrap();
    rig.rotator.send(&call(OPUS).locked(b.clone())).await.unwrap_err();
    assert_eq!(rig.server.keys(), ["key-b"]);
    let rig = Rig::new(Server::script(vec![limited()]), &keys(&["a", "b", "c"]));
    rig.rotator.send(&call(OPUS).preferred(b)).await.unwrap_err();
    assert_eq!(rig.server.keys(), ["key-b", "key-a", "key-c"]);
}

#[tokio::test]
async fn a_call_that_is_dropped_records_nothing() {
    let rig = Rig::new(Server::script(vec![Act::hang()]), &keys(&["a", "b"]));
    let before = rig.text();
    let rotator = rig.rotator.clone();
    let sent = tokio::spawn(async move { rotator.send(&call(OPUS)).await.map(drop) });
    while rig.server.asked().is_empty() {
        tokio::task::yield_now().await;
    }
    sent.abort();
    assert!(sent.await.unwrap_err().is_cancelled());
    assert_eq!(rig.text(), before);
}

#[tokio::test]
async fn a_redirect_never_sees_the_credential() {
    let other = Server::script(vec![Act::message("gotcha")]);
    for status in [301, 302, 303, 307, 308] {
        let location = format!("{}/v1/messages", other.url());
        let rig = Rig::with(
            Server::script(vec![Act::json(status, "").header("location", &location)]),
            &keys(&["a", "b"]),
            // Not even a builder that wants it follows one.
            |b| b.client(|| reqwest::Client::builder().redirect(reqwest::redirect::Policy::limited(5))),
        );
        let failure = rig.send(OPUS).await.unwrap_err();
        assert_eq!(failure.attempts().len(), 1, "a redirect is the endpoint's fault, whoever asks");
        assert_eq!(failure.attempts()[0].status.unwrap().as_u16(), status);
    }
    assert!(other.asked().is_empty());
}

/// What the child of the next test does. As a test of its own it does nothing.
#[tokio::test]
async fn child_sends_past_a_proxy() {
    #[allow(clippy::disallowed_methods, reason = "how the parent test talks to its child")]
    let Ok(proxy) = std::env::var("PROVIDER_AUTH_TEST_PROXY") else { return };
    let client = move || reqwest::Client::builder().proxy(reqwest::Proxy::all(&proxy).unwrap());
    let tokens = Server::script(vec![Act::json(200, r#"{"access_token":"a"}"#)]);
    let grant = provider_auth::refresh::RefreshTokenGrant::new(&tokens.url(), "client", client()).unwrap();
    let id = ProfileId::new("anthropic:me").unwrap();
    provider_auth::refresh::TokenRefresher::refresh(&grant, &id, &ProviderId::anthropic(), &"r-1".into())
        .await
        .unwrap();
    let proxied = |builder: provider_auth::rotate::RotatorBuilder| builder.client(client);
    let rig = Rig::with(Server::script(vec![Act::message("Hello")]), &keys(&["a"]), proxied);
    assert_eq!(rig.answered(OPUS).await, "a");
}

#[test]
fn a_loopback_request_never_reaches_a_proxy() {
    let proxy = Server::script(vec![Act::message("gotcha")]);
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["wire::child_sends_past_a_proxy", "--exact"]).env("PROVIDER_AUTH_TEST_PROXY", proxy.url());
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        child.env(name, proxy.url());
    }
    child.env_remove("no_proxy").env_remove("NO_PROXY");
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    assert!(proxy.asked().is_empty());
}

#[tokio::test]
async fn errors_convert_and_lead_back_to_the_attempts() {
    let rig = Rig::new(Server::script(vec![limited()]), &keys(&["a", "b"]));
    let error = Error::from(rig.send(OPUS).await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    let source = error.send_failure().unwrap();
    assert_eq!(source.attempts().len(), 2);
    assert_eq!(
        source.attempts()[0].to_string(),
        "anthropic:a for anthropic/claude-opus-4-5: rate_limit, status 429, 0 ms"
    );
    // A program that has only the error learns who cannot be used, and for how long.
    assert_eq!(error.unavailable().unwrap().candidates.len(), 2);
    assert!(error.retry_after().is_some());
}

#[test]
fn the_futures_can_move_between_threads() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let rig = Rig::new(Server::script(vec![limited()]), &keys(&["a"]));
    let call = call(OPUS);
    drop(is_send(rig.rotator.send(&call)));
    let _ = (rig.clock.now(), rig.store.load().unwrap());
}
