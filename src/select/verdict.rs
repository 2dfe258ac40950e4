//! The verdict on one profile.

use std::fmt;

use super::rules::{CLOCK_CORRECTION, FailureCounting, SelectorRules, millis};
use crate::clock::{Timestamp, in_words};
use crate::credential::{Implausible, ReferenceFailure};
use crate::headroom::LimitKind;
use crate::profile::{UsageStats, Window, WrongUnit, timestamp};
use crate::reason::FailureReason;

/// The result of judging a profile: usable now, or the reason that it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The profile can be used now.
    Ready,
    /// The profile failed recently and is cooling down.
    #[non_exhaustive]
    Cooling {
        /// The moment from which it can be used again.
        until: Timestamp,
        /// The reason for the cooldown, if recorded.
        reason: Option<FailureReason>,
        /// `true` if it is cooling down only for the requested model.
        model_only: bool,
    },
    /// The profile is out of use for longer, because its account is empty or its credential was refused for good.
    #[non_exhaustive]
    Disabled {
        /// The moment from which it is worth another attempt.
        until: Timestamp,
        /// The reason, if recorded.
        reason: Option<FailureReason>,
    },
    /// The provider reported too little headroom for the request; nothing failed.
    #[non_exhaustive]
    NoHeadroom {
        /// The moment from which there is enough headroom.
        until: Timestamp,
        /// The limit that is nearly used up.
        limit: LimitKind,
    },
    /// The token is past its end and cannot be refreshed.
    #[non_exhaustive]
    Expired {
        /// The end of the token.
        at: Timestamp,
    },
    /// The expiry is not a valid time.
    InvalidExpiry,
    /// The configuration expects another kind of credential for this profile.
    ModeMismatch,
    /// The profile belongs to another provider, in the document or in the configuration.
    ProviderMismatch,
    /// The secret is blank.
    MissingSecret,
    /// The secret has characters that are not valid in a header.
    UnusableSecret,
    /// The text stored as the secret cannot be one.
    #[non_exhaustive]
    ImplausibleSecret {
        /// The kind of text that it is instead.
        reason: Implausible,
    },
    /// The secret is stored elsewhere, and the reference does not lead to it.
    #[non_exhaustive]
    UnresolvedReference {
        /// The reason that the reference was not resolved.
        reason: ReferenceFailure,
    },
    /// This version does not know the kind of credential.
    UnknownKind,
    /// The profile is a sign-in that OpenClaw saved to replace another one later, and is not active.
    SetupInactive,
    /// OpenClaw is refreshing the OAuth credential, and nobody else may use its tokens meanwhile.
    Refreshing,
    /// OpenClaw tried to refresh the OAuth credential and failed for good.
    RefreshFailed,
    /// The profile's name marks it as one of OpenClaw's personal accounts, which only OpenClaw uses.
    PersonalAccount,
    /// The profile is named by an order or by the configuration, but does not exist.
    Missing,
    /// The profile exists, but the order in force does not name it.
    ExcludedByOrder,
    /// The profile exists, but the configuration lists only other profiles of its provider.
    NotConfigured,
    /// The profile could be used, but the query allows only another one, or leaves this one out.
    NotRequested,
}

