//! Pages that go further than the items they describe.
//!
//! - [Troubleshooting](troubleshooting): every message, and what to do about it.
//! - [Answers](answers): what each answer of a provider means, whom it blames, and what to try.
//! - [Coming from OpenClaw](coming_from_openclaw): what is the same, what is not, and which command is which function.
//! - [Configuration](configuration): every key of `openclaw.json` that is read, and what it does.
//! - [Gateways](gateways): what to configure for the usual ones, what is sent, and what plain HTTP is for.
//! - [Writing a store](writing_a_store): keeping profiles somewhere else than in a file.
//! - [Embedding in an agent](embedding_in_an_agent): one request from the configuration to the record of its outcome.
//! - [How a key is chosen](how_a_key_is_chosen): order, cooldowns, sessions and what is left, in one picture.
//! - [Many machines](many_machines): one account on many machines, over a server that they share.
//! - [Prompt caching](prompt_caching): what is cached, for how long, and how to see it.
//! - [Architecture](architecture): the rooms of the crate and what each may use, for those who change it.
//!
//! There is nothing to call here.

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
