//! The builder of requests for the Messages API.

use std::fmt;

use http::header::HeaderMap;
use serde::Serialize;

use super::endpoint::Endpoint;
use super::model_member::for_url;
use super::prepared::PreparedRequest;
#[cfg(feature = "client")]
use crate::cache::Earlier;
#[cfg(doc)]
use crate::cache::mark_body;
use crate::cache::{BreakpointOptions, BreakpointPlan, Lifetimes, PreviousBody, mark_body_for_host};
use crate::credential::{Credential, CredentialKind};
use crate::error::{Diagnostic, DiagnosticCode, Severity};
use crate::error::{Error, ErrorKind, Location, Result};
use crate::id::{ProfileId, shown_name};
use crate::retention::CacheRetention;
use crate::secret::Secret;
use crate::select::Selection;

/// A builder of authenticated requests for the Messages API.
///
/// The setters never fail; [`build`](Self::build) reports the first problem. The request has the headers that the
/// caller and the endpoint configure and one authentication header, and nothing that imitates another client.
///
/// Headers are merged in the order built-in, endpoint, call; a later one replaces an earlier one of the same name. Beta
/// flags are merged instead of replaced: those of the headers, then the ones that the request needs, then those of
/// [`beta`](Self::beta). A request with a subscription credential needs `oauth-2025-04-20`; a request with an API key
/// needs `extended-cache-ttl-2025-04-11` if the endpoint's [`BetaPolicy`](crate::request::BetaPolicy) asks for it.
/// Nothing removes these two.
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
/// assert_eq!(request.plan().breakpoints().len(), 2);
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[must_use]
pub struct RequestBuilder<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) credential: &'a Credential,
    body: Option<Result<Vec<u8>>>,
    retention: Option<CacheRetention>,
    /// `true` if one hour was asked for but the server keeps only five minutes.
    shortened: bool,
    lifetimes: Option<Lifetimes>,
    cache_for_subscription: bool,
    pub(super) markers: BreakpointOptions<'a>,
    pub(super) version: Option<Secret>,
    pub(super) betas: Vec<String>,
    pub(super) headers: Vec<(String, Secret)>,
    /// The profile, if it belongs to another provider than the endpoint.
    pub(super) foreign: Option<ProfileId>,
}

impl<'a> RequestBuilder<'a> {
    /// Creates a builder for a request to the endpoint with the credential, without a body.
    pub fn new(endpoint: &'a Endpoint, credential: &'a Credential) -> Self {
        Self {
            endpoint,
            credential,
            body: None,
            retention: None,
            shortened: false,
            lifetimes: None,
            cache_for_subscription: false,
            markers: BreakpointOptions::new(CacheRetention::None),
            version: None,
            betas: Vec::new(),
            headers: Vec::new(),
            foreign: None,
        }
    }

    /// Creates a builder with the selected credential, which must belong to the endpoint's provider if that is set.
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
    /// // No provider should see the key of another one.
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

    /// Sets the body as JSON text. Apart from inserted cache markers it is sent byte for byte.
    pub fn body(mut self, json: impl Into<Vec<u8>>) -> Self {
        self.body = Some(Ok(json.into()));
        self
    }

    /// Sets the body as a value that serialises to a JSON object.
    pub fn json(mut self, value: &impl Serialize) -> Self {
        // The cause is dropped: its text may repeat a value.
        let body = serde_json::to_vec(value);
        let invalid = |_| Error::new(ErrorKind::InvalidBody, "the request body cannot be written as JSON");
        self.body = Some(body.map_err(invalid));
        self
    }

    /// Sets how long the provider is asked to keep prompt prefixes.
    ///
    /// Default: [`Short`](CacheRetention::Short) for an API key at the Anthropic API, otherwise
    /// [`None`](CacheRetention::None). With a subscription credential (a token or an OAuth credential) the retention
    /// has no effect, which the request's notes report, unless [`cache_for_subscription`](Self::cache_for_subscription)
    /// is called.
    pub fn retention(mut self, retention: CacheRetention) -> Self {
        self.retention = Some(retention);
        self.shortened = false;
        self
    }

    /// Marks the retention as one hour that was shortened for the server.
    pub(crate) fn shortened(mut self, shortened: bool) -> Self {
        self.shortened = shortened;
        self
    }

    /// Sets lifetimes that replace those of the [`retention`](Self::retention), for example one hour for the prefix and
    /// five minutes for the rest, or the result of [`choose_lifetimes`](crate::cache::choose_lifetimes).
    pub fn lifetimes(mut self, lifetimes: Lifetimes) -> Self {
        self.lifetimes = Some(lifetimes);
        self
    }

