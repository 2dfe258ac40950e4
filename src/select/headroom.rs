//! What the headers of answers say of the profiles to choose from.

use super::order::Selecting;
use super::query::Query;
use super::rules::{SelectorRules, millis};
use super::verdict::{Verdict, as_millis};
use crate::clock::Timestamp;
use crate::credential::Credential;
use crate::headroom::{Request, Standing};
use crate::id::ProfileId;
use crate::profile::Profile;
use crate::secret::Secret;

/// Shares that are within one of so many steps count as equal: last use or hashing then decides.
const STEPS: f64 = 20.0;

/// Before all others: the profile that the session uses.
const HOME: i8 = -1;

impl Selecting<'_> {
    pub(super) fn standing(&self, id: &ProfileId, profile: &Profile) -> Standing {
        let secret = profile.credential().map(Credential::secret);
        self.rules.standing(self.query, (id, self.home.as_ref()), secret, self.now)
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
        secret: Option<&Secret>,
        now: Timestamp,
    ) -> Standing {
        let (Some(policy), Some(tracker)) = (&self.headroom, &query.headroom) else { return Standing::default() };
        let request = Request { tokens: query.tokens, is_home: home == Some(id) };
        tracker.standing((id, query.model.as_deref()), secret, request, policy, now)
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
