//! Prompt caching: where the cache breakpoints of a request belong, and what the replies say about them.
//!
//! An agent sends its whole prompt with every request. A cache breakpoint (a `cache_control` marker) tells the provider
//! where to cut the prompt: what is before the cut is kept, and the next request reads it at a tenth of the price.
//! [`mark_body`] puts the breakpoints into a finished request body and changes nothing else:
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
//! [`RequestBuilder`](crate::RequestBuilder) does this for the requests that it builds. The parts answer one question each:
//!
//! | question | answer |
//! | --- | --- |
//! | What is in the body, and how much of it was in the previous one? | `body`, which the other two read |
//! | Which blocks get a marker, and why? | `plan`: [`mark_body`], [`BreakpointOptions`], [`BreakpointPlan`] |
//! | Does it pay, and if not, why? | `insight`: [`CacheUsage`], [`CachePrices`], [`PromptChange`], [`PromptFingerprint`], [`choose_lifetimes`] |
//!
//! The reasons behind the plan, and what it costs against others: [`docs::prompt_caching`](crate::docs::prompt_caching).

mod body;
mod insight;
mod plan;

pub use insight::{CachePrices, CacheUsage, ChangedPart, PromptChange, PromptFingerprint, choose_lifetimes};
pub use plan::{
    Breakpoint, BreakpointNote, BreakpointOptions, BreakpointOrigin, BreakpointPlan, BreakpointPurpose,
    BreakpointReason, BreakpointSection, Lifetimes, mark_body,
};
pub(crate) use plan::{HostFields, mark_body_for_host};

pub use crate::retention::CacheTtl;
