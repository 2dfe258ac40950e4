//! One profile as a document holds it.

use std::fmt;

use super::raw::RawObject;
use super::usage::timestamp;
use crate::clock::Timestamp;
use crate::credential::{Credential, CredentialKind, Doubt, SecretRef};
use crate::id::ProviderId;
use crate::secret::Secret;

/// When a token expires, as the entry says it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Expiry {
    /// Nothing is said.
    Absent,
    /// At this many milliseconds since the epoch.
    At(f64),
    /// An invalid timestamp: zero, negative, too large, not a number. Holds the number, if it is one.
    Invalid(Option<f64>),
}

/// Whether a profile's secret can be used, found once because every selection asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretState {
    /// It can be sent in a header.
    Good,
    /// It has characters no header can carry.
    Unusable,
    /// It can be no secret, or none where requests do not go to a gateway.
    Implausible {
        doubt: Doubt,
        /// Whether it can be sent in a header.
        fits: bool,
    },
    /// There is none, but it can be had with the refresh token.
    Refreshable,
    /// There is none.
    Blank,
    /// It is kept elsewhere.
    Elsewhere,
}

/// Why OpenClaw holds a profile back, whatever its credential is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// It is a sign-in that was saved and is to take another's place later.
    Inactive,
    /// Its login is being renewed; what stands there now are no tokens.
    Refreshing,
    /// Renewing it failed, and its tokens are gone.
    RefreshFailed,
}

/// What a profile authenticates with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    Known(Credential),
    /// A secret that is kept elsewhere, and the one that stands beside the reference and does not count.
    Reference {
        kind: CredentialKind,
        reference: SecretRef,
        beside: Option<Credential>,
    },
    /// A login whose tokens another program has in its hands.
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
    /// The entry's JSON text, which holds the secret.
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
    /// Returns whether the owner allows or forbids other agents a copy; `None` if nothing is said.
    pub(crate) fn copy_to_agents(&self) -> Option<bool> {
        let object = RawObject::parse(self.text.expose())?;
        serde_json::from_str(object.get("copyToAgents")?.get()).ok()
    }

    /// Returns the entry as JSON text, secret included.
    pub(super) fn text(&self) -> &str {
        self.text.expose()
    }

    /// Returns the provider, normalised; blank if the entry names none.
    #[must_use]
    pub fn provider(&self) -> &ProviderId {
        &self.provider
    }

    /// Returns the credential; `None` if it is only referred to, is a login that OpenClaw is renewing, or is of a kind this
    /// version does not know.
    ///
    /// Its secret can be blank, and OpenClaw may hold the profile back: the selector judges that, and the profile is not
    /// lost.
    #[must_use]
    pub fn credential(&self) -> Option<&Credential> {
        match &self.content {
            Content::Known(credential) => Some(credential),
            _ => None,
        }
    }

    /// Returns where the secret is kept, if it is not in the document. A secret that stands beside the reference does not
    /// count, as in OpenClaw.
    #[must_use]
    pub fn secret_ref(&self) -> Option<&SecretRef> {
        match &self.content {
            Content::Reference { reference, .. } => Some(reference),
            _ => None,
        }
    }

    /// Returns the kind of credential as it is used; `None` if this version does not know it.
    #[must_use]
    pub fn kind(&self) -> Option<CredentialKind> {
        self.kind
    }

    /// Returns the kind the entry declares, even if the secret shows that it is another.
    #[must_use]
    pub fn stored_kind(&self) -> Option<CredentialKind> {
        self.stored_kind
    }

    /// Returns when the secret expires, if the entry says so. While OpenClaw renews a login it does not.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        match self.expiry {
            Expiry::At(at) if !self.is_fenced() => Some(timestamp(at)),
            _ => None,
        }
    }

    /// Returns why OpenClaw holds the profile back, if it does.
    pub(crate) fn hold(&self) -> Option<Hold> {
        self.hold
    }

    /// Returns `true` if the tokens are in the hands of OpenClaw, which is renewing them or failed to.
    pub(crate) fn is_fenced(&self) -> bool {
        matches!(self.content, Content::Fenced)
    }

    /// Returns the secret that stands beside a reference, which OpenClaw of February 2026 went by.
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

    /// Returns the name its owner gave it, for display.
    #[must_use]
    pub fn display_name(&self) -> Option<&str> {
        self.display_name.as_deref()
    }

    /// Returns `true` if this entry authenticates with the same secrets as a credential.
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
    /// Finds out whether a credential's secret can be used.
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
