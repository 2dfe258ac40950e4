//! The claim on the trial of a profile.

use super::lease::Lease;

/// The answer to [`AuthProfileStore::claim_trial`](super::AuthProfileStore::claim_trial): who makes the trial.
#[derive(Debug)]
#[non_exhaustive]
pub enum TrialClaim {
    /// The caller may make it; the store is not shared between machines.
    Unshared,
    /// The caller makes it, and nobody else while this guard is held. Load the document again before the trial, as
    /// someone else may have made it meanwhile. Hold the guard until the outcome is recorded, or until it is clear that
    /// there is nothing to record, such as when a stream has begun. Dropping it never blocks; another thread may
    /// release the claim.
    Held(Lease),
    /// Someone else is making it, or is to make it first.
    Elsewhere,
}
