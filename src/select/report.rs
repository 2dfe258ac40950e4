//! Reported outcomes, applied to the document and to the statistics of one profile.

use super::event::Event;
use super::receipt::Receipt;
use super::resolve::{INLINE_PREFIX, digits, is_about};
use super::rules::FailureCounting;
use super::selector::ProfileSelector;
use super::verdict::as_millis;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::ProfileId;
use crate::profile::{AuthProfiles, UsageStats, check_not_personal, key};
use crate::reason::{Blame, FailureReason};

impl ProfileSelector {
    /// Records in the document that the request of this receipt succeeded, and marks its profile as the provider's last
    /// good one.
    ///
    /// Ends the profile's windows and counters, except windows that opened after the pick or concern another model.
    ///
    /// Does nothing if the receipt was reported before, or if its profile no longer exists or is one of OpenClaw's
    /// personal accounts.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::ErrorKind::Corrupt) if the document's statistics are not an object.
    pub fn record_success(&self, profiles: &mut AuthProfiles, receipt: &Receipt, now: Timestamp) -> Result<()> {
        let report = receipt.report(|| self.write_success(profiles, receipt, now));
        report.map(Option::unwrap_or_default)
    }

    pub(crate) fn write_success(&self, profiles: &mut AuthProfiles, receipt: &Receipt, now: Timestamp) -> Result<()> {
        self.write_late_success(profiles, receipt, now, now)
    }

    /// Does the same as [`write_success`](Self::write_success) for a success that was reported before `now`.
    pub(crate) fn write_late_success(
        &self,
        profiles: &mut AuthProfiles,
        receipt: &Receipt,
        reported_at: Timestamp,
        now: Timestamp,
    ) -> Result<()> {
        let event = Event::new(receipt, reported_at).written(now);
        self.change(profiles, receipt, |usage| self.rules.after_success(usage, &event))?;
        profiles.set_last_good(receipt.profile());
        Ok(())
    }

    /// Does the same as [`write_late_success`](Self::write_late_success) on the profile's statistics alone, which do
    /// not contain the provider's last good profile.
    pub(crate) fn note_success(
        &self,
        profiles: &AuthProfiles,
        usage: &mut UsageStats,
        receipt: &Receipt,
        reported_at: Timestamp,
        now: Timestamp,
    ) {
        let event = Event::new(receipt, reported_at).written(now);
        if let Some(after) = self.changed(profiles, receipt, usage, |usage| self.rules.after_success(usage, &event)) {
            *usage = after;
        }
    }

