//! Calls, refreshes and their recorded outcomes.

mod agent_loop;
mod cooldowns;
mod driving;
mod ends;
mod failures;
mod fleet;
mod gateways;
mod headroom;
mod leaks;
mod logins;
mod observed;
mod processes;
mod providers;
mod references;
mod refresh;
mod refresh_callers;
mod refresh_held;
mod refusing;
mod reload;
mod requests;
mod scripted;
mod sessions;
mod streams;
#[path = "../support/mod.rs"]
mod support;
mod table;
mod threads;
mod time;
mod trial;
mod trial_claims;
mod truncated;
mod unserved;
mod unwritten;
mod wire;
mod written;
