//! Successes that are not written because they would change only times, and the effect of outcomes that are not written
//! yet.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::event::Event;
use super::receipt::Receipt;
use super::resolve::INLINE_PREFIX;
use super::rules::{FailureCounting, millis};
use super::selector::ProfileSelector;
use super::verdict::as_millis;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::ProfileId;
use crate::profile::{AuthProfiles, UsageStats, key};
use crate::reason::FailureReason;

/// The amount by which times of success in a store may be behind.
const BEHIND: Duration = Duration::from_secs(1);

/// The latest unwritten successes of each profile, one per model. Picks and failures of this program take them into
/// account.
#[derive(Debug, Default)]
pub(crate) struct Unwritten(Mutex<HashMap<ProfileId, Vec<(Receipt, Timestamp)>>>);

impl Unwritten {
    /// Returns when a profile was last used, in milliseconds, according to the unwritten successes.
    pub(super) fn last_used(&self, id: &ProfileId) -> Option<f64> {
        self.all().get(id)?.iter().map(|(_, at)| as_millis(*at)).reduce(f64::max)
    }

    pub(crate) fn add(&self, receipt: &Receipt, now: Timestamp) {
        let mut all = self.all();
        let known = all.entry(receipt.profile().clone()).or_default();
        match known.iter_mut().find(|(old, _)| old.model() == receipt.model()) {
            Some((old, at)) if old.picked_at() <= receipt.picked_at() => {
                (*old, *at) = (receipt.released(), now.max(*at));
            }
            Some((_, at)) => *at = now.max(*at),
            None => known.push((receipt.released(), now)),
        }
    }

    /// Returns the unwritten successes of one profile.
    pub(crate) fn of(&self, id: &ProfileId) -> Vec<(Receipt, Timestamp)> {
        self.all().get(id).cloned().unwrap_or_default()
    }

    /// Returns the profiles with unwritten successes.
    pub(crate) fn profiles(&self) -> Vec<ProfileId> {
        self.all().keys().cloned().collect()
    }

    /// Forgets what was written; newer entries stay.
    pub(crate) fn forget(&self, id: &ProfileId, written: &[(Receipt, Timestamp)]) {
        let mut all = self.all();
        let Some(known) = all.get_mut(id) else { return };
        known.retain(|(receipt, at)| {
            let same = |(old, then): &(Receipt, Timestamp)| {
                (old.model(), old.picked_at(), *then) == (receipt.model(), receipt.picked_at(), *at)
            };
            !written.iter().any(same)
        });
        if known.is_empty() {
            all.remove(id);
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<ProfileId, Vec<(Receipt, Timestamp)>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProfileSelector {
    /// Returns `true` if these rules allow successes to stay unwritten.
    ///
    /// OpenClaw of February 2026 wrote every success, so its rules do not.
    pub(crate) fn skips_successes(&self) -> bool {
        self.rules.cooldown.counting == FailureCounting::PerReason
    }

    /// Returns `true` if a success would change only times, by less than the second that they may be behind.
    pub(crate) fn may_skip_success(&self, profiles: &AuthProfiles, receipt: &Receipt, now: Timestamp) -> bool {
        let (id, model) = (receipt.profile().as_str(), receipt.model().unwrap_or_default());
        let Some(usage) = profiles.usage(id).filter(|usage| usage.is_clear()) else { return false };
        let recent = |last: Option<f64>, at: Timestamp| last.is_some_and(|last| as_millis(at) - last < millis(BEHIND));
        self.skips_successes()
            && !id.starts_with(INLINE_PREFIX)
            && usage.last_used.is_some_and(|last| last <= as_millis(now))
            && recent(usage.last_used, now)
            && recent(usage.success_picked_at.get(model).copied(), receipt.picked_at())
            && profiles.last_good(receipt.provider()).is_some()
    }

    /// Adds the times of unwritten successes to a profile's statistics; `now` is when they are written.
    pub(crate) fn write_skipped(
        &self,
        profiles: &mut AuthProfiles,
        id: &ProfileId,
        skipped: &[(Receipt, Timestamp)],
        now: Timestamp,
    ) -> Result<()> {
        let Some(mut usage) = profiles.usage(id.as_str()).cloned() else { return Ok(()) };
        self.note_skipped(&mut usage, skipped, now);
        profiles.set_usage(id, usage)
    }

    /// Does the same as [`write_skipped`](Self::write_skipped) on the profile's statistics alone.
    pub(crate) fn note_skipped(&self, usage: &mut UsageStats, skipped: &[(Receipt, Timestamp)], now: Timestamp) {
        for (receipt, at) in skipped {
            let stamps = self.rules.successes(usage, &Event::new(receipt, *at).written(now));
            *usage = usage.edited(|edit| {
                edit.number(key::LAST_USED, usage.last_used.map_or(as_millis(*at), |last| last.max(as_millis(*at))));
                edit.numbers(key::SUCCESS_PICKED_AT, &stamps);
            });
        }
    }

    /// Applies a failure to a temporary document, without logging: the change is logged once it is written.
    pub(crate) fn foresee_failure(
        &self,
        profiles: &mut AuthProfiles,
        receipt: &Receipt,
        failed: (FailureReason, Option<Timestamp>),
        now: Timestamp,
    ) -> Result<()> {
        let mut usage = profiles.usage(receipt.profile().as_str()).cloned().unwrap_or_default();
        let before = usage.clone();
        self.change_by_failure((profiles, &mut usage), receipt, failed, now, |_, _| {});
        if usage == before { Ok(()) } else { profiles.set_usage(receipt.profile(), usage) }
    }

    /// Returns `true` if an outcome that could not be written before is left out now, under rules that count every failure
    /// and move windows: statistics with that moment may have it already, and those with a later failure have a window
    /// that it could only shorten.
    pub(crate) fn comes_late(&self, profiles: &AuthProfiles, id: &ProfileId, at: Timestamp, failed: bool) -> bool {
        let later = profiles.usage(id.as_str()).and_then(|usage| usage.last_failure_at);
        let is_later = later.is_some_and(|last| last > as_millis(at));
        self.counts_twice(profiles, id, at, failed)
            || self.rules.cooldown.counting == FailureCounting::Shared && is_later
    }

    /// Returns `true` if applying an outcome of that moment again would count it twice, because the document has it
    /// already. Under rules that count per reason, applying an outcome twice has no further effect.
    pub(crate) fn counts_twice(&self, profiles: &AuthProfiles, id: &ProfileId, at: Timestamp, failed: bool) -> bool {
        let Some(usage) = profiles.usage(id.as_str()) else { return false };
        let stamp = if failed { usage.last_failure_at } else { usage.last_used };
        self.rules.cooldown.counting == FailureCounting::Shared && stamp.is_some_and(|stamp| stamp >= as_millis(at))
    }
}
