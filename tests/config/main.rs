//! Tests of reading configurations: values, diagnostics, and hostile input.

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
