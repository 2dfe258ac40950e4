//! The selector's rules as plain data.

use std::time::Duration;

use crate::headroom::HeadroomPolicy;
use crate::reason::{CooldownKind, FailureReason};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// By how much a clock may be set back without windows losing their force.
pub(super) const CLOCK_CORRECTION: Duration = MINUTE;

/// How the length of a window grows with the number of failures.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Backoff {
    /// One length for each failure; the last one stays.
    Steps(Vec<Duration>),
    /// A base multiplied by a factor for each further failure, up to a cap.
    #[non_exhaustive]
    Growing {
        /// The length after the first failure.
        base: Duration,
        /// By how much each further failure multiplies it.
        factor: f64,
        /// After how many multiplications it stops growing.
        max_exponent: f64,
        /// The longest length; never below the base.
        cap: Duration,
    },
}

impl Backoff {
    /// A length that doubles with each failure up to a cap.
    #[must_use]
    pub const fn doubling(base: Duration, cap: Duration) -> Self {
        Self::growing(base, 2.0, f64::MAX, cap)
    }

    /// A length that is multiplied by a factor with each failure, a limited number of times, up to a cap.
    #[must_use]
    pub const fn growing(base: Duration, factor: f64, max_exponent: f64, cap: Duration) -> Self {
        Self::Growing { base, factor, max_exponent, cap }
    }

    /// The length after this many failures, in milliseconds. The file's counters can be fractions or below one.
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

    /// The longest length it can give.
    fn longest(&self) -> Duration {
        match self {
            Self::Steps(steps) => steps.iter().copied().max().unwrap_or_default(),
            Self::Growing { base, cap, .. } => *cap.max(base),
        }
    }
}

/// Whole and fractional milliseconds.
pub(super) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// How failures are counted, and what a failure does to a window that is already running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureCounting {
    /// Every reason has its own counter; a running window stays where it is; a window's end leaves the counter, so that
    /// the next failure takes the next step; windows are kept per model where the reason concerns a model.
    PerReason,
    /// One counter for all reasons of the transient cooldown kind; every failure moves the window. As OpenClaw did until
    /// February 2026.
    Shared,
}

/// How long a profile cools down after a failure.
///
/// The defaults come from `SelectorRules::default()`; `auth.cooldowns` of a configuration overrides them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CooldownPolicy {
    /// How failures are counted. Default: per reason.
    pub counting: FailureCounting,
    /// The other reasons of the transient cooldown kind. Default: 30 s, 1 min, 5 min.
    pub transient: Backoff,
    /// `rate_limit`. Default: 30 s doubling to 1 h.
    pub rate_limit: Backoff,
    /// `billing`. Default: 10 min doubling to 24 h.
    pub billing: Backoff,
    /// Other bases for `billing` by provider, in the order in which they are looked up.
    pub billing_base_by_provider: Vec<(crate::id::ProviderId, Duration)>,
    /// `auth_permanent`. Default: 10 min doubling to 1 h.
    pub auth_permanent: Backoff,
    /// After this long without a failure the counters start again. Default: 24 h.
    pub failure_window: Duration,
    /// The longest time a server's own deadline can bind. Default: 24 h.
    pub deadline_cap: Duration,
}

impl CooldownPolicy {
    /// The longest any window of these rules can last, with a minute on top, because clocks are corrected by small steps all
    /// the time. One that was opened ahead of the clock, which has been set back since, and ends later than this from now
    /// binds nobody; for longer ones of other programs see [`SelectorRules::distant_windows`].
    #[must_use]
    pub fn cap(&self) -> Duration {
        // Every field by name, so that a backoff that is added cannot be forgotten here.
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

    /// The length of the window this failure opens, in milliseconds.
    pub(super) fn millis(&self, reason: FailureReason, provider: &crate::id::ProviderId, failures: f64) -> f64 {
        let long = self.cooldown_kind(reason) == CooldownKind::Disabled;
        // Every reason by name, so that one that is added cannot be forgotten here.
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
    /// How long a profile cools down after a failure.
    pub cooldown: CooldownPolicy,
    /// Whether an expiry that is no moment (zero, negative, beyond the year 275760, not a number) makes a token
    /// unusable. Default: yes. OpenClaw of February 2026 read it as "never".
    pub strict_expiry: bool,
    /// Whether an order of which no profile exists gives way to the stored profiles. Default: yes.
    pub repair_order: bool,
    /// Whether a login with a live access token comes before one that must be refreshed. Default: yes.
    pub live_first: bool,
    /// Whether a credential counts by what its secret shows it to be, and must be able to stand in a header. Default:
    /// yes. OpenClaw of February 2026 went by the declared kind alone.
    pub inspect_secret: bool,
    /// Whether a text that can be no secret, such as a placeholder or a reference in a notation that is not followed, is
    /// never sent and gives way to another credential; see [`Implausible`](crate::credential::Implausible). Default: yes.
    /// Switched off, every secret is taken as it is, as OpenClaw takes it.
    pub refuse_implausible: bool,
    /// Whether a window that another program wrote is believed as far as it goes, also where it ends further ahead than
    /// [`CooldownPolicy::cap`]: the weekly limit of a plan ends days ahead (`blockedUntil`). One whose profile was last used
    /// or last failed at a moment that lies ahead of the clock is the trace of a clock that was set back, and is not.
    /// Default: yes.
    ///
    /// Without effect under [`FailureCounting::Shared`], whose windows bind however long they are.
    pub distant_windows: bool,
    /// Whether a profile whose window still runs may be probed once in 24 hours, where every profile is unusable; see
    /// [`ProbePolicy`](super::ProbePolicy). Default: yes.
    pub daily_probe: bool,
    /// What is made of what providers say is left of their limits; `None` for nothing. Default: the default policy. It takes
    /// effect where a [`HeadroomTracker`](crate::headroom::HeadroomTracker) keeps what they say.
    pub headroom: Option<HeadroomPolicy>,
    /// Whether profile names that are whole numbers come first, as JavaScript enumerates them. Default: no.
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
    /// The rules of OpenClaw 2026.2.9: the same order and the same statistics, to the millisecond, for every well-typed
    /// document.
    ///
    /// Transient windows of 1, 5, 25 and 60 minutes on a counter shared by all reasons, billing windows of 5 hours
    /// doubling to 24; every failure moves a running window; counters start again after a success or after more than
    /// 24 hours without a failure; windows concern the whole profile; an expiry of zero or less means none. What later
    /// versions hold back (a sign-in that is not active, a login that is being renewed, a personal account) is not used
    /// under these rules either.
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
