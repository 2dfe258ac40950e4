//! The configuration of a rotator with the secrets behind its references and those of the profiles. They are resolved
//! on a blocking thread and kept for their lifetime.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::time;

#[cfg(doc)]
use super::builder::RotatorBuilder;
use super::rotator::{Parts, Rotator};
use super::target::Target;
use crate::config::Config;
use crate::credential::{ReferenceFailure, Resolved};
use crate::id::ModelRef;
use crate::profile::AuthProfiles;
use crate::references::ReferenceResolver;
use crate::rotation::RotationLimits;

/// A configuration with its references resolved, and values derived from it.
pub(super) struct Settings {
    pub(super) config: Arc<Config>,
    pub(super) limits: RotationLimits,
    pub(super) targets: Mutex<HashMap<ModelRef, Arc<Target>>>,
    /// The resolver of references; `None` if the configuration came with resolved references.
    resolver: Option<Arc<ReferenceResolver>>,
    has_references: bool,
    references: Resolved,
    /// The document whose references were resolved last, and the result.
    referred: Mutex<Option<(Arc<AuthProfiles>, Resolved)>>,
}

/// The settings of the builder, which override those of any configuration.
pub(super) struct Basis {
    pub(super) limits: RotationLimits,
    pub(super) references: Option<Arc<ReferenceResolver>>,
}

impl Settings {
    pub(super) fn new(config: Config, basis: &Basis) -> Self {
        let is_unresolved = config.resolved_references().is_empty();
        let resolver = basis.references.clone().or_else(|| is_unresolved.then(Arc::default));
        let limits = config.limits(basis.limits.clone());
        Self::of(config, limits, resolver)
    }

    fn of(config: Config, limits: RotationLimits, resolver: Option<Arc<ReferenceResolver>>) -> Self {
        let has_references = config.references().next().is_some();
        Self {
            config: Arc::new(config),
            limits,
            targets: Mutex::default(),
            resolver,
            has_references,
            references: Resolved::default(),
            referred: Mutex::default(),
        }
    }

    fn with_references(&self, references: Resolved) -> Self {
        let config = Config::clone(&self.config).with_references(references.clone());
        Self { references, ..Self::of(config, self.limits.clone(), self.resolver.clone()) }
    }
}

impl Parts {
    /// Returns the current settings.
    pub(super) fn current(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the settings; with `of`, only if those are still the current ones.
    fn replace(&self, fresh: &Arc<Settings>, of: Option<&Arc<Settings>>) {
        let mut settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        if of.is_none_or(|of| Arc::ptr_eq(of, &settings)) {
            *settings = Arc::clone(fresh);
        }
    }
}

impl Rotator {
    /// Returns the configuration for new calls, with its last resolved references. Its [`selector`](Config::selector)
    /// is the one in use.
    #[must_use]
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.0.current().config)
    }

    /// Replaces the configuration of this rotator and its clones, for calls that begin from now on. Calls in progress
    /// continue with the one that they began with.
    ///
    /// The configuration includes the environment and the keys in both, so that a key outside the profiles is replaced
    /// the same way. The settings of the [builder](RotatorBuilder) stay: endpoints, limits, clients, the store. So do
    /// cooldowns, sessions, and outcomes that are not written yet. An outcome is written by the rules in force at that
    /// moment.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{Config, Environment, MemoryStore, ReadOptions, Rotator};
    ///
    /// let options = ReadOptions::new().environment(Environment::empty());
    /// let read = |text| Config::from_json5_str(text, &options);
    /// let rotator = Rotator::builder(MemoryStore::default()).config(read("{}")?).build()?;
    ///
    /// rotator.reload(read("{ agents: { defaults: { model: 'anthropic/claude-opus-4-5' } } }")?);
    /// assert_eq!(rotator.config().primary_model(None), Some("anthropic/claude-opus-4-5"));
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    pub fn reload(&self, config: Config) {
        self.0.replace(&Arc::new(Settings::new(config, &self.0.basis)), None);
    }

    /// Returns the settings, after resolving the configuration's references again if that is due.
    pub(super) async fn settings(&self) -> Arc<Settings> {
        let (current, now) = (self.0.current(), self.0.clock.now());
        let Some(resolver) = &current.resolver else { return current };
        if !current.has_references || current.references.is_fresh(now) {
            return current;
        }
        let profiles = Arc::new(AuthProfiles::new());
        let look = self.look_up(resolver, Arc::clone(&profiles), Arc::clone(&current));
        let late = |_| all(&profiles, &current, ReferenceFailure::TimedOut);
        let references = time::timeout(current.limits.time, look).await.unwrap_or_else(late);
        let fresh = Arc::new(current.with_references(references));
        // Another configuration may have been loaded meanwhile.
        self.0.replace(&fresh, Some(&current));
        fresh
    }

    /// Returns the secrets that the references of the profiles lead to.
    pub(super) async fn referred(&self, settings: &Arc<Settings>, profiles: &Arc<AuthProfiles>) -> Resolved {
        let now = self.0.clock.now();
        let Some(resolver) = &settings.resolver else { return settings.config.resolved_references().clone() };
        if let Some((of, known)) = &*settings.referred.lock().unwrap_or_else(PoisonError::into_inner)
            && Arc::ptr_eq(of, profiles)
            && (known.is_empty() || known.is_fresh(now))
        {
            return known.clone();
        }
        let found = match profiles.references().next() {
            Some(_) => self.look_up(resolver, Arc::clone(profiles), Arc::clone(settings)).await,
            None => Resolved::default(),
        };
        *settings.referred.lock().unwrap_or_else(PoisonError::into_inner) = Some((Arc::clone(profiles), found.clone()));
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
        // A custom source that panicked has found nothing.
        found.unwrap_or_else(|_| all(&profiles, &settings, ReferenceFailure::Unreadable))
    }
}

/// Returns the same failure for every reference.
fn all(profiles: &AuthProfiles, settings: &Settings, failure: ReferenceFailure) -> Resolved {
    let references = profiles.references().chain(settings.config.references());
    references.map(|reference| (reference.clone(), Err(failure))).collect()
}
