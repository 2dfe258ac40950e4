//! The store on a real Redis server, which the tests start on a free loopback port with its own directory.
//!
//! Without a `redis-server` the tests report that on standard error and pass.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test may stop where it fails, says what did not run, and looks at clocks from outside"
)]
#![cfg(unix)]

mod child;
mod conformance;
mod example;
mod failover;
mod faults;
#[path = "../../../attack/leaks/heard.rs"]
mod heard;
mod leaks;
mod limits;
mod lost;
#[cfg(target_os = "linux")]
mod memory;
mod processes;
#[path = "../../../attack/random.rs"]
mod random;
mod refreshes;
mod refusals;
#[cfg(target_os = "linux")]
#[path = "../../../support/remains.rs"]
mod remains;
mod server;
mod way;
