//! Servers, sentinels and clusters while something is wrong with them.

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use provider_auth::select::Receipt;
use provider_auth::store::shared::{Engine as _, Settings, SharedStore};
use provider_auth::store::{RedisEngine, RedisStore};
use provider_auth::{
    AuthProfileStore as _, AuthProfileStoreExt as _, Credential, ErrorKind, Failure, FailureReason, ProfileId,
    ProfileSelector, ProviderId, RecordOutcome as _, Result, Secret, Timestamp,
};

use crate::server::Server;

fn add(store: &RedisStore, name: &str) -> Result<()> {
    let key = Credential::api_key(Secret::new("sk-ant-made-up"));
    store.upsert(&ProfileId::new(name)?, &ProviderId::anthropic(), &key, None)
}

fn over(engine: RedisEngine) -> RedisStore {
    SharedStore::new(engine, Settings::default())
}

fn run<T: redis::FromRedisValue>(server: &Server, words: &[&str]) -> T {
    let mut command = redis::cmd(words[0]);
    for word in &words[1..] {
        command.arg(*word);
    }
    command.query(&mut server.bare()).unwrap()
}

/// Stops a server, or lets it go on, as a machine does that swaps.
fn signal(signal: &str, id: &str) {
    assert!(Command::new("kill").args([signal, id]).status().unwrap().success());
}

