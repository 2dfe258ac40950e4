//! What the headers of answers say of the profiles to choose from.

use super::order::Selecting;
use super::query::Query;
use super::rules::{SelectorRules, millis};
use super::selector::ProfileSelector;
use super::verdict::{Verdict, as_millis};
use crate::clock::Timestamp;
use crate::credential::Credential;
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
        let secret = profile.credential().map(Credential::secret);
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

/// What another program has written of what is left.
fn hinted(usage: &UsageStats) -> Option<Hint> {
    let is_there = !usage.no_headroom_until.is_empty() || !usage.plan_used.is_empty();
    is_there.then(|| Hint { ends: usage.no_headroom_until.clone(), plan: usage.plan_used.clone() })
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
        let hint = self.rules.headroom.as_ref().and_then(|policy| tracker.hint(id, policy, now));
        let (Some(hint), Some(usage)) = (hint, profiles.usage(id.as_str())) else { return Ok(()) };
        let known = hinted(usage).unwrap_or_default();
        let hint = hint.over(&known, now);
        if hint == known {
            return Ok(());
        }
        let usage = usage.edited(|edit| edit.headroom(&hint.ends, &hint.plan));
        profiles.set_usage(id, usage)
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