impl Verdict {
    /// Returns a short name for programs: `ready`, `cooling`, `disabled`, `no_headroom`, `expired`, `invalid_expires`,
    /// `mode_mismatch`, `provider_mismatch`, `missing_credential`, `unusable_secret`, `implausible_secret`,
    /// `unresolved_ref`, `unknown_type`, `setup_inactive`, `refreshing`, `refresh_failed`, `personal_account`,
    /// `profile_missing`, `excluded_by_auth_order`, `not_configured` or `not_requested`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Cooling { .. } => "cooling",
            Self::Disabled { .. } => "disabled",
            Self::NoHeadroom { .. } => "no_headroom",
            Self::Expired { .. } => "expired",
            Self::InvalidExpiry => "invalid_expires",
            Self::ModeMismatch => "mode_mismatch",
            Self::ProviderMismatch => "provider_mismatch",
            Self::MissingSecret => "missing_credential",
            Self::UnusableSecret => "unusable_secret",
            Self::ImplausibleSecret { .. } => "implausible_secret",
            Self::UnresolvedReference { .. } => "unresolved_ref",
            Self::UnknownKind => "unknown_type",
            Self::SetupInactive => "setup_inactive",
            Self::Refreshing => "refreshing",
            Self::RefreshFailed => "refresh_failed",
            Self::PersonalAccount => "personal_account",
            Self::Missing => "profile_missing",
            Self::ExcludedByOrder => "excluded_by_auth_order",
            Self::NotConfigured => "not_configured",
            Self::NotRequested => "not_requested",
        }
    }

    /// Returns `true` if the profile can be used now.
    #[must_use]
    pub fn is_ready(self) -> bool {
        self == Self::Ready
    }

    /// Returns `true` if the profile is cooling down, so that waiting helps.
    #[must_use]
    pub fn is_cooling_down(self) -> bool {
        self.until().is_some()
    }

    /// Returns `true` if the reference was looked up and leads to no secret, in which case no other credential replaces
    /// it.
    pub(super) fn is_failed_reference(self) -> bool {
        matches!(self, Self::UnresolvedReference { reason } if reason != ReferenceFailure::NotLookedUp)
    }

    /// Returns `true` if the list in force leaves the profile out, regardless of its state.
    pub(super) fn is_outside(self) -> bool {
        matches!(self, Self::ExcludedByOrder | Self::NotConfigured | Self::NotRequested)
    }

    /// Returns `true` if a list leaves the profile out, or expects something else under its name.
    pub(super) fn is_left_out(self) -> bool {
        self.is_outside() || matches!(self, Self::ModeMismatch | Self::ProviderMismatch)
    }

    /// Returns the end of the cooldown, if the profile is cooling down.
    #[must_use]
    pub fn until(self) -> Option<Timestamp> {
        match self {
            Self::Cooling { until, .. } | Self::Disabled { until, .. } | Self::NoHeadroom { until, .. } => Some(until),
            _ => None,
        }
    }

    /// Returns the reason for the cooldown, if the profile is cooling down and the reason was recorded.
    #[must_use]
    pub fn reason(self) -> Option<FailureReason> {
        match self {
            Self::Cooling { reason, .. } | Self::Disabled { reason, .. } => reason,
            Self::NoHeadroom { .. } => Some(FailureReason::RateLimit),
            _ => None,
        }
    }
}

