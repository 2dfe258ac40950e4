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
mod packages;
mod pages;
mod providers;
#[cfg(unix)]
mod public_api;
#[path = "../support/mod.rs"]
mod support;
