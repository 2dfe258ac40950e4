//! The findings of a new user who built agents with this crate, each a test with its number in that report.

#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]
#![cfg(feature = "client")]

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use provider_auth::failure::{RetryBackoff, TransportError};
use provider_auth::rotation::Attempt;
use provider_auth::status::StatusReport;
use provider_auth::{
    AuthProfileStore, AuthProfiles, Call, Endpoint, Error, ErrorKind, Failure, FailureClassifier, FailureReason,
    MemoryStore, ProfileSelector, ProviderId, Query, RecordOutcome as _, Rotator,
};
use serde_json::json;

use crate::streams::{DELTA, LIMITED, START, STOP, events, sent, stream};
use crate::support::rotation::{OPUS, Rig, call, keys, reasons};
use crate::support::server::{Act, Server};
use crate::support::{NOW, at, config};

/// An address of loopback where nobody listens.
fn closed() -> String {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", closed.local_addr().unwrap())
}

#[cfg(not(feature = "rustls"))]
#[tokio::test]
async fn f01_a_client_without_tls_is_said_at_once_and_touches_no_profile() {
    let endpoint = Endpoint::new("https://127.0.0.1:1").unwrap();
    // With the retries of the default: none of them could help.
    let rig = Rig::with(Server::script(vec![Act::drop()]), &keys(&["a", "b"]), |builder| {
        builder.retries(2).endpoint(ProviderId::anthropic(), endpoint)
    });
    let before = rig.text();
    let failure = rig.send(OPUS).await.unwrap_err();
    assert_eq!((failure.kind(), failure.attempts().len()), (ErrorKind::Unreachable, 1));
    assert_eq!(failure.failure().and_then(Failure::transport), Some(TransportError::NoTls));
    assert!(failure.to_string().contains("no TLS"), "{failure}");
    for way in ["build of this program with TLS", "plain HTTP"] {
        assert!(failure.error().help().contains(way), "{failure:?}");
    }
    assert_eq!((failure.retry_at(), rig.text()), (None, before));
}

#[tokio::test]
async fn f02_a_machine_without_network_takes_no_key_out_of_service() {
    let online = Arc::new(AtomicBool::new(false));
    let rig = Rig::new(Server::script(vec![Act::message("Hello")]), &keys(&["a", "b"]));
    let (server, nowhere, is_online) = (rig.server.url(), closed(), Arc::clone(&online));
    let call = Call::new(OPUS.parse().unwrap()).requests(move |_| {
        let base = if is_online.load(Ordering::Relaxed) { &server } else { &nowhere };
        Ok(http::Request::post(format!("{base}/v1/messages")).body(b"{}".to_vec()).unwrap())
    });
    let before = rig.text();
    for _ in 0..3 {
        let failure = rig.rotator.send(&call).await.unwrap_err();
        assert_eq!(reasons(failure.attempts()), [Some(FailureReason::Network)]);
        assert_eq!(failure.failure().and_then(Failure::transport), Some(TransportError::Connect));
        assert!(failure.error().help().contains("The host was 127.0.0.1"), "{failure:?}");
        assert_eq!(rig.text(), before);
    }
    online.store(true, Ordering::Relaxed);
    assert_eq!(rig.rotator.send(&call).await.unwrap().profile().as_str(), "anthropic:a");
}

