//! When a profile is left, as plain data.

use std::time::Duration;

/// What is made of what providers say is left.
///
/// # Examples
///
/// ```
/// use provider_auth::select::SelectorRules;
///
/// let mut rules = SelectorRules::default();
/// if let Some(headroom) = &mut rules.headroom {
///     headroom.leave_below = 0.1; // sessions move on while a tenth is left
/// }
/// // Or switch all of it off.
/// rules.headroom = None;
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct HeadroomPolicy {
    /// At which remaining share of a limit a running session leaves its profile where another one has more, from 0 to 1.
    /// Default: 0, so that it stays until its account would refuse.
    pub leave_below: f64,
    /// How long a call of a running session waits for the session's profile, where too little is left of it, before it moves
    /// to another one, whose prompt cache has nothing of it. Default: 8 s.
    pub patience: Duration,
    /// How long a profile of which nothing is left is passed over where the provider does not say how fast its limit fills: after
    /// that, one request tries it. Default: 5 s.
    pub probe_after: Duration,
    /// From which used share of a plan's window on the others of a shared store are told of it, from 0 to 1. Default: 0.9.
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
