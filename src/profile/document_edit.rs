//! Changes of the document: profiles, order, last good profiles and usage statistics.

use std::collections::HashSet;
use std::sync::Arc;

use indexmap::IndexMap;

use super::document::{AuthProfiles, DirtyState, Links};
use super::entry::Profile;
use super::raw;
use super::usage::UsageStats;
use crate::clock::Timestamp;
use crate::credential::{Credential, Tokens};
use crate::error::{Error, ErrorKind, Result, Shown};
use crate::id::{ProfileId, ProviderId};
use crate::secret::Secret;

impl AuthProfiles {
    /// Adds a profile, or replaces the credential of an existing one.
    ///
    /// A new secret ends every cooldown of the profile, because it was the old one that failed. Other members of an
    /// existing entry stay, except the `setup` of a sign-in that OpenClaw saved for later, because the new credential
    /// is for use now. Line breaks and surrounding white space are removed from the secret.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidSecret`] if the secret is blank, or a word that OpenClaw writes instead of a secret;
    /// [`ErrorKind::InvalidId`] if the id begins with `personal:`, which is reserved for accounts that OpenClaw keeps
    /// elsewhere; [`ErrorKind::Corrupt`] if the usage statistics of the document are not an object.
    pub fn upsert(
        &mut self,
        id: &ProfileId,
        provider: &ProviderId,
        credential: &Credential,
        email: Option<&str>,
    ) -> Result<()> {
        check_not_personal(id)?;
        let credential = credential.cleaned()?;
        let name = self.name_of(provider);
        let (entry, same_secret) = match self.profiles.get(id) {
            Some(old) => (old.with_credential(name, &credential, email), old.same_secret(&credential)),
            None => (Profile::new(name, &credential, email), false),
        };
        if !same_secret && let Some(usage) = self.usage.get(id.as_str()) {
            let cleared = usage.cleared();
            if cleared != *usage {
                self.set_usage(id, cleared)?;
            }
        }
        self.profiles_mut().insert(id.clone(), entry);
        self.touched(DirtyState::Credentials);
        Ok(())
    }

    /// Replaces the tokens of an OAuth credential if `spent` is still its refresh token; returns `true` if it was.
    ///
    /// Unlike with [`upsert`](Self::upsert), the account is the same, so only the cooldowns for a rejected credential
    /// end; those that concern the account (billing, rate limits, timeouts) stay. If the response had no refresh token,
    /// the old one stays, as does every other member of the entry.
    ///
    /// A refresh token other than `spent` belongs to a newer login or a newer refresh and is never overwritten. The
    /// same is true of the marker that OpenClaw writes instead of the tokens while it refreshes them itself, and of
    /// OpenClaw's personal accounts (`personal:`).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidSecret`] if the access token is blank; [`ErrorKind::Corrupt`] if the usage statistics of the
    /// document are not an object.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{AuthProfiles, ProfileId, Secret};
    /// use provider_auth::credential::Tokens;
    ///
    /// let mut profiles = AuthProfiles::from_json(r#"{"version": 1, "profiles": {"anthropic:me":
    ///     {"type": "oauth", "provider": "anthropic", "access": "old", "refresh": "r-1", "expires": 1}}}"#)?;
    /// let id = ProfileId::new("anthropic:me")?;
    /// let tokens = Tokens::new(Secret::new("new")).refresh(Secret::new("r-2"));
    /// assert!(profiles.apply_refresh(&id, &Secret::new("r-1"), &tokens, None)?);
    /// // The same result a second time is too late: `r-1` is spent.
    /// assert!(!profiles.apply_refresh(&id, &Secret::new("r-1"), &tokens, None)?);
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    pub fn apply_refresh(
        &mut self,
        id: &ProfileId,
        spent: &Secret,
        tokens: &Tokens,
        expires: Option<Timestamp>,
    ) -> Result<bool> {
        let is_ours = |profile: &&Profile| profile.hold().is_none() && !id.is_personal();
        let Some(profile) = self.profiles.get(id).filter(is_ours) else { return Ok(false) };
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
        let refreshed = profile.with_tokens(&access, refresh.as_ref(), expires);
        if let Some(usage) = self.usage.get(id.as_str()) {
            let accepted = usage.without_refusals();
            if accepted != *usage {
                self.set_usage(id, accepted)?;
            }
        }
        self.profiles_mut().insert(id.clone(), refreshed);
        self.touched(DirtyState::Credentials);
        Ok(true)
    }

    /// Removes a profile with its mentions in order, last good profiles and usage statistics; returns `true` if it
    /// existed.
    ///
    /// A section that is not an object stays as it is, and so does a profile whose id begins with `personal:`, which is
    /// OpenClaw's.
    pub fn remove(&mut self, id: &ProfileId) -> bool {
        if id.is_personal() || !self.profiles.contains_key(id) {
            return false;
        }
        self.profiles_mut().shift_remove(id);
        self.touched(DirtyState::Credentials);
        // A section that cannot be changed has no entries, so these removals cannot fail.
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

    /// Sets the order of a provider's profiles. Duplicates are dropped; an empty list removes the order.
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
        let kept = names.first().cloned().unwrap_or_else(|| self.name_of(provider).to_owned());
        for name in names.iter().skip(1) {
            self.write_order(name, Vec::new())?;
        }
        self.write_order(&kept, list)
    }

