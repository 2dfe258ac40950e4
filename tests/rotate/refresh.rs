//! Refreshes of OAuth credentials: when, once, and what stays unchanged.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where something is wrong")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use provider_auth::clock::ManualClock;
use provider_auth::credential::Tokens;
use provider_auth::refresh::{RefreshCoordinator, RefreshFuture, RefreshOutcome, TokenRefresher};
use provider_auth::select::Receipt;
use provider_auth::store::Lease;
use provider_auth::{
    AuthProfileStore, AuthProfileStoreExt, AuthProfiles, Clock, Credential, Error, ErrorKind, Failure, FailureReason,
    MemoryStore, ProfileId, ProfileSelector, ProviderId, RecordOutcome, Secret, Timestamp,
};
use serde_json::{Value, json};

use crate::support::{NOW, id};

/// A token endpoint that takes each refresh token once: `r-1`, then `r-2`, and so on.
#[derive(Debug, Default)]
pub(crate) struct Endpoint {
    pub(crate) spent: AtomicUsize,
    pub(crate) refused: AtomicUsize,
    /// What to answer instead, the next in line last.
    failures: Mutex<Vec<ErrorKind>>,
    /// Whether the answer takes its time when the token is spent already.
    pub(crate) answers_late: AtomicBool,
    /// What to do while the request is under way.
    pub(crate) meanwhile: Mutex<Option<Meanwhile>>,
}

pub(crate) struct Meanwhile(pub(crate) Box<dyn Fn() + Send>);

impl std::fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meanwhile")
    }
}

impl Endpoint {
    pub(crate) fn failing(kinds: &[ErrorKind]) -> Arc<Self> {
        Arc::new(Self { failures: Mutex::new(kinds.to_vec()), ..Self::default() })
    }
}

impl TokenRefresher for Endpoint {
    fn refresh<'a>(&'a self, _: &'a ProfileId, _: &'a ProviderId, token: &'a Secret) -> RefreshFuture<'a> {
        Box::pin(async move {
            if let Some(meanwhile) = &*self.meanwhile.lock().unwrap() {
                (meanwhile.0)();
            }
            // Others get their turn while the request is under way.
            tokio::task::yield_now().await;
            if let Some(kind) = self.failures.lock().unwrap().pop() {
                return Err(Error::new(kind, "as the test wants it"));
            }
            let number: usize = token.expose().trim_start_matches("r-").parse().unwrap();
            if self.spent.compare_exchange(number - 1, number, Ordering::SeqCst, Ordering::SeqCst).is_err() {
                self.refused.fetch_add(1, Ordering::SeqCst);
                return Err(Error::new(ErrorKind::RefreshDenied, "the refresh token was already used"));
            }
            if self.answers_late.load(Ordering::SeqCst) {
                tokio::task::yield_now().await;
            }
            Ok(Tokens::new(Secret::new(format!("a-{}", number + 1)))
                .refresh(Secret::new(format!("r-{}", number + 1)))
                .expires_in(Duration::from_secs(3_600)))
        })
    }
}

pub(crate) fn login(expires: i64) -> Value {
    json!({"version": 1, "profiles": {"anthropic:me": {
        "type": "oauth", "provider": "Anthropic", "access": "a-1", "refresh": "r-1", "expires": expires,
        "email": "me@example.com", "accountId": "kept", "scopes": [1.5]}}})
}

pub(crate) struct Bench {
    pub(crate) store: Arc<MemoryStore>,
    clock: ManualClock,
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) coordinator: RefreshCoordinator,
}

pub(crate) fn bench(document: &Value, endpoint: Arc<Endpoint>) -> Bench {
    // A number as only its text has it.
    let text = document.to_string().replace("[1.5]", "[1.50]");
    let store = Arc::new(MemoryStore::new(AuthProfiles::from_json(&text).unwrap()));
    let clock = ManualClock::new(Timestamp::from_millis(NOW));
    let coordinator =
        RefreshCoordinator::new(Arc::clone(&store) as _, Arc::clone(&endpoint) as _).clock(Arc::new(clock.clone()));
    Bench { store, clock, endpoint, coordinator }
}

impl Bench {
    fn access(&self) -> String {
        let profiles = self.store.load().unwrap();
        profiles.get("anthropic:me").unwrap().credential().unwrap().secret().expose().to_owned()
    }

    pub(crate) fn text(&self) -> String {
        self.store.load().unwrap().to_json().expose().to_owned()
    }
}

