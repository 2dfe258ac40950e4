//! Secrets behind references of profiles and the configuration: resolved off the runtime's threads, once in their
//! lifetime.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;
use std::time::Duration;

use provider_auth::clock::ManualClock;
use provider_auth::credential::{ReferenceFailure, SecretRef};
use provider_auth::references::ReferenceResolver;
use provider_auth::{
    AuthProfileStore, AuthProfiles, Call, Config, Environment, ErrorKind, Failure, MemoryStore, ReadOptions, Rotator,
    Secret,
};
use serde_json::{Value, json};

use crate::support::rotation::{OPUS, call};
use crate::support::server::{Act, Server};
use crate::support::{NOW, at};

/// A place of secrets that can be changed, and that notes who asks.
#[derive(Clone, Default)]
struct Vault {
    secrets: Arc<Mutex<HashMap<String, String>>>,
    asked: Arc<Mutex<Vec<ThreadId>>>,
}

impl Vault {
    fn put(&self, id: &str, secret: &str) {
        self.secrets.lock().unwrap().insert(id.to_owned(), secret.to_owned());
    }

    fn asked(&self) -> Vec<ThreadId> {
        self.asked.lock().unwrap().clone()
    }

    fn resolver(&self) -> ReferenceResolver {
        let vault = self.clone();
        ReferenceResolver::new().lifetime(Duration::from_secs(100)).with_source(
            "vault",
            move |reference: &SecretRef| {
                vault.asked.lock().unwrap().push(std::thread::current().id());
                let secrets = vault.secrets.lock().unwrap();
                secrets.get(&reference.id).map(|secret| Secret::new(secret.as_str())).ok_or(ReferenceFailure::NotFound)
            },
        )
    }
}

fn reference(source: &str, id: &str) -> Value {
    json!({ "source": source, "provider": "default", "id": id })
}

fn store(references: &[(&str, Value)]) -> Arc<dyn AuthProfileStore> {
    let entry = |(id, reference): &(&str, Value)| {
        ((*id).to_owned(), json!({ "type": "api_key", "provider": "anthropic", "keyRef": reference }))
    };
    let profiles: serde_json::Map<_, _> = references.iter().map(entry).collect();
    let document = json!({ "version": 1, "profiles": profiles }).to_string();
    Arc::new(MemoryStore::new(AuthProfiles::from_json(&document).unwrap()))
}

fn configured(config: &Value, variables: &'static [(&str, &str)]) -> Config {
    let lookup = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let options = ReadOptions::new().environment(Environment::from_fn(lookup));
    Config::from_json5_str(&config.to_string(), &options).unwrap()
}

/// The secret that a call is made with.
async fn used(rotator: &Rotator) -> Result<String, provider_auth::SendFailure> {
    let call = Call::new(OPUS.parse().unwrap());
    let answered = rotator
        .run(&call, |attempt| async move { Ok::<_, Failure>(attempt.credential().secret().expose().to_owned()) });
    answered.await.map(|answered| answered.value)
}

#[tokio::test]
async fn variables_are_found_without_being_asked_for() {
    let config = configured(&json!({}), &[("KEY_B", "sk-ant-b"), ("ANTHROPIC_API_KEY", "sk-ant-variable")]);
    let profiles = store(&[("anthropic:a", reference("env", "KEY_A")), ("anthropic:b", reference("env", "KEY_B"))]);
    let rotator = Rotator::builder(profiles).config(config.clone()).build().unwrap();
    assert_eq!(used(&rotator).await.unwrap(), "sk-ant-b");
    // Where no reference leads to a secret, the provider's variable does not take its place.
    let profiles = store(&[("anthropic:a", reference("env", "KEY_A"))]);
    let failure = used(&Rotator::builder(profiles).config(config).build().unwrap()).await.unwrap_err();
    assert_eq!(failure.error().kind(), ErrorKind::Unavailable);
    assert!(failure.error().to_string().contains("its variable is not set"), "{failure}");
}

#[tokio::test]
async fn a_source_is_asked_on_another_thread_and_once_in_a_lifetime() {
    let (vault, clock) = (Vault::default(), Arc::new(ManualClock::new(at(NOW))));
    vault.put("a", "sk-ant-one");
    let rotator = Rotator::builder(store(&[("anthropic:a", reference("vault", "a"))]))
        .config(configured(&json!({}), &[]))
        .clock(Arc::clone(&clock) as _)
        .references(vault.resolver())
        .build()
        .unwrap();
    let calls = (0..20).map(|_| {
        let rotator = rotator.clone();
        tokio::spawn(async move { used(&rotator).await.unwrap() })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap(), "sk-ant-one");
    }
    assert_eq!(vault.asked().len(), 1);
    assert!(!vault.asked().contains(&std::thread::current().id()), "the executor's only thread looked");
    vault.put("a", "sk-ant-two");
    assert_eq!(used(&rotator).await.unwrap(), "sk-ant-one");
    clock.advance(Duration::from_secs(100));
    assert_eq!(used(&rotator).await.unwrap(), "sk-ant-two");
    assert_eq!(vault.asked().len(), 2);
}

