//! Attacks on the crate from outside: its inputs are damaged at random, or made to look like something else.
//! CONTRIBUTING.md ("Attack tests") explains how to add an entry point.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::create_dir,
    clippy::disallowed_methods,
    reason = "a test may stop where it fails; these have a time of their own, read how long it is, and say what they did"
)]

mod documents;
mod driver;
mod growth;
mod hosts;
mod kills;
mod leaks;
#[cfg(target_os = "linux")]
mod memory;
mod numbers;
mod random;
mod servers;
mod texts;
mod wire;

#[cfg(target_os = "linux")]
#[path = "../support/remains.rs"]
mod remains;
#[path = "../support/mod.rs"]
mod support;
