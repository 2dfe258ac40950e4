//! The outcome of a refresh.

use crate::error::{Error, ErrorKind};
use crate::id::ProfileId;

/// The outcome of an attempt to refresh a credential.
#[derive(Debug)]
#[non_exhaustive]
pub enum RefreshOutcome {
    /// No refresh was needed: the token is still good, it is not an OAuth credential, or it has no refresh token.
    NotNeeded,
    /// The store holds new tokens from this refresh.
    Refreshed,
    /// The store holds new tokens from a refresh by another task or process.
    RefreshedElsewhere,
    /// The refresh failed, but the present token is still live and can be used.
    Postponed(Error),
}

/// Returns the error for the caller, with its cause as the source.
pub(super) fn refused(id: &ProfileId, cause: Error) -> Error {
    let kind = match cause.kind() {
        ErrorKind::RefreshDenied => ErrorKind::RefreshDenied,
        _ => ErrorKind::RefreshFailed,
    };
    Error::new(kind, format!("OAuth token refresh failed for {id}")).with_source(cause)
}

#[cfg(feature = "tracing")]
pub(super) fn trace(id: &ProfileId, result: &crate::error::Result<RefreshOutcome>) {
    match result {
        Ok(RefreshOutcome::Postponed(error)) => {
            tracing::warn!(profile = %id, kind = ?error.kind(), "refresh postponed");
        }
        Ok(RefreshOutcome::Refreshed) => tracing::info!(profile = %id, "refreshed"),
        Ok(refresh) => tracing::debug!(profile = %id, ?refresh, "refresh"),
        Err(error) => tracing::warn!(profile = %id, kind = ?error.kind(), "refresh failed"),
    }
}
