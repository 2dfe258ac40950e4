//! Everything a store can do that follows from its two required methods.

use super::AuthProfileStore;
use crate::credential::Credential;
use crate::error::{Error, ErrorKind, Result, Shown};
use crate::id::{ProfileId, ProviderId};
use crate::profile::{AuthProfiles, Profile, check_not_personal};

/// What every store can do: each call is one [`update`](AuthProfileStore::update), with its errors.
pub trait AuthProfileStoreExt: AuthProfileStore {
    /// Runs a closure that gives a value on the fresh document, and commits what it changed.
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

    /// Adds a profile, or replaces the credential of one, which also ends its cooldowns if the secret is another.
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

    /// Removes a profile, and with it its place in every order, its statistics, and the note that it last worked.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownProfile`] if there is no such profile, [`ErrorKind::InvalidId`] if its id begins with `personal:`,
    /// and those of [`update`](AuthProfileStore::update).
    fn remove(&self, id: &ProfileId) -> Result<()> {
        check_not_personal(id)?;
        self.transact(|profiles| if profiles.remove(id) { Ok(()) } else { Err(unknown_profile(id)) })
    }

    /// Sets the order of a provider's profiles, the one to use first at the front, and returns it as it was stored: without
    /// repetitions. Profiles that are left out are not used any more.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownProfile`] for an id that is not in the store, and [`ErrorKind::ProfileNotConfigured`] for one
    /// that is another provider's, each by its name; [`ErrorKind::InvalidId`] for one that begins with `personal:`, and without
    /// any id, which [`clear_order`](Self::clear_order) would be for; and those of [`AuthProfiles::set_order`] and of
    /// [`update`](AuthProfileStore::update). Nothing is changed then.
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

    /// Removes the order of a provider's profiles, which leaves it to the configuration and to use; returns whether there
    /// was one.
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

/// The error for a profile that is not in the document.
pub(crate) fn unknown_profile(id: &ProfileId) -> Error {
    Error::new(ErrorKind::UnknownProfile, format!("there is no profile {:?}", Shown::new(id.as_str())))
}
