//! Calls of a program that may not start a thread or a process: each ends in its time, with an answer or an error.
//!
//! The program is this test binary run again with `child`, as a user who has no other process: root may start threads
//! whatever the limit says.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test stops where something is wrong, says what it could not try, and looks at clocks from outside"
)]

use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use provider_auth::credential::ReferenceFailure;
use provider_auth::references::ReferenceResolver;
use provider_auth::refresh::{RefreshCoordinator, RefreshTokenGrant};
use provider_auth::{
    AuthProfileStore, AuthProfileStoreExt as _, AuthProfiles, Endpoint, ErrorKind, FailureReason, FileStore,
    MemoryStore, ProviderId, Rotator,
};
use serde_json::json;

use crate::support::rotation::{OPUS, call, keys, reasons};
use crate::support::server::{Act, Server};
use crate::support::{config, document, id};

const PORTS: &str = "PROVIDER_AUTH_TEST_THREADLESS_PORTS";
const BUDGET: Duration = Duration::from_millis(600);
const AT_MOST: Duration = Duration::from_secs(6);

/// What each attempt of a call came to, and the kind of its error where there was none.
async fn outcome(store: Arc<dyn AuthProfileStore>, url: &str) -> (Vec<Option<FailureReason>>, Option<ErrorKind>) {
    let builder = Rotator::builder(store).config(config("{}")).retries(0).max_time(BUDGET).max_attempts(1);
    let rotator = builder.endpoint(ProviderId::anthropic(), Endpoint::new(url).unwrap()).build().unwrap();
    match rotator.send(&call(OPUS)).await {
        Ok(reply) => (reasons(reply.attempts()), None),
        Err(failure) if failure.attempts().is_empty() => (Vec::new(), Some(failure.kind())),
        Err(failure) => (reasons(failure.attempts()), None),
    }
}

fn in_memory() -> Arc<dyn AuthProfileStore> {
    Arc::new(MemoryStore::new(document(&keys(&["a"]))))
}

/// As a test of its own it does nothing.
#[test]
fn child() {
    let Ok(ports) = std::env::var(PORTS) else { return };
    assert!(std::thread::Builder::new().spawn(|| ()).is_err(), "there is a thread");
    let (silent, answering) = ports.split_once(' ').unwrap();
    let [silent, answering, named] = [("127.0.0.1", silent), ("127.0.0.1", answering), ("localhost", answering)]
        .map(|(host, port)| format!("http://{host}:{port}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let start = Instant::now();
        assert_eq!(outcome(in_memory(), &silent).await, (vec![Some(FailureReason::Timeout)], None));
        assert_eq!(outcome(in_memory(), &answering).await, (vec![None], None));
        assert_eq!(outcome(in_memory(), &named).await, (vec![Some(FailureReason::Network)], None));

        let directory = tempfile::tempdir().unwrap();
        let file = Arc::new(FileStore::new(directory.path().join("auth-profiles.json")).unwrap());
        let put = |profiles: &mut AuthProfiles| {
            profiles.replace(document(&keys(&["a"])));
            Ok(())
        };
        file.transact(put).unwrap();
        assert_eq!(file.load().unwrap().len(), 1);
        drop(file.lease(&id("anthropic:a"), Duration::ZERO).unwrap());
        assert_eq!(outcome(Arc::clone(&file) as _, &answering).await, (Vec::new(), Some(ErrorKind::Io)));
        assert!(file.load().unwrap().get("anthropic:a").is_some());

        let login = json!({"type": "oauth", "provider": "anthropic", "access": "a-1", "refresh": "r-1", "expires": 1});
        let stored = document(&json!({"version": 1, "profiles": {"anthropic:me": login}}));
        let grant = RefreshTokenGrant::new(&silent, "client", reqwest::Client::builder()).unwrap();
        let coordinator = RefreshCoordinator::new(Arc::new(MemoryStore::new(stored)), Arc::new(grant)).timeout(BUDGET);
        let refreshed = coordinator.refresh_if_needed(&id("anthropic:me")).await;
        assert_eq!(refreshed.unwrap_err().kind(), ErrorKind::RefreshFailed);

        // A command that this user owns, as it has to be.
        let command = directory.path().join("vault");
        std::fs::write(&command, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&command, std::fs::Permissions::from_mode(0o700)).unwrap();
        let vault = json!({"secrets": {"providers": {"vault": {"source": "exec", "command": command}}}});
        let vault = config(&vault.to_string());
        let reference = json!({"source": "exec", "provider": "vault", "id": "a"});
        let profiles = document(&json!({"version": 1, "profiles": {
            "anthropic:a": {"type": "api_key", "provider": "anthropic", "keyRef": reference},
        }}));
        let found = ReferenceResolver::new().allow_commands().resolve(&profiles, &vault, crate::support::at(0));
        let failures: Vec<ReferenceFailure> = found.failures().map(|(_, failure)| failure).collect();
        assert_eq!(failures, [ReferenceFailure::Unreadable]);

        assert_eq!(provider_auth::testing::Server::start([]).unwrap_err().kind(), ErrorKind::Io);
        assert!(start.elapsed() < AT_MOST, "{:?}", start.elapsed());
    });
}

#[test]
fn without_threads_every_call_ends_in_its_time() {
    let (silent, answering) = (Server::script(vec![Act::hang()]), Server::script(vec![Act::message("Hello"); 3]));
    let port = |server: &Server| server.url().rsplit(':').next().unwrap().to_owned();
    // Root may do so whatever the limit, and another user may have processes.
    let user = (50_000 + std::process::id() % 10_000).to_string();
    let other = ["setpriv", "--reuid", &user, "--regid", &user, "--clear-groups"];
    let other = if rustix::process::geteuid().is_root() { &other[..] } else { &[] };
    let mut command = [other, &["prlimit", "--nproc=1", "/proc/self/fd/0"]].concat().into_iter();
    let ran = Command::new(command.next().unwrap())
        .args(command)
        .args(["threads::child", "--exact", "--nocapture", "--test-threads=1"])
        .env(PORTS, format!("{} {}", port(&silent), port(&answering)))
        // That user may have no way to where the binary stands.
        .stdin(File::open("/proc/self/exe").unwrap())
        .output();
    let Ok(ran) = ran else { return eprintln!("skipped: there is no `setpriv` or `prlimit`") };
    let said = [ran.stdout, ran.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    if !said.contains("threads::child") {
        return eprintln!("skipped: no program can be run as another user: {said}");
    }
    assert!(ran.status.success(), "{said}");
}
