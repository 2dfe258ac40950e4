//! Credential profiles: the document that holds them, and what each of them says.

mod credential;
mod document;
mod entry;
#[cfg(feature = "file")]
mod legacy;
mod raw;
mod section;
#[cfg(feature = "file")]
mod split;
mod tokens;
mod usage;
mod usage_edit;
mod view;
mod wire;

pub use credential::{Credential, CredentialKind};
pub(crate) use document::Entry;
pub use document::{AuthProfiles, Change};
pub(crate) use entry::{Expiry, SecretState};
pub use entry::{Profile, SecretRef};
#[cfg(feature = "file")]
pub(crate) use legacy::LegacyForm;
pub use tokens::Tokens;
pub use usage::UsageStats;
pub(crate) use usage::{Window, key, timestamp};
