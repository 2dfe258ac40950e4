//! State directories as OpenClaw 2026.9.6 makes them, with the tables that matter and one stand-in for the hundred others.

use std::fs::{create_dir_all, read, read_dir, write};
use std::path::{Path, PathBuf};

use provider_auth::store::SqliteStore;
use rusqlite::{Connection, OptionalExtension as _};
use serde_json::Value;
use tempfile::TempDir;

/// The state database with its version of 2026.9.6.
const SHARED: &str = "
    CREATE TABLE config_machine_state (
        state_key TEXT NOT NULL PRIMARY KEY, value_json TEXT NOT NULL, updated_at_ms INTEGER NOT NULL) STRICT;
    CREATE TABLE secret_store_entries (
        scope_kind TEXT NOT NULL, scope_id TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, kind TEXT NOT NULL,
        created_at_ms INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL, updated_by TEXT, deleted_at_ms INTEGER,
        allowed_hosts TEXT, PRIMARY KEY (scope_kind, scope_id, name)) STRICT;
    CREATE TABLE others (id INTEGER PRIMARY KEY, text TEXT NOT NULL CHECK (octet_length(text) < 100)) STRICT;
    INSERT INTO others (text) VALUES ('somebody else''s');
    PRAGMA user_version = 18;";

const AGENT: &str = "
    CREATE TABLE auth_profile_store (
        store_key TEXT NOT NULL PRIMARY KEY, store_json TEXT NOT NULL, updated_at INTEGER NOT NULL) STRICT;
    CREATE TABLE auth_profile_state (
        state_key TEXT NOT NULL PRIMARY KEY, state_json TEXT NOT NULL, updated_at INTEGER NOT NULL) STRICT;
    CREATE TABLE others (id INTEGER PRIMARY KEY, text TEXT NOT NULL CHECK (octet_length(text) < 100)) STRICT;
    INSERT INTO others (text) VALUES ('somebody else''s');
    PRAGMA user_version = 23;";

/// The tables of 2026.7.1, which has no shared store.
const OLD_SHARED: &str = "
    CREATE TABLE auth_profile_stores (
        store_key TEXT NOT NULL PRIMARY KEY, store_json TEXT NOT NULL, updated_at INTEGER NOT NULL);
    CREATE TABLE auth_profile_state (
        store_key TEXT NOT NULL PRIMARY KEY, state_json TEXT NOT NULL, updated_at INTEGER NOT NULL);
    PRAGMA user_version = 1;";

const OLD_AGENT: &str = "
    CREATE TABLE auth_profile_store (
        store_key TEXT NOT NULL PRIMARY KEY, store_json TEXT NOT NULL, updated_at INTEGER NOT NULL);
    CREATE TABLE auth_profile_state (
        state_key TEXT NOT NULL PRIMARY KEY, state_json TEXT NOT NULL, updated_at INTEGER NOT NULL);
    PRAGMA user_version = 1;";

/// The time of rows that were there before: a test sees which ones were written later.
const LONG_AGO: i64 = 1_000;

/// Takes everybody's rights but the owner's; on Windows they are those of the directory.
fn make_private(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = if path.is_dir() { 0o700 } else { 0o600 };
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    #[cfg(not(unix))]
    let _ = path;
}

/// Whether nobody else has rights to a file.
pub(crate) fn is_private(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        path.metadata().unwrap().permissions().mode() & 0o777 == 0o600
    }
    #[cfg(not(unix))]
    path.exists()
}

/// One state directory.
pub(crate) struct State {
    directory: TempDir,
}