impl Verdict {
    /// Writes the verdict as the predicate of a sentence about a profile. The end of a cooldown is written as the time
    /// left from `now`, or as a moment.
    pub(super) fn write(self, f: &mut fmt::Formatter<'_>, now: Option<Timestamp>) -> fmt::Result {
        let end = |until: Timestamp| match now {
            Some(now) => format!("for {}", in_words(until.saturating_since(now))),
            None => format!("until {until}"),
        };
        let words = match self {
            Self::Ready => "is ready",
            Self::Cooling { until, reason, model_only } => {
                let note = match (reason, model_only) {
                    (Some(reason), true) => format!(" ({reason}, this model only)"),
                    (Some(reason), false) => format!(" ({reason})"),
                    (None, true) => " (this model only)".to_owned(),
                    (None, false) => String::new(),
                };
                return write!(f, "is cooling down{note} {}", end(until));
            }
            Self::Disabled { until, reason: Some(reason) } => {
                return write!(f, "is disabled ({reason}) {}", end(until));
            }
            Self::Disabled { until, reason: None } => return write!(f, "is disabled {}", end(until)),
            Self::NoHeadroom { until, limit } => {
                return write!(f, "has too little left of its limit of {limit} {}", end(until));
            }
            Self::Expired { at } => {
                match now {
                    None => write!(f, "expired at {at}")?,
                    Some(_) => f.write_str("has expired")?,
                }
                // A clock that shows such a time is wrong itself.
                let wrong = WrongUnit::of(as_millis(at))
                    .filter(|_| now.is_none_or(|now| WrongUnit::of(as_millis(now)).is_none()));
                return wrong.map_or(Ok(()), |wrong| {
                    write!(f, ", read as milliseconds since 1970, where its end looks like {}", wrong.looks_like())
                });
            }
            Self::InvalidExpiry => "has an expiry that is not a time",
            Self::ModeMismatch => "is not the kind of credential that the configuration expects",
            Self::ProviderMismatch => "belongs to another provider",
            Self::MissingSecret => "has no secret",
            Self::UnusableSecret => "has a secret with characters that are not valid in a header",
            Self::ImplausibleSecret { reason } => return write!(f, "has {reason}"),
            Self::UnresolvedReference { reason } => {
                return write!(f, "has a reference to a secret that was not resolved: {reason}");
            }
            Self::UnknownKind => "is of an unknown kind of credential",
            Self::SetupInactive => "is saved but not active; run `openclaw models auth activate` to use it",
            Self::Refreshing => "is being refreshed by OpenClaw",
            Self::RefreshFailed => "could not be refreshed by OpenClaw; sign in again there",
            Self::PersonalAccount => "is a personal account, which only OpenClaw uses",
            Self::Missing => "does not exist",
            Self::ExcludedByOrder => "is not in the order",
            Self::NotConfigured => "is not listed in the configuration",
            Self::NotRequested => "was not requested",
        };
        f.write_str(words)
    }
}

/// Formats the verdict as a predicate: `is cooling down (rate_limit) until ...`, `has no secret`.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, None)
    }
}

/// Converts a moment to the file's number format.
#[expect(clippy::cast_precision_loss, reason = "the file's numbers are doubles; real times are far below 2^53 ms")]
pub(super) fn as_millis(now: Timestamp) -> f64 {
    now.as_millis() as f64
}

/// The last moment that JavaScript can represent.
const LAST_MOMENT: f64 = 8.64e15;

/// Returns `true` if the profile was used or failed ahead of the clock, which has therefore been set back.
fn was_used_ahead(usage: &UsageStats, now: f64) -> bool {
    [usage.last_used, usage.last_failure_at].into_iter().flatten().any(|stamp| stamp - now > millis(CLOCK_CORRECTION))
}

impl SelectorRules {
    /// Returns `true` if a window of these statistics is in force.
    ///
    /// A window of this crate records when it opened. One that opened in the future is the trace of a clock that was
    /// set back, and is not in force. Any other window is believed: one that lasts longer than these rules allow is
    /// another program's, unless the times beside it are in the future too.
    pub(super) fn is_active(&self, usage: &UsageStats, window: &Window, now: f64) -> bool {
        let left = window.until - now;
        let ahead = window.until.is_finite() && window.until > 0.0 && left > 0.0;
        if !ahead || self.cooldown.counting == FailureCounting::Shared {
            return ahead;
        }
        // The deadline's cap is nearly always the maximum, and cheaper to read.
        let possible = || left <= millis(self.cooldown.deadline_cap) || left <= millis(self.cooldown.cap());
        match window.since {
            // A window that is too long, or opened further in the future than it lasts, would otherwise come into force
            // when the clock gets there.
            Some(since) if since - now > millis(CLOCK_CORRECTION) => {
                let length = window.until - since;
                let plausible = since - now <= length + millis(CLOCK_CORRECTION);
                possible() && plausible && length <= millis(self.cooldown.cap())
            }
            // None of our windows ends later than that after it was written, so the clock was set back.
            Some(_) if window.is_ours => possible(),
            _ => possible() || (self.distant_windows && window.until <= LAST_MOMENT && !was_used_ahead(usage, now)),
        }
    }