#[test]
fn f03_a_provider_that_fails_is_no_hot_loop_by_hand() {
    for status in [529, 500] {
        let store = MemoryStore::new(AuthProfiles::from_json(&keys(&["a", "b"]).to_string()).unwrap());
        let (selector, anthropic) = (ProfileSelector::default(), ProviderId::anthropic());
        let (classifier, status) = (FailureClassifier::new(&anthropic), StatusCode::from_u16(status).unwrap());
        let (mut query, mut retries, mut log) = (Query::new(&anthropic), 0, Vec::new());
        // The loop of the page "Embedding in an agent".
        let refusal = loop {
            let selection = match selector.select(&store.load().unwrap(), &query, at(NOW)) {
                Ok(selection) => selection,
                Err(refusal) => break refusal,
            };
            assert!(log.len() < 9, "{log:?}");
            let failure = classifier.response(status, &HeaderMap::new(), b"", at(NOW)).unwrap();
            store.record_failure(&selector, &selection.receipt, &failure, at(NOW)).unwrap();
            let name = selection.profile.as_str().trim_start_matches("anthropic:").to_owned();
            match failure.retry_after(at(NOW), &RetryBackoff::default(), retries, 0.0) {
                Some(pause) if retries < 2 => {
                    assert!(pause >= Duration::from_millis(500));
                    retries += 1;
                    log.push(format!("{name} {}", pause.as_millis()));
                }
                _ => {
                    assert!(failure.can_rotate());
                    query = query.excluding([selection.profile.clone()]);
                    retries = 0;
                    log.push(name);
                }
            }
        };
        assert_eq!(log, ["a 500", "a 1000", "a", "b 500", "b 1000", "b"], "{status}");
        assert_eq!(refusal.candidates.len(), 2);
    }
}

