//! The credential document.

mod document;
mod hostile;
mod keeps;
#[path = "../support/mod.rs"]
mod support;
