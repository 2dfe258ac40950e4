//! The content of the files: damaged, unknown, older, and in two files.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops where something is wrong, and looks at files from outside"
)]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use provider_auth::error::{DiagnosticCode, Severity};
use provider_auth::profile::DirtyState;
use provider_auth::select::Receipt;
use provider_auth::store::StateFile;
use provider_auth::{
    AuthProfileStore, AuthProfileStoreExt, Credential, ErrorKind, FileStore, ProfileSelector, ProviderId,
    RecordOutcome, Secret, Timestamp,
};
use tempfile::TempDir;

use crate::NAME;
use crate::support::id;

const STATE: &str = "auth-state.json";

/// As the reference writes it, with members only it knows.
const EMBEDDED: &str = r#"{
  "version": 1,
  "profiles": {
    "x:a": {
      "type": "api_key",
      "provider": "x",
      "key": "sk-éa",
      "metadata": {"n": 1.50, "big": 123456789012345678901234567890}
    },
    "x:b": {"type":"token","provider":"x","token":"t","copyToAgents":false},
    "x:odd": {"type": "entangled", "spin": [1, 2]}
  },
  "later": {"z": 1, "a": 2},
  "order": {
    "x": ["x:b", "x:a"]
  },
  "lastGood": {"x": "x:b"},
  "usageStats": {
    "x:a": {"lastUsed": 1700000000000, "mood": "good"}
  }
}
"#;

struct Home(TempDir);

impl Home {
    fn new(files: &[(&str, &str)]) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            home.write(name, text.as_bytes());
        }
        home
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Lets a file look as old as it would the day after, so that it counts as settled.
    fn age(&self, name: &str) {
        let yesterday = SystemTime::now() - Duration::from_secs(86_400);
        fs::File::options().write(true).open(self.path(name)).unwrap().set_modified(yesterday).unwrap();
    }

    fn store(&self, layout: StateFile) -> FileStore {
        FileStore::builder().path(self.path(NAME)).state_file(layout).build().unwrap()
    }
}

fn x() -> ProviderId {
    ProviderId::new("x").unwrap()
}

fn put(store: &FileStore, name: &str) -> provider_auth::Result<()> {
    store.upsert(&id(name), &x(), &Credential::api_key(Secret::new("k")), None)
}

fn succeed(store: &FileStore, name: &str, now: i64) -> provider_auth::Result<()> {
    let now = Timestamp::from_millis(now);
    let receipt = Receipt::new(id(name), x(), None, now);
    store.record_success(&ProfileSelector::default(), &receipt, now)
}

