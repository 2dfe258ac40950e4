//! Reading a profile in every accepted spelling, with remarks for its owner.

use std::borrow::Cow;

use zeroize::Zeroize as _;

use super::entry::{Content, Expiry, Hold, Profile, SecretState};
use super::raw::{self, RawObject};
use super::unit::WrongUnit;
use super::usage::timestamp;
use crate::credential::{Credential, CredentialKind, SecretRef, unusual};
use crate::error::DiagnosticCode;
use crate::id::ProviderId;
use crate::secret::{REDACTED, REFRESH_FENCE, Secret, clean, is_blank_char};

/// The latest time that JavaScript can express; later expiry times are mistakes.
const MAX_TIME: f64 = 8.64e15;

/// A remark on an entry for its owner: the member, a code, and a sentence.
pub(super) struct Remark {
    pub(super) member: &'static str,
    pub(super) code: DiagnosticCode,
    pub(super) message: Cow<'static, str>,
    pub(super) help: Option<&'static str>,
}

/// The members with secrets, by kind of credential; the first spelling is the canonical one.
const KEY: [&str; 3] = ["key", "apiKey", "api_key"];
const TOKEN: [&str; 1] = ["token"];

impl Profile {
    /// Reads an entry. All of its content is kept; `remarks` receives what is odd about it.
    pub(super) fn parse(text: &str, remarks: &mut Vec<Remark>) -> Self {
        let object = RawObject::parse(text).unwrap_or_default();
        let mut remark = |member, code, message: &'static str| {
            remarks.push(Remark { member, code, message: message.into(), help: None });
        };
        let declared = match object.string("type") {
            Some(declared) => Some(declared),
            None => object.string("mode").inspect(|_| {
                remark("mode", DiagnosticCode::Alias, "`mode` was understood as `type`");
            }),
        };
        let stored_kind = match declared.as_deref() {
            Some("api_key") => Some(CredentialKind::ApiKey),
            Some("apiKey") => {
                remark("type", DiagnosticCode::Alias, "`apiKey` was understood as `api_key`");
                Some(CredentialKind::ApiKey)
            }
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
        let provider = ProviderId::normalized(&provider_text);
        let secret_state = content.secret_state(&provider);
        remarks.extend(remark_on_secret(&object, stored_kind, &content, secret_state));
        if !matches!(content, Content::Fenced) {
            remarks.extend(remark_on_expiry(&object, stored_kind, expiry));
        }
        Self {
            text: Secret::new(text),
            provider,
            stored_kind,
            kind: content.kind(),
            secret_state,
            hold: hold(&object, &content),
            content,
            expiry,
            email: object.string("email").map(Cow::into_owned),
            display_name: object.string("displayName").map(Cow::into_owned),
        }
    }
}

