//! Config, credential profiles, cooldowns and cache-marked Anthropic requests for LLM agents.
//!
//! An agent has four questions about its credentials. Each is answered by a module, and the usual way through all four
//! needs the names at the root only:
//!
//! | question | answer | module |
//! | --- | --- | --- |
//! | What did the user configure? | [`Config`]: typed JSON5, `${VAR}`, legacy keys, diagnostics | [`config`] |
//! | Which credential do I use now? | [`Config::resolve`] over the [`AuthProfiles`] of an [`AuthProfileStore`] | [`select`], [`store`] |
//! | How do I say it on the wire? | [`RequestBuilder`]: a [`PreparedRequest`] for an [`Endpoint`] | [`request`], [`cache`] |
//! | What does the answer mean for it? | [`FailureClassifier`]: a [`Failure`], recorded through [`RecordOutcome`] | [`failure`] |
//!
//! [`StateDir`] opens the directory that the user has, whichever release of OpenClaw wrote it, and [`references`] finds the
//! secrets that its files only refer to.
//! With the feature `client`, `Rotator` asks all four, sends, and rotates; the module [`refresh`] keeps OAuth credentials
//! alive.
//!
//! # Example
//!
//! ```
//! use provider_auth::{
//!     AuthProfileStore, AuthProfiles, Clock, Config, Endpoint, Failure, FailureReason, MemoryStore, Query, ReadOptions,
//!     RecordOutcome, RequestBuilder, SystemClock,
//! };
//!
//! let config = Config::from_json5_str("{ auth: { order: { anthropic: ['anthropic:a', 'anthropic:b'] } } }", &ReadOptions::new())?;
//! let store = MemoryStore::new(AuthProfiles::from_json(r#"{"version": 1, "profiles": {
//!     "anthropic:a": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-a"},
//!     "anthropic:b": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-b"}}}"#)?);
//! let model = config.resolve_model("anthropic/claude-opus-4-5")?;
//! let (query, clock) = (Query::for_model(&model), SystemClock);
//!
//! let selection = config.resolve(&*store.load()?, &query, clock.now())?;
//! let request = RequestBuilder::for_selection(&Endpoint::anthropic(), &selection)
//!     .configured(&config, &model, None, None)
//!     .body(br#"{"model":"claude-opus-4-5","max_tokens":9,"messages":[{"role":"user","content":"Hello"}]}"#)
//!     .build()?;
//! assert_eq!(request.headers()["x-api-key"], "sk-ant-a");
//!
//! // Send it; say it was answered with 429. The next pick is the other profile.
//! let failure = Failure::new(FailureReason::RateLimit);
//! store.record_failure(config.selector(), &selection.receipt, &failure, clock.now())?;
//! let next = config.resolve(&*store.load()?, &query, clock.now())?;
//! assert_eq!(next.profile.as_str(), "anthropic:b");
//! # Ok::<(), provider_auth::Error>(())
//! ```
//!
//! # Pages
//!
//! | page | for |
//! | --- | --- |
//! | [`docs::embedding_in_an_agent`] | one request, from the configuration to the record of its outcome |
//! | [`docs::troubleshooting`] | every message, and what to do about it |
//! | [`docs::answers`] | what each answer of a provider means, whom it blames, and what to try |
//! | [`docs::how_a_key_is_chosen`] | order, cooldowns, sessions and what is left of limits, in one picture |
//! | [`docs::many_machines`] | one account on many machines: what holds, what does not, and what to set |
//! | [`docs::prompt_caching`] | where the breakpoints go, why, and what that costs |
//! | [`docs::configuration`] | every key of `openclaw.json` that is read, and what it does |
//! | [`docs::gateways`] | what to configure for the usual gateways, and what is sent to them |
//! | [`docs::coming_from_openclaw`] | what is the same, what is not, and which command is which call |
//! | [`docs::writing_a_store`] | keeping profiles somewhere else than in a file |
//! | [`docs::architecture`] | the rooms of the crate, for those who change it |
//!
//! The calls that a command line wraps are in [`setup`] and [`status`].
//!
//! # Promises
//!
//! - What is not understood is kept: unknown keys, unknown kinds of credential, numbers that do not fit an `f64`, all with their
//!   exact text. A document that was not changed is written back byte for byte.
//! - A store's update is all or nothing, and no update is lost between threads; the suite `conformance` proves it for
//!   backends of others.
//! - The file store loses nothing between processes either: a kill at any moment, or a loss of power, leaves the old or
//!   the new document, with mode 0600 and no lock held; readers never wait and never see what another process has
//!   replaced; a damaged file is never overwritten. The page of `FileStore` has the details.
//! - No secret stands in any `Debug`, `Display`, error chain or diagnostic, and no message repeats a value of the input.
//! - The chosen profile and the skipped ones together are every candidate; a profile that is cooling down is never picked while another is ready; a wall clock
//!   that is set back keeps no profile out longer than [`CooldownPolicy::cap`](select::CooldownPolicy::cap).
//! - Cache markers are legal and edit nothing else; marking twice equals marking once.
//! - Input that is too deep, too large, duplicated or not finite is a typed error with line and column.
//!
//! # Limits
//!
//! - A running OpenClaw is not kept out by the file store's lock, because it uses another one; network file systems are
//!   refused unless the caller opts out; Windows is tested under Wine alone, macOS
//!   is only compiled. The page of `FileStore` has the details.
//! - Secrets are wiped on drop; copies made by parsers, by the HTTP client and by the operating system are not.
//! - Times are wall-clock milliseconds, as the files have them. A clock that is set forward ends every cooldown early.
//! - Bodies are built and cached for the Messages API only; those of other APIs are the caller's. `SigV4` signing is left to a
//!   signer that takes the prepared request.
//! - Subscription tokens are opaque secrets that their owner handed over. Anthropic's terms have not allowed them in other
//!   products since February 2026; an API key is the supported way.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! | --- | --- | --- |
//! | `file` | yes | the file-backed store |
//! | `client` | yes | the rotator, and conversion into `reqwest::Request`; reqwest without TLS |
//! | `rustls` | no | `client` and reqwest's `rustls` |
//! | `sqlite` | no | OpenClaw's databases, through the SQLite that the tree links |
//! | `sqlite-bundled` | no | the same with a SQLite of its own |
//! | `conformance` | no | the suite for stores of others |
//! | `testing` | no | a scripted server on loopback and made values, for tests of programs that use this crate |
//! | `exec` | no | references to secrets that a command gives, on Unix; rustix |
//! | `tracing` | no | events of selection, attempts and refreshes |
//!
//! The minimum supported Rust version is 1.89.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod cache;
pub mod clock;
pub mod config;
pub mod credential;
pub mod docs;
mod env;
pub mod error;
pub mod failure;
pub mod headroom;
mod id;
mod net;
pub mod profile;
pub mod providers;
mod reason;
pub mod record;
pub mod references;
pub mod refresh;
pub mod request;
mod retention;
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub mod rotate;
pub mod rotation;
mod secret;
pub mod select;
pub mod setup;
#[cfg(feature = "file")]
#[cfg_attr(docsrs, doc(cfg(feature = "file")))]
pub mod state_dir;
pub mod status;
pub mod store;
mod syntax;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;

