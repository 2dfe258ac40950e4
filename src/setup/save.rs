//! Storing profiles.

use std::iter::once;

use super::lifetime::expressible;
use super::paste::ValidatedSecret;
use super::saved::{Placement, Saved};
use crate::clock::Timestamp;
use crate::config::nearest;
use crate::credential::Credential;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;
use crate::id::{ProfileId, ProviderId};
#[cfg(doc)]
use crate::profile::AuthProfiles;
use crate::providers::Provider;
use crate::select::ProfileSelector;
use crate::store::{AuthProfileStore, AuthProfileStoreExt as _};

/// Stores a pasted API key as a profile, replaces the credential of an existing one, and ends its cooldowns.
///
/// The selector determines whether the profile will be used; [`Config::selector`](crate::Config::selector) returns that
/// of a configuration. The email address is for display. If OpenClaw has saved a sign-in under this id for later, the
/// new key replaces it and is used now.
///
/// # Errors
///
/// Those of [`AuthProfiles::upsert`] and of [`update`](AuthProfileStore::update).
pub fn save_key(
    store: &(impl AuthProfileStore + ?Sized),
    selector: &ProfileSelector,
    id: &ProfileId,
    provider: &ProviderId,
    key: &ValidatedSecret,
    email: Option<&str>,
) -> Result<Saved> {
    save(store, selector, id, provider, &Credential::api_key(key.secret.clone()), email)
}

/// Stores a pasted token as a profile, replaces the credential of an existing one, and ends its cooldowns.
///
/// The selector determines whether it will be used, as for [`save_key`]. The text of a token does not show when it
/// expires: without `expires` it is used indefinitely.
///
/// # Errors
///
/// [`ErrorKind::InvalidLifetime`] if it expires later than a credential file can express, and those of
/// [`AuthProfiles::upsert`] and of [`update`](AuthProfileStore::update).
///
/// # Examples
///
/// ```
/// use provider_auth::{Clock, CredentialKind, MemoryStore, ProfileSelector, ProviderId, SystemClock, setup};
///
/// let (store, anthropic) = (MemoryStore::default(), ProviderId::anthropic());
/// let pasted = setup::token(&anthropic, &format!("sk-ant-oat01-{}", "a".repeat(80)))?;
/// let id = setup::profile_id(&anthropic, None, CredentialKind::Token)?;
/// let expires = SystemClock.now() + setup::lifetime("365d")?;
/// let saved = setup::save_token(&store, &ProfileSelector::default(), &id, &anthropic, &pasted, Some(expires))?;
/// assert!(!saved.replaced);
/// # Ok::<(), provider_auth::Error>(())
/// ```
pub fn save_token(
    store: &(impl AuthProfileStore + ?Sized),
    selector: &ProfileSelector,
    id: &ProfileId,
    provider: &ProviderId,
    token: &ValidatedSecret,
    expires: Option<Timestamp>,
) -> Result<Saved> {
    expires.map_or(Ok(()), expressible)?;
    save(store, selector, id, provider, &Credential::token(token.secret.clone(), expires), None)
}

fn save(
    store: &(impl AuthProfileStore + ?Sized),
    selector: &ProfileSelector,
    id: &ProfileId,
    provider: &ProviderId,
    credential: &Credential,
    email: Option<&str>,
) -> Result<Saved> {
    store.transact(|profiles| {
        let replaced = profiles.get(id.as_str()).is_some();
        profiles.upsert(id, provider, credential, email)?;
        // Not the caller's rules: those of February 2026 would leave some of the windows.
        ProfileSelector::default().clear_cooldown(profiles, id)?;
        let placement = match selector.left_out(profiles, provider, id) {
            None => Placement::InRotation,
            Some((verdict, order)) => Placement::LeftOut { verdict, order },
        };
        let meant = meant(selector, provider);
        Ok(Saved { profile: id.clone(), provider: provider.clone(), replaced, placement, meant })
    })
}

/// Returns the known provider of which this one is probably a misspelling.
fn meant(selector: &ProfileSelector, provider: &ProviderId) -> Option<ProviderId> {
    if provider.known().is_some() || selector.is_gateway(provider) {
        return None;
    }
    let names = |known: &'static Provider| once(known.id()).chain(known.aliases().iter().copied());
    let names: Vec<&str> = Provider::all().flat_map(names).collect();
    nearest(provider.as_str(), &names.iter().copied()).map(ProviderId::normalized)
}
