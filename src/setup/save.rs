//! Storing profiles.

use super::lifetime::expressible;
use super::paste::ValidatedSecret;
use crate::clock::Timestamp;
use crate::credential::Credential;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;
use crate::id::{ProfileId, ProviderId};
#[cfg(doc)]
use crate::profile::AuthProfiles;
use crate::select::ProfileSelector;
use crate::store::{AuthProfileStore, AuthProfileStoreExt as _};

/// Stores a pasted API key as a profile, in the place of the credential it had, and ends its cooldowns: what failed was
/// the old one, and its owner has just looked after it.
///
/// Returns `true` if there was such a profile before. An email address is kept for display.
///
/// # Errors
///
/// Those of [`AuthProfiles::upsert`] and of [`update`](AuthProfileStore::update).
pub fn save_key(
    store: &(impl AuthProfileStore + ?Sized),
    id: &ProfileId,
    provider: &ProviderId,
    key: &ValidatedSecret,
    email: Option<&str>,
) -> Result<bool> {
    save(store, id, provider, &Credential::api_key(key.secret.clone()), email)
}

/// Stores a pasted token as a profile, in the place of the credential it had, and ends its cooldowns.
///
/// Returns `true` if there was such a profile before. Nobody can tell the end of a token from its text: without `expires` it
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
    token: &ValidatedSecret,
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
