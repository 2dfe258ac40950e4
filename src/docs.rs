//! Pages for readers rather than for the compiler.

#[doc = include_str!("docs/prompt_caching.md")]
pub mod prompt_caching {}
