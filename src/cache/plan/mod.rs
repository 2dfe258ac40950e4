//! Chooses the blocks of a prompt that get a cache marker, and inserts the markers into the body without touching
//! anything else.
//!
//! [`mark_body()`] reads the body and the previous one, lists the blocks worth a marker, most valuable first, and marks
//! as many as the API takes beside the caller's markers. [`BreakpointOptions`] is the input, [`BreakpointPlan`] the
//! decision with its reasons.

mod candidates;
mod clearing;
mod decide;
mod earlier;
mod existing;
mod history;
mod mark_body;
mod marker;
mod marker_plan;
mod note;
mod options;
mod places;
mod previous_body;
mod splice;

pub(super) use clearing::Clearing;
#[cfg(feature = "client")]
pub(crate) use earlier::{Continued, Earlier};
pub use mark_body::mark_body;
pub(crate) use mark_body::{HostFields, KeptLayout, mark_body_for_host};
pub use marker::{Breakpoint, BreakpointOrigin, BreakpointPurpose, BreakpointSection};
pub use marker_plan::BreakpointPlan;
pub use note::{BreakpointNote, BreakpointReason};
pub use options::{BreakpointOptions, Lifetimes};
pub use previous_body::PreviousBody;