fn content(
    object: &RawObject<'_>,
    kind: CredentialKind,
    expiry: Expiry,
    remark: &mut impl FnMut(&'static str, DiagnosticCode, &'static str),
) -> Content {
    let expires = match expiry {
        Expiry::At(at) => Some(timestamp(at)),
        _ => None,
    };
    let (members, ref_member): (&[&'static str], _) = match kind {
        // No entry has a type that is read as this kind.
        CredentialKind::None => return Content::Known(Credential::None),
        CredentialKind::ApiKey => (&KEY, "keyRef"),
        CredentialKind::Token => (&TOKEN, "tokenRef"),
        CredentialKind::OAuth => {
            if fence(object).is_some() {
                return Content::Fenced;
            }
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
    let credential = |text| match kind {
        CredentialKind::ApiKey => Credential::api_key(text),
        _ => Credential::token(text, expires),
    };
    let found = reference(object, ref_member);
    let is_odd = object.get(ref_member).is_some_and(|value| value.get() != "null");
    if is_odd && found.is_none() {
        let message = "the reference is not an object with `source`, `provider` and `id`; it is ignored";
        remark(ref_member, DiagnosticCode::InvalidValue, message);
    }
    if let Some(reference) = found {
        if let Some(member) = member.filter(|_| text.is_some()) {
            let message = "the secret is ignored, because there is a reference to another one";
            remark(member, DiagnosticCode::Conflict, message);
        }
        return Content::Reference { kind, reference, beside: text.map(credential) };
    }
    let Some(text) = text else {
        return match member.and_then(|member| reference(object, member)) {
            Some(reference) => Content::Reference { kind, reference, beside: None },
            None => Content::Known(credential(Secret::default())),
        };
    };
    if let Some(reference) = SecretRef::from_short(text.expose()) {
        // Releases without references sent the text itself.
        return Content::Reference { kind, reference, beside: Some(credential(text)) };
    }
    let credential = credential(text);
    if kind == CredentialKind::ApiKey && credential.kind() != kind {
        let message = "an API key entry holds a token; it is used as a bearer token";
        remark(member.unwrap_or("key"), DiagnosticCode::CredentialKind, message);
    }
    Content::Known(credential)
}

/// Returns the reason if OpenClaw withholds the profile: it is saved for later, or its tokens are being refreshed.
fn hold(object: &RawObject<'_>, content: &Content) -> Option<Hold> {
    let replaces = |setup: RawObject<'_>| setup.get("replacement").is_some_and(|value| value.get() == "true");
    if object.object("setup").is_some_and(replaces) {
        return Some(Hold::Inactive);
    }
    if matches!(content, Content::Fenced) { fence(object) } else { None }
}

/// Reads the marker that OpenClaw writes instead of tokens while it refreshes them, if there is one:
/// `PREFIX:v1:ID:access:DIGEST`, with the word `failed` before `access` if that failed for good. Markers of other
/// versions are not tokens either.
fn fence(object: &RawObject<'_>) -> Option<Hold> {
    let fences = ["access", "refresh"].into_iter().filter_map(|member| {
        let text = object.string(member)?;
        let fence = text.trim_matches(is_blank_char).strip_prefix(REFRESH_FENCE)?;
        let failed = fence.split(':').any(|part| part == "failed");
        Some(if failed { Hold::RefreshFailed } else { Hold::Refreshing })
    });
    fences.reduce(|one, other| if one == Hold::RefreshFailed { one } else { other })
}

fn secret(
    object: &RawObject<'_>,
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
    let (cleaned, cleaning) = clean(&text);
    if let Cow::Owned(mut text) = text {
        text.zeroize();
    }
    if cleaned.expose() == REDACTED {
        remark(member, DiagnosticCode::InvalidValue, "the text is a word that OpenClaw writes instead of a secret");
        return Some(Secret::default());
    }
    cleaning.notes().for_each(|note| remark(member, DiagnosticCode::CleanedSecret, note));
    Some(cleaned)
}

/// Returns a remark if the secret cannot be one, or is unusual.
fn remark_on_secret(
    object: &RawObject<'_>,
    stored_kind: Option<CredentialKind>,
    content: &Content,
    secret_state: SecretState,
) -> Option<Remark> {
    let Content::Known(credential) = content else { return None };
    let doubt = match secret_state {
        // It is unknown here whether requests go to a gateway.
        SecretState::Implausible { doubt, .. } => doubt.at(true),
        _ => None,
    };
    let (code, what, help) = match doubt {
        Some(reason) => (DiagnosticCode::ImplausibleSecret, reason.to_string(), Some(reason.help())),
        None => (DiagnosticCode::UnusualSecret, unusual(credential.secret())?.to_owned(), None),
    };
    let members: &[&'static str] = match stored_kind? {
        CredentialKind::ApiKey => &KEY,
        CredentialKind::Token => &TOKEN,
        CredentialKind::OAuth => &["access"],
        CredentialKind::None => &[],
    };
    let member = members.iter().copied().find(|member| object.get(member).is_some())?;
    Some(Remark { member, code, message: format!("the profile has {what}").into(), help })
}

/// Returns a remark if the expiry time was probably written in another unit.
fn remark_on_expiry(object: &RawObject<'_>, stored_kind: Option<CredentialKind>, expiry: Expiry) -> Option<Remark> {
    stored_kind.filter(|kind| *kind != CredentialKind::ApiKey)?;
    let (message, help): (Cow<'static, str>, _) = match expiry {
        Expiry::At(at) | Expiry::Invalid(Some(at)) => {
            let wrong = WrongUnit::of(at)?;
            (wrong.message().into(), wrong.help())
        }
        Expiry::Invalid(None) if object.get("expires")?.get() != "null" => (
            "`expires` is not a number of milliseconds since 1970".into(),
            "Write a number of 13 digits, or store the credential again.",
        ),
        _ => return None,
    };
    Some(Remark { member: "expires", code: DiagnosticCode::WrongUnit, message, help: Some(help) })
}

fn reference(object: &RawObject<'_>, member: &str) -> Option<SecretRef> {
    let reference = object.object(member)?;
    let part = |key| reference.string(key).filter(|part| !part.is_empty()).map(Cow::into_owned);
    Some(SecretRef::new(part("source")?, part("provider")?, part("id")?))
}
