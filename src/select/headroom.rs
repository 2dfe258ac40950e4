//! What the headers of answers say of the profiles to choose from.

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

/// Shares that are within one of so many steps count as equal: last use or hashing then decides.
const STEPS: f64 = 20.0;

/// Before all others: the profile that the session uses.
const HOME: i8 = -1;

impl Selecting<'_> {
    pub(super) fn standing(&self, Entry { id, profile, usage }: Entry<'_>) -> Standing {
        let secret = profile.credential().and_then(told_of);
        self.rules.standing(self.query, (id, self.home.as_ref()), (secret, usage), self.now)
    }

    /// Returns how much of its limits a profile has used, in steps: less comes first. A running session stays where it is
    /// while its profile has what the rules ask for.
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
    /// Returns how a profile stands for a request, by what its provider said last. `home` is the profile that the session
    /// uses, `secret` what this one authenticates with.
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
        // Another program may have been told something.
        usage.and_then(hinted).map_or_else(Standing::default, |hint| hint.standing(model, now))
    }

    /// Returns the verdict on a profile of which too little is left, and when that ends in milliseconds. It is believed as
    /// far as it goes where the rules believe the windows of others that far.
    pub(super) fn no_headroom(&self, standing: Standing, now: Timestamp) -> Option<(f64, Verdict)> {
        let (until, limit) = standing.refused?;
        let length = as_millis(until) - as_millis(now);
        let is_believed = self.distant_windows || length <= millis(self.cooldown.deadline_cap);
        is_believed.then_some((as_millis(until), Verdict::NoHeadroom { until, limit }))
    }
}

/// Returns what tells that a profile is another account's by now: the secret. The access token of a login tells nothing, it
/// changes with each refresh.
pub(crate) fn told_of(credential: &Credential) -> Option<&Secret> {
    (credential.kind() != CredentialKind::OAuth).then(|| credential.secret())
}

/// What another program has written of what is left.
fn hinted(usage: &UsageStats) -> Option<Hint> {
    usage.has_hint().then(|| Hint { ends: usage.no_headroom_until.clone(), plan: usage.plan_used.clone() })
}

impl ProfileSelector {
    /// Writes what others who share the store should know of a profile, beside an outcome that is written anyway.
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

    /// As [`write_hint`](Self::write_hint), in statistics that are kept apart.
    pub(crate) fn note_hint(&self, usage: &mut UsageStats, id: &ProfileId, tracker: &HeadroomTracker, now: Timestamp) {
        let hint = self.rules.headroom.as_ref().and_then(|policy| tracker.hint(id, policy, now));
        let known = hinted(usage).unwrap_or_default();
        if let Some(hint) = hint.map(|hint| hint.over(&known, now)).filter(|hint| *hint != known) {
            *usage = usage.edited(|edit| edit.headroom(&hint.ends, &hint.plan));
        }
    }

    /// Returns the profile that the session uses if it would be used now were enough left of it, and when there will be.
    pub(crate) fn waits_for(
        &self,
        profiles: &AuthProfiles,
        query: &Query,
        candidates: &Candidates<'_>,
        now: Timestamp,
    ) -> Option<(ProfileId, Timestamp)> {
        // Whoever leaves a profile before it is empty does not wait for one that is.
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

    /// Returns `true` if others should know something of a profile's plan that the document does not have.
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
