//! Headroom, as reported in answers, applied to the selection.

use std::time::Duration;

use super::candidate::Candidates;
use super::order::{Base, Selecting};
use super::query::Query;
use super::rules::{SelectorRules, millis};
use super::selector::ProfileSelector;
use super::verdict::{Verdict, as_millis};
use crate::clock::Timestamp;
use crate::credential::{Credential, CredentialKind};
use crate::error::Result;
use crate::headroom::{HeadroomTracker, Hint, Known, ProfileHeadroom, Request, Standing};
use crate::id::ProfileId;
use crate::profile::{AuthProfiles, Entry, UsageStats, timestamp};
use crate::secret::Secret;

/// Shares within the same step count as equal, so that last use or hashing decides.
const STEPS: f64 = 20.0;

/// Sorts before all others: the profile that the session uses.
const HOME: i8 = -1;

impl Selecting<'_> {
    pub(super) fn standing(&self, Entry { id, profile, usage }: Entry<'_>) -> Standing {
        let secret = profile.credential().and_then(told_of);
        self.rules.standing(self.query, (id, self.home.as_ref()), (secret, usage), self.now)
    }

    /// Returns how much of its limits a profile has used, in steps; less comes first. A running session stays on its
    /// profile while that has the share that the rules ask for.
    pub(super) fn spent(&self, id: &ProfileId, standing: Standing) -> i8 {
        let stays = self.rules.headroom.as_ref().is_some_and(|policy| standing.share >= policy.leave_below);
        if stays && self.home.as_ref() == Some(id) {
            return HOME;
        }
        #[expect(clippy::cast_possible_truncation, reason = "from 0 to 20, and rounded down")]
        let steps = ((1.0 - standing.share) * STEPS) as i8;
        steps
    }
}

impl SelectorRules {
    /// Returns a profile's standing for a request, from its provider's last report. `home` is the profile that the
    /// session uses, `secret` the one that this profile authenticates with.
    pub(super) fn standing(
        &self,
        query: &Query,
        (id, home): (&ProfileId, Option<&ProfileId>),
        (secret, usage): (Option<&Secret>, Option<&UsageStats>),
        now: Timestamp,
    ) -> Standing {
        let Some(policy) = &self.headroom else { return Standing::default() };
        let model = query.model.as_deref();
        let Some(tracker) = &query.headroom else {
            let hinted = usage.filter(|usage| usage.has_hint());
            return hinted.map_or_else(Standing::default, |usage| known(usage, now).alone(model, now));
        };
        let known = usage.map_or_else(Known::default, |usage| known(usage, now));
        let request = Request { tokens: query.tokens, is_home: home == Some(id) };
        tracker.standing((id, model), secret, request, (policy, &known), now)
    }

    /// Returns the verdict on a profile with too little headroom, and the end of that in milliseconds. A distant end is
    /// believed if the rules believe distant windows.
    pub(super) fn no_headroom(&self, standing: Standing, now: Timestamp) -> Option<(f64, Verdict)> {
        let (until, limit) = standing.refused?;
        let length = as_millis(until) - as_millis(now);
        let is_believed = self.distant_windows || length <= millis(self.cooldown.deadline_cap);
        is_believed.then_some((as_millis(until), Verdict::NoHeadroom { until, limit }))
    }
}

/// Returns the secret, by which a profile that now belongs to another account is recognized; `None` for an OAuth
/// credential, because its access token changes with each refresh.
pub(crate) fn told_of(credential: &Credential) -> Option<&Secret> {
    (credential.kind() != CredentialKind::OAuth).then(|| credential.secret())
}

/// The length of the longest answer. A profile whose last use is later than that after a report was sent a request after
/// it, also by a program that records only the end of an answer.
const LONGEST_ANSWER: Duration = Duration::from_secs(3_600);

/// Returns when the last request was sent that succeeded, of any model or of one, as far as the statistics show it.
fn served(usage: &UsageStats, model: Option<&str>, now: Timestamp) -> Option<Timestamp> {
    let picked = usage.success_picked_at.iter().filter(|(name, _)| model.is_none_or(|model| model == &***name));
    let used = usage.last_used().filter(|_| model.is_none()).map(|at| at - LONGEST_ANSWER);
    // A time ahead of the clock shows nothing.
    picked.map(|(_, at)| timestamp(*at)).chain(used).filter(|at| *at <= now).max()
}

/// Returns what the store says about the headroom of a profile.
fn known(usage: &UsageStats, now: Timestamp) -> Known {
    let hint = hinted(usage).map(|hint| hint.unless_served(|model| served(usage, model, now)));
    Known { hint, served: served(usage, None, now) }
}

