//! The choice of a credential, and the effect of an outcome on later choices.
//!
//! [`ProfileSelector`] lists a provider's profiles in order, each with a [`Verdict`], and selects the first one that is
//! ready. Report the outcome of the request on the [`Receipt`] of the [`Selection`].
//!
//! This module is pure: profiles, rules, inline credentials and the time are arguments. Its default rules are
//! compatible with OpenClaw; [`SelectorRules::openclaw_2026_02`] reproduces one of its releases exactly.

mod candidate;
mod claimed;
mod event;
mod fitness;
mod headroom;
mod lists;
mod order;
mod pick;
mod probe;
mod query;
mod receipt;
mod report;
mod resolve;
mod rules;
mod selector;
mod session;
pub(crate) mod settings;
mod transition;
mod trial;
mod unavailable;
#[cfg_attr(not(feature = "client"), expect(dead_code, reason = "only the rotator skips writes"))]
mod unwritten;
mod verdict;

pub use candidate::{Candidate, Candidates};
pub(crate) use headroom::told_of;
pub use probe::{Probe, ProbePolicy};
pub use query::Query;
#[cfg(feature = "client")]
pub(crate) use receipt::Claim;
pub use receipt::Receipt;
pub(crate) use resolve::{Inline, InlineFailure};
pub use rules::{Backoff, CooldownPolicy, FailureCounting, SelectorRules};
pub use selector::{ProfileSelector, Selection};
pub(crate) use settings::Settings;
pub use unavailable::Unavailable;
#[cfg(feature = "client")]
pub(crate) use unwritten::Unwritten;
pub use verdict::Verdict;
