//! Config, credential profiles, cooldowns and cache-marked Anthropic requests for LLM agents.
//!
//! Four questions an agent has, and who answers them:
//!
//! | question | answer |
//! | --- | --- |
//! | What did the user configure? | [`Config`]: typed JSON5, `${VAR}`, legacy keys, [`Diagnostic`]s |
//! | Which credential do I use now? | [`ProfileSelector`] over the [`AuthProfiles`] of an [`AuthProfileStore`] |
//! | How do I say it on the wire? | [`RequestBuilder`]: a [`PreparedRequest`] for an [`Endpoint`], with a [`MarkerPlan`] |
//! | What does the answer mean for it? | [`FailureClassifier`]: a [`Failure`], recorded on the selection's [`Receipt`] through [`AuthProfileStoreExt`] |
//!
//! With the feature `client`, `Rotator` asks all four, sends, and rotates; `Renewer` keeps logins alive.
//!
//! # Example
//!
//! ```
//! use provider_auth::{
//!     AuthProfileStore, AuthProfileStoreExt, AuthProfiles, Clock, Config, Endpoint, FailureReason, MemoryStore,
//!     ProfileSelector, Query, ReadOptions, RequestBuilder, SystemClock,
//! };
//!
//! let config = Config::from_json5_str("{ auth: { order: { anthropic: ['anthropic:a', 'anthropic:b'] } } }", &ReadOptions::new())?;
//! let store = MemoryStore::new(AuthProfiles::from_json(r#"{"version": 1, "profiles": {
//!     "anthropic:a": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-a"},
//!     "anthropic:b": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-b"}}}"#)?);
//! let selector = ProfileSelector::default().with_config(&config);
//! let model = config.resolve_model("anthropic/claude-opus-4-5")?;
//! let (query, clock) = (Query::for_model(&model), SystemClock);
//!
//! let selection = selector.resolve(&*store.load()?, &config, &query, clock.now())?;
//! let request = RequestBuilder::for_selection(&Endpoint::anthropic(), &selection)
//!     .configured(&config, &model, None, None)
//!     .body(br#"{"model":"claude-opus-4-5","max_tokens":9,"messages":[{"role":"user","content":"Hello"}]}"#)
//!     .build()?;
//! assert_eq!(request.headers()["x-api-key"], "sk-ant-a");
//!
//! // Send it; say it was answered with 429. The next pick is the other profile.
//! store.record_failure(&selector, &selection.receipt, FailureReason::RateLimit, None, clock.now())?;
//! let next = selector.resolve(&*store.load()?, &config, &query, clock.now())?;
//! assert_eq!(next.profile.as_str(), "anthropic:b");
//! # Ok::<(), provider_auth::Error>(())
//! ```
//!
//! # Prompt caching
//!
//! Where the markers go, why, and what that costs: [`docs::prompt_caching`].
//!
//! # Pages
//!
//! Every function by what it is for: [`docs::finding_your_way`]. Messages and what to do about them, OpenClaw, stores and
//! agents of your own: [`docs`]. The calls a command line wraps: [`setup`] and [`StatusReport`].
//!
//! # Promises
//!
//! - What is not understood is kept: unknown keys, unknown kinds of credential, numbers no double holds, all with their
//!   exact text. A document that was not changed is written back byte for byte.
//! - A store's update is all or nothing, and no update is lost between threads; the suite `conformance` proves it for
//!   backends of others.
//! - The file store loses nothing between processes either: a kill at any moment, or a loss of power, leaves the old or
//!   the new document, with mode 0600 and no lock held; readers never wait and never see what another process has
//!   replaced; a damaged file is never overwritten. The page of `FileStore` has the details.
//! - No secret stands in any `Debug`, `Display`, error chain or diagnostic, and no message repeats a value of the input.
//! - Chosen and skipped are every candidate; a profile that rests is never picked while another is ready; a wall clock
//!   that is set back rests nobody longer than [`CooldownPolicy::cap`].
//! - Cache markers are legal and edit nothing else; marking twice equals marking once.
//! - Input that is too deep, too large, duplicated or not finite is a typed error with line and column.
//!
//! # Limits
//!
//! - A running OpenClaw is not kept out by the file store's lock, because it uses another one; network file systems are
//!   refused unless the caller opts out; Windows is untested. The page of `FileStore` has the details.
//! - Secrets are wiped on drop; copies made by parsers, by the HTTP client and by the operating system are not.
//! - Times are wall-clock milliseconds, as the files have them. A clock that is set forward ends every rest early.
//! - Only the Messages API is spoken; `SigV4` signing is left to a signer that takes the prepared request.
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
//! | `conformance` | no | the suite for stores of others |
//! | `tracing` | no | events of selection, attempts and refreshes |
//!
//! The minimum supported Rust version is 1.89.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod background;
mod cache;
mod clock;
mod config;
mod diagnostic;
pub mod docs;
mod dotenv;
mod env;
mod error;
mod failure;
mod id;
mod profile;
mod reason;
mod refresh;
mod request;
mod retention;
#[cfg(feature = "client")]
mod rotate;
mod secret;
mod select;
pub mod setup;
mod status;
mod store;
mod syntax;

