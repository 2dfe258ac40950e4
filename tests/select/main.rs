//! The choice of a credential, and the length of cooldowns.

mod bench;
mod cases;
mod cooldown_reports;
mod cooldown_rules;
mod cooldowns;
mod distant;
mod february;
mod headroom;
mod held;
mod model;
mod reference;
mod resolution;
mod resolution_vectors;
mod simulator;
mod strip;
#[path = "../support/mod.rs"]
mod support;
mod traced;
mod unavailable;
mod vectors;