    fn write_order(&mut self, name: &str, list: Vec<ProfileId>) -> Result<()> {
        if list.is_empty() {
            if self.order.remove(name)? {
                self.touched(DirtyState::State);
            }
            return Ok(());
        }
        if self.order.get(name).is_some_and(|old| old.as_ref() == Some(&list)) {
            // The stored text may be formatted differently; it stays.
            return Ok(());
        }
        let text = raw::list(list.iter().map(ProfileId::as_str), 2);
        if self.order.set(name.to_owned(), Some(list), text)? {
            self.touched(DirtyState::State);
        }
        Ok(())
    }

    /// Records the profile that last worked for its provider, for display only. Does nothing if there is no such
    /// profile, if it is a personal account of OpenClaw, or if the document's `lastGood` is not an object.
    pub fn set_last_good(&mut self, id: &ProfileId) {
        if id.is_personal() {
            return;
        }
        let provider = self.profiles.get(id).map(Profile::provider).filter(|provider| !provider.as_str().is_empty());
        let Some(provider) = provider.cloned() else { return };
        let known = self.last_good.iter().map(|(name, _)| name).find(|name| ProviderId::normalized(name) == provider);
        let name = known.cloned().unwrap_or_else(|| self.name_of(&provider).to_owned());
        let text = raw::string(id.as_str()).get().to_owned();
        if self.last_good.set(name, Some(id.clone()), text).unwrap_or(false) {
            self.touched(DirtyState::State);
        }
    }

    pub(crate) fn set_usage(&mut self, id: &ProfileId, usage: UsageStats) -> Result<()> {
        let text = usage.text().to_owned();
        if self.usage.set(id.clone(), usage, text)? {
            self.touched(DirtyState::State);
        }
        Ok(())
    }

    /// Adds a profile of another document with its whole entry. Returns `false` if the id exists, or if the profile
    /// must not be in two documents: a personal account, or OAuth tokens that OpenClaw is refreshing.
    pub(crate) fn adopt(&mut self, id: &ProfileId, profile: &Profile) -> bool {
        if self.profiles.contains_key(id) || id.is_personal() || profile.is_fenced() {
            return false;
        }
        self.profiles_mut().insert(id.clone(), profile.clone());
        self.touched(DirtyState::Credentials);
        true
    }

    /// Takes over another document's profiles, which replace those with the same ids, with its order, its statistics and
    /// its last good profiles; what only this document has stays. Returns the ids of the profiles. Those that must not be
    /// in two documents are left out, as by [`adopt`](Self::adopt).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] if a section of this document is not an object.
    pub(crate) fn take_over(&mut self, other: &Self) -> Result<Vec<ProfileId>> {
        let mut taken = Vec::new();
        for (id, profile) in other.iter().filter(|(id, profile)| !id.is_personal() && !profile.is_fenced()) {
            self.profiles_mut().insert(id.clone(), profile.clone());
            self.touched(DirtyState::Credentials);
            if let Some(usage) = other.usage(id.as_str()) {
                self.set_usage(id, usage.clone())?;
            }
            taken.push(id.clone());
        }
        for (name, list) in other.order.iter() {
            let Some(list) = list else { continue };
            self.set_order(&ProviderId::normalized(name), list)?;
        }
        for (_, last) in other.last_good.iter() {
            let Some(id) = last else { continue };
            self.set_last_good(id);
        }
        Ok(taken)
    }

    /// Replaces the document with another one, which counts as a change of credentials.
    pub fn replace(&mut self, other: Self) {
        *self = other;
        self.dirty_state = DirtyState::Credentials;
    }

    /// Marks the current content as committed. Stores call this after writing.
    pub fn committed(&mut self) {
        self.dirty_state = DirtyState::None;
    }

    pub(super) fn profiles_mut(&mut self) -> &mut IndexMap<ProfileId, Profile> {
        Arc::make_mut(&mut self.profiles)
    }

    pub(super) fn touched(&mut self, part: DirtyState) {
        self.dirty_state = self.dirty_state.max(part);
        self.text = None;
        self.links = Links::default();
    }
}

/// Refuses the id of a personal account, which OpenClaw keeps elsewhere.
///
/// # Errors
///
/// [`ErrorKind::InvalidId`].
pub(crate) fn check_not_personal(id: &ProfileId) -> Result<()> {
    if !id.is_personal() {
        return Ok(());
    }
    let message = format!(
        "the id {:?} begins with `personal:`, which is reserved for OpenClaw's personal accounts",
        Shown::new(id.as_str())
    );
    let help = "Choose another name. To set up a personal account, use OpenClaw itself.";
    Err(Error::new(ErrorKind::InvalidId, message).with_help(help))
}
