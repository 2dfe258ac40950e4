//! The document with all profiles of one agent.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;

use super::entry::Profile;
use super::groups::{ByUse, Groups};
use super::section::Section;
use super::usage::UsageStats;
use crate::credential::SecretRef;
use crate::error::Diagnostic;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ProfileId, ProviderId};
use crate::secret::Secret;

pub(super) const VERSION: f64 = 1.0;

/// The part of a document that has changed since a store last wrote it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DirtyState {
    /// Nothing.
    #[default]
    None,
    /// Only order, last good profiles or usage statistics.
    State,
    /// At least one credential.
    Credentials,
}

/// The credential profiles of one agent, with their order and their usage statistics.
///
/// Reads and writes OpenClaw's `auth-profiles.json`. Insertion order is kept, because rotation uses it to break ties.
/// Unknown keys at every level and unknown entries keep their exact text. An unchanged document is written back byte
/// for byte.
///
/// # Examples
///
/// ```
/// use provider_auth::{AuthProfiles, Credential, ProfileId, ProviderId, Secret};
/// use provider_auth::profile::DirtyState;
///
/// let mut profiles = AuthProfiles::new();
/// let id = ProfileId::new("anthropic:default")?;
/// profiles.upsert(&id, &ProviderId::anthropic(), &Credential::api_key(Secret::new("sk-ant-example")), None)?;
/// assert_eq!(profiles.dirty_state(), DirtyState::Credentials);
/// assert!(AuthProfiles::from_json(profiles.to_json().expose())?.get("anthropic:default").is_some());
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone)]
pub struct AuthProfiles {
    /// The text it was read from, while nothing has changed.
    pub(super) text: Option<Secret>,
    /// Unknown members, and the positions of the known ones.
    pub(super) members: IndexMap<String, Secret>,
    pub(super) version: f64,
    /// Shared until changed, like the sections, because an update works on a copy of the document.
    pub(super) profiles: Arc<IndexMap<ProfileId, Profile>>,
    pub(super) order: Section<String, Option<Vec<ProfileId>>>,
    pub(super) last_good: Section<String, Option<ProfileId>>,
    pub(super) usage: Section<ProfileId, UsageStats>,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) dirty_state: DirtyState,
    pub(super) links: Links,
    /// `true` if providers are written under the given name, because other readers of the document know no aliases.
    pub(super) keeps_names: bool,
    /// The file that a store read it from, for errors about what is missing in it.
    pub(super) origin: Option<Arc<Path>>,
}

/// For every profile, the position of its statistics, computed once per state of the document, because every selection
/// needs it.
#[derive(Clone, Default)]
pub(super) struct Links {
    usage: OnceLock<Box<[Option<usize>]>>,
    pub(super) groups: OnceLock<Arc<Groups>>,
    pub(super) by_use: OnceLock<Arc<ByUse>>,
}

#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) id: &'a ProfileId,
    pub(crate) profile: &'a Profile,
    pub(crate) usage: Option<&'a UsageStats>,
}

impl AuthProfiles {
    /// Creates a document without profiles.
    #[must_use]
    pub fn new() -> Self {
        Self {
            text: None,
            members: IndexMap::new(),
            version: VERSION,
            profiles: Arc::default(),
            order: Section::default(),
            last_good: Section::default(),
            usage: Section::default(),
            diagnostics: Vec::new(),
            dirty_state: DirtyState::None,
            links: Links::default(),
            keeps_names: false,
            origin: None,
        }
    }

    /// Makes new entries use the given name of their provider instead of its newest spelling.
    #[cfg(feature = "sqlite")]
    pub(crate) fn keep_names(&mut self) {
        self.keeps_names = true;
    }

    /// Sets the file that this was read from, or that it is written to if there is none yet.
    #[cfg(feature = "file")]
    pub(crate) fn set_origin(&mut self, path: &Path) {
        self.origin = Some(path.into());
    }

    /// Returns the file that a store read this from.
    pub(crate) fn origin(&self) -> Option<&Path> {
        self.origin.as_deref()
    }

