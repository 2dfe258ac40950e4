//! Config, credential profiles, cooldowns and cache-marked Anthropic requests for LLM agents.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod clock;
mod config;
mod diagnostic;
mod env;
mod error;
mod id;
mod profile;
mod reason;
mod retention;
mod secret;
mod select;
mod store;
mod syntax;

pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use config::{
    Config, CooldownSettings, ProfileMode, ProfileSettings, ProviderApi, ProviderAuth, ProviderConfig, ReadOptions,
    ResolvedRetention, RetentionLayer, ShellEnv,
};
pub use diagnostic::{Diagnostic, DiagnosticCode, Severity};
pub use env::{EnvCredential, EnvOrigin, EnvValue, Environment, credential_variables, process_env};
pub use error::{Error, ErrorKind, Location, Result};
pub use id::{ModelRef, ProfileId, ProviderId};
pub use profile::{AuthProfiles, Change, Credential, CredentialKind, Profile, SecretRef, UsageStats};
pub use reason::{Blame, FailureReason, Lane};
pub use retention::CacheRetention;
pub use secret::Secret;
pub use select::{
    Candidate, Candidates, CooldownPolicy, Counting, CredentialSource, Ladder, ProfileSelector, Query, Receipt,
    Selection, SelectorRules, Unavailable, Verdict,
};
#[cfg(feature = "conformance")]
#[cfg_attr(docsrs, doc(cfg(feature = "conformance")))]
pub use store::conformance;
pub use store::{AuthProfileStore, AuthProfileStoreExt, CopyScope, Lease, MemoryStore, copy_profiles};
#[cfg(feature = "file")]
#[cfg_attr(docsrs, doc(cfg(feature = "file")))]
pub use store::{Durability, FileStore, FileStoreBuilder, Layout};
