//! OAuth credentials in calls: refreshed before they expire and when they are refused; and the built-in grant on the
//! wire.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where something is wrong")]
#![cfg(feature = "client")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use provider_auth::clock::ManualClock;
use provider_auth::refresh::{RefreshCoordinator, RefreshTokenGrant, TokenRefresher};
use provider_auth::select::Receipt;
use provider_auth::{
    AuthProfileStore, Clock, ErrorKind, Failure, FailureReason, MemoryStore, ProfileId, ProfileSelector, ProviderId,
    RecordOutcome as _, Rotator, Secret,
};
use serde_json::{Value, json};

use crate::refresh::{Endpoint, Meanwhile};
use crate::support::rotation::{OPUS, Rig, after, call, reasons};
use crate::support::server::{Act, Server};
use crate::support::{NOW, at, config, id};

/// A token endpoint that takes `r-1`, `r-2`, ... once each.
pub(crate) fn token_server() -> Server {
    let next = AtomicUsize::new(1);
    Server::start(move |asked| {
        let number = next.load(Ordering::SeqCst);
        if !asked.body.contains(&format!("refresh_token=r-{number}&")) {
            return Act::json(400, r#"{"error":"invalid_grant","error_description":"already used"}"#);
        }
        next.store(number + 1, Ordering::SeqCst);
        let (access, refresh) = (format!("a-{}", number + 1), format!("r-{}", number + 1));
        Act::json(200, json!({"access_token": access, "refresh_token": refresh, "expires_in": 28_800}).to_string())
    })
}

/// A login `anthropic:me` that comes first, and the key `key-b`.
pub(crate) fn document(expires: i64, refresh: &str) -> Value {
    json!({"version": 1, "profiles": {
        "anthropic:me": {
            "type": "oauth", "provider": "anthropic", "access": "a-1", "refresh": refresh, "expires": expires},
        "anthropic:b": {"type": "api_key", "provider": "anthropic", "key": "key-b"}}})
}

pub(crate) fn rig(server: &Server, tokens: &Server, document: &Value) -> Rig {
    let grant = RefreshTokenGrant::new(&tokens.url(), "client", reqwest::Client::builder()).unwrap();
    let plain = Rig::new(server.clone(), document);
    let coordinator = RefreshCoordinator::new(Arc::clone(&plain.store) as Arc<dyn AuthProfileStore>, Arc::new(grant))
        .clock(Arc::new(plain.clock.clone()));
    let endpoint = provider_auth::Endpoint::new(&server.url()).unwrap();
    let rotator = Rotator::builder(Arc::clone(&plain.store) as Arc<dyn AuthProfileStore>)
        .config(config("{}"))
        .clock(Arc::new(plain.clock.clone()))
        .endpoint(ProviderId::anthropic(), endpoint)
        .coordinator(coordinator)
        .build()
        .unwrap();
    Rig { rotator, ..plain }
}

/// Serves these keys and refuses all others.
pub(crate) fn takes(keys: &'static [&'static str]) -> Server {
    Server::start(|asked| {
        let refused = Act::error(401, "authentication_error", "invalid bearer token");
        if keys.contains(&asked.key()) { Act::message("Hello") } else { refused }
    })
}

