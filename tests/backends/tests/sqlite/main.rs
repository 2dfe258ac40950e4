//! The store on OpenClaw's databases, with real databases and real processes.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may stop where it fails, and makes its own files"
)]

mod cases;
mod conformance;
mod layout;
mod model;
mod models;
mod names;
mod processes;
mod program;
mod reading;
mod references;
mod waiting;
mod writing;
