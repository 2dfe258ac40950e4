//! A new configuration for a running rotator: new calls use it, and cooldowns and sessions stay.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]
#![cfg(feature = "client")]

use std::sync::{Arc, Mutex, mpsc};

use provider_auth::credential::{ReferenceFailure, SecretRef};
use provider_auth::references::ReferenceResolver;
use provider_auth::{
    AuthProfileStore, Call, Config, Environment, ErrorKind, Failure, MemoryStore, ReadOptions, Rotator, Secret,
};

use crate::support::config;
use crate::support::rotation::{HAIKU, OPUS, Rig, call, keys};
use crate::support::server::{Act, Server};

const WITH_FALLBACK: &str = r"{ agents: { defaults: { model: {
    primary: 'anthropic/claude-opus-4-5', fallbacks: ['anthropic/claude-haiku-4-5'] } } } }";

/// A configuration with this key in its environment.
fn with_key(key: &'static str) -> Config {
    let lookup = move |name: &str| (name == "ANTHROPIC_API_KEY").then(|| key.to_owned());
    Config::from_json5_str("{}", &ReadOptions::new().environment(Environment::from_fn(lookup))).unwrap()
}

/// The secret that a call is made with.
async fn used(rotator: &Rotator) -> String {
    let call = Call::new(OPUS.parse().unwrap());
    let answered = rotator
        .run(&call, |attempt| async move { Ok::<_, Failure>(attempt.credential().secret().expose().to_owned()) });
    answered.await.unwrap().value
}

#[tokio::test]
async fn calls_in_flight_keep_their_configuration_and_windows_stay() {
    let ((asking, asked), (answer, answered)) = (mpsc::channel(), mpsc::channel::<()>());
    let (asking, answered) = (Mutex::new(asking), Mutex::new(answered));
    let server = Server::start(move |request| match request.model().as_str() {
        "claude-opus-4-5" => {
            asking.lock().unwrap().send(()).unwrap();
            answered.lock().unwrap().recv().unwrap();
            Act::error(429, "rate_limit_error", "slow down").header("retry-after", "60")
        }
        _ => Act::message("Hello"),
    });
    let rig = Rig::with(server, &keys(&["a"]), |builder| builder.config(config(WITH_FALLBACK)));
    let rotator = rig.rotator.clone();
    let sending = tokio::spawn(async move { rotator.send(&call(OPUS)).await });
    tokio::task::spawn_blocking(move || asked.recv().unwrap()).await.unwrap();

    rig.rotator.reload(config("{}"));
    assert!(rig.rotator.config().fallback_models(None).is_empty());
    answer.send(()).unwrap();
    assert_eq!(sending.await.unwrap().unwrap().model().to_string(), HAIKU);

    // The next call has no fallback, and knows that the profile rests.
    let failure = rig.send(OPUS).await.unwrap_err();
    assert_eq!((failure.kind(), failure.attempts().len()), (ErrorKind::Unavailable, 0));
    assert_eq!(rig.server.asked().len(), 2);
}

#[tokio::test]
async fn a_key_outside_the_profiles_is_replaced() {
    let rotator = Rotator::builder(MemoryStore::default()).config(with_key("sk-ant-old")).build().unwrap();
    let clone = rotator.clone();
    assert_eq!(used(&clone).await, "sk-ant-old");
    rotator.reload(with_key("sk-ant-new"));
    assert_eq!(used(&clone).await, "sk-ant-new");
    assert!(rotator.store().load().unwrap().is_empty());
}

#[tokio::test]
async fn a_session_goes_on_as_if_nothing_had_happened() {
    let body = |turns: usize| {
        let system = format!("Be brief. It is {turns} o'clock.");
        let messages: Vec<_> = (0..=turns).map(|_| serde_json::json!({"role": "user", "content": "Hello"})).collect();
        let body =
            serde_json::json!({"model": "claude-opus-4-5", "max_tokens": 9, "system": system, "messages": messages});
        body.to_string().into_bytes()
    };
    let mut sent = Vec::new();
    for reloads in [false, true] {
        let rig = Rig::new(Server::start(|_| Act::message("Hello")), &keys(&["a"]));
        for turns in 1..4 {
            let call = Call::new(OPUS.parse().unwrap()).session("s").body(body(turns));
            rig.rotator.send(&call).await.unwrap();
            if reloads {
                rig.rotator.reload(config("{}"));
            }
        }
        sent.push(rig.server.asked().last().unwrap().body.clone());
    }
    assert_eq!(sent.first(), sent.last());
}

/// References are looked up beside the calls: what comes of that is of the configuration they stand in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lookup_that_ends_late_brings_no_older_configuration_back() {
    let ((asking, asked), (answer, answered)) = (mpsc::channel(), mpsc::channel::<()>());
    let (asking, answered) = (Mutex::new(asking), Mutex::new(answered));
    let resolver = ReferenceResolver::new().with_source("vault", move |_: &SecretRef| {
        asking.lock().unwrap().send(()).unwrap();
        answered.lock().unwrap().recv().unwrap();
        Ok::<_, ReferenceFailure>(Secret::new("sk-ant-old"))
    });
    let referring = r"{ models: { providers: { anthropic: {
        apiKey: { source: 'vault', provider: 'default', id: 'a' } } } } }";
    let rotator = Rotator::builder(Arc::new(MemoryStore::default())).references(resolver).config(config(referring));
    let rotator = rotator.build().unwrap();
    let early = rotator.clone();
    let early = tokio::spawn(async move { used(&early).await });
    tokio::task::spawn_blocking(move || asked.recv().unwrap()).await.unwrap();

    rotator.reload(with_key("sk-ant-new"));
    answer.send(()).unwrap();
    assert_eq!(early.await.unwrap(), "sk-ant-old");
    assert_eq!(used(&rotator).await, "sk-ant-new");
}
