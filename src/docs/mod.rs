//! Pages about more than one item.
//!
//! - [Embedding in an agent](embedding_in_an_agent): from the shortest way down to one request by hand.
//! - [Troubleshooting](troubleshooting): every message, and what to do about it.
//! - [Answers](answers): what each answer of a provider means, whom it blames, and what to try.
//! - [How a key is chosen](how_a_key_is_chosen): order, cooldowns, sessions and what is left of limits, in one picture.
//! - [Prompt caching](prompt_caching): where the breakpoints go, what they save, and why the cache misses.
//! - [Configuration](configuration): every key of `openclaw.json` that is read, and what it does.
//! - [Gateways](gateways): what to configure for the usual ones, what is sent, and where plain HTTP is allowed.
//! - [Coming from OpenClaw](coming_from_openclaw): what is the same, what is not, and which command is which function.
//! - [Many machines](many_machines): credentials on a server that many machines share.
//! - [Writing a store](writing_a_store): keeping profiles somewhere else than in a file.
//! - [Architecture](architecture): the modules of the crate and what each may use, for those who change it.
//!
//! This module has no items to call.

#![cfg_attr(
    not(all(feature = "file", feature = "client", feature = "conformance")),
    allow(rustdoc::broken_intra_doc_links, reason = "the pages describe everything the crate can have")
)]

#[cfg(feature = "client")]
#[allow(unused_imports, clippy::wildcard_imports, reason = "the links of the pages are resolved here")]
use crate::rotate::*;
#[cfg(feature = "file")]
#[allow(unused_imports, clippy::wildcard_imports, reason = "the links of the pages are resolved here")]
use crate::state_dir::*;
#[allow(unused_imports, clippy::wildcard_imports, reason = "the links of the pages are resolved here")]
use crate::{
    cache::*, config::*, error::*, failure::*, profile::*, providers::*, references::*, refresh::*, request::*,
    rotation::*, select::*, status::*, store::*, *,
};

#[doc = include_str!("answers.md")]
pub mod answers {}

#[doc = include_str!("architecture.md")]
pub mod architecture {}

#[doc = include_str!("coming_from_openclaw.md")]
pub mod coming_from_openclaw {}

#[doc = include_str!("configuration.md")]
pub mod configuration {}

#[doc = include_str!("embedding_in_an_agent.md")]
pub mod embedding_in_an_agent {}

#[doc = include_str!("gateways.md")]
pub mod gateways {}

#[doc = include_str!("how_a_key_is_chosen.md")]
pub mod how_a_key_is_chosen {}

#[doc = include_str!("many_machines.md")]
pub mod many_machines {}

#[doc = include_str!("prompt_caching.md")]
pub mod prompt_caching {}

#[doc = include_str!("troubleshooting.md")]
pub mod troubleshooting {}

#[doc = include_str!("writing_a_store.md")]
pub mod writing_a_store {}
