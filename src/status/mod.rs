//! Status reports: which credentials an agent has, which would be used now, and why the others would not.
//!
//! [`StatusReport::builder`] takes a configuration and the profiles, and creates a [`StatusReport`] with the selector
//! itself: a [`ProviderStatus`] for each provider with its effective source, and a [`ProfileStatus`] for each profile
//! with its [`Health`]. `println!("{report}")` prints it as a table. The report is about any model, so that a cooldown of one
//! model counts as one of the whole profile; a request for another model may use the profile. Serialised to JSON it has
//! the format of OpenClaw's `models status --json`. Its secrets are masked ([`mask_secret`]).

mod builder;
mod collate;
mod headroom;
mod health;
mod json;
mod lint;
mod mask;
mod overview;
mod preference;
mod report;
mod secrets;
mod table;

pub use builder::StatusReportBuilder;
pub use health::Health;
pub use mask::mask_secret;
pub use report::{EffectiveSource, EnvironmentKey, ProfileStatus, ProviderStatus, StatusReport, UnusableProfile};
