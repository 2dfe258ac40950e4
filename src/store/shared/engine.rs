//! What a server has to be able to do so that profiles can be kept on it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use secrecy::zeroize::Zeroizing;

use crate::error::Result;

/// A server that keeps small values under names, for one agent, and commits several of them at once.
///
/// [`SharedStore`](super::SharedStore) does everything else: it takes the document apart and puts it together, caches it,
/// tries again after a conflict, renews leases and seals values. An engine needs no exclusion of its own; its calls come from
/// several threads at a time.
///
/// # Contract
///
/// - Names are any text; values are bytes of a few kilobytes. A store begins without values and with an empty revision.
/// - Every value has as its version the [`stamp`](Commit::stamp) of the commit that wrote it, and the whole has as its
///   revision the stamp of the last commit. Stamps never repeat, so that a server that lost writes is noticed.
/// - [`commit`](Self::commit) is atomic: its condition holds and everything is written, or nothing is.
/// - [`read`](Self::read) gives one state of the whole, at least as new as every commit that had ended before it began.
/// - The clock by which a lease ends is the server's.
///
/// # Errors
///
/// [`StoreUnavailable`](crate::ErrorKind::StoreUnavailable) where the server cannot be reached or refuses to work for now. A
/// commit whose answer got lost is one of those; it is looked for, and sent again with the same stamp at most once, so that an
/// engine must not send it again by itself.
pub trait Engine: fmt::Debug + Send + Sync {
    /// Reads what is new; `None` if the revision is still the known one.
    ///
    /// # Errors
    ///
    /// See above.
    fn read(&self, known: &Known) -> Result<Option<Listing>>;

    /// Writes everything or nothing.
    ///
    /// # Errors
    ///
    /// See above; [`StorageFull`](crate::ErrorKind::StorageFull) if the server has no space.
    fn commit(&self, commit: &Commit) -> Result<Committed>;

    /// Sees to it that as many replicas as were asked for have what was committed; returns whether they do. It is called after
    /// a commit whose answer was lost, and which was found. Provided: `true`, for servers where nobody asks for replicas.
    ///
    /// # Errors
    ///
    /// See above.
    fn confirm(&self) -> Result<bool> {
        Ok(true)
    }

    /// Takes a lease for the holder of a token if nobody has it; it ends by itself after its life. Returns whether it was taken.
    ///
    /// # Errors
    ///
    /// See above.
    fn acquire(&self, name: &str, token: &str, life: Duration) -> Result<bool>;

    /// Lets a lease live on for so long from now if the holder of this token still has it; returns whether that is so.
    ///
    /// # Errors
    ///
    /// See above.
    fn renew(&self, name: &str, token: &str, life: Duration) -> Result<bool>;

    /// Ends a lease if the holder of this token still has it.
    ///
    /// # Errors
    ///
    /// See above.
    fn release(&self, name: &str, token: &str) -> Result<()>;

    /// Returns `false` if no call ever waits for a disk, a network or another process.
    fn may_block(&self) -> bool {
        true
    }
}

/// A value as the server keeps it, which may hold secrets: it is not shown, and wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Value(Zeroizing<Vec<u8>>);

impl Value {
    /// A value of these bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes.
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

/// What a reader knows already: the revision, and the version of every value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    pub(super) revision: String,
    /// By name; each state is copied from the one before, of which most stays.
    pub(super) versions: BTreeMap<Arc<str>, Arc<str>>,
    json: Json,
}

/// The versions as JSON, written once for a state that is not changed any more.
#[derive(Debug, Default)]
struct Json(OnceLock<String>);

impl Clone for Json {
    /// A clone is there to be changed.
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
    /// A state of which this is known: its revision, and names with their versions. For engines that keep the whole as one.
    #[must_use]
    pub fn new(revision: impl Into<String>, versions: impl IntoIterator<Item = (String, String)>) -> Self {
        let versions = versions.into_iter().map(|(name, version)| (name.into(), version.into())).collect();
        Self { revision: revision.into(), versions, json: Json::default() }
    }

    /// The versions by name as one JSON object, for engines that hand them to a script.
    #[must_use]
    pub fn versions_as_json(&self) -> &str {
        self.json.0.get_or_init(|| {
            let versions: BTreeMap<&str, &str> = self.iter().collect();
            serde_json::to_string(&versions).unwrap_or_default()
        })
    }

    /// The revision of the last state that was read; empty if that had no values.
    #[must_use]
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// The known version of a value; `None` if there is no such value.
    #[must_use]
    pub fn version(&self, name: &str) -> Option<&str> {
        self.versions.get(name).map(|version| &**version)
    }

    /// Iterates over names and versions.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.versions.iter().map(|(name, version)| (&**name, &**version))
    }
}

/// One state of the whole: its revision and every value there is, those left out that are known.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listing {
    /// The revision.
    pub revision: String,
    /// Every value there is, in any order.
    pub entries: Vec<Entry>,
}

impl Listing {
    /// A listing without entries.
    #[must_use]
    pub fn new(revision: impl Into<String>) -> Self {
        Self { revision: revision.into(), entries: Vec::new() }
    }
}

/// One value of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The value; `None` only if this version is the known one.
    pub value: Option<Value>,
}

impl Entry {
    /// A value with its name and version; without it where the reader knows it.
    #[must_use]
    pub fn new(name: impl Into<String>, version: impl Into<String>, value: Option<Value>) -> Self {
        Self { name: name.into(), version: version.into(), value }
    }
}

/// What is to be written, and under which condition.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Commit {
    /// The version that everything in it gets, and the new revision.
    pub stamp: String,
    /// What must hold.
    pub condition: Condition,
    /// The values to write, by name; `None` removes one.
    pub writes: Vec<(String, Option<Value>)>,
}

/// What must hold for a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// Nothing at all was committed since this revision.
    Revision(String),
    /// These values have these versions; `None` if there is to be no such value.
    Versions(Vec<(String, Option<String>)>),
}

impl Condition {
    /// Returns whether it holds for a state, for engines that look at the whole themselves.
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

/// What became of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Committed {
    /// It was written.
    Done {
        /// The revision that it followed.
        before: String,
    },
    /// It was written, and fewer replicas than were asked for said in time that they have it.
    Unconfirmed {
        /// The revision that it followed.
        before: String,
    },
    /// Its condition did not hold, and nothing was written.
    Conflict,
    /// The same, with those values that the condition names and that have another version, as they are now; one that is
    /// gone has an empty version. A store that is told them need not read before it tries again. Only for a condition on
    /// [versions](Condition::Versions).
    ConflictWith(Vec<Entry>),
    /// The server answered that it takes no writes for now, and nothing was written.
    Refused,
}
