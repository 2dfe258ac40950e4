//! The order of a provider's profiles, as the store has it.

use super::save::{foreign, unknown};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ProfileId, ProviderId};
use crate::store::{AuthProfileStore, AuthProfileStoreExt as _};

/// The order that is set for a provider; `None` if none is, which leaves the order to the configuration and to use.
///
/// # Errors
///
/// Those of [`load`](AuthProfileStore::load).
pub fn order(store: &(impl AuthProfileStore + ?Sized), provider: &ProviderId) -> Result<Option<Vec<ProfileId>>> {
    Ok(store.load()?.order(provider).map(<[_]>::to_vec))
}

/// Sets the order of a provider's profiles, the one to use first at the front, and gives it as it was stored: without
/// repetitions. Profiles that are left out are not used any more.
///
/// # Errors
///
/// [`ErrorKind::UnknownProfile`] for an id that is not in the store, and [`ErrorKind::ProfileNotConfigured`] for one that
/// is another provider's, each by its name; [`ErrorKind::InvalidId`] without any id, which [`clear_order`] would be for;
/// and those of [`update`](AuthProfileStore::update). Nothing is changed then.
///
/// # Examples
///
/// ```
/// use provider_auth::{AuthProfiles, ErrorKind, MemoryStore, ProfileId, ProviderId, setup};
///
/// let store = MemoryStore::new(AuthProfiles::from_json(r#"{"version": 1, "profiles": {
///     "anthropic:a": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-a"}}}"#)?);
/// let anthropic = ProviderId::anthropic();
///
/// assert_eq!(setup::set_order(&store, &anthropic, &[ProfileId::new("anthropic:a")?])?.len(), 1);
/// let error = setup::set_order(&store, &anthropic, &[ProfileId::new("anthropic:z")?]).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::UnknownProfile);
/// assert!(error.to_string().contains("anthropic:z"));
/// # Ok::<(), provider_auth::Error>(())
/// ```
pub fn set_order(
    store: &(impl AuthProfileStore + ?Sized),
    provider: &ProviderId,
    ids: &[ProfileId],
) -> Result<Vec<ProfileId>> {
    if ids.is_empty() {
        return Err(Error::new(ErrorKind::InvalidId, "an order needs at least one profile id")
            .with_help("Name the profiles in the order of use; `setup::clear_order` takes the order away."));
    }
    store.transact(|profiles| {
        for id in ids {
            match profiles.get(id.as_str()) {
                None => return Err(unknown(id)),
                Some(profile) if profile.provider() != provider => return Err(foreign(profiles, id, provider)),
                Some(_) => {}
            }
        }
        profiles.set_order(provider, ids)?;
        Ok(profiles.order(provider).unwrap_or_default().to_vec())
    })
}

/// Removes the order of a provider's profiles; gives whether there was one.
///
/// # Errors
///
/// Those of [`AuthProfiles::set_order`](crate::AuthProfiles::set_order) and of [`update`](AuthProfileStore::update).
pub fn clear_order(store: &(impl AuthProfileStore + ?Sized), provider: &ProviderId) -> Result<bool> {
    store.transact(|profiles| {
        let was_set = profiles.order(provider).is_some();
        profiles.set_order(provider, &[])?;
        Ok(was_set)
    })
}