    /// Returns the name for a provider that has none in this document yet.
    pub(super) fn name_of<'p>(&self, provider: &'p ProviderId) -> &'p str {
        if self.keeps_names { provider.written() } else { provider.as_str() }
    }

    /// Returns the format's version: 1 unless a newer program wrote the document.
    #[must_use]
    pub fn version(&self) -> f64 {
        self.version
    }

    /// Checks that this version of the crate may write the document.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnsupportedVersion`] if a newer program wrote it, whose changes are unknown.
    pub fn check_writable(&self) -> Result<()> {
        if self.version > VERSION {
            let message = "the credential document was written by a newer program and can only be read";
            return Err(Error::new(ErrorKind::UnsupportedVersion, message).with_key_path("version"));
        }
        Ok(())
    }

    /// Returns the diagnostics of reading, for a store to amend.
    #[cfg(feature = "file")]
    pub(crate) fn diagnostics_mut(&mut self) -> &mut Vec<Diagnostic> {
        &mut self.diagnostics
    }

    /// Returns the diagnostics of reading.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Returns the part that has changed since the document was read, created, or last committed by a store.
    #[must_use]
    pub fn dirty_state(&self) -> DirtyState {
        self.dirty_state
    }

    /// Returns an iterator over the references that profiles have instead of a secret.
    pub fn references(&self) -> impl Iterator<Item = &SecretRef> {
        self.profiles.values().filter_map(Profile::secret_ref)
    }

    /// Returns an iterator over the profiles in file order, including those of unknown kind.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&ProfileId, &Profile)> {
        self.profiles.iter()
    }

    /// Returns the number of profiles.
    #[must_use]
    pub fn len(&self) -> usize {
        self.profiles.len()
    }

    /// Returns `true` if there are no profiles.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.profiles.is_empty()
    }

    /// Returns the profile with this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Profile> {
        self.profiles.get(id)
    }

    /// As [`order`](Self::order), but without other spellings of the provider's name.
    pub(crate) fn order_as_written(&self, provider: &ProviderId) -> Option<&[ProfileId]> {
        let is_named = |name: &str| ProviderId::normalized(name).written() == provider.written();
        self.order.iter().find(|(name, list)| list.is_some() && is_named(name))?.1.as_deref()
    }

    /// Returns the profile of a provider that last worked. It is for display only and never affects the order.
    #[must_use]
    pub fn last_good(&self, provider: &ProviderId) -> Option<&ProfileId> {
        let is_named = |name: &str| name == provider.as_str() || ProviderId::normalized(name) == *provider;
        self.last_good.iter().find(|(name, _)| is_named(name))?.1.as_ref()
    }

    /// Returns the usage statistics of a profile.
    #[must_use]
    pub fn usage(&self, id: &str) -> Option<&UsageStats> {
        self.usage.get(id)
    }

    /// Returns an iterator over the usage statistics in file order, including those of profiles that no longer exist.
    pub fn usage_stats(&self) -> impl Iterator<Item = (&ProfileId, &UsageStats)> {
        self.usage.iter()
    }

    fn links(&self) -> &[Option<usize>] {
        self.links.usage.get_or_init(|| self.profiles.keys().map(|id| self.usage.index_of(id.as_str())).collect())
    }

    fn linked<'a>(&'a self, id: &'a ProfileId, profile: &'a Profile, link: Option<usize>) -> Entry<'a> {
        Entry { id, profile, usage: link.and_then(|index| self.usage.at(index)) }
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let links = self.links().iter();
        self.profiles.iter().zip(links).map(|((id, profile), link)| self.linked(id, profile, *link))
    }

    pub(super) fn entry_at(&self, place: usize) -> Option<Entry<'_>> {
        let (id, profile) = self.profiles.get_index(place)?;
        Some(self.linked(id, profile, self.links().get(place).copied().flatten()))
    }

    pub(crate) fn entry(&self, id: &str) -> Option<Entry<'_>> {
        let (index, id, profile) = self.profiles.get_full(id)?;
        Some(self.linked(id, profile, self.links().get(index).copied().flatten()))
    }
}

impl Default for AuthProfiles {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for AuthProfiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthProfiles")
            .field("version", &self.version)
            .field("profiles", &self.profiles)
            .field("order", &self.order.iter().collect::<Vec<_>>())
            .field("last_good", &self.last_good.iter().collect::<Vec<_>>())
            .field("usage", &self.usage.iter().collect::<Vec<_>>())
            .field("dirty_state", &self.dirty_state)
            .finish_non_exhaustive()
    }
}
