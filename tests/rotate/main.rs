//! Calls, renewals and what they leave behind.

mod cooldowns;
mod driving;
mod leaks;
mod logins;
mod observed;
mod processes;
mod providers;
mod refresh;
mod refresh_callers;
#[path = "../support/mod.rs"]
mod support;
mod table;
mod unwritten;
mod wire;
