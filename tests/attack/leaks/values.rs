//! What else holds a secret or stands near one: prompts that change, attempts without a client, the doubles for the tests of
//! others, state directories, and the store that many machines share.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use provider_auth::cache::{BreakpointOptions, BreakpointPlan, PreviousBody, PromptChange};
use provider_auth::clock::ManualClock;
use provider_auth::credential::{AuthScheme, CredentialSource};
use provider_auth::failure::RetryBackoff;
use provider_auth::headroom::{Headroom, HeadroomPolicy, HeadroomTracker};
use provider_auth::profile::Trial;
use provider_auth::providers::Provider;
use provider_auth::record::Record;
use provider_auth::request::BetaList;
use provider_auth::rotation::{
    AttemptError, BlockingDriver, ErrorResponse, Outcome, ProbeLog, Rotation, RotationLimits, Step,
};
use provider_auth::select::{ProbePolicy, Receipt, SelectorRules};
use provider_auth::status::{EffectiveSource, StatusReport};
use provider_auth::store::shared::{Commit, Committed, Engine, Known, Listing, MemoryEngine, Settings};
use provider_auth::store::{FileStoreBuilder, SharedStore};
use provider_auth::testing::{Answer, Server, reply, selection, send_failure, unavailable};
use provider_auth::{
    AuthProfileStore, AuthProfileStoreExt as _, AuthProfiles, CacheRetention, Call, Config, Credential, Endpoint,
    Environment, Error, Failure, FailureReason, MemoryStore, ModelRef, ProfileSelector, Query, Result, Rotator, Secret,
    StateDir,
};
use serde_json::json;

use super::{Heard, hunt_few};
use crate::support::{NOW, at, config, document, id, options, provider};

#[test]
fn no_secret_of_what_else_can_be_made_is_in_any_text() {
    hunt_few("values", 60, made);
}

pub(super) fn made(heard: &mut Heard) {
    prompts(heard);
    attempts(heard);
    doubles(heard);
    machines(heard);
    directories(heard);
    // What holds none, or is the caller's own.
    heard.debug(&(SelectorRules::default(), SelectorRules::default().cooldown, HeadroomPolicy::default()));
    heard.debug(&(SelectorRules::default().cooldown.transient, model()));
    heard.debug(&(RetryBackoff::default(), RotationLimits::default(), ProbePolicy::default(), ProbeLog::default()));
    heard.debug(&Provider::all().collect::<Vec<_>>());
    heard.debug(&(CredentialSource::Profile, EffectiveSource::Missing));
    heard.debug(&(ManualClock::new(at(NOW)), provider_auth::error::Shown::new("a name")));
    heard.debug(&AuthScheme::prefixed("x-key", "Key ").unwrap());
}

fn model() -> ModelRef {
    "anthropic/claude-opus-4-5".parse().unwrap()
}

fn stored(heard: &Heard) -> AuthProfiles {
    document(&json!({"version": 1, "profiles": {
        "anthropic:a": {"type": "api_key", "provider": "anthropic", "key": heard.secret},
        "anthropic:b": {"type": "oauth", "provider": "anthropic", "access": heard.secret, "refresh": heard.secret},
    }}))
}

fn prompts(heard: &mut Heard) {
    let secret = heard.secret.clone();
    let body = |last: &str, ttl: &str| {
        let marked = json!({"type": "text", "text": secret, "cache_control": {"type": "ephemeral", "ttl": ttl}});
        let blocks = [vec![marked], vec![json!({"type": "text", "text": last})]].concat();
        let system = [json!({"type": "text", "text": secret})];
        json!({"model": "m", "system": system, "messages": [{"role": "user", "content": blocks}]}).to_string()
    };
    let (before, after) = (body(&secret, "5m"), body(&secret.to_uppercase(), "5m"));
    heard.result(BreakpointPlan::for_body(
        body(&secret, &secret).as_bytes(),
        &BreakpointOptions::new(CacheRetention::Short),
    ));
    let after = after.replace("\"text\",\"text\":\"", "\"text\",\"text\":\"x");
    heard.result(PromptChange::between(before.as_bytes(), after.as_bytes()));
    if let Ok(Some(change)) = PromptChange::between(before.as_bytes(), after.as_bytes()) {
        heard.debug(&change.part);
        heard.display(&change);
    }
    let options = BreakpointOptions::new(CacheRetention::Long).previous(before.as_bytes());
    let read = heard.result(PreviousBody::read(before.as_bytes()));
    assert!(read.is_some_and(|read| read.as_bytes() == before.as_bytes()));
    assert!(heard.result(PreviousBody::read(secret.as_bytes())).is_none());
    heard.debug(&options);
    if let Some(plan) = heard.result(BreakpointPlan::for_body(after.as_bytes(), &options)) {
        heard.debug(plan.breakpoints());
        heard.debug(plan.notes());
        assert!(!plan.breakpoints().is_empty() && !plan.notes().is_empty());
        plan.notes().iter().for_each(|note| heard.display(note));
    }
    heard.result(BetaList::parse(&secret).map(drop));
    heard.debug(&BetaList::parse("a-flag,another").unwrap());
}

