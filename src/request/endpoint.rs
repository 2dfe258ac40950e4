//! The server that requests go to, and what it expects.

use std::fmt;

use http::{Method, Uri};

use super::beta::BetaPolicy;
use super::hosts::EndpointKind;
use super::known_hosts::known;
use super::url;
use crate::credential::AuthScheme;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;
use crate::id::{ProviderId, shown_name};
use crate::net::{Place, PlainHttp, origin, same_origin};
use crate::secret::Secret;

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
    auth_headers: Vec<(Box<str>, Secret)>,
    plain: PlainHttp,
    /// `true` if the model was put into the URL, so that the body goes without it.
    names_model: bool,
    /// `true` if the host is that of the Anthropic API.
    is_anthropic: bool,
}

impl Endpoint {
    /// Creates the endpoint of the Anthropic API, `https://api.anthropic.com`.
    #[must_use]
    pub fn anthropic() -> Self {
        let uri = Uri::from_static("https://api.anthropic.com/v1/messages");
        Self::of_uri(uri, EndpointKind::Anthropic, PlainHttp::Loopback).with_provider(ProviderId::anthropic())
    }

    /// Creates an endpoint from a base URL, to which `/v1/messages` is added.
    ///
    /// Slashes at the end of the base do not matter. A base that already ends in `/v1`, `/messages` or `/v1/messages`
    /// is completed rather than extended, and a query is kept.
    ///
    /// The kind follows from the host: `api.anthropic.com`, and the documented hosts of Claude Platform on AWS,
    /// Bedrock, Vertex, Foundry and OpenRouter, whose path before `/v1/messages` (`/anthropic`, `/api`) is added too.
    /// Every other host is [`EndpointKind::AnthropicCompatible`]. On Bedrock's runtime a base below `/anthropic` is the
    /// Messages API. Elsewhere on that runtime and on Vertex the model is part of the URL, so pass the whole URL of the
    /// call, as for [`of_kind`](Self::of_kind); [`for_model`](Self::for_model) completes it from a base.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidUrl`] if the URL cannot be parsed, is relative, is neither http nor https, has no plain
    ///   host or one that is a number in a notation other than that of addresses (`0x7f.1`, `2130706433`), or has user
    ///   info or a fragment.
    /// - [`ErrorKind::InsecureTransport`] if the URL is plain HTTP to a host other than 127.0.0.0/8, `::1` or
    ///   `localhost`. [`on_private_network`](Self::on_private_network) allows more hosts.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::Endpoint;
    /// use provider_auth::request::EndpointKind;
    ///
    /// let endpoint = Endpoint::new("https://contoso.services.ai.azure.com")?;
    /// assert_eq!(endpoint.kind(), EndpointKind::Foundry);
    /// assert_eq!(endpoint.uri(), "https://contoso.services.ai.azure.com/anthropic/v1/messages");
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    pub fn new(base_url: &str) -> Result<Self> {
        Self::at(base_url, None, PlainHttp::Loopback)
    }

    /// Creates an endpoint like [`new`](Self::new) that may also send credentials over plain HTTP to a private network,
    /// where everyone on it can read them. In a configuration: `request.allowPrivateNetwork: true`.
    ///
    /// Private networks are 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, `fc00::/7`, link-local addresses
    /// (169.254.0.0/16, `fe80::/10`), the IPv6 form of these IPv4 addresses, host names without a dot, and names below
    /// `.local` and `.internal`. No name is looked up, and numbers in other notations do not count. The endpoint keeps
    /// the permission when it is [moved](Self::with_base_url). Send its requests without following redirects and
    /// without a proxy, which would read the credential.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new); [`ErrorKind::InsecureTransport`] for plain HTTP to any other host.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{Endpoint, ErrorKind};
    ///
    /// let ollama = "http://192.168.1.250:11434";
    /// assert_eq!(Endpoint::new(ollama).unwrap_err().kind(), ErrorKind::InsecureTransport);
    /// assert_eq!(Endpoint::on_private_network(ollama)?.uri(), "http://192.168.1.250:11434/v1/messages");
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    pub fn on_private_network(base_url: &str) -> Result<Self> {
        Self::at(base_url, None, PlainHttp::PrivateNetwork)
    }

