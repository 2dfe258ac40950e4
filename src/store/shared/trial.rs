//! The trial of a profile, of which one machine makes each.

use std::sync::Arc;

use super::core::Core;
use super::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::profile::Trial;
use crate::store::lease::Lease;
use crate::store::trial::TrialClaim;

/// A trial under way. Others can make one once this is dropped.
struct Claim<E: Engine + 'static> {
    core: Arc<Core<E>>,
    name: String,
    token: String,
}

impl<E: Engine + 'static> Core<E> {
    pub(super) fn claim_trial(self: &Arc<Self>, trial: &Trial) -> Result<TrialClaim> {
        if self.is_away() && self.was_away_lately() {
            let message = "the server that keeps the credentials cannot be reached";
            return Err(Error::new(ErrorKind::StoreUnavailable, message));
        }
        let (name, token) = (trial.name(), self.stamps.next());
        if self.renewals.is_held(&name) || !self.asked(self.engine.acquire(&name, &token, self.settings.lease_life))? {
            return Ok(TrialClaim::Elsewhere);
        }
        let claim = Claim { core: Arc::clone(self), name, token };
        self.renewals.hold(&claim.token, &claim.name);
        self.renew_beside();
        // What the last holder wrote is known from here on, however stale a document may be.
        self.read(&self.newest())?;
        Ok(TrialClaim::Held(Lease::new(claim)))
    }
}

impl<E: Engine + 'static> Drop for Claim<E> {
    fn drop(&mut self) {
        // An asynchronous caller may drop it anywhere, so that only an engine that never waits is told here.
        if self.core.engine.may_block() {
            self.core.renewals.end_later(&self.token);
        } else {
            self.core.renewals.end(&self.token);
            // One that cannot be given back ends by itself.
            let _ = self.core.engine.release(&self.name, &self.token);
        }
    }
}
