//! The refusal of a selection: no profile can be used now.

use std::fmt;
use std::time::Duration;

use super::candidate::Candidate;
use super::verdict::{Verdict, as_millis};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Shown};
use crate::id::{ProfileId, ProviderId};
use crate::profile::{AuthProfiles, WrongUnit};
use crate::reason::FailureReason;

/// The refusal of a selection: every profile that was considered, with its reason, and the time to wait.
///
/// `Display` is one line that names the profiles, each with its reason and the time left. Profiles that the list in
/// force leaves out may be counted instead of named. The `?` operator converts this value into an [`Error`] with the
/// same text, from which [`Error::unavailable`] returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unavailable {
    /// The provider of the query.
    pub provider: ProviderId,
    /// The only profile that the query allowed, if it named one.
    pub locked: Option<ProfileId>,
    /// The profiles that were considered, each with its verdict.
    pub candidates: Vec<Candidate<'static>>,
    /// The moment from which one of them is worth another attempt; `None` if waiting does not help.
    pub retry_at: Option<Timestamp>,
    /// The moment of the refusal.
    pub now: Timestamp,
    pub(super) reason: Option<FailureReason>,
    /// If `true`, the rules allow one probe a day.
    pub(super) daily_probe: bool,
}

impl Unavailable {
    /// Creates the refusal for a provider none of whose profiles is considered.
    pub(super) fn of_nothing(provider: ProviderId, now: Timestamp) -> Self {
        Self { provider, locked: None, candidates: Vec::new(), retry_at: None, now, reason: None, daily_probe: false }
    }

    /// Returns the time from the refusal until a profile is worth another attempt; `None` if waiting does not help.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_at.map(|at| at.saturating_since(self.now))
    }

    /// Returns the reason for which most of the profiles in cooldown cannot be used. If a window does not record its
    /// reason, the profile's failure counters decide. A tie goes to the more serious reason. `None` if no profile is
    /// cooling down.
    #[must_use]
    pub fn reason(&self) -> Option<FailureReason> {
        self.reason
    }
}

/// The weight of a window's reason against counted failures.
const RECORDED: f64 = 1_000.0;

