//! Attacks from outside: what hostile input may cost, and what it must never do.

mod growth;
mod hosts;
mod numbers;
#[path = "../support/mod.rs"]
mod support;
