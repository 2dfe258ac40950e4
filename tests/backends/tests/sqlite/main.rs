//! The store on OpenClaw's databases, with real databases and real processes.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test may stop where it fails, and makes its own files"
)]

mod cases;
mod conformance;
#[cfg(unix)]
#[path = "../../../support/crowd.rs"]
mod crowd;
#[cfg(target_os = "linux")]
mod ends;
#[cfg(unix)]
mod fairness;
#[path = "../../../attack/leaks/heard.rs"]
mod heard;
mod layout;
mod leaks;
mod model;
mod models;
#[cfg(unix)]
mod moves;
mod names;
mod processes;
mod program;
#[path = "../../../attack/random.rs"]
mod random;
mod reading;
mod references;
#[cfg(unix)]
#[allow(dead_code, reason = "the tests of Redis use all of it")]
#[path = "../redis/server.rs"]
mod server;
mod waiting;
mod writing;
