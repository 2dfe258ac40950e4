//! Places of secrets that this crate does not know.

use crate::credential::{ReferenceFailure, SecretRef};
use crate::secret::Secret;

/// A place where secrets are kept, for references whose `source` it is registered for.
///
/// Closures of the same shape are sources.
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
    /// Finds a secret. May block; it is called on the thread that resolves, one reference at a time.
    ///
    /// # Errors
    ///
    /// Why there is none. A secret that is blank is [`NotAText`](ReferenceFailure::NotAText) in any case.
    fn find(&self, reference: &SecretRef) -> Result<Secret, ReferenceFailure>;
}

impl<F: Fn(&SecretRef) -> Result<Secret, ReferenceFailure> + Send + Sync> ReferenceSource for F {
    fn find(&self, reference: &SecretRef) -> Result<Secret, ReferenceFailure> {
        self(reference)
    }
}
