//! Where requests go, and what the server there expects.

use std::fmt;

use http::{Method, Uri};

use super::auth::AuthScheme;
use super::beta::BetaPolicy;
use super::hosts::EndpointKind;
use super::url::with_path;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;
use crate::id::{ProviderId, shown_name};
use crate::net::{is_loopback, origin, same_origin};
use crate::secret::Secret;

const ANTHROPIC_HOST: &str = "api.anthropic.com";

const MESSAGES: &str = "/v1/messages";

/// A server that supports the Messages API: its URL, kind, authentication scheme, beta policy and configured headers.
///
/// `Debug` shows scheme and host and the names of headers, never their values or the rest of the URL.
///
/// # Examples
///
/// ```
/// use provider_auth::{Endpoint, ErrorKind, Secret};
/// use provider_auth::request::AuthScheme;
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
    auth_scheme: Option<AuthScheme>,
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
        with_path(base_url, MESSAGES).map(Self::from_uri)
    }

    /// A server of a given kind. For most kinds this is [`new`](Self::new) with the kind set.
    ///
    /// Where the model is part of the URL ([`BedrockRuntime`](EndpointKind::BedrockRuntime),
    /// [`Vertex`](EndpointKind::Vertex)) the whole URL of the call is expected and taken as it is, for example
    /// `https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-opus-4-6-v1/invoke` or
    /// `https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5/publishers/anthropic/models/claude-opus-4-6:rawPredict`.
    /// These two take no `model` in the body.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{CacheRetention, Credential, Endpoint, RequestBuilder, Secret};
    /// use provider_auth::request::EndpointKind;
    ///
    /// let url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-opus-4-6-v1/invoke";
    /// let endpoint = Endpoint::of_kind(EndpointKind::BedrockRuntime, url)?;
    /// let request = RequestBuilder::new(&endpoint, &Credential::token(Secret::new("bedrock-api-key"), None))
    ///     .body(r#"{"max_tokens":9,"messages":[{"role":"user","content":"Hello"}]}"#)
    ///     .beta("context-1m-2025-08-07")
    ///     .build()?;
    /// assert_eq!(request.uri(), url);
    /// assert_eq!(
    ///     String::from_utf8_lossy(request.body()),
    ///     r#"{"max_tokens":9,"messages":[{"role":"user","content":"Hello"}],"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["context-1m-2025-08-07"]}"#,
    /// );
    /// assert!(!request.headers().contains_key("anthropic-version"));
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    pub fn of_kind(kind: EndpointKind, url: &str) -> Result<Self> {
        let uri = with_path(url, kind.row().path.unwrap_or_default())?;
        Ok(Self { kind, ..Self::from_uri(uri) })
    }

    fn from_uri(uri: Uri) -> Self {
        let kind = if is_anthropic(&uri) { EndpointKind::Anthropic } else { EndpointKind::AnthropicCompatible };
        let beta_policy = BetaPolicy::default();
        Self { uri, provider: None, kind, auth_scheme: None, beta_policy, headers: Vec::new() }
    }

    /// Sets the provider whose credentials the endpoint may see; unset, that is the caller's concern.
    #[must_use]
    pub fn with_provider(mut self, provider: ProviderId) -> Self {
        self.provider = Some(provider);
        self
    }

    /// Moves the endpoint, headers and scheme included, to another base URL. Its kind is the one of the new host, as for
    /// [`new`](Self::new).
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub fn with_base_url(self, base_url: &str) -> Result<Self> {
        let at = Self::new(base_url)?;
        Ok(Self { uri: at.uri, kind: at.kind, ..self })
    }

    /// Sets the kind, for gateways whose host does not tell it.
    #[must_use]
    pub fn with_kind(mut self, kind: EndpointKind) -> Self {
        self.kind = kind;
        self
    }

    /// Sets the header that carries the secret.
    #[must_use]
    pub fn with_auth_scheme(mut self, scheme: AuthScheme) -> Self {
        self.auth_scheme = Some(scheme);
        self
    }

    /// Sets the policy for the cache flag.
    #[must_use]
    pub fn with_beta_policy(mut self, policy: BetaPolicy) -> Self {
        self.beta_policy = policy;
        self
    }

    /// Adds a header to every request. A later one of the same name, in any case, replaces an earlier
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
        is_loopback(self.host())
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> EndpointKind {
        self.kind
    }

    /// The header that carries the secret: the one that was set, else the usual one for the kind.
    #[must_use]
    pub fn auth_scheme(&self) -> AuthScheme {
        self.auth_scheme.unwrap_or(self.kind.row().auth)
    }

    /// The policy for the cache flag.
    #[must_use]
    pub fn beta_policy(&self) -> BetaPolicy {
        self.beta_policy
    }

    pub(super) fn headers(&self) -> &[(Box<str>, Secret)] {
        &self.headers
    }

    /// Whether a request is one of the Messages API to this endpoint, and not one for a list of models, say.
    pub(crate) fn takes_messages(&self, method: &Method, uri: &Uri) -> bool {
        method == Method::POST && same_origin(uri, &self.uri) && segments(uri).eq(segments(&self.uri))
    }

    /// Whether a URL lies beside that of the Messages API or below it, so that what is set for the endpoint holds for it:
    /// a server may have the API of another provider at another path.
    #[cfg(feature = "client")]
    pub(crate) fn covers(&self, uri: &Uri) -> bool {
        let base = segments(&self.uri).count().saturating_sub(1);
        let mut under = segments(uri);
        same_origin(uri, &self.uri) && segments(&self.uri).take(base).all(|segment| under.next() == Some(segment))
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

/// The parts of a path: more slashes than needed change nothing.
fn segments(uri: &Uri) -> impl Iterator<Item = &str> {
    uri.path().split('/').filter(|segment| !segment.is_empty())
}

pub(super) fn is_anthropic(uri: &Uri) -> bool {
    uri.host().is_some_and(|host| host.eq_ignore_ascii_case(ANTHROPIC_HOST))
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| shown_name(name)).collect();
        f.debug_struct("Endpoint")
            .field("url", &origin(&self.uri.to_string()))
            .field("provider", &self.provider)
            .field("kind", &self.kind)
            .field("auth_scheme", &self.auth_scheme())
            .field("beta_policy", &self.beta_policy)
            .field("headers", &names)
            .finish()
    }
}
