//! A server that is killed, and one that is replaced by its replica.

use std::io::Write as _;
use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use provider_auth::store::shared::{Settings, SharedStore};
use provider_auth::store::{RedisEngine, RedisStore};
use provider_auth::{
    AuthProfileStore as _, AuthProfileStoreExt as _, Credential, ErrorKind, ProfileId, ProviderId, Secret,
};

use crate::child::{spawn, store};
use crate::processes::Said;
use crate::server::Server;

/// A replica is given everything at once, not some seconds after it asked.
const AT_ONCE: [&str; 2] = ["--repl-diskless-sync-delay", "0"];

fn add(store: &RedisStore, name: &str) -> provider_auth::Result<()> {
    let key = Credential::api_key(Secret::new("sk-ant-made-up"));
    store.upsert(&ProfileId::new(name)?, &ProviderId::anthropic(), &key, None)
}

/// Adds profiles without an end, also over a server that is away for a while, and says each once it is acknowledged.
pub(crate) fn write(url: &str, number: u64) {
    let store = store(url);
    let mut out = std::io::stdout().lock();
    for turn in 0_u32.. {
        let name = format!("anthropic:{number}-{turn}");
        match add(&store, &name) {
            Ok(()) => {
                writeln!(out, "={name}").unwrap();
                out.flush().unwrap();
            }
            Err(error) => {
                assert!(error.is_transient(), "{error:?}");
                sleep(Duration::from_millis(5));
            }
        }
    }
}

fn end(children: &mut [Child]) {
    for child in children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    sleep(Duration::from_millis(100));
}

#[test]
fn a_server_that_syncs_each_write_loses_nothing_acknowledged_when_it_is_killed() {
    let Some(mut server) = Server::start(&["--appendonly", "yes", "--appendfsync", "always"]) else { return };
    let (url, said) = (server.url(), Said::default());
    let mut children: Vec<Child> = (0..4).map(|number| spawn("outlive", &url, number)).collect();
    for child in &mut children {
        said.listen(child);
    }
    for kill in 1..=10_usize {
        // At another moment of its work each time.
        let began = Instant::now();
        while said.len() < kill * 20 {
            assert!(began.elapsed() < Duration::from_secs(60), "nothing is acknowledged any more");
            sleep(Duration::from_micros(500));
        }
        server.kill();
        sleep(Duration::from_millis(20));
        server.restart();
    }
    end(&mut children);
    let (loaded, lines) = (store(&url).load().unwrap(), said.lines());
    let lost: Vec<_> = lines.iter().filter(|name| loaded.get(name).is_none()).collect();
    assert!(lost.is_empty(), "{} of {} acknowledged updates are lost: {lost:?}", lost.len(), lines.len());
    println!("{} updates acknowledged over ten kills of the server", lines.len());
}

#[test]
fn a_replica_that_takes_over_has_a_sound_document_and_says_what_was_lost() {
    let Some(mut first) = Server::start(&AT_ONCE) else { return };
    let port = first.port.to_string();
    let Some(second) = Server::start(&["--replicaof", "127.0.0.1", &port]) else { return };
    let is_linked = |server: &Server| {
        let info: String = redis::cmd("INFO").arg("replication").query(&mut server.bare()).unwrap();
        info.contains("master_link_status:up")
    };
    while !is_linked(&second) {
        sleep(Duration::from_millis(20));
    }
    let said = Said::default();
    let mut children: Vec<Child> = (0..4).map(|number| spawn("outlive", &first.url(), number)).collect();
    for child in &mut children {
        said.listen(child);
    }
    // A store that has seen what may be lost, and goes on with the other server.
    while said.len() < 200 {
        sleep(Duration::from_millis(1));
    }
    first.kill();
    end(&mut children);
    redis::cmd("REPLICAOF").arg("NO").arg("ONE").query::<()>(&mut second.bare()).unwrap();
    let after = store(&second.url());
    let (loaded, lines) = (after.load().unwrap(), said.lines());
    let lost = lines.iter().filter(|name| loaded.get(name).is_none()).count();
    let offset = |server: &Server| {
        let info: String = redis::cmd("INFO").arg("replication").query(&mut server.bare()).unwrap();
        info.lines().find_map(|line| line.strip_prefix("master_repl_offset:").map(str::to_owned)).unwrap()
    };
    println!("{lost} of {} acknowledged updates lost; the replica had {} bytes", lines.len(), offset(&second));
    // What is there goes on to work.
    add(&after, "anthropic:after").unwrap();
    assert_eq!(store(&second.url()).load().unwrap().len(), loaded.len() + 1);
}

#[test]
fn an_update_can_wait_for_replicas_and_says_where_there_are_none() {
    let Some(first) = Server::start(&AT_ONCE) else { return };
    let waiting = |server: &Server| {
        let engine = RedisEngine::new(&server.url()).unwrap().wait_for_replicas(1, Duration::from_millis(500));
        SharedStore::new(engine, Settings::default())
    };
    let error = add(&waiting(&first), "anthropic:alone").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreUnavailable);
    assert!(store(&first.url()).load().unwrap().get("anthropic:alone").is_some(), "it is written, as the error says");
    let Some(second) = Server::start(&["--replicaof", "127.0.0.1", &first.port.to_string()]) else { return };
    let began = Instant::now();
    while add(&waiting(&first), "anthropic:two").is_err() {
        assert!(began.elapsed() < Duration::from_secs(30));
    }
    assert!(store(&second.url()).load().unwrap().get("anthropic:two").is_some());
    // A replica takes no writes, which is a matter of moments.
    let error = add(&store(&second.url()), "anthropic:three").unwrap_err();
    assert!(error.kind() == ErrorKind::StoreUnavailable && error.is_transient(), "{error:?}");
}