    /// Sets the body of the session's previous request, exactly as it was sent: [`PreparedRequest::body`].
    ///
    /// The cache breakpoints then cost least, see [`BreakpointOptions::previous`]. This body is read, never sent.
    pub fn previous(mut self, body: &'a [u8]) -> Self {
        self.markers = self.markers.previous(body);
        self
    }

    /// Sets the body of the session's previous request, which was read before. Has the same effect as
    /// [`previous`](Self::previous) and takes less time, see [`BreakpointOptions::previous_body`].
    pub fn previous_body(mut self, body: &'a PreviousBody) -> Self {
        self.markers = self.markers.previous_body(body);
        self
    }

    /// Sets the bodies of earlier requests, the last one first, of which the plan finds the previous one.
    #[cfg(feature = "client")]
    pub(crate) fn earlier(mut self, earlier: Vec<Earlier<'a>>) -> Self {
        self.markers = self.markers.earlier(earlier);
        self
    }

    /// Sets the plan of the session's previous request, if its body was not kept. See
    /// [`BreakpointOptions::previous_plan`].
    pub fn previous_plan(mut self, plan: &'a BreakpointPlan) -> Self {
        self.markers = self.markers.previous_plan(plan);
        self
    }

    /// Sets the number of blocks at the start of `system` that stay the same over a session. See
    /// [`BreakpointOptions::stable_system_blocks`].
    pub fn stable_system_blocks(mut self, blocks: usize) -> Self {
        self.markers = self.markers.stable_system_blocks(blocks);
        self
    }

    /// Leaves the last marker to the provider. Without automatic caching at the endpoint this has no effect, which the
    /// request's notes report. Off by default. See [`BreakpointOptions::automatic`].
    pub fn automatic_caching(mut self) -> Self {
        self.markers = self.markers.automatic(true);
        self
    }

    /// Applies a retention that was set to subscription credentials too: markers, and the flag for one-hour entries
    /// under the endpoint's policy. Off by default, because subscriptions do not honour these settings.
    pub fn cache_for_subscription(mut self) -> Self {
        self.cache_for_subscription = true;
        self
    }

