//! Two keys that a provider limits now and then, and eight machines that use them: some are killed, three are cut off from
//! the server at times.
//!
//! `PROVIDER_AUTH_FLEET=10 cargo test -p provider-auth-backends --test redis limits -- --nocapture` has ten times as many limits.

use std::collections::{HashMap, HashSet};
use std::process::Child;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use provider_auth::record::Record;
use provider_auth::rotation::{Attempt, Outcome, ProbeLog, Rotation, Step};
use provider_auth::select::ProbePolicy;
use provider_auth::store::shared::{Settings, SharedStore};
use provider_auth::store::{RedisEngine, RedisStore, TrialClaim};
use provider_auth::{
    AuthProfileStore as _, AuthProfileStoreExt as _, AuthProfiles, Clock as _, Credential, ErrorKind, Failure,
    FailureReason, ProfileId, ProfileSelector, ProviderId, RecordOutcome as _, Secret, SystemClock,
};
use redis::{Connection, Script};
use serde_json::Value;

use crate::child::spawn;
use crate::server::Server;
use crate::way::Way;

const MACHINES: u64 = 8;
/// How many of them are cut off at times.
const CUT: u64 = 3;
const KEYS: [&str; 2] = ["openai:a", "openai:b"];
const LIMIT: Duration = Duration::from_millis(500);

/// The provider: it notes each request, and answers with the moment until which the key is limited, and for how long.
const SEND: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local till = tonumber(redis.call('GET', 'limit-' .. ARGV[1]) or '0')
redis.call('RPUSH', 'log', cjson.encode({ what = 'sent', key = ARGV[1], machine = ARGV[2], from = tonumber(ARGV[3]),
    trial = ARGV[4], probe = ARGV[5] == '1', away = ARGV[6] == '1', now = now }))
return { till, till - now }";

/// Limits a key for so many milliseconds from now on.
const BEGIN: &str = r"
local time = redis.call('TIME')
redis.call('SET', 'limit-' .. ARGV[1], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2])
return true";

fn id(name: &str) -> ProfileId {
    ProfileId::new(name).unwrap()
}

/// The provider as one machine sees it, which is never cut off from it.
struct Provider {
    connection: Connection,
    machine: String,
}

impl Provider {
    /// How many lines the list has of what happened.
    fn lines(&mut self) -> u64 {
        redis::cmd("LLEN").arg("log").query(&mut self.connection).unwrap()
    }

    fn note(&mut self, what: &str, key: &str, trial: &str, till: i64) {
        let line = serde_json::json!({"what": what, "key": key, "machine": self.machine, "trial": trial, "till": till});
        redis::cmd("RPUSH").arg("log").arg(line.to_string()).query::<()>(&mut self.connection).unwrap();
    }

    fn send(&mut self, attempt: &Attempt, from: u64, trial: &str, is_away: bool) -> (i64, i64) {
        let is_probe = attempt.trial().is_some_and(|trial| trial.until() > SystemClock.now());
        let script = Script::new(SEND);
        let mut call = script.arg(attempt.profile().as_str());
        call.arg(&self.machine).arg(from).arg(trial).arg(u8::from(is_probe)).arg(u8::from(is_away));
        call.invoke(&mut self.connection).unwrap()
    }

    fn is_over(&mut self) -> bool {
        redis::cmd("EXISTS").arg("over").query(&mut self.connection).unwrap()
    }
}

struct Machine {
    store: RedisStore,
    provider: Provider,
    selector: Arc<ProfileSelector>,
    log: Arc<ProbeLog>,
    /// Outcomes that could not be written yet, with the moment until which the key is limited.
    unwritten: Vec<(Record, i64)>,
}

/// Makes one call after the other, until it is over. The URL is that of the store, and behind it the provider's.
pub(crate) fn run(urls: &str, number: u64) {
    let (store, provider) = urls.split_once(' ').unwrap();
    let engine = RedisEngine::new(store).unwrap().timeout(Duration::from_secs(30));
    let settings = Settings::default().lease_life(Duration::from_millis(500)).serve_stale(Duration::from_secs(20));
    let connection = redis::Client::open(provider).unwrap().get_connection().unwrap();
    let mut machine = Machine {
        store: SharedStore::new(engine, settings),
        provider: Provider { connection, machine: format!("{number}-{}", std::process::id()) },
        selector: Arc::default(),
        log: Arc::default(),
        unwritten: Vec::new(),
    };
    for turn in 0_u64.. {
        machine.call();
        if turn % 8 == 0 {
            machine.count(number);
        }
        sleep(Duration::from_millis(4 + number));
        if machine.provider.is_over() && machine.unwritten.is_empty() {
            return;
        }
    }
}

