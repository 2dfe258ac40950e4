//! The profiles of running sessions.

use std::collections::HashMap;
use std::hash::Hasher as _;
use std::time::Duration;

use siphasher::sip::SipHasher24;

use crate::clock::Timestamp;
use crate::id::{ProfileId, ProviderId};

/// The number of sessions, counted for each model, that are remembered; the least recently used ones are forgotten first.
const MOST: usize = 10_000;
/// The lifetime of the longest prompt cache. A session that comes back later is treated as new.
const IDLE: Duration = Duration::from_secs(3_600);

/// The profile that a session uses, and the time of its last request.
pub(super) type Home = (ProfileId, Timestamp);

/// The profile of each running session, by the hash of its key, because the key may be a secret of the caller.
#[derive(Debug, Default)]
pub(super) struct Sessions(HashMap<u64, Home>);

impl Sessions {
    pub(super) fn home(&self, session: u64, now: Timestamp) -> Option<&ProfileId> {
        let (profile, used) = self.0.get(&session)?;
        (now - *used <= IDLE).then_some(profile)
    }

    pub(super) fn settle(&mut self, session: u64, home: Home) -> Option<Home> {
        if self.0.len() >= MOST && !self.0.contains_key(&session) {
            // Half of them go at once, so that the sort is rare.
            let mut used: Vec<Timestamp> = self.0.values().map(|(_, used)| *used).collect();
            used.sort_unstable();
            let middle = used.get(MOST / 2).copied().unwrap_or_default();
            self.0.retain(|_, (_, used)| *used > middle);
        }
        self.0.insert(session, home)
    }

    /// Restores what was there before `ours`, unless a later request has replaced that.
    pub(super) fn unsettle(&mut self, session: u64, before: Option<Home>, ours: &Home) {
        if self.0.get(&session) == Some(ours) {
            match before {
                Some(before) => self.0.insert(session, before),
                None => self.0.remove(&session),
            };
        }
    }
}

/// Returns the hash of a session's key for a model of a provider: each model has its own prompt cache.
pub(crate) fn key(provider: &ProviderId, model: Option<&str>, session: &str) -> u64 {
    let mut hasher = SipHasher24::new_with_keys(0, 0);
    // A zero ends each part, so that different keys never become one text.
    for part in [provider.as_str(), model.unwrap_or_default(), session] {
        hasher.write(part.as_bytes());
        hasher.write(&[0]);
    }
    hasher.finish()
}
