//! Authentication of requests that another library built.

use http::header::{CONTENT_LENGTH, HeaderMap};
use http::uri::Scheme;

use super::auth::{OwnHeader, authenticate, is_sent, scheme_of};
use super::beta::{BetaList, EXTENDED_CACHE_TTL};
use super::builder::RequestBuilder;
use super::endpoint::is_anthropic;
use super::headers::{ANTHROPIC_BETA, betas_of, put, refused};
use super::hosts::EndpointKind;
use super::model_member::for_url;
use crate::cache::{BreakpointPlan, KeptLayout, mark_body_for_host};
use crate::credential::{AuthScheme, CredentialKind};
use crate::error::Result;
use crate::net::{Place, PlainHttp, checked, insecure, invalid, same_origin};
use crate::select::Selection;

/// The plan of a body, and the layout of that body if it is kept.
type PlanAndLayout = (BreakpointPlan, Option<KeptLayout>);

impl RequestBuilder<'_> {
    /// Authenticates a request that another library built for this endpoint, and adds cache breakpoints
    /// (`cache_control` markers) to its body.
    ///
    /// The result is that of [`build`](Self::build) for this body, with the URL and the headers of the passed request.
    /// These headers replace those of the endpoint, but not those of this builder; beta flags are merged. Headers that
    /// would authenticate it a second time are removed, and `content-length` is corrected. Authenticating twice is the
    /// same as authenticating once. The builder's own body is not used.
    ///
    /// If the host expects beta flags in the body, as Bedrock does, and the body already has an `anthropic_beta`, no
    /// flag is added to it: name the flags there. A compressed body is refused like any other body that is not JSON.
    ///
    /// Another request to the same server (a list of models, a count of tokens) is authenticated with its body
    /// unchanged. For the servers of other providers, use [`Selection::authenticate`].
    ///
    /// # Errors
    ///
    /// Those of [`build`](Self::build), and [`InvalidUrl`](crate::ErrorKind::InvalidUrl) if the request does not go to the
    /// server of the endpoint.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{CacheRetention, Credential, Endpoint, RequestBuilder, Secret};
    ///
    /// let body = r#"{"model":"claude-opus-4-5","max_tokens":9,"messages":[{"role":"user","content":"Hello"}]}"#;
    /// let request = http::Request::post("https://api.anthropic.com/v1/messages").body(body).unwrap();
    ///
    /// let credential = Credential::api_key(Secret::new("sk-ant-api03-example"));
    /// let endpoint = Endpoint::anthropic();
    /// let builder = RequestBuilder::new(&endpoint, &credential).retention(CacheRetention::Long);
    /// let request = builder.authenticate(request)?;
    /// assert_eq!(request.headers()["x-api-key"], "sk-ant-api03-example");
    /// assert!(String::from_utf8_lossy(request.body()).contains(r#""cache_control":{"type":"ephemeral","ttl":"1h"}"#));
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    pub fn authenticate<B: AsRef<[u8]>>(self, request: http::Request<B>) -> Result<http::Request<Vec<u8>>> {
        self.authenticate_planned(request).map(|(request, _)| request)
    }

    /// Authenticates a request like [`authenticate`](Self::authenticate), and also returns the plan of a Messages API
    /// request and the layout of its body.
    pub(crate) fn authenticate_planned<B: AsRef<[u8]>>(
        self,
        request: http::Request<B>,
    ) -> Result<(http::Request<Vec<u8>>, Option<PlanAndLayout>)> {
        let (mut parts, body) = request.into_parts();
        let endpoint = self.endpoint();
        let uri = checked(&parts.uri.to_string(), endpoint.plain_http())?;
        if !same_origin(&uri, endpoint.uri()) {
            return Err(invalid("the request does not go to the server that the credential is for"));
        }
        let is_messages = endpoint.takes_messages(&parts.method, &uri);
        let (headers, fields) = self.merged_headers(parts.headers, is_messages)?;
        parts.headers = headers;
        let (mut body, mut plan) = (body.as_ref().to_vec(), None);
        if is_messages {
            let (own, _) = for_url(body, endpoint)?;
            let marked = mark_body_for_host(own, &self.marker_options(), &fields)?;
            (body, plan) = (marked.body, Some((marked.plan, marked.layout)));
        }
        if parts.headers.contains_key(CONTENT_LENGTH) {
            // Replaces an existing header, so it always fits.
            put(&mut parts.headers, CONTENT_LENGTH, body.len().into())?;
        }
        Ok((http::Request::from_parts(parts, body), plan))
    }
}

