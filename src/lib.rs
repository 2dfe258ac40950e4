//! Sends LLM requests with whichever of the user's credentials works now, and remembers which ones do not.
//!
//! An agent has several API keys for a provider. One reaches its rate limit, one runs out of credit, one is revoked. This
//! crate picks one that works, sends the request, reads the answer, moves on to the next when it fails, and remembers how long
//! to leave the failed one alone. Requests to Anthropic's Messages API also get cache breakpoints (`cache_control` markers), so
//! that a long conversation is not paid for in full with every request.
//!
//! # The shortest way
//!
//! To reach a provider, switch on the feature `rustls`, or a TLS feature of reqwest in your own `Cargo.toml`.
//!
//! ```no_run
//! # #[cfg(all(feature = "client", feature = "file"))]
//! # mod shown {
//! use provider_auth::{Call, Environment, Rotator, StateDir};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), provider_auth::Error> {
//!     let state = StateDir::find_in(&Environment::process())?; // ~/.openclaw, or StateDir::at("/your/directory")
//!     let rotator = Rotator::builder(state.store(None)?).config(state.config()?).references(state.references()).build()?;
//!
//!     let body = br#"{"model":"claude-opus-4-5","max_tokens":64,"stream":true,"messages":[{"role":"user","content":"Hello"}]}"#;
//!     let call = Call::new("anthropic/claude-opus-4-5".parse()?).session("conversation-17").body(body);
//!     let mut reply = rotator.send(&call).await?;
//!     while let Some(event) = reply.event().await? {
//!         println!("{}", event.data);
//!     }
//!     println!("{} answered at attempt {}", reply.profile(), reply.attempts().len());
//!     Ok(())
//! }
//! # }
//! # fn main() {}
//! ```
//!
//! The directory is that of OpenClaw, whichever release wrote it, or one of your own. Its `auth-profiles.json` has a *profile*,
//! one key or token under an id, for each credential; without one, variables such as `ANTHROPIC_API_KEY` are used. For
//! another client than reqwest there is [`Rotator::run`], and without a runtime [`rotation`].
//!
//! # Four questions
//!
//! The rotator asks four questions about each request. The modules that answer them also work without it:
//!
//! | question | answer | modules |
//! | --- | --- | --- |
//! | What did the user configure? | [`Config`]: typed JSON5, `${VAR}`, legacy keys, diagnostics | [`config`], [`store`], [`state_dir`], [`references`] |
//! | Which credential do I use now? | [`Config::resolve`] over the [`AuthProfiles`] of an [`AuthProfileStore`] | [`select`], [`headroom`], [`refresh`] |
//! | How do I say it on the wire? | [`RequestBuilder`]: a [`PreparedRequest`] for an [`Endpoint`] | [`request`], [`cache`] |
//! | What does the answer mean? | [`FailureClassifier`]: a [`Failure`], recorded through [`RecordOutcome`] | [`failure`], [`record`] |
//!
//! [`docs::how_a_key_is_chosen`] has a picture of the second one. A command line for credentials wraps [`setup`] and [`status`].
//!
//! # By hand
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
//! // Send it. If the answer is a 429, record that: the next pick is the other profile.
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
//! | [`docs::embedding_in_an_agent`] | writing an agent: retries, other clients, tests, one request by hand |
//! | [`docs::troubleshooting`] | finding out what a message means, and what to do about it |
//! | [`docs::answers`] | finding out what a provider's answer means, whom it blames, and what to try |
//! | [`docs::how_a_key_is_chosen`] | understanding orders, cooldowns, sessions and limits |
//! | [`docs::prompt_caching`] | understanding where breakpoints go, and what that saves |
//! | [`docs::configuration`] | looking up a key of `openclaw.json` |
//! | [`docs::gateways`] | sending to a gateway or a local server |
//! | [`docs::coming_from_openclaw`] | moving from OpenClaw, or sharing a directory with it |
//! | [`docs::many_machines`] | sharing credentials between machines |
//! | [`docs::writing_a_store`] | keeping credentials somewhere else than in a file |
//! | [`docs::architecture`] | changing this crate |
//!
//! # What is promised
//!
//! | promise | details |
//! | --- | --- |
//! | Nothing is lost | unknown keys, kinds of credentials and numbers keep their exact text; an unchanged document is written back byte for byte; a damaged one is never overwritten |
//! | Updates are all or nothing | between the threads of every store, and between processes with `FileStore`: a kill or a power loss leaves the old or the new document, with mode 0600 and no lock held |
//! | No secret in any text | neither in `Debug`, `Display`, errors and diagnostics nor in logs; no message repeats a value of the input |
//! | Every choice is explained | the chosen profile and the skipped ones, with reasons, are all candidates; none in cooldown is chosen while another is ready; a wall clock that is set back keeps a profile out for no longer than [`CooldownPolicy::cap`](select::CooldownPolicy::cap) |
//! | Markers edit nothing else | at most four, in legal positions; marking twice equals marking once |
//! | Hostile input is an error | input that is too deep, too large, duplicated or not finite: typed, with line and column |
//!
//! # What is limited
//!
//! | limit | consequence |
//! | --- | --- |
//! | A running OpenClaw does not know the lock of `FileStore` | what it writes to the file during an update here can be lost |
//! | Network file systems, Windows, macOS | the first are refused unless the caller opts in; Windows is tested under Wine only, macOS is only compiled |
//! | Wall-clock milliseconds, as in OpenClaw's files | a clock that is set forward ends every cooldown early |
//! | The Messages API | bodies of other APIs come from the caller; `SigV4` is left to a signer that takes the prepared request |
//! | Secrets are wiped on drop | copies of parsers, of the HTTP client and of the operating system are not |
//! | Subscription tokens are opaque | Anthropic's terms have not allowed them in other products since February 2026; use API keys |
//!
//! # Features
//!
//! | feature | default | what it adds |
//! | --- | --- | --- |
//! | `file` | yes | [`StateDir`] and [`FileStore`] |
//! | `client` | yes | [`Rotator`], refreshes in tokio, conversion into `reqwest::Request`; reqwest without TLS |
//! | `rustls` | no | `client`, and reqwest's `rustls` |
//! | `sqlite` | no | OpenClaw's databases, with the SQLite that the tree links, 3.37 or newer |
//! | `sqlite-bundled` | no | the same with a SQLite that is compiled in |
//! | `redis` | no | a store on Redis 6.2 or newer, or Valkey, that many machines share; without TLS |
//! | `redis-rustls` | no | `redis`, the client's `tls-rustls`, and the crate `rustls` with `aws-lc-rs` |
//! | `exec` | no | secrets that a command prints, where the program allows commands (Unix) |
//! | `conformance` | no | the test suite for stores of your own |
//! | `testing` | no | a scripted server on loopback, and made-up replies and failures, for tests |
//! | `tracing` | no | spans and events of selection, attempts and refreshes |
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
