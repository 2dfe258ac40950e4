//! A provider's terms for a kind of credential.

use crate::credential::CredentialKind;
use crate::id::ProviderId;
use crate::providers::Terms;
use crate::providers::UNKNOWN_TERMS;

/// Returns a provider's terms for a kind of credential.
///
/// # Examples
///
/// ```
/// use provider_auth::{CredentialKind, ProviderId, setup};
///
/// let anthropic = ProviderId::anthropic();
/// assert_eq!(setup::terms(&anthropic, CredentialKind::Token).allowed, Some(false));
/// assert_eq!(setup::terms(&anthropic, CredentialKind::ApiKey).allowed, Some(true));
/// ```
#[must_use]
pub fn terms(provider: &ProviderId, kind: CredentialKind) -> Terms {
    provider
        .known()
        .map_or(UNKNOWN_TERMS, |known| if kind.is_subscription() { known.subscription_terms } else { known.key_terms })
}
