//! A simulated fleet of sixty-four machines on one server: each has its own clock, some die, some are cut off, and
//! their requests overlap.
//!
//! `PROVIDER_AUTH_FLEET=20 cargo test --release --test store simulation` runs twenty times as long, over a thousand
//! expiries.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::mem_forget,
    clippy::disallowed_methods,
    reason = "a test stops where something is wrong, says what it did, and is told how long; what dies gives nothing back"
)]

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use provider_auth::clock::ManualClock;
use provider_auth::credential::Tokens;
use provider_auth::profile::UsageStats;
use provider_auth::refresh::{RefreshCoordinator, RefreshFuture, RefreshOutcome, TokenRefresher};
use provider_auth::rotation::{Attempt, Outcome, ProbeLog, Rotation, Step};
use provider_auth::select::ProbePolicy;
use provider_auth::store::TrialClaim;
use provider_auth::store::shared::{MemoryEngine, Settings, SharedStore};
use provider_auth::{
    AuthProfileStore as _, AuthProfileStoreExt as _, AuthProfiles, Clock as _, Credential, Error, ErrorKind, Failure,
    FailureReason, ModelRef, ProfileId, ProfileSelector, ProviderId, RecordOutcome as _, Secret, Timestamp,
};

type Store = SharedStore<MemoryEngine>;

const MACHINES: usize = 64;
const STALENESS: u64 = 100;
/// How long a server that was away is not asked again.
const AGAIN: u64 = 1_000;
/// How far the clocks of two machines are apart at most.
const SKEW: u64 = 20;
const KEYS: [&str; 2] = ["openai:a", "openai:b"];
const BEGIN: i64 = 1_700_000_000_000;

/// How many times as long as in the gate.
fn length() -> u64 {
    std::env::var("PROVIDER_AUTH_FLEET").ok().and_then(|times| times.parse().ok()).unwrap_or(1)
}

/// Numbers that a seed decides.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn machine(&mut self) -> usize {
        usize::try_from(self.below(MACHINES as u64)).unwrap()
    }
}

/// A request under way.
struct Flight {
    rotation: Rotation,
    attempt: Attempt,
    ends: u64,
    /// When the limit ends that it meets, if it meets one.
    limited: Option<u64>,
    /// The name of the trial that it is, if others are kept from it.
    trial: Option<String>,
}

struct Machine {
    store: Store,
    clock: Arc<ManualClock>,
    /// How far its clock is ahead.
    ahead: u64,
    log: Arc<ProbeLog>,
    flight: Option<Flight>,
    /// From when on it has been in touch with the server again.
    back: Option<u64>,
    is_cut: bool,
    acknowledged: u64,
    unsure: u64,
}

#[derive(Debug, Default)]
struct Counts {
    requests: u64,
    limits: u64,
    windows: u64,
    probes: u64,
    trials: u64,
    deaths: u64,
    cuts: u64,
}

impl Counts {
    /// How often that happened which happened least.
    fn least(&self) -> u64 {
        let Self { limits, windows, probes, trials, deaths, cuts, .. } = *self;
        [limits, windows, probes, trials.saturating_sub(probes), deaths, cuts].into_iter().min().unwrap_or(0)
    }
}

struct Fleet {
    now: u64,
    random: Random,
    server: MemoryEngine,
    server_clock: Arc<ManualClock>,
    observer: Store,
    machines: Vec<Machine>,
    selector: Arc<ProfileSelector>,
    /// Until when the provider limits each key.
    limits: [u64; 2],
    /// For each key since when its window is in the store, and until when that goes.
    known: [Option<(u64, u64)>; 2],
    /// Trials under way.
    trials: HashSet<String>,
    counts: Counts,
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(BEGIN + i64::try_from(millis).unwrap())
}

fn id(name: &str) -> ProfileId {
    ProfileId::new(name).unwrap()
}

fn open(engine: &MemoryEngine, clock: &Arc<ManualClock>) -> Store {
    let settings = Settings::default().clock(clock.clone()).staleness(Duration::from_millis(STALENESS));
    SharedStore::new(engine.clone(), settings.serve_stale(Duration::from_secs(10)))
}

