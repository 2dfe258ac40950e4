//! Tells whether caching works: what replies cost, why a request missed, and which lifetimes would have been cheapest.
//!
//! [`CacheUsage`] reads the counters of a reply, [`CachePrices`] says what each costs. [`PromptChange`] names the first
//! difference between two requests that costs cache entries, and [`PromptFingerprint`] is a number for each section to log.
//! [`choose_lifetimes`] learns from the gaps between requests. Planning and sending use none of this.

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
