//! What a failed request means: who is to blame (the credential, the model, the provider or the request), and for how
//! long.
//!
//! [`FailureClassifier`] reads what came back, be it an HTTP answer, an error in a stream or a failed connection
//! ([`TransportError`]), and gives a [`Failure`]: its [`FailureReason`], the moment until which the server asks to
//! wait, and what the user can do. [`RecordOutcome::record_failure`](crate::RecordOutcome::record_failure) then makes a
//! cooldown of it.
//!
//! Everything here is pure: answers and the time come in as arguments.

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
