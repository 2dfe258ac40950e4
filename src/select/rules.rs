//! The selector's rules as plain data.

use std::time::Duration;

use crate::headroom::HeadroomPolicy;
use crate::reason::{CooldownKind, FailureReason};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// The amount by which a clock may be set back without ending windows.
pub(super) const CLOCK_CORRECTION: Duration = MINUTE;

/// A schedule of window lengths by the number of failures.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Backoff {
    /// One length per failure; the last one repeats.
    Steps(Vec<Duration>),
    /// A base multiplied by a factor for each further failure, up to a cap.
    #[non_exhaustive]
    Growing {
        /// The length after the first failure.
        base: Duration,
        /// The factor for each further failure.
        factor: f64,
        /// The number of multiplications after which it stops growing.
        max_exponent: f64,
        /// The maximum length; never below the base.
        cap: Duration,
    },
}

impl Backoff {
    /// Creates a backoff that doubles with each failure, up to a cap.
    #[must_use]
    pub const fn doubling(base: Duration, cap: Duration) -> Self {
        Self::growing(base, 2.0, f64::MAX, cap)
    }

    /// Creates a backoff that multiplies by a factor with each failure, a limited number of times, up to a cap.
    #[must_use]
    pub const fn growing(base: Duration, factor: f64, max_exponent: f64, cap: Duration) -> Self {
        Self::Growing { base, factor, max_exponent, cap }
    }

    /// Returns the length after this many failures, in milliseconds. The file's counters can be fractions or below one.
    pub(super) fn millis(&self, failures: f64) -> f64 {
        let failures = failures.max(1.0);
        match self {
            Self::Steps(steps) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "at least zero, and the cast saturates"
                )]
                let index = (failures.ceil() - 1.0) as usize;
                steps.get(index).or(steps.last()).copied().map_or(0.0, millis)
            }
            Self::Growing { base, factor, max_exponent, cap } => {
                let exponent = (failures - 1.0).min(*max_exponent);
                (millis(*base) * factor.powf(exponent)).min(millis(*cap).max(millis(*base)))
            }
        }
    }

    /// Returns the maximum length.
    fn longest(&self) -> Duration {
        match self {
            Self::Steps(steps) => steps.iter().copied().max().unwrap_or_default(),
            Self::Growing { base, cap, .. } => *cap.max(base),
        }
    }
}

/// Returns whole and fractional milliseconds.
pub(super) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// The way failures are counted, and their effect on a window that is already running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureCounting {
    /// Every reason has its own counter, and a running window does not move. The counter outlives its window, so that
    /// the next failure takes the next step. Windows are kept per model if the reason is scoped to one.
    PerReason,
    /// All reasons of the transient cooldown kind share one counter, and every failure moves the window, as in OpenClaw
    /// until February 2026.
    Shared,
}

/// A policy for the length of a profile's cooldown after a failure.
///
/// [`SelectorRules::default`] has the default policy; `auth.cooldowns` of a configuration overrides it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CooldownPolicy {
    /// The way failures are counted. Default: per reason.
    pub counting: FailureCounting,
    /// The backoff for transient reasons other than `rate_limit`. Default: 30 s, 1 min, 5 min.
    pub transient: Backoff,
    /// The backoff for `rate_limit`. Default: 30 s doubling to 1 h.
    pub rate_limit: Backoff,
    /// The backoff for `billing`. Default: 10 min doubling to 24 h.
    pub billing: Backoff,
    /// Other bases of the `billing` backoff by provider, in lookup order. Default: none.
    pub billing_base_by_provider: Vec<(crate::id::ProviderId, Duration)>,
    /// The backoff for `auth_permanent`. Default: 10 min doubling to 1 h.
    pub auth_permanent: Backoff,
    /// The time without a failure after which counters restart. Default: 24 h.
    pub failure_window: Duration,
    /// The cap on a deadline that a server names. Default: 24 h.
    pub deadline_cap: Duration,
}