fn process(server: &Server) -> String {
    let info: String = run(server, &["INFO", "server"]);
    info.lines().find_map(|line| line.strip_prefix("process_id:").map(str::to_owned)).unwrap()
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_server_that_takes_no_writes_says_that_nothing_was_written() {
    let Some(server) = Server::start(&["--min-replicas-to-write", "1"]) else { return };
    let error = add(&server.store("main"), "anthropic:a").unwrap_err();
    assert!(error.kind() == ErrorKind::StoreUnavailable && error.is_transient(), "{error:?}");
    assert!(error.to_string().contains("nothing was written"), "{error}");
    run::<()>(&server, &["CONFIG", "SET", "min-replicas-to-write", "0"]);
    let store = server.store("main");
    add(&store, "anthropic:a").unwrap();
    // The connection that is kept leads to what is a replica by now.
    run::<()>(&server, &["REPLICAOF", "127.0.0.1", "1"]);
    let error = add(&store, "anthropic:b").unwrap_err();
    assert!(error.to_string().contains("nothing was written"), "{error}");
}

#[test]
fn a_server_with_too_many_clients_is_away_for_a_moment() {
    let Some(server) = Server::start(&[]) else { return };
    let mut bare = server.bare();
    redis::cmd("CONFIG").arg("SET").arg("maxclients").arg(1).query::<()>(&mut bare).unwrap();
    let store = server.store("main");
    let error = store.load().unwrap_err();
    assert!(error.kind() == ErrorKind::StoreUnavailable && error.is_transient(), "{error:?}");
    redis::cmd("CONFIG").arg("SET").arg("maxclients").arg(100).query::<()>(&mut bare).unwrap();
    assert!(store.load().unwrap().is_empty());
}

/// What the page says a user of its own needs.
fn user(server: &Server, more: &[&str]) -> String {
    let commands = "+eval +evalsha +script +get +set +del +pexpire +hget +hmget +hset +hdel +hgetall";
    let mut words = vec!["ACL", "SETUSER", "fleet", "on", ">made-up-password", "~{provider-auth:*"];
    words.extend(commands.split(' '));
    words.extend(more);
    run::<()>(server, &words);
    format!("redis://fleet:made-up-password@127.0.0.1:{}", server.port)
}

#[test]
fn a_user_of_its_own_needs_what_the_page_says_and_is_told_of_a_wait_it_may_not_make() {
    let Some(server) = Server::start(&[]) else { return };
    let url = user(&server, &[]);
    let store = RedisStore::open(&url).unwrap();
    add(&store, "anthropic:a").unwrap();
    store.remove(&ProfileId::new("anthropic:a").unwrap()).unwrap();
    drop(store.lease(&ProfileId::new("anthropic:a").unwrap(), Duration::ZERO).unwrap());
    drop(store.lease(&ProfileId::new("anthropic:a").unwrap(), Duration::ZERO).unwrap());
    let waiting = || over(RedisEngine::new(&url).unwrap().wait_for_replicas(1, Duration::from_millis(20)));
    let error = add(&waiting(), "anthropic:b").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(error.to_string().contains("was written") && error.help().contains("WAIT"), "{error:?}");
    assert!(store.load().unwrap().get("anthropic:b").is_some());
    // An outcome is in the store, so that it must not be counted again.
    let (id, now) = (ProfileId::new("anthropic:b").unwrap(), Timestamp::from_millis(1_000));
    let (receipt, failure) = (Receipt::new(id, ProviderId::anthropic(), None, now), Failure::new(FailureReason::Auth));
    waiting().record_failure(&ProfileSelector::default(), &receipt, &failure, now).unwrap();
    user(&server, &["+wait"]);
    assert_eq!(add(&waiting(), "anthropic:c").unwrap_err().kind(), ErrorKind::StoreUnavailable);
    // A number of a database in the URL takes one more.
    let numbered = || RedisStore::open(&format!("{url}/1")).unwrap();
    assert_eq!(numbered().load().unwrap_err().kind(), ErrorKind::PermissionDenied);
    user(&server, &["+select"]);
    assert!(numbered().load().unwrap().is_empty());
}

#[test]
fn a_lease_that_was_lost_is_not_released_under_its_new_holder() {
    let Some(server) = Server::start(&[]) else { return };
    let engine = || RedisEngine::new(&server.url()).unwrap();
    let (one, two, life) = (engine(), engine(), Duration::from_secs(60));
    assert!(one.acquire("x:a", "one", Duration::from_millis(1)).unwrap());
    until("the lease does not end", || two.acquire("x:a", "two", life).unwrap());
    one.release("x:a", "one").unwrap();
    assert!(!one.renew("x:a", "one", life).unwrap());
    assert!(!one.acquire("x:a", "three", life).unwrap(), "the lease of the second holder was released");
    two.release("x:a", "two").unwrap();
    assert!(one.acquire("x:a", "three", life).unwrap());
}

#[test]
fn a_wait_that_is_longer_than_an_answer_may_take_is_waited_for() {
    let Some(server) = Server::start(&[]) else { return };
    let engine = RedisEngine::new(&server.url()).unwrap().timeout(Duration::from_millis(250));
    let store = over(engine.wait_for_replicas(1, Duration::from_secs(20)));
    std::thread::scope(|scope| {
        let adding = scope.spawn(|| add(&store, "anthropic:a"));
        sleep(Duration::from_secs(1));
        // A replica that comes now is in time.
        let second = Server::start(&["--replicaof", "127.0.0.1", &server.port.to_string()]).unwrap();
        adding.join().unwrap().unwrap();
        drop(second);
    });
}

/// A sentinel that watches a server.
fn sentinel(server: &Server, name: &str) -> Server {
    let file = server.path(name);
    let told = format!("sentinel monitor mymaster 127.0.0.1 {} 2\n", server.port);
    std::fs::write(&file, told).unwrap();
    Server::configured(&file, &["--sentinel"]).unwrap()
}

#[test]
fn a_sentinel_that_hangs_is_left_for_another_in_time() {
    let Some(server) = Server::start(&[]) else { return };
    let (one, two) = (sentinel(&server, "one.conf"), sentinel(&server, "two.conf"));
    let store = |urls: &[&str]| {
        let engine = RedisEngine::sentinel(urls, "redis://mymaster").unwrap();
        over(engine.timeout(Duration::from_millis(500)))
    };
    let hung = process(&one);
    signal("-STOP", &hung);
    let began = Instant::now();
    let both = store(&[&one.url(), &two.url()]);
    add(&both, "anthropic:a").unwrap();
    assert!(began.elapsed() < Duration::from_secs(20));
    // Where there is no other one, each call ends by itself, also while others wait.
    let alone = store(&[&one.url()]);
    std::thread::scope(|scope| {
        for call in [scope.spawn(|| alone.load()), scope.spawn(|| alone.load())] {
            assert_eq!(call.join().unwrap().unwrap_err().kind(), ErrorKind::StoreUnavailable);
        }
    });
    signal("-CONT", &hung);
}

#[test]
fn an_agent_is_found_when_its_slot_moves_to_another_node() {
    let cluster = ["--cluster-enabled", "yes", "--cluster-require-full-coverage", "no"];
    let (Some(one), Some(two)) = (Server::start(&cluster), Server::start(&cluster)) else { return };
    run::<()>(&one, &["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    run::<()>(&one, &["CLUSTER", "MEET", "127.0.0.1", &two.port.to_string()]);
    let knows = |server: &Server, id: &str| run::<String>(server, &["CLUSTER", "NODES"]).contains(id);
    let (first, second): (String, String) = (run(&one, &["CLUSTER", "MYID"]), run(&two, &["CLUSTER", "MYID"]));
    until("the nodes do not meet", || knows(&one, &second) && knows(&two, &first));
    for server in [&one, &two] {
        let begins = || run::<String>(server, &["CLUSTER", "INFO"]).contains("cluster_state:ok");
        until("the cluster does not begin", begins);
    }
    let store = over(RedisEngine::cluster(&[&one.url()]).unwrap());
    add(&store, "anthropic:a").unwrap();
    let key = "{provider-auth:main}";
    let slot = run::<u16>(&one, &["CLUSTER", "KEYSLOT", key]).to_string();
    run::<()>(&two, &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &first]);
    run::<()>(&one, &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &second]);
    run::<()>(&one, &["MIGRATE", "127.0.0.1", &two.port.to_string(), key, "0", "5000"]);
    // The slot is still the first one's, and the key is at the second one.
    add(&store, "anthropic:b").unwrap();
    assert_eq!(store.load().unwrap().len(), 2);
    for server in [&two, &one] {
        run::<()>(server, &["CLUSTER", "SETSLOT", &slot, "NODE", &second]);
    }
    add(&store, "anthropic:c").unwrap();
    let other = over(RedisEngine::cluster(&[&one.url()]).unwrap());
    until("the slot is not found", || other.load().is_ok_and(|profiles| profiles.len() == 3));
    assert_eq!(run::<u16>(&two, &["EXISTS", key]), 1);
}
