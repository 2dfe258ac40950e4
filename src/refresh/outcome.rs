//! What a refresh came to.

use crate::error::{Error, ErrorKind};
use crate::id::ProfileId;

/// Outcome of an attempt to refresh a credential.
#[derive(Debug)]
#[non_exhaustive]
pub enum RefreshOutcome {
    /// There was nothing to do: the token is good for longer, it is not a login, or it has no refresh token.
    NotNeeded,
    /// The store holds new tokens, which were asked for just now.
    Refreshed,
    /// The store holds new tokens, for which another task or process asked.
    RefreshedElsewhere,
    /// It failed, but the present token lives on for a while and can be used.
    Postponed(Error),
}

/// The error the caller sees, with the cause behind it.
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
