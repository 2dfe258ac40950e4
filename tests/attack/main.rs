//! The crate attacked from outside: what it is given is damaged at random, or made to look like something else.
//! CONTRIBUTING.md ("Attack tests") says how a new entry point is added.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it fails")]

mod documents;
mod driver;
mod texts;
mod wire;

#[path = "../support/mod.rs"]
mod support;
#[path = "../../examples/table/mod.rs"]
mod table;
