//! The refusal: no profile can be used now.

use std::fmt;
use std::time::Duration;

use super::candidate::Candidate;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind};
use crate::id::{ProfileId, ProviderId};
use crate::profile::AuthProfiles;
use crate::reason::FailureReason;

/// No profile of the provider can be used now: every one that was considered, with its reason, and how long to wait.
///
/// A value, not only an error: convert it into [`Error`] with `?`, from where it can be had back by
/// downcasting [`source`](std::error::Error::source).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unavailable {
    /// The provider.
    pub provider: ProviderId,
    /// The one profile that was asked for, if it was.
    pub locked: Option<ProfileId>,
    /// Every profile that was considered.
    pub candidates: Vec<Candidate<'static>>,
    /// The moment from which one of them is worth a try; `None` if waiting does not help.
    pub retry_at: Option<Timestamp>,
    /// The moment of the refusal.
    pub now: Timestamp,
    pub(super) reason: Option<FailureReason>,
}

impl Unavailable {
    /// How long to wait from the moment of the refusal until one of the profiles is worth a try.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_at.map(|at| at.saturating_since(self.now))
    }

    /// Why the resting profiles cannot be used: the reason most of their windows were opened for. Where a window does not
    /// tell its reason, the profile's failure counters do. A tie goes to the more serious reason; `None` if none rests.
    #[must_use]
    pub fn reason(&self) -> Option<FailureReason> {
        self.reason
    }
}

/// How much the reason of a window weighs against counted failures.
const RECORDED: f64 = 1_000.0;

/// The reason that weighs most among the profiles that rest, as the reference computes it.
pub(super) fn blocking(candidates: &[Candidate<'_>], profiles: &AuthProfiles) -> Option<FailureReason> {
    let resting: Vec<_> = candidates.iter().filter(|candidate| candidate.verdict.is_resting()).collect();
    resting.first()?;
    let weight = |reason: FailureReason| -> f64 {
        let weights = resting.iter().map(|candidate| match candidate.verdict.reason() {
            Some(recorded) if recorded == reason => RECORDED,
            Some(_) => 0.0,
            // A counter can be any number; one that is negative or not finite says nothing.
            None => profiles
                .usage(candidate.id.as_str())
                .map_or(0.0, |usage| usage.failure_count(reason))
                .clamp(0.0, RECORDED / 2.0),
        });
        weights.sum()
    };
    let weights = FailureReason::all().map(|reason| (reason, weight(reason)));
    let heaviest = weights.reduce(|best, next| if next.1 > best.1 { next } else { best });
    heaviest.filter(|(_, weight)| *weight > 0.0).map(|(reason, _)| reason).or(Some(FailureReason::Unknown))
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(locked) = &self.locked {
            return write!(f, "auth profile \"{locked}\" cannot be used for {} now", self.provider);
        }
        write!(f, "No available auth profile for {} (all in cooldown or unavailable).", self.provider)
    }
}

impl std::error::Error for Unavailable {}

impl From<Unavailable> for Error {
    fn from(unavailable: Unavailable) -> Self {
        use super::verdict::Verdict::WrongProvider;
        let (kind, message) = match &unavailable.locked {
            Some(locked) => {
                let own = unavailable.candidates.iter().find(|candidate| *candidate.id == *locked);
                match own.map(|candidate| candidate.verdict) {
                    Some(WrongProvider) => {
                        let message =
                            format!("Auth profile \"{locked}\" is not configured for {}.", unavailable.provider);
                        (ErrorKind::ProfileNotConfigured, message)
                    }
                    Some(verdict) if verdict.is_resting() => (ErrorKind::Unavailable, unavailable.to_string()),
                    _ => (ErrorKind::MissingCredentials, format!("No credentials found for profile \"{locked}\".")),
                }
            }
            None if unavailable.candidates.is_empty() => {
                let message = format!("No API key found for provider \"{}\".", unavailable.provider);
                (ErrorKind::MissingApiKey, message)
            }
            None => (ErrorKind::Unavailable, unavailable.to_string()),
        };
        let error = Self::new(kind, message);
        let in_vain = kind == ErrorKind::Unavailable && unavailable.retry_at.is_none();
        let error = if in_vain { error.with_transience(false).with_help(IN_VAIN) } else { error };
        error.with_source(unavailable)
    }
}

/// What to do where no time will make a profile usable.
const IN_VAIN: &str = "Waiting does not help: each profile is unusable for the reason given with it. Store a working key \
                       with `setup::save_key`, or correct the order with `setup::set_order`.";

impl Error {
    /// The refusal behind this error: every profile that was considered, with its reason. `None` for other errors.
    #[must_use]
    pub fn unavailable(&self) -> Option<&Unavailable> {
        std::error::Error::source(self)?.downcast_ref()
    }

    /// How long to wait until a profile is worth a try, counted from the refusal; `None` if waiting does not help.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.unavailable()?.retry_after()
    }
}
