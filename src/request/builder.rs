//! Building a request.

use std::fmt;

use http::header::HeaderMap;
use serde::Serialize;

use super::endpoint::Endpoint;
use super::model_member::for_url;
use super::prepared::PreparedRequest;
#[cfg(doc)]
use crate::cache::mark_body;
use crate::cache::{BreakpointOptions, BreakpointPlan, Lifetimes, mark_body_for_host};
use crate::credential::{Credential, CredentialKind};
use crate::error::{Diagnostic, DiagnosticCode, Severity};
use crate::error::{Error, ErrorKind, Location, Result};
use crate::id::{ProfileId, shown_name};
use crate::retention::CacheRetention;
use crate::secret::Secret;
use crate::select::Selection;

/// Builds an authenticated request for the Messages API.
///
/// The setters never fail; [`build`](Self::build) reports the first problem. The request carries what the caller and the
/// endpoint configure, one authentication header, and nothing that imitates another client.
///
/// Headers are merged in the order built-in, endpoint, call; a later one replaces an earlier one of the same name. Beta
/// flags are merged instead of replaced: those of the headers, then the ones a request needs, then those of
/// [`beta`](Self::beta). A request needs `oauth-2025-04-20` with a subscription credential, and
/// `extended-cache-ttl-2025-04-11` with an API key where the endpoint's [`BetaPolicy`](crate::request::BetaPolicy) says so; nothing
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
/// assert_eq!(request.plan().breakpoints().len(), 2);
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[must_use]
pub struct RequestBuilder<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) credential: &'a Credential,
    body: Option<Result<Vec<u8>>>,
    retention: Option<CacheRetention>,
    /// Whether one hour was asked for where the server keeps five minutes only.
    shortened: bool,
    lifetimes: Option<Lifetimes>,
    cache_for_subscription: bool,
    pub(super) markers: BreakpointOptions<'a>,
    pub(super) version: Option<Secret>,
    pub(super) betas: Vec<String>,
    pub(super) headers: Vec<(String, Secret)>,
    /// The profile, if it is one of another provider.
    pub(super) foreign: Option<ProfileId>,
}