impl Selection {
    /// Authenticates a request of any client to any provider.
    ///
    /// An API key goes into the header that the [provider](crate::providers::Provider::auth_header) reads, any other
    /// secret into a bearer token; a provider that is not in the table always gets a bearer token. The configuration
    /// that the selection came from overrides this with `authHeader`, `request.auth`, and `headers` that contain a
    /// credential, which are sent unchanged. Headers of the request that would authenticate it a second time are
    /// removed. A key in the query of its URL (`?key=`, as Gemini takes it) is not removed, so leave it out. The beta
    /// flags that Anthropic's API needs are merged with those of the request. The body stays as it is; to add cache
    /// breakpoints to a Messages API body, use [`RequestBuilder::authenticate`].
    ///
    /// # Errors
    ///
    /// - [`InvalidUrl`](crate::ErrorKind::InvalidUrl) if the URL is relative, has user info, or has a number in another
    ///   notation than that of addresses for a host.
    /// - [`InsecureTransport`](crate::ErrorKind::InsecureTransport) if it is plain HTTP to a host that is neither
    ///   loopback nor in a private network. A private network needs `request.allowPrivateNetwork: true` or, if that is
    ///   not set, a request without a credential.
    /// - [`UnresolvedReference`](crate::ErrorKind::UnresolvedReference) if a configured header is a reference that does
    ///   not resolve to a secret.
    /// - [`InvalidSecret`](crate::ErrorKind::InvalidSecret) if the secret is empty or has characters that are not
    ///   allowed in a header.
    /// - [`InvalidHeader`](crate::ErrorKind::InvalidHeader) if the request's own beta flags are malformed, or it has
    ///   too many headers for another one.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{AuthProfiles, ProfileSelector, ProviderId, Query, Timestamp};
    ///
    /// let text = r#"{"version":1,"profiles":{"openai:a":{"type":"api_key","provider":"openai","key":"sk-1"}}}"#;
    /// let profiles = AuthProfiles::from_json(text)?;
    /// let openai = ProviderId::new("openai")?;
    /// let selection = ProfileSelector::default().select(&profiles, &Query::new(&openai), Timestamp::from_millis(0))?;
    ///
    /// let request = http::Request::post("https://api.openai.com/v1/responses").body(r#"{"model":"gpt-5"}"#).unwrap();
    /// let request = selection.authenticate(request)?;
    /// assert_eq!(request.headers()["authorization"], "Bearer sk-1");
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    pub fn authenticate<B>(&self, mut request: http::Request<B>) -> Result<http::Request<B>> {
        let own = self.own_headers()?;
        let is_secret = !own.is_empty() || is_sent(self.credential.kind(), &self.scheme(), &own);
        let plain = match self.access.private_network {
            Some(true) => PlainHttp::PrivateNetwork,
            None => PlainHttp::WithoutCredential,
            Some(false) => PlainHttp::Loopback,
        };
        let uri = checked(&request.uri().to_string(), plain)?;
        let host = uri.host().unwrap_or_default();
        let is_plain = uri.scheme() == Some(&Scheme::HTTP) && Place::of(host) != Place::Loopback;
        if is_plain && is_secret && plain == PlainHttp::WithoutCredential {
            return Err(insecure(host));
        }
        self.put(request.headers_mut(), is_anthropic(&uri))?;
        Ok(request)
    }

    /// Puts the secret into the headers of a request like [`authenticate`](Self::authenticate), without checking a URL.
    /// The caller has to make sure that the URL is safe. The flag for one-hour cache entries is kept, but not added.
    ///
    /// # Errors
    ///
    /// [`UnresolvedReference`](crate::ErrorKind::UnresolvedReference),
    /// [`InvalidSecret`](crate::ErrorKind::InvalidSecret) and [`InvalidHeader`](crate::ErrorKind::InvalidHeader), as
    /// for [`authenticate`](Self::authenticate).
    pub fn authenticate_headers(&self, headers: &mut HeaderMap) -> Result<()> {
        self.put(headers, false)
    }

    /// Returns the configured scheme, otherwise the provider's own.
    fn scheme(&self) -> AuthScheme {
        // Beside a configured header, the key goes into the same header as in a request built for the endpoint.
        let is_ours = self.access.speaks_messages && !self.access.headers.is_empty();
        let of_provider = || scheme_of(self.receipt.provider(), self.credential.kind());
        let usual = || if is_ours { AuthScheme::Auto } else { of_provider() };
        self.access.scheme.clone().unwrap_or_else(usual)
    }

    fn own_headers(&self) -> Result<Vec<OwnHeader>> {
        self.access.headers.iter().map(|own| Ok((own.name.clone(), own.value()?.clone()))).collect()
    }

    fn put(&self, headers: &mut HeaderMap, anthropic_host: bool) -> Result<()> {
        let kind = self.credential.kind();
        let (scheme, own) = (self.scheme(), self.own_headers()?);
        // Only the Messages API knows these flags; other APIs answer unknown ones with an error.
        let mut flags = Vec::new();
        if self.receipt.provider().as_str() == "anthropic" {
            let is_subscription = kind.is_subscription() && is_sent(kind, &scheme, &own);
            flags.extend(EndpointKind::Anthropic.row().token_beta.filter(|_| is_subscription));
            flags.extend(Some(EXTENDED_CACHE_TTL).filter(|_| anthropic_host && kind == CredentialKind::ApiKey));
        }
        if !flags.is_empty() {
            let mut betas = BetaList::default();
            for flag in flags {
                betas.protect(flag);
            }
            betas.merge(&betas_of(headers)?);
            let value =
                betas.to_string().try_into().map_err(|_| refused("the beta flags are not a valid header value"))?;
            put(headers, ANTHROPIC_BETA, value)?;
        }
        authenticate(headers, &self.credential, &scheme, &own)
    }
}
