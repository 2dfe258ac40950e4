//! The rows that contain the documents, and the SQL that reads and writes them.

use crate::secret::Secret;

/// The kind of a database. OpenClaw numbers the schemas of the two kinds separately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// `state/openclaw.sqlite`.
    Shared,
    /// One agent's `openclaw-agent.sqlite`.
    Agent,
}

impl Role {
    /// Returns the schema that OpenClaw 2026.9.6 writes: the newest that can be read, and the only one that is written.
    pub(super) fn schema(self) -> i64 {
        match self {
            Self::Shared => 18,
            Self::Agent => 23,
        }
    }

    /// Returns the tables that may contain the documents, the newer first.
    pub(super) fn tables(self) -> &'static [Table] {
        match self {
            Self::Shared => &[MACHINE_STATE, SHARED_STORES],
            Self::Agent => &[AGENT_STORE],
        }
    }
}

/// The layout of the pair of documents in some releases of OpenClaw.
#[derive(Debug)]
pub(super) struct Table {
    /// The table whose existence identifies the layout.
    pub(super) name: &'static str,
    /// Selects the marker of the owner, the store and the state, each null if there is none.
    pub(super) read: &'static str,
    /// How they are written; `None` for a layout that is only read.
    pub(super) write: Option<Write>,
}

/// The statements that replace the store, replace the state, and remove the state.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) store: &'static str,
    pub(super) state: &'static str,
    pub(super) no_state: &'static str,
}

const MACHINE_STATE: Table = Table {
    name: "config_machine_state",
    read: "SELECT \
        (SELECT value_json FROM config_machine_state WHERE state_key = 'auth.sharedStore'), \
        (SELECT value_json FROM config_machine_state WHERE state_key = 'authProfiles.store'), \
        (SELECT value_json FROM config_machine_state WHERE state_key = 'authProfiles.state')",
    write: Some(Write {
        store: "INSERT INTO config_machine_state (state_key, value_json, updated_at_ms) \
        VALUES ('authProfiles.store', ?1, ?2) ON CONFLICT (state_key) \
        DO UPDATE SET value_json = excluded.value_json, updated_at_ms = excluded.updated_at_ms",
        state: "INSERT INTO config_machine_state (state_key, value_json, updated_at_ms) \
        VALUES ('authProfiles.state', ?1, ?2) ON CONFLICT (state_key) \
        DO UPDATE SET value_json = excluded.value_json, updated_at_ms = excluded.updated_at_ms",
        no_state: "DELETE FROM config_machine_state WHERE state_key = 'authProfiles.state'",
    }),
};

/// Before schema 13 the state database had separate tables for them, and no marker. They are only read.
const SHARED_STORES: Table = Table {
    name: "auth_profile_stores",
    read: "SELECT \
        (SELECT '{\"location\":\"state-db\"}' FROM auth_profile_stores WHERE store_key = 'primary'), \
        (SELECT store_json FROM auth_profile_stores WHERE store_key = 'primary'), \
        (SELECT state_json FROM auth_profile_state WHERE store_key = 'primary')",
    write: None,
};

const AGENT_STORE: Table = Table {
    name: "auth_profile_store",
    read: "SELECT NULL, \
        (SELECT store_json FROM auth_profile_store WHERE store_key = 'primary'), \
        (SELECT state_json FROM auth_profile_state WHERE state_key = 'primary')",
    write: Some(Write {
        store: "INSERT INTO auth_profile_store (store_key, store_json, updated_at) \
        VALUES ('primary', ?1, ?2) ON CONFLICT (store_key) \
        DO UPDATE SET store_json = excluded.store_json, updated_at = excluded.updated_at",
        state: "INSERT INTO auth_profile_state (state_key, state_json, updated_at) \
        VALUES ('primary', ?1, ?2) ON CONFLICT (state_key) \
        DO UPDATE SET state_json = excluded.state_json, updated_at = excluded.updated_at",
        no_state: "DELETE FROM auth_profile_state WHERE state_key = 'primary'",
    }),
};

#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    /// The owner of the profiles that all agents share; in the state database only.
    pub(super) marker: Option<String>,
    pub(super) store: Option<Secret>,
    pub(super) state: Option<Secret>,
}

/// Not in constant time: both sides come from the database, so there is no attacker to hide the timing from.
impl PartialEq for Rows {
    fn eq(&self, other: &Self) -> bool {
        let same = |one: Option<&Secret>, two: Option<&Secret>| one.map(Secret::expose) == two.map(Secret::expose);
        self.marker == other.marker
            && same(self.store.as_ref(), other.store.as_ref())
            && same(self.state.as_ref(), other.state.as_ref())
    }
}
