//! Refreshes of one OAuth credential from many processes, some of which are killed.
//!
//! A child process is this test binary run again with `child`, which does nothing without further instructions.

#![cfg(all(unix, feature = "client", feature = "file"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test stops where something is wrong, and looks at clocks from outside"
)]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use provider_auth::refresh::{RefreshCoordinator, RefreshOutcome, RefreshTokenGrant};
use provider_auth::{AuthProfileStore, FileStore, Secret};
use serde_json::json;

use crate::support::id;
use crate::support::server::{Act, Server};

const PROCESSES: usize = 8;
const REFRESHES: usize = 100;

fn store(file: &Path) -> Arc<FileStore> {
    Arc::new(FileStore::builder().path(file).lock_wait(Duration::from_secs(120)).build().unwrap())
}

fn coordinator(file: &Path, url: &str) -> RefreshCoordinator {
    let grant = RefreshTokenGrant::new(url, "client", reqwest::Client::builder()).unwrap();
    RefreshCoordinator::new(store(file), Arc::new(grant)).lease_wait(Duration::from_secs(120))
}

fn access(store: &FileStore) -> Secret {
    store.load().unwrap().get("anthropic:me").unwrap().credential().unwrap().secret().clone()
}

fn write_login(directory: &Path) -> std::path::PathBuf {
    let file = directory.join("auth-profiles.json");
    let document = json!({"version": 1, "profiles": {"anthropic:me": {
        "type": "oauth", "provider": "anthropic", "access": "a-1", "refresh": "r-1", "expires": 1}}});
    std::fs::write(&file, document.to_string()).unwrap();
    file
}

fn spawn(task: &str, file: &Path, url: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["processes::child", "--exact", "--nocapture", "--test-threads=1"])
        .env("PROVIDER_AUTH_TEST_TASK", task)
        .env("PROVIDER_AUTH_TEST_FILE", file)
        .env("PROVIDER_AUTH_TEST_URL", url)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What a child does. As a test of its own it does nothing.
#[tokio::test]
async fn child() {
    let Ok(task) = std::env::var("PROVIDER_AUTH_TEST_TASK") else { return };
    let file = std::path::PathBuf::from(std::env::var("PROVIDER_AUTH_TEST_FILE").unwrap());
    let coordinator = coordinator(&file, &std::env::var("PROVIDER_AUTH_TEST_URL").unwrap());
    let store = store(&file);
    let mut own = 0;
    while own < REFRESHES {
        // The provider refused the token that everybody has: who renews it?
        match coordinator.refresh_rejected(&id("anthropic:me"), &access(&store)).await.unwrap() {
            RefreshOutcome::Refreshed => own += 1,
            RefreshOutcome::RefreshedElsewhere | RefreshOutcome::NotNeeded => {}
            other => panic!("{other:?}"),
        }
        if task == "once" {
            break;
        }
    }
    println!("renewed {own}");
}

/// Takes each refresh token once and counts what it had to refuse.
fn single_use(refused: &Arc<AtomicUsize>, redeemed: &Arc<AtomicUsize>) -> Server {
    let (refused, redeemed) = (Arc::clone(refused), Arc::clone(redeemed));
    Server::start(move |asked| {
        let number = redeemed.load(Ordering::SeqCst) + 1;
        let expected = asked.body.contains(&format!("refresh_token=r-{number}&"));
        if !expected || redeemed.compare_exchange(number - 1, number, Ordering::SeqCst, Ordering::SeqCst).is_err() {
            refused.fetch_add(1, Ordering::SeqCst);
            return Act::json(400, r#"{"error":"invalid_grant","error_description":"already used"}"#);
        }
        let (access, refresh) = (format!("a-{}", number + 1), format!("r-{}", number + 1));
        Act::json(200, json!({"access_token": access, "refresh_token": refresh, "expires_in": 28_800}).to_string())
    })
}

#[test]
fn eight_processes_spend_each_refresh_token_once_and_lose_none() {
    let directory = tempfile::tempdir().unwrap();
    let file = write_login(directory.path());
    let (refused, redeemed) = (Arc::default(), Arc::default());
    let server = single_use(&refused, &redeemed);
    let children: Vec<Child> = (0..PROCESSES).map(|_| spawn("all", &file, &server.url())).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains(&format!("renewed {REFRESHES}")), "{text}");
    }
    assert_eq!(refused.load(Ordering::SeqCst), 0, "a token was used twice");
    assert_eq!(redeemed.load(Ordering::SeqCst), PROCESSES * REFRESHES, "exactly one redemption for each refresh");
    let last = PROCESSES * REFRESHES + 1;
    assert_eq!(access(&store(&file)).expose(), format!("a-{last}"));
    assert!(std::fs::read_to_string(&file).unwrap().contains(&format!("r-{last}")), "no token was lost");
}

#[test]
fn a_killed_refresh_delays_the_next_one_by_less_than_a_tenth_of_a_second() {
    let directory = tempfile::tempdir().unwrap();
    let file = write_login(directory.path());
    let hanging = Server::script(vec![Act::hang()]);
    let mut child = spawn("once", &file, &hanging.url());
    while hanging.asked().is_empty() {
        std::thread::yield_now();
    }
    // The child is in the middle of its request and holds the lease.
    let (refused, redeemed) = (Arc::default(), Arc::default());
    let server = single_use(&refused, &redeemed);
    let (begun, beginning) = std::sync::mpsc::channel();
    let waiting = {
        let file = file.clone();
        std::thread::spawn(move || {
            let lease = store(&file);
            assert!(lease.lease(&id("anthropic:me"), Duration::ZERO).unwrap_err().is_locked());
            begun.send(()).unwrap();
            let lease = lease.lease(&id("anthropic:me"), Duration::from_secs(60)).unwrap();
            let had = Instant::now();
            drop(lease);
            had
        })
    };
    beginning.recv().unwrap();
    // Long enough for the waiter to be between two looks, at its longest pause.
    std::thread::sleep(Duration::from_millis(300));
    let killed = Instant::now();
    child.kill().unwrap();
    child.wait().unwrap();
    let delay = waiting.join().unwrap().saturating_duration_since(killed);
    assert!(delay < Duration::from_millis(100), "{delay:?}");

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let renewal = runtime
        .block_on(coordinator(&file, &server.url()).refresh_rejected(&id("anthropic:me"), &"a-1".into()))
        .unwrap();
    assert!(matches!(renewal, RefreshOutcome::Refreshed));
    assert_eq!((refused.load(Ordering::SeqCst), redeemed.load(Ordering::SeqCst)), (0, 1));
}