    /// Creates an endpoint from a base URL, for one model if it is named.
    pub(crate) fn at(base_url: &str, model: Option<&str>, plain: PlainHttp) -> Result<Self> {
        let (uri, kind) = url::at(base_url, model, plain)?;
        let row = uri.host().and_then(known);
        // Amazon's runtime reads keys as bearer tokens (page on API keys, 2026-11), for its Messages API too.
        let is_runtime = row.is_some_and(|row| row.kind == EndpointKind::BedrockRuntime);
        let auth_scheme = (is_runtime && kind == EndpointKind::BedrockMessages).then_some(AuthScheme::Bearer);
        let names_model = model.is_some() && kind.row().path.is_none();
        Ok(Self { auth_scheme, names_model, ..Self::of_uri(uri, kind, plain) })
    }

    /// Creates an endpoint of a given kind, whatever its host. For most kinds this is [`new`](Self::new) with the kind
    /// set.
    ///
    /// If the model is part of the URL ([`BedrockRuntime`](EndpointKind::BedrockRuntime),
    /// [`Vertex`](EndpointKind::Vertex)), pass the whole URL of the call, which is used as it is, for example
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
        Ok(Self::of_uri(url::of_kind(kind, url)?, kind, PlainHttp::Loopback))
    }

    fn of_uri(uri: Uri, kind: EndpointKind, plain: PlainHttp) -> Self {
        let beta_policy = BetaPolicy::default();
        let (headers, auth_headers) = (Vec::new(), Vec::new());
        let (provider, auth_scheme, names_model) = (None, None, false);
        let is_anthropic = is_anthropic(&uri);
        Self { uri, provider, kind, auth_scheme, beta_policy, headers, auth_headers, plain, names_model, is_anthropic }
    }

    /// Sets the provider whose credentials the endpoint may receive. Without it the caller has to see to that.
    #[must_use]
    pub fn with_provider(mut self, provider: ProviderId) -> Self {
        self.provider = Some(provider);
        self
    }

    /// Moves the endpoint, with its headers and scheme, to another base URL. The kind becomes that of the new host, as
    /// for [`new`](Self::new).
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub fn with_base_url(self, base_url: &str) -> Result<Self> {
        let at = Self::at(base_url, None, self.plain)?;
        let auth_scheme = self.auth_scheme.or(at.auth_scheme);
        let (names_model, is_anthropic) = (at.names_model, at.is_anthropic);
        Ok(Self { uri: at.uri, kind: at.kind, auth_scheme, names_model, is_anthropic, ..self })
    }

    /// Sets the kind, for gateways whose host does not show it. Default: the kind of the host.
    #[must_use]
    pub fn with_kind(mut self, kind: EndpointKind) -> Self {
        self.kind = kind;
        self
    }

    /// Sets the header that carries the secret, or [`AuthScheme::None`] to send none. Default: that of the kind.
    #[must_use]
    pub fn with_auth_scheme(mut self, scheme: AuthScheme) -> Self {
        self.auth_scheme = Some(scheme);
        self
    }

    /// Sets the policy for the flag of one-hour cache entries. Default: [`BetaPolicy::Auto`].
    #[must_use]
    pub fn with_beta_policy(mut self, policy: BetaPolicy) -> Self {
        self.beta_policy = policy;
        self
    }

    /// Adds a header to every request. A later header of the same name, ignoring case, replaces an earlier one;
    /// `anthropic-beta` is merged. An invalid header is reported when a request is built.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<Box<str>>, value: impl Into<Secret>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds a header with its own credential, such as `authorization` with a gateway's custom scheme. It is sent
    /// unchanged with every request.
    ///
    /// The profile's credential is sent beside it in the header of the [scheme](Self::with_auth_scheme), unless that is
    /// the same header. With [`AuthScheme::None`] or [`Credential::None`](crate::Credential::None) only this header
    /// authenticates. Headers of a call and those of [`with_header`](Self::with_header) cannot authenticate. An invalid
    /// header is reported when a request is built.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{Credential, Endpoint, RequestBuilder, Secret};
    ///
    /// let gateway = Endpoint::new("https://gw.example.com")?.with_auth_header("Authorization", Secret::new("Custom abc"));
    /// let request = RequestBuilder::new(&gateway, &Credential::None).body(r#"{"messages":[]}"#).build()?;
    /// assert_eq!(request.headers()["authorization"], "Custom abc");
    /// assert!(!request.headers().contains_key("x-api-key"));
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    #[must_use]
    pub fn with_auth_header(mut self, name: impl Into<Box<str>>, value: impl Into<Secret>) -> Self {
        self.auth_headers.push((name.into(), value.into()));
        self
    }

    /// Returns the URL that requests go to. A configured query is part of it and may be confidential.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Returns the provider whose credentials the endpoint may receive, if it is set.
    #[must_use]
    pub fn provider(&self) -> Option<&ProviderId> {
        self.provider.as_ref()
    }

    /// Returns the host, without port.
    #[must_use]
    pub fn host(&self) -> &str {
        self.uri.host().unwrap_or_default()
    }

    /// Returns `true` if the host is this machine: 127.0.0.0/8, `::1` or `localhost`. The URL can be plain HTTP only
    /// then or if a private network was [allowed](Self::on_private_network). Send such requests without a proxy, which
    /// would read the credential.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        Place::of(self.host()) == Place::Loopback
    }

    /// Returns the kind of the server.
    #[must_use]
    pub fn kind(&self) -> EndpointKind {
        self.kind
    }

    /// Returns the header that carries the secret: the one that was set, otherwise the usual one for the kind.
    #[must_use]
    pub fn auth_scheme(&self) -> AuthScheme {
        self.auth_scheme.clone().unwrap_or_else(|| self.kind.row().auth.scheme())
    }

    pub(super) fn headers(&self) -> &[(Box<str>, Secret)] {
        &self.headers
    }

    pub(super) fn auth_headers(&self) -> &[(Box<str>, Secret)] {
        &self.auth_headers
    }

    /// Returns `true` if the model was put into the URL.
    pub(super) fn names_model(&self) -> bool {
        self.names_model
    }

    /// Returns the hosts that requests may go to over plain HTTP.
    pub(super) fn plain_http(&self) -> PlainHttp {
        self.plain
    }

    /// Returns `true` if no credential is ever sent, so that none is looked for.
    #[cfg(feature = "client")]
    pub(crate) fn takes_no_credential(&self) -> bool {
        self.auth_scheme == Some(AuthScheme::None)
    }

    /// Returns `true` if the endpoint has its own authentication headers, so that it can do without a credential.
    #[cfg(feature = "client")]
    pub(crate) fn authenticates_itself(&self) -> bool {
        !self.auth_headers.is_empty()
    }

    /// Returns `true` for a Messages API request to this endpoint, and `false` for others, such as a list of models.
    pub(crate) fn takes_messages(&self, method: &Method, uri: &Uri) -> bool {
        method == Method::POST && same_origin(uri, &self.uri) && segments(uri).eq(segments(&self.uri))
    }

    /// Returns `true` if a URL is beside that of the Messages API or below it, so that the endpoint's settings apply to
    /// it. A server may have the API of another provider at another path.
    #[cfg(feature = "client")]
    pub(crate) fn covers(&self, uri: &Uri) -> bool {
        let base = segments(&self.uri).count().saturating_sub(1);
        let mut under = segments(uri);
        same_origin(uri, &self.uri) && segments(&self.uri).take(base).all(|segment| under.next() == Some(segment))
    }

    /// Returns `true` if the flag for one-hour cache entries is sent automatically.
    pub(super) fn sends_cache_beta(&self) -> bool {
        match self.beta_policy {
            BetaPolicy::Auto => self.is_anthropic || self.kind.row().takes_cache_beta,
            BetaPolicy::On => true,
            BetaPolicy::Off => false,
        }
    }
}

/// Returns the segments of a path. Extra slashes make no difference.
fn segments(uri: &Uri) -> impl Iterator<Item = &str> {
    uri.path().split('/').filter(|segment| !segment.is_empty())
}

pub(super) fn is_anthropic(uri: &Uri) -> bool {
    uri.host().and_then(known).is_some_and(|row| row.kind == EndpointKind::Anthropic)
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |headers: &[(Box<str>, Secret)]| -> Vec<String> {
            headers.iter().map(|(name, _)| shown_name(name).to_owned()).collect()
        };
        f.debug_struct("Endpoint")
            .field("url", &origin(&self.uri.to_string()))
            .field("provider", &self.provider)
            .field("kind", &self.kind)
            .field("auth_scheme", &self.auth_scheme())
            .field("beta_policy", &self.beta_policy)
            .field("headers", &names(&self.headers))
            .field("auth_headers", &names(&self.auth_headers))
            .field("plain_http", &self.plain)
            .field("names_model", &self.names_model)
            .finish_non_exhaustive()
    }
}
