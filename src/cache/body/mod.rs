//! Reads a request body: where its blocks and cache markers are, and how much of it is the same in another body.
//!
//! [`scan()`] goes over the bytes once and fills the tables of a [`BodyLayout`]. It builds no tree and decodes nothing but
//! names, so it takes less time than `serde_json` needs to validate the same bytes. [`CommonPrefix`] and [`Slide`]
//! compare two bodies that were read that way; what stands in both is read once. Nothing here knows where markers ought to be.

mod block;
mod compare;
mod escapes;
mod json;
mod layout;
mod name;
mod scan;
mod shared;
mod text;

pub(super) use compare::{CommonPrefix, Scanned, Slide, unmarked};
pub(super) use layout::{Block, BlockKind, BlockPath, BodyLayout, CacheControl, PromptSection, Span};
pub(super) use scan::{scan, scan_compared, scan_to_compare};
