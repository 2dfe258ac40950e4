//! Recording the outcomes of requests in a store.

use crate::clock::Timestamp;
use crate::error::Result;
use crate::failure::Failure;
use crate::id::ProfileId;
use crate::profile::{AuthProfiles, UsageStats};
use crate::select::{ProfileSelector, Receipt};
use crate::store::{AuthProfileStore, AuthProfileStoreExt as _, unknown_profile};

/// The outcome of a request, with the receipt of the profile that served it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Record {
    /// The request succeeded.
    Success(Receipt),
    /// The request failed.
    Failure(Receipt, Failure),
}

impl Record {
    /// Returns the receipt of the selection.
    #[must_use]
    pub fn receipt(&self) -> &Receipt {
        match self {
            Self::Success(receipt) | Self::Failure(receipt, _) => receipt,
        }
    }

    /// Records the outcome in a document.
    ///
    /// # Errors
    ///
    /// Those of [`ProfileSelector::record_failure`].
    pub fn apply(&self, selector: &ProfileSelector, profiles: &mut AuthProfiles, now: Timestamp) -> Result<()> {
        match self {
            Self::Success(receipt) => selector.record_success(profiles, receipt, now),
            Self::Failure(receipt, failure) => {
                selector.record_failure(profiles, receipt, failure.reason(), failure.deadline(), now)
            }
        }
    }
}

/// Records outcomes in any store by the rules of a [`ProfileSelector`]. Each call is one
/// [`update`](AuthProfileStore::update) and returns its errors.
pub trait RecordOutcome: AuthProfileStore {
    /// Records that the receipt's request succeeded.
    ///
    /// # Errors
    ///
    /// Those of [`ProfileSelector::record_success`] and of [`update`](AuthProfileStore::update); the receipt then stays
    /// open, so that the call can be repeated.
    fn record_success(&self, selector: &ProfileSelector, receipt: &Receipt, now: Timestamp) -> Result<()> {
        let write = || {
            if !self.splits_usage() {
                return self.transact(|profiles| selector.write_success(profiles, receipt, now));
            }
            let note = &mut |profiles: &AuthProfiles, usage: &mut UsageStats| {
                selector.note_success(profiles, usage, receipt, now, now);
            };
            let profiles = self.update_usage(receipt.profile(), note)?;
            name_last_good(self, &profiles, receipt.profile())
        };
        receipt.report(write).map(Option::unwrap_or_default)
    }

    /// Records that the receipt's request failed, with its reason and the server's deadline if there is one. To
    /// classify failures yourself, create them with [`Failure::new`].
    ///
    /// # Errors
    ///
    /// Those of [`ProfileSelector::record_failure`] and of [`update`](AuthProfileStore::update); the receipt then stays
    /// open, so that the call can be repeated.
    fn record_failure(
        &self,
        selector: &ProfileSelector,
        receipt: &Receipt,
        failure: &Failure,
        now: Timestamp,
    ) -> Result<()> {
        let (reason, deadline) = (failure.reason(), failure.deadline());
        let write = || {
            let note = &mut |profiles: &AuthProfiles, usage: &mut UsageStats| {
                selector.note_failure(profiles, usage, receipt, (reason, deadline), now);
            };
            self.update_usage(receipt.profile(), note).map(|_| ())
        };
        receipt.report(write).map(Option::unwrap_or_default)
    }

    /// Records an outcome that a rotation reported.
    ///
    /// # Errors
    ///
    /// Those of [`record_success`](Self::record_success) and [`record_failure`](Self::record_failure).
    fn record(&self, selector: &ProfileSelector, record: &Record, now: Timestamp) -> Result<()> {
        match record {
            Record::Success(receipt) => self.record_success(selector, receipt, now),
            Record::Failure(receipt, failure) => self.record_failure(selector, receipt, failure, now),
        }
    }

    /// Ends every cooldown of a profile, because the user has fixed the cause; returns `true` if there was one. Also
    /// works for a pseudo profile such as `inline-api-key:anthropic`.
    ///
    /// # Errors
    ///
    /// [`UnknownProfile`](crate::ErrorKind::UnknownProfile) if there is neither such a profile nor statistics for it,
    /// and
    /// those of [`ProfileSelector::clear_cooldown`] and of [`update`](AuthProfileStore::update).
    fn clear_cooldown(&self, selector: &ProfileSelector, id: &ProfileId) -> Result<bool> {
        self.transact(|profiles| {
            if profiles.get(id.as_str()).is_none() && profiles.usage(id.as_str()).is_none() {
                return Err(unknown_profile(id));
            }
            selector.clear_cooldown(profiles, id)
        })
    }
}

impl<T: AuthProfileStore + ?Sized> RecordOutcome for T {}

/// Names a profile as its provider's last good one in a store that splits the statistics off. Does nothing if an
/// existing profile is named already: a change would rewrite the credentials, and the name is for display only.
pub(crate) fn name_last_good(
    store: &(impl AuthProfileStore + ?Sized),
    profiles: &AuthProfiles,
    id: &ProfileId,
) -> Result<()> {
    let Some(profile) = profiles.get(id.as_str()) else { return Ok(()) };
    let is_named = |profiles: &AuthProfiles| {
        let last = profiles.last_good(profile.provider());
        last.is_some_and(|last| profiles.get(last.as_str()).is_some())
    };
    if is_named(profiles) {
        return Ok(());
    }
    store.transact(|profiles| {
        if !is_named(profiles) {
            profiles.set_last_good(id);
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Credential;
    use crate::error::ErrorKind;
    use crate::id::ProviderId;
    use crate::reason::FailureReason;
    use crate::secret::Secret;
    use crate::store::MemoryStore;

    #[test]
    fn a_report_that_fails_leaves_the_receipt_open_and_a_repeated_one_changes_nothing() {
        let (store, selector) = (MemoryStore::default(), ProfileSelector::default());
        let (id, provider) = (ProfileId::new("anthropic:one").unwrap(), ProviderId::anthropic());
        store.upsert(&id, &provider, &Credential::api_key(Secret::new("sk-1")), None).unwrap();
        let now = Timestamp::from_millis(1_000_000);
        let receipt = Receipt::new(id, provider, None, now);
        let report = || store.record_failure(&selector, &receipt, &Failure::new(FailureReason::Auth), now);
        // Inside an update the report cannot be written, so it must not count as made.
        let nested = store.transact(|_| Ok(report().unwrap_err().kind()));
        assert_eq!((nested.unwrap(), receipt.is_reported()), (ErrorKind::Reentrant, false));
        report().unwrap();
        report().unwrap();
        let loaded = store.load().unwrap();
        let count = loaded.usage("anthropic:one").map(|usage| usage.failure_count(FailureReason::Auth));
        assert_eq!(count, Some(1.0));
    }
}