#[doc(inline)]
pub use clock::{Clock, SystemClock, Timestamp};
#[doc(inline)]
pub use config::{Config, ReadOptions};
#[doc(inline)]
pub use credential::{Credential, CredentialKind};
pub use env::Environment;
#[doc(inline)]
pub use error::{Error, ErrorKind, Result};
#[doc(inline)]
pub use failure::{Failure, FailureClassifier, FailureReason};
pub use id::{ModelRef, ProfileId, ProviderId};
#[doc(inline)]
pub use profile::AuthProfiles;
#[doc(inline)]
pub use record::RecordOutcome;
#[doc(inline)]
pub use request::{Endpoint, PreparedRequest, RequestBuilder};
pub use retention::CacheRetention;
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
#[doc(inline)]
pub use rotate::{Call, Reply, Rotator};
#[doc(inline)]
pub use rotation::SendFailure;
pub use secret::Secret;
#[doc(inline)]
pub use select::{ProfileSelector, Query, Selection};
#[cfg(feature = "file")]
#[cfg_attr(docsrs, doc(cfg(feature = "file")))]
#[doc(inline)]
pub use state_dir::StateDir;
#[cfg(feature = "file")]
#[cfg_attr(docsrs, doc(cfg(feature = "file")))]
#[doc(inline)]
pub use store::FileStore;
#[doc(inline)]
pub use store::{AuthProfileStore, AuthProfileStoreExt, MemoryStore};

/// The examples of the README, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
