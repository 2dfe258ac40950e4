//! Credential profiles: the document that holds them, and what each of them says.

mod document;
mod document_edit;
mod entry;
mod entry_read;
mod entry_write;
#[cfg(feature = "file")]
mod legacy;
mod raw;
mod section;
#[cfg(feature = "file")]
mod split;
mod usage;
mod usage_edit;
mod view;
mod window;
mod wire;

pub(crate) use document::Entry;
pub use document::{AuthProfiles, DirtyState};
pub(crate) use entry::{Expiry, SecretState};
pub use entry::{Profile, SecretRef};
#[cfg(feature = "file")]
pub(crate) use legacy::LegacyForm;
pub use usage::UsageStats;
pub(crate) use usage::timestamp;
pub(crate) use window::{Window, key};
