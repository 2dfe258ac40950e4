//! The thresholds for headroom, as plain data.

use std::time::Duration;

/// The policy for using reported headroom in the choice of a profile.
///
/// # Examples
///
/// ```
/// use provider_auth::select::SelectorRules;
///
/// let mut rules = SelectorRules::default();
/// if let Some(headroom) = &mut rules.headroom {
///     headroom.leave_below = 0.1; // sessions move on when less than a tenth is left
/// }
/// // Or ignore headroom entirely.
/// rules.headroom = None;
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct HeadroomPolicy {
    /// The remaining share of a limit below which a running session leaves its profile if another one has more left,
    /// from 0 to 1. Default: 0, so that a session stays until its account would refuse.
    pub leave_below: f64,
    /// The longest time that a call of a running session waits for the session's profile if too little is left. A
    /// longer wait moves the session to another profile, whose prompt cache has nothing of it. Default: 8 s.
    pub patience: Duration,
    /// The time after which one request tries a profile with nothing left, if the provider does not report how fast its
    /// limit fills. Default: 5 s.
    pub probe_after: Duration,
    /// The used share of a plan's window from which on it is shared with other programs through the store, from 0 to 1.
    /// Default: 0.9.
    pub share_plan_above: f64,
}

impl Default for HeadroomPolicy {
    fn default() -> Self {
        Self {
            leave_below: 0.0,
            patience: Duration::from_secs(8),
            probe_after: Duration::from_secs(5),
            share_plan_above: 0.9,
        }
    }
}