#[test]
fn calls_that_wait_for_a_slow_source_take_one_thread() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(2).build().unwrap();
    let (started, start) = std::sync::mpsc::channel();
    let (end, ended) = std::sync::mpsc::channel();
    let ended = Mutex::new(ended);
    let slow = move |_: &SecretRef| {
        started.send(()).unwrap();
        ended.lock().unwrap().recv().unwrap();
        Ok(Secret::new("sk-ant-one"))
    };
    let rotator = Rotator::builder(store(&[("anthropic:a", reference("vault", "a"))]))
        .config(configured(&json!({}), &[]))
        .references(ReferenceResolver::new().with_source("vault", slow))
        .build()
        .unwrap();
    runtime.block_on(async {
        let call = |rotator: Rotator| tokio::spawn(async move { used(&rotator).await.unwrap() });
        let calls: Vec<_> = (0..5).map(|_| call(rotator.clone())).collect();
        while start.try_recv().is_err() {
            tokio::task::yield_now().await;
        }
        // The other thread is free for whoever wants it.
        let other = tokio::task::spawn_blocking(|| ());
        let free = tokio::time::timeout(Duration::from_secs(20), other).await;
        end.send(()).unwrap();
        assert!(free.is_ok());
        for call in calls {
            assert_eq!(call.await.unwrap(), "sk-ant-one");
        }
    });
}

#[tokio::test]
async fn the_configurations_key_and_headers_go_out_as_they_are_then() {
    let server = Server::script(vec![Act::message("Hi"), Act::message("Hi")]);
    let (vault, clock) = (Vault::default(), Arc::new(ManualClock::new(at(NOW))));
    vault.put("key", "sk-ant-one");
    let entry = json!({
        "baseUrl": server.url(), "apiKey": reference("vault", "key"), "headers": { "x-tenant": reference("vault", "tenant") },
    });
    let config = configured(&json!({ "models": { "providers": { "anthropic": entry } } }), &[]);
    let rotator = Rotator::builder(store(&[]))
        .config(config)
        .clock(Arc::clone(&clock) as _)
        .references(vault.resolver())
        .build()
        .unwrap();
    // Without its header the request is not sent.
    let failure = rotator.send(&call(OPUS)).await.unwrap_err();
    assert_eq!(failure.error().kind(), ErrorKind::UnresolvedReference);
    for tenant in ["one", "two"] {
        vault.put("tenant", tenant);
        clock.advance(Duration::from_secs(100));
        rotator.send(&call(OPUS)).await.unwrap();
    }
    let asked = server.asked();
    let sent: Vec<_> = asked.iter().map(|asked| (asked.header("x-api-key"), asked.header("x-tenant"))).collect();
    assert_eq!(sent, [(Some("sk-ant-one"), Some("one")), (Some("sk-ant-one"), Some("two"))]);
}

#[tokio::test]
async fn a_source_that_panics_has_found_nothing() {
    let broken = |_: &SecretRef| -> Result<Secret, ReferenceFailure> { panic!("a source of the caller's") };
    let rotator = Rotator::builder(store(&[("anthropic:a", reference("vault", "a"))]))
        .config(configured(&json!({}), &[("ANTHROPIC_API_KEY", "sk-ant-variable")]))
        .references(ReferenceResolver::new().with_source("vault", broken))
        .build()
        .unwrap();
    assert_eq!(used(&rotator).await.unwrap_err().error().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_configuration_that_is_resolved_is_taken_as_it_is() {
    let vault = Vault::default();
    vault.put("a", "sk-ant-one");
    let profiles = store(&[("anthropic:a", reference("vault", "a"))]);
    let config = configured(&json!({}), &[]);
    let references = vault.resolver().resolve(&profiles.load().unwrap(), &config, at(NOW));
    let rotator = Rotator::builder(profiles).config(config.with_references(references)).build().unwrap();
    assert_eq!(used(&rotator).await.unwrap(), "sk-ant-one");
    assert_eq!(vault.asked().len(), 1);
}