#[tokio::test]
async fn a_refresh_is_due_in_its_windows_only() {
    for (left, renewed) in
        [(121_000, false), (120_000, true), (30_000, true), (0, true), (-1, true), (86_400_000, false)]
    {
        let bench = bench(&login(NOW + left), Arc::default());
        let renewal = bench.coordinator.refresh_if_needed(&id("anthropic:me")).await.unwrap();
        assert_eq!(matches!(renewal, RefreshOutcome::Refreshed), renewed, "{left}: {renewal:?}");
        assert_eq!(bench.access(), if renewed { "a-2" } else { "a-1" });
    }
    for (change, renewed) in
        [(json!({"expires": 0}), true), (json!({"access": ""}), true), (json!({"refresh": ""}), false)]
    {
        let mut document = login(if renewed { NOW + 86_400_000 } else { NOW - 1 });
        for (name, value) in change.as_object().unwrap() {
            document["profiles"]["anthropic:me"][name] = value.clone();
        }
        let bench = bench(&document, Arc::default());
        let renewal = bench.coordinator.refresh_if_needed(&id("anthropic:me")).await.unwrap();
        assert_eq!(matches!(renewal, RefreshOutcome::Refreshed), renewed, "{change}");
    }
}

#[tokio::test]
async fn in_the_advisory_window_a_failure_leaves_the_live_token_in_use() {
    let bench = bench(&login(NOW + 100_000), Endpoint::failing(&[ErrorKind::RefreshFailed; 2]));
    let before = bench.text();
    let renewal = bench.coordinator.refresh_if_needed(&id("anthropic:me")).await.unwrap();
    assert!(matches!(renewal, RefreshOutcome::Postponed(error) if error.kind() == ErrorKind::RefreshFailed));
    assert!(
        matches!(bench.coordinator.refresh_if_needed(&id("anthropic:me")).await.unwrap(), RefreshOutcome::NotNeeded),
        "not again at once"
    );
    bench.clock.advance(Duration::from_secs(70));
    let error = bench.coordinator.refresh_if_needed(&id("anthropic:me")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RefreshFailed);
    assert_eq!(error.to_string(), "OAuth token refresh failed for anthropic:me");
    assert!(error.is_transient() && !error.help().is_empty());
    assert_eq!(bench.text(), before, "a failed refresh leaves the document as it is");
    assert!(matches!(
        bench.coordinator.refresh_if_needed(&id("anthropic:me")).await.unwrap(),
        RefreshOutcome::Refreshed
    ));
}

#[tokio::test]
async fn a_blank_token_is_a_failure_that_may_pass() {
    #[derive(Debug, Default)]
    struct Blank(AtomicUsize);
    impl TokenRefresher for Blank {
        fn refresh<'a>(&'a self, _: &'a ProfileId, _: &'a ProviderId, _: &'a Secret) -> RefreshFuture<'a> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Box::pin(async { Ok(Tokens::new(" ").refresh("r-2")) })
        }
    }
    let (bench, blank) = (bench(&login(NOW), Arc::default()), Arc::new(Blank::default()));
    let before = bench.text();
    let coordinator = RefreshCoordinator::new(Arc::clone(&bench.store) as _, Arc::clone(&blank) as _);
    let coordinator = coordinator.clock(Arc::new(bench.clock.clone()));
    for asked in 1..3 {
        let error = coordinator.refresh_if_needed(&id("anthropic:me")).await.unwrap_err();
        assert_eq!((error.kind(), blank.0.load(Ordering::SeqCst)), (ErrorKind::RefreshFailed, asked));
    }
    assert_eq!(bench.text(), before);
}

#[tokio::test]
async fn a_denial_is_remembered_for_the_token_that_was_denied() {
    let bench = bench(&login(NOW), Endpoint::failing(&[ErrorKind::RefreshDenied]));
    let before = bench.text();
    for _ in 0..3 {
        let error = bench.coordinator.refresh_if_needed(&id("anthropic:me")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RefreshDenied);
        assert!(error.to_string().starts_with("OAuth token refresh failed"));
    }
    assert_eq!(bench.text(), before);
    assert_eq!(bench.endpoint.spent.load(Ordering::SeqCst), 0, "the token is not sent again");
    // A new login is another token.
    let credential = Credential::oauth("b-1".into(), Some("r-1".into()), Some(Timestamp::from_millis(NOW)));
    let other = Credential::oauth("b-1".into(), Some("r-0".into()), Some(Timestamp::from_millis(NOW)));
    bench.store.upsert(&id("anthropic:me"), &ProviderId::anthropic(), &other, None).unwrap();
    bench.store.upsert(&id("anthropic:me"), &ProviderId::anthropic(), &credential, None).unwrap();
    assert_eq!(
        bench.coordinator.refresh_if_needed(&id("anthropic:me")).await.unwrap_err().kind(),
        ErrorKind::RefreshDenied
    );
    bench.endpoint.spent.store(6, Ordering::SeqCst);
    let fresh = Credential::oauth("b-1".into(), Some("r-7".into()), Some(Timestamp::from_millis(NOW)));
    bench.store.upsert(&id("anthropic:me"), &ProviderId::anthropic(), &fresh, None).unwrap();
    assert!(matches!(
        bench.coordinator.refresh_if_needed(&id("anthropic:me")).await.unwrap(),
        RefreshOutcome::Refreshed
    ));
    assert_eq!(bench.access(), "a-8");
}

