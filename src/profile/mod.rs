//! Credential profiles: the document that holds them, and what each of them says.

mod credential;
mod document;
mod entry;
mod raw;
mod section;
mod usage;
mod wire;

pub use credential::{Credential, CredentialKind};
pub use document::{AuthProfiles, Change};
pub(crate) use entry::Expiry;
pub use entry::{Profile, SecretRef};
pub use usage::UsageStats;
pub(crate) use usage::{Window, key, timestamp};
