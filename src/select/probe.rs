//! Probes: early trials of profiles that are still cooling down.

use std::time::Duration;

use super::unavailable::Unavailable;
use super::verdict::Verdict;
use crate::clock::Timestamp;
use crate::id::ProfileId;
use crate::profile::{AuthProfiles, UsageStats};
use crate::reason::FailureReason;

/// A policy for probing a profile before its cooldown ends, while every profile of the provider is cooling down.
///
/// A window that has ended needs no probe: its profile is ready, half-open, and the next failure takes the next step of
/// the backoff. But providers lift limits and users pay bills before a window ends. So one profile at a time is probed:
///
/// - one that is cooling down, shortly before its window ends;
/// - one that is out of credit, at long intervals, because only a person ends that and no answer announces it;
/// - one whose credential is permanently refused, never before its window ends;
/// - regardless of its window, one whose last failure and last probe are a day old, or one without either whose window
///   ends more than a day ahead: another program may have seen a limit of several days that is lifted by now
///   ([`SelectorRules::daily_probe`](super::SelectorRules::daily_probe)).
///
/// The intervals count from the last probe or the profile's last failure, whichever is later. The failure is in the
/// profile's statistics, so that new processes do not each begin with a probe. For the daily probe, a probe by OpenClaw
/// (`lastProbeAt`) counts as well.
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
    /// The time before the end of its window at which a profile that is cooling down is probed. Default: 2 min.
    pub lead: Duration,
    /// The minimum time between two probes of a provider, and between a failure and a probe of its profile. Default:
    /// 30 s.
    pub interval: Duration,
    /// The minimum time between a failure and a probe of a profile that is out of credit. Default: 30 min.
    pub billing_interval: Duration,
}

impl Default for ProbePolicy {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { lead: seconds(120), interval: seconds(30), billing_interval: seconds(1_800) }
    }
}

/// The time without an attempt after which the rules allow a probe regardless of the window.
const DAY: Duration = Duration::from_secs(86_400);

/// The next probe of a profile that is cooling down.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Probe {
    /// The profile to probe.
    pub profile: ProfileId,
    /// The moment from which to probe it: not before the refusal, and at the latest when the profile's window ends.
    pub at: Timestamp,
}

impl Probe {
    /// Returns `true` if the moment has come.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        now >= self.at
    }
}

impl ProbePolicy {
    /// Returns the profile to probe next and the time; `None` if no profile is cooling down, so that waiting does not
    /// help.
    ///
    /// The probe that is due first wins, then the one whose window ends first, then the first in order. `last_probe` is
    /// when this provider was last probed. Times later than the refusal are ignored as traces of a clock that was set
    /// back.
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
                // Anything an answer reported is from today, because its request would otherwise have left a trace.
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
