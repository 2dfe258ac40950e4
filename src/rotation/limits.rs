//! What bounds a call.

use std::time::Duration;

use crate::failure::RetryBackoff;

/// What bounds one call, as plain data.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RotationLimits {
    /// How many attempts are made at most, over all profiles and models, refreshes of a refused credential included.
    /// Default: 10; zero counts as one.
    pub attempts: usize,
    /// How long the call takes at most. Default: 10 min. An attempt that is cut off then counts as a timeout only if it had
    /// all of it: what pauses and other attempts took is not the provider's fault.
    pub time: Duration,
    /// How long one attempt takes at most. Default: as long as the call.
    pub attempt_timeout: Option<Duration>,
    /// How often a model's request is sent again with the same profile where the provider, or the way to it, is at fault,
    /// or where no other profile is left and the server names a short wait. Default: 2, as in the vendors' SDKs.
    pub retries: u32,
    /// How long to wait before that, where the server does not say it. A wait that the server asks for is kept if it is
    /// not longer than the longest of these pauses. Default: [`RetryBackoff::default`].
    pub backoff: RetryBackoff,
    /// How many more profiles are tried where the provider is to blame. Default: 1.
    pub overloaded_rotations: u32,
    /// How long to wait before such a try. Default: not at all.
    pub overloaded_pause: Duration,
    /// How many more profiles are tried after a rate limit; `None` for all. Default: all.
    pub rate_limited_rotations: Option<u32>,
}

impl Default for RotationLimits {
    fn default() -> Self {
        Self {
            attempts: 10,
            time: Duration::from_secs(600),
            attempt_timeout: None,
            retries: 2,
            backoff: RetryBackoff::default(),
            overloaded_rotations: 1,
            overloaded_pause: Duration::ZERO,
            rate_limited_rotations: None,
        }
    }
}
