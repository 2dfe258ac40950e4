//! The classification of failed requests: the reason, who is to blame (the credential, the model, the provider or the
//! request), and when to try again.
//!
//! A [`FailureClassifier`] reads an HTTP answer, an error in a stream or a failed connection ([`TransportError`]), and
//! returns a [`Failure`]: its [`FailureReason`], the deadline that the server named, and what the user can do.
//! [`RecordOutcome::record_failure`](crate::RecordOutcome::record_failure) then turns it into a cooldown.
//!
//! This module is pure: answers and the time are arguments.

mod body;
mod caller;
mod classifier;
#[cfg(feature = "client")]
mod client;
mod deadline;
mod envelope;
#[expect(clippy::module_inception, reason = "the module's main type has its own file")]
mod failure;
mod fragments;
mod pattern;
mod prose;
mod refusal;
mod retry;
mod rules;
mod speaker;
mod stream;
#[cfg(test)]
mod tests;
mod text;
mod transport;

pub use classifier::FailureClassifier;
#[cfg(feature = "client")]
pub(crate) use classifier::is_plain_answer;
pub use failure::Failure;
pub use refusal::SubscriptionRefusal;
pub use retry::RetryBackoff;
pub use transport::TransportError;

pub use crate::reason::{Blame, CooldownKind, FailureReason};