    /// Logs a window that opens or grows between two states of a profile's statistics.
    #[cfg(feature = "tracing")]
    pub(super) fn trace_cooldown(
        &self,
        (before, after): (&UsageStats, &UsageStats),
        receipt: &super::receipt::Receipt,
        reason: FailureReason,
        now: f64,
    ) {
        let end = |usage| self.cooling(Some(usage), receipt.model(), now).and_then(|(_, verdict)| verdict.until());
        if let Some(until) = end(after)
            && end(before).is_none_or(|before| before < until)
        {
            let (profile, model) = (receipt.profile(), receipt.model());
            tracing::info!(%profile, gen_ai.request.model = model.map(|model| crate::error::Shown::new(model).to_string()).as_deref(), reason = reason.as_str(), %until, "cooling down");
        }
    }

    /// Returns the windows in force, each with `true` for the long one. Without a model every window counts.
    fn in_force<'u>(
        &self,
        usage: &'u UsageStats,
        model: Option<&str>,
        now: f64,
    ) -> impl Iterator<Item = (&'u Window, bool)> {
        let concerns = move |window: &Window| match (&window.model, model) {
            (Some(own), Some(wanted)) => **own == *wanted,
            _ => true,
        };
        let long = usage.disabled.iter().map(|window| (window, true));
        let all = long.chain(usage.transient().chain(&usage.blocked).map(|window| (window, false)));
        all.filter(move |(window, _)| concerns(window) && self.is_active(usage, window, now))
    }

    /// Returns `true` if a window is in force: the same as [`cooling`](Self::cooling), without the verdict.
    pub(super) fn is_cooling(&self, usage: &UsageStats, model: Option<&str>, now: f64) -> bool {
        now < usage.last_end
            && match self.cooldown.counting {
                FailureCounting::PerReason => self.in_force(usage, model, now).next().is_some(),
                FailureCounting::Shared => cooling_as_openclaw(usage, now).is_some(),
            }
    }

    /// Returns the verdict of the profile's windows, and the end of the last one as the file's number. Without a model
    /// every window counts.
    pub(super) fn cooling(&self, usage: Option<&UsageStats>, model: Option<&str>, now: f64) -> Option<(f64, Verdict)> {
        let usage = usage.filter(|usage| now < usage.last_end)?;
        if self.cooldown.counting == FailureCounting::Shared {
            return cooling_as_openclaw(usage, now);
        }
        let longest = self
            .in_force(usage, model, now)
            .reduce(|longest, next| if next.0.until > longest.0.until { next } else { longest });
        let (window, long) = longest?;
        let (until, reason) = (timestamp(window.until), window.reason);
        let verdict = if long {
            Verdict::Disabled { until, reason }
        } else {
            Verdict::Cooling { until, reason, model_only: window.model.is_some() }
        };
        Some((window.until, verdict))
    }

    /// Returns the verdict of the profile's windows for any model. While the long window is in force, the profile is
    /// disabled.
    pub(super) fn cooldown_of(&self, usage: &UsageStats, now: f64) -> Option<Verdict> {
        let (last, verdict) = self.cooling(Some(usage), None, now)?;
        let until = timestamp(last);
        match &usage.disabled {
            Some(disabled) if self.is_active(usage, disabled, now) => {
                Some(Verdict::Disabled { until, reason: disabled.reason })
            }
            _ => Some(verdict),
        }
    }
}

/// Returns the cooldown as in OpenClaw of February 2026: two windows, both of the whole profile, until the later one
/// ends.
fn cooling_as_openclaw(usage: &UsageStats, now: f64) -> Option<(f64, Verdict)> {
    let end = |window: &Option<Window>| {
        window.as_ref().map(|window| window.until).filter(|until| until.is_finite() && *until > 0.0)
    };
    let (transient, long) = (end(&usage.cooldown), end(&usage.disabled));
    let last = transient.into_iter().chain(long).reduce(f64::max).filter(|last| now < *last)?;
    let until = timestamp(last);
    let verdict = match &usage.disabled {
        Some(disabled) if long.is_some_and(|long| now < long) => Verdict::Disabled { until, reason: disabled.reason },
        _ => Verdict::Cooling { until, reason: None, model_only: false },
    };
    Some((last, verdict))
}
