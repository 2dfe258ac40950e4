//! Building a request.

use std::fmt;

use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use serde::Serialize;

use super::auth::authenticate;
use super::beta::{BetaList, EXTENDED_CACHE_TTL};
use super::endpoint::Endpoint;
use super::headers::{ANTHROPIC_VERSION, Headers};
use super::prepared::PreparedRequest;
use crate::cache::{MarkerPlan, mark_body};
use crate::diagnostic::{Diagnostic, DiagnosticCode, Severity};
use crate::error::{Error, ErrorKind, Location, Result};
use crate::id::{ProfileId, shown_name};
use crate::profile::{Credential, CredentialKind};
use crate::retention::CacheRetention;
use crate::secret::Secret;
use crate::select::Selection;

/// The version of the API that is asked for unless the caller names one: the body is the caller's, and newer versions
/// refuse bodies that this one takes.
const DEFAULT_VERSION: &str = "2023-06-01";

/// Builds an authenticated request for the Messages API.
///
/// The setters never fail; [`build`](Self::build) reports the first problem. The request carries what the caller and the
/// endpoint configure, one authentication header, and nothing that imitates another client.
///
/// Headers are merged in the order built-in, endpoint, call; a later one replaces an earlier one of the same name. Beta
/// flags are merged instead of replaced: those of the headers, then the ones a request needs, then those of
/// [`beta`](Self::beta). A request needs `oauth-2025-04-20` with a subscription credential, and
/// `extended-cache-ttl-2025-04-11` with an API key where the endpoint's [`BetaPolicy`](crate::BetaPolicy) says so; nothing
/// removes these two.
///
/// # Examples
///
/// ```
/// use provider_auth::{CacheRetention, Credential, Endpoint, RequestBuilder, Secret};
///
/// let credential = Credential::api_key(Secret::new("sk-ant-api03-example"));
/// let request = RequestBuilder::new(&Endpoint::anthropic(), &credential)
///     .json(&serde_json::json!({
///         "model": "claude-opus-4-5",
///         "max_tokens": 1024,
///         "system": "Be brief.",
///         "messages": [{"role": "user", "content": "Hello"}],
///     }))
///     .retention(CacheRetention::Long)
///     .beta("files-api-2025-04-14")
///     .build()?;
///
/// assert_eq!(request.headers()["anthropic-beta"], "extended-cache-ttl-2025-04-11,files-api-2025-04-14");
/// assert_eq!(request.plan().markers().len(), 2);
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[must_use]
pub struct RequestBuilder<'a> {
    endpoint: &'a Endpoint,
    credential: &'a Credential,
    body: Result<Vec<u8>>,
    retention: Option<CacheRetention>,
    cache_for_subscription: bool,
    version: Option<Secret>,
    betas: Vec<String>,
    headers: Vec<(String, Secret)>,
    /// The profile, if it is one of another provider.
    foreign: Option<ProfileId>,
}

impl<'a> RequestBuilder<'a> {
    /// A request to the endpoint with the credential, without a body yet.
    pub fn new(endpoint: &'a Endpoint, credential: &'a Credential) -> Self {
        Self {
            endpoint,
            credential,
            body: Err(Error::new(ErrorKind::InvalidBody, "the request has no body")),
            retention: None,
            cache_for_subscription: false,
            version: None,
            betas: Vec::new(),
            headers: Vec::new(),
            foreign: None,
        }
    }

    /// A request with the credential that was selected, which has to be one of the endpoint's own provider.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{AuthProfiles, Endpoint, ErrorKind, ProfileSelector, ProviderId, Query, RequestBuilder, Timestamp};
    ///
    /// let profiles = AuthProfiles::from_json(
    ///     r#"{"version":1,"profiles":{"openai:a":{"type":"api_key","provider":"openai","key":"sk-openai"}}}"#,
    /// )?;
    /// let openai = ProviderId::new("openai")?;
    /// let now = Timestamp::from_millis(1_700_000_000_000);
    /// let selection = ProfileSelector::default().select(&profiles, &Query::new(&openai), now)?;
    ///
    /// // The key of one provider is nothing another one should see.
    /// let error = RequestBuilder::for_selection(&Endpoint::anthropic(), &selection).body("{}").build().unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::ProfileNotConfigured);
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    pub fn for_selection(endpoint: &'a Endpoint, selection: &'a Selection) -> Self {
        let mut builder = Self::new(endpoint, &selection.credential);
        let own = endpoint.provider().is_none_or(|provider| provider == selection.receipt.provider());
        builder.foreign = (!own).then(|| selection.profile.clone());
        builder
    }

    /// The body as JSON text. Apart from inserted cache markers it is sent byte for byte.
    pub fn body(mut self, json: impl Into<Vec<u8>>) -> Self {
        self.body = Ok(json.into());
        self
    }

    /// The body as a value that serialises to a JSON object.
    pub fn json(mut self, value: &impl Serialize) -> Self {
        // The cause is dropped: its text may repeat a value.
        self.body = serde_json::to_vec(value)
            .map_err(|_| Error::new(ErrorKind::InvalidBody, "the request body cannot be written as JSON"));
        self
    }

    /// How long prompt prefixes are to be kept.
    ///
    /// Unset it is [`Short`](CacheRetention::Short) for an API key at the Anthropic API, else
    /// [`None`](CacheRetention::None). With a subscription credential (a token or a login) it has no effect, which the
    /// request's notes report, unless [`cache_for_subscription`](Self::cache_for_subscription) is called.
    pub fn retention(mut self, retention: CacheRetention) -> Self {
        self.retention = Some(retention);
        self
    }

