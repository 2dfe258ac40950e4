//! The store on Redis compared with the bare round trips and with a store that keeps one text under one key.
//!
//! `cargo bench -p provider-auth-backends --bench redis`; without a `redis-server` nothing is measured.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    clippy::panic,
    dead_code,
    reason = "a benchmark may stop where its own input is wrong, and uses a part of what the tests have"
)]

#[path = "../tests/redis/server.rs"]
mod server;
#[path = "../../../benches/timing/mod.rs"]
mod timing;
#[path = "redis/whole.rs"]
mod whole;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use provider_auth::clock::{Clock as _, SystemClock};
use provider_auth::select::Receipt;
use provider_auth::store::shared::{MemoryEngine, Settings, SharedStore};
use provider_auth::{
    AuthProfileStore, AuthProfiles, Failure, FailureReason, ProfileId, ProfileSelector, ProviderId, RecordOutcome as _,
    Timestamp,
};

use server::Server;
use whole::WholeDocument;

const PROFILES: u64 = 64;
const WRITERS: u64 = 8;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(500);

fn main() {
    let Some(server) = Server::start(&[]) else { return };
    println!("{PROFILES} profiles, {} bytes", document().to_json().expose().len());

    timing::head("one machine");
    let store = server.store("bench");
    fill(&store);
    let mut bare = server.bare();
    let (mut turn, mut other) = (0, 0);
    // What a commit cannot do without: one script that compares two versions, and writes as many bytes.
    let script = redis::Script::new(
        "if redis.call('HGET', KEYS[1], 'a') ~= ARGV[1] or redis.call('HGET', KEYS[1], 'b') ~= ARGV[2] then return false end
         redis.call('HSET', KEYS[1], ARGV[3], ARGV[4], ARGV[5], ARGV[6]) return redis.call('HSET', KEYS[1], '', ARGV[4])",
    );
    redis::cmd("HSET").arg("bare").arg("a").arg("1").arg("b").arg("2").query::<()>(&mut bare).unwrap();
    let loaded = store.load().unwrap();
    let (text, given) = (loaded.usage("anthropic:profile-0").unwrap().to_json(), loaded.usage("anthropic:profile-1"));
    let stats = [loaded.usage("anthropic:profile-0").unwrap().clone(), given.unwrap().clone()];
    let ids: Vec<ProfileId> = (0..PROFILES).map(id).collect();
    let mut bare_update = |other: u64| {
        let mut call = script.key("bare");
        call.arg("1").arg("2").arg("v").arg(format!("stamp-{other}")).arg("d").arg(&text);
        call.invoke::<redis::Value>(&mut bare).unwrap()
    };
    let update = timing::pair(
        || {
            turn += 1;
            let (at, which) = ((turn % PROFILES) as usize, (turn / PROFILES % 2) as usize);
            store.update_usage(&ids[at], &mut |_, usage| usage.clone_from(&stats[which])).unwrap()
        },
        || {
            other += 1;
            bare_update(other)
        },
    );
    timing::row("update of statistics, against one bare script", update, "aim: below 1.5");
    let outcome = timing::pair(
        || {
            turn += 1;
            fail(&store, turn % PROFILES, turn + 1);
        },
        || {
            other += 1;
            bare_update(other)
        },
    );
    timing::row("outcome by the rules, against one bare script", outcome, "");
    let fresh = timing::pair(
        || store.load().unwrap(),
        || redis::cmd("GET").arg("nothing").query::<Option<String>>(&mut bare).unwrap(),
    );
    timing::row("load that asks, against one bare GET", fresh, "");
    let lazy = server.store_with("bench", Settings::default().staleness(Duration::from_secs(3_600)));
    // The first one asks.
    lazy.load().unwrap();
    let cached = timing::pair(|| lazy.load().unwrap(), || SystemClock.now());
    timing::row("load within the staleness, against a clock read", cached, "aim: below 3");
    let whole = WholeDocument::open(&server.url());
    fill(&whole);
    let (mut turn, mut other) = (0, 0);
    let beside = timing::pair(
        || {
            turn += 1;
            fail(&store, turn % PROFILES, turn + 1_000_000);
        },
        || {
            other += 1;
            fail(&whole, other % PROFILES, other + 1);
        },
    );
    timing::row("update, against the store of one text", beside, "");

    machines(&server, &script, &text);
}

