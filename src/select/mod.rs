//! Which credential to use now, and what its success or failure changes.
//!
//! Everything here is pure: profiles, configuration and the time come in as arguments.

mod candidate;
mod configured;
mod order;
mod probe;
mod query;
mod receipt;
mod resolve;
mod rules;
mod selector;
mod session;
mod transition;
mod unavailable;
mod verdict;

pub use candidate::{Candidate, Candidates};
pub use probe::{Probe, ProbePolicy};
pub use query::Query;
pub use receipt::Receipt;
pub use resolve::CredentialSource;
pub use rules::{CooldownPolicy, Counting, Ladder, SelectorRules};
pub use selector::{ProfileSelector, Selection};
pub use unavailable::Unavailable;
pub use verdict::Verdict;
