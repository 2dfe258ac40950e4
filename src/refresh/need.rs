//! The need of an OAuth credential for a refresh.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::credential::Credential;
use crate::profile::{Expiry, Profile};
use crate::secret::Secret;

/// The time before the end of an access token at which a refresh is due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Windows {
    /// From here on a refresh is tried, and the live token is used if it fails.
    pub(super) advisory: Duration,
    /// From here on a refresh must succeed.
    pub(super) mandatory: Duration,
}

/// The urgency of a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    None,
    Advisory,
    Mandatory,
}

/// Returns the urgency of a refresh. `rejected` is an access token that the provider did not accept: only that one has
/// to be replaced, regardless of its expiry.
pub(super) fn need(profile: &Profile, rejected: Option<&Secret>, windows: Windows, now: Timestamp) -> Need {
    let Some(Credential::OAuth { access, refresh: Some(_), .. }) = profile.credential() else { return Need::None };
    if access.is_empty() {
        return Need::Mandatory;
    }
    if let Some(rejected) = rejected {
        return if access == rejected { Need::Mandatory } else { Need::None };
    }
    match (profile.expiry(), profile.expires()) {
        (_, Some(end)) if now >= end - windows.mandatory => Need::Mandatory,
        (_, Some(end)) if now >= end - windows.advisory => Need::Advisory,
        // Zero and below mean a token that has already expired.
        (Expiry::Invalid(Some(end)), _) if end <= 0.0 => Need::Mandatory,
        _ => Need::None,
    }
}