impl State {
    /// A directory that 2026.9.6 has been in, with an empty shared store.
    pub(crate) fn new() -> Self {
        let state = Self::empty();
        let shared = state.make("state/openclaw.sqlite", SHARED, "wal");
        put_shared(&shared, "auth.sharedStore", r#"{"location":"state-db"}"#);
        state
    }

    pub(crate) fn empty() -> Self {
        let state = Self { directory: tempfile::tempdir().unwrap() };
        make_private(state.path());
        state
    }

    /// A directory with these profiles in the shared store.
    pub(crate) fn with_shared(store: &str) -> Self {
        let state = Self::new();
        put_shared(&state.connect("state/openclaw.sqlite"), "authProfiles.store", store);
        state
    }

    pub(crate) fn shared_state(self, text: &str) -> Self {
        put_shared(&self.connect("state/openclaw.sqlite"), "authProfiles.state", text);
        self
    }

    /// Adds an agent's own database with these rows.
    pub(crate) fn agent(self, agent: &str, store: Option<&str>, state: Option<&str>) -> Self {
        let database = self.make(&agent_database(agent), AGENT, "wal");
        put_agent(&database, store, state);
        self
    }

    /// Makes a database at a path of this directory, private as OpenClaw's.
    fn make(&self, relative: &str, schema: &str, journal: &str) -> Connection {
        let path = self.path().join(relative);
        create_dir_all(path.parent().unwrap()).unwrap();
        write(&path, "").unwrap();
        make_private(&path);
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL;").unwrap();
        connection.pragma_update(None, "journal_mode", journal).unwrap();
        connection.execute_batch(schema).unwrap();
        connection
    }

    /// Makes a database anew from its recorded rows.
    pub(crate) fn rebuild(&self, relative: &str, recorded: &Value) {
        let schema = match (relative.starts_with("state/"), recorded["schema"].as_i64()) {
            (true, Some(1)) => OLD_SHARED,
            (true, _) => SHARED,
            (false, Some(1)) => OLD_AGENT,
            (false, _) => AGENT,
        };
        let database = self.make(relative, schema, "wal");
        database.pragma_update(None, "user_version", recorded["schema"].as_i64().unwrap()).unwrap();
        for (key, text) in recorded["rows"].as_object().into_iter().flatten() {
            put_shared(&database, key, text.as_str().unwrap());
        }
        for secret in recorded["secrets"].as_array().into_iter().flatten() {
            let text = |place: usize| secret[place].as_str().unwrap();
            put_secret(&database, (text(3), ""), text(0), text(1), None);
        }
        if !relative.starts_with("state/") {
            put_agent(&database, recorded["store"].as_str(), recorded["state"].as_str());
        }
    }

    /// Writes a file for its owner only.
    pub(crate) fn write(&self, relative: &str, text: &str) {
        let path = self.path().join(relative);
        create_dir_all(path.parent().unwrap()).unwrap();
        write(&path, text).unwrap();
        make_private(&path);
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The store of an agent.
    pub(crate) fn store(&self, agent: &str) -> SqliteStore {
        SqliteStore::builder().agent(self.path(), agent).build().unwrap()
    }

    pub(crate) fn connect(&self, relative: &str) -> Connection {
        Connection::open(self.path().join(relative)).unwrap()
    }

    /// Every row of a database that can hold credentials, with the time it was written.
    pub(crate) fn rows(&self, relative: &str) -> Vec<(String, String, i64)> {
        let path = self.path().join(relative);
        if !path.exists() {
            return Vec::new();
        }
        let connection = Connection::open(path).unwrap();
        let sql = if relative.starts_with("state/") {
            "SELECT state_key, value_json, updated_at_ms FROM config_machine_state ORDER BY 1"
        } else {
            "SELECT 'store', store_json, updated_at FROM auth_profile_store
             UNION ALL SELECT 'state', state_json, updated_at FROM auth_profile_state ORDER BY 1"
        };
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    /// What stands in a row now.
    pub(crate) fn shared_row(&self, key: &str) -> Option<String> {
        let sql = "SELECT value_json FROM config_machine_state WHERE state_key = ?1";
        self.connect("state/openclaw.sqlite").query_row(sql, [key], |row| row.get(0)).optional().unwrap()
    }

    /// Every file with its content, `-shm` left out: SQLite makes that when it likes.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        fn walk(directory: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
            for entry in read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
                if entry.is_dir() {
                    walk(&entry, found);
                } else if !entry.to_string_lossy().ends_with("-shm") {
                    let content = read(&entry).unwrap();
                    // A log without content says nothing; it comes and goes.
                    if !(content.is_empty() && entry.to_string_lossy().ends_with("-wal")) {
                        found.push((entry, content));
                    }
                }
            }
        }
        let mut found = Vec::new();
        walk(self.path(), &mut found);
        found.sort();
        found
    }

    /// Makes a directory of 2026.7.1.
    pub(crate) fn of_july(store: &str, state: Option<&str>) -> Self {
        let old = Self::empty();
        old.make("state/openclaw.sqlite", OLD_SHARED, "wal");
        put_agent(&old.make(&agent_database("main"), OLD_AGENT, "wal"), Some(store), state);
        old
    }

    /// Makes a directory as on a network file system, where OpenClaw has no write-ahead log.
    pub(crate) fn with_rollback_journal(store: &str) -> Self {
        let state = Self::empty();
        let shared = state.make("state/openclaw.sqlite", SHARED, "delete");
        put_shared(&shared, "auth.sharedStore", r#"{"location":"state-db"}"#);
        put_shared(&shared, "authProfiles.store", store);
        state
    }
}

pub(crate) fn agent_database(agent: &str) -> String {
    format!("agents/{agent}/agent/openclaw-agent.sqlite")
}

pub(crate) fn put_shared(connection: &Connection, key: &str, text: &str) {
    let sql = "INSERT OR REPLACE INTO config_machine_state VALUES (?1, ?2, ?3)";
    connection.execute(sql, (key, text, LONG_AGO)).unwrap();
}

/// Puts a secret into the table of secrets; `deleted` is when it was taken back.
pub(crate) fn put_secret(connection: &Connection, scope: (&str, &str), name: &str, value: &str, deleted: Option<i64>) {
    let sql =
        "INSERT OR REPLACE INTO secret_store_entries VALUES (?1, ?2, ?3, ?4, 'secret', ?5, ?5, 'setup', ?6, NULL)";
    connection.execute(sql, (scope.0, scope.1, name, value, LONG_AGO, deleted)).unwrap();
}

pub(crate) fn put_agent(connection: &Connection, store: Option<&str>, state: Option<&str>) {
    for (table, text) in [("store", store), ("state", state)] {
        if let Some(text) = text {
            let sql = format!("INSERT OR REPLACE INTO auth_profile_{table} VALUES ('primary', ?1, ?2)");
            connection.execute(&sql, (text, LONG_AGO)).unwrap();
        }
    }
}