impl<'a> RequestBuilder<'a> {
    /// A request to the endpoint with the credential, without a body yet.
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
        self.body = Some(Ok(json.into()));
        self
    }

    /// The body as a value that serialises to a JSON object.
    pub fn json(mut self, value: &impl Serialize) -> Self {
        // The cause is dropped: its text may repeat a value.
        let body = serde_json::to_vec(value);
        let invalid = |_| Error::new(ErrorKind::InvalidBody, "the request body cannot be written as JSON");
        self.body = Some(body.map_err(invalid));
        self
    }

    /// How long prompt prefixes are to be kept.
    ///
    /// Unset it is [`Short`](CacheRetention::Short) for an API key at the Anthropic API, else
    /// [`None`](CacheRetention::None). With a subscription credential (a token or a login) it has no effect, which the
    /// request's notes report, unless [`cache_for_subscription`](Self::cache_for_subscription) is called.
    pub fn retention(mut self, retention: CacheRetention) -> Self {
        self.retention = Some(retention);
        self.shortened = false;
        self
    }

    /// Says that the retention is what is left of one hour.
    pub(crate) fn shortened(mut self, shortened: bool) -> Self {
        self.shortened = shortened;
        self
    }

    /// Lifetimes other than those of the retention, for example one hour for the prefix and five minutes for the rest, or
    /// what [`choose_lifetimes`](crate::cache::choose_lifetimes) found. Wins over [`retention`](Self::retention).
    pub fn lifetimes(mut self, lifetimes: Lifetimes) -> Self {
        self.lifetimes = Some(lifetimes);
        self
    }

    /// The body of the session's previous request exactly as it was sent: [`PreparedRequest::body`].
    ///
    /// It makes the markers cheapest, see [`BreakpointOptions::previous`]. It is read, never sent.
    pub fn previous(mut self, body: &'a [u8]) -> Self {
        self.markers = self.markers.previous(body);
        self
    }

    /// The plan of the session's previous request, where the body was not kept. See [`BreakpointOptions::previous_plan`].
    pub fn previous_plan(mut self, plan: &'a BreakpointPlan) -> Self {
        self.markers = self.markers.previous_plan(plan);
        self
    }

    /// How many blocks at the start of `system` stay the same. See [`BreakpointOptions::stable_system_blocks`].
    pub fn stable_system_blocks(mut self, blocks: usize) -> Self {
        self.markers = self.markers.stable_system_blocks(blocks);
        self
    }

    /// Leaves the last marker to the provider, where the endpoint has automatic caching; elsewhere it has no effect, which
    /// the request's notes report. See [`BreakpointOptions::automatic`].
    pub fn automatic_caching(mut self) -> Self {
        self.markers = self.markers.automatic(true);
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
    pub fn plan(&self) -> Result<BreakpointPlan> {
        match &self.body {
            Some(Ok(body)) => BreakpointPlan::for_body(body, &self.marker_options()),
            // An error cannot be cloned; this one has a kind and a message only.
            Some(Err(error)) => Err(Error::new(error.kind(), error.to_string())),
            None => Err(no_body()),
        }
    }

    /// Returns the settings that will have no effect, and why, without building the request.
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
                .with_help("a marker on the last block was planned in its place")
        });
        let shortened = (self.shortened && !ignored && self.lifetimes.is_none()).then(|| {
            let message = "five minutes are asked for instead of one hour, which the model's server does not keep";
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
    /// - [`ErrorKind::InvalidSecret`] if the credential's secret is empty or cannot stand in a header.
    /// - [`ErrorKind::InvalidHeader`] if there are more headers than fit (about 24,000), or a header or beta flag is malformed,
    ///   has a line break, NUL or another control character, or belongs to the connection.
    /// - [`ErrorKind::ConflictingAuthHeader`] if a header would authenticate a second time.
    /// - [`ErrorKind::InsecureTransport`] if it would carry a credential over plain HTTP to a private network that was not
    ///   allowed.
    /// - [`ErrorKind::InvalidBody`] if there is no body, or it is not a JSON object; [`ErrorKind::TooDeep`] if it nests 128
    ///   levels or deeper.
    /// - [`ErrorKind::TooManyCacheMarkers`], [`ErrorKind::CacheMarkerOrder`] and [`ErrorKind::InvalidCacheMarker`] if the
    ///   body's own markers would be refused, see [`mark_body`].
    pub fn build(self) -> Result<PreparedRequest> {
        let (headers, fields) = self.merged_headers(HeaderMap::new(), true)?;
        let (options, mut notes) = (self.marker_options(), self.notes());
        let (body, uri) = for_url(self.body.unwrap_or_else(|| Err(no_body()))?, self.endpoint)?;
        let marked = mark_body_for_host(body, &options, &fields)?;
        if marked.kept_betas {
            let message = "the body has an `anthropic_beta` of its own, so no beta flag was added to it";
            notes.push(Diagnostic::new(Severity::Warning, DiagnosticCode::Conflict, Location::default(), message));
        }
        Ok(PreparedRequest { uri, headers, body: marked.body, plan: marked.plan, notes })
    }

    pub(super) fn endpoint(&self) -> &'a Endpoint {
        self.endpoint
    }

    pub(super) fn marker_options(&self) -> BreakpointOptions<'a> {
        let row = self.endpoint.kind().row();
        let lifetimes = self.lifetimes.filter(|_| !self.ignores_caching());
        let lifetimes = lifetimes.or_else(|| Lifetimes::of(self.effective_retention()));
        let options = self.markers.clone().lifetimes(lifetimes).collapses_tool_runs(row.collapses);
        let options = options.refuses_misplaced(row.refuses_misplaced);
        if row.automatic { options } else { options.automatic(false) }
    }

    /// Whether any marker is asked for.
    #[cfg(feature = "client")]
    pub(crate) fn asks_for_markers(&self) -> bool {
        self.marker_options().asks_for_markers()
    }

    pub(super) fn ignores_caching(&self) -> bool {
        self.is_subscription() && !self.cache_for_subscription
    }

    pub(crate) fn credential_kind(&self) -> CredentialKind {
        self.credential.kind()
    }

    pub(super) fn is_subscription(&self) -> bool {
        // Where no flag goes with tokens, a bearer token is an ordinary key of the host.
        self.is_sent() && self.credential_kind().is_subscription() && self.endpoint.kind().row().token_beta.is_some()
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
