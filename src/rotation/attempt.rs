//! One attempt of a call, and its record.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::unserved::UnservedModel;
use crate::clock::Timestamp;
use crate::credential::Credential;
use crate::error::ErrorKind;
use crate::failure::Failure;
use crate::headroom::Ticket;
use crate::id::{ModelRef, ProfileId};
use crate::reason::FailureReason;
use crate::select::{Receipt, Selection};

/// One request to send: the model, the credential and the time limit.
///
/// It owns its data and is cheap to clone, so that it can move into a task.
#[derive(Clone, Debug)]
pub struct Attempt(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    model: ModelRef,
    selection: Selection,
    timeout: Duration,
    started: Timestamp,
    store_away: bool,
    ticket: Option<Arc<Ticket>>,
}

impl Attempt {
    pub(super) fn new(
        model: ModelRef,
        selection: Selection,
        (timeout, started): (Duration, Timestamp),
        store_away: bool,
        ticket: Option<Arc<Ticket>>,
    ) -> Self {
        Self(Arc::new(Inner { model, selection, timeout, started, store_away, ticket }))
    }

    /// Returns the registration with the tracker of the limits, if there is one.
    pub(super) fn ticket(&self) -> Option<&Arc<Ticket>> {
        self.0.ticket.as_ref()
    }

    /// Returns the requested model: the call's own, or one of its fallbacks.
    #[must_use]
    pub fn model(&self) -> &ModelRef {
        &self.0.model
    }

    /// Returns the selected profile with its credential and its source.
    #[must_use]
    pub fn selection(&self) -> &Selection {
        &self.0.selection
    }

    /// Returns the id of the profile to use.
    #[must_use]
    pub fn profile(&self) -> &ProfileId {
        &self.0.selection.profile
    }

    /// Returns the credential to authenticate with.
    #[must_use]
    pub fn credential(&self) -> &Credential {
        &self.0.selection.credential
    }

    /// Returns the receipt on which the outcome is recorded.
    #[must_use]
    pub fn receipt(&self) -> &Receipt {
        &self.0.selection.receipt
    }

    /// Returns the time limit of the attempt.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.0.timeout
    }

    /// Returns `true` if the server that stores the profiles could not be reached when this one was chosen, or refused the
    /// last write. The choice may then lack newer changes by others.
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

/// The answer to a call made through a rotation, with every attempt.
#[derive(Debug)]
#[non_exhaustive]
pub struct Answered<T> {
    /// The value that the function making the attempt returned.
    pub value: T,
    /// The attempt that was answered.
    pub attempt: Attempt,
    /// Every attempt in order; the answered one is last.
    pub attempts: Vec<AttemptRecord>,
    /// The models that were left out because no request for them can be built.
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

/// The record of one attempt: its profile, its model and its outcome.
///
/// `Display` is one line for a log, without secrets and without the provider's own words.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AttemptRecord {
    /// The id of the profile.
    pub profile: ProfileId,
    /// The requested model.
    pub model: ModelRef,
    /// The failure of the attempt; `None` for the answered one.
    pub failure: Option<Failure>,
    /// The HTTP status of the answer, if there was one.
    pub status: Option<StatusCode>,
    /// The duration, including a refresh before it: until the head of a stream, or else until the answer was complete.
    pub duration: Duration,
    /// The error that kept the request from being sent: a refresh that failed, or a secret that is not valid in a
    /// header.
    pub unsent: Option<ErrorKind>,
    /// The error of writing the outcome to the store, if that failed; the call itself goes on. A `Rotator` does not
    /// wait for the store, so that its answered calls have only the errors known when the answer was returned.
    pub unrecorded: Option<ErrorKind>,
    /// `true` if the server that stores the profiles could not be reached when the profile was chosen, or refused the
    /// last write.
    pub store_away: bool,
}

impl AttemptRecord {
    /// Returns the reason for the failure; `None` for the answered attempt.
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