/// Returns the hint in the statistics.
fn hinted(usage: &UsageStats) -> Option<Hint> {
    let UsageStats { no_headroom_until, plan_used, headroom_told_at, .. } = usage;
    let hint = || Hint { ends: no_headroom_until.clone(), plan: plan_used.clone(), told: headroom_told_at.clone() };
    usage.has_hint().then(hint)
}

impl ProfileSelector {
    /// Returns the headroom of a profile as other programs recorded it, and the verdict that follows from it for any
    /// model: [`NoHeadroom`](Verdict::NoHeadroom), or `None` if something is left.
    pub(crate) fn recorded_headroom(
        &self,
        id: &ProfileId,
        usage: &UsageStats,
        now: Timestamp,
    ) -> (Vec<ProfileHeadroom>, Option<Verdict>) {
        if self.rules.headroom.is_none() {
            return (Vec::new(), None);
        }
        let known = known(usage, now);
        let verdict = self.rules.no_headroom(known.alone(None, now), now).map(|(_, verdict)| verdict);
        (known.hint.map(|hint| hint.shown(id, now)).unwrap_or_default(), verdict)
    }

    /// Writes what other users of the store should know about a profile's headroom, along with an outcome that is
    /// written anyway.
    #[cfg_attr(not(feature = "client"), expect(dead_code, reason = "only the rotator does"))]
    pub(crate) fn write_hint(
        &self,
        profiles: &mut AuthProfiles,
        id: &ProfileId,
        tracker: &HeadroomTracker,
        now: Timestamp,
    ) -> Result<()> {
        let Some(usage) = profiles.usage(id.as_str()) else { return Ok(()) };
        let mut noted = usage.clone();
        self.note_hint(&mut noted, id, tracker, now);
        if noted == *usage { Ok(()) } else { profiles.set_usage(id, noted) }
    }

    /// Does the same as [`write_hint`](Self::write_hint) on statistics kept outside a document.
    pub(crate) fn note_hint(&self, usage: &mut UsageStats, id: &ProfileId, tracker: &HeadroomTracker, now: Timestamp) {
        let Some(policy) = &self.rules.headroom else { return };
        let Some(hint) = tracker.hint(id, policy, now) else { return };
        let stored = hinted(usage).unwrap_or_default();
        let unrefuted = |hint: Hint| hint.unless_served(|model| served(usage, model, now));
        let merged = unrefuted(hint).over(&unrefuted(stored.clone()), policy, now);
        if merged != stored {
            *usage = usage.edited(|edit| edit.headroom([&merged.ends, &merged.plan, &merged.told]));
        }
    }

    /// Returns the profile that the session would use now if it had enough headroom, and the moment when it will.
    pub(crate) fn waits_for(
        &self,
        profiles: &AuthProfiles,
        query: &Query,
        candidates: &Candidates<'_>,
        now: Timestamp,
    ) -> Option<(ProfileId, Timestamp)> {
        // A session that leaves its profile before the limit is reached does not wait for it either.
        self.rules.headroom.as_ref().filter(|policy| policy.leave_below <= 0.0)?;
        let selecting = self.selecting(profiles, query, now);
        let home = selecting.home.as_ref()?;
        let own = candidates.iter().find(|one| *one.id == *home)?;
        let Verdict::NoHeadroom { until, .. } = own.verdict else { return None };
        let is_led =
            matches!(selecting.base().0, Base::Order(_)) || query.preferred.as_ref().is_some_and(|id| id != home);
        let rank = |kind| match kind {
            Some(CredentialKind::OAuth) => 0,
            Some(CredentialKind::Token) => 1,
            _ => 2,
        };
        let is_outranked = candidates.first_ready().is_some_and(|first| rank(first.kind) < rank(own.kind));
        (!is_led && !is_outranked).then(|| (home.clone(), until))
    }

    /// Returns `true` if others should know something about a profile's plan that is not in the document.
    #[cfg_attr(not(feature = "client"), expect(dead_code, reason = "only the rotator does"))]
    pub(crate) fn has_hint(
        &self,
        profiles: &AuthProfiles,
        id: &ProfileId,
        tracker: &HeadroomTracker,
        now: Timestamp,
    ) -> bool {
        let Some(policy) = &self.rules.headroom else { return false };
        let usage = profiles.usage(id.as_str());
        let stored = usage.and_then(|usage| known(usage, now).hint).unwrap_or_default();
        let unrefuted = |hint: Hint| hint.unless_served(|model| usage.and_then(|usage| served(usage, model, now)));
        tracker.hint(id, policy, now).map(unrefuted).is_some_and(|hint| hint.is_news(&stored, policy, now))
    }
}
