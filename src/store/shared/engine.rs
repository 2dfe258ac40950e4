//! The operations that a server has to provide to a shared store.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use secrecy::zeroize::Zeroizing;

use crate::error::Result;

/// A server that keeps small values under names, for one agent, and commits several of them at once.
///
/// [`SharedStore`](super::SharedStore) does everything else: it splits and reassembles the document, caches it, retries
/// after conflicts, extends leases and seals values. An engine is called from several threads at a time and needs no
/// locking around its calls.
///
/// # Contract
///
/// - Names are any text; values are bytes, a few kilobytes at most. A new store has no values and an empty revision.
/// - The version of a value is the [`stamp`](Commit::stamp) of the commit that wrote it, and the revision of the whole
///   is the stamp of the last commit. Stamps never repeat, so a server that lost writes is noticed.
/// - [`commit`](Self::commit) is atomic: if its condition holds, everything is written, otherwise nothing.
/// - [`read`](Self::read) returns one consistent state, at least as new as every commit that completed before the call.
/// - Leases end by the server's clock.
///
/// # Errors
///
/// [`StoreUnavailable`](crate::ErrorKind::StoreUnavailable) if the server cannot be reached or temporarily refuses to
/// work. This includes a commit whose answer was lost; the store looks for it and sends it again with the same stamp at
/// most once, so an engine must not retry a commit itself.
pub trait Engine: fmt::Debug + Send + Sync {
    /// Reads the changes since a known state; returns `None` if the revision is unchanged.
    ///
    /// # Errors
    ///
    /// See above.
    fn read(&self, known: &Known) -> Result<Option<Listing>>;

    /// Writes all values of a commit, or none.
    ///
    /// # Errors
    ///
    /// See above; [`StorageFull`](crate::ErrorKind::StorageFull) if the server has no space.
    fn commit(&self, commit: &Commit) -> Result<Committed>;

    /// Waits until the requested number of replicas have the last commit; returns `true` if they do. It is called after
    /// the answer to a commit was lost and the commit was found. The default implementation returns `true`, for servers
    /// that are not asked for replicas.
    ///
    /// # Errors
    ///
    /// See above.
    fn confirm(&self) -> Result<bool> {
        Ok(true)
    }

    /// Acquires a lease for the holder of a token if it is free; returns `true` if it was acquired. The lease expires
    /// after `life`.
    ///
    /// # Errors
    ///
    /// See above.
    fn acquire(&self, name: &str, token: &str, life: Duration) -> Result<bool>;

    /// Extends a lease to `life` from now if the holder of the token still has it; returns `true` if it does.
    ///
    /// # Errors
    ///
    /// See above.
    fn renew(&self, name: &str, token: &str, life: Duration) -> Result<bool>;

    /// Ends a lease if the holder of the token still has it.
    ///
    /// # Errors
    ///
    /// See above.
    fn release(&self, name: &str, token: &str) -> Result<()>;

    /// Returns `false` if no call ever waits for a disk, a network or another process. The default implementation
    /// returns `true`.
    fn may_block(&self) -> bool {
        true
    }
}

/// A value as the server keeps it. It may hold secrets, so it is redacted in `Debug` and wiped on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct Value(Zeroizing<Vec<u8>>);

impl Value {
    /// Creates a value from its bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Returns the bytes.
    ///
    /// # Security
    ///
    /// They hold secrets in clear unless the store [seals](super::Sealing) its values.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Value([redacted])")
    }
}

/// The state that a reader already has: the revision, and the version of every value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    pub(super) revision: String,
    /// By name. Shared, because most versions are the same in the next state.
    pub(super) versions: BTreeMap<Arc<str>, Arc<str>>,
    json: Json,
}

/// The versions as JSON, written once per state.
#[derive(Debug, Default)]
struct Json(OnceLock<String>);

impl Clone for Json {
    /// The clone is about to be changed, so it starts empty.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Json {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Json {}

impl Known {
    /// Creates a state from its revision and the versions by name, for engines that keep the whole as one.
    #[must_use]
    pub fn new(revision: impl Into<String>, versions: impl IntoIterator<Item = (String, String)>) -> Self {
        let versions = versions.into_iter().map(|(name, version)| (name.into(), version.into())).collect();
        Self { revision: revision.into(), versions, json: Json::default() }
    }

    /// Returns the versions by name as a JSON object, for engines that pass them to a script.
    #[must_use]
    pub fn versions_as_json(&self) -> &str {
        self.json.0.get_or_init(|| {
            let versions: BTreeMap<&str, &str> = self.iter().collect();
            serde_json::to_string(&versions).unwrap_or_default()
        })
    }

    /// Returns the revision; empty if nothing has been committed or read.
    #[must_use]
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// Returns the version of a value; `None` if there is no such value.
    #[must_use]
    pub fn version(&self, name: &str) -> Option<&str> {
        self.versions.get(name).map(|version| &**version)
    }

    /// Returns an iterator over names and versions, in the order of names.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.versions.iter().map(|(name, version)| (&**name, &**version))
    }
}

/// One state of the whole: its revision and all its values, without the bytes that the reader already has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listing {
    /// The stamp of the last commit; empty if there was none.
    pub revision: String,
    /// All values, in any order. A value that is missing here was removed.
    pub entries: Vec<Entry>,
}

impl Listing {
    /// Creates a listing without entries.
    #[must_use]
    pub fn new(revision: impl Into<String>) -> Self {
        Self { revision: revision.into(), entries: Vec::new() }
    }
}

/// A value of a [`Listing`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The name of the value.
    pub name: String,
    /// The stamp of the commit that wrote it.
    pub version: String,
    /// The bytes; `None` only if the reader already has this version.
    pub value: Option<Value>,
}

impl Entry {
    /// Creates an entry; pass no value if the reader already has this version.
    #[must_use]
    pub fn new(name: impl Into<String>, version: impl Into<String>, value: Option<Value>) -> Self {
        Self { name: name.into(), version: version.into(), value }
    }
}

/// Values to write, and the condition for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Commit {
    /// The version of every value it writes, and the new revision.
    pub stamp: String,
    /// The condition under which it is written.
    pub condition: Condition,
    /// The values to write, by name; `None` removes one.
    pub writes: Vec<(String, Option<Value>)>,
}

/// The state that must still be stored for a [`Commit`] to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// This is still the revision: nothing has been committed since.
    Revision(String),
    /// These values have these versions; `None` for values that must not exist.
    Versions(Vec<(String, Option<String>)>),
}

impl Condition {
    /// Returns `true` if it holds for a state, for engines that compare states themselves.
    #[must_use]
    pub fn holds(&self, known: &Known) -> bool {
        match self {
            Self::Revision(revision) => *revision == known.revision,
            Self::Versions(versions) => {
                versions.iter().all(|(name, version)| known.version(name) == version.as_deref())
            }
        }
    }
}

/// The outcome of a [`Commit`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Committed {
    /// It was written.
    Done {
        /// The revision before it.
        before: String,
    },
    /// It was written, but fewer replicas than requested confirmed it in time.
    Unconfirmed {
        /// The revision before it.
        before: String,
    },
    /// It was written, but the server does not let its user wait for the requested replicas.
    Unasked {
        /// The revision before it.
        before: String,
    },
    /// Its condition did not hold, and nothing was written.
    Conflict,
    /// A conflict, with the current state of each value in the condition that has another version; a removed value has
    /// an empty version. The store then tries again without a read. Only for a condition on
    /// [versions](Condition::Versions).
    ConflictWith(Vec<Entry>),
    /// The server temporarily accepts no writes, and nothing was written.
    Refused,
}
