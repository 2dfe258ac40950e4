//! What a selection is asked for.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexSet;

use super::unwritten::Unwritten;
use crate::clock::Timestamp;
use crate::credential::Resolved;
use crate::headroom::{HeadroomTracker, TokenEstimate, session_key};
use crate::id::{ModelRef, ProfileId, ProviderId};

/// What a selection is asked for: a provider, and what narrows the choice.
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
    /// Profiles that another machine tries, and until when they are left to it.
    pub(super) postponed: Vec<(ProfileId, Timestamp)>,
    pub(super) tokens: Option<TokenEstimate>,
    pub(super) headroom: Option<Arc<HeadroomTracker>>,
}

impl Query {
    /// Asks for any credential of a provider. A window of any model counts as one of the whole profile.
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

    /// Asks for a credential for a model.
    pub fn for_model(model: &ModelRef) -> Self {
        Self::new(model.provider()).retarget(model)
    }

    /// Sets the model's name at the provider: windows of other models do not count.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into().into());
        self
    }

    /// Sets the session's key.
    ///
    /// Requests of one session stay with one profile, whose prompt cache is warm, as long as it is ready. Without effect
    /// where an order is set.
    pub fn session(mut self, key: impl Into<String>) -> Self {
        self.session = Some(key.into());
        self
    }

    /// Sets the profile to use before all others, if it can be used.
    pub fn preferred(mut self, id: ProfileId) -> Self {
        self.preferred = Some(id);
        self
    }

    /// Sets the only profile to use; no other takes its place.
    pub fn locked(mut self, id: ProfileId) -> Self {
        self.locked = Some(id);
        self
    }

    /// Adds profiles to leave out this time, such as those that were tried already. Their verdict is
    /// [`NotRequested`](super::Verdict::NotRequested), and a credential from outside the document does not take their place.
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

    /// Sets what the references of profiles lead to. A profile whose reference is not among these cannot be used.
    ///
    /// Default: none; [`Config::resolve`](crate::Config::resolve) takes those of
    /// [`Config::with_references`](crate::Config::with_references).
    pub fn references(mut self, references: Resolved) -> Self {
        self.references = references;
        self
    }

    /// As [`references`](Self::references), in place.
    pub(crate) fn set_references(&mut self, references: Resolved) {
        self.references = references;
    }

    /// Sets how many tokens the request takes, which is held against what providers say is left of their limits.
    ///
    /// Default: what the requests before took of the same profile and model, as far as the answers tell.
    pub fn tokens(mut self, tokens: TokenEstimate) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// Sets the memory of what providers say is left.
    pub(crate) fn with_headroom(mut self, tracker: Option<Arc<HeadroomTracker>>) -> Self {
        self.headroom = tracker.or(self.headroom);
        self
    }

    /// Leaves out what providers say is left.
    pub(crate) fn without_headroom(self) -> Self {
        Self { headroom: None, ..self }
    }

    /// Returns the memory of what providers say is left.
    pub(crate) fn headroom(&self) -> Option<&Arc<HeadroomTracker>> {
        self.headroom.as_ref()
    }

    /// Returns the profile that the session uses, as far as that is known.
    pub(crate) fn home(&self, now: Timestamp) -> Option<ProfileId> {
        self.headroom.as_ref()?.home(self.session_key()?, now)
    }

    /// Returns how many tokens the request takes, if that was said.
    pub(crate) fn token_estimate(&self) -> Option<TokenEstimate> {
        self.tokens
    }

    /// Returns the key under which the session's profile for this model is remembered.
    pub(crate) fn session_key(&self) -> Option<u64> {
        Some(session_key(&self.provider, self.model.as_deref(), self.session.as_deref()?))
    }

    /// Asks the same for another model.
    pub(crate) fn retarget(mut self, model: &ModelRef) -> Self {
        self.provider = model.provider().clone();
        self.model = Some(model.shared_name());
        self
    }

    /// Takes what references lead to from another query, if this one does not say it.
    pub(crate) fn or_references_of(self, other: &Self) -> Self {
        if self.references.is_empty() { self.references(other.references.clone()) } else { self }
    }

    /// Returns `true` if it was not said what references lead to.
    pub(crate) fn is_without_references(&self) -> bool {
        self.references.is_empty()
    }

    /// Sets the successes that count although the document does not have them.
    #[cfg(feature = "client")]
    pub(crate) fn with_unwritten(mut self, unwritten: Arc<Unwritten>) -> Self {
        self.unwritten = Some(unwritten);
        self
    }

    /// Leaves a profile to another machine until a moment; meanwhile it is cooling down.
    pub(super) fn is_postponed(&self, id: &ProfileId, now: Timestamp) -> bool {
        self.postponed.iter().any(|(known, until)| known == id && *until > now)
    }

    pub(crate) fn postponing(mut self, id: ProfileId, until: Timestamp) -> Self {
        self.postponed.retain(|(known, _)| *known != id);
        self.postponed.push((id, until));
        self
    }

    /// Returns the model's name at the provider, if one is asked for.
    pub(crate) fn model_name(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// Returns the provider that is asked for.
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
