//! Machines that are killed at any moment, simulated by processes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use provider_auth::credential::Tokens;
use provider_auth::refresh::{RefreshCoordinator, RefreshFuture, TokenRefresher};
use provider_auth::select::{Receipt, SelectorRules};
use provider_auth::{
    AuthProfileStore as _, AuthProfileStoreExt as _, AuthProfiles, Credential, Error, ErrorKind, Failure,
    FailureReason, ProfileId, ProfileSelector, ProviderId, RecordOutcome as _, Secret, Timestamp,
};

use crate::child::{spawn, store};
use crate::server::Server;

fn id(name: &str) -> ProfileId {
    ProfileId::new(name).unwrap()
}

/// The number that stands in the place of a profile's email.
fn number_of(profiles: &AuthProfiles, name: &str) -> f64 {
    profiles.get(name).and_then(|profile| profile.email()?.parse().ok()).unwrap_or(0.0)
}

/// Counts in a profile of its own, in one that all share and in the statistics of both without an end, and says each count
/// once it is acknowledged.
pub(crate) fn write(url: &str, number: u64) {
    let store = store(url);
    let mut out = std::io::stdout().lock();
    // Rules that count every failure, also those of two processes at one time.
    let selector = ProfileSelector::new(SelectorRules::openclaw_2026_02());
    let names = [format!("anthropic:count-{number}"), "anthropic:count-all".to_owned()];
    for turn in 0_usize.. {
        let name = &names[turn % 2];
        let said = if turn % 8 < 2 {
            let count = |profiles: &mut AuthProfiles| {
                let next = number_of(profiles, name) + 1.0;
                let key = Credential::api_key(Secret::new("sk-ant-made-up"));
                profiles.upsert(&id(name), &ProviderId::anthropic(), &key, Some(&next.to_string()))
            };
            store.transact(count).unwrap();
            format!("profile {name}")
        } else {
            let now = Timestamp::from_millis(1_000);
            let receipt = Receipt::new(id(name), ProviderId::anthropic(), None, now);
            store.record_failure(&selector, &receipt, &Failure::new(FailureReason::Auth), now).unwrap();
            format!("failure {name}")
        };
        writeln!(out, "={said}").unwrap();
        out.flush().unwrap();
    }
}

/// What children said, a line each that was complete.
#[derive(Clone, Default)]
pub(crate) struct Said(Arc<Mutex<Vec<String>>>);

