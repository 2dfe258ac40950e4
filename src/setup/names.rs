//! Names of profiles.

use crate::credential::CredentialKind;
use crate::error::Result;
use crate::id::{ProfileId, ProviderId};

/// Returns a name in the short form of profile ids: in lower case, with one dash for each run of characters other than
/// `a` to `z`, digits, `.`, `_` and `-`, and no dashes at the ends; `default` if nothing is left.
///
/// # Examples
///
/// ```
/// use provider_auth::setup::slug;
///
/// assert_eq!(slug("Work Laptop"), "work-laptop");
/// assert_eq!(slug("me@example.com"), "me-example.com");
/// assert_eq!(slug("!!!"), "default");
/// ```
#[must_use]
pub fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.to_lowercase().chars() {
        if c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-') {
            slug.push(c);
        } else if !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_matches('-');
    if slug.is_empty() { "default".to_owned() } else { slug.to_owned() }
}

/// Returns the id of a provider's profile. A name with a colon is the id itself, any other becomes a [`slug`]. Without
/// a name, the slug is `default`, or `manual` for tokens, as in OpenClaw.
///
/// # Errors
///
/// [`InvalidId`](crate::ErrorKind::InvalidId) if an id contains control characters.
///
/// # Examples
///
/// ```
/// use provider_auth::{CredentialKind, ProviderId, setup};
///
/// let anthropic = ProviderId::anthropic();
/// assert_eq!(setup::profile_id(&anthropic, None, CredentialKind::Token)?.as_str(), "anthropic:manual");
/// assert_eq!(setup::profile_id(&anthropic, Some("Work"), CredentialKind::Token)?.as_str(), "anthropic:work");
/// assert_eq!(setup::profile_id(&anthropic, Some("anthropic:Work"), CredentialKind::Token)?.as_str(), "anthropic:Work");
/// # Ok::<(), provider_auth::Error>(())
/// ```
pub fn profile_id(provider: &ProviderId, name: Option<&str>, kind: CredentialKind) -> Result<ProfileId> {
    let own = provider.as_str();
    match name {
        Some(id) if id.contains(':') => ProfileId::new(id),
        Some(name) => ProfileId::new(format!("{own}:{}", slug(name))),
        None if kind == CredentialKind::Token => ProfileId::new(format!("{own}:manual")),
        None => ProfileId::new(format!("{own}:default")),
    }
}
