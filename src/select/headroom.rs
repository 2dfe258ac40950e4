//! Headroom, as reported in answers, applied to the selection.

use super::candidate::Candidates;
use super::order::{Base, Selecting};
use super::query::Query;
use super::rules::{SelectorRules, millis};
use super::selector::ProfileSelector;
use super::verdict::{Verdict, as_millis};
use crate::clock::Timestamp;
use crate::credential::{Credential, CredentialKind};
use crate::error::Result;
use crate::headroom::{HeadroomTracker, Hint, Request, Standing};
use crate::id::ProfileId;
use crate::profile::{AuthProfiles, Entry, UsageStats};
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
        #[expect(clippy::cast_possible_truncation, reason = "from 0 to 20")]
        let steps = ((1.0 - standing.share) * STEPS).floor() as i8;
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
        if let Some(tracker) = &query.headroom {
            let request = Request { tokens: query.tokens, is_home: home == Some(id) };
            let standing = tracker.standing((id, model), secret, request, policy, now);
            if standing.is_known {
                return standing;
            }
        }
        // Another program may know more.
        usage.and_then(hinted).map_or_else(Standing::default, |hint| hint.standing(model, now))
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

/// Returns what another program has recorded about the headroom.
fn hinted(usage: &UsageStats) -> Option<Hint> {
    usage.has_hint().then(|| Hint { ends: usage.no_headroom_until.clone(), plan: usage.plan_used.clone() })
}

impl ProfileSelector {
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
        let hint = self.rules.headroom.as_ref().and_then(|policy| tracker.hint(id, policy, now));
        let known = hinted(usage).unwrap_or_default();
        if let Some(hint) = hint.map(|hint| hint.over(&known, now)).filter(|hint| *hint != known) {
            *usage = usage.edited(|edit| edit.headroom(&hint.ends, &hint.plan));
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
        let hint = self.rules.headroom.as_ref().and_then(|policy| tracker.hint(id, policy, now));
        let known = profiles.usage(id.as_str()).and_then(hinted).unwrap_or_default();
        hint.is_some_and(|hint| hint.is_news(&known))
    }
}