/// A loop without a client, whose attempts fail in every way.
fn attempts(heard: &mut Heard) {
    let (secret, profiles) = (heard.secret.clone(), stored(heard));
    let failure = Failure::new(FailureReason::Auth);
    let mut headers = http::HeaderMap::new();
    for name in ["anthropic-ratelimit-requests-limit", "anthropic-ratelimit-requests-remaining", "x-request-id"] {
        headers.extend(http::HeaderValue::from_str(&secret).map(|value| (http::HeaderName::from_static(name), value)));
    }
    let response = || Box::new(ErrorResponse::new(http::StatusCode::UNAUTHORIZED, headers.clone(), secret.as_bytes()));
    let refused = || Error::new(provider_auth::ErrorKind::Client, "refused");
    let mut rotation = Rotation::new(ProfileSelector::default(), model(), at(NOW));
    while let Step::Attempt(attempt) = rotation.next(&profiles, at(NOW)) {
        heard.debug(&attempt);
        heard.debug(&(attempt.selection(), attempt.trial(), Step::Attempt(attempt.clone())));
        let failed = AttemptError::failed(failure.clone(), None).with_response(*response());
        heard.debug(&(&failed, AttemptError::unread(refused()), AttemptError::Unusable(refused())));
        let outcome = Outcome::from(failed);
        heard.debug(&outcome);
        let record = rotation.report(&attempt, outcome, at(NOW));
        heard.debug(&record);
    }
    heard.debug(&rotation);
    heard.debug(rotation.attempts());
    heard.error(&rotation.abort(refused()).into());
    let (store, clock) = (MemoryStore::new(profiles), ManualClock::new(at(NOW)));
    let driver = BlockingDriver::new(&store, &clock, |_| {});
    heard.debug(&driver);
    let rotation = || Rotation::new(ProfileSelector::default(), model(), at(NOW));
    heard.debug(&driver.run(rotation(), |_| Ok::<_, AttemptError>(())));
    let ended = driver.run(rotation(), |_| Err::<(), _>(AttemptError::failed(failure.clone(), None)));
    heard.debug(&ended);
    heard.chain(&ended.unwrap_err());
    let receipt = Receipt::new(id("anthropic:a"), provider("anthropic"), None, at(NOW));
    heard.debug(&Record::Failure(receipt, failure));
    heard.debug(&store.claim_trial(&Trial::new(id("anthropic:a"), None, at(NOW))));
    heard.debug(&Trial::new(id("anthropic:a"), Some("claude"), at(NOW)));

    headers.insert("anthropic-ratelimit-tokens-limit", http::HeaderValue::from_static("100"));
    headers.insert("anthropic-ratelimit-tokens-remaining", http::HeaderValue::from_static("5"));
    let headroom = Headroom::read(&provider("anthropic"), &headers, at(NOW));
    heard.debug(&headroom);
    heard.debug(headroom.limits());
    headroom.limits().iter().for_each(|limit| heard.display(limit));
}

/// Servers and values for the tests of others.
fn doubles(heard: &mut Heard) {
    let (secret, key) = (heard.secret.clone(), Credential::api_key(Secret::new(heard.secret.as_str())));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let event = format!("event: message_start\ndata: {{\"type\":\"message_start\",\"x\":\"{}\"}}\n\n", heard.written());
    let answers = [
        Answer::events([event.clone()]).header("x-a", "b"),
        Answer::json(401, json!({"error": {"type": "authentication_error", "message": secret}}).to_string()),
        Answer::error(429, "rate_limit_error", &secret),
        Answer::message(secret.as_str()),
    ];
    heard.debug(&answers);
    let server = Server::start(answers).unwrap();
    let tracker = Arc::new(HeadroomTracker::new());
    let builder = Rotator::builder(MemoryStore::new(stored(heard))).config(config("{}")).headroom(Arc::clone(&tracker));
    let builder = builder.retries(0).endpoint(provider("anthropic"), Endpoint::new(server.url()).unwrap());
    heard.debug(&builder);
    let rotator = builder.build().unwrap();
    let body = json!({"model": "m", "messages": [{"role": "user", "content": secret}]});
    for _ in 0..3 {
        runtime.block_on(async {
            match rotator.send(&Call::new(model()).json(&body)).await {
                Ok(mut reply) => {
                    let read = reply.event().await;
                    heard.debug(&(&read, &reply));
                }
                Err(failure) => heard.debug(&failure),
            }
        });
    }
    heard.debug(&(&server, &tracker, tracker.profiles(at(NOW))));
    let answer = http::Response::new(secret.as_bytes().to_vec());
    heard.result(reply(model(), answer, at(NOW)));
    heard.result(selection(&id("anthropic:a"), &provider("anthropic"), &key, at(NOW)));
    let failures = || [Failure::new(FailureReason::Billing)];
    heard.chain(&send_failure(model(), failures(), at(NOW)));
    heard.debug(&unavailable(&provider("anthropic"), failures().map(|failure| (id("anthropic:a"), failure)), at(NOW)));
    let profiles = stored(heard);
    let (query, provider) = (Query::new(&provider("anthropic")), provider("anthropic"));
    let refusal = ProfileSelector::default().select(&profiles, &query.locked(id("anthropic:none")), at(NOW));
    let probe = refusal.err().and_then(|refusal| ProbePolicy::default().next(&refusal, &profiles, None));
    heard.debug(&(probe, provider));
}

