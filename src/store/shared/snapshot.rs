//! The document as it was read, with the versions of its parts.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::engine::{Entry, Known, Listing, Value};
use super::sealing::Seal;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::id::ProfileId;
use crate::profile::AuthProfiles;
use crate::secret::Secret;

/// The value with everything but the statistics.
pub(super) const CREDENTIALS: &str = "credentials";
/// What the name of a profile's statistics begins with.
const USAGE: &str = "usage/";
/// What the name of the note begins with that a profile's refresh token is being spent.
const REFRESH: &str = "refresh/";

/// What ends the revision of a state that is put together from two.
const MIXED: &str = "+";

/// The name of a profile's statistics.
pub(super) fn usage_name(id: &ProfileId) -> String {
    format!("{USAGE}{id}")
}

/// The name of the note on a profile's refresh token.
pub(super) fn refresh_name(id: &ProfileId) -> String {
    format!("{REFRESH}{id}")
}

/// The new text of a value, by name; `None` where it goes.
pub(super) type Change = (String, Option<Secret>);

/// What an update has changed of a snapshot.
#[derive(Debug)]
pub(super) struct Changes {
    pub(super) values: Vec<Change>,
    /// The snapshot's document with these changes, where it is at hand, so that nothing is read that was just written.
    pub(super) document: Option<Arc<AuthProfiles>>,
}

/// One state of the whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot {
    /// When the read began, or the commit was kept, in the order of both; zero if nothing was read.
    pub(super) number: u64,
    pub(super) read_at: Option<Timestamp>,
    pub(super) known: Known,
    pub(super) document: Arc<AuthProfiles>,
    /// The notes on refresh tokens, by name.
    pub(super) notes: BTreeMap<String, Secret>,
}

impl Snapshot {
    /// The state that a listing describes. What has the known version is not read again.
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

    /// The state after changes that were committed on one that has the same versions of them.
    pub(super) fn committed(&self, stamp: &str, changes: &Changes, before: &str) -> Result<Self> {
        let (mut next, version) = (self.clone(), Arc::<str>::from(stamp));
        for (name, text) in &changes.values {
            match text {
                Some(_) => next.known.versions.insert(name.as_str().into(), Arc::clone(&version)),
                None => next.known.versions.remove(&**name),
            };
        }
        // Where others have committed between, this is a state that no server had.
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

    /// What an update has changed that made this document of the one here.
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

/// The revision of a state that is put together from two. There never is a server whose revision this is, so that none says
/// it has nothing new, as one would that lost commits and is where this state was.
fn mixed(revision: &str) -> String {
    format!("{}{MIXED}", revision.trim_end_matches(MIXED))
}

fn left_out() -> Error {
    Error::new(ErrorKind::Conformance, "the engine left a value out that was not known")
}

/// Reads a value; an error says which one.
fn open(seal: &Seal, name: &str, value: &Value) -> Result<Secret> {
    seal.open(name, value).map_err(|error| if error.location().is_some() { error } else { error.with_key_path(name) })
}
