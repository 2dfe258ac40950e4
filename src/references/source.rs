//! Custom sources of secrets.

use crate::credential::{ReferenceFailure, SecretRef};
use crate::secret::Secret;

/// A source of secrets, for references with the `source` it is registered for.
///
/// Implemented for closures with the same signature.
///
/// # Examples
///
/// ```
/// use provider_auth::Secret;
/// use provider_auth::credential::{ReferenceFailure, SecretRef};
/// use provider_auth::references::ReferenceResolver;
///
/// let references = ReferenceResolver::new().with_source("keychain", |reference: &SecretRef| match &*reference.id {
///     "anthropic" => Ok(Secret::new("sk-ant-example")),
///     _ => Err(ReferenceFailure::NotFound),
/// });
/// ```
pub trait ReferenceSource: Send + Sync {
    /// Finds a secret. May block; it is called on the resolving thread, for one reference at a time.
    ///
    /// # Errors
    ///
    /// The reason why there is none. A blank secret always becomes [`NotAText`](ReferenceFailure::NotAText).
    fn find(&self, reference: &SecretRef) -> Result<Secret, ReferenceFailure>;
}

impl<F: Fn(&SecretRef) -> Result<Secret, ReferenceFailure> + Send + Sync> ReferenceSource for F {
    fn find(&self, reference: &SecretRef) -> Result<Secret, ReferenceFailure> {
        self(reference)
    }
}
