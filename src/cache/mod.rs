//! Prompt-cache markers: where they go in a request body, why, and putting them there without touching anything else.

mod block;
mod callers;
mod change;
mod choose;
mod compare;
mod decide;
mod escapes;
mod few;
mod fingerprint;
mod history;
mod json;
mod layout;
mod marker;
mod name;
mod options;
mod plan;
mod prices;
mod scan;
mod splice;
mod text;
mod usage;
mod wishes;

pub use change::{ChangedPart, PromptChange};
pub use choose::choose_lifetimes;
pub use fingerprint::PromptFingerprint;
pub use marker::{CacheMarker, CacheTtl, MarkerNote, MarkerOrigin, MarkerPurpose, MarkerReason, MarkerSection};
pub use options::{Lifetimes, MarkerOptions};
pub(crate) use plan::{HostFields, mark_body_for_host};
pub use plan::{MarkerPlan, mark_body, mark_body_with};
pub use prices::CachePrices;
pub use usage::CacheUsage;
