//! Storing and removing profiles.

use super::lifetime::expressible;
use super::paste::Pasted;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ProfileId, ProviderId};
use crate::profile::{AuthProfiles, Credential};
use crate::select::ProfileSelector;
use crate::store::{AuthProfileStore, AuthProfileStoreExt as _};

/// Stores a pasted API key as a profile, in the place of the credential it had, and ends its cooldowns: what failed was
/// the old one, and its owner has just looked after it.
///
/// Gives whether there was such a profile before. An email address is kept for display.
///
/// # Errors
///
/// Those of [`AuthProfiles::upsert`] and of [`update`](AuthProfileStore::update).
pub fn save_key(
    store: &(impl AuthProfileStore + ?Sized),
    id: &ProfileId,
    provider: &ProviderId,
    key: &Pasted,
    email: Option<&str>,
) -> Result<bool> {
    save(store, id, provider, &Credential::api_key(key.secret.clone()), email)
}

/// Stores a pasted token as a profile, in the place of the credential it had, and ends its cooldowns.
///
/// Gives whether there was such a profile before. Nobody can tell the end of a token from its text: without `expires` it
/// counts as lasting.
///
/// # Errors
///
/// [`ErrorKind::InvalidLifetime`] if it ends later than a credential file can express, and those of
/// [`AuthProfiles::upsert`] and of [`update`](AuthProfileStore::update).
///
/// # Examples
///
/// ```
/// use provider_auth::{Clock, CredentialKind, MemoryStore, ProviderId, SystemClock, setup};
///
/// let (store, anthropic) = (MemoryStore::default(), ProviderId::anthropic());
/// let pasted = setup::token(&anthropic, &format!("sk-ant-oat01-{}", "a".repeat(80)))?;
/// let id = setup::profile_id(&anthropic, None, CredentialKind::Token)?;
/// let expires = SystemClock.now() + setup::lifetime("365d")?;
/// assert!(!setup::save_token(&store, &id, &anthropic, &pasted, Some(expires))?);
/// # Ok::<(), provider_auth::Error>(())
/// ```
pub fn save_token(
    store: &(impl AuthProfileStore + ?Sized),
    id: &ProfileId,
    provider: &ProviderId,
    token: &Pasted,
    expires: Option<Timestamp>,
) -> Result<bool> {
    expires.map_or(Ok(()), expressible)?;
    save(store, id, provider, &Credential::token(token.secret.clone(), expires), None)
}

fn save(
    store: &(impl AuthProfileStore + ?Sized),
    id: &ProfileId,
    provider: &ProviderId,
    credential: &Credential,
    email: Option<&str>,
) -> Result<bool> {
    store.transact(|profiles| {
        let known = profiles.get(id.as_str()).is_some();
        profiles.upsert(id, provider, credential, email)?;
        ProfileSelector::default().clear_cooldown(profiles, id)?;
        Ok(known)
    })
}

/// Removes a profile, and with it its place in every order, its statistics, and the note that it last worked.
///
/// # Errors
///
/// [`ErrorKind::UnknownProfile`] if there is no such profile, and those of
/// [`update`](AuthProfileStore::update).
pub fn remove(store: &(impl AuthProfileStore + ?Sized), id: &ProfileId) -> Result<()> {
    store.transact(|profiles| if profiles.remove(id) { Ok(()) } else { Err(unknown(id)) })
}

/// Ends every cooldown of a profile because a human says that the cause is gone; gives whether there was anything to
/// end. Also for a pseudo profile such as `inline-api-key:anthropic`.
///
/// # Errors
///
/// [`ErrorKind::UnknownProfile`] if there is neither such a profile nor statistics of one, and those of
/// [`ProfileSelector::clear_cooldown`] and of [`update`](AuthProfileStore::update).
pub fn clear_cooldown(store: &(impl AuthProfileStore + ?Sized), id: &ProfileId) -> Result<bool> {
    store.transact(|profiles| {
        if profiles.get(id.as_str()).is_none() && profiles.usage(id.as_str()).is_none() {
            return Err(unknown(id));
        }
        ProfileSelector::default().clear_cooldown(profiles, id)
    })
}

/// The error for a profile that is not in the document.
pub(super) fn unknown(id: &ProfileId) -> Error {
    Error::new(ErrorKind::UnknownProfile, format!("there is no profile {:?}", id.as_str()))
}

/// The error for a profile that is another provider's.
pub(super) fn foreign(profiles: &AuthProfiles, id: &ProfileId, provider: &ProviderId) -> Error {
    let owner = profiles.get(id.as_str()).map_or("", |profile| profile.provider().as_str());
    let message = format!("the profile {:?} is for {owner}, not for {provider}", id.as_str());
    Error::new(ErrorKind::ProfileNotConfigured, message)
}
