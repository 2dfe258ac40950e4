//! In which header a credential goes out.

use http::HeaderName;
use http::header::{AUTHORIZATION, PROXY_AUTHORIZATION};

use super::CredentialKind;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

pub(crate) const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Headers that authenticate somewhere. Two of them in one request, or one of them twice, are answered with 401 (reports
/// of 2026-07), so a second one is sent only where it was configured on purpose.
pub(crate) const AUTH_HEADERS: [HeaderName; 5] = [
    AUTHORIZATION,
    X_API_KEY,
    HeaderName::from_static("x-goog-api-key"),
    HeaderName::from_static("api-key"),
    PROXY_AUTHORIZATION,
];

/// How the names of headers end that carry a credential of their own, such as `cf-aig-authorization`, `helicone-auth` and
/// `x-portkey-api-key` (the gateways' documentation, 2026-11).
const ENDINGS: [&str; 6] = ["authorization", "-auth", "apikey", "-key", "-token", "-secret"];

/// Which header carries the secret, and in which form.
///
/// Data, so that it can be read from a configuration. `Debug` does not show a prefix, into which people paste secrets.
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
    /// API keys in `x-api-key`, tokens as `authorization: Bearer`. The default, and what the Anthropic API takes
    /// (authentication page, 2026-09, which also takes API keys as bearer).
    #[default]
    Auto,
    /// Every secret in `x-api-key`.
    ApiKeyHeader,
    /// Every secret as `authorization: Bearer`; `authHeader: true` in configurations.
    Bearer,
    /// Every secret in a header of this name, behind this text. [`AuthScheme::header`] and [`AuthScheme::prefixed`] make
    /// one.
    #[non_exhaustive]
    Header {
        /// The header's name.
        name: HeaderName,
        /// What stands before the secret, its space included; empty for nothing.
        prefix: Secret,
    },
    /// Every secret twice: in `x-api-key` and as `authorization: Bearer`. For gateways that read one and pass the other on.
    Both,
    /// No secret. The endpoint needs none, or other headers authenticate; no profile is asked for.
    None,
}

impl AuthScheme {
    /// Every secret alone in a header of this name, such as `api-key`.
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

    /// Every secret in a header of this name, directly behind a prefix, such as `Token ` in `authorization`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidHeader`] if the name is not valid, or the prefix has other characters than visible ASCII and
    /// spaces.
    pub fn prefixed(name: &str, prefix: &str) -> Result<Self> {
        let invalid = |message| Error::new(ErrorKind::InvalidHeader, message);
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid("a header name is not valid"))?;
        if !prefix.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
            return Err(invalid("the text before a secret has characters that cannot stand in a header"));
        }
        Ok(Self::Header { name, prefix: Secret::new(prefix) })
    }

    /// The headers that carry a secret of this kind, and what stands before it there.
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

/// Whether a header of this name authenticates at a provider.
pub(crate) fn is_auth_header(name: &HeaderName) -> bool {
    AUTH_HEADERS.contains(name)
}

/// Whether a header of this name carries a credential, of whatever service.
pub(crate) fn carries_credential(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name != "proxy-authorization" && (name == "cookie" || ENDINGS.iter().any(|ending| name.ends_with(ending)))
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
