//! Credentials for requests: API keys, bearer tokens and OAuth credentials, and where they come from.
//!
//! [`Credential::api_key`], [`Credential::token`] and [`Credential::oauth`] create one; a selection has one in
//! [`Selection::credential`](crate::Selection::credential), with its [`CredentialSource`]. An [`InlineCredential`]
//! comes from the environment or the configuration instead of a profile. A [`SecretRef`] refers to a secret that is
//! kept elsewhere, and [`Resolved`] has the secrets of such references. No `Debug` output contains a secret.

mod access;
mod implausible;
mod inline;
mod notation;
mod placeholder;
mod received;
mod reference;
mod reference_failure;
mod scheme;
mod tokens;

pub(crate) use access::{Access, OwnHeader, doubt_of_header, unresolved};
pub use implausible::{Implausible, Notation};
pub use inline::{CredentialSource, EnvOrigin, InlineCredential};
pub(crate) use received::{Doubt, Received, unusual};
pub(crate) use reference::is_variable;
pub use reference::{Resolved, SecretRef};
pub use reference_failure::ReferenceFailure;
pub use scheme::AuthScheme;
pub(crate) use scheme::{AUTH_HEADERS, carries_credential, is_auth_header};
pub use tokens::Tokens;

use std::fmt;
use std::sync::LazyLock;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::providers::SETUP_TOKEN_PREFIX;
use crate::secret::Secret;

/// The credential of a request.
///
/// # Examples
///
/// ```
/// use provider_auth::{Credential, CredentialKind, Secret};
///
/// let key = Credential::api_key(Secret::new("sk-ant-api03-example"));
/// assert_eq!(key.kind(), CredentialKind::ApiKey);
///
/// // A token that was stored as a key is a token all the same: in `x-api-key` the provider refuses it.
/// let mislabelled = Credential::api_key(Secret::new("sk-ant-oat01-example"));
/// assert_eq!(mislabelled.kind(), CredentialKind::Token);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credential {
    /// A key for pay-as-you-go access, sent as the endpoint's key header.
    #[non_exhaustive]
    ApiKey {
        /// The key.
        key: Secret,
    },
    /// A static bearer token, such as a setup-token, which cannot be refreshed.
    #[non_exhaustive]
    Token {
        /// The token.
        token: Secret,
        /// When it expires, if known.
        expires: Option<Timestamp>,
    },
    /// An OAuth credential, whose access token is refreshed with a refresh token.
    #[non_exhaustive]
    OAuth {
        /// The access token; empty if only the refresh token is left.
        access: Secret,
        /// The refresh token.
        refresh: Option<Secret>,
        /// When the access token expires, if known.
        expires: Option<Timestamp>,
    },
    /// No credential: the endpoint needs none, or configured headers authenticate. Requests get no authentication
    /// header from it, and it is never stored.
    None,
}

impl Credential {
    /// Creates a credential from an API key, or from a static token if the text has its prefix.
    ///
    /// The key is neither cleaned nor checked. For text that people enter, use [`Secret::cleaned`] or the functions of
    /// [`setup`](crate::setup).
    #[must_use]
    pub fn api_key(key: Secret) -> Self {
        if key.expose().starts_with(SETUP_TOKEN_PREFIX) {
            Self::Token { token: key, expires: None }
        } else {
            Self::ApiKey { key }
        }
    }

    /// Creates a credential from a static bearer token and its expiry time, if known.
    #[must_use]
    pub fn token(token: Secret, expires: Option<Timestamp>) -> Self {
        Self::Token { token, expires }
    }

    /// Creates an OAuth credential from an access token, a refresh token and the expiry time of the access token.
    #[must_use]
    pub fn oauth(access: Secret, refresh: Option<Secret>, expires: Option<Timestamp>) -> Self {
        Self::OAuth { access, refresh, expires }
    }

    /// Cleans the secrets for a file: removes line breaks and surrounding white space.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidSecret`] if the secret is blank, or a word that OpenClaw writes instead of one.
    pub(crate) fn cleaned(&self) -> Result<Self> {
        let clean = |secret: &Secret| Secret::cleaned(secret.expose());
        let cleaned = match self {
            Self::ApiKey { key } => Self::ApiKey { key: clean(key) },
            Self::Token { token, expires } => Self::Token { token: clean(token), expires: *expires },
            Self::OAuth { access, refresh, expires } => {
                let refresh = refresh.as_ref().map(clean).filter(|refresh| !refresh.is_empty());
                Self::OAuth { access: clean(access), refresh, expires: *expires }
            }
            Self::None => Self::None,
        };
        let refreshable = matches!(&cleaned, Self::OAuth { refresh: Some(_), .. });
        if cleaned.secret().is_empty() && !refreshable {
            return Err(Error::new(ErrorKind::InvalidSecret, "the secret is blank"));
        }
        let refresh = match &cleaned {
            Self::OAuth { refresh, .. } => refresh.as_ref(),
            _ => None,
        };
        if cleaned.secret().is_placeholder() || refresh.is_some_and(Secret::is_placeholder) {
            let message = "the text is a word that OpenClaw writes instead of a secret";
            return Err(Error::new(ErrorKind::InvalidSecret, message));
        }
        Ok(cleaned)
    }

    /// Returns the kind of credential.
    #[must_use]
    pub fn kind(&self) -> CredentialKind {
        match self {
            Self::ApiKey { .. } => CredentialKind::ApiKey,
            Self::Token { .. } => CredentialKind::Token,
            Self::OAuth { .. } => CredentialKind::OAuth,
            Self::None => CredentialKind::None,
        }
    }

    /// Returns the secret for requests: the key, the token or the access token. Empty for [`Credential::None`].
    #[must_use]
    pub fn secret(&self) -> &Secret {
        static NOTHING: LazyLock<Secret> = LazyLock::new(Secret::default);
        match self {
            Self::ApiKey { key } => key,
            Self::Token { token, .. } => token,
            Self::OAuth { access, .. } => access,
            Self::None => &NOTHING,
        }
    }

    /// Returns when the secret expires, if known.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        match self {
            Self::ApiKey { .. } | Self::None => None,
            Self::Token { expires, .. } | Self::OAuth { expires, .. } => *expires,
        }
    }
}

/// The kinds of credential.
///
/// They are ordered by preference if nothing else decides: OAuth credential, token, API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CredentialKind {
    /// [`Credential::OAuth`].
    OAuth,
    /// [`Credential::Token`].
    Token,
    /// [`Credential::ApiKey`].
    ApiKey,
    /// [`Credential::None`].
    None,
}

impl CredentialKind {
    /// Returns the name in credential files: `api_key`, `token` or `oauth`; `none` for [`CredentialKind::None`].
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Token => "token",
            Self::OAuth => "oauth",
            Self::None => "none",
        }
    }

    /// Returns `true` for subscription access, which is paid by plan and does not honour prompt-cache settings.
    #[must_use]
    pub fn is_subscription(self) -> bool {
        matches!(self, Self::Token | Self::OAuth)
    }
}

impl fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