/// Prints how many updates a second so many machines make, and what limits them.
fn machines(server: &Server, script: &redis::Script, text: &str) {
    println!("{WRITERS} machines, updates a second");
    let rate = |writers: u64, one: bool, open: &(dyn Fn() -> Box<dyn AuthProfileStore> + Sync)| {
        written(writers, |writer, turn, store| fail(store, if one { 0 } else { writer }, turn), open)
    };
    let ours = || -> Box<dyn AuthProfileStore> { Box::new(server.store("bench")) };
    let memory = || -> Box<dyn AuthProfileStore> {
        let store = SharedStore::new(MemoryEngine::default(), Settings::default());
        fill(&store);
        Box::new(store)
    };
    let texts = || -> Box<dyn AuthProfileStore> { Box::new(WholeDocument::open(&server.url())) };
    // In turn, so that each has its part of what else the machine does.
    let kinds: [&dyn Fn() -> f64; 7] = [
        &|| rate(1, true, &ours),
        &|| rate(WRITERS, false, &ours),
        &|| rate(WRITERS, true, &ours),
        &|| bare_rate(server, script, text),
        &|| rate(WRITERS, false, &memory),
        &|| rate(1, true, &texts),
        &|| rate(WRITERS, false, &texts),
    ];
    let mut rates = kinds.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        for (rates, kind) in rates.iter_mut().zip(kinds) {
            rates.push(kind());
        }
    }
    let [alone, apart, same, bare, memory, text, texts] = rates.map(|mut rates| {
        rates.sort_by(f64::total_cmp);
        rates[ROUNDS / 2]
    });
    // What is left for these machines where the server runs on the same processors.
    let limit = 1.0 / (1.0 / bare + 1.0 / memory);
    println!("one writer                            {alone:>9.0}");
    println!(
        "different profiles                    {apart:>9.0}   ratio {:>5.2}   aim: above 4, or the limit",
        apart / alone
    );
    println!("bare scripts, which the server limits {bare:>9.0}   of it {:>5.2}", apart / bare);
    println!("no server, which processors limit     {memory:>9.0}   of it {:>5.2}", apart / memory);
    println!("both one after the other              {limit:>9.0}   of it {:>5.2}", apart / limit);
    println!("one profile                           {same:>9.0}   ratio {:>5.2}   aim: above 0.5", same / alone);
    println!("one text: one writer                  {text:>9.0}");
    println!("one text: different profiles          {texts:>9.0}   ratio {:>5.2}", texts / text);
}

fn document() -> AuthProfiles {
    let entries: Vec<String> = (0..PROFILES)
        .map(|n| {
            format!(
                r#""anthropic:profile-{n}":{{"type":"api_key","provider":"anthropic","key":"sk-ant-api03-{n:080}"}}"#
            )
        })
        .collect();
    AuthProfiles::from_json(&format!(r#"{{"version":1,"profiles":{{{}}}}}"#, entries.join(","))).unwrap()
}

/// Fills a store with all profiles, each of which has failed once.
fn fill(store: &dyn AuthProfileStore) {
    let put = &mut |profiles: &mut AuthProfiles| {
        profiles.replace(document());
        Ok(())
    };
    store.update(put).unwrap();
    for turn in 0..PROFILES {
        fail(store, turn, 1);
    }
}

fn id(profile: u64) -> ProfileId {
    ProfileId::new(format!("anthropic:profile-{profile}")).unwrap()
}

/// Records a failure of one profile, each of its own time.
fn fail(store: &(impl AuthProfileStore + ?Sized), profile: u64, turn: u64) {
    let id = id(profile);
    let now = Timestamp::from_millis(1_700_000_000_000 + i64::try_from(turn).unwrap() * 7_200_000);
    let receipt = Receipt::new(id, ProviderId::anthropic(), None, now);
    store.record_failure(&ProfileSelector::default(), &receipt, &Failure::new(FailureReason::Auth), now).unwrap();
}

/// How many updates a second so many machines make together.
fn written(
    writers: u64,
    update: impl Fn(u64, u64, &dyn AuthProfileStore) + Sync,
    open: &(dyn Fn() -> Box<dyn AuthProfileStore> + Sync),
) -> f64 {
    static TURN: AtomicU64 = AtomicU64::new(2_000_000);
    let (ended, count) = (AtomicBool::new(false), AtomicU64::new(0));
    let began = Instant::now();
    std::thread::scope(|scope| {
        for writer in 0..writers {
            let (ended, count, update) = (&ended, &count, &update);
            scope.spawn(move || {
                let store = open();
                while !ended.load(Ordering::Relaxed) {
                    update(writer, TURN.fetch_add(1, Ordering::Relaxed), &*store);
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        std::thread::sleep(ROUND);
        ended.store(true, Ordering::Relaxed);
    });
    count.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64()
}

/// How many bare scripts a second the server runs for as many connections.
fn bare_rate(server: &Server, script: &redis::Script, text: &str) -> f64 {
    let (ended, count) = (AtomicBool::new(false), AtomicU64::new(0));
    let began = Instant::now();
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (ended, count) = (&ended, &count);
            let mut bare = server.bare();
            scope.spawn(move || {
                while !ended.load(Ordering::Relaxed) {
                    let mut call = script.key("bare");
                    call.arg("1").arg("2").arg(format!("v{writer}")).arg("stamp").arg(format!("d{writer}")).arg(text);
                    call.invoke::<redis::Value>(&mut bare).unwrap();
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        std::thread::sleep(ROUND);
        ended.store(true, Ordering::Relaxed);
    });
    count.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64()
}
