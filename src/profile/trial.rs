//! The trial of a profile whose window has ended, or is thought to have.

use std::fmt;

use crate::clock::Timestamp;
use crate::id::ProfileId;

/// The trial of a profile after a window: the first request since it ended, or a probe while it runs.
///
/// One machine of a fleet makes it, and the others go on with what is ready: a store that is shared between machines
/// excludes them ([`claim_trial`](crate::AuthProfileStore::claim_trial)).
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
    /// When the profile last failed: a trial that failed changes it, also where the window stays.
    failed: Option<Timestamp>,
}

impl Trial {
    /// Creates the trial of a window: of a profile, of one model or of all, with its end.
    #[must_use]
    pub fn new(profile: ProfileId, model: Option<&str>, until: Timestamp) -> Self {
        Self { profile, model: model.map(Into::into), until, failed: None }
    }

    /// Sets when the profile last failed.
    pub(crate) fn after(mut self, failed: Option<Timestamp>) -> Self {
        self.failed = failed;
        self
    }

    /// Returns `true` for a trial of the same window, whatever was tried in between.
    pub(crate) fn is_of_window(&self, other: &Self) -> bool {
        (&self.profile, &self.model, self.until) == (&other.profile, &other.model, other.until)
    }

    /// Returns the profile.
    #[must_use]
    pub fn profile(&self) -> &ProfileId {
        &self.profile
    }

    /// Returns the model that the window concerns; `None` if it concerns all of them.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// Returns when the window ends, or has ended.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// Returns a name that no other window has, for stores that keep what was claimed under one.
    #[must_use]
    pub fn name(&self) -> String {
        let model = self.model.as_deref().unwrap_or_default();
        format!("trial/{}/{model}/{}", self.until.as_millis(), self.profile.as_str())
    }
}

/// What keeps others from a trial until it is dropped.
pub(crate) trait TrialGuard: fmt::Debug + Send {
    /// Ends that, and may wait for a server meanwhile.
    fn release(self: Box<Self>);
}
