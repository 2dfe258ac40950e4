//! One profile as a document holds it.

use std::borrow::Cow;
use std::fmt;

use super::credential::{Credential, CredentialKind};
use super::raw::{self, RawObject};
use super::usage::timestamp;
use super::view::RawView;
use crate::clock::Timestamp;
use crate::diagnostic::DiagnosticCode;
use crate::id::ProviderId;
use crate::secret::{Secret, is_blank_char};

/// The latest moment JavaScript can express; later expiry times are mistakes.
const MAX_TIME: f64 = 8.64e15;

/// Where a secret is kept that is not in the document itself.
///
/// The document holds the reference; whoever embeds this crate may resolve it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecretRef {
    /// The kind of place: `env`, `file` or `exec` in the reference's files.
    pub source: String,
    /// The named provider of that kind.
    pub provider: String,
    /// The secret's name there.
    pub id: String,
}

/// When a token ends, as the entry says it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Expiry {
    /// Nothing is said.
    Absent,
    /// At this many milliseconds since the epoch.
    At(f64),
    /// Something is said that is no moment: zero, negative, too large, not a number. The number, if it is one.
    Invalid(Option<f64>),
}

/// Whether a profile's secret can be used, found once because every selection asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretState {
    /// It can stand in a header.
    Good,
    /// It has characters no header can carry.
    Unusable,
    /// There is none, but it can be had with the refresh token.
    Refreshable,
    /// There is none.
    Blank,
    /// It is kept elsewhere.
    Elsewhere,
}

/// What a profile authenticates with.
#[derive(Clone, Debug, PartialEq)]
enum Content {
    Known(Credential),
    Reference { kind: CredentialKind, reference: SecretRef },
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
    text: Secret,
    provider: ProviderId,
    stored_kind: Option<CredentialKind>,
    kind: Option<CredentialKind>,
    content: Content,
    secret_state: SecretState,
    expiry: Expiry,
    email: Option<String>,
    display_name: Option<String>,
}

/// Something about an entry that its owner should know: the member, a code, and a sentence.
pub(super) struct Remark {
    pub(super) member: &'static str,
    pub(super) code: DiagnosticCode,
    pub(super) message: &'static str,
}

/// The members that hold secrets, by kind of credential; the first spelling is the canonical one.
const KEY: [&str; 3] = ["key", "apiKey", "api_key"];
const TOKEN: [&str; 1] = ["token"];

impl Profile {
    /// Reads an entry. Whatever it holds is kept; what is odd about it is remarked on.
    pub(super) fn parse(text: &str, remarks: &mut Vec<Remark>) -> Self {
        let object = RawView::parse(text).unwrap_or_default();
        let mut remark = |member, code, message| remarks.push(Remark { member, code, message });
        let declared = match object.string("type") {
            Some(declared) => Some(declared),
            None => object.string("mode").inspect(|_| {
                remark("mode", DiagnosticCode::Alias, "`mode` was understood as `type`");
            }),
        };
        let stored_kind = match declared.as_deref() {
            Some("api_key") => Some(CredentialKind::ApiKey),
            Some("token") => Some(CredentialKind::Token),
            Some("oauth") => Some(CredentialKind::OAuth),
            _ => None,
        };
        let provider_text = object.string("provider").unwrap_or_default();
        let expiry = match object.get("expires") {
            None => Expiry::Absent,
            Some(value) => match raw::as_number(value) {
                Some(at) if at > 0.0 && at <= MAX_TIME => Expiry::At(at),
                number => Expiry::Invalid(number),
            },
        };
        let content = match stored_kind {
            None => {
                let message = "the profile has no kind of credential this version knows; it is kept as it is";
                remark("type", DiagnosticCode::UnknownCredential, message);
                Content::Unknown
            }
            Some(_) if provider_text.is_empty() => {
                let message = "the profile names no provider; it is kept as it is";
                remark("provider", DiagnosticCode::MissingKey, message);
                Content::Unknown
            }
            Some(kind) => content(&object, kind, expiry, &mut remark),
        };
        Self {
            text: raw::guarded(text),
            provider: ProviderId::normalized(&provider_text),
            stored_kind,
            kind: content.kind(),
            secret_state: content.secret_state(),
            content,
            expiry,
            email: object.string("email").map(Cow::into_owned),
            display_name: object.string("displayName").map(Cow::into_owned),
        }
    }

    /// A new entry for a credential.
    pub(super) fn new(provider: &ProviderId, credential: &Credential, email: Option<&str>) -> Self {
        Self::write(RawObject::new(), provider, credential, email)
    }

