//! The contract of every store, on one server, in a cluster and behind a sentinel.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use provider_auth::store::shared::{Sealing, Settings, SharedStore};
use provider_auth::store::{RedisEngine, conformance};
use provider_auth::{
    AuthProfileStore, AuthProfileStoreExt as _, Credential, Error, ErrorKind, ProfileId, ProviderId, Result, Secret,
};

use crate::server::Server;

/// The name of an agent that nobody has used.
fn fresh() -> String {
    static LAST: AtomicUsize = AtomicUsize::new(0);
    format!("agent-{}", LAST.fetch_add(1, Ordering::SeqCst))
}

#[test]
fn a_server_keeps_the_contract_also_behind_pointers() {
    let Some(server) = Server::start(&[]) else { return };
    conformance::check(|| server.store(&fresh())).unwrap();
    conformance::check(|| -> Arc<dyn AuthProfileStore> { Arc::new(server.store(&fresh())) }).unwrap();
}

/// Stands for a cipher, and is none.
#[derive(Debug)]
struct Reversed;

impl Sealing for Reversed {
    fn seal(&self, _: &str, text: &Secret) -> Result<Vec<u8>> {
        Ok(text.expose().bytes().rev().map(|byte| !byte).collect())
    }

    fn open(&self, _: &str, sealed: &[u8]) -> Result<Secret> {
        let text = String::from_utf8(sealed.iter().rev().map(|byte| !byte).collect());
        text.map(Secret::new).map_err(|_| Error::new(ErrorKind::Corrupt, "a value cannot be unsealed"))
    }
}

#[test]
fn so_does_it_with_a_staleness_and_sealed_and_then_keeps_no_secret_in_clear() {
    let Some(server) = Server::start(&["--appendonly", "yes", "--appendfsync", "always"]) else { return };
    let settings = || Settings::default().staleness(Duration::from_secs(3_600)).sealing(Arc::new(Reversed));
    conformance::check(|| server.store_with(&fresh(), settings())).unwrap();
    let kept = |server: &Server| {
        let files = std::fs::read_dir(server.path("appendonlydir")).unwrap();
        let bytes: Vec<u8> = files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    assert!(kept(&server).contains("usage/anthropic:one") && !kept(&server).contains("sk-conformance"));
    let key = Credential::api_key(Secret::new("sk-in-clear"));
    server.store("clear").upsert(&ProfileId::new("x:a").unwrap(), &ProviderId::new("x").unwrap(), &key, None).unwrap();
    assert!(kept(&server).contains("sk-in-clear"), "what is sealed would be seen if it were not");
}

#[test]
fn a_cluster_keeps_the_contract_with_everything_of_an_agent_in_one_slot() {
    let Some(server) = Server::start(&["--cluster-enabled", "yes"]) else { return };
    let mut bare = server.bare();
    redis::cmd("CLUSTER").arg("ADDSLOTSRANGE").arg(0).arg(16_383).query::<()>(&mut bare).unwrap();
    let is_up = |bare: &mut redis::Connection| {
        let info: String = redis::cmd("CLUSTER").arg("INFO").query(bare).unwrap();
        info.contains("cluster_state:ok")
    };
    while !is_up(&mut bare) {
        sleep(Duration::from_millis(10));
    }
    let store = |agent: &str| {
        let engine = RedisEngine::cluster(&[&server.url()]).unwrap().agent(agent).unwrap();
        SharedStore::new(engine, Settings::default())
    };
    conformance::check(|| store(&fresh())).unwrap();
    let lease = store("slots").lease(&ProfileId::new("x:a").unwrap(), Duration::ZERO).unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*slots*").query(&mut bare).unwrap();
    store("slots")
        .update(&mut |profiles| profiles.set_order(&ProviderId::anthropic(), &[ProfileId::new("x:a")?]))
        .unwrap();
    let more: Vec<String> = redis::cmd("KEYS").arg("*slots*").query(&mut bare).unwrap();
    let slot = |key: &String, bare: &mut redis::Connection| -> u16 {
        redis::cmd("CLUSTER").arg("KEYSLOT").arg(key).query(bare).unwrap()
    };
    let slots: Vec<u16> = keys.iter().chain(&more).map(|key| slot(key, &mut bare)).collect();
    assert!(slots.len() >= 3 && slots.iter().all(|slot| *slot == slots[0]), "{keys:?} {more:?}");
    drop(lease);
}

#[test]
fn the_server_that_a_sentinel_names_keeps_the_contract() {
    let Some(server) = Server::start(&[]) else { return };
    let Some(sentinel) = Sentinel::of(&server) else { return };
    let store = |agent: &str| {
        let engine = RedisEngine::sentinel(&[&sentinel.0.url()], "redis://mymaster").unwrap().agent(agent).unwrap();
        SharedStore::new(engine, Settings::default())
    };
    conformance::check(|| store(&fresh())).unwrap();
    let unknown = RedisEngine::sentinel(&[&sentinel.0.url()], "redis://another").unwrap();
    let error = SharedStore::new(unknown, Settings::default()).load().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreUnavailable);
}

/// One sentinel that watches a server.
struct Sentinel(Server);

impl Sentinel {
    fn of(server: &Server) -> Option<Self> {
        let file = server.path("sentinel.conf");
        let told = format!("sentinel monitor mymaster 127.0.0.1 {} 1\n", server.port);
        std::fs::write(&file, told).unwrap();
        Server::configured(&file, &["--sentinel"]).map(Self)
    }
}

#[test]
fn a_load_is_one_call_or_none() {
    let Some(server) = Server::start(&[]) else { return };
    let mut bare = server.bare();
    let mut calls = |store: &dyn AuthProfileStore| {
        // What is measured is not the first load, which also tells the server the script.
        store.load().unwrap();
        redis::cmd("CONFIG").arg("RESETSTAT").query::<()>(&mut bare).unwrap();
        for _ in 0..3 {
            store.load().unwrap();
        }
        let info: String = redis::cmd("INFO").arg("commandstats").query(&mut bare).unwrap();
        // The commands within the script are counted too.
        let number = |name: &str| {
            info.split_once(&format!("cmdstat_{name}:calls="))
                .map(|(_, rest)| rest.split(',').next().and_then(|number| number.parse::<u32>().ok()).unwrap())
        };
        (number("evalsha"), number("eval"), number("script|load"))
    };
    assert_eq!(calls(&server.store("main")), (Some(3), None, None));
    let lazy = server.store_with("main", Settings::default().staleness(Duration::from_secs(3_600)));
    assert_eq!(calls(&lazy), (None, None, None));
}
