//! Authenticating a request that another library built.

use http::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderName};

use super::auth::put_secret;
use super::beta::{BetaList, EXTENDED_CACHE_TTL};
use super::builder::RequestBuilder;
use super::endpoint::is_anthropic;
use super::headers::{ANTHROPIC_BETA, betas_of, refused};
use super::hosts::EndpointKind;
use crate::cache::mark_body_for_host;
use crate::credential::CredentialKind;
use crate::error::Result;
use crate::net::{checked, invalid, same_origin};
use crate::select::Selection;

impl RequestBuilder<'_> {
    /// Authenticates a request that another library built for this endpoint, and puts the cache breakpoints into its body.
    ///
    /// What comes out is what [`build`](Self::build) would make of the body, with the URL and the headers of the given
    /// request: they replace those of the endpoint, but not those of this builder, and its beta flags are merged. Headers
    /// that would authenticate it a second time are taken out; a `content-length` is corrected. Authenticating twice is
    /// the same as authenticating once. A body that was given to the builder is not used.
    ///
    /// Where the host wants beta flags in the body and that has an `anthropic_beta` of its own, as on Bedrock, no flag is
    /// added to it: name them there. A compressed body cannot be marked, and is refused like any other that is no JSON.
    ///
    /// A request that is none of the Messages API, but of the same server (a list of models, a count of tokens), is
    /// authenticated, its body left alone. [`Selection::authenticate`] is for other providers' servers.
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
        let (mut parts, body) = request.into_parts();
        let (uri, endpoint) = (checked(&parts.uri.to_string())?, self.endpoint());
        if !same_origin(&uri, endpoint.uri()) {
            return Err(invalid("the request does not go to the server that the credential is for"));
        }
        let is_messages = endpoint.takes_messages(&parts.method, &uri);
        let (headers, fields) = self.merged_headers(parts.headers, is_messages)?;
        parts.headers = headers;
        let mut body = body.as_ref().to_vec();
        if is_messages {
            body = mark_body_for_host(body, &self.marker_options(), &fields)?.body;
        }
        if parts.headers.contains_key(CONTENT_LENGTH) {
            parts.headers.insert(CONTENT_LENGTH, body.len().into());
        }
        Ok(http::Request::from_parts(parts, body))
    }
}

impl Selection {
    /// Authenticates a request of any client, for any provider.
    ///
    /// The secret goes into the one header that the [provider](crate::providers::Provider::auth_header) reads: a key in
    /// that header, every other secret as a bearer token; a provider that is not in the table gets a bearer token. Headers
    /// of the request that would authenticate it a second time are taken out; a key in the query of its URL (`?key=`, as
    /// Gemini takes it) is not, so leave it away. The beta flags that Anthropic's API needs are
    /// merged with those that are there. The body stays as it is; [`RequestBuilder::authenticate`] puts cache breakpoints
    /// into one of the Messages API, as the configuration says.
    ///
    /// # Errors
    ///
    /// - [`InvalidUrl`](crate::ErrorKind::InvalidUrl) if the URL is relative or carries user info.
    /// - [`InsecureTransport`](crate::ErrorKind::InsecureTransport) if it is plain HTTP to another host than loopback.
    /// - [`InvalidSecret`](crate::ErrorKind::InvalidSecret) if the secret is empty or cannot stand in a header.
    /// - [`InvalidHeader`](crate::ErrorKind::InvalidHeader) if the request's own beta flags are malformed.
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
        let uri = checked(&request.uri().to_string())?;
        self.put(request.headers_mut(), is_anthropic(&uri))?;
        Ok(request)
    }

    /// Puts the secret into the headers of a request whose URL is not known here. As
    /// [`authenticate`](Self::authenticate), but without a look at the URL: that it is a safe one is up to the caller, and
    /// the flag for longer cache lifetimes is kept where it is but not added.
    ///
    /// # Errors
    ///
    /// [`InvalidSecret`](crate::ErrorKind::InvalidSecret) and [`InvalidHeader`](crate::ErrorKind::InvalidHeader).
    pub fn authenticate_headers(&self, headers: &mut HeaderMap) -> Result<()> {
        self.put(headers, false)
    }

    fn put(&self, headers: &mut HeaderMap, anthropic_host: bool) -> Result<()> {
        let provider = self.receipt.provider();
        let own = provider.known().and_then(crate::providers::Provider::auth_header);
        let is_key = self.credential.kind() == CredentialKind::ApiKey;
        let name = own.filter(|_| is_key).and_then(|name| HeaderName::try_from(name).ok()).unwrap_or(AUTHORIZATION);
        // What a flag is for is the Messages API's own; elsewhere unknown ones are answered with an error.
        let mut flags = Vec::new();
        if provider.as_str() == "anthropic" {
            flags.extend(EndpointKind::Anthropic.row().token_beta.filter(|_| self.credential.kind().is_subscription()));
            flags.extend(Some(EXTENDED_CACHE_TTL).filter(|_| anthropic_host && is_key));
        }
        if !flags.is_empty() {
            let mut betas = BetaList::default();
            for flag in flags {
                betas.protect(flag);
            }
            betas.merge(&betas_of(headers)?);
            let value = betas.to_string().try_into().map_err(|_| refused("the beta flags cannot stand in a header"))?;
            headers.insert(ANTHROPIC_BETA, value);
        }
        put_secret(headers, &self.credential, name)
    }
}
