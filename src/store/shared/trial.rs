//! The claim on a trial, which one machine makes.

use std::sync::Arc;
use std::time::Duration;

use super::core::Core;
use super::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::profile::Trial;
use crate::store::lease::{Lease, LeaseGuard};
use crate::store::trial::TrialClaim;

/// A claim on a trial. Others can claim it once this is dropped.
struct Claim<E: Engine + 'static> {
    core: Arc<Core<E>>,
    name: String,
    token: String,
    is_ended: bool,
}

/// For how many lives of a lease a claim is extended at most; after that, a request without an answer no longer counts.
const LIVES: u32 = 2;
/// The time after the end of a window within which machines that cannot claim its trial make it, each at its own moment.
const SPREAD: Duration = Duration::from_secs(30);

impl<E: Engine + 'static> Core<E> {
    pub(super) fn claim_trial(self: &Arc<Self>, trial: &Trial) -> Result<TrialClaim> {
        self.ask_for(trial).or_else(|error| {
            // Every machine that cannot claim would otherwise try at the same moment.
            let turn = trial.until() + self.stamps.share(&trial.name(), SPREAD);
            if self.settings.clock.now() < turn { Ok(TrialClaim::Elsewhere) } else { Err(error) }
        })
    }

    fn ask_for(self: &Arc<Self>, trial: &Trial) -> Result<TrialClaim> {
        if self.was_cut_lately() {
            let message = "the server that keeps the credentials cannot be reached";
            return Err(Error::new(ErrorKind::StoreUnavailable, message));
        }
        let (name, token) = (trial.name(), self.stamps.next());
        // Claims that this process has yet to release do not block it.
        for ended in self.renewals.ended(&name) {
            let _ = self.engine.release(&name, &ended);
        }
        let now = self.settings.clock.now();
        if self.renewals.is_held(&name, now) {
            return Ok(TrialClaim::Elsewhere);
        }
        match self.asked(self.engine.acquire(&name, &token, self.settings.lease_life)) {
            Ok(true) => self.refuses(false),
            Ok(false) => return Ok(TrialClaim::Elsewhere),
            Err(error) => {
                if error.kind() == ErrorKind::StoreUnavailable && self.read(&self.newest()).is_ok() {
                    self.refuses(true);
                }
                return Err(error);
            }
        }
        let claim = Claim { core: Arc::clone(self), name, token, is_ended: false };
        self.renewals.hold(&claim.token, &claim.name, Some(now + self.settings.lease_life * LIVES));
        self.renew_beside();
        // This process now knows what the last holder wrote, however stale its document may be.
        self.read(&self.newest())?;
        Ok(TrialClaim::Held(Lease::guarded(claim)))
    }
}

impl<E: Engine + 'static> LeaseGuard for Claim<E> {
    fn release(&mut self) {
        if std::mem::replace(&mut self.is_ended, true) {
            return;
        }
        self.core.renewals.end(&self.token);
        // A claim that cannot be released expires.
        let _ = self.core.engine.release(&self.name, &self.token);
    }
}

impl<E: Engine + 'static> Drop for Claim<E> {
    fn drop(&mut self) {
        // An asynchronous caller may drop it anywhere, so only an engine that never blocks is called here.
        if !self.core.engine.may_block() {
            self.release();
        } else if !self.is_ended {
            self.core.renewals.end_later(&self.token);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{ManualClock, Timestamp};
    use crate::id::ProfileId;
    use crate::store::AuthProfileStore as _;
    use crate::store::shared::{MemoryEngine, Settings, SharedStore};

    #[test]
    fn a_trial_without_an_answer_is_renewed_for_two_lives_and_a_lease_as_long_as_it_is_held() {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
        let engine = MemoryEngine::new(clock.clone());
        let machine = |engine: MemoryEngine| {
            let store = SharedStore::new(engine, Settings::default().clock(clock.clone()));
            (store.core.clone(), store)
        };
        let ((core, one), (_, other)) = (machine(engine.clone()), machine(engine.clone()));
        let profile = ProfileId::new("anthropic:a").unwrap();
        let trial = Trial::new(profile.clone(), None, Timestamp::from_millis(1_000));
        let claim = |store: &SharedStore<MemoryEngine>| match store.claim_trial(&trial).unwrap() {
            TrialClaim::Held(lease) => Some(lease),
            _ => None,
        };
        let (held, lease) = (claim(&one).unwrap(), one.lease(&profile, Duration::ZERO).unwrap());
        let renew = |seconds| {
            for _ in 0..seconds / 10 {
                clock.advance(Duration::from_secs(10));
                core.renew_held();
            }
        };
        renew(100);
        assert!(claim(&one).is_none() && claim(&other).is_none());
        renew(20);
        // The machine itself is no exception.
        let own = claim(&one).unwrap();
        drop(own);
        assert!(claim(&other).is_some());
        assert!(other.lease(&profile, Duration::ZERO).is_err());
        drop((held, lease));
        assert!(other.lease(&profile, Duration::ZERO).is_ok());
    }
}
