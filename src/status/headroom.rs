//! The headroom in a report.

use crate::clock::Timestamp;
use crate::headroom::{HeadroomTracker, ProfileHeadroom};
use crate::profile::AuthProfiles;
use crate::select::ProfileSelector;

/// Returns the headroom of every profile: by the tracker, or else as other programs recorded it.
pub(super) fn known(
    profiles: &AuthProfiles,
    selector: &ProfileSelector,
    tracker: Option<&HeadroomTracker>,
    now: Timestamp,
) -> Vec<ProfileHeadroom> {
    let mut all = tracker.map(|tracker| tracker.profiles(now)).unwrap_or_default();
    let stored = profiles.usage_stats().filter(|(id, _)| profiles.get(id.as_str()).is_some());
    for shown in stored.flat_map(|(id, usage)| selector.recorded_headroom(id, usage, now).0) {
        if !all.iter().any(|known| (&known.profile, &known.model) == (&shown.profile, &shown.model)) {
            all.push(shown);
        }
    }
    all.sort_by(|a, b| (a.profile.as_str(), &a.model).cmp(&(b.profile.as_str(), &b.model)));
    all
}
