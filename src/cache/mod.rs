//! Prompt-cache markers: where they go in a request body, why, and putting them there without touching anything else.

mod callers;
mod json;
mod layout;
mod marker;
mod name;
mod plan;
mod scan;
mod splice;
mod text;
mod utf8;

pub use marker::{CacheMarker, CacheTtl, MarkerNote, MarkerOrigin, MarkerReason, MarkerSection};
pub use plan::{MarkerPlan, mark_body};