impl Machine {
    /// Adds one to a count of the store, and to one beside it once that is acknowledged.
    fn count(&mut self, number: u64) {
        let name = format!("count:{number}");
        let count = |profiles: &mut AuthProfiles| {
            let next = counted(profiles, &name) + 1;
            let key = Credential::api_key(Secret::new("made-up"));
            profiles.upsert(&id(&name), &ProviderId::new("count")?, &key, Some(&next.to_string()))
        };
        match self.store.transact(count) {
            Ok(()) => redis::cmd("INCR").arg(name).query::<()>(&mut self.provider.connection).unwrap(),
            Err(error) => assert_eq!(error.kind(), ErrorKind::StoreUnavailable, "{error:?}"),
        }
    }

    fn call(&mut self) {
        while let Some((record, till)) = self.unwritten.pop() {
            if !self.write(record, till) {
                return;
            }
        }
        let mut policy = ProbePolicy::default();
        (policy.lead, policy.interval) = (Duration::from_millis(250), Duration::from_millis(200));
        let rotation = Rotation::new(self.selector.clone(), "openai/gpt-5".parse().unwrap(), SystemClock.now());
        let mut rotation = rotation.probes(policy, self.log.clone());
        loop {
            let from = self.provider.lines();
            let Ok(profiles) = self.store.load() else { return };
            let (is_away, now) = (self.store.is_away(), SystemClock.now());
            let Step::Attempt(attempt) = rotation.next(&profiles, now) else { return };
            let claimed = attempt.trial().map(|trial| (trial.name(), self.store.claim_trial(trial)));
            match claimed {
                None => self.attempt(&mut rotation, attempt, (from, "", is_away)),
                // Whoever cannot ask the others tries for itself.
                Some((name, Err(_))) => {
                    assert!(self.store.is_away());
                    self.attempt(&mut rotation, attempt, (from, &name, true));
                }
                Some((name, Ok(TrialClaim::Held(guard)))) => {
                    let profiles = self.store.load().unwrap();
                    let Some(attempt) = rotation.claimed(&attempt, guard, &profiles, now) else { continue };
                    self.attempt(&mut rotation, attempt, (from, &name, is_away));
                }
                Some(_) => {
                    rotation.postpone(&attempt, now);
                    continue;
                }
            }
            return;
        }
    }

    /// Sends a request, and writes what came of it.
    fn attempt(&mut self, rotation: &mut Rotation, attempt: Attempt, (from, trial, is_away): (u64, &str, bool)) {
        let (till, left) = self.provider.send(&attempt, from, trial, is_away);
        sleep(Duration::from_millis(3));
        let now = SystemClock.now();
        let outcome = match u64::try_from(left) {
            Ok(left @ 1..) => {
                let deadline = now + Duration::from_millis(left);
                Outcome::from(Failure::new(FailureReason::RateLimit).with_deadline(Some(deadline)))
            }
            _ => Outcome::answered(None),
        };
        if let Some(record) = rotation.report(&attempt, outcome, now) {
            self.write(record, till);
        }
        if !trial.is_empty() {
            self.provider.note("ended", attempt.profile().as_str(), trial, 0);
        }
        // Only now can another one try.
        drop(attempt);
    }

    /// Writes an outcome, or keeps it; returns whether it was written.
    fn write(&mut self, record: Record, till: i64) -> bool {
        if let Err(error) = self.store.record(&self.selector, &record, SystemClock.now()) {
            assert_eq!(error.kind(), ErrorKind::StoreUnavailable, "{error:?}");
            self.unwritten.push((record, till));
            return false;
        }
        if let Record::Failure(receipt, _) = record {
            self.provider.note("written", receipt.profile().as_str(), "", till);
        }
        true
    }
}

fn counted(profiles: &AuthProfiles, name: &str) -> u64 {
    profiles.get(name).and_then(|profile| profile.email()?.parse().ok()).unwrap_or(0)
}