fn put(store: &Store, document: &str) {
    let document = AuthProfiles::from_json(document).unwrap();
    let put = &mut |profiles: &mut AuthProfiles| {
        profiles.replace(document.clone());
        Ok(())
    };
    store.update(put).unwrap();
}

impl Fleet {
    fn new(seed: u64) -> Self {
        let server_clock = Arc::new(ManualClock::new(at(0)));
        let server = MemoryEngine::new(server_clock.clone());
        let mut random = Random(seed);
        let observer = SharedStore::new(server.clone(), Settings::default());
        put(
            &observer,
            r#"{"version": 1, "profiles": {
                "openai:a": {"type": "api_key", "provider": "openai", "key": "sk-a"},
                "openai:b": {"type": "api_key", "provider": "openai", "key": "sk-b"}},
                "order": {"openai": ["openai:a", "openai:b"]}}"#,
        );
        let machine = |_| {
            let (clock, ahead) = (Arc::new(ManualClock::new(at(0))), random.below(SKEW));
            let (store, log) = (open(&server, &clock), Arc::default());
            Machine { store, clock, ahead, log, flight: None, back: None, is_cut: false, acknowledged: 0, unsure: 0 }
        };
        let machines = (0..MACHINES).map(machine).collect();
        let selector = Arc::new(ProfileSelector::default());
        let (limits, known, trials, counts) = ([0; 2], [None; 2], HashSet::new(), Counts::default());
        Self { now: 0, random, server, server_clock, observer, machines, selector, limits, known, trials, counts }
    }

    /// Lets time pass, and everything end whose time has come.
    fn advance(&mut self) {
        self.now += self.random.below(12);
        self.server_clock.set(at(self.now));
        for machine in &self.machines {
            machine.clock.set(at(self.now + machine.ahead));
        }
        for number in 0..MACHINES {
            if self.machines[number].flight.as_ref().is_some_and(|flight| flight.ends <= self.now) {
                self.land(number);
            }
        }
    }

    /// One thing happens.
    fn step(&mut self) {
        self.advance();
        let number = self.random.machine();
        match self.random.below(400) {
            0..2 => self.die(number),
            2..4 if !self.machines[number].is_cut => {
                self.counts.cuts += 1;
                self.machines[number].is_cut = true;
                self.machines[number].store.engine().cut(true);
            }
            4..24 if self.machines[number].is_cut => {
                let machine = &mut self.machines[number];
                (machine.is_cut, machine.back) = (false, Some(self.now));
                machine.store.engine().cut(false);
            }
            24..30 => self.limit(),
            30..36 => self.count(number),
            _ if self.machines[number].flight.is_none() => self.call(number),
            _ => {}
        }
    }

    /// The provider limits a key, or both.
    fn limit(&mut self) {
        let until = self.now + 1_000 + self.random.below(2_000);
        let which = self.random.below(3);
        for key in 0..2_u64 {
            let limit = &mut self.limits[usize::try_from(key).unwrap()];
            if which != key && *limit + 500 < self.now {
                *limit = until;
                self.counts.limits += 1;
            }
        }
    }

    /// A machine is gone, with all that it had in its hands, and another one takes its place.
    fn die(&mut self, number: usize) {
        self.counts.deaths += 1;
        let machine = &mut self.machines[number];
        if let Some(flight) = machine.flight.take() {
            flight.trial.as_ref().map(|name| self.trials.remove(name));
            std::mem::forget(flight);
        }
        machine.store = open(&self.server, &machine.clock);
        (machine.log, machine.is_cut, machine.back) = (Arc::default(), false, None);
    }

    /// A machine writes something of its own.
    fn count(&mut self, number: usize) {
        let machine = &mut self.machines[number];
        if self.random.below(10) == 0 && !machine.is_cut {
            machine.store.engine().lose_next_answer();
        }
        let name = format!("count:{number}");
        let count = |profiles: &mut AuthProfiles| {
            let next = counted(profiles, &name) + 1;
            let key = Credential::api_key(Secret::new("made-up"));
            profiles.upsert(&id(&name), &ProviderId::new("count")?, &key, Some(&next.to_string()))
        };
        match machine.store.transact(count) {
            Ok(()) => machine.acknowledged += 1,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::StoreUnavailable);
                machine.unsure += 1;
            }
        }
    }

    fn call(&mut self, number: usize) {
        let model: ModelRef = "openai/gpt-5".parse().unwrap();
        let mut policy = ProbePolicy::default();
        (policy.lead, policy.interval) = (Duration::from_millis(400), Duration::from_millis(500));
        let machine = &self.machines[number];
        let rotation = Rotation::new(self.selector.clone(), model, machine.clock.now());
        self.go_on(number, rotation.probes(policy, machine.log.clone()));
    }

    /// Sends the next request of a call, as a driver does.
    fn go_on(&mut self, number: usize, mut rotation: Rotation) {
        let machine = &self.machines[number];
        let now = machine.clock.now();
        loop {
            let Ok(profiles) = machine.store.load() else { return };
            let Step::Attempt(attempt) = rotation.next(&profiles, now) else { return };
            let (attempt, trial) = match attempt.trial().map(|trial| (trial.name(), machine.store.claim_trial(trial))) {
                // Whoever cannot ask the others tries for itself.
                None | Some((_, Err(_))) => (attempt, None),
                Some((name, Ok(TrialClaim::Held(guard)))) => {
                    let profiles = machine.store.load().unwrap();
                    let Some(attempt) = rotation.claimed(&attempt, guard, &profiles, now) else { continue };
                    (attempt, Some(name))
                }
                Some((_, Ok(_))) => {
                    rotation.postpone(&attempt, now);
                    continue;
                }
            };
            self.send(number, rotation, attempt, trial);
            return;
        }
    }

    fn send(&mut self, number: usize, rotation: Rotation, attempt: Attempt, trial: Option<String>) {
        let key = KEYS.iter().position(|key| *key == attempt.profile().as_str()).unwrap();
        let machine = &self.machines[number];
        // Whoever was cut off until now may know no more than it did.
        let knows = !machine.is_cut && machine.back.is_none_or(|back| back + AGAIN + STALENESS < self.now);
        if let Some((since, until)) = self.known[key]
            && knows
            && trial.is_none()
        {
            let is_wasted = since + STALENESS < self.now && self.now + SKEW < until;
            assert!(!is_wasted, "machine {number} sends with {} at {}: {:?}", KEYS[key], self.now, self.known[key]);
        }
        if let Some(name) = &trial {
            assert!(self.trials.insert(name.clone()), "two requests try the window of {name}");
            self.counts.trials += 1;
            self.counts.probes += u64::from(attempt.trial().unwrap().until() > machine.clock.now());
        }
        assert!(attempt.trial().is_none() || trial.is_some() || !knows, "a trial that nobody claimed");
        self.counts.requests += 1;
        let limited = Some(self.limits[key]).filter(|until| *until > self.now);
        let ends = self.now + 5 + self.random.below(400);
        self.machines[number].flight = Some(Flight { rotation, attempt, ends, limited, trial });
    }

    /// A request is answered, and what that says is written.
    fn land(&mut self, number: usize) {
        let machine = &mut self.machines[number];
        let Flight { mut rotation, attempt, limited, trial, .. } = machine.flight.take().unwrap();
        let now = machine.clock.now();
        let outcome = match limited {
            // In a header stands how long, not until when.
            Some(until) => {
                let left = Duration::from_millis(until.saturating_sub(self.now).max(1));
                Outcome::from(Failure::new(FailureReason::RateLimit).with_deadline(Some(now + left)))
            }
            None => Outcome::answered(None),
        };
        let record = rotation.report(&attempt, outcome, now);
        let failed = limited.is_some();
        if let Some(record) = record {
            let recorded = machine.store.record(&self.selector, &record, now);
            assert!(recorded.is_ok() || machine.is_cut, "{recorded:?}");
        }
        drop(attempt);
        trial.map(|name| self.trials.remove(&name));
        self.look();
        if failed {
            self.go_on(number, rotation);
        }
    }

    /// Looks at what every machine can know now.
    fn look(&mut self) {
        let profiles = self.observer.load().unwrap();
        for (key, known) in self.known.iter_mut().enumerate() {
            let until = profiles.usage(KEYS[key]).and_then(UsageStats::cooldown_until);
            let until =
                until.map(|until| u64::try_from(until.as_millis() - BEGIN).unwrap()).filter(|until| *until > self.now);
            match (until, &known) {
                (None, _) => *known = None,
                // One that is only made longer was known before.
                (Some(until), Some((since, before))) if *before > self.now => *known = Some((*since, until)),
                (Some(until), _) => {
                    *known = Some((self.now, until));
                    self.counts.windows += 1;
                }
            }
        }
    }
}

