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
    /// Returns the attempt with the profile's present credential in the store; `None` if the profile can no longer be
    /// used. For drivers that refresh a credential before sending it.
    #[must_use]
    pub fn reselect(&self, attempt: &Attempt, profiles: &AuthProfiles, now: Timestamp) -> Option<Attempt> {
        // Its own registered request must not block it.
        let query = self.query_for(attempt.model()).locked(attempt.profile().clone()).without_headroom();
        let mut selection = self.selector.select(profiles, &query, now).ok()?;
        selection.receipt = selection.receipt.holding_as(attempt.receipt());
        // The refresh has used some of the call's time.
        let timeout = attempt.timeout().min(self.time_left(now));
        Some(self.ticketed(attempt.model().clone(), selection, (timeout, now), attempt.ticket().cloned()))
    }

    /// Returns `true` if the failure is worth one refresh of the attempt's credential.
    #[must_use]
    pub fn can_refresh(&self, attempt: &Attempt, failure: &Failure) -> bool {
        let refused = failure.reason().is_refusal() && failure.reason() != FailureReason::AuthPermanent;
        let oauth = attempt.credential().kind() == CredentialKind::OAuth;
        refused && oauth && !self.refreshed.contains(attempt.profile())
    }

    /// Marks a credential as impossible to refresh, so that it is not tried again in this call.
    pub(crate) fn refresh_failed(&mut self, attempt: &Attempt) {
        self.refreshed.push(attempt.profile().clone());
    }
}

impl Attempt {
    /// Returns the error for an attempt that is not made although its credential was refreshed.
    pub(crate) fn no_longer(&self, profiles: &AuthProfiles) -> Error {
        let message = match profiles.get(self.profile().as_str()) {
            Some(_) => {
                "the login was refreshed, but cannot be used now: it was changed or started to cool down meanwhile"
            }
            None => "the profile was removed while its login was being refreshed",
        };
        Error::new(ErrorKind::RefreshFailed, message)
    }
}
