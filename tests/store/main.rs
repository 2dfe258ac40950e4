//! The stores, and their files.

#[cfg(unix)]
#[path = "../support/crowd.rs"]
mod crowd;
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
mod shared_refreshes;
mod simulation;
mod state_dir;
#[path = "../support/mod.rs"]
mod support;
mod windows;

/// The name of the file of credentials.
const NAME: &str = "auth-profiles.json";
