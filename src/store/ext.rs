//! Everything a store can do that follows from its two required methods.

use super::AuthProfileStore;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::failure::Failure;
use crate::id::{ProfileId, ProviderId};
use crate::profile::{AuthProfiles, Credential};
use crate::reason::FailureReason;
use crate::select::{ProfileSelector, Receipt};

/// What every store can do: each call is one [`update`](AuthProfileStore::update), with its errors.
pub trait AuthProfileStoreExt: AuthProfileStore {
    /// Runs a closure that gives a value on the fresh document, and commits what it changed.
    ///
    /// # Errors
    ///
    /// The closure's own error and those of [`update`](AuthProfileStore::update).
    fn transact<T>(&self, mut change: impl FnMut(&mut AuthProfiles) -> Result<T>) -> Result<T> {
        let mut value = None;
        self.update(&mut |profiles| {
            value = Some(change(profiles)?);
            Ok(())
        })?;
        // A backend that never ran the closure has broken the contract.
        value.ok_or_else(|| Error::new(ErrorKind::Conformance, "the store did not run the update"))
    }

    /// Adds a profile, or replaces the credential of one, which also ends its cooldowns if the secret is another.
    ///
    /// # Errors
    ///
    /// Those of [`AuthProfiles::upsert`] and of [`update`](AuthProfileStore::update).
    fn upsert(
        &self,
        id: &ProfileId,
        provider: &ProviderId,
        credential: &Credential,
        email: Option<&str>,
    ) -> Result<()> {
        self.transact(|profiles| profiles.upsert(id, provider, credential, email))
    }

    /// Removes a profile and every mention of it; gives whether there was one.
    ///
    /// # Errors
    ///
    /// Those of [`update`](AuthProfileStore::update).
    fn remove(&self, id: &ProfileId) -> Result<bool> {
        self.transact(|profiles| Ok(profiles.remove(id)))
    }

    /// Sets the order of a provider's profiles; an empty list removes the setting.
    ///
    /// # Errors
    ///
    /// Those of [`AuthProfiles::set_order`] and of [`update`](AuthProfileStore::update).
    fn set_order(&self, provider: &ProviderId, ids: &[ProfileId]) -> Result<()> {
        self.transact(|profiles| profiles.set_order(provider, ids))
    }

    /// Records that the request of this receipt succeeded.
    ///
    /// # Errors
    ///
    /// Those of [`ProfileSelector::record_success`] and of [`update`](AuthProfileStore::update); the receipt then stays
    /// open, and the report can be repeated.
    fn record_success(&self, selector: &ProfileSelector, receipt: &Receipt, now: Timestamp) -> Result<()> {
        let report = receipt.report(|| self.transact(|profiles| selector.write_success(profiles, receipt, now)));
        report.map(Option::unwrap_or_default)
    }

    /// Records that the request of this receipt failed; `deadline` is the moment the server named, if it did.
    ///
    /// # Errors
    ///
    /// Those of [`ProfileSelector::record_failure`] and of [`update`](AuthProfileStore::update); the receipt then stays
    /// open, and the report can be repeated.
    fn record_failure(
        &self,
        selector: &ProfileSelector,
        receipt: &Receipt,
        reason: FailureReason,
        deadline: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<()> {
        let write = |profiles: &mut AuthProfiles| selector.write_failure(profiles, receipt, reason, deadline, now);
        receipt.report(|| self.transact(write)).map(Option::unwrap_or_default)
    }

    /// Records what an answer meant for the request of this receipt: its reason, and the moment the server named.
    ///
    /// # Errors
    ///
    /// Those of [`record_failure`](Self::record_failure).
    fn record(&self, selector: &ProfileSelector, receipt: &Receipt, failure: &Failure, now: Timestamp) -> Result<()> {
        self.record_failure(selector, receipt, failure.reason(), failure.deadline(), now)
    }

    /// Ends every window of a profile because a human said that the cause is gone; gives whether that changed anything.
    ///
    /// # Errors
    ///
    /// Those of [`ProfileSelector::clear_cooldown`] and of [`update`](AuthProfileStore::update).
    fn clear_cooldown(&self, selector: &ProfileSelector, id: &ProfileId) -> Result<bool> {
        self.transact(|profiles| selector.clear_cooldown(profiles, id))
    }
}

impl<T: AuthProfileStore + ?Sized> AuthProfileStoreExt for T {}
