//! A document as it was read, with the versions of its parts.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::engine::{Entry, Known, Listing, Value};
use super::sealing::Seal;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::id::ProfileId;
use crate::profile::AuthProfiles;
use crate::secret::Secret;

/// The name of the value with everything but the statistics.
pub(super) const CREDENTIALS: &str = "credentials";
/// The prefix of the names of a profile's statistics.
const USAGE: &str = "usage/";
/// The prefix of the names of notes on refresh tokens.
const REFRESH: &str = "refresh/";

/// The suffix of the revision of a state that was put together from two.
const MIXED: &str = "+";

pub(super) fn usage_name(id: &ProfileId) -> String {
    format!("{USAGE}{id}")
}

pub(super) fn refresh_name(id: &ProfileId) -> String {
    format!("{REFRESH}{id}")
}

/// The name of a value and its new text; `None` to remove it.
pub(super) type Change = (String, Option<Secret>);

/// The changes that an update made to a snapshot.
#[derive(Debug)]
pub(super) struct Changes {
    pub(super) values: Vec<Change>,
    /// The snapshot's document with these changes, if it is available, so that a commit is not parsed again.
    pub(super) document: Option<Arc<AuthProfiles>>,
}

/// One state of all values.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot {
    /// The position of this read or commit among all of them, counted from its start; zero if nothing was read.
    pub(super) number: u64,
    pub(super) read_at: Option<Timestamp>,
    pub(super) known: Known,
    pub(super) document: Arc<AuthProfiles>,
    pub(super) notes: BTreeMap<String, Secret>,
}

impl Snapshot {
    /// Returns the state that a listing describes. Values with a known version are not read again.
    pub(super) fn listed(&self, listing: Listing, seal: &Seal) -> Result<Self> {
        let mut next = Self { known: Known::new(listing.revision, []), ..self.clone() };
        let mut changed: Vec<Change> = Vec::new();
        for entry in listing.entries {
            if self.known.version(&entry.name) != Some(&entry.version) {
                let value = entry.value.as_ref().ok_or_else(left_out)?;
                changed.push((entry.name.clone(), Some(open(seal, &entry.name, value)?)));
            }
            next.known.versions.insert(entry.name.into(), entry.version.into());
        }
        let gone = self.known.versions.keys().filter(|name| !next.known.versions.contains_key(*name));
        changed.extend(gone.map(|name| (name.to_string(), None)));
        next.change(&changed, None)?;
        Ok(next)
    }

    /// The state with what a conflict told of some of its values.
    pub(super) fn amended(&self, now: Vec<Entry>, seal: &Seal) -> Result<Self> {
        let (mut next, mut changed) = (self.clone(), Vec::new());
        for Entry { name, version, value } in now {
            if version.is_empty() {
                next.known.versions.remove(&*name);
                changed.push((name, None));
                continue;
            }
            let value = value.ok_or_else(left_out)?;
            let text = open(seal, &name, &value)?;
            next.known.versions.insert(name.as_str().into(), version.into());
            changed.push((name, Some(text)));
        }
        next.known.revision = mixed(&self.known.revision);
        next.change(&changed, None)?;
        Ok(next)
    }

    /// Returns the state after changes that were committed on a state with the same versions of these values.
    pub(super) fn committed(&self, stamp: &str, changes: &Changes, before: &str) -> Result<Self> {
        let (mut next, version) = (self.clone(), Arc::<str>::from(stamp));
        for (name, text) in &changes.values {
            match text {
                Some(_) => next.known.versions.insert(name.as_str().into(), Arc::clone(&version)),
                None => next.known.versions.remove(&**name),
            };
        }
        // If others have committed in between, this mixture never existed on the server.
        let is_next = self.known.revision == before;
        next.known.revision = if is_next { stamp.to_owned() } else { mixed(stamp) };
        next.change(&changes.values, changes.document.as_ref())?;
        Ok(next)
    }

    /// Changes values, and the document with them unless it is given with these changes.
    fn change(&mut self, changed: &[Change], document: Option<&Arc<AuthProfiles>>) -> Result<()> {
        for (name, text) in changed.iter().filter(|(name, _)| name.starts_with(REFRESH)) {
            match text {
                Some(text) => self.notes.insert(name.clone(), text.clone()),
                None => self.notes.remove(name),
            };
        }
        if let Some(document) = document {
            self.document = Arc::clone(document);
        } else if changed.iter().any(|(name, _)| name == CREDENTIALS || name.starts_with(USAGE)) {
            self.document = Arc::new(self.changed(changed)?);
        }
        Ok(())
    }

    fn changed(&self, changed: &[Change]) -> Result<AuthProfiles> {
        let mut document = match changed.iter().find(|(name, _)| name == CREDENTIALS) {
            None => AuthProfiles::clone(&self.document),
            Some((_, text)) => {
                let mut document = match text {
                    Some(text) => AuthProfiles::from_json(text.expose())?,
                    None => AuthProfiles::new(),
                };
                document.take_usage(&self.document);
                document
            }
        };
        for (name, text) in changed {
            if let Some(id) = name.strip_prefix(USAGE) {
                document.put_usage(&ProfileId::verbatim(id), text.as_ref())?;
            }
        }
        Ok(document)
    }

    /// Returns the changes that an update made to this document.
    pub(super) fn changes(&self, draft: &AuthProfiles) -> Vec<Change> {
        let mut changes = Vec::new();
        if !draft.is_same_without_usage(&self.document) {
            changes.push((CREDENTIALS.to_owned(), Some(draft.text_without_usage())));
        }
        let usage = draft.usage_since(&self.document);
        changes.extend(usage.map(|(id, text)| (usage_name(id), text.cloned())));
        changes
    }
}

/// Returns the revision of a state that mixes two. No server has it, so the next read compares versions, even with a server
/// that has lost commits.
fn mixed(revision: &str) -> String {
    format!("{}{MIXED}", revision.trim_end_matches(MIXED))
}

/// Returns `true` for the revision of a mixture, which several different states may have.
pub(super) fn is_mixed(revision: &str) -> bool {
    revision.ends_with(MIXED)
}

fn left_out() -> Error {
    Error::new(ErrorKind::Conformance, "the engine left out a value that was not known")
}

/// Reads a value; an error names it.
fn open(seal: &Seal, name: &str, value: &Value) -> Result<Secret> {
    seal.open(name, value).map_err(|error| if error.location().is_some() { error } else { error.with_key_path(name) })
}