    /// Sets the value of `anthropic-version`, `2023-06-01` by default. Replaces the endpoint's header; a header of the
    /// call replaces this one.
    ///
    /// The API also knows `2026-10-21`, released that day, which refuses some bodies that the default takes.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(Secret::new(version));
        self
    }

    /// Adds one or more beta flags, separated by commas, to those that the request needs.
    pub fn beta(mut self, flags: impl Into<String>) -> Self {
        self.betas.push(flags.into());
        self
    }

    /// Sets a header of this request. Its value is treated as secret.
    ///
    /// [`build`](Self::build) refuses headers that authenticate and headers that belong to the connection.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Plans the cache breakpoints that the request would have, without building it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidBody`] if there is no body; otherwise those of [`mark_body`].
    pub fn plan(&self) -> Result<BreakpointPlan> {
        match &self.body {
            Some(Ok(body)) => BreakpointPlan::for_body(body, &self.marker_options()),
            // An error cannot be cloned; this one has a kind and a message only.
            Some(Err(error)) => Err(Error::new(error.kind(), error.to_string())),
            None => Err(no_body()),
        }
    }

    /// Returns a note for each setting that will have no effect, without building the request.
    #[must_use]
    pub fn notes(&self) -> Vec<Diagnostic> {
        let asked = self.lifetimes.is_some() || self.retention.is_some_and(|kept| kept != CacheRetention::None);
        let ignored = asked && self.ignores_caching();
        let note = ignored.then(|| {
            let message = "the cache retention is ignored: subscription credentials do not honour it";
            Diagnostic::new(Severity::Warning, DiagnosticCode::IgnoredSetting, Location::default(), message)
                .with_help("use an API key for prompt caching")
        });
        let no_automatic = self.markers.asks_for_automatic() && !self.endpoint.kind().has_automatic();
        let automatic = no_automatic.then(|| {
            let message = "automatic caching is ignored: this host answers a top-level marker with an error";
            Diagnostic::new(Severity::Warning, DiagnosticCode::IgnoredSetting, Location::default(), message)
                .with_help("a marker on the last block was planned instead")
        });
        let shortened = (self.shortened && !ignored && self.lifetimes.is_none()).then(|| {
            let message =
                "five minutes are requested instead of one hour, because the model's server has no one-hour entries";
            let place = Location::default().with_key_path("compat.supportsLongCacheRetention");
            Diagnostic::new(Severity::Note, DiagnosticCode::IgnoredSetting, place, message)
        });
        note.into_iter().chain(automatic).chain(shortened).collect()
    }

    /// Builds the request.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::ProfileNotConfigured`] if the selection was for another provider than the endpoint's.
    /// - [`ErrorKind::InvalidSecret`] if the credential's secret is empty or has characters that are not allowed in a
    ///   header.
    /// - [`ErrorKind::InvalidHeader`] if there are more headers than fit (about 24,000), or a header or beta flag is malformed,
    ///   has a line break, NUL or another control character, or belongs to the connection.
    /// - [`ErrorKind::ConflictingAuthHeader`] if a header would authenticate a second time.
    /// - [`ErrorKind::InsecureTransport`] if it would send a credential over plain HTTP to a private network that was
    ///   not allowed.
    /// - [`ErrorKind::InvalidBody`] if there is no body, or it is not a JSON object; [`ErrorKind::TooDeep`] if it nests 128
    ///   levels or deeper.
    /// - [`ErrorKind::TooManyCacheMarkers`], [`ErrorKind::CacheMarkerOrder`] and [`ErrorKind::InvalidCacheMarker`] if
    ///   the body's own markers would be refused, see [`mark_body`].
    pub fn build(self) -> Result<PreparedRequest> {
        let (headers, fields) = self.merged_headers(HeaderMap::new(), true)?;
        let (options, mut notes) = (self.marker_options(), self.notes());
        let (body, uri) = for_url(self.body.unwrap_or_else(|| Err(no_body()))?, self.endpoint)?;
        let marked = mark_body_for_host(body, &options, &fields)?;
        if marked.kept_betas {
            let message = "the body has its own `anthropic_beta`, so no beta flag was added to it";
            notes.push(Diagnostic::new(Severity::Warning, DiagnosticCode::Conflict, Location::default(), message));
        }
        notes.extend(nothing_cached(&marked.plan));
        Ok(PreparedRequest { uri, headers, body: marked.body, plan: marked.plan, notes, layout: marked.layout })
    }

    pub(super) fn endpoint(&self) -> &'a Endpoint {
        self.endpoint
    }

    pub(super) fn marker_options(&self) -> BreakpointOptions<'a> {
        let row = self.endpoint.kind().row();
        let lifetimes = self.lifetimes.filter(|_| !self.ignores_caching());
        let lifetimes = lifetimes.or_else(|| Lifetimes::of(self.effective_retention()));
        let options = self.markers.clone().lifetimes(lifetimes).collapses_tool_runs(row.collapses);
        #[cfg(feature = "client")]
        let options = if self.lifetimes.is_some() { options.same_lifetimes() } else { options };
        let options = options.refuses_misplaced(row.refuses_misplaced);
        if row.automatic { options } else { options.automatic(false) }
    }

    /// Returns `true` if the plan of the request goes on from the session's earlier ones.
    #[cfg(feature = "client")]
    pub(crate) fn goes_on(&self) -> bool {
        self.marker_options().keeps()
    }

    pub(super) fn ignores_caching(&self) -> bool {
        self.is_subscription() && !self.cache_for_subscription
    }

    pub(crate) fn credential_kind(&self) -> CredentialKind {
        self.credential.kind()
    }

    pub(super) fn is_subscription(&self) -> bool {
        // If the host knows no flag for tokens, a bearer token is one of its ordinary keys.
        self.credential_kind().is_subscription() && self.endpoint.kind().row().token_beta.is_some() && self.is_sent()
    }

    fn effective_retention(&self) -> CacheRetention {
        match self.retention {
            _ if self.ignores_caching() => CacheRetention::None,
            Some(retention) => retention,
            None if self.is_subscription() => CacheRetention::None,
            None => self.endpoint.kind().row().retention,
        }
    }
}

/// Returns a note if the caller's null markers leave no block to cache.
pub(crate) fn nothing_cached(plan: &BreakpointPlan) -> Option<Diagnostic> {
    plan.is_prevented_by_null().then(|| {
        let message = "nothing is cached: every block that could carry a marker has `cache_control: null`";
        Diagnostic::new(Severity::Warning, DiagnosticCode::IgnoredSetting, Location::default(), message)
            .with_help("leave `cache_control` out of blocks without a marker instead of setting it to null")
    })
}

fn no_body() -> Error {
    Error::new(ErrorKind::InvalidBody, "the request has no body")
}

impl fmt::Debug for RequestBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| shown_name(name)).collect();
        f.debug_struct("RequestBuilder")
            .field("endpoint", self.endpoint)
            .field("credential", self.credential)
            .field("body_bytes", &self.body.as_ref().and_then(|body| body.as_ref().ok()).map_or(0, Vec::len))
            .field("retention", &self.retention)
            .field("cache_for_subscription", &self.cache_for_subscription)
            .field("betas", &self.betas.len())
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}
