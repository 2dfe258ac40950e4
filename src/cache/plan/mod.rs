//! Decides which blocks of a prompt get a cache marker, and puts the markers into the body without touching anything else.
//!
//! [`mark_body()`] reads the body and the previous one, lists the blocks worth a marker, most valuable first, and places as
//! many as the API takes beside those that the caller has set. [`BreakpointOptions`] is what is known and asked for,
//! [`BreakpointPlan`] is what was decided and why.

mod candidates;
mod decide;
mod existing;
mod history;
mod mark_body;
mod marker;
mod marker_plan;
mod note;
mod options;
mod places;
mod splice;

pub use mark_body::mark_body;
pub(crate) use mark_body::{HostFields, mark_body_for_host};
pub use marker::{Breakpoint, BreakpointOrigin, BreakpointPurpose, BreakpointSection};
pub use marker_plan::BreakpointPlan;
pub use note::{BreakpointNote, BreakpointReason};
pub use options::{BreakpointOptions, Lifetimes};
