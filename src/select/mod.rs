//! Which credential to use now, and what its success or failure changes.
//!
//! Everything here is pure: profiles, rules, an inline credential and the time come in as arguments.

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
mod settings;
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
pub(crate) use settings::{ConfiguredProfile, ExpectedKind, Settings};
pub use unavailable::Unavailable;
#[cfg(feature = "client")]
pub(crate) use unwritten::Unwritten;
pub use verdict::Verdict;
