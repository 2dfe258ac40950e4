//! Checks that no secret is left in the memory of the process after a store on Redis is dropped.
//!
//! Sealed secrets never reach the client, which has its own buffers; for secrets in clear the test prints what is left.
//! Each case is a separate process: this test binary, run again with `child`.

use std::process::Command;
use std::sync::Arc;

use provider_auth::store::RedisEngine;
use provider_auth::store::shared::{Sealing, Settings, SharedStore};
use provider_auth::{
    AuthProfileStore as _, AuthProfileStoreExt as _, Credential, ProfileId, ProviderId, Result, Secret,
};

use crate::remains::{PARTS, copies, text};
use crate::server::Server;

const CASE: &str = "PROVIDER_AUTH_TEST_MEMORY";
const URL: &str = "PROVIDER_AUTH_TEST_URL";

/// Stands for a cipher, and is none: no letter stays one.
#[derive(Debug)]
struct Turned;

impl Sealing for Turned {
    fn seal(&self, _: &str, text: &Secret) -> Result<Vec<u8>> {
        Ok(text.expose().bytes().map(|byte| !byte).collect())
    }

    fn open(&self, _: &str, sealed: &[u8]) -> Result<Secret> {
        let mut open = String::with_capacity(sealed.len());
        open.extend(sealed.iter().map(|byte| char::from(!byte)));
        Ok(Secret::new(open))
    }
}

/// Writes and reads secrets, and drops everything.
fn run(url: &str, is_sealed: bool) {
    let settings = || if is_sealed { Settings::default().sealing(Arc::new(Turned)) } else { Settings::default() };
    let store = || SharedStore::new(RedisEngine::new(url).unwrap(), settings());
    let (id, anthropic) = (ProfileId::new("anthropic:a").unwrap(), ProviderId::anthropic());
    let (store, other) = (store(), store());
    for number in 0..5 {
        let key = Credential::api_key(Secret::new(text(number).as_str()));
        store.upsert(&id, &anthropic, &key, None).unwrap();
        for store in [&store, &other, &store, &other] {
            assert_eq!(store.load().unwrap().len(), 1);
        }
    }
}

/// As a test of its own it does nothing.
#[test]
fn child() {
    let Ok(case) = std::env::var(CASE) else { return };
    match case.as_str() {
        "control" => {
            let kept = text(0);
            println!("=found {}", copies(0..5));
            drop(kept);
            return;
        }
        case => run(&std::env::var(URL).unwrap(), case == "sealed"),
    }
    println!("=found {}", copies(0..5));
}

#[test]
fn no_sealed_secret_stays_in_the_memory() {
    let Some(server) = Server::start(&[]) else { return };
    let found = |case: &str| -> usize {
        // Values that are not sealed cannot be opened as such.
        redis::cmd("FLUSHALL").query::<()>(&mut server.bare()).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["memory::child", "--exact", "--nocapture", "--test-threads=1"])
            .env(CASE, case)
            .env(URL, server.url())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success(), "{case}: {said}{}", String::from_utf8_lossy(&child.stderr));
        said.lines().find_map(|line| line.rsplit_once("=found ")?.1.trim().parse().ok()).unwrap()
    };
    assert!(found("control") >= PARTS.len(), "what is there is found");
    println!("in clear: {} parts of secrets in the memory, of the client's buffers", found("clear"));
    assert_eq!(found("sealed"), 0);
}
