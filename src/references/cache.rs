//! The results of lookups, and how long they are valid.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::config::SecretSettings;
use crate::credential::{ReferenceFailure, Resolved, SecretRef};
use crate::secret::Secret;

struct Found {
    outcome: Result<Secret, ReferenceFailure>,
    at: Timestamp,
}

/// The results by reference, with the settings they were found under.
#[derive(Default)]
pub(super) struct Cache {
    settings: Arc<SecretSettings>,
    found: HashMap<SecretRef, Found>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Lifetimes {
    pub(super) secret: Duration,
    pub(super) failure: Duration,
}

impl Lifetimes {
    fn of(self, found: &Found) -> Duration {
        if found.outcome.is_ok() { self.secret } else { self.failure }
    }

    fn is_fresh(self, found: &Found, now: Timestamp) -> bool {
        // After the clock was set back, the age is unknown.
        found.at <= now && now < found.at + self.of(found)
    }
}

impl Cache {
    /// Forgets results found under other settings, and those that are too old.
    pub(super) fn prepare(&mut self, settings: &Arc<SecretSettings>, lifetimes: Lifetimes, now: Timestamp) {
        if !Arc::ptr_eq(&self.settings, settings) && self.settings != *settings {
            self.found.clear();
        }
        self.settings = Arc::clone(settings);
        self.found.retain(|_, found| lifetimes.is_fresh(found, now));
    }

    pub(super) fn knows(&self, reference: &SecretRef) -> bool {
        self.found.contains_key(reference)
    }

    pub(super) fn put(&mut self, reference: &SecretRef, outcome: Result<Secret, ReferenceFailure>, at: Timestamp) {
        self.found.insert(reference.clone(), Found { outcome, at });
    }

    /// Returns the known results for these references, with the time span in which all are valid.
    pub(super) fn collect(&self, wanted: &[&SecretRef], lifetimes: Lifetimes) -> Resolved {
        let known = || wanted.iter().filter_map(|reference| Some((*reference, self.found.get(*reference)?)));
        let from = known().map(|(_, found)| found.at).max();
        let until = known().map(|(_, found)| found.at + lifetimes.of(found)).min();
        let resolved: Resolved = known().map(|(reference, found)| (reference.clone(), found.outcome.clone())).collect();
        match (from, until) {
            (Some(from), Some(until)) => resolved.counting(from, until),
            _ => resolved,
        }
    }

    pub(super) fn clear(&mut self) {
        self.found.clear();
    }
}
