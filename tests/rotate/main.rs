//! Calls, renewals and what they leave behind.

mod cooldowns;
mod leaks;
mod logins;
mod processes;
mod refresh;
#[path = "../support/mod.rs"]
mod support;
mod wire;
