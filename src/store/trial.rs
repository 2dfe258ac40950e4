//! Who makes the trial of a profile.

use super::lease::Lease;

/// Who makes the trial of a profile after a window.
#[derive(Debug)]
#[non_exhaustive]
pub enum TrialClaim {
    /// The store is not shared between machines: the caller may.
    Unshared,
    /// The caller does, and nobody else as long as it holds this guard. It is to be held until the outcome is recorded, or
    /// is known to leave nothing to record, as when a stream has begun; the document is to be loaded anew before the trial,
    /// which another one may have made until now. Its drop waits for nothing, and may have another thread give it back.
    Held(Lease),
    /// Another one does.
    Elsewhere,
}