#[tokio::test]
async fn f05_a_stream_that_ends_without_its_last_event_is_a_failure_and_blames_nobody() {
    for act in [Act::stream(&[START, DELTA]), Act::broken_stream(&[START, DELTA]), Act::stream(&[])] {
        let (rig, mut reply) = sent(act).await;
        let before = rig.text();
        let error = loop {
            match reply.chunk().await {
                Ok(piece) => assert!(piece.is_some(), "it looks complete"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::Unreachable);
        assert!(error.is_transient() && error.help().contains("The host was 127.0.0.1"), "{error:?}");
        assert!(!reply.is_complete() && reply.chunk().await.unwrap().is_none());
        assert_eq!(reply.failure().and_then(Failure::transport), Some(TransportError::Body));
        assert_eq!(reasons(reply.attempts()), [Some(FailureReason::Network)]);
        assert!(!reply.receipt().is_reported() && rig.text() == before);
    }
    // What comes after the end of the message is no matter.
    let (_, mut reply) = sent(Act::broken_stream(&[START, STOP])).await;
    assert_eq!(reply.text().await.unwrap(), format!("{START}{STOP}"));
    assert!(reply.is_complete());
}

#[tokio::test]
async fn f06_an_error_event_is_told_to_the_caller_and_to_the_store() {
    let (rig, mut reply) = stream(&[&format!("{START}{LIMITED}{STOP}")]).await;
    assert_eq!(events(&mut reply).await, (vec!["message_start".to_owned()], Some(ErrorKind::RateLimited)));
    assert!(!reply.is_complete() && reply.event().await.unwrap().is_none());
    assert_eq!(reply.failure().map(Failure::reason), Some(FailureReason::RateLimit));
    assert_eq!(reasons(reply.attempts()), [Some(FailureReason::RateLimit)]);
    assert_eq!(rig.count("a", FailureReason::RateLimit), 1);
    assert!(!format!("{reply:?}").contains("hunter"));

    // As bytes it is passed on, for programs that hand a stream through; the error comes after it.
    let (rig, mut reply) = stream(&[START, LIMITED.trim_end()]).await;
    let (mut body, error) = (
        Vec::new(),
        loop {
            match reply.chunk().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("it looks complete"),
                Err(error) => break error,
            }
        },
    );
    assert_eq!((error.kind(), rig.count("a", FailureReason::RateLimit)), (ErrorKind::RateLimited, 1));
    let (_, mut reply) = stream(&[START, LIMITED]).await;
    while let Ok(Some(piece)) = reply.chunk().await {
        body.extend(piece);
    }
    assert_eq!(String::from_utf8(body).unwrap(), format!("{START}{LIMITED}"));
    // The request is to blame: nothing rests.
    let refused = LIMITED.replace("rate_limit_error", "invalid_request_error");
    let (rig, mut reply) = stream(&[START, &refused]).await;
    let before = rig.text();
    assert_eq!(reply.bytes().await.unwrap_err().kind(), ErrorKind::RequestRefused);
    assert_eq!(rig.text(), before);
}

#[tokio::test]
async fn f07_the_text_of_a_call_that_failed_gives_each_profile_its_reason_and_the_time_left() {
    let limited = Act::error(429, "rate_limit_error", "Slow down").header("retry-after", "90");
    let refused = Act::error(401, "authentication_error", "invalid x-api-key");
    let rig = Rig::new(Server::script(vec![limited, refused]), &keys(&["a", "b", "c"]));
    // The call that ran into it, and the next one, which finds nobody left.
    let each = "anthropic:b is cooling down (auth) for 30 s; anthropic:c is cooling down (auth) for 30 s; \
                anthropic:a is cooling down (rate_limit, this model only) for 1 min 30 s";
    for (attempts, kind) in [(3, ErrorKind::Unauthorized), (0, ErrorKind::Unavailable)] {
        let failure = rig.send(OPUS).await.unwrap_err();
        assert_eq!((failure.attempts().len(), failure.kind()), (attempts, kind));
        let told = failure.to_string();
        assert!(told.ends_with(each) && told.matches(each).count() == 1, "{told}");
        let error = Error::from(failure);
        assert_eq!(error.to_string(), told);
        assert!(std::error::Error::source(&error).is_none(), "what a source says would stand there twice");
    }
    // Time goes by, and is said.
    rig.seconds(20);
    assert!(rig.send(OPUS).await.unwrap_err().to_string().contains("(auth) for 10 s"));

    // A single profile that was asked for is told of alone; a request that is refused tells of none.
    let rig = Rig::new(Server::script(vec![Act::error(429, "rate_limit_error", "Slow down")]), &keys(&["a", "b"]));
    let locked = call(OPUS).locked("anthropic:b".parse().unwrap());
    let failure = rig.rotator.send(&locked).await.unwrap_err();
    assert_eq!(
        failure.to_string(),
        "the provider limits the rate of requests (status 429): \
         anthropic:b is cooling down (rate_limit, this model only) for 30 s"
    );
    let act = Act::error(400, "invalid_request_error", "no such field");
    let failure = Rig::new(Server::script(vec![act]), &keys(&["a"])).send(OPUS).await.unwrap_err();
    assert!(!failure.to_string().contains("anthropic:a"), "{failure}");
}

/// A store that may block, and notes on which threads it is asked.
#[derive(Debug)]
struct Watched(MemoryStore, Mutex<HashSet<ThreadId>>);

impl Watched {
    fn asked(&self) {
        self.1.lock().unwrap().insert(std::thread::current().id());
    }
}

impl AuthProfileStore for Watched {
    fn load(&self) -> Result<Arc<AuthProfiles>, Error> {
        self.asked();
        self.0.load()
    }

    fn update(
        &self,
        change: &mut dyn FnMut(&mut AuthProfiles) -> Result<(), Error>,
    ) -> Result<Arc<AuthProfiles>, Error> {
        self.asked();
        self.0.update(change)
    }
}

#[test]
fn f08_and_f09_the_store_is_asked_beside_the_runtime_and_on_few_threads_however_many_calls_there_are() {
    let profiles = AuthProfiles::from_json(&keys(&["a", "b"]).to_string()).unwrap();
    let watched = Arc::new(Watched(MemoryStore::new(profiles), Mutex::default()));
    let store: Arc<dyn AuthProfileStore> = Arc::clone(&watched) as _;
    let rotator = Rotator::builder(store).config(config("{}")).retries(0).build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let calls = (0..400).map(|number| {
            let rotator = rotator.clone();
            tokio::spawn(async move {
                let limited = move |attempt: Attempt| async move {
                    let limited = number == 0 && attempt.profile().as_str() == "anthropic:a";
                    if limited { Err(Failure::new(FailureReason::RateLimit)) } else { Ok(()) }
                };
                rotator.run(&call(OPUS), limited).await.unwrap();
            })
        });
        for call in calls.collect::<Vec<_>>() {
            call.await.unwrap();
        }
        rotator.flush().await.unwrap();
    });
    let threads = watched.1.lock().unwrap();
    assert!(!threads.contains(&std::thread::current().id()), "the runtime's own thread asked the store");
    assert!(threads.len() <= 4, "{} threads for 400 calls", threads.len());
}

