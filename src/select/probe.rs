//! When a profile in cooldown is worth a trial although its window still runs.

use std::time::Duration;

use super::unavailable::Unavailable;
use super::verdict::Verdict;
use crate::clock::Timestamp;
use crate::id::ProfileId;
use crate::profile::{AuthProfiles, UsageStats};
use crate::reason::FailureReason;

/// When one request may try a profile in cooldown, if every profile of the provider is cooling down.
///
/// A window that has ended needs no probe: its profile is ready, half-open, and the next failure takes the next step of
/// the backoff. But limits are lifted and bills are paid before a window ends, and whoever waits for its end alone stays
/// away for hours. So one profile at a time is probed, throttled:
///
/// - one that cools down, shortly before its window ends;
/// - one that is out of credit, at long intervals, because only a human ends that and nobody tells;
/// - one whose credential is finished, never before its window ends;
/// - whatever its window says, one whose last failure and last probe are a day old, and one whose window ends more than a
///   day ahead and of which neither is known: another program may have been told of a limit of days that is lifted by now
///   ([`SelectorRules::daily_probe`](super::SelectorRules::daily_probe)).
///
/// The throttle counts from the last probe and from the profile's last failure, whichever is later. The latter stands in
/// the profile's statistics, so that processes that start anew do not begin with a probe each. For the probe of the day a
/// probe by OpenClaw (`lastProbeAt`) counts as well.
///
/// # Examples
///
/// ```
/// use provider_auth::{AuthProfiles, ProfileSelector, ProviderId, Query, Timestamp};
/// use provider_auth::select::ProbePolicy;
///
/// let profiles = AuthProfiles::from_json(r#"{"version": 1,
///     "profiles": {"anthropic:a": {"type": "api_key", "provider": "anthropic", "key": "sk-a"}},
///     "usageStats": {"anthropic:a": {"cooldownUntil": 1000000, "cooldownReason": "rate_limit", "lastFailureAt": 1}}}"#)?;
/// let (anthropic, selector) = (ProviderId::anthropic(), ProfileSelector::default());
/// let query = Query::new(&anthropic);
///
/// let unavailable = selector.select(&profiles, &query, Timestamp::from_millis(500_000)).unwrap_err();
/// let probe = ProbePolicy::default().next(&unavailable, &profiles, None).unwrap();
/// assert_eq!(probe.at, Timestamp::from_millis(880_000));
///
/// let due = selector.select_or_probe(&profiles, &query, &ProbePolicy::default(), None, probe.at)?;
/// assert_eq!(due.profile.as_str(), "anthropic:a");
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProbePolicy {
    /// How long before the end of its window a profile that cools down is probed. Default: 2 min.
    pub lead: Duration,
    /// The shortest time between two probes of a provider, and between a failure and a probe of its profile. Default: 30 s.
    pub interval: Duration,
    /// The shortest time between a failure and a probe of a profile that is out of credit. Default: 30 min.
    pub billing_interval: Duration,
}

impl Default for ProbePolicy {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { lead: seconds(120), interval: seconds(30), billing_interval: seconds(1_800) }
    }
}

/// How long a profile is left alone before the rules allow a probe whatever its window says.
const DAY: Duration = Duration::from_secs(86_400);

/// The next trial of a profile in cooldown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Probe {
    /// The profile to try.
    pub profile: ProfileId,
    /// From this moment on. Never after the end of the profile's window, never before the refusal.
    pub at: Timestamp,
}

impl Probe {
    /// Whether the moment has come.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        now >= self.at
    }
}

impl ProbePolicy {
    /// Which profile is probed next, and when; `None` if none of them is cooling down, so that waiting does not help.
    ///
    /// Of several the one that is due first; of several of those the one whose window ends first, then the first in order.
    /// `last_probe` is when this provider was last probed. Moments after the refusal's are taken for a clock that was set
    /// back, and do not count.
    #[must_use]
    pub fn next(
        &self,
        unavailable: &Unavailable,
        profiles: &AuthProfiles,
        last_probe: Option<Timestamp>,
    ) -> Option<Probe> {
        let now = unavailable.now;
        let past = |at: &Timestamp| *at <= now;
        let mut best: Option<(Timestamp, Timestamp, &ProfileId)> = None;
        for candidate in &unavailable.candidates {
            let Some(until) = candidate.verdict.until() else { continue };
            let usage = profiles.usage(candidate.id.as_str());
            let failed = usage.and_then(UsageStats::last_failure_at).filter(past);
            let probed = usage.and_then(UsageStats::last_probe_at).filter(past);
            let (earliest, pause) = match candidate.verdict {
                Verdict::Disabled { reason: Some(FailureReason::Billing), .. } => (now, self.billing_interval),
                Verdict::Disabled { .. } | Verdict::NoHeadroom { .. } => (until, self.interval),
                _ => (until - self.lead, self.interval),
            };
            let paused = failed.map(|at| at + pause);
            let throttled = last_probe.filter(past).map(|at| at + self.interval);
            let at = [Some(earliest), paused, throttled].into_iter().flatten().fold(now, Timestamp::max);
            let is_told = matches!(candidate.verdict, Verdict::NoHeadroom { .. });
            let used = usage.and_then(UsageStats::last_used).filter(|at| is_told && past(at));
            let left_alone = [failed, probed, last_probe.filter(past), used].into_iter().flatten().max();
            let of_the_day = match left_alone {
                Some(since) => Some(since + DAY),
                // What an answer told was told today, or its request would have left a trace.
                None => (until - now > DAY && !is_told).then_some(now),
            };
            let of_the_day = of_the_day.filter(|_| unavailable.daily_probe).map_or(at, |day| day.max(now));
            let at = at.min(of_the_day).min(until);
            if best.is_none_or(|(soonest, ends, _)| (at, until) < (soonest, ends)) {
                best = Some((at, until, &*candidate.id));
            }
        }
        best.map(|(at, _, profile)| Probe { profile: profile.clone(), at })
    }
}
