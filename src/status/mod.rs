//! What is set up, what would be used now, and what keeps the rest from being used.

mod builder;
mod collate;
mod health;
mod json;
mod lint;
mod listed;
mod mask;
mod overview;
mod report;

pub use builder::StatusReportBuilder;
pub use health::Health;
pub use mask::mask_secret;
pub use report::{EffectiveSource, EnvironmentKey, ProfileStatus, ProviderStatus, StatusReport, UnusableProfile};
