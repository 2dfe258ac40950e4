//! Credential profiles, and the document `auth-profiles.json` that contains them.
//!
//! A profile is a stored credential with an id; a user may have several for one provider. [`AuthProfiles`] is the whole
//! document, with the order of the profiles and the [`UsageStats`] that track cooldowns: [`AuthProfiles::from_json`]
//! reads it, and [`AuthProfiles::get`] returns a [`Profile`]. Unknown content keeps its exact text, and an unchanged
//! document is written back byte for byte.

mod document;
mod document_edit;
mod entry;
mod entry_read;
mod entry_write;
mod groups;
#[cfg(feature = "sqlite")]
mod inherit;
#[cfg(feature = "file")]
mod legacy;
mod parts;
mod raw;
mod section;
#[cfg(feature = "file")]
mod split;
mod trial;
mod unit;
mod usage;
mod usage_edit;
mod view;
mod window;
mod wire;

pub(crate) use document::Entry;
pub use document::{AuthProfiles, DirtyState};
pub(crate) use document_edit::check_not_personal;
pub use entry::Profile;
pub(crate) use entry::{Expiry, Hold, SecretState};
#[cfg(feature = "sqlite")]
pub(crate) use inherit::{Inheritance, separate};
#[cfg(feature = "file")]
pub(crate) use legacy::LegacyForm;
#[cfg(feature = "sqlite")]
pub(crate) use raw::compact;
pub use trial::Trial;
pub(crate) use trial::TrialGuard;
pub(crate) use unit::WrongUnit;
pub use usage::UsageStats;
pub(crate) use usage::timestamp;
pub(crate) use window::{Window, key};
