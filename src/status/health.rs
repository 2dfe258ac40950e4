//! Whether a credential lasts.

use std::fmt;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::credential::CredentialKind;
use crate::profile::{Expiry, Hold, Profile, SecretState};

/// Whether a credential lasts, as its profile says it: the provider is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Health {
    /// It has no known end: an API key, or a token without expiry.
    Static,
    /// Its end is further away than the warning time.
    Ok,
    /// Its end is near.
    Expiring,
    /// Its end has passed. An OAuth credential that can be refreshed is refreshed by its next use; one that OpenClaw is
    /// renewing, or failed to renew, counts as past its end.
    Expired,
    /// There is no secret, an end is expected and none is recorded, or the sign-in is not active.
    Missing,
}

impl Health {
    /// Returns the name in the report: `static`, `ok`, `expiring`, `expired` or `missing`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Ok => "ok",
            Self::Expiring => "expiring",
            Self::Expired => "expired",
            Self::Missing => "missing",
        }
    }

    /// Returns the health of one profile. `strict` says whether an invalid timestamp makes a token unusable.
    pub(super) fn of(profile: &Profile, strict: bool, now: Timestamp, warn_after: Duration) -> Self {
        match profile.hold() {
            Some(Hold::Inactive) => return Self::Missing,
            Some(Hold::Refreshing | Hold::RefreshFailed) => return Self::Expired,
            None => {}
        }
        if profile.secret_state() == SecretState::Blank {
            return Self::Missing;
        }
        let until = |at: Timestamp| match at {
            at if now >= at => Self::Expired,
            at if at <= now + warn_after => Self::Expiring,
            _ => Self::Ok,
        };
        match profile.stored_kind() {
            None | Some(CredentialKind::None) => Self::Missing,
            Some(CredentialKind::ApiKey) => Self::Static,
            Some(CredentialKind::OAuth) => profile.expires().map_or(Self::Missing, until),
            Some(CredentialKind::Token) => {
                let invalid = strict && matches!(profile.expiry(), Expiry::Invalid(_));
                profile.expires().map_or(if invalid { Self::Missing } else { Self::Static }, until)
            }
        }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
