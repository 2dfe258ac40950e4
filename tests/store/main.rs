//! The stores, and their files.

mod documents;
mod ends;
mod fairness;
mod file;
mod guard;
mod memory;
mod paths;
mod processes;
mod properties;
mod shared;
mod shared_faults;
mod simulation;
mod state_dir;
#[path = "../support/mod.rs"]
mod support;

/// The name of the file of credentials.
const NAME: &str = "auth-profiles.json";