#[test]
fn a_damaged_file_is_never_overwritten() {
    let whole = EMBEDDED.trim_end().as_bytes();
    let mut damaged: Vec<Vec<u8>> = (0..whole.len()).map(|cut| whole[..cut].to_vec()).collect();
    let odd =
        ["[]", "7", "null", "\"text\"", "{}", r#"{"profiles":[]}"#, r#"{"profiles":null}"#, r#"{"profiles":"x"}"#];
    damaged.extend(odd.map(|text| text.as_bytes().to_vec()));
    damaged.push(br#"{"profiles":{"x:a":{}},"profiles":{}}"#.to_vec());
    damaged.push(vec![0; 64]);
    damaged.push([whole, b"}"].concat());
    damaged.push(format!("{}1", "[".repeat(100_000)).into_bytes());
    // Half of a character of two bytes.
    let half = EMBEDDED.find('é').unwrap();
    damaged.push([&whole[..half], b"\xc3", &whole[half + 2..]].concat());
    let now = Timestamp::from_millis(0);
    let home = Home::new(&[]);
    let store = home.store(StateFile::Auto);
    for bytes in damaged {
        home.write(NAME, &bytes);
        home.age(NAME);
        let error = store.load().unwrap_err();
        assert!(error.is_corrupt(), "{error} {:?}", String::from_utf8_lossy(&bytes));
        assert_eq!(error.location().unwrap().path.as_deref(), Some(store.path()));
        assert!(!error.to_string().contains("sk-"));
        for _ in 0..2 {
            assert!(put(&store, "x:new").unwrap_err().is_corrupt());
            assert!(succeed(&store, "x:a", 1).unwrap_err().is_corrupt());
        }
        assert_eq!(fs::read(home.path(NAME)).unwrap(), bytes);
    }
    let aside = store.quarantine(now).unwrap();
    assert_eq!(aside.len(), 1);
    put(&store, "x:new").unwrap();
}

#[test]
fn a_flipped_bit_loses_no_other_profile() {
    let home = Home::new(&[]);
    let store = home.store(StateFile::Auto);
    let entries = [r#""x:b": {"type":"token","provider":"x","token":"t","copyToAgents":false}"#, r#"{"z": 1, "a": 2}"#];
    let region = EMBEDDED.find("\"x:a\"").unwrap()..EMBEDDED.find("\"x:b\"").unwrap();
    let (mut refused, mut read) = (0, 0);
    for at in region {
        for bit in [0, 3, 5, 7] {
            let mut bytes = EMBEDDED.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            home.write(NAME, &bytes);
            home.age(NAME);
            if let Err(error) = put(&store, "x:new") {
                assert!(error.is_corrupt());
                assert_eq!(fs::read(home.path(NAME)).unwrap(), bytes);
                refused += 1;
            } else {
                let text = home.read(NAME);
                assert!(entries.iter().all(|entry| text.contains(entry)) && text.contains("x:new"), "{text}");
                read += 1;
            }
        }
    }
    assert!(refused > 50 && read > 50, "{refused} refused, {read} read");
}

#[test]
fn quarantine_keeps_the_file_under_a_dated_private_name() {
    let home = Home::new(&[(NAME, "{"), (STATE, "[")]);
    let store = home.store(StateFile::Auto);
    let now = Timestamp::from_millis(1_700_000_000_000);
    let aside = store.quarantine(now).unwrap();
    let names: Vec<_> = aside.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(
        names,
        ["auth-profiles.json.corrupt-20231114T221320.000Z", "auth-state.json.corrupt-20231114T221320.000Z"]
    );
    assert_eq!(fs::read_to_string(&aside[0]).unwrap(), "{");
    assert_eq!(fs::read_to_string(&aside[1]).unwrap(), "[");
    #[cfg(unix)]
    for path in &aside {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
    }
    assert!(store.load().unwrap().is_empty());
    assert!(store.quarantine(now).unwrap().is_empty(), "nothing is set aside that is not damaged");
    put(&store, "x:a").unwrap();
    assert!(store.quarantine(now).unwrap().is_empty());

    // A second one at the same moment does not replace the first.
    home.write(NAME, b"");
    let again = store.quarantine(now).unwrap();
    assert_ne!(again[0], aside[0]);
    assert_eq!(fs::read_to_string(&aside[0]).unwrap(), "{");
}

#[cfg(unix)]
#[test]
fn quarantine_leaves_a_link_that_leads_somewhere() {
    let home = Home::new(&[("real.json", "{")]);
    std::os::unix::fs::symlink("real.json", home.path(NAME)).unwrap();
    let store = home.store(StateFile::Auto);
    let aside = store.quarantine(Timestamp::from_millis(0)).unwrap();
    assert!(aside[0].file_name().unwrap().to_str().unwrap().starts_with("real.json.corrupt-"));
    assert!(store.load().unwrap().is_empty());
    put(&store, "x:a").unwrap();
    assert!(home.path(NAME).is_symlink());
    assert!(home.read("real.json").contains("x:a"));
}

#[test]
fn a_newer_version_is_read_and_not_written() {
    let newer = EMBEDDED.replace("\"version\": 1", "\"version\": 2");
    let home = Home::new(&[(NAME, &newer)]);
    let store = home.store(StateFile::Auto);
    assert_eq!(store.load().unwrap().len(), 3);
    assert_eq!(put(&store, "x:new").unwrap_err().kind(), ErrorKind::UnsupportedVersion);
    assert_eq!(succeed(&store, "x:a", 1).unwrap_err().kind(), ErrorKind::UnsupportedVersion);
    assert_eq!(home.read(NAME), newer);

    let home = Home::new(&[(NAME, EMBEDDED), (STATE, r#"{"version":2}"#)]);
    let store = home.store(StateFile::Auto);
    assert_eq!(store.load().unwrap().len(), 3);
    assert_eq!(put(&store, "x:new").unwrap_err().kind(), ErrorKind::UnsupportedVersion);
    assert_eq!(home.read(NAME), EMBEDDED);
}

#[cfg(unix)]
#[test]
fn an_update_that_changes_nothing_writes_nothing() {
    use std::os::unix::fs::MetadataExt as _;
    for (layout, state) in
        [(StateFile::Auto, None), (StateFile::Auto, Some("{}")), (StateFile::Separate, Some(r#"{"order":{}}"#))]
    {
        let home = Home::new(&[(NAME, EMBEDDED)]);
        if let Some(state) = state {
            home.write(STATE, state.as_bytes());
        }
        let store = home.store(layout);
        let inode = |name| home.path(name).metadata().map(|metadata| metadata.ino()).ok();
        let before = (inode(NAME), inode(STATE));
        store.update(&mut |_| Ok(())).unwrap();
        store.set_order(&x(), &[id("x:b"), id("x:a")]).unwrap();
        assert_eq!(store.remove(&id("x:none")).unwrap_err().kind(), ErrorKind::UnknownProfile);
        assert_eq!((inode(NAME), inode(STATE)), before);
        assert_eq!(home.read(NAME), EMBEDDED);
    }
}

#[test]
fn a_change_leaves_every_other_text_and_the_order_as_they_were() {
    let home = Home::new(&[(NAME, EMBEDDED)]);
    let store = home.store(StateFile::Auto);
    put(&store, "x:new").unwrap();
    let text = home.read(NAME);
    // All of the old text in its old order, with one entry more.
    let mut rest = text.as_str();
    for kept in [
        "\"version\": 1",
        "\"metadata\": {\"n\": 1.50, \"big\": 123456789012345678901234567890}",
        "\"x:b\": {\"type\":\"token\",\"provider\":\"x\",\"token\":\"t\",\"copyToAgents\":false}",
        "\"x:odd\": {\"type\": \"entangled\", \"spin\": [1, 2]}",
        "\"x:new\"",
        "\"later\": {\"z\": 1, \"a\": 2}",
        "\"order\"",
        "\"x\": [\"x:b\", \"x:a\"]",
        "\"lastGood\"",
        "\"x:a\": {\"lastUsed\": 1700000000000, \"mood\": \"good\"}",
    ] {
        let at = rest.find(kept).unwrap_or_else(|| panic!("{kept} is gone or moved: {text}"));
        rest = &rest[at + kept.len()..];
    }
    assert!(text.ends_with("}\n"));
}

#[test]
fn state_stands_in_its_own_file_where_there_is_one() {
    let home = Home::new(&[(NAME, EMBEDDED), (STATE, "{\n  \"version\": 1,\n  \"later\": 1e999\n}\n")]);
    let store = home.store(StateFile::Auto);
    succeed(&store, "x:b", 1_700_000_000_500).unwrap();
    // What stood in the file of credentials has moved; everything else in it has not.
    let (credentials, state) = (home.read(NAME), home.read(STATE));
    for section in ["order", "lastGood", "usageStats"] {
        assert!(!credentials.contains(section) && state.contains(section), "{section}");
    }
    assert!(credentials.contains("\"later\": {\"z\": 1, \"a\": 2}") && credentials.contains("x:odd"));
    assert!(state.contains("1e999") && state.contains("\"mood\": \"good\"") && !state.contains("sk-"));
    assert!(state.contains("1700000000500"));

    // From now on statistics leave the file of credentials alone, and credentials leave the state alone.
    succeed(&store, "x:a", 1_700_000_000_600).unwrap();
    assert_eq!(home.read(NAME), credentials);
    let state = home.read(STATE);
    put(&store, "x:new").unwrap();
    assert_eq!(home.read(STATE), state);
    assert!(home.read(NAME).contains("x:new"));

    // A removed entry is gone from both.
    assert!(store.clear_order(&x()).unwrap());
    store.remove(&id("x:b")).unwrap();
    let fresh = home.store(StateFile::Auto).load().unwrap();
    assert_eq!((fresh.order(&x()), fresh.last_good(&x())), (None, Some(&id("x:a"))));
    assert_eq!(fresh.usage("x:b"), None);
    assert_eq!(fresh.dirty_state(), DirtyState::None);
}

#[test]
fn a_state_file_is_made_on_request() {
    let home = Home::new(&[(NAME, EMBEDDED)]);
    let store = home.store(StateFile::Separate);
    assert!(store.load().unwrap().order(&x()).is_some(), "state in the old file is understood");
    assert!(!home.path(STATE).exists());
    put(&store, "x:new").unwrap();
    assert!(home.read(STATE).contains("x:b") && !home.read(NAME).contains("usageStats"));
    // Who does not ask for it finds it.
    let found = home.store(StateFile::Auto).load().unwrap();
    assert_eq!(found.to_json(), store.load().unwrap().to_json());
    assert_eq!(found.order(&x()).unwrap().len(), 2);
}

#[test]
fn the_state_file_counts_entry_by_entry_and_says_so() {
    let state = r#"{"version":1,"order":{"x":["x:a"]},"usageStats":{"x:b":{"lastUsed":5}}}"#;
    let home = Home::new(&[(NAME, EMBEDDED), (STATE, state)]);
    let store = home.store(StateFile::Auto);
    let loaded = store.load().unwrap();
    assert_eq!(loaded.order(&x()), Some(&[id("x:a")][..]));
    assert!(loaded.usage("x:a").is_some() && loaded.usage("x:b").is_some());
    let conflicts: Vec<_> =
        loaded.diagnostics().iter().filter(|remark| remark.code == DiagnosticCode::Conflict).collect();
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0].location.key_path.as_deref(), Some("order.x"));
    // Either file may change behind the store's back.
    home.write(STATE, br#"{"version":1,"order":{"x":["x:b"]}}"#);
    assert_eq!(store.load().unwrap().order(&x()), Some(&[id("x:b")][..]));
    home.write(NAME, br#"{"profiles":{}}"#);
    assert!(store.load().unwrap().is_empty());
    fs::remove_file(home.path(STATE)).unwrap();
    assert_eq!(store.load().unwrap().order(&x()), None);
}

#[test]
fn a_damaged_state_file_is_named_and_left_alone() {
    let home = Home::new(&[(NAME, EMBEDDED), (STATE, "{\"version\": 1, ")]);
    let store = home.store(StateFile::Auto);
    let error = store.load().unwrap_err();
    assert!(error.is_corrupt());
    assert_eq!(error.location().unwrap().path.as_deref(), Some(store.state_path()));
    assert!(put(&store, "x:new").is_err());
    assert_eq!((home.read(NAME).as_str(), home.read(STATE).as_str()), (EMBEDDED, "{\"version\": 1, "));
    assert_eq!(store.quarantine(Timestamp::from_millis(0)).unwrap().len(), 1);
    assert_eq!(store.load().unwrap().len(), 3);
}

#[test]
fn what_is_written_looks_as_the_reference_writes_it() {
    let home = Home::new(&[]);
    let store = home.store(StateFile::Separate);
    put(&store, "x:a").unwrap();
    store.set_order(&x(), &[id("x:a")]).unwrap();
    store
        .transact(|profiles| {
            profiles.set_last_good(&id("x:a"));
            Ok(())
        })
        .unwrap();
    succeed(&store, "x:a", 123).unwrap();
    let keys = |name: &str| -> Vec<String> {
        let value: serde_json::Value = serde_json::from_str(&home.read(name)).unwrap();
        let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    assert_eq!(keys(NAME), ["profiles", "version"]);
    assert_eq!(keys(STATE), ["lastGood", "order", "usageStats", "version"]);
    let expected = "{\n  \"version\": 1,\n  \"profiles\": {\n    \"x:a\": {\n      \"type\": \"api_key\",\n      \
                    \"provider\": \"x\",\n      \"key\": \"k\"\n    }\n  }\n}\n";
    assert_eq!(home.read(NAME), expected);
}

#[test]
fn older_files_are_taken_over_once() {
    let logins = r#"{"y":{"access":"a","refresh":"r","expires":1700000060000,"accountId":"acct"},"x":{"access":"z"}}"#;
    let agent = "agents/main/agent";
    let (old, new) = (format!("{agent}/auth.json"), format!("{agent}/{NAME}"));
    let home =
        Home::new(&[(&old, r#"{"x":{"type":"api_key","key":"k","note":1.0}}"#), ("credentials/oauth.json", logins)]);
    let open = |agent| FileStore::builder().agent(home.0.path(), agent).build().unwrap();
    let store = open("main");

    // Reading shows them and writes nothing.
    let loaded = store.load().unwrap();
    let ids: Vec<_> = loaded.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["x:default", "y:default"]);
    assert_eq!(
        loaded.get("x:default").unwrap().credential().unwrap().secret().expose(),
        "k",
        "the first to come stays"
    );
    assert_eq!(loaded.diagnostics().iter().filter(|remark| remark.code == DiagnosticCode::Imported).count(), 2);
    assert!(!home.path(&new).exists());
    assert_eq!(loaded.dirty_state(), DirtyState::None);

    // The first update writes them, even one that changes nothing.
    store.update(&mut |_| Ok(())).unwrap();
    let text = home.read(&new);
    assert!(text.contains("\"note\": 1.0") && text.contains("\"accountId\": \"acct\""));
    assert!(!home.path(&old).exists());
    assert!(home.path("credentials/oauth.json").exists(), "an entry that was not taken is kept with its file");
    assert!(store.load().unwrap().diagnostics().is_empty());

    // Once: what stands there afterwards is not looked at again.
    home.write(&old, br#"{"z":{"type":"api_key","key":"stale"}}"#);
    put(&store, "x:new").unwrap();
    assert!(store.load().unwrap().get("z:default").is_none());
    assert!(home.path(&old).exists());

    // Logins belong to whoever takes them first, and their file goes when all of them were taken.
    home.write("credentials/oauth.json", br#"{"y":{"access":"a","refresh":"r"}}"#);
    open("second").update(&mut |_| Ok(())).unwrap();
    assert!(!home.path("credentials/oauth.json").exists());
    assert!(open("third").load().unwrap().is_empty());
    let login = open("second").load().unwrap();
    assert_eq!(login.get("y:default").unwrap().stored_kind(), Some(provider_auth::CredentialKind::OAuth));
}

#[test]
fn an_older_file_that_cannot_be_read_is_reported_and_kept() {
    for bad in ["{", "[]", "", "\u{0}"] {
        let home = Home::new(&[("auth.json", bad)]);
        let store = home.store(StateFile::Auto);
        let loaded = store.load().unwrap();
        assert!(loaded.is_empty());
        assert_eq!(loaded.diagnostics()[0].severity, Severity::Warning);
        store.update(&mut |_| Ok(())).unwrap();
        assert!(!home.path(NAME).exists(), "there was nothing to take over");
        put(&store, "x:a").unwrap();
        assert_eq!(home.read("auth.json"), bad);
        assert_eq!(store.load().unwrap().len(), 1);
    }
}

#[cfg(unix)]
#[test]
fn a_strict_store_takes_nothing_from_a_file_others_can_write() {
    let home = Home::new(&[("auth.json", r#"{"x":{"type":"api_key","key":"k"}}"#)]);
    let open = |strict| FileStore::builder().path(home.path(NAME)).strict_permissions(strict).build().unwrap();
    let loaded = open(true).load().unwrap();
    assert!(loaded.is_empty());
    assert_eq!(loaded.diagnostics()[0].severity, Severity::Warning);
    let loaded = open(false).load().unwrap();
    assert_eq!(loaded.len(), 1);
    assert!(loaded.diagnostics().iter().any(|remark| remark.code == DiagnosticCode::InsecurePermissions));
}

#[test]
fn a_file_of_another_name_has_a_state_file_of_its_own_and_no_older_files() {
    let home = Home::new(&[("auth.json", r#"{"x":{"type":"api_key","key":"k"}}"#), (STATE, "no state of ours")]);
    let store = FileStore::new(home.path("work.json")).unwrap();
    assert!(store.load().unwrap().is_empty());
    assert_eq!(store.state_path(), home.path("work-state.json"));
    put(&store, "x:a").unwrap();
    assert_eq!(home.read(STATE), "no state of ours");
}

#[test]
fn a_program_that_writes_in_place_is_waited_for() {
    let home = Home::new(&[(NAME, EMBEDDED)]);
    let store = home.store(StateFile::Auto);
    let path = home.path(NAME);
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || write_in_place(&path));
        let (mut reads, mut damaged) = (0, 0);
        while !writer.is_finished() {
            reads += 1;
            match store.load() {
                Ok(loaded) => assert_eq!(loaded.len(), 3),
                Err(error) if error.is_corrupt() => damaged += 1,
                Err(error) => panic!("{error}"),
            }
        }
        // A writer that is stopped in the middle for very long cannot be waited for.
        let stopped = writer.join().unwrap();
        assert!(damaged <= reads / 100 + stopped, "{damaged} of {reads}, {stopped} for slow writes");
    });
}

/// Truncates and writes, as the reference of February 2026 does, with moments of rest. Returns how often a reader has
/// had the time to give up during a write.
fn write_in_place(path: &Path) -> u32 {
    let mut stopped = 0;
    for _ in 0..200 {
        let start = Instant::now();
        fs::write(path, EMBEDDED).unwrap();
        // A file with content is waited for no longer than this.
        stopped += u32::try_from(start.elapsed().as_millis() / 2).unwrap();
        std::thread::sleep(Duration::from_millis(3));
    }
    stopped
}
