//! Cooldown windows, and the keys under which a file has them.

use super::raw::{self, RawObject};
use crate::reason::FailureReason;

/// Keys of a `usageStats` entry. The first nine are from OpenClaw of February 2026, the next blocks from later
/// versions, the last ones this crate's own. OpenClaw kept unknown keys until May 2026; since then it drops them
/// whenever it writes, so nothing may depend on this crate's own keys alone.
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

    pub(crate) const LAST_PROBE_AT: &str = "lastProbeAt";

    pub(crate) const BLOCKED_UNTIL: &str = "blockedUntil";
    pub(crate) const BLOCKED_MODEL: &str = "blockedModel";
    pub(crate) const BLOCKED_SCOPE: &str = "blockedScope";
    /// All keys of a blocked window: the end of a plan's limit as the provider published it and OpenClaw read it, from
    /// the source that `blockedSource` names. This crate reads it and removes it when it is over, but never writes it.
    pub(crate) const BLOCKED: [&str; 5] =
        [BLOCKED_UNTIL, "blockedReason", "blockedSource", BLOCKED_MODEL, BLOCKED_SCOPE];

    pub(crate) const COOLDOWN_SINCE: &str = "cooldownSince";
    pub(crate) const DISABLED_SINCE: &str = "disabledSince";
    /// The end of the window that the start belongs to. OpenClaw until May 2026 opens its own windows without changing
    /// our start.
    pub(crate) const COOLDOWN_SINCE_UNTIL: &str = "cooldownSinceUntil";
    pub(crate) const DISABLED_SINCE_UNTIL: &str = "disabledSinceUntil";
    pub(crate) const MODEL_COOLDOWNS: &str = "modelCooldowns";
    /// The end of OpenClaw's window if it summarises `modelCooldowns`.
    pub(crate) const MODEL_COOLDOWNS_UNTIL: &str = "modelCooldownsUntil";
    pub(crate) const SUCCESS_PICKED_AT: &str = "successPickedAt";
    /// What is exhausted, and until when: a hint that another program may drop.
    pub(crate) const NO_HEADROOM_UNTIL: &str = "noHeadroomUntil";
    /// How much of a plan is used, and until when that is valid: also a hint.
    pub(crate) const PLAN_USED: &str = "planUsed";
    /// When the providers reported those.
    pub(crate) const HEADROOM_TOLD_AT: &str = "headroomToldAt";
    pub(crate) const INLINE_KEY: &str = "inlineKey";
}

/// A period in which a profile, or one of its models, cools down. Times are milliseconds as the file has them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Window {
    pub(crate) until: f64,
    pub(crate) since: Option<f64>,
    /// `true` if `since` is known to have been written with this end.
    pub(crate) is_ours: bool,
    pub(crate) reason: Option<FailureReason>,
    /// Another program's reason, if it is not one of ours.
    pub(crate) foreign_reason: Option<Box<str>>,
    /// The model it concerns; `None` for all.
    pub(crate) model: Option<Box<str>>,
}

impl Window {
    pub(super) fn reason_name(&self) -> Option<&str> {
        self.foreign_reason.as_deref().or(self.reason.map(FailureReason::as_str))
    }

    pub(crate) fn because(self, reason: FailureReason) -> Self {
        Self { reason: Some(reason), foreign_reason: None, ..self }
    }

    /// Reads a window with this end, and its reason under a key, which may be another program's.
    ///
    /// Its start is ignored if it belongs to another end, or is after the end.
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
