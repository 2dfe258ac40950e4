//! What was reported of a request, applied to the document and to the statistics of one profile.

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
    /// Records in the document that the request of this receipt succeeded, also as the provider's last good profile.
    ///
    /// Ends the profile's windows and counters, but not those that were opened after the pick, nor a window that
    /// concerns another model: what the server said about those is newer, or about something else.
    ///
    /// Does nothing for a profile that is no longer there or is a personal account of OpenClaw's, or for a receipt that was
    /// reported before.
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

    /// As [`write_success`](Self::write_success), for a success that was reported some time before it is written.
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

    /// As [`write_late_success`](Self::write_late_success) on the statistics of the receipt's profile alone: they say nothing
    /// of the provider's last good profile.
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
    /// `deadline` is the moment the server named; it beats the backoff, within the policy's cap. A failure that was
    /// picked before a newer success, or before the window it would count towards, changes nothing but a deadline. One that
    /// was picked before another program announced a window that concerns it changes nothing at all, unless the server
    /// names a later moment than that window's end.
    ///
    /// Does nothing for a reason that [blames nobody](Blame::Nobody), for a profile that is no longer there, for a receipt
    /// that was reported before, or where the secret was refused or its account empty, and the profile has another secret
    /// by now.
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

    /// As [`write_failure`](Self::write_failure) on the statistics of the receipt's profile alone.
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

    /// Applies a failure to the statistics of the receipt's profile, and tells of what it changes.
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

    /// What a transition makes of a profile's statistics, if the profile is there or is a key from outside the document,
    /// which OpenClaw of February 2026 keeps nothing of.
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
        // Statistics that say nothing are not worth an entry.
        let said = |usage: UsageStats| Some(usage).filter(|usage| *usage != UsageStats::default());
        let Some(secret) = receipt.secret().filter(|_| inline) else { return said(to(old)) };
        let named = |usage: UsageStats| usage.edited(|edit| edit.text(key::INLINE_KEY, &digits(secret)));
        if is_about(old, secret) {
            return Some(named(to(old)));
        }
        // Another key: what the old one did is forgotten, unless it is the older one that is reported late.
        let picked_at = as_millis(receipt.picked_at());
        if old.last_used.into_iter().chain(old.last_failure_at).any(|stamp| stamp > picked_at) {
            return None;
        }
        Some(named(to(&named(UsageStats::default()))))
    }

    /// Ends every window of a profile because a human said that the cause is gone. Returns whether that changed anything.
    /// The stamps of last use and last failure stay.
    ///
    /// # Errors
    ///
    /// [`InvalidId`](crate::ErrorKind::InvalidId) if the id begins with `personal:`, because OpenClaw looks after its personal
    /// accounts itself; [`Corrupt`](crate::ErrorKind::Corrupt) if the document's statistics are not an object.
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

/// Puts new statistics in the place of the old ones, unless nothing is said with them.
fn put(profiles: &mut AuthProfiles, id: &ProfileId, old: &UsageStats, new: UsageStats) -> Result<()> {
    if *old == new { Ok(()) } else { profiles.set_usage(id, new) }
}
