//! The input of a selection.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexSet;

use super::unwritten::Unwritten;
use crate::clock::Timestamp;
use crate::credential::Resolved;
use crate::headroom::{HeadroomTracker, TokenEstimate, session_key};
use crate::id::{ModelRef, ProfileId, ProviderId};

/// A request for a credential: the provider, and what narrows the choice.
///
/// # Examples
///
/// ```
/// use provider_auth::{ModelRef, Query};
///
/// let model: ModelRef = "anthropic/claude-opus-4-5".parse()?;
/// let query = Query::for_model(&model).session("conversation-17");
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Query {
    pub(crate) provider: ProviderId,
    pub(super) model: Option<Arc<str>>,
    pub(super) session: Option<String>,
    pub(super) preferred: Option<ProfileId>,
    pub(super) locked: Option<ProfileId>,
    pub(super) excluded: IndexSet<ProfileId>,
    pub(super) references: Resolved,
    pub(super) unwritten: Option<Arc<Unwritten>>,
    /// Profiles that another machine is trying, and until when they are left to it.
    pub(super) postponed: Vec<(ProfileId, Timestamp)>,
    pub(super) tokens: Option<TokenEstimate>,
    pub(super) headroom: Option<Arc<HeadroomTracker>>,
}

impl Query {
    /// Creates a query for any model of a provider. A window of any model then counts for the whole profile.
    pub fn new(provider: &ProviderId) -> Self {
        let provider = provider.clone();
        Self {
            provider,
            model: None,
            session: None,
            preferred: None,
            locked: None,
            excluded: IndexSet::new(),
            references: Resolved::default(),
            unwritten: None,
            postponed: Vec::new(),
            tokens: None,
            headroom: None,
        }
    }

    /// Creates a query for a model and its provider.
    pub fn for_model(model: &ModelRef) -> Self {
        Self::new(model.provider()).retarget(model)
    }

    /// Sets the model's name at the provider. Windows of other models then do not count. Default: none.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into().into());
        self
    }

    /// Sets the session's key. Default: none.
    ///
    /// Requests of one session for one model stay on one profile, whose prompt cache is warm, as long as it is ready. An
    /// explicit order takes precedence.
    pub fn session(mut self, key: impl Into<String>) -> Self {
        self.session = Some(key.into());
        self
    }

    /// Sets the profile to use before all others if it is usable. Default: none.
    pub fn preferred(mut self, id: ProfileId) -> Self {
        self.preferred = Some(id);
        self
    }

    /// Sets the only profile to use. No other credential replaces it. Default: none.
    pub fn locked(mut self, id: ProfileId) -> Self {
        self.locked = Some(id);
        self
    }

    /// Adds profiles to leave out, such as those that were tried already. Their verdict is
    /// [`NotRequested`](super::Verdict::NotRequested), and no credential from outside the document replaces them.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{AuthProfiles, ProfileSelector, ProviderId, Query, Timestamp};
    ///
    /// let profiles = AuthProfiles::from_json(
    ///     r#"{"version":1,"profiles":{
    ///         "openai:a":{"type":"api_key","provider":"openai","key":"sk-a"},
    ///         "openai:b":{"type":"api_key","provider":"openai","key":"sk-b"}}}"#,
    /// )?;
    /// let (openai, now) = (ProviderId::new("openai")?, Timestamp::from_millis(0));
    /// let first = ProfileSelector::default().select(&profiles, &Query::new(&openai), now)?;
    /// let second = ProfileSelector::default().select(&profiles, &Query::new(&openai).excluding([first.profile]), now)?;
    /// assert_eq!(second.profile.as_str(), "openai:b");
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    pub fn excluding(mut self, ids: impl IntoIterator<Item = ProfileId>) -> Self {
        self.excluded.extend(ids);
        self
    }

    /// Sets the secrets that the profiles' references lead to. A profile whose reference is not among them cannot be
    /// used.
    ///
    /// Default: none; [`Config::resolve`](crate::Config::resolve) takes those of
    /// [`Config::with_references`](crate::Config::with_references).
    pub fn references(mut self, references: Resolved) -> Self {
        self.references = references;
        self
    }

    /// Sets the secrets behind references in place; see [`references`](Self::references).
    pub(crate) fn set_references(&mut self, references: Resolved) {
        self.references = references;
    }

    /// Sets the number of tokens that the request uses, to compare with the provider's remaining limits.
    ///
    /// Default: an estimate from earlier requests with the same profile and model, as far as their answers reported it.
    pub fn tokens(mut self, tokens: TokenEstimate) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// Sets the tracker of the providers' remaining limits.
    pub(crate) fn with_headroom(mut self, tracker: Option<Arc<HeadroomTracker>>) -> Self {
        self.headroom = tracker.or(self.headroom);
        self
    }

    /// Removes the tracker of the providers' remaining limits.
    pub(crate) fn without_headroom(self) -> Self {
        Self { headroom: None, ..self }
    }

    /// Returns the tracker of the providers' remaining limits.
    pub(crate) fn headroom(&self) -> Option<&Arc<HeadroomTracker>> {
        self.headroom.as_ref()
    }

    /// Returns the profile that the session uses, if known.
    pub(crate) fn home(&self, now: Timestamp) -> Option<ProfileId> {
        self.headroom.as_ref()?.home(self.session_key()?, now)
    }

    /// Returns the number of tokens that the request uses, if set.
    pub(crate) fn token_estimate(&self) -> Option<TokenEstimate> {
        self.tokens
    }

    /// Returns the key under which the session's profile for this model is remembered.
    pub(crate) fn session_key(&self) -> Option<u64> {
        Some(session_key(&self.provider, self.model.as_deref(), self.session.as_deref()?))
    }

    /// Changes the model and its provider.
    pub(crate) fn retarget(mut self, model: &ModelRef) -> Self {
        self.provider = model.provider().clone();
        self.model = Some(model.shared_name());
        self
    }

    /// Takes the resolved references of another query unless this one has its own.
    pub(crate) fn or_references_of(self, other: &Self) -> Self {
        if self.references.is_empty() { self.references(other.references.clone()) } else { self }
    }

    /// Returns `true` if no resolved references are set.
    pub(crate) fn is_without_references(&self) -> bool {
        self.references.is_empty()
    }

    /// Sets the successes that count although they are not in the document.
    #[cfg(feature = "client")]
    pub(crate) fn with_unwritten(mut self, unwritten: Arc<Unwritten>) -> Self {
        self.unwritten = Some(unwritten);
        self
    }

    /// Returns `true` if the profile is left to another machine at this time.
    pub(super) fn is_postponed(&self, id: &ProfileId, now: Timestamp) -> bool {
        self.postponed.iter().any(|(known, until)| known == id && *until > now)
    }

    /// Leaves a profile to another machine until a moment; until then it is cooling down.
    pub(crate) fn postponing(mut self, id: ProfileId, until: Timestamp) -> Self {
        self.postponed.retain(|(known, _)| *known != id);
        self.postponed.push((id, until));
        self
    }

    /// Returns the model's name at the provider, if set.
    pub(crate) fn model_name(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// Returns the provider that the query is for.
    #[must_use]
    pub fn provider(&self) -> &ProviderId {
        &self.provider
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query")
            .field("provider", &self.provider)
            .field("model", &self.model)
            .field("session", &self.session)
            .field("preferred", &self.preferred)
            .field("locked", &self.locked)
            .field("excluded", &self.excluded)
            .field("tokens", &self.tokens)
            .finish_non_exhaustive()
    }
}
