//! Measures whether caching works: the cost of replies, the reason for a miss, and the cheapest lifetimes.
//!
//! [`CacheUsage`] reads the counters of a reply, and [`CachePrices`] has the price of each. [`PromptChange`] names the
//! first difference between two requests that loses cache entries, and [`PromptFingerprint`] has a number to log for
//! each section. [`choose_lifetimes`] learns from the gaps between requests. Planning and sending use none of this.

mod change;
mod choose;
mod counters;
mod fingerprint;
mod prices;
mod usage;

pub use change::{ChangedPart, PromptChange};
pub use choose::choose_lifetimes;
pub use fingerprint::PromptFingerprint;
pub use prices::CachePrices;
pub use usage::CacheUsage;