fn counted(profiles: &AuthProfiles, name: &str) -> u64 {
    profiles.get(name).and_then(|profile| profile.email()?.parse().ok()).unwrap_or(0)
}

#[test]
fn a_fleet_wastes_no_request_on_a_known_limit_tries_each_window_once_at_a_time_and_loses_nothing() {
    let mut fleet = Fleet::new(20);
    for _ in 0..4_000 * length() {
        fleet.step();
    }
    // What happens is left to chance, and sometimes takes longer.
    for _ in 0..40_000 {
        if fleet.counts.least() >= 10 {
            break;
        }
        fleet.step();
    }
    let stored = fleet.observer.load().unwrap();
    for (number, machine) in fleet.machines.iter().enumerate() {
        let (there, sure) = (counted(&stored, &format!("count:{number}")), machine.acknowledged);
        assert!((sure..=sure + machine.unsure).contains(&there), "{there} of {sure} and {}", machine.unsure);
    }
    println!("{:?} in {} s", fleet.counts, fleet.now / 1_000);
    assert!(fleet.counts.least() >= 10, "too little happened to say anything");
}

/// How a refresh ends for the machine that holds the lease.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Lives,
    DiesBefore,
    DiesAfter,
}

/// A token endpoint for single-use refresh tokens. While it works, others ask too.
struct Endpoint {
    latest: AtomicU64,
    answered: AtomicUsize,
    denied: AtomicUsize,
    under_way: AtomicUsize,
    worst: AtomicUsize,
    fate: Mutex<Fate>,
    meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Endpoint")
    }
}

struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Dies without a word.
fn die() -> ! {
    std::panic::resume_unwind(Box::new("the holder dies"))
}

impl TokenRefresher for Endpoint {
    fn refresh<'a>(&'a self, _: &'a ProfileId, _: &'a ProviderId, spent: &'a Secret) -> RefreshFuture<'a> {
        Box::pin(async move {
            self.worst.fetch_max(1 + self.under_way.fetch_add(1, Ordering::SeqCst), Ordering::SeqCst);
            let _under_way = UnderWay(&self.under_way);
            let fate = std::mem::replace(&mut *self.fate.lock().unwrap(), Fate::Lives);
            let meanwhile = self.meanwhile.lock().unwrap().take();
            if let Some(ask) = meanwhile {
                ask();
            }
            if fate == Fate::DiesBefore {
                die();
            }
            let latest = self.latest.load(Ordering::SeqCst);
            if spent.expose() != format!("refresh-{latest}") {
                self.denied.fetch_add(1, Ordering::SeqCst);
                return Err(Error::new(ErrorKind::RefreshDenied, "the token was spent"));
            }
            self.answered.fetch_add(1, Ordering::SeqCst);
            self.latest.store(latest + 1, Ordering::SeqCst);
            if fate == Fate::DiesAfter {
                die();
            }
            let tokens = Tokens::new(Secret::new(format!("access-{}", latest + 1)));
            Ok(tokens.refresh(Secret::new(format!("refresh-{}", latest + 1))))
        })
    }
}

fn login(store: &Store, number: u64) {
    let (access, refresh) = (format!("access-{number}"), format!("refresh-{number}"));
    let login = Credential::oauth(Secret::new(access), Some(Secret::new(refresh)), Some(at(1 << 40)));
    store.upsert(&id("anthropic:me"), &ProviderId::anthropic(), &login, None).unwrap();
}

