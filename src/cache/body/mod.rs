//! Reads a request body: its blocks and cache markers, and how much of it is the same in another body.
//!
//! [`scan()`] goes over the bytes once and fills the tables of a [`BodyLayout`]. It builds no tree and decodes only
//! names, so it takes less time than `serde_json` needs to validate the same bytes. [`CommonPrefix`] and [`Slide`]
//! compare two such bodies; parts that both have are read once, and [`scan_alike`] tells
//! whether they belong to one conversation. The module does not decide which blocks to mark.

mod alike;
mod block;
#[cfg(test)]
pub(super) mod bodies;
mod compare;
mod escapes;
mod json;
mod layout;
mod marked;
mod name;
mod scan;
mod shared;
mod text;

pub(super) use alike::{has_other_instructions, may_contain_first, may_go_on, shares_answer, start_alike};
pub(super) use block::call_has_name;
pub(super) use compare::{CommonPrefix, Compared, Scanned, Slide, unmarked};
pub(super) use layout::{Block, BlockKind, BlockPath, BodyLayout, CacheControl, PromptSection, Span};
pub(super) use marked::Inserted;
pub(super) use scan::{scan, scan_alike, scan_compared, scan_next, scan_to_compare};
