//! What users see and type: status and setup.

mod references;
mod secrets;
mod setup;
mod setup_reference;
mod status_golden;
mod status_reference;
mod status_today;
#[path = "../support/mod.rs"]
mod support;
mod vectors;
