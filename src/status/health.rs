//! How long a credential lasts.

use std::fmt;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::credential::CredentialKind;
use crate::profile::{Expiry, Hold, Profile, SecretState};

/// The remaining life of a credential according to its profile; the provider is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Health {
    /// It has no known expiry time: an API key, or a token without one.
    Static,
    /// It expires later than the warning time.
    Ok,
    /// It expires within the warning time.
    Expiring,
    /// It has expired. If an OAuth credential can be refreshed, its next use refreshes it; one that OpenClaw is
    /// refreshing, or failed to refresh, counts as expired.
    Expired,
    /// It has no secret or no expiry time where one is required, or the sign-in is not active.
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

    /// Returns the health of a profile. With `strict`, an invalid timestamp makes a token unusable.
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
