//! One profile of a document.

use std::fmt;

use super::raw::RawObject;
use super::usage::timestamp;
use crate::clock::Timestamp;
use crate::credential::{Credential, CredentialKind, Doubt, SecretRef};
use crate::id::ProviderId;
use crate::secret::Secret;

/// The expiry time of a token as the entry has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Expiry {
    Absent,
    /// At this many milliseconds since the epoch.
    At(f64),
    /// An invalid timestamp: zero, negative, too large, not a number. Holds the number if it is one.
    Invalid(Option<f64>),
}

/// Whether a profile's secret can be used, computed once because every selection needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretState {
    /// It can be sent in a header.
    Good,
    /// It contains characters that no header can carry.
    Unusable,
    /// It cannot be a secret, or cannot be one unless requests go to a gateway.
    Implausible {
        doubt: Doubt,
        /// `true` if it can be sent in a header.
        fits: bool,
    },
    /// There is none, but the refresh token can obtain one.
    Refreshable,
    /// There is none.
    Blank,
    Elsewhere,
}

/// The reason why OpenClaw withholds a profile, whatever its credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// It is a sign-in that was saved to replace another one later.
    Inactive,
    /// Its tokens are being refreshed, and a marker is in their place.
    Refreshing,
    /// Refreshing failed, and its tokens are lost.
    RefreshFailed,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    Known(Credential),
    /// A secret that is kept elsewhere, and a secret beside the reference, which is ignored.
    Reference {
        kind: CredentialKind,
        reference: SecretRef,
        beside: Option<Credential>,
    },
    /// OAuth tokens that OpenClaw is refreshing or has failed to refresh.
    Fenced,
    Unknown,
}

/// One credential profile.
///
/// # Examples
///
/// ```
/// use provider_auth::{AuthProfiles, CredentialKind};
///
/// let profiles = AuthProfiles::from_json(
///     r#"{"version":1,"profiles":{"anthropic:work":{"type":"api_key","provider":"anthropic","key":"sk-ant-1"}}}"#,
/// )?;
/// let profile = profiles.get("anthropic:work").unwrap();
/// assert_eq!(profile.kind(), Some(CredentialKind::ApiKey));
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Profile {
    /// The entry's JSON text, which contains the secret.
    pub(super) text: Secret,
    pub(super) provider: ProviderId,
    pub(super) stored_kind: Option<CredentialKind>,
    pub(super) kind: Option<CredentialKind>,
    pub(super) content: Content,
    pub(super) secret_state: SecretState,
    pub(super) hold: Option<Hold>,
    pub(super) expiry: Expiry,
    pub(super) email: Option<String>,
    pub(super) display_name: Option<String>,
}

impl Profile {
    /// Returns whether the owner allows copies for other agents; `None` if the entry does not say.
    pub(crate) fn copy_to_agents(&self) -> Option<bool> {
        let object = RawObject::parse(self.text.expose())?;
        serde_json::from_str(object.get("copyToAgents")?.get()).ok()
    }

    /// Returns the entry as JSON text, including the secret.
    pub(super) fn text(&self) -> &str {
        self.text.expose()
    }

    /// Returns the provider, normalised; blank if the entry names none.
    #[must_use]
    pub fn provider(&self) -> &ProviderId {
        &self.provider
    }

    /// Returns the credential; `None` if the entry has a reference instead, if OpenClaw is refreshing it, or if its
    /// kind is unknown.
    ///
    /// The secret may be blank, and OpenClaw may withhold the profile: the selector decides whether it can be used.
    #[must_use]
    pub fn credential(&self) -> Option<&Credential> {
        match &self.content {
            Content::Known(credential) => Some(credential),
            _ => None,
        }
    }

    /// Returns the reference to a secret that is kept outside the document. As in OpenClaw, a secret beside the
    /// reference is ignored.
    #[must_use]
    pub fn secret_ref(&self) -> Option<&SecretRef> {
        match &self.content {
            Content::Reference { reference, .. } => Some(reference),
            _ => None,
        }
    }