#[tokio::test]
async fn a_newer_login_is_never_overwritten_by_an_older_refresh() {
    let bench = bench(&login(NOW), Arc::default());
    let store = Arc::clone(&bench.store);
    *bench.endpoint.meanwhile.lock().unwrap() = Some(Meanwhile(Box::new(move || {
        let newer =
            Credential::oauth("new".into(), Some("r-new".into()), Some(Timestamp::from_millis(NOW + 99_999_999)));
        store.upsert(&id("anthropic:me"), &ProviderId::anthropic(), &newer, None).unwrap();
    })));
    assert!(matches!(
        bench.coordinator.refresh_if_needed(&id("anthropic:me")).await.unwrap(),
        RefreshOutcome::RefreshedElsewhere
    ));
    assert_eq!(bench.access(), "new");
}

#[test]
fn many_threads_spend_a_refresh_token_once() {
    let bench = bench(&login(NOW), Arc::default());
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
                for round in 1..=25 {
                    let rejected = Secret::new(format!("a-{round}"));
                    runtime.block_on(bench.coordinator.refresh_rejected(&id("anthropic:me"), &rejected)).unwrap();
                }
            });
        }
    });
    assert_eq!(bench.endpoint.spent.load(Ordering::SeqCst), 25, "one redemption for each token");
    assert_eq!(bench.endpoint.refused.load(Ordering::SeqCst), 0);
    assert_eq!(bench.access(), "a-26");
}

#[tokio::test]
async fn a_refresh_ends_the_windows_of_refusals_and_no_others() {
    let mut document = login(NOW);
    document["usageStats"] = json!({"anthropic:me": {
        "lastUsed": 5, "cooldownUntil": NOW + 1, "cooldownReason": "auth", "cooldownSince": 1,
        "disabledUntil": NOW + 600_000, "disabledReason": "billing", "disabledSince": 1,
        "modelCooldowns": {"opus": {"until": NOW + 60_000, "since": 1, "reason": "rate_limit"}},
        "failureCounts": {"auth": 2, "billing": 1, "rate_limit": 3}, "errorCount": 6, "note": "kept"}});
    let bench = bench(&document, Arc::default());
    bench.coordinator.refresh_if_needed(&id("anthropic:me")).await.unwrap();
    let written: Value = serde_json::from_str(&bench.text()).unwrap();
    assert_eq!(
        written["usageStats"]["anthropic:me"],
        json!({"lastUsed": 5, "disabledUntil": NOW + 600_000, "disabledReason": "billing", "disabledSince": 1,
            "disabledSinceUntil": NOW + 600_000,
            // The window that is left has the place that OpenClaw knows.
            "cooldownUntil": NOW + 60_000, "cooldownReason": "rate_limit", "cooldownModel": "opus", "cooldownSince": 1,
            "cooldownSinceUntil": NOW + 60_000,
            "failureCounts": {"billing": 1, "rate_limit": 3}, "errorCount": 4, "note": "kept"})
    );
    assert_eq!(
        written["profiles"]["anthropic:me"],
        json!({"type": "oauth", "provider": "Anthropic", "access": "a-2", "refresh": "r-2",
            "expires": NOW + 3_600_000, "email": "me@example.com", "accountId": "kept", "scopes": [1.5]})
    );
    assert!(bench.text().contains("[1.50]"), "members that are not understood keep their text");

    // A permanent refusal is one of them.
    let store = &bench.store;
    let selector = ProfileSelector::default();
    let (picked, now) = (bench.clock.now(), bench.clock.now() + Duration::from_secs(700));
    bench.clock.set(now);
    let receipt = Receipt::new(id("anthropic:me"), ProviderId::anthropic(), None, picked + Duration::from_secs(650));
    store.record_failure(&selector, &receipt, &Failure::new(FailureReason::AuthPermanent), now).unwrap();
    assert!(store.load().unwrap().usage("anthropic:me").unwrap().disabled_until() > Some(now));
    bench.coordinator.refresh_rejected(&id("anthropic:me"), &"a-2".into()).await.unwrap();
    assert_eq!(store.load().unwrap().usage("anthropic:me").unwrap().disabled_until(), None);
}

