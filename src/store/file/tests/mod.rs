//! What needs a disk that records, or one that fails.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where something is wrong, and looks at files from outside"
)]

mod crash;
mod double;
mod failure;
mod freshness;
mod waiting;