    /// Records in the document that the request of this receipt failed.
    ///
    /// `deadline` is the moment that the server named; it overrides the backoff, up to the policy's cap. A failure
    /// picked before a newer success changes nothing. One picked before the window it would count towards opened
    /// changes nothing but the deadline. One picked before another program announced a window that concerns it changes
    /// nothing unless the server named a later moment than that window's end.
    ///
    /// Does nothing for a reason that [blames nobody](Blame::Nobody), for a profile that no longer exists, for a
    /// receipt that was reported before, or if the secret was refused or its account was empty and the profile now has
    /// another secret.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::ErrorKind::Corrupt) if the document's statistics are not an object.
    pub fn record_failure(
        &self,
        profiles: &mut AuthProfiles,
        receipt: &Receipt,
        reason: FailureReason,
        deadline: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<()> {
        let report = receipt.report(|| self.write_failure(profiles, receipt, reason, deadline, now));
        report.map(Option::unwrap_or_default)
    }

    pub(crate) fn write_failure(
        &self,
        profiles: &mut AuthProfiles,
        receipt: &Receipt,
        reason: FailureReason,
        deadline: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<()> {
        let old = profiles.usage(receipt.profile().as_str()).cloned().unwrap_or_default();
        let mut usage = old.clone();
        self.note_failure(profiles, &mut usage, receipt, (reason, deadline), now);
        put(profiles, receipt.profile(), &old, usage)
    }

    /// Does the same as [`write_failure`](Self::write_failure) on the profile's statistics alone.
    pub(crate) fn note_failure(
        &self,
        profiles: &AuthProfiles,
        usage: &mut UsageStats,
        receipt: &Receipt,
        (reason, deadline): (FailureReason, Option<Timestamp>),
        now: Timestamp,
    ) {
        #[cfg(feature = "tracing")]
        let tell = |before: &UsageStats, after: &UsageStats| {
            self.rules.trace_cooldown((before, after), receipt, reason, as_millis(now));
        };
        #[cfg(not(feature = "tracing"))]
        let tell = |_: &UsageStats, _: &UsageStats| {};
        self.change_by_failure((profiles, usage), receipt, (reason, deadline), now, tell);
    }

    /// Applies a failure to the statistics of the receipt's profile, and logs the change.
    pub(super) fn change_by_failure(
        &self,
        (profiles, usage): (&AuthProfiles, &mut UsageStats),
        receipt: &Receipt,
        (reason, deadline): (FailureReason, Option<Timestamp>),
        now: Timestamp,
        tell: impl FnOnce(&UsageStats, &UsageStats),
    ) {
        if reason.blame() == Blame::Nobody {
            return;
        }
        let learns = self.rules.cooldown.counting == FailureCounting::PerReason;
        if learns && receipt.is_outdated(profiles.get(receipt.profile().as_str()), reason) {
            return;
        }
        let (event, deadline) = (Event::new(receipt, now), deadline.map(as_millis));
        let after = self.changed(profiles, receipt, usage, |usage| {
            let after = self.rules.after_failure(usage, &event, reason, deadline);
            tell(usage, &after);
            after
        });
        if let Some(after) = after {
            *usage = after;
        }
    }

    /// Applies a transition to a profile's statistics.
    fn change(
        &self,
        profiles: &mut AuthProfiles,
        receipt: &Receipt,
        to: impl FnOnce(&UsageStats) -> UsageStats,
    ) -> Result<()> {
        let old = profiles.usage(receipt.profile().as_str()).cloned().unwrap_or_default();
        match self.changed(profiles, receipt, &old, to) {
            Some(new) => put(profiles, receipt.profile(), &old, new),
            None => Ok(()),
        }
    }

    /// Returns the statistics after a transition, if the profile exists or is a key from outside the document, which
    /// OpenClaw of February 2026 does not record.
    fn changed(
        &self,
        profiles: &AuthProfiles,
        receipt: &Receipt,
        old: &UsageStats,
        to: impl FnOnce(&UsageStats) -> UsageStats,
    ) -> Option<UsageStats> {
        let id = receipt.profile();
        let inline =
            id.as_str().starts_with(INLINE_PREFIX) && self.rules.cooldown.counting == FailureCounting::PerReason;
        if (profiles.get(id.as_str()).is_none() && !inline) || id.is_personal() {
            return None;
        }
        // Empty statistics are not worth an entry.
        let said = |usage: UsageStats| Some(usage).filter(|usage| *usage != UsageStats::default());
        let Some(secret) = receipt.secret().filter(|_| inline) else { return said(to(old)) };
        let named = |usage: UsageStats| usage.edited(|edit| edit.text(key::INLINE_KEY, &digits(secret)));
        if is_about(old, secret) {
            return Some(named(to(old)));
        }
        // The key was replaced: the old one's statistics are dropped, unless this is a late report about the old one.
        let picked_at = as_millis(receipt.picked_at());
        if old.last_used.into_iter().chain(old.last_failure_at).any(|stamp| stamp > picked_at) {
            return None;
        }
        Some(named(to(&named(UsageStats::default()))))
    }

    /// Ends every window of a profile because a person declared the cause gone. Returns `true` if that changed
    /// anything. The times of last use and last failure stay.
    ///
    /// # Errors
    ///
    /// [`InvalidId`](crate::ErrorKind::InvalidId) if the id begins with `personal:`, because OpenClaw manages its
    /// personal accounts itself; [`Corrupt`](crate::ErrorKind::Corrupt) if the document's statistics are not an object.
    pub fn clear_cooldown(&self, profiles: &mut AuthProfiles, id: &ProfileId) -> Result<bool> {
        check_not_personal(id)?;
        let Some(usage) = profiles.usage(id.as_str()) else { return Ok(false) };
        if self.rules.cooldown.counting == FailureCounting::PerReason && usage.is_clear() && !usage.has_hint() {
            return Ok(false);
        }
        let cleared = match self.rules.cooldown.counting {
            FailureCounting::PerReason => usage.cleared(),
            FailureCounting::Shared => usage.edited(|edit| {
                edit.number(key::ERROR_COUNT, 0.0);
                edit.remove(key::COOLDOWN_UNTIL);
            }),
        };
        let changed = cleared != *usage;
        if changed {
            profiles.set_usage(id, cleared)?;
        }
        Ok(changed)
    }
}

/// Replaces the old statistics unless the new ones are empty.
fn put(profiles: &mut AuthProfiles, id: &ProfileId, old: &UsageStats, new: UsageStats) -> Result<()> {
    if *old == new { Ok(()) } else { profiles.set_usage(id, new) }
}