impl CooldownPolicy {
    /// Returns the maximum length of any window of these rules, plus a minute, because clocks are often corrected by
    /// small steps. A window that opened ahead of the clock (which was therefore set back) and ends later than this
    /// from now is not in force. For longer windows of other programs see [`SelectorRules::distant_windows`].
    #[must_use]
    pub fn cap(&self) -> Duration {
        // Names every field, so that a new backoff cannot be forgotten here.
        let Self {
            counting: _,
            transient,
            rate_limit,
            billing,
            billing_base_by_provider,
            auth_permanent,
            failure_window: _,
            deadline_cap,
        } = self;
        let backoffs = [transient, rate_limit, billing, auth_permanent].into_iter().map(Backoff::longest);
        let by_provider = billing_base_by_provider.iter().map(|(_, base)| *base);
        let longest = backoffs.chain(by_provider).fold(*deadline_cap, Duration::max);
        longest.saturating_add(CLOCK_CORRECTION)
    }

    pub(super) fn cooldown_kind(&self, reason: FailureReason) -> CooldownKind {
        match (self.counting, reason) {
            (FailureCounting::PerReason, _) => reason.cooldown_kind(),
            (FailureCounting::Shared, FailureReason::Billing) => CooldownKind::Disabled,
            (FailureCounting::Shared, _) => CooldownKind::Transient,
        }
    }

    /// Returns the length of the window that this failure opens, in milliseconds.
    pub(super) fn millis(&self, reason: FailureReason, provider: &crate::id::ProviderId, failures: f64) -> f64 {
        let long = self.cooldown_kind(reason) == CooldownKind::Disabled;
        // Names every reason, so that a new one cannot be forgotten here.
        match reason {
            FailureReason::Billing => self.billing_for(provider).millis(failures),
            FailureReason::AuthPermanent if long => self.auth_permanent.millis(failures),
            FailureReason::RateLimit => self.rate_limit.millis(failures),
            FailureReason::Auth
            | FailureReason::AuthPermanent
            | FailureReason::SessionExpired
            | FailureReason::Network
            | FailureReason::Timeout
            | FailureReason::ModelNotFound
            | FailureReason::NotFound
            | FailureReason::Overloaded
            | FailureReason::ServerError
            | FailureReason::Format
            | FailureReason::ContextOverflow
            | FailureReason::Unknown => self.transient.millis(failures),
        }
    }

    fn billing_for(&self, provider: &crate::id::ProviderId) -> Backoff {
        let own = self.billing_base_by_provider.iter().find(|(name, _)| name == provider);
        match (&self.billing, own) {
            (Backoff::Growing { factor, max_exponent, cap, .. }, Some((_, base))) => {
                Backoff::Growing { base: *base, factor: *factor, max_exponent: *max_exponent, cap: *cap }
            }
            _ => self.billing.clone(),
        }
    }
}

