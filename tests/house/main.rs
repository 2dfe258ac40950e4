//! Rules for the whole crate: its errors, its public items, its modules, its packages, and its pages.

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
