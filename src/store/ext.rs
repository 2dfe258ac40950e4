//! The methods that every store has, on top of the two required ones.

use super::AuthProfileStore;
use crate::credential::Credential;
use crate::error::{Error, ErrorKind, Result, Shown};
use crate::id::{ProfileId, ProviderId};
use crate::profile::{AuthProfiles, Profile, check_not_personal};

/// Methods of every store. Each is one [`update`](AuthProfileStore::update) and returns its errors.
pub trait AuthProfileStoreExt: AuthProfileStore {
    /// Runs a closure on the fresh document, commits its changes, and returns the closure's value.
    ///
    /// # Errors
    ///
    /// The closure's own error and those of [`update`](AuthProfileStore::update).
    fn transact<T>(&self, mut change: impl FnMut(&mut AuthProfiles) -> Result<T>) -> Result<T> {
        let mut value = None;
        self.update(&mut |profiles| {
            value = Some(change(profiles)?);
            Ok(())
        })?;
        // A backend that never ran the closure has broken the contract.
        value.ok_or_else(|| Error::new(ErrorKind::Conformance, "the store did not run the update"))
    }

    /// Adds a profile or replaces its credential. A new secret also ends the profile's cooldowns.
    ///
    /// # Errors
    ///
    /// Those of [`AuthProfiles::upsert`] and of [`update`](AuthProfileStore::update).
    fn upsert(
        &self,
        id: &ProfileId,
        provider: &ProviderId,
        credential: &Credential,
        email: Option<&str>,
    ) -> Result<()> {
        self.transact(|profiles| profiles.upsert(id, provider, credential, email))
    }

    /// Removes a profile with its statistics, its entries in every order, and its mention as the last good profile.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownProfile`] if there is no such profile, [`ErrorKind::InvalidId`] if its id begins with `personal:`,
    /// and those of [`update`](AuthProfileStore::update).
    fn remove(&self, id: &ProfileId) -> Result<()> {
        check_not_personal(id)?;
        self.transact(|profiles| if profiles.remove(id) { Ok(()) } else { Err(unknown_profile(id)) })
    }

    /// Sets the order of a provider's profiles, the first to use first, and returns it as stored: without duplicates.
    /// Profiles that are left out are no longer used.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownProfile`] for an id that is not in the store, and [`ErrorKind::ProfileNotConfigured`] for
    /// one of another provider; the message names the id. [`ErrorKind::InvalidId`] for an id that begins with
    /// `personal:`, and for an empty list; use [`clear_order`](Self::clear_order) for that. Also those of
    /// [`AuthProfiles::set_order`] and of [`update`](AuthProfileStore::update). An error changes nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{AuthProfileStoreExt, AuthProfiles, ErrorKind, MemoryStore, ProfileId, ProviderId};
    ///
    /// let store = MemoryStore::new(AuthProfiles::from_json(r#"{"version": 1, "profiles": {
    ///     "anthropic:a": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-a"}}}"#)?);
    /// let anthropic = ProviderId::anthropic();
    ///
    /// assert_eq!(store.set_order(&anthropic, &[ProfileId::new("anthropic:a")?])?.len(), 1);
    /// let error = store.set_order(&anthropic, &[ProfileId::new("anthropic:z")?]).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::UnknownProfile);
    /// assert!(error.to_string().contains("anthropic:z"));
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    fn set_order(&self, provider: &ProviderId, ids: &[ProfileId]) -> Result<Vec<ProfileId>> {
        if ids.is_empty() {
            return Err(Error::new(ErrorKind::InvalidId, "an order needs at least one profile id")
                .with_help("Name the profiles in the order of use, or clear the order to use them all."));
        }
        ids.iter().try_for_each(check_not_personal)?;
        self.transact(|profiles| {
            for id in ids {
                match profiles.get(id.as_str()).map(Profile::provider) {
                    None => return Err(unknown_profile(id)),
                    Some(owner) if owner != provider => {
                        let message =
                            format!("the profile {:?} is for {owner}, not for {provider}", Shown::new(id.as_str()));
                        return Err(Error::new(ErrorKind::ProfileNotConfigured, message));
                    }
                    Some(_) => {}
                }
            }
            profiles.set_order(provider, ids)?;
            Ok(profiles.order(provider).unwrap_or_default().to_vec())
        })
    }

    /// Removes the stored order of a provider's profiles, so that the configuration or their use decides; returns
    /// `true` if there was one.
    ///
    /// # Errors
    ///
    /// Those of [`AuthProfiles::set_order`] and of [`update`](AuthProfileStore::update).
    fn clear_order(&self, provider: &ProviderId) -> Result<bool> {
        self.transact(|profiles| {
            let was_set = profiles.order(provider).is_some();
            profiles.set_order(provider, &[])?;
            Ok(was_set)
        })
    }
}

impl<T: AuthProfileStore + ?Sized> AuthProfileStoreExt for T {}

pub(crate) fn unknown_profile(id: &ProfileId) -> Error {
    Error::new(ErrorKind::UnknownProfile, format!("there is no profile {:?}", Shown::new(id.as_str())))
}
