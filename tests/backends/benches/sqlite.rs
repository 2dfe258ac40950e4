//! The store on OpenClaw's databases compared with the bare SQL statements and with the file store.
//!
//! `cargo bench -p provider-auth-backends`

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    dead_code,
    reason = "a benchmark may stop where its own input is wrong, and uses a part of what the tests have"
)]

#[path = "../tests/sqlite/layout.rs"]
mod layout;
#[path = "../../../benches/timing/mod.rs"]
mod timing;

use std::fmt::Write as _;
use std::time::Duration;

use provider_auth::select::Receipt;
use provider_auth::{AuthProfileStore, FileStore, ProfileId, ProfileSelector, ProviderId, RecordOutcome, Timestamp};

use layout::State;

const PROFILES: i64 = 64;

fn main() {
    let (store, statistics) = rows();
    println!("{} bytes in two rows, {PROFILES} profiles", store.len() + statistics.len());
    // A database each: what one of them writes, the other one would have to read again.
    let [state, other] = [(); 2].map(|()| State::with_shared(&store).shared_state(&statistics));
    let sqlite = state.store("main");
    let bare = other.connect("state/openclaw.sqlite");
    bare.execute_batch("PRAGMA synchronous = FULL").unwrap();
    let row = "SELECT value_json FROM config_machine_state WHERE state_key = ?1";
    let mut select = bare.prepare(row).unwrap();
    let mut read = |key: &str| select.query_row([key], |row| row.get::<_, String>(0)).unwrap();

    timing::head("SQLite");
    let cached = timing::pair(|| sqlite.load().unwrap(), || (read("authProfiles.store"), read("authProfiles.state")));
    timing::row("cached load, against two prepared selects", cached, "aim: below 1.3");

    let mut begin = bare.prepare("BEGIN IMMEDIATE").unwrap();
    let mut commit = bare.prepare("COMMIT").unwrap();
    let sql =
        "UPDATE config_machine_state SET value_json = ?1, updated_at_ms = ?2 WHERE state_key = 'authProfiles.state'";
    let mut put = bare.prepare(sql).unwrap();
    let (mut turn, mut written) = (0, 0);
    let update = timing::pair(
        || {
            turn += 1;
            succeed(&sqlite, turn);
        },
        || {
            begin.execute([]).unwrap();
            let rows = (read("authProfiles.store"), read("authProfiles.state"));
            // Another time each time: what is not changed is not written at all.
            written += 1;
            put.execute((&rows.1, written)).unwrap();
            commit.execute([]).unwrap();
        },
    );
    timing::row("durable update, against the bare statements", update, "aim: below 1.3");

    let directory = tempfile::tempdir().unwrap();
    let file = FileStore::new(directory.path().join("auth-profiles.json")).unwrap();
    let document = sqlite.load().unwrap();
    file.update(&mut |profiles| {
        profiles.replace((*document).clone());
        Ok(())
    })
    .unwrap();
    let (mut one, mut other) = (0, 0);
    let beside = timing::pair(
        || {
            one += 1;
            succeed(&sqlite, one);
        },
        || {
            other += 1;
            succeed(&file, other);
        },
    );
    timing::row("durable update, against the file store", beside, "");
    // Until then a file counts as just written, and is read again each time.
    std::thread::sleep(Duration::from_millis(3_100));
    let beside = timing::pair(|| sqlite.load().unwrap(), || file.load().unwrap());
    timing::row("cached load, against the file store", beside, "");
}

/// Statistics of one profile change.
fn succeed(store: &impl AuthProfileStore, turn: i64) {
    let id = ProfileId::new(format!("anthropic:profile-{}", turn % PROFILES)).unwrap();
    let now = Timestamp::from_millis(1_700_000_000_000 + turn);
    let receipt = Receipt::new(id, ProviderId::anthropic(), None, now);
    store.record_success(&ProfileSelector::default(), &receipt, now).unwrap();
}

/// The rows of credentials and of state.
fn rows() -> (String, String) {
    let (mut profiles, mut usage) = (String::new(), String::new());
    for n in 0..PROFILES {
        let comma = if n == 0 { "" } else { "," };
        write!(
            profiles,
            r#"{comma}"anthropic:profile-{n}":{{"type":"api_key","provider":"anthropic","key":"sk-ant-api03-{n:080}"}}"#
        )
        .unwrap();
        write!(usage, r#"{comma}"anthropic:profile-{n}":{{"lastUsed":17000000{n:05},"errorCount":0}}"#).unwrap();
    }
    (format!(r#"{{"version":1,"profiles":{{{profiles}}}}}"#), format!(r#"{{"version":1,"usageStats":{{{usage}}}}}"#))
}