impl Said {
    /// Listens to a child until it ends.
    pub(crate) fn listen(&self, child: &mut Child) {
        let (said, out) = (self.clone(), child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in BufReader::new(out).split(b'\n') {
                let Ok(line) = line.map(|line| String::from_utf8(line).unwrap()) else { return };
                if let Some((_, name)) = line.split_once('=') {
                    said.0.lock().unwrap().push(name.to_owned());
                }
            }
        });
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

const WRITERS: u64 = 8;
const UPDATES: usize = 500;
const KILLS: u32 = 300;

#[test]
fn every_acknowledged_update_of_processes_that_are_killed_is_there() {
    let Some(server) = Server::start(&[]) else { return };
    let url = server.url();
    for number in 0..WRITERS {
        let key = Credential::api_key(Secret::new("sk-ant-made-up"));
        for name in [format!("anthropic:count-{number}"), "anthropic:count-all".to_owned()] {
            store(&url).upsert(&id(&name), &ProviderId::anthropic(), &key, None).unwrap();
        }
    }
    let said = Said::default();
    let replace = |number: u64| {
        let mut child = spawn("write", &url, number);
        said.listen(&mut child);
        child
    };
    let mut children: Vec<Child> = (0..WRITERS).map(replace).collect();
    let (began, mut kills) = (Instant::now(), 0);
    // One after the other is killed at another moment of its work, and another takes its place.
    while kills < KILLS || said.len() < usize::try_from(WRITERS).unwrap() * UPDATES {
        assert!(began.elapsed() < Duration::from_secs(300), "{kills} kills, {} updates", said.len());
        let number = u64::from(kills) % WRITERS;
        sleep(Duration::from_micros(u64::from(kills.wrapping_mul(7_919) % 20_000)));
        if kills < KILLS {
            let child = &mut children[usize::try_from(number).unwrap()];
            child.kill().unwrap();
            child.wait().unwrap();
            *child = replace(number);
            kills += 1;
        }
    }
    for child in &mut children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    sleep(Duration::from_millis(100));
    let (loaded, lines) = (store(&url).load().unwrap(), said.lines());
    let mut acknowledged = std::collections::HashMap::<&str, f64>::new();
    for line in &lines {
        *acknowledged.entry(line).or_default() += 1.0;
    }
    for (what, times) in acknowledged {
        let (kind, name) = what.split_once(' ').unwrap();
        if kind == "profile" {
            let counted = number_of(&loaded, name);
            assert!(counted >= times, "{name}: {counted} of {times} acknowledged");
        } else {
            let counted = loaded.usage(name).map_or(0.0, |usage| usage.failure_count(FailureReason::Auth));
            // A process may be killed before it says what it has written, and no sooner.
            let most = times + f64::from(kills + u32::try_from(WRITERS).unwrap());
            assert!(counted >= times && counted <= most, "{name}: {counted} of {times} acknowledged");
        }
    }
    println!("{} updates acknowledged, {kills} kills", lines.len());
}

/// Holds a lease until it is killed.
pub(crate) fn hold(url: &str) {
    let _lease = store(url).lease(&id("anthropic:me"), Duration::ZERO).unwrap();
    println!("=held");
    let _ = std::io::stdin().read(&mut [0]);
}

#[test]
fn a_lease_lasts_while_its_holder_lives_and_ends_after_it_was_killed_or_paused() {
    let Some(server) = Server::start(&[]) else { return };
    let (url, said) = (server.url(), Said::default());
    let mut child = spawn("hold", &url, 0);
    said.listen(&mut child);
    while said.len() == 0 {
        sleep(Duration::from_millis(5));
    }
    // Longer than its life of two seconds: it is renewed.
    let error = store(&url).lease(&id("anthropic:me"), Duration::from_secs(4)).unwrap_err();
    assert!(error.is_locked());
    drop(store(&url).lease(&id("anthropic:you"), Duration::ZERO).unwrap());
    let signal = |name: &str, child: &Child| {
        let told = std::process::Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
        assert!(told.success());
    };
    signal("-STOP", &child);
    let lease = store(&url).lease(&id("anthropic:me"), Duration::from_secs(20)).unwrap();
    // The one that wakes up takes nothing from the one that holds it now.
    signal("-CONT", &child);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(store(&url).lease(&id("anthropic:me"), Duration::ZERO).unwrap_err().is_locked());
    drop(lease);
    drop(store(&url).lease(&id("anthropic:me"), Duration::ZERO).unwrap());
}

/// An endpoint for single-use refresh tokens that all processes share: it is on the same server, and counts what it answered.
#[derive(Debug)]
struct Endpoint {
    client: redis::Client,
    /// How long it takes, of which the first half lies before the token is spent.
    time: Duration,
}

impl TokenRefresher for Endpoint {
    fn refresh<'a>(&'a self, _: &'a ProfileId, _: &'a ProviderId, spent: &'a Secret) -> RefreshFuture<'a> {
        Box::pin(async move {
            let mut connection = self.client.get_connection().unwrap();
            let flight: u32 = redis::cmd("INCR").arg("flight").query(&mut connection).unwrap();
            let most = redis::cmd("LPUSH").arg("flights").arg(flight).query::<u32>(&mut connection);
            most.unwrap();
            sleep(self.time / 2);
            let number: u64 = spent.expose().strip_prefix("refresh-").unwrap().parse().unwrap();
            let script = redis::Script::new(
                "if tonumber(redis.call('GET', 'latest') or '1') ~= tonumber(ARGV[1]) then return 0 end
                 redis.call('INCR', 'answered')
                 redis.call('SET', 'latest', ARGV[1] + 1)
                 return 1",
            );
            let good: u32 = script.arg(number).invoke(&mut connection).unwrap();
            sleep(self.time / 2);
            redis::cmd("DECR").arg("flight").query::<()>(&mut connection).unwrap();
            if good == 0 {
                return Err(Error::new(ErrorKind::RefreshDenied, "the token was spent"));
            }
            let tokens = Tokens::new(Secret::new(format!("access-{}", number + 1)));
            Ok(tokens.refresh(Secret::new(format!("refresh-{}", number + 1))))
        })
    }
}

fn login() -> AuthProfiles {
    AuthProfiles::from_json(
        r#"{"version": 1, "profiles": {"anthropic:me": {"type": "oauth", "provider": "anthropic",
            "access": "access-1", "refresh": "refresh-1", "expires": 9999999999999}}}"#,
    )
    .unwrap()
}

