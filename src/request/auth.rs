//! The one header that authenticates.

use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use crate::credential::{Credential, CredentialKind};
use crate::error::{Error, ErrorKind, Result};

pub(super) const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Headers that authenticate somewhere. Two of them in one request, or one of them twice, are answered with 401 (reports
/// of 2026-07), so none is taken from configuration.
const AUTH_HEADERS: [&str; 5] = ["authorization", "x-api-key", "x-goog-api-key", "api-key", "proxy-authorization"];

/// Which header carries the secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthScheme {
    /// API keys in `x-api-key`, tokens as `authorization: Bearer`. The default, and what the Anthropic API takes
    /// (authentication page, 2026-09, which also takes API keys as bearer).
    #[default]
    Auto,
    /// Every secret in `x-api-key`.
    ApiKeyHeader,
    /// Every secret as `authorization: Bearer`; `authHeader: true` in configurations.
    Bearer,
}

pub(super) fn is_auth_header(name: &HeaderName) -> bool {
    AUTH_HEADERS.contains(&name.as_str())
}

/// Puts the secret into the header of a scheme, replacing what is there.
pub(super) fn authenticate(headers: &mut HeaderMap, credential: &Credential, scheme: AuthScheme) -> Result<()> {
    let bearer = match scheme {
        AuthScheme::Auto => credential.kind() != CredentialKind::ApiKey,
        AuthScheme::ApiKeyHeader => false,
        AuthScheme::Bearer => true,
    };
    put_secret(headers, credential, if bearer { AUTHORIZATION } else { X_API_KEY })
}

/// Puts the secret into this header, as a bearer token if it is `authorization`, and takes out every other header that
/// authenticates.
pub(super) fn put_secret(headers: &mut HeaderMap, credential: &Credential, name: HeaderName) -> Result<()> {
    let secret = credential.secret();
    if !secret.is_header_safe() {
        let message = "the secret is empty or has characters that cannot stand in a header";
        return Err(Error::new(ErrorKind::InvalidSecret, message));
    }
    let value = match name {
        AUTHORIZATION => HeaderValue::try_from(format!("Bearer {}", secret.expose())),
        _ => HeaderValue::try_from(secret.expose()),
    };
    let mut value = value.map_err(|_| Error::new(ErrorKind::InvalidSecret, "the secret cannot stand in a header"))?;
    value.set_sensitive(true);
    for other in AUTH_HEADERS {
        headers.remove(other);
    }
    headers.insert(name, value);
    Ok(())
}
