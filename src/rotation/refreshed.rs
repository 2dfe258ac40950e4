//! Credentials that are refreshed within a call.

use super::attempt::Attempt;
use super::rotation::Rotation;
use crate::clock::Timestamp;
use crate::credential::CredentialKind;
use crate::error::{Error, ErrorKind};
use crate::failure::Failure;
use crate::profile::AuthProfiles;
use crate::reason::FailureReason;

impl Rotation {
    /// Returns the attempt again with what the store holds of its profile now; `None` if the profile cannot be used any
    /// more. For drivers that have refreshed a credential before it was sent.
    #[must_use]
    pub fn reselect(&self, attempt: &Attempt, profiles: &AuthProfiles, now: Timestamp) -> Option<Attempt> {
        // Its own request was noted, and must not stand in its way.
        let query = self.query_for(attempt.model()).locked(attempt.profile().clone()).without_headroom();
        let mut selection = self.selector.select(profiles, &query, now).ok()?;
        selection.receipt = selection.receipt.holding_as(attempt.receipt());
        // The refresh has taken of the call's time.
        let timeout = attempt.timeout().min(self.time_left(now));
        Some(self.observed(attempt.model().clone(), selection, (timeout, now), attempt.observer().cloned()))
    }

    /// Returns `true` if the failure is worth one refresh of the attempt's credential.
    #[must_use]
    pub fn can_refresh(&self, attempt: &Attempt, failure: &Failure) -> bool {
        let refused = failure.reason().is_refusal() && failure.reason() != FailureReason::AuthPermanent;
        let oauth = attempt.credential().kind() == CredentialKind::OAuth;
        refused && oauth && !self.refreshed.contains(attempt.profile())
    }

    /// Notes that a credential could not be refreshed, so that it is not tried twice in this call.
    pub(crate) fn refresh_failed(&mut self, attempt: &Attempt) {
        self.refreshed.push(attempt.profile().clone());
    }
}

impl Attempt {
    /// Says why an attempt whose credential was refreshed is not made after all.
    pub(crate) fn no_longer(&self, profiles: &AuthProfiles) -> Error {
        let message = match profiles.get(self.profile().as_str()) {
            Some(_) => {
                "the login was refreshed, but cannot be used now: it began to cool down, or was changed, meanwhile"
            }
            None => "the profile was removed while its login was being refreshed",
        };
        Error::new(ErrorKind::RefreshFailed, message)
    }
}
