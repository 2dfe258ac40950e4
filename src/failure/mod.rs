//! What an answer means for the credential, the model, the provider and the request.
//!
//! Everything here is pure: answers and the time come in as arguments.

mod body;
mod classifier;
mod deadline;
#[expect(clippy::module_inception, reason = "the module's main type has its own file")]
mod failure;
mod prose;
mod refusal;
mod rules;
mod stream;
mod text;
mod transport;

pub use classifier::FailureClassifier;
pub use failure::Failure;
pub use refusal::SubscriptionRefusal;
pub use transport::TransportError;

pub use crate::reason::{Blame, CooldownKind, FailureReason};
