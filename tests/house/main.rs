//! What holds for the whole crate: every error, every public item, no secret in any text.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may stop where it fails, and reads sources"
)]

mod error_kinds;
mod ids;
mod layers;
mod pages;
mod providers;
#[path = "../support/mod.rs"]
mod support;
