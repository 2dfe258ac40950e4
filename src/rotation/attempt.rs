//! One try of a call: what is to be tried, and what came of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::headroom::Observer;
use super::unserved::UnservedModel;
use crate::clock::Timestamp;
use crate::credential::Credential;
use crate::error::ErrorKind;
use crate::failure::Failure;
use crate::id::{ModelRef, ProfileId};
use crate::reason::FailureReason;
use crate::select::{Receipt, Selection};

/// One request to send: for which model, with which credential, and how long it may take.
///
/// It owns what it says and is cheap to clone, so that it can be moved into a task.
#[derive(Clone, Debug)]
pub struct Attempt(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    model: ModelRef,
    selection: Selection,
    timeout: Duration,
    started: Timestamp,
    store_away: bool,
    observer: Option<Observer>,
}

impl Attempt {
    pub(super) fn new(
        model: ModelRef,
        selection: Selection,
        (timeout, started): (Duration, Timestamp),
        store_away: bool,
        observer: Option<Observer>,
    ) -> Self {
        Self(Arc::new(Inner { model, selection, timeout, started, store_away, observer }))
    }

    pub(super) fn observer(&self) -> Option<&Observer> {
        self.0.observer.as_ref()
    }

    /// Returns the model to ask: the call's, or one of its fallbacks.
    #[must_use]
    pub fn model(&self) -> &ModelRef {
        &self.0.model
    }

    /// Returns the profile and why it was chosen.
    #[must_use]
    pub fn selection(&self) -> &Selection {
        &self.0.selection
    }

    /// Returns the profile to use.
    #[must_use]
    pub fn profile(&self) -> &ProfileId {
        &self.0.selection.profile
    }

    /// Returns what the request authenticates with.
    #[must_use]
    pub fn credential(&self) -> &Credential {
        &self.0.selection.credential
    }

    /// Returns the receipt on which the outcome is recorded.
    #[must_use]
    pub fn receipt(&self) -> &Receipt {
        &self.0.selection.receipt
    }

    /// Returns how long the attempt may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.0.timeout
    }

    /// Returns `true` if the server that keeps the profiles could not be reached when this one was chosen: it was chosen by
    /// what was last read, and what others have learned since is not known.
    #[must_use]
    pub fn store_away(&self) -> bool {
        self.0.store_away
    }

    pub(super) fn record(
        &self,
        failure: Option<Failure>,
        status: Option<StatusCode>,
        unsent: Option<ErrorKind>,
        now: Timestamp,
    ) -> AttemptRecord {
        let (profile, model) = (self.profile().clone(), self.model().clone());
        let duration = now.saturating_since(self.0.started);
        let store_away = self.store_away();
        AttemptRecord { profile, model, failure, status, duration, unsent, unrecorded: None, store_away }
    }
}

/// The answer to a call made through a rotation.
#[derive(Debug)]
#[non_exhaustive]
pub struct Answered<T> {
    /// What the function that made the attempt returned.
    pub value: T,
    /// The attempt that was answered.
    pub attempt: Attempt,
    /// Every attempt in order, the one that was answered last.
    pub attempts: Vec<AttemptRecord>,
    /// The models that were left out because no request for them can be made.
    pub unserved: Vec<UnservedModel>,
}

impl<T> Answered<T> {
    pub(crate) fn new(
        value: T,
        attempt: Attempt,
        (attempts, unserved): (Vec<AttemptRecord>, Vec<UnservedModel>),
    ) -> Self {
        Self { value, attempt, attempts, unserved }
    }
}

/// One try of a call: with which profile, for which model, and what came of it.
///
/// `Display` is one line for a log. There is no secret in it, and nothing the provider said.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AttemptRecord {
    /// The profile.
    pub profile: ProfileId,
    /// The model.
    pub model: ModelRef,
    /// Why it failed; `None` for the one that did not.
    pub failure: Option<Failure>,
    /// The status of the answer, if there was one.
    pub status: Option<StatusCode>,
    /// How long it took, a refresh before it included: until the head of a stream, else until the answer was complete.
    pub duration: Duration,
    /// What kept the request from being sent at all: a refresh that failed, or a secret no header can carry.
    pub unsent: Option<ErrorKind>,
    /// Why the outcome could not be written to the store, if it could not. The call itself goes on. Of an answered call
    /// through a `Rotator`, which does not wait for the store: as far as that was tried when the answer was given.
    pub unrecorded: Option<ErrorKind>,
    /// Whether the server that keeps the profiles could not be reached when the profile was chosen.
    pub store_away: bool,
}

impl AttemptRecord {
    /// Why it failed; `None` for the one that did not.
    #[must_use]
    pub fn reason(&self) -> Option<FailureReason> {
        self.failure.as_ref().map(Failure::reason)
    }
}

impl fmt::Display for AttemptRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {}: ", self.profile, self.model)?;
        match self.reason() {
            Some(reason) => write!(f, "{reason}")?,
            None => f.write_str("ok")?,
        }
        if let Some(status) = self.status {
            write!(f, ", status {}", status.as_u16())?;
        }
        if self.unsent.is_some() {
            f.write_str(", not sent")?;
        }
        if self.store_away {
            f.write_str(", store away")?;
        }
        write!(f, ", {} ms", self.duration.as_millis())
    }
}
