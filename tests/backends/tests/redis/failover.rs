//! A server that is killed, and one that is replaced by its replica.

use std::io::Write as _;
use std::process::Child;
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
    let Some(mut first) = Server::start(&[]) else { return };
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
    let Some(first) = Server::start(&[]) else { return };
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
