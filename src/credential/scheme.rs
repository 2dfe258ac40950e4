//! The headers that carry a credential.

use http::HeaderName;
use http::header::{AUTHORIZATION, PROXY_AUTHORIZATION};

use super::CredentialKind;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

pub(crate) const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Headers that authenticate. Two of them in one request, or one of them twice, are answered with 401 (reports of
/// 2026-07), so a second one is sent only if it was configured on purpose.
pub(crate) const AUTH_HEADERS: [HeaderName; 5] = [
    AUTHORIZATION,
    X_API_KEY,
    HeaderName::from_static("x-goog-api-key"),
    HeaderName::from_static("api-key"),
    PROXY_AUTHORIZATION,
];

/// The suffixes of headers with a separate credential, such as `cf-aig-authorization`, `helicone-auth` and
/// `x-portkey-api-key` (the gateways' documentation, 2026-11).
const ENDINGS: [&str; 6] = ["authorization", "-auth", "apikey", "-key", "-token", "-secret"];

/// The header that carries the secret, and its format.
///
/// `Debug` does not show a prefix, because people paste secrets there.
///
/// # Examples
///
/// ```
/// use provider_auth::request::AuthScheme;
/// use provider_auth::{Credential, Endpoint, RequestBuilder, Secret};
///
/// let endpoint = Endpoint::new("https://gateway.example.com")?
///     .with_auth_scheme(AuthScheme::prefixed("authorization", "Token ")?);
/// let key = Credential::api_key(Secret::new("made-up"));
/// let request = RequestBuilder::new(&endpoint, &key).body(r#"{"messages":[]}"#).build()?;
/// assert_eq!(request.headers()["authorization"], "Token made-up");
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthScheme {
    /// API keys in `x-api-key`, tokens as `authorization: Bearer`. The default, as the Anthropic API requires
    /// (authentication page, 2026-09; it also accepts API keys as bearer).
    #[default]
    Auto,
    /// Every secret in `x-api-key`.
    ApiKeyHeader,
    /// Every secret as `authorization: Bearer`; `authHeader: true` in configurations.
    Bearer,
    /// Every secret in a custom header, after a prefix. Created by [`AuthScheme::header`] and [`AuthScheme::prefixed`].
    #[non_exhaustive]
    Header {
        /// The header's name.
        name: HeaderName,
        /// The text before the secret, including its space; may be empty.
        prefix: Secret,
    },
    /// Every secret in `x-api-key` and as `authorization: Bearer`, for gateways that read one and forward the other.
    Both,
    /// No secret and no profile: the endpoint needs none, or other headers authenticate.
    None,
}

impl AuthScheme {
    /// Creates a scheme that sends every secret in a header of this name, such as `api-key`, without a prefix.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidHeader`] if the name is not valid.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::ErrorKind;
    /// use provider_auth::request::AuthScheme;
    ///
    /// assert!(AuthScheme::header("X-Goog-Api-Key").is_ok());
    /// assert_eq!(AuthScheme::header("not a name").unwrap_err().kind(), ErrorKind::InvalidHeader);
    /// ```
    pub fn header(name: &str) -> Result<Self> {
        Self::prefixed(name, "")
    }

    /// Creates a scheme that sends every secret in a header of this name, directly after a prefix, such as `Token ` in
    /// `authorization`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidHeader`] if the name is not valid, or the prefix has characters other than visible ASCII and
    /// spaces.
    pub fn prefixed(name: &str, prefix: &str) -> Result<Self> {
        let invalid = |message| Error::new(ErrorKind::InvalidHeader, message);
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid("a header name is not valid"))?;
        if !prefix.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
            return Err(invalid("the text before a secret has characters that a header cannot contain"));
        }
        Ok(Self::Header { name, prefix: Secret::new(prefix) })
    }

    /// Returns the headers that carry a secret of this kind, with the text before it.
    pub(crate) fn places(&self, kind: CredentialKind) -> impl Iterator<Item = (HeaderName, &str)> {
        const BEARER: &str = "Bearer ";
        let (first, second) = match self {
            _ if kind == CredentialKind::None => (None, None),
            Self::Auto if kind == CredentialKind::ApiKey => (Some((X_API_KEY, "")), None),
            Self::Auto | Self::Bearer => (Some((AUTHORIZATION, BEARER)), None),
            Self::ApiKeyHeader => (Some((X_API_KEY, "")), None),
            Self::Header { name, prefix } => (Some((name.clone(), prefix.expose())), None),
            Self::Both => (Some((X_API_KEY, "")), Some((AUTHORIZATION, BEARER))),
            Self::None => (None, None),
        };
        first.into_iter().chain(second)
    }
}

/// Returns `true` if a header of this name authenticates at a provider.
pub(crate) fn is_auth_header(name: &HeaderName) -> bool {
    AUTH_HEADERS.contains(name)
}

/// Returns `true` if a header of this name carries a credential for any service.
pub(crate) fn carries_credential(name: &str) -> bool {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    let ends = |ending: &&str| {
        let from = name.len().checked_sub(ending.len());
        from.and_then(|from| name.get(from..)).is_some_and(|end| end.eq_ignore_ascii_case(ending))
    };
    !is("proxy-authorization") && (is("cookie") || ENDINGS.iter().any(ends))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_gateways_are_told_from_others() {
        for name in [
            "Authorization",
            "x-api-key",
            "api-key",
            "x-goog-api-key",
            "cf-aig-authorization",
            "Helicone-Auth",
            "x-portkey-api-key",
            "x-portkey-virtual-key",
            "Ocp-Apim-Subscription-Key",
            "CF-Access-Client-Secret",
            "x-auth-token",
            "cookie",
        ] {
            assert!(carries_credential(name), "{name}");
        }
        for name in ["x-team", "anthropic-beta", "anthropic-workspace-id", "x-portkey-provider", "monkey", "user-agent"]
        {
            assert!(!carries_credential(name), "{name}");
        }
    }
}
