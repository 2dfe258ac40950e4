//! Whether a login has to be refreshed.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::credential::Credential;
use crate::profile::{Expiry, Profile};
use crate::secret::Secret;

/// How long before the end of an access token a refresh is due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Windows {
    /// From here on a refresh is tried, and the live token used if it fails.
    pub(super) advisory: Duration,
    /// From here on a refresh must succeed.
    pub(super) mandatory: Duration,
}

/// How much a profile needs a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    None,
    Advisory,
    Mandatory,
}

/// Whether a profile has to be refreshed now. `rejected` is an access token that the provider did not accept: only that one
/// has to be replaced, whatever its expiry says.
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
        // Zero and below stand for a token that has ended already.
        (Expiry::Invalid(Some(end)), _) if end <= 0.0 => Need::Mandatory,
        _ => Need::None,
    }
}