#[tokio::test]
async fn a_login_is_renewed_before_it_ends() {
    let tokens = token_server();
    let rig = rig(&takes(&["a-2"]), &tokens, &document(NOW + 10_000, "r-1"));
    let reply = rig.send(OPUS).await.unwrap();
    assert_eq!((reply.profile().as_str(), reply.attempts().len()), ("anthropic:me", 1));
    assert_eq!(rig.server.keys(), ["a-2"]);
    assert!(rig.text().contains("r-2"));
    assert_eq!(tokens.asked()[0].header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(tokens.asked()[0].body, "grant_type=refresh_token&refresh_token=r-1&client_id=client");
}

/// A rotator whose login is due, with what is configured for its provider.
fn due(refresher: Arc<dyn TokenRefresher>, entry: &Value) -> (Rotator, Arc<MemoryStore>) {
    let mut stored = document(NOW + 10_000, "r-1");
    stored["profiles"].as_object_mut().unwrap().remove("anthropic:b");
    let store = Arc::new(MemoryStore::new(crate::support::document(&stored)));
    let clock = Arc::new(ManualClock::new(at(NOW)));
    let coordinator = RefreshCoordinator::new(Arc::clone(&store) as _, refresher).clock(Arc::clone(&clock) as _);
    let builder = Rotator::builder(Arc::clone(&store) as Arc<dyn AuthProfileStore>).clock(clock);
    let config = config(&json!({"models": {"providers": {"anthropic": entry}}}).to_string());
    (builder.config(config).coordinator(coordinator).retries(0).build().unwrap(), store)
}

#[tokio::test]
async fn a_login_that_was_renewed_takes_the_headers_of_the_configuration_along() {
    let entry = json!({"baseUrl": "https://gateway.example", "api": "anthropic-messages",
        "headers": {"cf-aig-authorization": "Bearer t-1"}});
    let (rotator, _) = due(Arc::new(Endpoint::default()), &entry);
    let call = call(OPUS);
    let answered = rotator.run(&call, |attempt| async move {
        let mut headers = http::HeaderMap::new();
        attempt.selection().authenticate_headers(&mut headers).unwrap();
        assert_eq!(attempt.credential().secret().expose(), "a-2");
        Ok::<_, Failure>(headers)
    });
    assert_eq!(answered.await.unwrap().value["cf-aig-authorization"], "Bearer t-1");
}

#[tokio::test]
async fn a_login_that_began_to_cool_down_while_it_was_renewed_is_not_called_gone() {
    let refresher = Arc::new(Endpoint::default());
    let (rotator, store) = due(Arc::clone(&refresher) as _, &json!({"baseUrl": "https://gateway.example"}));
    let receipt = Receipt::new(id("anthropic:me"), ProviderId::anthropic(), None, at(NOW));
    let limit = move || {
        let failure = Failure::new(FailureReason::RateLimit);
        store.record_failure(&ProfileSelector::default(), &receipt, &failure, at(NOW)).unwrap();
    };
    *refresher.meanwhile.lock().unwrap() = Some(Meanwhile(Box::new(limit)));
    let call = call(OPUS);
    let failed = rotator.run(&call, |_| async { Ok::<_, Failure>(()) }).await.unwrap_err();
    let mut text = failed.to_string();
    let mut source = std::error::Error::source(&failed);
    while let Some(error) = source {
        text.extend(["; ".to_owned(), error.to_string()]);
        source = error.source();
    }
    assert!(text.contains("cool down") && !text.contains("gone"), "{text}");
}

#[tokio::test]
async fn a_login_that_is_refused_is_renewed_once_and_tried_again() {
    let tokens = token_server();
    let rig = rig(&takes(&["a-2"]), &tokens, &document(NOW + 86_400_000, "r-1"));
    let reply = rig.send(OPUS).await.unwrap();
    assert_eq!(reasons(reply.attempts()), [Some(FailureReason::Auth), None]);
    assert_eq!(rig.server.keys(), ["a-1", "a-2"]);
    assert!(rig.stats("me").cooldown_until().is_none(), "the refused token is not the profile any more");
}

#[tokio::test]
async fn a_login_that_is_refused_again_rests_and_the_next_profile_answers() {
    let tokens = token_server();
    let rig = rig(&takes(&["key-b"]), &tokens, &document(NOW + 86_400_000, "r-1"));
    let reply = rig.send(OPUS).await.unwrap();
    assert_eq!(reasons(reply.attempts()), [Some(FailureReason::Auth), Some(FailureReason::Auth), None]);
    assert_eq!(rig.server.keys(), ["a-1", "a-2", "key-b"]);
    assert_eq!(after(rig.stats("me").cooldown_until()), Some(30));
    assert_eq!(tokens.asked().len(), 1);
}

#[tokio::test]
async fn a_login_that_cannot_be_renewed_makes_room_for_the_next_profile() {
    // Denied for good: the profile is taken out, and says why.
    let tokens = token_server();
    let denied = rig(&takes(&["key-b"]), &tokens, &document(NOW, "r-7"));
    let reply = denied.send(OPUS).await.unwrap();
    assert_eq!(reasons(reply.attempts()), [Some(FailureReason::AuthPermanent), None]);
    assert_eq!(reply.attempts()[0].unsent, Some(ErrorKind::RefreshDenied));
    assert_eq!(after(denied.stats("me").disabled_until()), Some(600));
    assert_eq!(denied.server.keys(), ["key-b"], "an ended token is not sent");

    // The endpoint is down: nothing is written, and the next call tries again.
    let down = Server::script(vec![Act::json(503, "{}")]);
    let passing = rig(&takes(&["key-b"]), &down, &document(NOW, "r-1"));
    for _ in 0..2 {
        let reply = passing.send(OPUS).await.unwrap();
        assert_eq!(reply.attempts()[0].unsent, Some(ErrorKind::RefreshFailed));
        assert_eq!(passing.stats("me"), provider_auth::profile::UsageStats::default());
    }
    assert_eq!(down.asked().len(), 2);

    // And where there is no other profile, the refresh is what the caller hears of.
    let mut alone = document(NOW, "r-7");
    alone["profiles"].as_object_mut().unwrap().remove("anthropic:b");
    let alone = rig(&takes(&[]), &token_server(), &alone);
    let failure = alone.send(OPUS).await.unwrap_err();
    assert_eq!((failure.kind(), failure.attempts().len()), (ErrorKind::RefreshDenied, 1));
    assert_eq!(
        failure.to_string(),
        "OAuth token refresh failed for anthropic:me: anthropic:me is disabled (auth_permanent) for 10 min"
    );
}

#[tokio::test]
async fn calls_at_the_same_time_spend_a_refresh_token_once() {
    let tokens = token_server();
    let rig = rig(&takes(&["a-2"]), &tokens, &document(NOW, "r-1"));
    let calls: Vec<_> = (0..12)
        .map(|_| {
            let rotator = rig.rotator.clone();
            tokio::spawn(async move { rotator.send(&call(OPUS)).await.unwrap().attempts().len() })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), 1);
    }
    assert_eq!(tokens.asked().len(), 1);
}

