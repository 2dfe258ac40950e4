//! Tokens from a token endpoint.

use std::fmt;
use std::time::Duration;

use crate::secret::Secret;

/// The tokens that a token endpoint returns for a refresh token.
///
/// `Debug` shows which members are set and the lifetime, not the tokens.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use provider_auth::Secret;
/// use provider_auth::credential::Tokens;
///
/// let tokens = Tokens::new(Secret::new("access")).refresh(Secret::new("next")).expires_in(Duration::from_secs(28_800));
/// assert!(!format!("{tokens:?}").contains("next"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Tokens {
    pub(crate) access: Secret,
    pub(crate) refresh: Option<Secret>,
    pub(crate) expires_in: Option<Duration>,
}

impl Tokens {
    /// Creates a result with only an access token: its lifetime is unknown, and the refresh token stays the same.
    #[must_use]
    pub fn new(access: impl Into<Secret>) -> Self {
        Self { access: access.into(), refresh: None, expires_in: None }
    }

    /// Sets the refresh token that replaces the one that was sent. Default: none, and that one stays valid.
    #[must_use]
    pub fn refresh(mut self, refresh: impl Into<Secret>) -> Self {
        self.refresh = Some(refresh.into());
        self
    }

    /// Sets the lifetime of the access token, counted from the request. Default: unknown.
    #[must_use]
    pub fn expires_in(mut self, lifetime: Duration) -> Self {
        self.expires_in = Some(lifetime);
        self
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("access", &self.access)
            .field("refresh", &self.refresh)
            .field("expires_in", &self.expires_in)
            .finish()
    }
}