    /// Honours a retention that was set with a subscription credential too: markers, and the flag for one-hour entries
    /// under the endpoint's policy. Off by default, because subscriptions do not honour these settings.
    pub fn cache_for_subscription(mut self) -> Self {
        self.cache_for_subscription = true;
        self
    }

    /// The value of `anthropic-version`, `2023-06-01` by default. Wins over the endpoint's header, not over one of the call.
    ///
    /// The API also knows `2026-10-21`, released that day, which refuses some bodies that the default takes.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(Secret::new(version));
        self
    }

    /// Adds one or more beta flags, separated by commas.
    pub fn beta(mut self, flags: impl Into<String>) -> Self {
        self.betas.push(flags.into());
        self
    }

    /// Sets a header for this request. Its value counts as secret.
    ///
    /// Headers that authenticate, and those that belong to the connection, are refused by [`build`](Self::build).
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The cache markers the request would have, without building it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidBody`] if there is no body; otherwise those of [`mark_body`].
    pub fn plan(&self) -> Result<MarkerPlan> {
        match &self.body {
            Ok(body) => MarkerPlan::for_body(body, self.effective_retention()),
            // An error cannot be cloned; this one has a kind and a message only.
            Err(error) => Err(Error::new(error.kind(), error.to_string())),
        }
    }

    /// Builds the request.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::ProfileNotConfigured`] if the selection was for another provider than the endpoint's.
    /// - [`ErrorKind::InvalidSecret`] if the credential's secret is empty or cannot stand in a header.
    /// - [`ErrorKind::InvalidHeader`] if a header or beta flag is malformed, has a line break, NUL or another control
    ///   character, or belongs to the connection.
    /// - [`ErrorKind::ConflictingAuthHeader`] if a header would authenticate a second time.
    /// - [`ErrorKind::InvalidBody`] if there is no body, or it is not a JSON object; [`ErrorKind::TooDeep`] if it nests 128
    ///   levels or deeper.
    /// - [`ErrorKind::TooManyCacheMarkers`], [`ErrorKind::CacheMarkerOrder`] and [`ErrorKind::InvalidCacheMarker`] if the
    ///   body's own markers would be refused, see [`mark_body`].
    pub fn build(self) -> Result<PreparedRequest> {
        if let Some(profile) = &self.foreign {
            let message = format!("Auth profile \"{profile}\" is not configured for the provider of the endpoint.");
            return Err(Error::new(ErrorKind::ProfileNotConfigured, message));
        }
        let headers = self.merged_headers()?;
        let (retention, notes) = (self.effective_retention(), self.notes());
        let (body, plan) = mark_body(self.body?, retention)?;
        Ok(PreparedRequest { uri: self.endpoint.uri().clone(), headers, body, plan, notes })
    }

    fn merged_headers(&self) -> Result<http::HeaderMap> {
        let mut headers = Headers::default();
        headers.map.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.map.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.map.insert(ANTHROPIC_VERSION, HeaderValue::from_static(DEFAULT_VERSION));
        for (name, value) in self.endpoint.headers() {
            headers.set(name, value)?;
        }
        if let Some(version) = &self.version {
            headers.set(ANTHROPIC_VERSION.as_str(), version)?;
        }
        for (name, value) in &self.headers {
            headers.set(name, value)?;
        }
        if let Some(flag) = self.endpoint.kind().row().token_beta.filter(|_| self.is_subscription()) {
            headers.betas.protect(flag);
        }
        if self.endpoint.sends_cache_beta() && (!self.is_subscription() || self.cache_for_subscription) {
            headers.betas.protect(EXTENDED_CACHE_TTL);
        }
        for flags in &self.betas {
            headers.betas.merge(&BetaList::parse(flags)?);
        }
        let mut map = headers.finish()?;
        authenticate(&mut map, self.credential, self.endpoint.auth_scheme())?;
        Ok(map)
    }

    pub(super) fn credential_kind(&self) -> CredentialKind {
        self.credential.kind()
    }

    fn is_subscription(&self) -> bool {
        self.credential_kind().is_subscription()
    }

    fn effective_retention(&self) -> CacheRetention {
        match self.retention {
            _ if self.is_subscription() && !self.cache_for_subscription => CacheRetention::None,
            Some(retention) => retention,
            None if self.is_subscription() => CacheRetention::None,
            None => self.endpoint.kind().row().retention,
        }
    }

    fn notes(&self) -> Vec<Diagnostic> {
        let ignored = self.retention.is_some_and(|retention| retention != self.effective_retention());
        let note = ignored.then(|| {
            let message = "the cache retention is ignored: subscription credentials do not honour it";
            Diagnostic::new(Severity::Warning, DiagnosticCode::IgnoredSetting, Location::default(), message)
                .with_help("Use an API key, or opt in with `cache_for_subscription`.")
        });
        note.into_iter().collect()
    }
}

impl fmt::Debug for RequestBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| shown_name(name)).collect();
        f.debug_struct("RequestBuilder")
            .field("endpoint", self.endpoint)
            .field("credential", self.credential)
            .field("body_bytes", &self.body.as_ref().map_or(0, Vec::len))
            .field("retention", &self.retention)
            .field("cache_for_subscription", &self.cache_for_subscription)
            .field("betas", &self.betas.len())
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}
