//! Reading a configuration: what it says, what is wrong with it, and what it may not do.

mod clean;
mod diagnostics;
mod entries;
mod env;
mod hostile;
mod include;
mod lint;
mod names;
mod retention;
mod spellings;
#[path = "../support/mod.rs"]
mod support;
mod values;
