//! The trial of a profile after or during a window.

use std::fmt;

use crate::clock::Timestamp;
use crate::id::ProfileId;

/// The trial of a profile: the first request after a window ended, or a probe while it runs.
///
/// One machine of a fleet makes it, and the others use other profiles: a store shared between machines excludes them
/// with [`claim_trial`](crate::AuthProfileStore::claim_trial).
///
/// # Examples
///
/// ```
/// use provider_auth::profile::Trial;
/// use provider_auth::{ProfileId, Timestamp};
///
/// let trial = Trial::new(ProfileId::new("anthropic:team")?, Some("claude-opus-4-5"), Timestamp::from_millis(1_000));
/// assert_eq!(trial.name(), "trial/1000/claude-opus-4-5/anthropic:team");
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    profile: ProfileId,
    model: Option<Box<str>>,
    until: Timestamp,
    /// When the profile last failed. A failed trial changes it, even if the window stays the same.
    failed: Option<Timestamp>,
}

impl Trial {
    /// Creates the trial of a window that ends at `until` and concerns one model, or with `None` the whole profile.
    #[must_use]
    pub fn new(profile: ProfileId, model: Option<&str>, until: Timestamp) -> Self {
        Self { profile, model: model.map(Into::into), until, failed: None }
    }

    pub(crate) fn after(mut self, failed: Option<Timestamp>) -> Self {
        self.failed = failed;
        self
    }

    /// Returns `true` for a trial of the same window, even if it was tried in between.
    pub(crate) fn is_of_window(&self, other: &Self) -> bool {
        (&self.profile, &self.model, self.until) == (&other.profile, &other.model, other.until)
    }

    /// Returns the id of the profile to try.
    #[must_use]
    pub fn profile(&self) -> &ProfileId {
        &self.profile
    }

    /// Returns the model that the window concerns; `None` if it concerns the whole profile.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// Returns the end of the window, which may be past.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// Returns a name that is unique to the window, for stores that keep claims under names.
    #[must_use]
    pub fn name(&self) -> String {
        let model = self.model.as_deref().unwrap_or_default();
        format!("trial/{}/{model}/{}", self.until.as_millis(), self.profile.as_str())
    }
}

/// A claim on a trial, which excludes others until it is dropped.
pub(crate) trait TrialGuard: fmt::Debug + Send {
    /// Ends the claim; may wait for a server.
    fn release(self: Box<Self>);
}
