//! Calls, renewals and what they leave behind.

mod cooldowns;
mod driving;
mod failures;
mod leaks;
mod logins;
mod observed;
mod processes;
mod providers;
mod references;
mod refresh;
mod refresh_callers;
mod streams;
#[path = "../support/mod.rs"]
mod support;
mod table;
mod unserved;
mod unwritten;
mod wire;
