//! The headers that authenticate.

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use super::headers::put;
use crate::credential::{AUTH_HEADERS, AuthScheme, Credential, CredentialKind};
use crate::error::{Error, ErrorKind, Result, Shown};
use crate::id::ProviderId;
use crate::secret::{Secret, SecretText};

/// A header of the endpoint that carries a credential.
pub(super) type OwnHeader = (HeaderName, Secret);

/// Returns the scheme of a provider's requests if none is configured: a key goes into the header that the provider
/// reads, any other secret is a bearer token.
pub(super) fn scheme_of(provider: &ProviderId, kind: CredentialKind) -> AuthScheme {
    let own = provider.known().and_then(crate::providers::Provider::auth_header);
    let own = own.filter(|_| kind == CredentialKind::ApiKey).and_then(|name| HeaderName::try_from(name).ok());
    match own {
        Some(name) if name != AUTHORIZATION => AuthScheme::Header { name, prefix: Secret::default() },
        _ => AuthScheme::Bearer,
    }
}

/// Returns `true` if the credential is sent, and not replaced by the endpoint's own headers.
pub(super) fn is_sent(kind: CredentialKind, scheme: &AuthScheme, own: &[OwnHeader]) -> bool {
    scheme.places(kind).any(|(name, _)| own.iter().all(|(taken, _)| *taken != name))
}

/// Puts the secret into the headers of a scheme and adds the endpoint's own headers, in place of everything else that
/// authenticates. If both use the same header, the endpoint's own wins, as in OpenClaw.
pub(super) fn authenticate(
    headers: &mut HeaderMap,
    credential: &Credential,
    scheme: &AuthScheme,
    own: &[OwnHeader],
) -> Result<()> {
    let secret = credential.secret();
    if is_sent(credential.kind(), scheme, own) && !secret.is_header_safe() {
        let message = "the secret is empty or has characters that are not allowed in a header";
        return Err(Error::new(ErrorKind::InvalidSecret, message));
    }
    for name in AUTH_HEADERS {
        headers.remove(name);
    }
    for (name, prefix) in scheme.places(credential.kind()) {
        let text = if prefix.is_empty() { secret.clone() } else { with_prefix(prefix, secret) };
        let message = "the secret has characters that are not allowed in a header";
        let value = value_of(text).ok_or_else(|| Error::new(ErrorKind::InvalidSecret, message))?;
        put_secret(headers, name, value)?;
    }
    for (name, value) in own {
        let ascii = Some(value).filter(|value| value.expose().is_ascii());
        let value = ascii.and_then(|value| value_of(value.clone())).ok_or_else(|| {
            let name = Shown::new(name.as_str());
            let message = format!("the value of the header {name} has characters that are not allowed there");
            Error::new(ErrorKind::InvalidHeader, message)
        })?;
        put_secret(headers, name.clone(), value)?;
    }
    Ok(())
}

fn with_prefix(prefix: &str, secret: &Secret) -> Secret {
    let mut text = SecretText::default();
    text.push_str(prefix);
    text.push_str(secret.expose());
    text.into()
}

/// Creates a header value, which wipes its text when its last copy is dropped. `None` if the text is not allowed in a
/// header.
pub(super) fn value_of(text: Secret) -> Option<HeaderValue> {
    struct Owner(Secret);

    impl AsRef<[u8]> for Owner {
        fn as_ref(&self) -> &[u8] {
            self.0.expose().as_bytes()
        }
    }

    HeaderValue::from_maybe_shared(Bytes::from_owner(Owner(text))).ok()
}

fn put_secret(headers: &mut HeaderMap, name: HeaderName, mut value: HeaderValue) -> Result<()> {
    value.set_sensitive(true);
    put(headers, name, value)
}