/// Has every access token refused once it is seen, until there are so many.
pub(crate) fn refresh(url: &str, most: u64) {
    let endpoint = Endpoint { client: redis::Client::open(url).unwrap(), time: Duration::from_millis(4) };
    let store = store(url);
    let coordinator = RefreshCoordinator::new(Arc::new(store.clone()), Arc::new(endpoint));
    loop {
        let loaded = store.load().unwrap();
        let access = loaded.get("anthropic:me").unwrap().credential().unwrap().secret().clone();
        if access.expose().strip_prefix("access-").unwrap().parse::<u64>().unwrap() >= most {
            return;
        }
        coordinator.refresh_rejected_blocking(&id("anthropic:me"), &access).unwrap();
    }
}

#[test]
fn eight_processes_spend_each_refresh_token_once() {
    const EXPIRIES: u64 = 200;
    let Some(server) = Server::start(&[]) else { return };
    let url = server.url();
    let put = &mut |profiles: &mut AuthProfiles| {
        profiles.replace(login());
        Ok(())
    };
    store(&url).update(put).unwrap();
    let mut children: Vec<Child> = (0..8).map(|_| spawn("refresh", &url, EXPIRIES + 1)).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let mut bare = server.bare();
    let answered: u64 = redis::cmd("GET").arg("answered").query(&mut bare).unwrap();
    let flights: Vec<u32> = redis::cmd("LRANGE").arg("flights").arg(0).arg(-1).query(&mut bare).unwrap();
    assert_eq!(answered, EXPIRIES);
    assert!(flights.iter().all(|flight| *flight == 1), "two refreshes at a time");
    assert_eq!(flights.len(), usize::try_from(EXPIRIES).unwrap(), "a token that was spent was sent again");
}

#[test]
fn threads_of_one_store_and_of_eight_lose_nothing() {
    let Some(server) = Server::start(&[]) else { return };
    let shared = store(&server.url());
    let key = Credential::api_key(Secret::new("sk-ant-made-up"));
    shared.upsert(&id("anthropic:a"), &ProviderId::anthropic(), &key, None).unwrap();
    let (acknowledged, ended) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for thread in 0..8_u64 {
            let (shared, acknowledged, url) = (&shared, &acknowledged, server.url());
            scope.spawn(move || {
                let own = store(&url);
                for turn in 0..50 {
                    let store = if thread % 2 == 0 { shared } else { &own };
                    let name = id(&format!("anthropic:{thread}-{turn}"));
                    let key = Credential::api_key(Secret::new("sk-ant-made-up"));
                    store.upsert(&name, &ProviderId::anthropic(), &key, None).unwrap();
                    acknowledged.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        ended.store(true, Ordering::SeqCst);
    });
    assert_eq!(shared.load().unwrap().len(), 1 + usize::try_from(acknowledged.load(Ordering::SeqCst)).unwrap());
}
