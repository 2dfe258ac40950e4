//! What is set up for an agent, what would be used now, and what keeps the rest from being used.
//!
//! [`StatusReport::builder`] takes a configuration and the profiles and computes a [`StatusReport`] with the selector
//! itself, so that it says what the next request would do: for each provider a [`ProviderStatus`] with its effective
//! source, for each profile a [`ProfileStatus`] with its [`Health`]. It is data, and as JSON it is what OpenClaw's
//! `models status --json` prints. It has no secret in it but masked ones ([`mask_secret`]).

mod builder;
mod collate;
mod health;
mod json;
mod lint;
mod mask;
mod overview;
mod preference;
mod report;
mod secrets;

pub use builder::StatusReportBuilder;
pub use health::Health;
pub use mask::mask_secret;
pub use report::{EffectiveSource, EnvironmentKey, ProfileStatus, ProviderStatus, StatusReport, UnusableProfile};