/// The rules of selection and cooldown, as plain data.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use provider_auth::select::SelectorRules;
///
/// let mut rules = SelectorRules::default();
/// rules.cooldown.deadline_cap = Duration::from_secs(3_600);
/// assert!(!SelectorRules::openclaw_2026_02().repair_order);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "plain data: each is a rule of its own")]
pub struct SelectorRules {
    /// The policy for cooldowns after failures.
    pub cooldown: CooldownPolicy,
    /// If `true`, a token with an expiry that is no valid time (zero, negative, beyond the year 275760, not a number)
    /// is unusable. Default: `true`. OpenClaw of February 2026 read it as "never".
    pub strict_expiry: bool,
    /// If `true`, the stored profiles replace a stored order, or the list `auth.profiles`, if none of its profiles exists.
    /// Default: `true`. An order in the configuration is never replaced.
    pub repair_order: bool,
    /// If `true`, an OAuth credential with a live access token precedes one that must be refreshed. Default: `true`.
    pub live_first: bool,
    /// If `true`, a credential's kind is taken from the shape of its secret, which must be valid in a header. Default:
    /// `true`. OpenClaw of February 2026 used the declared kind alone.
    pub inspect_secret: bool,
    /// If `true`, a text that cannot be a secret, such as a placeholder or a reference in an unsupported notation, is
    /// never sent, and another credential is used instead; see [`Implausible`](crate::credential::Implausible).
    /// Default: `true`. If `false`, every secret is sent as it is, as OpenClaw does.
    pub refuse_implausible: bool,
    /// If `true`, a window that another program wrote is in force until its end, even beyond [`CooldownPolicy::cap`]:
    /// the weekly limit of a plan ends days ahead (`blockedUntil`). A window whose profile was last used or last failed
    /// ahead of the clock is ignored as the trace of a clock that was set back. Default: `true`.
    ///
    /// Has no effect under [`FailureCounting::Shared`], whose windows are in force regardless of their length.
    pub distant_windows: bool,
    /// If `true`, a profile whose window is still running may be probed once in 24 hours while no profile is usable;
    /// see [`ProbePolicy`](super::ProbePolicy). Default: `true`.
    pub daily_probe: bool,
    /// The use of the remaining limits that providers report; `None` ignores them. Default: the default policy. Takes
    /// effect only with a [`HeadroomTracker`](crate::headroom::HeadroomTracker), which keeps those reports.
    pub headroom: Option<HeadroomPolicy>,
    /// If `true`, profile names that are whole numbers come first, as JavaScript enumerates them. Default: `false`.
    pub integer_names_first: bool,
}

impl Default for SelectorRules {
    fn default() -> Self {
        Self {
            cooldown: CooldownPolicy {
                counting: FailureCounting::PerReason,
                transient: Backoff::Steps(vec![SECOND * 30, MINUTE, MINUTE * 5]),
                rate_limit: Backoff::doubling(SECOND * 30, HOUR),
                billing: Backoff::doubling(MINUTE * 10, HOUR * 24),
                billing_base_by_provider: Vec::new(),
                auth_permanent: Backoff::doubling(MINUTE * 10, HOUR),
                failure_window: HOUR * 24,
                deadline_cap: HOUR * 24,
            },
            strict_expiry: true,
            repair_order: true,
            live_first: true,
            inspect_secret: true,
            refuse_implausible: true,
            distant_windows: true,
            daily_probe: true,
            headroom: Some(HeadroomPolicy::default()),
            integer_names_first: false,
        }
    }
}

impl SelectorRules {
    /// Returns the rules of OpenClaw 2026.2.9: the same order and the same statistics, to the millisecond, for every
    /// well-typed document.
    ///
    /// Transient windows last 1, 5, 25 and 60 minutes on a counter shared by all reasons; billing windows last 5 hours,
    /// doubling to 24. Every failure moves a running window. Counters restart after a success or after more than
    /// 24 hours without a failure. Windows concern the whole profile. An expiry of zero or less means none. Profiles
    /// that later versions hold back (a sign-in that is not active, an OAuth credential that is being refreshed, a
    /// personal account) are not used under these rules either.
    #[must_use]
    pub fn openclaw_2026_02() -> Self {
        let transient = Backoff::growing(MINUTE, 5.0, 3.0, HOUR);
        let billing = Backoff::growing(HOUR * 5, 2.0, 10.0, HOUR * 24);
        Self {
            cooldown: CooldownPolicy {
                counting: FailureCounting::Shared,
                rate_limit: transient.clone(),
                transient,
                auth_permanent: billing.clone(),
                billing,
                billing_base_by_provider: Vec::new(),
                failure_window: HOUR * 24,
                deadline_cap: HOUR * 24,
            },
            strict_expiry: false,
            repair_order: false,
            live_first: false,
            inspect_secret: false,
            refuse_implausible: false,
            distant_windows: false,
            daily_probe: false,
            headroom: None,
            integer_names_first: true,
        }
    }
}
