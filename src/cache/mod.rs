//! Prompt caching: cache breakpoints for requests, and the cache usage that replies report.
//!
//! An agent sends its whole prompt with every request. A cache breakpoint (a `cache_control` marker) asks the provider
//! to keep the prompt up to and including the marked block; the next request reads that part at a tenth of the price.
//! [`mark_body`] adds the markers to a finished request body and changes nothing else:
//!
//! ```
//! use provider_auth::CacheRetention;
//! use provider_auth::cache::{BreakpointOptions, mark_body};
//!
//! let first = br#"{"system":"Be brief.","messages":[{"role":"user","content":"Hello"}]}"#.to_vec();
//! let options = BreakpointOptions::new(CacheRetention::Short);
//! let (sent, plan) = mark_body(first, &options)?;
//! for marker in plan.breakpoints() {
//!     println!("{} for {}: {}", marker.path(), marker.ttl, marker.purpose);
//! }
//!
//! // The next request of the session passes the body that was sent last. The plan then knows what was cached.
//! let next = br#"{"system":"Be brief.","messages":[{"role":"user","content":"Hello"},
//!     {"role":"assistant","content":"Hi"},{"role":"user","content":"How are you?"}]}"#.to_vec();
//! let (_, plan) = mark_body(next, &options.previous(&sent))?;
//! assert_eq!(plan.breakpoints().len(), 3);
//! # Ok::<(), provider_auth::Error>(())
//! ```
//!
//! [`RequestBuilder`](crate::RequestBuilder) does this for every request that it builds. The module has two parts:
//!
//! | task | items |
//! | --- | --- |
//! | Choose the blocks that get a marker, and report why | [`mark_body`], [`BreakpointOptions`], [`BreakpointPlan`] |
//! | Find out whether caching pays, and why it does not | [`CacheUsage`], [`CachePrices`], [`PromptChange`], [`PromptFingerprint`], [`choose_lifetimes`] |
//!
//! The module sends nothing and keeps nothing between requests: the caller passes the previous body or plan.
//! [`docs::prompt_caching`](crate::docs::prompt_caching) explains the plan and compares its cost with other placements.

mod body;
mod insight;
mod plan;

pub use insight::{CachePrices, CacheUsage, ChangedPart, PromptChange, PromptFingerprint, choose_lifetimes};
pub use plan::{
    Breakpoint, BreakpointNote, BreakpointOptions, BreakpointOrigin, BreakpointPlan, BreakpointPurpose,
    BreakpointReason, BreakpointSection, Lifetimes, PreviousBody, mark_body,
};
#[cfg(feature = "client")]
pub(crate) use plan::{Continued, Earlier};
pub(crate) use plan::{HostFields, KeptLayout, mark_body_for_host};

pub use crate::retention::CacheTtl;
