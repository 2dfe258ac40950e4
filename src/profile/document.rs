//! The document of all profiles of one agent.

use std::collections::HashSet;
use std::fmt;
use std::sync::OnceLock;

use indexmap::IndexMap;

use super::credential::Credential;
use super::entry::Profile;
use super::raw;
use super::section::Section;
use super::tokens::Tokens;
use super::usage::UsageStats;
use crate::clock::Timestamp;
use crate::diagnostic::Diagnostic;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ProfileId, ProviderId};
use crate::secret::Secret;

/// The version this crate writes.
pub(super) const VERSION: f64 = 1.0;

/// Which part of a document was changed since it was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Change {
    /// Nothing: there is nothing to write.
    #[default]
    None,
    /// Only order, last good profiles or usage statistics.
    State,
    /// At least one credential.
    Credentials,
}

/// All credential profiles of one agent, with their order and their usage statistics.
///
/// Reads and writes the reference's `auth-profiles.json`. Insertion order is kept, because ties in rotation follow it.
/// Keys this crate does not know survive at every level with their exact text, and so do entries it does not
/// understand. A document that is not changed is written back byte for byte.
///
/// # Examples
///
/// ```
/// use provider_auth::{AuthProfiles, Change, Credential, ProfileId, ProviderId, Secret};
///
/// let mut profiles = AuthProfiles::new();
/// let id = ProfileId::new("anthropic:default")?;
/// profiles.upsert(&id, &ProviderId::anthropic(), &Credential::api_key(Secret::new("sk-ant-example")), None)?;
/// assert_eq!(profiles.change(), Change::Credentials);
/// assert!(AuthProfiles::from_json(profiles.to_json().expose())?.get("anthropic:default").is_some());
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone)]
pub struct AuthProfiles {
    /// The text it was read from, as long as nothing was changed.
    pub(super) text: Option<Secret>,
    /// Members that are not ours, and the places of those that are.
    pub(super) members: IndexMap<String, Secret>,
    pub(super) version: f64,
    pub(super) profiles: IndexMap<ProfileId, Profile>,
    pub(super) order: Section<String, Option<Vec<ProfileId>>>,
    pub(super) last_good: Section<String, Option<ProfileId>>,
    pub(super) usage: Section<ProfileId, UsageStats>,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) change: Change,
    pub(super) links: Links,
}

/// For every profile, where its statistics stand in their section: found once for each state of the document, because
/// every selection asks.
#[derive(Clone, Default)]
pub(super) struct Links(OnceLock<Box<[Option<usize>]>>);

/// One profile with its name and its statistics.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) id: &'a ProfileId,
    pub(crate) profile: &'a Profile,
    pub(crate) usage: Option<&'a UsageStats>,
}

impl AuthProfiles {
    /// A document without profiles.
    #[must_use]
    pub fn new() -> Self {
        Self {
            text: None,
            members: IndexMap::new(),
            version: VERSION,
            profiles: IndexMap::new(),
            order: Section::default(),
            last_good: Section::default(),
            usage: Section::default(),
            diagnostics: Vec::new(),
            change: Change::None,
            links: Links::default(),
        }
    }

    /// The format's version: 1 unless a newer program wrote the document.
    #[must_use]
    pub fn version(&self) -> f64 {
        self.version
    }

    /// Whether this version of the crate may write the document.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnsupportedVersion`] if a newer program wrote it: what it means is not known here.
    pub fn check_writable(&self) -> Result<()> {
        if self.version > VERSION {
            let message = "the credential document was written by a newer program and can only be read";
            return Err(Error::new(ErrorKind::UnsupportedVersion, message).with_key_path("version"));
        }
        Ok(())
    }

    /// Adds a profile of another document with everything in its entry; `false` if there is one of this id.
    pub(crate) fn adopt(&mut self, id: &ProfileId, profile: &Profile) -> bool {
        if self.profiles.contains_key(id) {
            return false;
        }
        self.profiles.insert(id.clone(), profile.clone());
        self.touched(Change::Credentials);
        true
    }

    /// What was found odd while reading, for a store that knows more about it.
    #[cfg(feature = "file")]
    pub(crate) fn diagnostics_mut(&mut self) -> &mut Vec<Diagnostic> {
        &mut self.diagnostics
    }

    /// What was found odd while reading.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Which part was changed since the document was read, made, or last committed by a store.
    #[must_use]
    pub fn change(&self) -> Change {
        self.change
    }

    /// Declares the present content to be the committed one. For stores, after they wrote it.
    pub fn committed(&mut self) {
        self.change = Change::None;
    }

    /// Puts another document in the place of this one, as a change of everything.
    pub fn replace(&mut self, other: Self) {
        *self = other;
        self.change = Change::Credentials;
    }