/// Returns the reason with the most weight among the profiles that are cooling down, as OpenClaw computes it.
pub(super) fn blocking(candidates: &[Candidate<'_>], profiles: &AuthProfiles) -> Option<FailureReason> {
    let cooling: Vec<_> = candidates.iter().filter(|candidate| candidate.verdict.is_cooling_down()).collect();
    cooling.first()?;
    let weight = |reason: FailureReason| -> f64 {
        let weights = cooling.iter().map(|candidate| match candidate.verdict.reason() {
            Some(recorded) if recorded == reason => RECORDED,
            Some(_) => 0.0,
            // A counter can be any number; a negative or non-finite one is ignored.
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

impl Unavailable {
    /// Returns text to append to a sentence about something else: a colon, and each profile with its reason and the
    /// time left.
    pub(crate) fn reasons(&self) -> impl fmt::Display {
        Reasons { unavailable: self, by_name: true }
    }

    /// Returns what the user can do about the first profile that only its owner can fix.
    pub(super) fn help(&self) -> Option<&'static str> {
        let of_secret = self.candidates.iter().find_map(|candidate| match candidate.verdict {
            Verdict::ImplausibleSecret { reason } => Some(reason.help()),
            Verdict::Expired { at } => WrongUnit::of(as_millis(at)).map(WrongUnit::help),
            _ => None,
        });
        let has = |verdict: Verdict| self.candidates.iter().any(|candidate| candidate.verdict == verdict);
        let is_order_lost = self.locked.is_none() && has(Verdict::Missing) && has(Verdict::ExcludedByOrder);
        of_secret.or_else(|| is_order_lost.then_some(LOST_ORDER))
    }

    fn own(&self) -> Option<&Candidate<'static>> {
        let locked = self.locked.as_ref()?;
        self.candidates.iter().find(|candidate| *candidate.id == *locked)
    }

    fn kind(&self) -> ErrorKind {
        match self.own().map(|candidate| candidate.verdict) {
            Some(Verdict::ProviderMismatch) => ErrorKind::ProfileNotConfigured,
            Some(verdict) if verdict.is_cooling_down() || verdict == Verdict::Refreshing => ErrorKind::Unavailable,
            _ if self.locked.is_some() => ErrorKind::MissingCredentials,
            _ if self.candidates.is_empty() => ErrorKind::MissingApiKey,
            _ => ErrorKind::Unavailable,
        }
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let provider = &self.provider;
        match (self.locked.as_ref().map(|locked| Shown::new(locked.as_str())), self.kind()) {
            (Some(locked), ErrorKind::ProfileNotConfigured) => {
                write!(f, "Auth profile {locked:?} is not configured for {provider}")?;
            }
            (Some(locked), ErrorKind::Unavailable) => {
                write!(f, "Auth profile {locked:?} cannot be used for {provider} now")?;
            }
            (Some(locked), _) => write!(f, "No credentials found for profile {locked:?}")?,
            (None, ErrorKind::MissingApiKey) => {
                write!(f, "No API key found for provider {:?}", Shown::new(provider.as_str()))?;
            }
            (None, _) => write!(f, "No available auth profile for {provider} (all in cooldown or unavailable)")?,
        }
        Reasons::new(self).fmt(f)
    }
}

/// If more profiles than this are named, those that the list in force leaves out are only counted.
const MOST_NAMED: usize = 8;

/// The text about the profiles after a colon: the locked one, or else each.
pub(super) struct Reasons<'a> {
    unavailable: &'a Unavailable,
    /// If `true`, the locked profile is named here, because the text before does not name it.
    by_name: bool,
}

impl<'a> Reasons<'a> {
    pub(super) fn new(unavailable: &'a Unavailable) -> Self {
        Self { unavailable, by_name: false }
    }
}

impl fmt::Display for Reasons<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unavailable { locked, candidates, now, .. } = self.unavailable;
        let say = |f: &mut fmt::Formatter<'_>, candidate: &Candidate<'_>| {
            candidate.verdict.write(f, Some(*now))?;
            let in_vain = candidate.verdict.is_cooling_down() && candidate.retry_at.is_none();
            f.write_str(if in_vain { ", and expires before that" } else { "" })
        };
        if locked.is_some() {
            let Some(own) = self.unavailable.own() else { return Ok(()) };
            if self.by_name {
                write!(f, ": {} ", own.id)?;
            } else {
                f.write_str(": it ")?;
            }
            return say(f, own);
        }
        let inside = candidates.iter().filter(|candidate| !candidate.verdict.is_outside()).count();
        let mut room = MOST_NAMED.saturating_sub(inside);
        let named = candidates.iter().filter(|candidate| {
            let outside = candidate.verdict.is_outside();
            let named = !outside || room > 0;
            room -= usize::from(outside && named);
            named
        });
        let mut count = 0;
        for candidate in named {
            write!(f, "{} {} ", if count == 0 { ":" } else { ";" }, candidate.id)?;
            say(f, candidate)?;
            count += 1;
        }
        match candidates.len() - count {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl std::error::Error for Unavailable {}

impl From<Unavailable> for Error {
    fn from(unavailable: Unavailable) -> Self {
        let kind = unavailable.kind();
        let error = Self::new(kind, unavailable.to_string());
        // A refresh ends within seconds, although its end is not known.
        let passes = |candidate: &Candidate<'_>| candidate.verdict == Verdict::Refreshing;
        let waits = unavailable.retry_at.is_some() || unavailable.candidates.iter().any(passes);
        let failed = unavailable.candidates.iter().find_map(|candidate| match candidate.verdict {
            Verdict::UnresolvedReference { reason } => Some(reason),
            _ => None,
        });
        let mendable = unavailable.help();
        let error = match failed {
            _ if waits => error,
            Some(reason) => error.with_transience(reason.may_pass()).with_help(reason.help()),
            None if mendable.is_some() => error.with_transience(false).with_help(mendable.unwrap_or_default()),
            None if kind == ErrorKind::Unavailable => error.with_transience(false).with_help(IN_VAIN),
            None => error,
        };
        error.with_origin(unavailable)
    }
}

/// The help if an order names profiles that do not exist, and leaves others out.
const LOST_ORDER: &str = "Correct the order of this provider's profiles: it names some that do not exist, and leaves out \
                          others. It is `auth.order` in `openclaw.json`, or stored with the profiles.";

/// The help if no time will make a profile usable.
const IN_VAIN: &str = "Add a working key for this provider, or correct the order of its profiles. Waiting does not help: \
                       each profile is unusable for the reason given with it.";

impl Error {
    /// Returns the refusal behind this error, with every profile that was considered; `None` for other errors.
    #[must_use]
    pub fn unavailable(&self) -> Option<&Unavailable> {
        self.origin()
    }

    /// Returns the time to wait, counted from the refusal, until a profile is worth another attempt; `None` if waiting
    /// does not help.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.unavailable()?.retry_after()
    }
}
