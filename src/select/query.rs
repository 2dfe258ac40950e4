//! What a selection is asked for.

use std::fmt;

use crate::id::{ModelRef, ProfileId, ProviderId};
use crate::profile::SecretRef;
use crate::secret::Secret;

/// A function that finds the secret a reference leads to.
pub(super) type Resolver<'a> = dyn Fn(&SecretRef) -> Option<Secret> + 'a;

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
#[derive(Clone, Copy)]
pub struct Query<'a> {
    pub(super) provider: &'a ProviderId,
    pub(super) model: Option<&'a str>,
    pub(super) session: Option<&'a str>,
    pub(super) preferred: Option<&'a ProfileId>,
    pub(super) locked: Option<&'a ProfileId>,
    pub(super) resolver: Option<&'a Resolver<'a>>,
}

impl<'a> Query<'a> {
    /// Any credential of a provider. A window of any model counts as one of the whole profile.
    #[must_use]
    pub fn new(provider: &'a ProviderId) -> Self {
        Self { provider, model: None, session: None, preferred: None, locked: None, resolver: None }
    }

    /// A credential for a model.
    #[must_use]
    pub fn for_model(model: &'a ModelRef) -> Self {
        Self::new(model.provider()).model(model.model())
    }

    /// The model's name at the provider: windows of other models do not count.
    #[must_use]
    pub fn model(mut self, model: &'a str) -> Self {
        self.model = Some(model);
        self
    }

    /// The session's key: requests of one session stay with one profile, whose prompt cache is warm, as long as it is
    /// ready. Without effect where an order is set.
    #[must_use]
    pub fn session(mut self, key: &'a str) -> Self {
        self.session = Some(key);
        self
    }

    /// The profile to use before all others, if it can be used.
    #[must_use]
    pub fn preferred(mut self, id: &'a ProfileId) -> Self {
        self.preferred = Some(id);
        self
    }

    /// The only profile to use; no other takes its place.
    #[must_use]
    pub fn locked(mut self, id: &'a ProfileId) -> Self {
        self.locked = Some(id);
        self
    }

    /// How to find secrets that are kept elsewhere. Without it such profiles cannot be used.
    #[must_use]
    pub fn resolver(mut self, resolver: &'a dyn Fn(&SecretRef) -> Option<Secret>) -> Self {
        self.resolver = Some(resolver);
        self
    }
}

impl fmt::Debug for Query<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query")
            .field("provider", &self.provider)
            .field("model", &self.model)
            .field("session", &self.session)
            .field("preferred", &self.preferred)
            .field("locked", &self.locked)
            .finish_non_exhaustive()
    }
}