    /// Every profile in file order, those of unknown kind included.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&ProfileId, &Profile)> {
        self.profiles.iter()
    }

    /// How many profiles there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.profiles.len()
    }

    /// Whether there are no profiles.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.profiles.is_empty()
    }

    /// One profile.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Profile> {
        self.profiles.get(id)
    }

    /// The order set for a provider; `Some` of an empty list selects nothing on purpose.
    #[must_use]
    pub fn order(&self, provider: &ProviderId) -> Option<&[ProfileId]> {
        let by_name = |(name, list): (&String, &'_ Option<Vec<ProfileId>>)| {
            list.is_some() && ProviderId::normalized(name) == *provider
        };
        self.order.iter().find(|(name, list)| by_name((name, list)))?.1.as_deref()
    }

    /// The profile that last worked for a provider. It never decides an order.
    #[must_use]
    pub fn last_good(&self, provider: &ProviderId) -> Option<&ProfileId> {
        self.last_good.iter().find(|(name, _)| ProviderId::normalized(name) == *provider)?.1.as_ref()
    }

    /// What is remembered of a profile's use.
    #[must_use]
    pub fn usage(&self, id: &str) -> Option<&UsageStats> {
        self.usage.get(id)
    }

    /// Every entry of the usage statistics in file order, also of profiles that no longer exist.
    pub fn usage_stats(&self) -> impl Iterator<Item = (&ProfileId, &UsageStats)> {
        self.usage.iter()
    }

    /// Adds a profile, or replaces the credential of one.
    ///
    /// A changed secret ends every cooldown of the profile: what failed was the old one. Other members of an existing
    /// entry stay. Line breaks and surrounding white space are removed from the secret.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidSecret`] if the secret is blank; [`ErrorKind::Corrupt`] if the usage statistics of the
    /// document are not an object.
    pub fn upsert(
        &mut self,
        id: &ProfileId,
        provider: &ProviderId,
        credential: &Credential,
        email: Option<&str>,
    ) -> Result<()> {
        let credential = credential.cleaned()?;
        let (entry, same_secret) = match self.profiles.get(id) {
            Some(old) => (old.with_credential(provider, &credential, email), old.same_secret(&credential)),
            None => (Profile::new(provider, &credential, email), false),
        };
        if !same_secret && let Some(usage) = self.usage.get(id.as_str()) {
            let cleared = usage.cleared();
            if cleared != *usage {
                self.set_usage(id, cleared)?;
            }
        }
        self.profiles.insert(id.clone(), entry);
        self.touched(Change::Credentials);
        Ok(())
    }

    /// Replaces the tokens of a login, if `spent` is still its refresh token; gives whether that was so.
    ///
    /// Unlike [`upsert`](Self::upsert) this is not a new login: the account is the same, so windows that speak of the
    /// account (billing, rate limits, timeouts) stay, and only those for a credential that was not accepted end. A
    /// response without a refresh token leaves the one there is. Every other member of the entry stays.
    ///
    /// A refresh token other than `spent` belongs to a newer login or a newer refresh, and is never overwritten.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidSecret`] if the access token is blank; [`ErrorKind::Corrupt`] if the usage statistics of the
    /// document are not an object.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{AuthProfiles, ProfileId, Secret, Tokens};
    ///
    /// let mut profiles = AuthProfiles::from_json(r#"{"version": 1, "profiles": {"anthropic:me":
    ///     {"type": "oauth", "provider": "anthropic", "access": "old", "refresh": "r-1", "expires": 1}}}"#)?;
    /// let id = ProfileId::new("anthropic:me")?;
    /// let tokens = Tokens::new(Secret::new("new")).refresh(Secret::new("r-2"));
    /// assert!(profiles.renew(&id, &Secret::new("r-1"), &tokens, None)?);
    /// // The same result a second time is too late: `r-1` is spent.
    /// assert!(!profiles.renew(&id, &Secret::new("r-1"), &tokens, None)?);
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    pub fn renew(
        &mut self,
        id: &ProfileId,
        spent: &Secret,
        tokens: &Tokens,
        expires: Option<Timestamp>,
    ) -> Result<bool> {
        let Some(profile) = self.profiles.get(id) else { return Ok(false) };
        let Some(Credential::OAuth { refresh: Some(known), .. }) = profile.credential() else { return Ok(false) };
        if known != spent {
            return Ok(false);
        }
        let clean = |secret: &Secret| Secret::cleaned(secret.expose());
        let access = clean(&tokens.access);
        if access.is_empty() {
            return Err(Error::new(ErrorKind::InvalidSecret, "the new access token is blank"));
        }
        let refresh = tokens.refresh.as_ref().map(clean).filter(|refresh| !refresh.is_empty());
        let renewed = profile.with_tokens(&access, refresh.as_ref(), expires);
        if let Some(usage) = self.usage.get(id.as_str()) {
            let accepted = usage.without_refusals();
            if accepted != *usage {
                self.set_usage(id, accepted)?;
            }
        }
        self.profiles.insert(id.clone(), renewed);
        self.touched(Change::Credentials);
        Ok(true)
    }

    /// Removes a profile and every mention of it in order, last good profiles and usage statistics.
    ///
    /// Returns whether there was one. A section that is not an object mentions nobody and stays as it is.
    pub fn remove(&mut self, id: &ProfileId) -> bool {
        if self.profiles.shift_remove(id).is_none() {
            return false;
        }
        self.touched(Change::Credentials);
        // A section that cannot be changed has no entries, so nothing here can be refused.
        let _ = self.usage.remove(id.as_str());
        let mentions: Vec<(String, Vec<ProfileId>)> = self
            .order
            .iter()
            .filter_map(|(name, list)| Some((name, list.as_ref()?)))
            .filter(|(_, list)| list.contains(id))
            .map(|(name, list)| (name.clone(), list.iter().filter(|other| *other != id).cloned().collect()))
            .collect();
        for (name, list) in mentions {
            let _ = self.write_order(&name, list);
        }
        let good: Vec<String> =
            self.last_good.iter().filter(|(_, last)| last.as_ref() == Some(id)).map(|(name, _)| name.clone()).collect();
        for name in good {
            let _ = self.last_good.remove(name.as_str());
        }
        true
    }

    /// Sets the order of a provider's profiles; duplicates are dropped, an empty list removes the setting.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] if the document's order is not an object.
    pub fn set_order(&mut self, provider: &ProviderId, ids: &[ProfileId]) -> Result<()> {
        let mut seen = HashSet::with_capacity(ids.len());
        let list: Vec<ProfileId> = ids.iter().filter(|id| seen.insert(*id)).cloned().collect();
        let names: Vec<String> = self
            .order
            .iter()
            .map(|(name, _)| name.clone())
            .filter(|n| ProviderId::normalized(n) == *provider)
            .collect();
        let kept = names.first().cloned().unwrap_or_else(|| provider.as_str().to_owned());
        for name in names.iter().skip(1) {
            self.write_order(name, Vec::new())?;
        }
        self.write_order(&kept, list)
    }

    fn write_order(&mut self, name: &str, list: Vec<ProfileId>) -> Result<()> {
        if list.is_empty() {
            if self.order.remove(name)? {
                self.touched(Change::State);
            }
            return Ok(());
        }
        if self.order.get(name).is_some_and(|old| old.as_ref() == Some(&list)) {
            // It may be written another way, which is nobody's business.
            return Ok(());
        }
        let text = raw::list(list.iter().map(ProfileId::as_str), 2);
        if self.order.set(name.to_owned(), Some(list), text)? {
            self.touched(Change::State);
        }
        Ok(())
    }

    /// Remembers which profile last worked for its provider. Does nothing if the profile is not there, or where the
    /// document's `lastGood` is not an object: it is for display only.
    pub fn set_last_good(&mut self, id: &ProfileId) {
        let provider = self.profiles.get(id).map(Profile::provider).filter(|provider| !provider.as_str().is_empty());
        let Some(provider) = provider.cloned() else { return };
        let known = self.last_good.iter().map(|(name, _)| name).find(|name| ProviderId::normalized(name) == provider);
        let name = known.cloned().unwrap_or_else(|| provider.as_str().to_owned());
        let text = raw::string(id.as_str()).get().to_owned();
        if self.last_good.set(name, Some(id.clone()), text).unwrap_or(false) {
            self.touched(Change::State);
        }
    }

    /// Replaces what is remembered of a profile's use.
    pub(crate) fn set_usage(&mut self, id: &ProfileId, usage: UsageStats) -> Result<()> {
        let text = usage.text().to_owned();
        if self.usage.set(id.clone(), usage, text)? {
            self.touched(Change::State);
        }
        Ok(())
    }

    fn touched(&mut self, change: Change) {
        self.change = self.change.max(change);
        self.text = None;
        self.links = Links::default();
    }

    fn links(&self) -> &[Option<usize>] {
        self.links.0.get_or_init(|| self.profiles.keys().map(|id| self.usage.index_of(id.as_str())).collect())
    }

    fn linked<'a>(&'a self, id: &'a ProfileId, profile: &'a Profile, link: Option<usize>) -> Entry<'a> {
        Entry { id, profile, usage: link.and_then(|index| self.usage.at(index)) }
    }

    /// Every profile with its statistics, in file order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let links = self.links().iter();
        self.profiles.iter().zip(links).map(|((id, profile), link)| self.linked(id, profile, *link))
    }

    /// One profile with its statistics.
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
            .field("change", &self.change)
            .finish_non_exhaustive()
    }
}