    /// Returns the kind of credential as it is used; `None` if it is unknown.
    #[must_use]
    pub fn kind(&self) -> Option<CredentialKind> {
        self.kind
    }

    /// Returns the declared kind, even if the secret shows that it is another.
    #[must_use]
    pub fn stored_kind(&self) -> Option<CredentialKind> {
        self.stored_kind
    }

    /// Returns when the secret expires, if the entry has a valid time; `None` while OpenClaw refreshes it.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        match self.expiry {
            Expiry::At(at) if !self.is_fenced() => Some(timestamp(at)),
            _ => None,
        }
    }

    /// Returns the reason if OpenClaw withholds the profile.
    pub(crate) fn hold(&self) -> Option<Hold> {
        self.hold
    }

    /// Returns `true` if OpenClaw is refreshing the tokens or has failed to.
    pub(crate) fn is_fenced(&self) -> bool {
        matches!(self.content, Content::Fenced)
    }

    /// Returns the secret beside a reference, which OpenClaw of February 2026 used.
    pub(crate) fn beside_reference(&self) -> Option<&Credential> {
        match &self.content {
            Content::Reference { beside, .. } => beside.as_ref(),
            _ => None,
        }
    }

    pub(crate) fn secret_state(&self) -> SecretState {
        self.secret_state
    }

    /// Returns `true` if it is an OAuth credential that can be refreshed.
    pub(crate) fn is_refreshable(&self) -> bool {
        matches!(&self.content, Content::Known(Credential::OAuth { refresh: Some(_), .. }))
    }

    pub(crate) fn expiry(&self) -> Expiry {
        self.expiry
    }

    /// Returns the account's email address, for display.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        self.email.as_deref()
    }

    /// Returns the name that its owner gave the profile, for display.
    #[must_use]
    pub fn display_name(&self) -> Option<&str> {
        self.display_name.as_deref()
    }

    /// Returns `true` if this entry has the same secrets as a credential.
    pub(super) fn same_secret(&self, credential: &Credential) -> bool {
        match (self.credential(), credential) {
            (Some(Credential::OAuth { access, refresh, .. }), Credential::OAuth { access: a, refresh: r, .. }) => {
                access == a && refresh == r
            }
            (Some(old), new) => old.kind() == new.kind() && old.secret() == new.secret(),
            (None, _) => false,
        }
    }
}

impl Content {
    pub(super) fn kind(&self) -> Option<CredentialKind> {
        match self {
            Self::Known(credential) => Some(credential.kind()),
            Self::Reference { kind, .. } => Some(*kind),
            Self::Fenced => Some(CredentialKind::OAuth),
            Self::Unknown => None,
        }
    }

    pub(super) fn secret_state(&self, provider: &ProviderId) -> SecretState {
        match self {
            Self::Known(credential) => SecretState::of(provider, credential),
            Self::Reference { .. } | Self::Fenced | Self::Unknown => SecretState::Elsewhere,
        }
    }
}

impl SecretState {
    pub(crate) fn of(provider: &ProviderId, credential: &Credential) -> Self {
        if let Some(doubt) = Doubt::of(provider.as_str(), credential.secret()) {
            return Self::Implausible { doubt, fits: credential.secret().is_header_safe() };
        }
        match credential {
            _ if credential.secret().is_header_safe() => Self::Good,
            _ if !credential.secret().is_empty() => Self::Unusable,
            Credential::OAuth { refresh: Some(_), .. } => Self::Refreshable,
            _ => Self::Blank,
        }
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile")
            .field("provider", &self.provider)
            .field("stored_kind", &self.stored_kind)
            .field("content", &self.content)
            .field("hold", &self.hold)
            .field("expiry", &self.expiry)
            .field("email", &self.email)
            .finish_non_exhaustive()
    }
}
