//! Writing a profile: a new credential or new tokens, while everything else keeps its text.

use super::entry::{Hold, Profile};
use super::raw::RawObject;
use crate::clock::Timestamp;
use crate::credential::{Credential, CredentialKind};
use crate::secret::Secret;

/// The depth of entries: document, `profiles`, profile.
pub(super) const DEPTH: usize = 2;

impl Profile {
    pub(super) fn new(provider: &str, credential: &Credential, email: Option<&str>) -> Self {
        Self::write(RawObject::default(), provider, credential, email)
    }

    /// Replaces the credential; members that do not concern it stay.
    pub(super) fn with_credential(&self, provider: &str, credential: &Credential, email: Option<&str>) -> Self {
        let mut object = RawObject::parse(self.text.expose()).unwrap_or_default();
        if object.get("type").is_none() {
            // It was read as the type, which is now written under its own name.
            object.remove("mode");
        }
        if self.hold == Some(Hold::Inactive) {
            // It would replace the old sign-in later, and until then keep the new credential from being used.
            object.remove("setup");
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

    /// Replaces the tokens of an OAuth credential; every other member stays as it is.
    pub(super) fn with_tokens(&self, access: &Secret, refresh: Option<&Secret>, expires: Option<Timestamp>) -> Self {
        let mut object = RawObject::parse(self.text.expose()).unwrap_or_default();
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

    fn write(mut object: RawObject<'_>, provider: &str, credential: &Credential, email: Option<&str>) -> Self {
        object.set_str("type", credential.kind().as_str());
        object.set_str("provider", provider);
        match credential {
            Credential::ApiKey { key } => object.set_str("key", key.expose()),
            Credential::Token { token, .. } => object.set_str("token", token.expose()),
            Credential::OAuth { access, refresh, .. } => {
                object.set_str("access", access.expose());
                if let Some(refresh) = refresh {
                    object.set_str("refresh", refresh.expose());
                }
            }
            // An empty credential was refused before.
            Credential::None => {}
        }
        if let Some(expires) = credential.expires() {
            set_moment(&mut object, expires);
        }
        if let Some(email) = email {
            object.set_str("email", email);
        }
        Self::parse(&object.to_text(DEPTH), &mut Vec::new())
    }
}

/// Returns every member that concerns a credential of this kind.
fn members_of(kind: CredentialKind) -> &'static [&'static str] {
    match kind {
        CredentialKind::ApiKey => &["key", "apiKey", "api_key", "keyRef"],
        CredentialKind::Token => &["token", "tokenRef", "expires"],
        CredentialKind::OAuth => &["access", "refresh", "expires"],
        CredentialKind::None => &[],
    }
}

fn set_moment(object: &mut RawObject<'_>, expires: Timestamp) {
    #[expect(clippy::cast_precision_loss, reason = "moments that matter are far below 2^53 milliseconds")]
    object.set_number("expires", expires.as_millis() as f64);
}