    /// The same entry with another credential; members that say nothing about the credential stay.
    pub(super) fn with_credential(&self, provider: &ProviderId, credential: &Credential, email: Option<&str>) -> Self {
        let mut object = RawObject::parse(self.text.expose()).unwrap_or_else(RawObject::new);
        if object.get("type").is_none() {
            // It was understood as the kind, which is now written under its own name.
            object.remove("mode");
        }
        let written = members_of(credential.kind()).iter().filter(|member| match **member {
            "key" | "token" | "access" => true,
            "refresh" => matches!(credential, Credential::OAuth { refresh: Some(_), .. }),
            "expires" => credential.expires().is_some(),
            _ => false,
        });
        let written: Vec<&str> = written.copied().collect();
        let old = self.stored_kind.map_or(&[][..], members_of);
        for member in old.iter().chain(members_of(credential.kind())).filter(|member| !written.contains(member)) {
            object.remove(member);
        }
        Self::write(object, provider, credential, email)
    }

    /// The same login with other tokens; every other member stays as it is.
    pub(super) fn with_tokens(&self, access: &Secret, refresh: Option<&Secret>, expires: Option<Timestamp>) -> Self {
        let mut object = RawObject::parse(self.text.expose()).unwrap_or_else(RawObject::new);
        object.set_str("access", access.expose());
        if let Some(refresh) = refresh {
            object.set_str("refresh", refresh.expose());
        }
        match expires {
            Some(expires) => set_moment(&mut object, expires),
            None => {
                object.remove("expires");
            }
        }
        Self::parse(&object.to_text(DEPTH), &mut Vec::new())
    }

    fn write(mut object: RawObject, provider: &ProviderId, credential: &Credential, email: Option<&str>) -> Self {
        object.set_str("type", credential.kind().as_str());
        object.set_str("provider", provider.as_str());
        match credential {
            Credential::ApiKey { key } => object.set_str("key", key.expose()),
            Credential::Token { token, .. } => object.set_str("token", token.expose()),
            Credential::OAuth { access, refresh, .. } => {
                object.set_str("access", access.expose());
                if let Some(refresh) = refresh {
                    object.set_str("refresh", refresh.expose());
                }
            }
        }
        if let Some(expires) = credential.expires() {
            set_moment(&mut object, expires);
        }
        if let Some(email) = email {
            object.set_str("email", email);
        }
        Self::parse(&object.to_text(DEPTH), &mut Vec::new())
    }

    /// Whether the owner allows or forbids other agents a copy; `None` if nothing is said.
    pub(crate) fn copy_to_agents(&self) -> Option<bool> {
        let object = RawView::parse(self.text.expose())?;
        serde_json::from_str(object.get("copyToAgents")?.get()).ok()
    }

    /// The entry as JSON text, secret included.
    pub(super) fn text(&self) -> &str {
        self.text.expose()
    }

    /// The provider, normalised; blank if the entry names none.
    #[must_use]
    pub fn provider(&self) -> &ProviderId {
        &self.provider
    }

    /// The credential; `None` if it is only referred to, or of a kind this version does not know.
    ///
    /// Its secret can be blank: that is a verdict of the selector, not a reason to lose the profile.
    #[must_use]
    pub fn credential(&self) -> Option<&Credential> {
        match &self.content {
            Content::Known(credential) => Some(credential),
            _ => None,
        }
    }

    /// Where the secret is kept, if it is not in the document.
    #[must_use]
    pub fn secret_ref(&self) -> Option<&SecretRef> {
        match &self.content {
            Content::Reference { reference, .. } => Some(reference),
            _ => None,
        }
    }

    /// The kind of credential as it is used; `None` if this version does not know it.
    #[must_use]
    pub fn kind(&self) -> Option<CredentialKind> {
        self.kind
    }

    /// The kind the entry declares, even where the secret shows that it is another.
    #[must_use]
    pub fn stored_kind(&self) -> Option<CredentialKind> {
        self.stored_kind
    }

    /// When the secret stops working, if the entry says so.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        match self.expiry {
            Expiry::At(at) => Some(timestamp(at)),
            _ => None,
        }
    }

    pub(crate) fn secret_state(&self) -> SecretState {
        self.secret_state
    }

    /// Whether it is a login that can be renewed.
    pub(crate) fn is_refreshable(&self) -> bool {
        matches!(&self.content, Content::Known(Credential::OAuth { refresh: Some(_), .. }))
    }

    pub(crate) fn expiry(&self) -> Expiry {
        self.expiry
    }

    /// The account's email address, for display.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        self.email.as_deref()
    }

    /// The name its owner gave it, for display.
    #[must_use]
    pub fn display_name(&self) -> Option<&str> {
        self.display_name.as_deref()
    }

    /// Whether this entry and another authenticate with the same secrets.
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
    fn kind(&self) -> Option<CredentialKind> {
        match self {
            Self::Known(credential) => Some(credential.kind()),
            Self::Reference { kind, .. } => Some(*kind),
            Self::Unknown => None,
        }
    }

    fn secret_state(&self) -> SecretState {
        match self {
            Self::Known(credential) if credential.secret().is_header_safe() => SecretState::Good,
            Self::Known(credential) if !credential.secret().is_empty() => SecretState::Unusable,
            Self::Known(Credential::OAuth { refresh: Some(_), .. }) => SecretState::Refreshable,
            Self::Known(_) => SecretState::Blank,
            Self::Reference { .. } | Self::Unknown => SecretState::Elsewhere,
        }
    }
}