#[test]
fn a_fleet_refreshes_once_for_each_expiry_whoever_dies() {
    let clock = Arc::new(ManualClock::new(at(0)));
    let engine = MemoryEngine::new(clock.clone());
    let endpoint = Arc::new(Endpoint {
        latest: AtomicU64::new(1),
        answered: AtomicUsize::new(0),
        denied: AtomicUsize::new(0),
        under_way: AtomicUsize::new(0),
        worst: AtomicUsize::new(0),
        fate: Mutex::new(Fate::Lives),
        meanwhile: Mutex::new(None),
    });
    let me = id("anthropic:me");
    let machine = || {
        let store = SharedStore::new(engine.clone(), Settings::default().clock(clock.clone()));
        let refresher: Arc<dyn TokenRefresher> = endpoint.clone();
        let coordinator = RefreshCoordinator::new(Arc::new(store.clone()), refresher).lease_wait(Duration::ZERO);
        (store, Arc::new(coordinator))
    };
    let mut machines: Vec<_> = (0..MACHINES).map(|_| machine()).collect();
    login(&machines[0].0, 1);
    let (mut random, mut lost, mut deaths, mut orphaned) = (Random(20), 0, 0, 0);
    let expiries = 60 * usize::try_from(length()).unwrap();
    for _ in 0..expiries {
        let access = Secret::new(format!("access-{}", endpoint.latest.load(Ordering::SeqCst)));
        let fate = match random.below(8) {
            0 => Fate::DiesBefore,
            1 => Fate::DiesAfter,
            _ => Fate::Lives,
        };
        *endpoint.fate.lock().unwrap() = fate;
        // Two others ask while the first one has the lease, and are told to wait.
        let (one, two) = (machines[random.machine()].1.clone(), machines[random.machine()].1.clone());
        let first = random.machine();
        let others = [one, two].into_iter().filter(|other| !Arc::ptr_eq(other, &machines[first].1)).collect::<Vec<_>>();
        let (asked, refused) = (others.len(), Arc::new(AtomicUsize::new(0)));
        let (profile, seen, counter) = (me.clone(), access.clone(), refused.clone());
        *endpoint.meanwhile.lock().unwrap() = Some(Box::new(move || {
            for other in others {
                let error = other.refresh_rejected_blocking(&profile, &seen).unwrap_err();
                let cause = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<Error>());
                assert!(cause.is_some_and(Error::is_locked), "{error:?}");
                counter.fetch_add(1, Ordering::SeqCst);
            }
        }));
        let before = (endpoint.answered.load(Ordering::SeqCst), endpoint.denied.load(Ordering::SeqCst));
        let ended = catch_unwind(AssertUnwindSafe(|| machines[first].1.refresh_rejected_blocking(&me, &access)));
        assert_eq!(refused.load(Ordering::SeqCst), asked);
        assert_eq!(ended.is_err(), fate != Fate::Lives);
        if ended.is_err() {
            deaths += 1;
            orphaned += machines[first].0.orphaned();
            machines[first] = machine();
        }
        let mut ends = HashMap::new();
        for _ in 0..6 {
            let ended = machines[random.machine()].1.refresh_rejected_blocking(&me, &access);
            let name = match ended {
                Ok(RefreshOutcome::Refreshed) => "refreshed",
                Ok(RefreshOutcome::NotNeeded | RefreshOutcome::RefreshedElsewhere) => "elsewhere",
                Err(error) if error.kind() == ErrorKind::RefreshDenied => "denied",
                other => panic!("{other:?}"),
            };
            *ends.entry(name).or_insert(0) += 1;
        }
        let answered = endpoint.answered.load(Ordering::SeqCst) - before.0;
        let denied = endpoint.denied.load(Ordering::SeqCst) - before.1;
        assert_eq!(answered, 1, "one token for each expiry");
        let expected: &[(&str, i32)] = match fate {
            Fate::Lives => &[("elsewhere", 6)],
            Fate::DiesBefore => &[("refreshed", 1), ("elsewhere", 5)],
            Fate::DiesAfter => &[("denied", 6)],
        };
        assert_eq!(ends, expected.iter().copied().collect(), "{answered} {denied}");
        assert_eq!(denied, usize::from(fate == Fate::DiesAfter), "a token that is gone is sent once more at most");
        if fate == Fate::DiesAfter {
            lost += 1;
            let next = endpoint.latest.fetch_add(1, Ordering::SeqCst) + 1;
            login(&machines[0].0, next);
        }
    }
    orphaned += machines.iter().map(|(store, _)| store.orphaned()).sum::<u64>();
    println!("{expiries} expiries, {deaths} deaths, {lost} tokens lost, {orphaned} counted");
    assert_eq!((endpoint.worst.load(Ordering::SeqCst), orphaned), (1, deaths));
    assert!(lost > 2 && deaths > lost, "too few died to say anything");
}
