//! Limits of a call.

use std::time::Duration;

use crate::failure::RetryBackoff;

/// The limits of one call, as plain data.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RotationLimits {
    /// The maximum number of attempts over all profiles and models, including those after the refresh of a refused
    /// credential. Default: 10; zero counts as one.
    pub attempts: usize,
    /// The maximum duration of the call. Default: 10 min. An attempt that is cut off by it counts as a timeout only if
    /// it had all of that time: pauses and other attempts are not the provider's fault.
    pub time: Duration,
    /// The maximum duration of one attempt. Default: that of the call.
    pub attempt_timeout: Option<Duration>,
    /// The maximum number of times that a model's request is repeated with the same profile, if the provider or the
    /// network is at fault, or if no other profile is left and the server names a short wait. Default: 2, as in the
    /// vendors' SDKs.
    pub retries: u32,
    /// The pauses before such a repetition, unless the server names a wait. A wait that the server names is observed if
    /// it is not longer than the longest of these pauses. Default: [`RetryBackoff::default`].
    pub backoff: RetryBackoff,
    /// The maximum number of further profiles to try if the provider is to blame. Default: 1.
    pub overloaded_rotations: u32,
    /// The pause before trying such a profile. Default: zero.
    pub overloaded_pause: Duration,
    /// The maximum number of further profiles to try after a rate limit; `None` for no maximum. Default: `None`.
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
