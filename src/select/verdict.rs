//! Whether one profile can be used now, and why not.

use std::fmt;

use super::rules::{CLOCK_CORRECTION, FailureCounting, SelectorRules, millis};
use crate::clock::{Timestamp, in_words};
use crate::credential::{Implausible, ReferenceFailure};
use crate::headroom::LimitKind;
use crate::profile::{UsageStats, Window, WrongUnit, timestamp};
use crate::reason::FailureReason;

/// Whether a profile can be used now, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It can be used.
    Ready,
    /// It failed lately and is cooling down.
    #[non_exhaustive]
    Cooling {
        /// From this moment on it can be used again.
        until: Timestamp,
        /// Why it is cooling down, if that was recorded.
        reason: Option<FailureReason>,
        /// Whether it is cooling down for the wanted model only.
        model_only: bool,
    },
    /// It was taken out of use for longer.
    #[non_exhaustive]
    Disabled {
        /// From this moment on it is worth a try again.
        until: Timestamp,
        /// Why, if that was recorded.
        reason: Option<FailureReason>,
    },
    /// Its provider says that too little is left of a limit for the request. Nothing failed.
    #[non_exhaustive]
    NoHeadroom {
        /// From this moment on enough is left.
        until: Timestamp,
        /// The limit.
        limit: LimitKind,
    },
    /// Its token is past its end and cannot be refreshed.
    #[non_exhaustive]
    Expired {
        /// The end.
        at: Timestamp,
    },
    /// Its expiry is no moment in time.
    InvalidExpiry,
    /// The configuration expects another kind of credential under this name.
    ModeMismatch,
    /// It belongs to another provider, in the document or in the configuration.
    ProviderMismatch,
    /// Its secret is blank.
    MissingSecret,
    /// Its secret has characters that cannot stand in a header.
    UnusableSecret,
    /// What stands in the place of its secret can be none.
    #[non_exhaustive]
    ImplausibleSecret {
        /// Why.
        reason: Implausible,
    },
    /// Its secret is kept elsewhere, and the reference leads to none.
    #[non_exhaustive]
    UnresolvedReference {
        /// Why.
        reason: ReferenceFailure,
    },
    /// Its kind of credential is not known to this version.
    UnknownKind,
    /// It is a sign-in that OpenClaw saved to take another's place later, and is not active.
    SetupInactive,
    /// OpenClaw is renewing its login, and has the tokens in its hands meanwhile.
    Refreshing,
    /// OpenClaw tried to renew its login and failed for good.
    RefreshFailed,
    /// It is one of OpenClaw's personal accounts, by its name, and is left alone.
    PersonalAccount,
    /// It is named by an order or by the configuration, but does not exist.
    Missing,
    /// It exists, but the order in force does not name it.
    ExcludedByOrder,
    /// It exists, but the configuration lists other profiles of its provider only.
    NotConfigured,
    /// It could be used, but the caller asked for another profile only, or to leave this one out.
    NotRequested,
}

impl Verdict {
    /// A short name for programs: `ready`, `cooling`, `disabled`, `no_headroom`, `expired`, `invalid_expires`, `mode_mismatch`,
    /// `provider_mismatch`, `missing_credential`, `unusable_secret`, `implausible_secret`, `unresolved_ref`, `unknown_type`,
    /// `setup_inactive`, `refreshing`, `refresh_failed`, `personal_account`, `profile_missing`, `excluded_by_auth_order`, `not_configured` or `not_requested`.
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

    /// Whether the profile can be used now.
    #[must_use]
    pub fn is_ready(self) -> bool {
        self == Self::Ready
    }

    /// Whether waiting helps: the profile can be used, only not yet.
    #[must_use]
    pub fn is_cooling_down(self) -> bool {
        self.until().is_some()
    }

    /// Whether its reference was looked up and leads to no secret: nothing else is to take its place.
    pub(super) fn is_failed_reference(self) -> bool {
        matches!(self, Self::UnresolvedReference { reason } if reason != ReferenceFailure::NotLookedUp)
    }

    /// Whether the list in force leaves the profile out, whatever its state.
    pub(super) fn is_outside(self) -> bool {
        matches!(self, Self::ExcludedByOrder | Self::NotConfigured | Self::NotRequested)
    }

    /// Whether a list leaves the profile out, or has something else under its name.
    pub(super) fn is_left_out(self) -> bool {
        self.is_outside() || matches!(self, Self::ModeMismatch | Self::ProviderMismatch)
    }

    /// Until when the profile is cooling down, if it does.
    #[must_use]
    pub fn until(self) -> Option<Timestamp> {
        match self {
            Self::Cooling { until, .. } | Self::Disabled { until, .. } | Self::NoHeadroom { until, .. } => Some(until),
            _ => None,
        }
    }