/// What a writer was told: of its updates, and how often the server counted for it.
#[derive(Default)]
struct Told {
    updates: Vec<String>,
    counts: u64,
}

/// Adds profiles over the sentinel until it is over; beside each one, counts with a bare command on the first server.
fn write_on(engine: RedisEngine, first: &str, number: u64, is_over: &AtomicBool, acknowledged: &AtomicU64) -> Told {
    let store = SharedStore::new(engine, Settings::default());
    let (mut bare, mut told) = (redis::Client::open(first).unwrap().get_connection().ok(), Told::default());
    for turn in 0_u64.. {
        if is_over.load(Ordering::SeqCst) {
            break;
        }
        let name = format!("anthropic:{number}-{turn}");
        match add(&store, &name) {
            Ok(()) => {
                told.updates.push(name);
                acknowledged.fetch_add(1, Ordering::SeqCst);
            }
            Err(error) => {
                assert!(error.is_transient(), "{error:?}");
                sleep(Duration::from_millis(5));
            }
        }
        let count = |mut bare: redis::Connection| {
            let counted = redis::cmd("INCR").arg(format!("beside-{number}")).query::<u64>(&mut bare);
            counted.ok().map(|count| (bare, count))
        };
        bare = bare.take().and_then(count).map(|(bare, count)| {
            told.counts = count;
            bare
        });
    }
    told
}

#[test]
fn a_failover_by_sentinel_under_load_loses_no_more_than_the_server_and_corrupts_nothing() {
    const WRITERS: u64 = 4;
    let Some(mut first) = Server::start(&AT_ONCE) else { return };
    let Some(second) = Server::start(&["--replicaof", "127.0.0.1", &first.port.to_string()]) else { return };
    let (is_over, acknowledged) = (AtomicBool::new(false), AtomicU64::new(0));
    let until = |what: &str, is_so: &mut dyn FnMut() -> bool| {
        let began = Instant::now();
        while !is_so() {
            if began.elapsed() > Duration::from_secs(60) {
                // The writers end with the test.
                is_over.store(true, Ordering::SeqCst);
                panic!("{what}");
            }
            sleep(Duration::from_millis(5));
        }
    };
    // A sentinel that promotes a replica ends its connections.
    let asked = |server: &Server, command: &redis::Cmd| {
        let mut bare = redis::Client::open(server.url()).unwrap().get_connection().ok()?;
        command.query::<String>(&mut bare).ok()
    };
    let info = |server: &Server, wanted: &str| {
        asked(server, redis::cmd("INFO").arg("replication")).is_some_and(|info| info.contains(wanted))
    };
    until("the replica is linked", &mut || info(&second, "master_link_status:up"));
    // One that says it is linked may get nothing for another second.
    redis::cmd("SET").arg("begun").arg(1).query::<()>(&mut first.bare()).unwrap();
    let has_begun = |server: &Server| asked(server, redis::cmd("GET").arg("begun")).is_some();
    until("the replica follows", &mut || has_begun(&second));
    let file = first.path("sentinel.conf");
    let told = format!(
        "sentinel monitor mymaster 127.0.0.1 {} 1\nsentinel down-after-milliseconds mymaster 300\n\
         sentinel failover-timeout mymaster 2000\n",
        first.port
    );
    std::fs::write(&file, told).unwrap();
    let Some(sentinel) = Server::configured(&file, &["--sentinel"]) else { return };
    let replicas =
        || redis::cmd("SENTINEL").arg("replicas").arg("mymaster").query::<Vec<redis::Value>>(&mut sentinel.bare());
    until("the sentinel knows the replica", &mut || replicas().is_ok_and(|known| known.len() == 1));
    let url = first.url();
    let engine =
        || RedisEngine::sentinel(&[&sentinel.url()], "redis://mymaster").unwrap().timeout(Duration::from_secs(2));
    let told: Vec<Told> = std::thread::scope(|scope| {
        let write = |number| {
            let (engine, url, is_over, acknowledged) = (engine(), &url, &is_over, &acknowledged);
            scope.spawn(move || write_on(engine, url, number, is_over, acknowledged))
        };
        let writers: Vec<_> = (0..WRITERS).map(write).collect();
        until("updates are acknowledged", &mut || acknowledged.load(Ordering::SeqCst) > 80);
        first.kill();
        until("the replica takes over", &mut || info(&second, "role:master"));
        let before = acknowledged.load(Ordering::SeqCst);
        until("updates go on", &mut || acknowledged.load(Ordering::SeqCst) > before + 20);
        is_over.store(true, Ordering::SeqCst);
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    let stored = SharedStore::new(engine(), Settings::default()).load().unwrap();
    let updates = told.iter().map(|told| told.updates.len()).sum::<usize>();
    let lost = told.iter().flat_map(|told| &told.updates).filter(|name| stored.get(name).is_none()).count();
    let mut bare = second.bare();
    let mut lost_counts = 0;
    for (number, told) in told.iter().enumerate() {
        let there: Option<u64> = redis::cmd("GET").arg(format!("beside-{number}")).query(&mut bare).unwrap();
        lost_counts += told.counts.saturating_sub(there.unwrap_or(0));
    }
    println!(
        "a failover lost {lost} of {updates} acknowledged updates, and {lost_counts} of the bare counts beside them"
    );
    // Every writer has at most one of each under way when the server dies, and the replica is as far as it is for both.
    assert!(lost as u64 <= lost_counts + WRITERS, "{lost} updates and {lost_counts} counts are lost");
    // No profile is there in part, and nothing that nobody wrote.
    for (id, profile) in stored.iter() {
        assert_eq!(profile.credential().unwrap().secret().expose(), "sk-ant-made-up", "{id}");
    }
}