/// An engine of a store on a server, which keeps what it is told and what it says.
#[derive(Debug, Default)]
struct Listening {
    engine: MemoryEngine,
    said: Mutex<Said>,
}

#[derive(Debug, Default)]
struct Said {
    known: Vec<Known>,
    listings: Vec<Listing>,
    commits: Vec<Commit>,
    committed: Vec<Committed>,
}

impl Engine for Listening {
    fn read(&self, known: &Known) -> Result<Option<Listing>> {
        let read = self.engine.read(known)?;
        let mut said = self.said.lock().unwrap();
        said.known.push(known.clone());
        said.listings.extend(read.clone());
        Ok(read)
    }

    fn commit(&self, commit: &Commit) -> Result<Committed> {
        let committed = self.engine.commit(commit)?;
        let mut said = self.said.lock().unwrap();
        said.commits.push(commit.clone());
        said.committed.push(committed.clone());
        Ok(committed)
    }

    fn acquire(&self, name: &str, token: &str, life: Duration) -> Result<bool> {
        self.engine.acquire(name, token, life)
    }

    fn renew(&self, name: &str, token: &str, life: Duration) -> Result<bool> {
        self.engine.renew(name, token, life)
    }

    fn release(&self, name: &str, token: &str) -> Result<()> {
        self.engine.release(name, token)
    }
}

/// The store that many machines share.
fn machines(heard: &mut Heard) {
    heard.debug(&Settings::default());
    let store = SharedStore::new(Listening::default(), Settings::default());
    for (name, profile) in stored(heard).iter() {
        heard.result(store.upsert(name, profile.provider(), profile.credential().unwrap(), None));
    }
    heard.result(store.load());
    heard.result(store.engine().read(&Known::default()));
    heard.result(store.lease(&id("anthropic:a"), Duration::ZERO));
    let said = std::mem::take(&mut *store.engine().said.lock().unwrap());
    heard.debug(&(&said.known, &said.listings, &said.commits, &said.committed));
    for commit in said.commits {
        heard.debug(&(&commit.condition, &commit.writes));
    }
    for listing in said.listings {
        heard.debug(&listing.entries);
        listing.entries.iter().for_each(|entry| heard.debug(entry));
    }
    heard.debug(&store);
    heard.debug(&store.engine().engine);
    heard.debug(&store.engine().engine.save());
    store.engine().engine.cut(true);
    heard.result(SharedStore::new(store.engine().engine.clone(), Settings::default()).load());
}

/// A state directory with secrets in its files, and what is told of it.
fn directories(heard: &mut Heard) {
    let directory = tempfile::tempdir().unwrap();
    let agent = directory.path().join("agents/main/agent");
    std::fs::create_dir_all(&agent).unwrap();
    let written = heard.written();
    let document = format!(
        "{{\"profiles\":{{\"anthropic:a\":{{\"type\":\"api_key\",\"provider\":\"anthropic\",\"key\":\"{written}\"}}}}}}"
    );
    for name in ["auth-profiles.json", "auth.json.migrated", "auth-profiles.json.sqlite-import.1.bak"] {
        std::fs::write(agent.join(name), &document).unwrap();
    }
    std::fs::write(directory.path().join(".env"), format!("ANTHROPIC_API_KEY={}\n", heard.secret)).unwrap();
    let state = StateDir::at(directory.path()).with_environment(Environment::empty());
    heard.debug(&state);
    heard.result(state.environment());
    heard.debug(&state.references());
    let Some(store) = heard.result(state.store(None)) else { return };
    let profiles = heard.result(store.load()).unwrap();
    heard.debug(&state.leftovers(None, &profiles));
    for leftover in state.leftovers(None, &profiles) {
        heard.diagnostics(&[leftover.diagnostic()]);
    }
    let builder: FileStoreBuilder = provider_auth::FileStore::builder().path(agent.join("auth-profiles.json"));
    heard.debug(&builder);
    heard.result(builder.build());
    let config = Config::from_json5_str("{}", &options()).unwrap();
    let profiles = stored(heard);
    let builder = StatusReport::builder(&config, &profiles);
    heard.debug(&builder);
    let report = builder.build(at(NOW));
    heard.debug(&(&report.providers, &report.unusable_profiles));
    for status in &report.providers {
        heard.debug(&(&status.profiles, &status.environment, &status.effective));
    }
    let saved = provider_auth::setup::save_key(
        &store,
        &ProfileSelector::default(),
        &id("anthropic:b"),
        &provider("anthropic"),
        &provider_auth::setup::as_it_is(&heard.secret)
            .unwrap_or_else(|_| provider_auth::setup::as_it_is("made-up").unwrap()),
        None,
    );
    if let Some(saved) = heard.result(saved) {
        heard.debug(&saved.placement);
    }
}
