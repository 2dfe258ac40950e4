//! A rotator over a store in memory, a clock that stands still, and a scripted server.

use std::sync::Arc;
use std::time::Duration;

use provider_auth::clock::ManualClock;
use provider_auth::profile::UsageStats;
use provider_auth::request::EndpointKind;
use provider_auth::rotate::RotatorBuilder;
use provider_auth::{
    AuthProfileStore, AuthProfiles, Call, Endpoint, FailureReason, MemoryStore, ModelRef, ProviderId, Reply, Rotator,
    SendFailure, Timestamp,
};
use serde_json::{Value, json};

use super::server::Server;
use super::{NOW, config};

pub(crate) const OPUS: &str = "anthropic/claude-opus-4-5";
pub(crate) const HAIKU: &str = "anthropic/claude-haiku-4-5";

pub(crate) struct Rig {
    pub(crate) server: Server,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) clock: ManualClock,
    pub(crate) rotator: Rotator,
}

/// Profiles `anthropic:a`, `anthropic:b`, ... with the keys `key-a`, `key-b`, ..., in this order.
pub(crate) fn keys(names: &[&str]) -> Value {
    let id = |name: &&str| format!("anthropic:{name}");
    let entry = |name: &&str| json!({"type": "api_key", "provider": "anthropic", "key": format!("key-{name}")});
    let profiles: serde_json::Map<String, Value> = names.iter().map(|name| (id(name), entry(name))).collect();
    let order: Vec<String> = names.iter().map(id).collect();
    json!({"version": 1, "profiles": profiles, "order": {"anthropic": order}})
}

impl Rig {
    pub(crate) fn new(server: Server, document: &Value) -> Self {
        Self::with(server, document, |builder| builder)
    }

    pub(crate) fn with(server: Server, document: &Value, setup: impl FnOnce(RotatorBuilder) -> RotatorBuilder) -> Self {
        let store = Arc::new(MemoryStore::new(AuthProfiles::from_json(&document.to_string()).unwrap()));
        let clock = ManualClock::new(Timestamp::from_millis(NOW));
        let endpoint = Endpoint::new(&server.url()).unwrap().with_kind(EndpointKind::Anthropic);
        let builder = Rotator::builder(Arc::clone(&store) as Arc<dyn AuthProfileStore>)
            .config(config("{}"))
            .clock(Arc::new(clock.clone()))
            // Tests of what follows a failure say it themselves where a retry is to come first.
            .retries(0)
            .endpoint(ProviderId::anthropic(), endpoint);
        let rotator = setup(builder).build().unwrap();
        Self { server, store, clock, rotator }
    }

    pub(crate) async fn send(&self, model: &str) -> Result<Reply, SendFailure> {
        self.rotator.send(&call(model)).await
    }

    /// Sends a call that is answered; gives the profile's name.
    pub(crate) async fn answered(&self, model: &str) -> String {
        let reply = self.send(model).await.unwrap();
        reply.profile().as_str().trim_start_matches("anthropic:").to_owned()
    }

    pub(crate) fn stats(&self, name: &str) -> UsageStats {
        self.store.load().unwrap().usage(&format!("anthropic:{name}")).cloned().unwrap_or_default()
    }

    /// How many failures of a reason are counted.
    #[allow(clippy::cast_possible_truncation, reason = "counts of a test are small")]
    pub(crate) fn count(&self, name: &str, reason: FailureReason) -> i64 {
        self.stats(name).failure_count(reason) as i64
    }

    pub(crate) fn text(&self) -> String {
        self.store.load().unwrap().to_json().expose().to_owned()
    }

    pub(crate) fn seconds(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

pub(crate) fn call(model: &str) -> Call {
    let model: ModelRef = model.parse().unwrap();
    let body = json!({"model": model.model(), "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]});
    Call::new(model).json(&body)
}

/// The seconds from the start of the test to a moment.
pub(crate) fn after(moment: Option<Timestamp>) -> Option<i64> {
    moment.map(|moment| (moment.as_millis() - NOW) / 1_000)
}

/// The reasons of the attempts, `None` for the answer.
pub(crate) fn reasons(attempts: &[provider_auth::rotation::AttemptRecord]) -> Vec<Option<FailureReason>> {
    attempts.iter().map(provider_auth::rotation::AttemptRecord::reason).collect()
}
