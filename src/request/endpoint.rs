//! Where requests go, and what the server there expects.

use std::fmt;

use http::Uri;

use super::auth::AuthScheme;
use super::beta::{BetaPolicy, OAUTH};
use super::url;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;
use crate::id::{ProviderId, shown_name};
use crate::retention::CacheRetention;
use crate::secret::Secret;

const ANTHROPIC_HOST: &str = "api.anthropic.com";

/// What kind of server an endpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndpointKind {
    /// The Anthropic API, or a gateway that passes everything on to it.
    Anthropic,
    /// Another server that speaks the Messages API.
    AnthropicCompatible,
}

/// What is particular to a kind of server.
pub(super) struct KindRow {
    /// The path of the Messages API, behind the base URL.
    path: &'static str,
    /// Whether it takes the flag for one-hour cache entries, so that [`BetaPolicy::Auto`] sends it.
    pub(super) takes_cache_beta: bool,
    /// The flag that goes with subscription credentials.
    pub(super) token_beta: Option<&'static str>,
    /// The retention for API keys where none is set.
    pub(super) retention: CacheRetention,
}

const ANTHROPIC: KindRow =
    KindRow { path: "/v1/messages", takes_cache_beta: true, token_beta: Some(OAUTH), retention: CacheRetention::Short };

const ANTHROPIC_COMPATIBLE: KindRow = KindRow { takes_cache_beta: false, retention: CacheRetention::None, ..ANTHROPIC };

impl EndpointKind {
    pub(super) fn row(self) -> &'static KindRow {
        match self {
            Self::Anthropic => &ANTHROPIC,
            Self::AnthropicCompatible => &ANTHROPIC_COMPATIBLE,
        }
    }
}

/// A server that speaks the Messages API: its URL, kind, authentication scheme, beta policy and configured headers.
///
/// `Debug` shows scheme and host and the names of headers, never their values or the rest of the URL.
///
/// # Examples
///
/// ```
/// use provider_auth::{AuthScheme, Endpoint, ErrorKind, Secret};
///
/// let gateway = Endpoint::new("https://gateway.example.com/anthropic/")?
///     .with_auth_scheme(AuthScheme::Bearer)
///     .with_header("x-team", Secret::new("blue"));
/// assert_eq!(gateway.uri(), "https://gateway.example.com/anthropic/v1/messages");
///
/// let refused = Endpoint::new("http://gateway.example.com").unwrap_err();
/// assert_eq!(refused.kind(), ErrorKind::InsecureTransport);
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone)]
pub struct Endpoint {
    uri: Uri,
    provider: Option<ProviderId>,
    kind: EndpointKind,
    auth_scheme: AuthScheme,
    beta_policy: BetaPolicy,
    headers: Vec<(Box<str>, Secret)>,
}

impl Endpoint {
    /// The Anthropic API, `https://api.anthropic.com`.
    #[must_use]
    pub fn anthropic() -> Self {
        let uri = Uri::from_static("https://api.anthropic.com/v1/messages");
        Self::from_uri(uri).with_provider(ProviderId::anthropic())
    }

    /// The endpoint at a base URL, to which `/v1/messages` is added.
    ///
    /// Slashes at the end of the base do not matter, a base that already ends in `/v1` or `/v1/messages` is completed
    /// rather than extended, and a query stays. The kind is [`EndpointKind::Anthropic`] for exactly the host
    /// `api.anthropic.com`, else [`EndpointKind::AnthropicCompatible`].
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidUrl`] if the URL cannot be parsed, is relative, is neither http nor https, has no plain host,
    ///   or carries user info or a fragment.
    /// - [`ErrorKind::InsecureTransport`] if it is plain HTTP to another host than 127.0.0.0/8, `::1` or `localhost`.
    pub fn new(base_url: &str) -> Result<Self> {
        url::with_path(base_url, ANTHROPIC.path).map(Self::from_uri)
    }

    fn from_uri(uri: Uri) -> Self {
        let kind = if is_anthropic(&uri) { EndpointKind::Anthropic } else { EndpointKind::AnthropicCompatible };
        let (auth_scheme, beta_policy) = (AuthScheme::default(), BetaPolicy::default());
        Self { uri, provider: None, kind, auth_scheme, beta_policy, headers: Vec::new() }
    }

    /// The same endpoint with the provider whose credentials it may see; unset, that is the caller's concern.
    #[must_use]
    pub fn with_provider(mut self, provider: ProviderId) -> Self {
        self.provider = Some(provider);
        self
    }

    /// The same endpoint with its kind set, for gateways whose host does not tell it.
    #[must_use]
    pub fn with_kind(mut self, kind: EndpointKind) -> Self {
        self.kind = kind;
        self
    }

    /// The same endpoint with the header that carries the secret.
    #[must_use]
    pub fn with_auth_scheme(mut self, scheme: AuthScheme) -> Self {
        self.auth_scheme = scheme;
        self
    }

    /// The same endpoint with its policy for the cache flag.
    #[must_use]
    pub fn with_beta_policy(mut self, policy: BetaPolicy) -> Self {
        self.beta_policy = policy;
        self
    }

    /// The same endpoint with a header for every request. A later one of the same name, in any case, replaces an earlier
    /// one; `anthropic-beta` is merged. What is wrong with it is reported when a request is built.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<Box<str>>, value: impl Into<Secret>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The URL requests go to. A configured query is part of it and may be confidential.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The provider whose credentials it may see, if it is set.
    #[must_use]
    pub fn provider(&self) -> Option<&ProviderId> {
        self.provider.as_ref()
    }

    /// The host, without port.
    #[must_use]
    pub fn host(&self) -> &str {
        self.uri.host().unwrap_or_default()
    }

    /// Whether the host is this machine: 127.0.0.0/8, `::1` or `localhost`. Only then can the URL be plain HTTP, and such
    /// requests should not go through a proxy, which would read the credential.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        url::is_loopback(self.host())
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> EndpointKind {
        self.kind
    }

    /// The header that carries the secret.
    #[must_use]
    pub fn auth_scheme(&self) -> AuthScheme {
        self.auth_scheme
    }

    /// The policy for the cache flag.
    #[must_use]
    pub fn beta_policy(&self) -> BetaPolicy {
        self.beta_policy
    }

    pub(super) fn headers(&self) -> &[(Box<str>, Secret)] {
        &self.headers
    }

    /// Whether the cache flag goes to this endpoint without being named.
    pub(super) fn sends_cache_beta(&self) -> bool {
        match self.beta_policy {
            BetaPolicy::Auto => is_anthropic(&self.uri) || self.kind.row().takes_cache_beta,
            BetaPolicy::On => true,
            BetaPolicy::Off => false,
        }
    }
}

fn is_anthropic(uri: &Uri) -> bool {
    uri.host().is_some_and(|host| host.eq_ignore_ascii_case(ANTHROPIC_HOST))
}

/// Scheme, host and port: what can be shown of a URL. Gateways put keys into paths and queries.
pub(super) fn shown_url(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or_default();
    format!("{scheme}://{}", uri.authority().map_or("", |authority| authority.as_str()))
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| shown_name(name)).collect();
        f.debug_struct("Endpoint")
            .field("url", &shown_url(&self.uri))
            .field("provider", &self.provider)
            .field("kind", &self.kind)
            .field("auth_scheme", &self.auth_scheme)
            .field("beta_policy", &self.beta_policy)
            .field("headers", &names)
            .finish()
    }
}
