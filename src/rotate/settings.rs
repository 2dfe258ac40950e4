//! The configuration of a rotator with what its references lead to, and what those of profiles lead to: looked up on a
//! blocking thread, and kept for as long as that counts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::time;

use super::rotator::{Parts, Rotator};
use super::target::Target;
use crate::config::Config;
use crate::credential::{ReferenceFailure, Resolved};
use crate::id::ModelRef;
use crate::profile::AuthProfiles;
use crate::references::ReferenceResolver;

/// A configuration with its references resolved, and what was found from it.
pub(super) struct Settings {
    pub(super) config: Config,
    pub(super) targets: Mutex<HashMap<ModelRef, Arc<Target>>>,
    has_references: bool,
    references: Resolved,
}

impl Settings {
    pub(super) fn new(config: Config) -> Self {
        let (has_references, references) = (config.references().next().is_some(), Resolved::default());
        Self { config, targets: Mutex::default(), has_references, references }
    }

    fn with_references(&self, references: Resolved) -> Self {
        let config = self.config.clone().with_references(references.clone());
        Self { references, ..Self::new(config) }
    }
}

impl Parts {
    /// The settings of the moment.
    pub(super) fn current(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Rotator {
    /// The settings, the references of the configuration looked up again if that is due.
    pub(super) async fn settings(&self) -> Arc<Settings> {
        let (current, now) = (self.0.current(), self.0.clock.now());
        let Some(resolver) = &self.0.references else { return current };
        if !current.has_references || current.references.is_fresh(now) {
            return current;
        }
        let profiles = Arc::new(AuthProfiles::new());
        let look = self.look_up(resolver, Arc::clone(&profiles), Arc::clone(&current));
        let late = |_| all(&profiles, &current, ReferenceFailure::TimedOut);
        let references = time::timeout(self.0.limits.time, look).await.unwrap_or_else(late);
        let fresh = Arc::new(current.with_references(references));
        *self.0.settings.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&fresh);
        fresh
    }

    /// What the references of profiles lead to.
    pub(super) async fn referred(&self, profiles: &Arc<AuthProfiles>) -> Resolved {
        let (current, now) = (self.0.current(), self.0.clock.now());
        let Some(resolver) = &self.0.references else { return current.config.resolved_references().clone() };
        if let Some((of, known)) = &*self.0.referred.lock().unwrap_or_else(PoisonError::into_inner)
            && Arc::ptr_eq(of, profiles)
            && (known.is_empty() || known.is_fresh(now))
        {
            return known.clone();
        }
        let found = match profiles.references().next() {
            Some(_) => self.look_up(resolver, Arc::clone(profiles), current).await,
            None => Resolved::default(),
        };
        *self.0.referred.lock().unwrap_or_else(PoisonError::into_inner) = Some((Arc::clone(profiles), found.clone()));
        found
    }

    async fn look_up(
        &self,
        resolver: &Arc<ReferenceResolver>,
        profiles: Arc<AuthProfiles>,
        settings: Arc<Settings>,
    ) -> Resolved {
        let known = || resolver.resolve_known(&profiles, &settings.config, self.0.clock.now());
        if let Some(known) = known() {
            return known;
        }
        let _one_at_a_time = self.0.looking.lock().await;
        if let Some(known) = known() {
            return known;
        }
        let (resolver, now) = (Arc::clone(resolver), self.0.clock.now());
        let (of, under) = (Arc::clone(&profiles), Arc::clone(&settings));
        let look = move || resolver.resolve(&of, &under.config, now);
        let found = match Handle::try_current() {
            Ok(runtime) => runtime.spawn_blocking(look).await,
            Err(_) => Ok(look()),
        };
        // A source of the caller's that panicked has found nothing.
        found.unwrap_or_else(|_| all(&profiles, &settings, ReferenceFailure::Unreadable))
    }
}

/// The same failure for every reference.
fn all(profiles: &AuthProfiles, settings: &Settings, failure: ReferenceFailure) -> Resolved {
    let references = profiles.references().chain(settings.config.references());
    references.map(|reference| (reference.clone(), Err(failure))).collect()
}
