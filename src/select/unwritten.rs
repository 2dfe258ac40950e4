//! Successes that no store was told of, because they would have changed nothing but times.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::receipt::Receipt;
use super::resolve::INLINE_PREFIX;
use super::rules::{FailureCounting, millis};
use super::selector::ProfileSelector;
use super::transition::Event;
use super::verdict::as_millis;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::ProfileId;
use crate::profile::{AuthProfiles, key};

/// How far the times of success in a store may be behind.
const BEHIND: Duration = Duration::from_secs(1);

/// The latest successes of each profile that were not written, one for each model: picks and failures of this program
/// take them into account.
#[derive(Debug, Default)]
pub(crate) struct Unwritten(Mutex<HashMap<ProfileId, Vec<(Receipt, Timestamp)>>>);

impl Unwritten {
    /// Returns when a profile was last used, in milliseconds, as far as that was not written.
    pub(super) fn last_used(&self, id: &ProfileId) -> Option<f64> {
        self.all().get(id)?.iter().map(|(_, at)| as_millis(*at)).reduce(f64::max)
    }

    pub(crate) fn add(&self, receipt: &Receipt, now: Timestamp) {
        let mut all = self.all();
        let known = all.entry(receipt.profile().clone()).or_default();
        match known.iter_mut().find(|(old, _)| old.model() == receipt.model()) {
            Some((old, at)) if old.picked_at() <= receipt.picked_at() => (*old, *at) = (receipt.clone(), now.max(*at)),
            Some((_, at)) => *at = now.max(*at),
            None => known.push((receipt.clone(), now)),
        }
    }

    pub(crate) fn take(&self, id: &ProfileId) -> Vec<(Receipt, Timestamp)> {
        self.all().remove(id).unwrap_or_default()
    }

    fn all(&self) -> MutexGuard<'_, HashMap<ProfileId, Vec<(Receipt, Timestamp)>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProfileSelector {
    /// Returns `true` if a success would change nothing but times, by less than the second that they may be behind.
    ///
    /// OpenClaw of February 2026 wrote every success, so its rules do.
    pub(crate) fn may_skip_success(&self, profiles: &AuthProfiles, receipt: &Receipt, now: Timestamp) -> bool {
        let (id, model) = (receipt.profile().as_str(), receipt.model().unwrap_or_default());
        let Some(usage) = profiles.usage(id).filter(|usage| usage.is_clear()) else { return false };
        let recent = |last: Option<f64>, at: Timestamp| last.is_some_and(|last| as_millis(at) - last < millis(BEHIND));
        self.rules.cooldown.counting == FailureCounting::PerReason
            && !id.starts_with(INLINE_PREFIX)
            && usage.last_used.is_some_and(|last| last <= as_millis(now))
            && recent(usage.last_used, now)
            && recent(usage.success_picked_at.get(model).copied(), receipt.picked_at())
            && profiles.last_good(receipt.provider()).is_some()
    }

    /// Adds the times of successes that were not written to a profile's statistics.
    pub(crate) fn write_skipped(
        &self,
        profiles: &mut AuthProfiles,
        id: &ProfileId,
        skipped: &[(Receipt, Timestamp)],
        now: Timestamp,
    ) -> Result<()> {
        let Some(mut usage) = profiles.usage(id.as_str()).cloned() else { return Ok(()) };
        for (receipt, at) in skipped {
            let stamps = self.rules.successes(&usage, &Event::new(receipt, now));
            usage = usage.edited(|edit| {
                edit.number(key::LAST_USED, usage.last_used.map_or(as_millis(*at), |last| last.max(as_millis(*at))));
                edit.numbers(key::SUCCESS_PICKED_AT, &stamps);
            });
        }
        profiles.set_usage(id, usage)
    }
}