pub use cache::{
    CacheMarker, CachePrices, CacheTtl, CacheUsage, ChangedPart, Lifetimes, MarkerNote, MarkerOptions, MarkerOrigin,
    MarkerPlan, MarkerPurpose, MarkerReason, MarkerSection, PromptChange, PromptFingerprint, choose_lifetimes,
    mark_body, mark_body_with,
};
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use config::{
    Config, CooldownSettings, ProfileMode, ProfileSettings, ProviderApi, ProviderAuth, ProviderConfig, ReadOptions,
    ResolvedRetention, RetentionLayer, ShellEnv,
};
pub use diagnostic::{Diagnostic, DiagnosticCode, Severity};
pub use env::{EnvCredential, EnvOrigin, EnvValue, Environment, credential_variables, process_env};
pub use error::{Error, ErrorKind, Location, Result};
pub use failure::{Failure, FailureClassifier, SubscriptionRefusal, TransportError};
pub use id::{ModelRef, ProfileId, ProviderId};
pub use profile::{AuthProfiles, Change, Credential, CredentialKind, Profile, SecretRef, Tokens, UsageStats};
pub use reason::{Blame, FailureReason, Lane};
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use refresh::RefreshTokenGrant;
pub use refresh::{DetachedTask, RefreshFuture, Renewal, Renewer, TokenRefresher};
pub use request::{AuthScheme, BetaList, BetaPolicy, Endpoint, EndpointKind, PreparedRequest, RequestBuilder};
pub use retention::CacheRetention;
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use rotate::{Attempt, Call, Reply, Rotator, RotatorBuilder, SendFailure};
pub use secret::Secret;
pub use select::{
    Candidate, Candidates, CooldownPolicy, Counting, CredentialSource, Ladder, Probe, ProbePolicy, ProfileSelector,
    Query, Receipt, Selection, SelectorRules, Unavailable, Verdict,
};
pub use status::{
    EXPIRY_WARNING, EffectiveSource, EnvironmentKey, Health, ProfileStatus, ProviderStatus, StatusReport,
    StatusReportBuilder, UnusableProfile, mask_secret,
};
#[cfg(feature = "conformance")]
#[cfg_attr(docsrs, doc(cfg(feature = "conformance")))]
pub use store::conformance;
pub use store::{AuthProfileStore, AuthProfileStoreExt, CopyScope, Lease, MemoryStore, copy_profiles};
#[cfg(feature = "file")]
#[cfg_attr(docsrs, doc(cfg(feature = "file")))]
pub use store::{Durability, FileStore, FileStoreBuilder, Layout};

/// The examples of the README, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
