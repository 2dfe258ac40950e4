//! The document as it was read, with the versions of its parts.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::engine::{Known, Listing, Value};
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
                let value = entry.value.as_ref().ok_or_else(|| {
                    Error::new(ErrorKind::Conformance, "the engine left a value out that was not known")
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

    /// The state after changes that were committed on one that has the same versions of them.
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
            // Others have committed between: there never is a server whose revision this is, so that none says it has
            // nothing new, as one would that lost these commits and is where this state was.
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

/// Reads a value; an error says which one.
fn open(seal: &Seal, name: &str, value: &Value) -> Result<Secret> {
    seal.open(name, value).map_err(|error| if error.location().is_some() { error } else { error.with_key_path(name) })
}