    /// Why the profile is cooling down, if it does and the reason was recorded.
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
    /// The verdict as what is said of a profile. The end of a cooldown is told as the time left from `now` on, or as a moment.
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
                // A clock of that time is nobody's.
                let wrong = WrongUnit::of(as_millis(at))
                    .filter(|_| now.is_none_or(|now| WrongUnit::of(as_millis(now)).is_none()));
                return wrong.map_or(Ok(()), |wrong| {
                    write!(f, ", read as milliseconds since 1970, where its end looks like {}", wrong.looks_like())
                });
            }
            Self::InvalidExpiry => "has an expiry that is not a time",
            Self::ModeMismatch => "is another kind of credential than the configuration expects",
            Self::ProviderMismatch => "belongs to another provider",
            Self::MissingSecret => "has no secret",
            Self::UnusableSecret => "has a secret with characters no header can carry",
            Self::ImplausibleSecret { reason } => return write!(f, "has {reason}"),
            Self::UnresolvedReference { reason } => {
                return write!(f, "has a reference to a secret that was not resolved: {reason}");
            }
            Self::UnknownKind => "is of an unknown kind of credential",
            Self::SetupInactive => "is saved and not active; `openclaw models auth activate` makes it so",
            Self::Refreshing => "is being renewed by OpenClaw",
            Self::RefreshFailed => "could not be renewed by OpenClaw; sign in again there",
            Self::PersonalAccount => "is a personal account, which only OpenClaw uses",
            Self::Missing => "does not exist",
            Self::ExcludedByOrder => "is not in the order",
            Self::NotConfigured => "is not listed in the configuration",
            Self::NotRequested => "was not asked for",
        };
        f.write_str(words)
    }
}

/// What is said of a profile: `is cooling down (rate_limit) until ...`, `has no secret`.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, None)
    }
}

/// A moment as the file's arithmetic sees it.
#[expect(clippy::cast_precision_loss, reason = "the file's numbers are doubles; real times are far below 2^53 ms")]
pub(super) fn as_millis(now: Timestamp) -> f64 {
    now.as_millis() as f64
}

/// No later moment is one in JavaScript, and none was meant.
const LAST_MOMENT: f64 = 8.64e15;

/// Whether the profile was used or failed at a moment that has not come yet: the clock was set back since.
fn was_used_ahead(usage: &UsageStats, now: f64) -> bool {
    [usage.last_used, usage.last_failure_at].into_iter().flatten().any(|stamp| stamp - now > millis(CLOCK_CORRECTION))
}

impl SelectorRules {
    /// Whether a window of these statistics is in force.
    ///
    /// A window of this crate says when it was opened. One that was opened ahead of now is the trace of a clock that was set
    /// back, and is not in force. Every other is believed as far as it goes: one that lasts longer than any rule here makes
    /// it is another program's, unless the stamps beside it lie ahead too.
    pub(super) fn is_active(&self, usage: &UsageStats, window: &Window, now: f64) -> bool {
        let left = window.until - now;
        let ahead = window.until.is_finite() && window.until > 0.0 && left > 0.0;
        if !ahead || self.cooldown.counting == FailureCounting::Shared {
            return ahead;
        }
        // The deadline's cap is nearly always the longest of all, and costs less to look at.
        let possible = || left <= millis(self.cooldown.deadline_cap) || left <= millis(self.cooldown.cap());
        match window.since {
            // One that lasts longer than any, or was opened further ahead of now than it lasts, would otherwise come into
            // force when the clock gets there.
            Some(since) if since - now > millis(CLOCK_CORRECTION) => {
                let length = window.until - since;
                let plausible = since - now <= length + millis(CLOCK_CORRECTION);
                possible() && plausible && length <= millis(self.cooldown.cap())
            }
            // None of ours ends later than that after it was written: the clock was set back since.
            Some(_) if window.is_ours => possible(),
            _ => possible() || (self.distant_windows && window.until <= LAST_MOMENT && !was_used_ahead(usage, now)),
        }
    }

    /// Tells of a window that begins or grows between two states of a profile's statistics.
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

    /// What the profile's windows say, and when the last of them ends in the file's own number. Without a model every
    /// window counts.
    pub(super) fn cooling(&self, usage: Option<&UsageStats>, model: Option<&str>, now: f64) -> Option<(f64, Verdict)> {
        let usage = usage.filter(|usage| now < usage.last_end)?;
        if self.cooldown.counting == FailureCounting::Shared {
            return cooling_as_openclaw(usage, now);
        }
        let concerns = |window: &Window| match (&window.model, model) {
            (Some(own), Some(wanted)) => **own == *wanted,
            _ => true,
        };
        let windows = usage.disabled.iter().map(|window| (window, true));
        let windows = windows.chain(usage.transient().chain(&usage.blocked).map(|window| (window, false)));
        let active = windows.filter(|(window, _)| concerns(window) && self.is_active(usage, window, now));
        let (window, long) =
            active.reduce(|longest, next| if next.0.until > longest.0.until { next } else { longest })?;
        let (until, reason) = (timestamp(window.until), window.reason);
        let verdict = if long {
            Verdict::Disabled { until, reason }
        } else {
            Verdict::Cooling { until, reason, model_only: window.model.is_some() }
        };
        Some((window.until, verdict))
    }

    /// Until when any window keeps a profile from being used, whatever the model; as long as the long window is in
    /// force, it is called disabled.
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

/// OpenClaw of February 2026 knows two windows, both of the whole profile, and cools down until the later one ends.
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
