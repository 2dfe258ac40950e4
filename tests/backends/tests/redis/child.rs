//! Child processes: this test binary, run again with `child`, which does nothing unless its environment asks for it.

use std::process::{Child, Command, Stdio};

use provider_auth::store::shared::{Settings, SharedStore};
use provider_auth::store::{RedisEngine, RedisStore};
use std::time::Duration;

use crate::{failover, limits, processes, refreshes};

const TASK: &str = "PROVIDER_AUTH_TEST_TASK";
const URL: &str = "PROVIDER_AUTH_TEST_URL";
const NUMBER: &str = "PROVIDER_AUTH_TEST_NUMBER";

pub(crate) fn spawn(task: &str, url: &str, number: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["child::child", "--exact", "--nocapture", "--test-threads=1"])
        .env(TASK, task)
        .env(URL, url)
        .env(NUMBER, number.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

pub(crate) fn store(url: &str) -> RedisStore {
    let engine = RedisEngine::new(url).unwrap().timeout(Duration::from_secs(30));
    SharedStore::new(
        engine,
        Settings::default().lease_life(Duration::from_secs(2)).orphan_wait(Duration::from_millis(100)),
    )
}

/// What a child does. As a test of its own it does nothing.
#[test]
fn child() {
    let Ok(task) = std::env::var(TASK) else { return };
    let url = std::env::var(URL).unwrap();
    let number: u64 = std::env::var(NUMBER).unwrap().parse().unwrap();
    match task.as_str() {
        "write" => processes::write(&url, number),
        "refresh" => processes::refresh(&url, number),
        "renew" => refreshes::renew(&url, number),
        "hold" => processes::hold(&url),
        "limits" => limits::run(&url, number),
        "outlive" => failover::write(&url, number),
        other => panic!("no task {other}"),
    }
}
