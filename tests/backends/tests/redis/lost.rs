//! A failover that loses what was acknowledged: the replica was cut off from the server before that died.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use provider_auth::select::Receipt;
use provider_auth::store::RedisStore;
use provider_auth::{
    AuthProfileStore as _, AuthProfileStoreExt as _, AuthProfiles, Clock as _, Credential, ErrorKind, Failure,
    FailureReason, ProfileId, ProfileSelector, ProviderId, RecordOutcome as _, Secret, SystemClock, Timestamp,
};

use crate::child::store;
use crate::server::Server;
use crate::way::Way;

const WRITERS: u64 = 4;

fn id(name: &str) -> ProfileId {
    ProfileId::new(name).unwrap()
}

fn add(store: &RedisStore, name: &str) -> provider_auth::Result<()> {
    let key = Credential::api_key(Secret::new("sk-ant-made-up"));
    store.upsert(&id(name), &ProviderId::anthropic(), &key, None)
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        sleep(Duration::from_millis(2));
    }
}

/// Counts that a writer was told of, each with the order in which it was: in its profiles, and beside them.
#[derive(Default)]
struct Told {
    updates: Vec<String>,
    counts: u64,
}

/// Adds profiles over the way until it is over, each followed by a bare count on the way of its own.
fn write(url: &str, number: u64, is_over: &AtomicBool, acknowledged: &AtomicU64) -> Told {
    let (store, client, mut told) = (store(url), redis::Client::open(url).unwrap(), Told::default());
    let (mut bare, mut turn) = (None, 0_u64);
    while !is_over.load(Ordering::SeqCst) {
        let name = format!("anthropic:{number}-{turn}");
        turn += 1;
        match add(&store, &name) {
            Ok(()) => {
                told.updates.push(name);
                acknowledged.fetch_add(1, Ordering::SeqCst);
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::StoreUnavailable, "{error:?}");
                sleep(Duration::from_millis(2));
                continue;
            }
        }
        bare = bare.take().or_else(|| client.get_connection().ok()).and_then(|mut bare: redis::Connection| {
            redis::cmd("RPUSH").arg(format!("beside-{number}")).arg(told.counts).query::<u64>(&mut bare).ok()?;
            told.counts += 1;
            Some(bare)
        });
    }
    told
}

#[test]
fn a_failover_that_loses_what_was_acknowledged_is_noticed_and_loses_what_the_server_lost() {
    let Some(mut first) = Server::start(&["--repl-diskless-sync-delay", "0"]) else { return };
    let port = first.port.to_string();
    let Some(second) = Server::start(&["--replicaof", "127.0.0.1", &port]) else { return };
    let way = Way::to(&first);
    let (url, is_over, acknowledged) = (way.url(), AtomicBool::new(false), AtomicU64::new(0));
    let selector = ProfileSelector::default();
    let witness = store(&url);
    add(&witness, "anthropic:kept").unwrap();
    // A replica that says it is linked may get nothing for another second.
    let copied = store(&second.url());
    until("the replica follows", || copied.load().is_ok_and(|profiles| profiles.get("anthropic:kept").is_some()));
    let (told, seen) = std::thread::scope(|scope| {
        let writer = |number| {
            let (url, is_over, acknowledged) = (&url, &is_over, &acknowledged);
            scope.spawn(move || write(url, number, is_over, acknowledged))
        };
        let writers: Vec<_> = (0..WRITERS).map(writer).collect();
        let more = |than: u64| {
            let before = acknowledged.load(Ordering::SeqCst);
            until("updates are acknowledged", || acknowledged.load(Ordering::SeqCst) > before + than);
        };
        more(40);
        // From here on the replica gets nothing, and the server acknowledges all the same.
        redis::cmd("REPLICAOF").arg("NO").arg("ONE").query::<()>(&mut second.bare()).unwrap();
        more(40);
        add(&witness, "anthropic:lost").unwrap();
        let seen = witness.load().unwrap();
        way.cut();
        first.kill();
        way.lead_to(&second);
        more(40);
        is_over.store(true, Ordering::SeqCst);
        (writers.into_iter().map(|writer| writer.join().unwrap()).collect::<Vec<_>>(), seen)
    });

    let stored = store(&second.url()).load().unwrap();
    let updates: usize = told.iter().map(|told| told.updates.len()).sum();
    let lost = told.iter().flat_map(|told| &told.updates).filter(|name| stored.get(name).is_none()).count() as u64;
    let mut bare = second.bare();
    let mut lost_counts = 0;
    for (number, told) in told.iter().enumerate() {
        let there: u64 = redis::cmd("LLEN").arg(format!("beside-{number}")).query(&mut bare).unwrap();
        lost_counts += told.counts - there.min(told.counts);
        // What is lost is one stretch.
        let lost = told.updates.iter().map(|name| stored.get(name).is_none());
        let ends = lost.scan(false, |before, is_lost| Some(std::mem::replace(before, is_lost) && !is_lost));
        assert!(ends.filter(|ends| *ends).count() <= 1, "{:?}", told.updates);
    }
    println!(
        "a failover lost {lost} of {updates} acknowledged updates, and {lost_counts} of the bare writes beside them"
    );
    assert!(lost >= 40 && lost <= lost_counts + WRITERS, "{lost} updates and {lost_counts} bare writes are lost");

    // Nothing is there in part, and nothing that nobody wrote.
    for (id, profile) in stored.iter() {
        assert_eq!(profile.credential().unwrap().secret().expose(), "sk-ant-made-up", "{id}");
    }
    // A store that knows what was lost notices: an outcome of a profile that is gone brings it not back, and an update
    // begins with what is there.
    assert!(seen.get("anthropic:lost").is_some() && stored.get("anthropic:lost").is_none());
    let now = SystemClock.now();
    for name in ["anthropic:lost", "anthropic:kept"] {
        let receipt = Receipt::new(id(name), ProviderId::anthropic(), None, now);
        let failure = Failure::new(FailureReason::Auth);
        // The first one may have been written, as far as can be known, and is reported once more.
        until("the outcome is written", || witness.record_failure(&selector, &receipt, &failure, now).is_ok());
    }
    let mut given = None;
    let look = |profiles: &mut AuthProfiles| {
        given = Some(profiles.clone());
        profiles.upsert(
            &id("anthropic:after"),
            &ProviderId::anthropic(),
            &Credential::api_key(Secret::new("sk-ant-made-up")),
            None,
        )
    };
    witness.transact(look).unwrap();
    assert!(given.unwrap().get("anthropic:lost").is_none(), "the update ran on what was lost");
    let (ours, stored) = (witness.load().unwrap(), store(&second.url()).load().unwrap());
    assert_eq!(ours.to_json(), stored.to_json());
    assert!(stored.get("anthropic:lost").is_none() && stored.get("anthropic:after").is_some());
    assert!(
        stored.usage("anthropic:kept").is_some_and(|usage| usage.last_failure_at() > Some(Timestamp::from_millis(1)))
    );
}