/// Every member that says something about a credential of this kind.
fn members_of(kind: CredentialKind) -> &'static [&'static str] {
    match kind {
        CredentialKind::ApiKey => &["key", "apiKey", "api_key", "keyRef"],
        CredentialKind::Token => &["token", "tokenRef", "expires"],
        CredentialKind::OAuth => &["access", "refresh", "expires"],
    }
}

fn set_moment(object: &mut RawObject, expires: Timestamp) {
    #[expect(clippy::cast_precision_loss, reason = "moments that matter are far below 2^53 milliseconds")]
    object.set_number("expires", expires.as_millis() as f64);
}

/// Entries stand at this depth: document, `profiles`, profile.
const DEPTH: usize = 2;

fn content(
    object: &RawView<'_>,
    kind: CredentialKind,
    expiry: Expiry,
    remark: &mut impl FnMut(&'static str, DiagnosticCode, &'static str),
) -> Content {
    let expires = match expiry {
        Expiry::At(at) => Some(timestamp(at)),
        _ => None,
    };
    let (members, ref_member): (&[&'static str], _) = match kind {
        CredentialKind::ApiKey => (&KEY, "keyRef"),
        CredentialKind::Token => (&TOKEN, "tokenRef"),
        CredentialKind::OAuth => {
            let access = secret(object, "access", remark).unwrap_or_default();
            let refresh = secret(object, "refresh", remark).filter(|refresh| !refresh.is_empty());
            return Content::Known(Credential::oauth(access, refresh, expires));
        }
    };
    let member = members.iter().copied().find(|member| object.get(member).is_some());
    if let Some(alias) = member.filter(|member| Some(member) != members.first()) {
        remark(alias, DiagnosticCode::Alias, "the member was understood as `key`");
    }
    let text = member.and_then(|member| secret(object, member, remark)).filter(|text| !text.is_empty());
    let Some(text) = text else {
        let in_place = || member.and_then(|member| reference(object, member));
        return match reference(object, ref_member).or_else(in_place) {
            Some(reference) => Content::Reference { kind, reference },
            None if kind == CredentialKind::ApiKey => Content::Known(Credential::api_key(Secret::default())),
            None => Content::Known(Credential::token(Secret::default(), expires)),
        };
    };
    Content::Known(match kind {
        CredentialKind::ApiKey => {
            let credential = Credential::api_key(text);
            if credential.kind() != kind {
                let message = "an API key entry holds a token; it is used as a bearer token";
                remark(member.unwrap_or("key"), DiagnosticCode::CredentialKind, message);
            }
            credential
        }
        _ => Credential::token(text, expires),
    })
}

fn secret(
    object: &RawView<'_>,
    member: &'static str,
    remark: &mut impl FnMut(&'static str, DiagnosticCode, &'static str),
) -> Option<Secret> {
    let value = object.get(member)?;
    let Some(text) = object.string(member) else {
        if !value.get().starts_with('{') && value.get() != "null" {
            remark(member, DiagnosticCode::InvalidValue, "the secret is not text; it is ignored");
        }
        return None;
    };
    let cleaned = Secret::cleaned(&text);
    if cleaned.expose() != text.trim_matches(is_blank_char) {
        remark(member, DiagnosticCode::CleanedSecret, "line breaks inside the secret are left out");
    }
    Some(cleaned)
}

fn reference(object: &RawView<'_>, member: &str) -> Option<SecretRef> {
    let reference = object.object(member)?;
    let part = |key| reference.string(key).filter(|part| !part.is_empty()).map(Cow::into_owned);
    Some(SecretRef { source: part("source")?, provider: part("provider")?, id: part("id")? })
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile")
            .field("provider", &self.provider)
            .field("stored_kind", &self.stored_kind)
            .field("content", &self.content)
            .field("expiry", &self.expiry)
            .field("email", &self.email)
            .finish_non_exhaustive()
    }
}