#[test]
fn eight_machines_leave_a_limited_key_alone_and_try_each_window_one_at_a_time() {
    let Some(server) = Server::start(&[]) else { return };
    let length = std::env::var("PROVIDER_AUTH_FLEET").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    let limits = 3 * length;
    let store = server.store("main");
    for name in KEYS {
        let key = Credential::api_key(Secret::new("sk-made-up"));
        store.upsert(&id(name), &ProviderId::new("openai").unwrap(), &key, None).unwrap();
    }
    store.set_order(&ProviderId::new("openai").unwrap(), &KEYS.map(id)).unwrap();
    let way = Way::to(&server);
    let start = |number: u64| {
        let url = if number < CUT { way.url() } else { server.url() };
        spawn("limits", &format!("{url} {}", server.url()), number)
    };
    let mut children: Vec<Child> = (0..MACHINES).map(start).collect();
    let (mut bare, mut killed) = (server.bare(), HashSet::new());
    let length_of_log = |bare: &mut Connection| redis::cmd("LLEN").arg("log").query::<u64>(bare).unwrap();
    let began = Instant::now();
    while length_of_log(&mut bare) < 4 * MACHINES {
        assert!(began.elapsed() < Duration::from_secs(60), "the machines do not begin");
        sleep(Duration::from_millis(5));
    }
    for limit in 0..limits {
        // Of three limits two are of both keys, and one is of the first.
        for key in &KEYS[..=usize::from(limit % 3 != 2)] {
            Script::new(BEGIN)
                .arg(*key)
                .arg(u64::try_from(LIMIT.as_millis()).unwrap())
                .invoke::<()>(&mut bare)
                .unwrap();
        }
        sleep(LIMIT / 5);
        match limit % 3 {
            0 => way.cut(),
            1 => {
                let child = &mut children[usize::try_from(limit % MACHINES).unwrap()];
                killed.insert(child.id());
                child.kill().unwrap();
                child.wait().unwrap();
                *child = start(limit % MACHINES);
            }
            _ => {}
        }
        sleep(LIMIT * 3 / 5);
        way.lead_to(&server);
        sleep(LIMIT * 3 / 5);
    }
    redis::cmd("SET").arg("over").arg(1).query::<()>(&mut bare).unwrap();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let lines: Vec<String> = redis::cmd("LRANGE").arg("log").arg(0).arg(-1).query(&mut bare).unwrap();
    let lines: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let counts = check(&lines, &killed);
    println!("{limits} times limited, {} killed: {counts:?}", killed.len());
    assert!(counts.windows >= limits && counts.probes > 0 && counts.trials > counts.probes, "{counts:?}");
    let stored = store.load().unwrap();
    for number in 0..MACHINES {
        let name = format!("count:{number}");
        let acknowledged: u64 = redis::cmd("GET").arg(&name).query(&mut bare).unwrap();
        assert!(acknowledged > 0 && counted(&stored, &name) >= acknowledged, "{name}: {acknowledged}");
    }
}

#[derive(Debug, Default)]
struct Counts {
    requests: u64,
    /// Those of machines that were cut off.
    away: u64,
    windows: u64,
    probes: u64,
    trials: u64,
}

/// Checks what the provider saw, in its order.
fn check(lines: &[Value], killed: &HashSet<u32>) -> Counts {
    let (mut counts, mut windows) = (Counts::default(), HashSet::new());
    let mut open = HashMap::<&str, &str>::new();
    for (number, line) in lines.iter().enumerate() {
        let text = |name: &str| line[name].as_str().unwrap();
        let (key, machine, trial) = (text("key"), text("machine"), text("trial"));
        match text("what") {
            "written" => {
                windows.insert((key, line["till"].as_i64()));
            }
            "ended" => {
                if open.get(trial) == Some(&machine) {
                    open.remove(trial);
                }
            }
            _ if line["away"] == true => {
                counts.requests += 1;
                counts.away += 1;
            }
            _ if trial.is_empty() => {
                counts.requests += 1;
                // What was written before the load that it was picked by.
                let from = usize::try_from(line["from"].as_u64().unwrap()).unwrap();
                let is_known = |known: &&Value| {
                    known["what"] == "written" && known["key"] == key && known["till"].as_f64() > line["now"].as_f64()
                };
                let known = lines[..from.min(number)].iter().rfind(is_known);
                assert!(known.is_none(), "line {number}, {line}, is wasted: {known:?}");
            }
            _ => {
                counts.requests += 1;
                counts.trials += 1;
                counts.probes += u64::from(line["probe"] == true);
                if let Some(other) = open.insert(trial, machine) {
                    let (other_number, process) = other.split_once('-').unwrap();
                    // One that was cut off after it had claimed the trial cannot extend its claim.
                    let may_lose_it = other_number.parse::<u64>().unwrap() < CUT;
                    let is_over = may_lose_it || killed.contains(&process.parse().unwrap());
                    assert!(is_over, "line {number}: {machine} and {other} try {trial}");
                }
            }
        }
    }
    counts.windows = windows.len() as u64;
    counts
}
