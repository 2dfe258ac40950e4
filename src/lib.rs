//! Config, credential profiles, cooldowns and cache-marked Anthropic requests for LLM agents.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod clock;
mod config;
mod diagnostic;
mod env;
mod error;
mod id;
mod profile;
mod retention;
mod secret;
#[allow(dead_code, unused_imports, reason = "credential documents use what configuration does not")]
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
pub use profile::{Credential, CredentialKind};
pub use retention::CacheRetention;
pub use secret::Secret;
