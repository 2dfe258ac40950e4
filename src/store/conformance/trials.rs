//! Checks of trials, of which one machine makes each.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{THREADS, ensure, id};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::profile::Trial;
use crate::store::{AuthProfileStore, TrialClaim};

/// How often an ended trial is claimed again: a store may report the end to its server in the background.
const TRIES: u32 = 1_000;

fn trial(until: i64) -> Result<Trial> {
    Ok(Trial::new(id("anthropic:one")?, None, Timestamp::from_millis(until)))
}

pub(super) fn one_claims_a_trial(store: &dyn AuthProfileStore) -> Result<()> {
    let first = match store.claim_trial(&trial(1_000)?)? {
        TrialClaim::Unshared => return Ok(()),
        claim => claim,
    };
    ensure(matches!(first, TrialClaim::Held(_)), "a trial that nobody makes was refused")?;
    let second = store.claim_trial(&trial(1_000)?)?;
    ensure(matches!(second, TrialClaim::Elsewhere), "two callers may try the end of one window")?;
    let other = store.claim_trial(&trial(2_000)?)?;
    ensure(matches!(other, TrialClaim::Held(_)), "the trial of one window kept another one from being tried")?;
    drop((first, other));
    // Nothing is ever sent: each try waits until the timeout.
    let (_open, never): (_, Receiver<()>) = channel();
    let is_free = |_| -> Result<bool> {
        let claim = store.claim_trial(&trial(1_000)?)?;
        let free = matches!(claim, TrialClaim::Held(_));
        if !free {
            let _ = never.recv_timeout(Duration::from_millis(10));
        }
        Ok(free)
    };
    let free = (0..TRIES).map(is_free).find(|free| !matches!(free, Ok(false))).unwrap_or(Ok(false))?;
    ensure(free, "a trial that ended keeps others away")?;
    let held = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            let held = &held;
            scope.spawn(move || {
                let claim = trial(3_000).and_then(|trial| store.claim_trial(&trial));
                held.lock().unwrap_or_else(PoisonError::into_inner).push(claim);
            });
        }
    });
    let held = held.into_inner().unwrap_or_else(PoisonError::into_inner);
    let winners = held.iter().filter(|claim| matches!(claim, Ok(TrialClaim::Held(_)))).count();
    ensure(winners == 1 && held.iter().all(Result::is_ok), "not one of several callers alone may try a window")
}