async fn ask(answer: Act) -> provider_auth::Result<provider_auth::credential::Tokens> {
    let server = Server::script(vec![answer]);
    let grant = RefreshTokenGrant::new(&server.url(), "client", reqwest::Client::builder()).unwrap();
    let id = ProfileId::new("anthropic:me").unwrap();
    grant.refresh(&id, &ProviderId::anthropic(), &Secret::new("r-hunter2")).await
}

#[tokio::test]
async fn the_grant_reads_what_endpoints_say() {
    for answer in [
        Act::json(400, r#"{"error":"invalid_grant","error_description":"r-hunter2 not found"}"#),
        Act::json(401, r#"{"error":{"code":"refresh_token_reused","message":"r-hunter2"}}"#),
        // The member counts, not the status. GitHub answers every error with 200.
        Act::json(200, r#"{"error":"invalid_grant"}"#),
        Act::json(200, r#"{"error":{"type":"invalid_grant","message":"r-hunter2"},"access_token":null}"#),
        Act::json(200, r#"{"error":"bad_refresh_token","error_description":"r-hunter2 is incorrect or expired."}"#),
        Act::json(200, r#"{"code":"refresh_token_expired","message":"r-hunter2"}"#),
    ] {
        let error = ask(answer).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RefreshDenied);
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
    let elsewhere = Server::script(vec![Act::json(200, "{}")]);
    for answer in [
        Act::json(400, r#"{"error":"invalid_client"}"#),
        Act::json(500, r#"{"error":"invalid_grant"}"#),
        Act::json(200, r#"{"error":{"type":"rate_limit_error","message":"Slow down"}}"#),
        Act::json(200, r#"{"error":"slow_down","interval":10}"#),
        Act::json(200, r#"{"error":"incorrect_client_credentials"}"#),
        Act::json(200, r#"{"error":"unsupported_grant_type"}"#),
        Act::json(200, r#"{"error":{"code":"server_error"},"access_token":"a"}"#),
        Act::json(200, r#"{"error":"invalid_request","error_description":"invalid_grant"}"#),
        Act::json(200, r#"{"error":true}"#),
        Act::json(200, r#"["invalid_grant"]"#),
        Act::json(200, r#"{"refresh_token":"r-2"}"#),
        Act::json(200, r#"{"access_token":""}"#),
        Act::json(200, r#"{"access_token":" \n"}"#),
        Act::json(200, "<html>"),
        Act::json(200, format!("\"{}\"", "x".repeat(100_000))),
        Act::json(302, "").header("location", &elsewhere.url()),
        Act::drop(),
        Act::broken(200, r#"{"access_token":"#),
    ] {
        assert_eq!(ask(answer.clone()).await.unwrap_err().kind(), ErrorKind::RefreshFailed, "{answer:?}");
    }
    assert!(elsewhere.asked().is_empty(), "a redirect is not followed with a refresh token");
    let tokens = ask(Act::json(200, r#"{"access_token":"a","expires_in":"60"}"#)).await.unwrap();
    assert_eq!(tokens, provider_auth::credential::Tokens::new("a").expires_in(std::time::Duration::from_secs(60)));
    for no_error in ["null", "false", "\"\"", "{}"] {
        let answer = format!(r#"{{"access_token":"a","refresh_token":" ","error":{no_error}}}"#);
        let tokens = ask(Act::json(200, answer)).await.unwrap();
        assert_eq!(tokens, provider_auth::credential::Tokens::new("a"), "{no_error}");
    }
}

#[tokio::test]
async fn an_error_under_a_success_leaves_the_login_as_it_is() {
    for (answer, kind) in [
        (r#"{"error":"bad_refresh_token"}"#, ErrorKind::RefreshDenied),
        (r#"{"error":{"type":"rate_limit_error"}}"#, ErrorKind::RefreshFailed),
        (r#"{"error":"slow_down","access_token":"a-2","refresh_token":"r-2"}"#, ErrorKind::RefreshFailed),
        ("<html>Log in</html>", ErrorKind::RefreshFailed),
        (r#"{"refresh_token":"r-2"}"#, ErrorKind::RefreshFailed),
    ] {
        let tokens = Server::start(move |_| Act::json(200, answer));
        let rig = rig(&takes(&[]), &tokens, &document(NOW - 1, "r-1"));
        let before = rig.store.load().unwrap().to_json();
        let grant = RefreshTokenGrant::new(&tokens.url(), "client", reqwest::Client::builder()).unwrap();
        let store = Arc::clone(&rig.store) as Arc<dyn AuthProfileStore>;
        let coordinator = RefreshCoordinator::new(store, Arc::new(grant)).clock(Arc::new(rig.clock.clone()));
        let id = ProfileId::new("anthropic:me").unwrap();
        for _ in 0..2 {
            assert_eq!(coordinator.refresh_if_needed(&id).await.unwrap_err().kind(), kind, "{answer}");
        }
        assert_eq!(rig.store.load().unwrap().to_json(), before, "{answer}");
        assert_eq!(tokens.asked().len(), if kind == ErrorKind::RefreshDenied { 1 } else { 2 }, "{answer}");
    }
}

#[tokio::test]
async fn the_grant_sends_json_and_a_client_secret_where_that_is_wanted() {
    let server = Server::script(vec![Act::json(200, r#"{"access_token":"a"}"#)]);
    let grant = RefreshTokenGrant::new(&server.url(), "client", reqwest::Client::builder()).unwrap();
    let grant = grant.json().client_secret("hunter2");
    let id = ProfileId::new("anthropic:me").unwrap();
    grant.refresh(&id, &ProviderId::anthropic(), &Secret::new("r \"1\"")).await.unwrap();
    let body: Value = serde_json::from_str(&server.asked()[0].body).unwrap();
    assert_eq!(
        body,
        json!({"grant_type": "refresh_token", "refresh_token": "r \"1\"", "client_id": "client",
            "client_secret": "hunter2"})
    );
    assert!(!format!("{grant:?}").contains("hunter2"));
    for (url, kind) in [
        ("http://login.example.com/token", ErrorKind::InsecureTransport),
        ("https://me:hunter2@login.example.com/token", ErrorKind::InvalidUrl),
        ("/token", ErrorKind::InvalidUrl),
    ] {
        let error = RefreshTokenGrant::new(url, "client", reqwest::Client::builder()).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}

#[tokio::test]
async fn the_time_of_the_rotators_clock_counts() {
    let tokens = token_server();
    let rig = rig(&takes(&["a-1", "a-2"]), &tokens, &document(NOW + 200_000, "r-1"));
    rig.send(OPUS).await.unwrap();
    rig.seconds(100);
    rig.send(OPUS).await.unwrap();
    assert_eq!(rig.server.keys(), ["a-1", "a-2"]);
    let expires = rig.store.load().unwrap().get("anthropic:me").unwrap().expires().unwrap();
    assert_eq!((expires - rig.clock.now()).as_secs(), 28_800);
}
