//! The periods in which a profile cools down, and the keys under which a file has them.

use super::raw::{self, RawObject};
use crate::reason::FailureReason;

/// Keys of a `usageStats` entry. The first nine are OpenClaw's of February 2026, the blocks after them its later
/// versions', the last ones this crate's own. OpenClaw kept what it does not know until May 2026; since then it drops it
/// whenever it writes, so nothing may depend on the last ones alone.
pub(crate) mod key {
    pub(crate) const LAST_USED: &str = "lastUsed";
    pub(crate) const COOLDOWN_UNTIL: &str = "cooldownUntil";
    pub(crate) const DISABLED_UNTIL: &str = "disabledUntil";
    pub(crate) const DISABLED_REASON: &str = "disabledReason";
    pub(crate) const ERROR_COUNT: &str = "errorCount";
    pub(crate) const FAILURE_COUNTS: &str = "failureCounts";
    pub(crate) const LAST_FAILURE_AT: &str = "lastFailureAt";
    pub(crate) const COOLDOWN_REASON: &str = "cooldownReason";
    pub(crate) const COOLDOWN_MODEL: &str = "cooldownModel";

    /// When OpenClaw last probed the profile.
    pub(crate) const LAST_PROBE_AT: &str = "lastProbeAt";

    pub(crate) const BLOCKED_UNTIL: &str = "blockedUntil";
    pub(crate) const BLOCKED_MODEL: &str = "blockedModel";
    pub(crate) const BLOCKED_SCOPE: &str = "blockedScope";
    /// Everything a blocked window consists of: the end of a plan's limit as the provider published it, read by OpenClaw at
    /// the place that `blockedSource` names. It is read and, when it is over, removed here, and never written: this crate
    /// asks no such place.
    pub(crate) const BLOCKED: [&str; 5] =
        [BLOCKED_UNTIL, "blockedReason", "blockedSource", BLOCKED_MODEL, BLOCKED_SCOPE];

    pub(crate) const COOLDOWN_SINCE: &str = "cooldownSince";
    pub(crate) const DISABLED_SINCE: &str = "disabledSince";
    /// The end of the window that the stamp beside it is of. OpenClaw until May 2026 opens windows of its own and leaves our
    /// stamps where they are.
    pub(crate) const COOLDOWN_SINCE_UNTIL: &str = "cooldownSinceUntil";
    pub(crate) const DISABLED_SINCE_UNTIL: &str = "disabledSinceUntil";
    pub(crate) const MODEL_COOLDOWNS: &str = "modelCooldowns";
    /// The end of the window in OpenClaw's one place, where that stands for all of `modelCooldowns`.
    pub(crate) const MODEL_COOLDOWNS_UNTIL: &str = "modelCooldownsUntil";
    pub(crate) const SUCCESS_PICKED_AT: &str = "successPickedAt";
    /// Of what nothing is left, and until when: a hint that another program may drop.
    pub(crate) const NO_HEADROOM_UNTIL: &str = "noHeadroomUntil";
    /// How much of a plan is used, and until when that counts: a hint as well.
    pub(crate) const PLAN_USED: &str = "planUsed";
    pub(crate) const INLINE_KEY: &str = "inlineKey";
}

/// A period in which a profile, or one model of it, cools down. Times are milliseconds as the file has them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Window {
    pub(crate) until: f64,
    pub(crate) since: Option<f64>,
    /// Whether `since` is known to have been written with this very end.
    pub(crate) is_ours: bool,
    pub(crate) reason: Option<FailureReason>,
    /// The reason in the words of another program, where it is none of ours.
    pub(crate) foreign_reason: Option<Box<str>>,
    /// The one model it concerns; `None` for all.
    pub(crate) model: Option<Box<str>>,
}

impl Window {
    /// Returns the reason as the file names it.
    pub(super) fn reason_name(&self) -> Option<&str> {
        self.foreign_reason.as_deref().or(self.reason.map(FailureReason::as_str))
    }

    /// Replaces the reason.
    pub(crate) fn because(self, reason: FailureReason) -> Self {
        Self { reason: Some(reason), foreign_reason: None, ..self }
    }

    /// Reads a window that ends here, for the reason under a key, in our words or in those of another program.
    ///
    /// The stamp counts where it can be of this window: it is not if another end was written beside it, or if the window was
    /// over before.
    pub(super) fn read(object: &RawObject<'_>, until: f64, since: [&str; 2], reason: &str) -> Self {
        let [since, since_until] = since;
        let is_of_another = object.get(since_until).is_some_and(|end| !raw::is_number(end, until));
        let since = object.number(since).filter(|since| *since <= until && !is_of_another);
        let name = object.string(reason);
        let known = name.as_deref().map(FailureReason::from_name);
        let foreign_reason = name.filter(|_| known == Some(None)).map(Into::into);
        let reason = known.map(|known| known.unwrap_or(FailureReason::Unknown));
        let is_ours = since.is_some() && object.get(since_until).is_some();
        Self { until, since, is_ours, reason, foreign_reason, model: None }
    }
}