#[test]
fn f10_a_configuration_is_followed_as_a_whole() {
    let order = "{ auth: { order: { anthropic: ['anthropic:b', 'anthropic:a'] } } }";
    let mut document = keys(&["a", "b"]);
    document.as_object_mut().unwrap().remove("order");
    let profiles = AuthProfiles::from_json(&document.to_string()).unwrap();
    let query = Query::new(&ProviderId::anthropic());
    assert_eq!(config(order).resolve(&profiles, &query, at(NOW)).unwrap().profile.as_str(), "anthropic:b");
    // The rotator has it from nowhere else.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let rotator = Rotator::builder(Arc::new(MemoryStore::new(profiles))).config(config(order)).build().unwrap();
    let call = Call::new(OPUS.parse().unwrap());
    let answered = runtime.block_on(rotator.run(&call, |_| async { Ok::<_, Failure>(()) })).unwrap();
    assert_eq!(answered.attempt.profile().as_str(), "anthropic:b");
}

#[test]
fn f13_a_token_that_is_used_before_a_key_is_warned_of() {
    let token = |provider: &str| json!({"type": "token", "provider": provider, "token": "t"});
    let key = |provider: &str| json!({"type": "api_key", "provider": provider, "key": "k"});
    let both = json!({"anthropic:key": key("anthropic"), "anthropic:plan": token("anthropic")});
    let report = |profiles: &serde_json::Value, order: &serde_json::Value, settings: &str| {
        let document = json!({"version": 1, "profiles": profiles, "order": order});
        let profiles = AuthProfiles::from_json(&document.to_string()).unwrap();
        StatusReport::builder(&config(settings), &profiles).build(at(NOW))
    };
    let found = report(&both, &json!({}), "{}");
    assert_eq!(found.providers.first().unwrap().used.as_ref().unwrap().as_str(), "anthropic:plan");
    let [warning] = &*found.diagnostics else { panic!("{:?}", found.diagnostics) };
    assert_eq!(
        warning.to_string(),
        "warning: \"anthropic:plan\" comes before the API key \"anthropic:key\", because no order is set; the provider's \
         terms do not allow a subscription in other programs (profiles[\"anthropic:plan\"]); set `auth.order.anthropic` in `openclaw.json` to [\"anthropic:key\", \
         \"anthropic:plan\"], or remove \"anthropic:plan\""
    );
    // Nothing is to be said where the user said which, where there is no choice, or where the terms are not known.
    let plan_first = json!({"anthropic": ["anthropic:plan", "anthropic:key"]});
    for (profiles, order, settings) in [
        (&both, &plan_first, "{}"),
        (&both, &json!({}), "{ auth: { order: { anthropic: ['anthropic:plan', 'anthropic:key'] } } }"),
        (&json!({"anthropic:plan": token("anthropic")}), &json!({}), "{}"),
        (&json!({"anthropic:key": key("anthropic")}), &json!({}), "{}"),
        (
            &json!({"anthropic:key": {"type": "api_key", "provider": "anthropic", "key": ""}, "anthropic:plan": token("anthropic")}),
            &json!({}),
            "{}",
        ),
        (&json!({"github:key": key("github"), "github:plan": token("github")}), &json!({}), "{}"),
    ] {
        assert!(report(profiles, order, settings).diagnostics.is_empty(), "{profiles} {order} {settings}");
    }
}