/// A store whose disk is full for a while.
#[derive(Debug)]
struct FullDisk(MemoryStore, AtomicBool);

impl AuthProfileStore for FullDisk {
    fn load(&self) -> provider_auth::Result<Arc<AuthProfiles>> {
        self.0.load()
    }

    fn update(
        &self,
        change: &mut dyn FnMut(&mut AuthProfiles) -> provider_auth::Result<()>,
    ) -> provider_auth::Result<Arc<AuthProfiles>> {
        if self.1.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Io, "the disk is full"));
        }
        self.0.update(change)
    }

    fn lease(&self, profile: &ProfileId, wait: Duration) -> provider_auth::Result<Lease> {
        self.0.lease(profile, wait)
    }
}

#[tokio::test]
async fn tokens_that_could_not_be_written_are_not_lost() {
    let inner = MemoryStore::new(AuthProfiles::from_json(&login(NOW).to_string()).unwrap());
    let (store, endpoint) = (Arc::new(FullDisk(inner, AtomicBool::new(true))), Arc::new(Endpoint::default()));
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(NOW)));
    let coordinator = RefreshCoordinator::new(Arc::clone(&store) as _, Arc::clone(&endpoint) as _).clock(clock);
    for _ in 0..2 {
        assert_eq!(
            coordinator.refresh_if_needed(&id("anthropic:me")).await.unwrap_err().kind(),
            ErrorKind::RefreshFailed
        );
    }
    store.1.store(false, Ordering::SeqCst);
    // The thread that tries it beside may be faster.
    coordinator.refresh_if_needed(&id("anthropic:me")).await.unwrap();
    assert_eq!((endpoint.spent.load(Ordering::SeqCst), endpoint.refused.load(Ordering::SeqCst)), (1, 0));
    assert!(store.load().unwrap().to_json().expose().contains("r-2"));
}

#[tokio::test]
async fn whoever_waits_too_long_for_another_fails_and_leaves_everything_alone() {
    let bench = bench(&login(NOW), Arc::default());
    let lease = bench.store.lease(&id("anthropic:me"), Duration::ZERO).unwrap();
    let impatient = bench.coordinator.clone().lease_wait(Duration::from_millis(5));
    assert_eq!(impatient.refresh_if_needed(&id("anthropic:me")).await.unwrap_err().kind(), ErrorKind::RefreshFailed);
    drop(lease);
    impatient.refresh_if_needed(&id("anthropic:me")).await.unwrap();
    assert_eq!(bench.access(), "a-2");
    let unknown = ProfileId::new("anthropic:nobody").unwrap();
    assert_eq!(impatient.refresh_if_needed(&unknown).await.unwrap_err().kind(), ErrorKind::MissingCredentials);
}

#[tokio::test]
async fn a_caller_that_goes_away_loses_no_token() {
    let bench = bench(&login(NOW), Arc::default());
    let (begun, mut beginning) = tokio::sync::mpsc::unbounded_channel();
    *bench.endpoint.meanwhile.lock().unwrap() = Some(Meanwhile(Box::new(move || begun.send(()).unwrap())));
    bench.endpoint.answers_late.store(true, Ordering::SeqCst);
    let coordinator = bench.coordinator.clone();
    let caller = tokio::spawn(async move { coordinator.refresh_if_needed(&id("anthropic:me")).await.map(drop) });
    beginning.recv().await.unwrap();
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    // Whoever asks now waits for the refresh that goes on without its caller.
    bench.coordinator.refresh_if_needed(&id("anthropic:me")).await.unwrap();
    assert_eq!((bench.access().as_str(), bench.endpoint.spent.load(Ordering::SeqCst)), ("a-2", 1));
}

#[test]
fn nothing_secret_is_shown() {
    let bench = bench(&login(NOW), Arc::default());
    let tokens = Tokens::new("hunter2").refresh("hunter3");
    let shown = format!("{:?} {tokens:?} {:?}", bench.coordinator, bench.coordinator.clone());
    for secret in ["a-1", "r-1", "hunter"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
