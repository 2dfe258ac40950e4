//! A document as it was read, with the versions of its parts.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::engine::{Known, Listing, Value};
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
                let value = entry.value.as_ref().ok_or_else(|| {
                    Error::new(ErrorKind::Conformance, "the engine left out a value that was not known")
                })?;
                changed.push((entry.name.clone(), Some(open(seal, &entry.name, value)?)));
            }
            next.known.versions.insert(entry.name.into(), entry.version.into());
        }
        let gone = self.known.versions.keys().filter(|name| !next.known.versions.contains_key(*name));
        changed.extend(gone.map(|name| (name.to_string(), None)));
        next.change(&changed)?;
        Ok(next)
    }

    /// Returns the state after changes that were committed on a state with the same versions of these values.
    pub(super) fn committed(&self, stamp: &str, changes: &[Change], before: &str) -> Result<Self> {
        let (mut next, version) = (self.clone(), Arc::<str>::from(stamp));
        for (name, text) in changes {
            match text {
                Some(_) => next.known.versions.insert(name.as_str().into(), Arc::clone(&version)),
                None => next.known.versions.remove(&**name),
            };
        }
        stamp.clone_into(&mut next.known.revision);
        if self.known.revision != before {
            // Others have committed in between, so this mixture never existed on the server. A revision that no server
            // has makes the next read compare versions, even with a server that has lost those commits.
            next.known.revision.push_str(MIXED);
        }
        next.change(changes)?;
        Ok(next)
    }

    fn change(&mut self, changed: &[Change]) -> Result<()> {
        if changed.is_empty() {
            return Ok(());
        }
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
            } else if name.starts_with(REFRESH) {
                match text {
                    Some(text) => self.notes.insert(name.clone(), text.clone()),
                    None => self.notes.remove(name),
                };
            }
        }
        self.document = Arc::new(document);
        Ok(())
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

fn open(seal: &Seal, name: &str, value: &Value) -> Result<Secret> {
    seal.open(name, value).map_err(|error| if error.location().is_some() { error } else { error.with_key_path(name) })
}
