//! The builder of a report.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::collate;
use super::headroom;
use super::overview::Overview;
use super::report::{ProviderStatus, StatusReport, UnusableProfile};
use super::secrets::{self, Said};
use crate::clock::Timestamp;
use crate::config::{Config, Release};
use crate::credential::ReferenceFailure;
use crate::error::Location;
use crate::error::{Diagnostic, DiagnosticCode, Severity};
use crate::headroom::HeadroomTracker;
use crate::id::{ModelRef, ProfileId, ProviderId};
use crate::profile::{AuthProfiles, UsageStats};
use crate::providers::Provider;
use crate::select::{ProfileSelector, Verdict};
use crate::syntax::KeyPath;

/// The default time before its expiry at which a credential is reported as expiring.
const WARN_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// A builder of a [`StatusReport`].
///
/// Only a configuration and profiles are required; the paths are only repeated in the report.
#[must_use]
pub struct StatusReportBuilder<'a> {
    config: &'a Config,
    profiles: &'a AuthProfiles,
    agent: Option<String>,
    config_path: Option<PathBuf>,
    agent_dir: Option<PathBuf>,
    store_path: Option<PathBuf>,
    shared_store_path: Option<PathBuf>,
    shared: HashSet<ProfileId>,
    home: Option<PathBuf>,
    default_model: Option<ModelRef>,
    warn_after: Duration,
    is_away: bool,
    headroom: Option<&'a HeadroomTracker>,
    diagnostics: Vec<Diagnostic>,
}

impl StatusReport {
    /// Creates a builder of a report on these profiles under this configuration. Resolve references to secrets with
    /// [`with_references`](Config::with_references) first.
    pub fn builder<'a>(config: &'a Config, profiles: &'a AuthProfiles) -> StatusReportBuilder<'a> {
        StatusReportBuilder::new(config, profiles)
    }
}

impl<'a> StatusReportBuilder<'a> {
    fn new(config: &'a Config, profiles: &'a AuthProfiles) -> Self {
        Self {
            config,
            profiles,
            agent: None,
            config_path: None,
            agent_dir: None,
            store_path: None,
            shared_store_path: None,
            shared: HashSet::new(),
            home: None,
            default_model: None,
            warn_after: WARN_AFTER,
            is_away: false,
            headroom: None,
            diagnostics: Vec::new(),
        }
    }

    /// Sets the agent, whose own models take precedence over the defaults. Default: none, so the defaults are reported.
    pub fn agent(mut self, id: impl Into<String>) -> Self {
        self.agent = Some(id.into());
        self
    }

    /// Sets the path of the configuration file, for display.
    pub fn config_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.config_path = Some(path.into());
        self
    }

    /// Sets the agent's directory, for display.
    pub fn agent_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.agent_dir = Some(path.into());
        self
    }

    /// Sets the path of the store, for display.
    pub fn store_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.store_path = Some(path.into());
        self
    }

    /// Sets the path of the database with the shared profiles, and the ids of those that the agent inherits; get both
    /// from `AgentStore::shared_profiles`. The report shows this path as the source of a provider with only inherited
    /// profiles.
    pub fn shared_store(mut self, path: impl Into<PathBuf>, ids: impl IntoIterator<Item = ProfileId>) -> Self {
        self.shared_store_path = Some(path.into());
        self.shared = ids.into_iter().collect();
        self
    }

    /// Sets the home directory; paths in it are shortened to `~` where OpenClaw does so.
    pub fn home(mut self, path: impl Into<PathBuf>) -> Self {
        self.home = Some(path.into());
        self
    }

    /// Sets the model that is used if none is configured. Default: that of the configuration's release,
    /// `anthropic/claude-opus-4-6` in OpenClaw 2026.2.9 and `openai/gpt-6-astra` in 2026.9.6.
    pub fn default_model(mut self, model: ModelRef) -> Self {
        self.default_model = Some(model);
        self
    }

    /// Sets the time before its expiry at which a credential is reported as expiring. Default: 24 hours.
    pub fn warn_after(mut self, warn_after: Duration) -> Self {
        self.warn_after = warn_after;
        self
    }

    /// Sets whether the store's server [is away](crate::AuthProfileStore::is_away), of which the report then warns.
    /// Default: `false`.
    pub fn store_away(mut self, is_away: bool) -> Self {
        self.is_away = is_away;
        self
    }

    /// Sets the tracker of headroom, such as that of a running `Rotator`. Default: none, so that only the headroom is
    /// reported which other programs have recorded in the store.
    pub fn headroom(mut self, tracker: &'a HeadroomTracker) -> Self {
        self.headroom = Some(tracker);
        self
    }

    /// Adds diagnostics, for example those of `StateDir::leftovers`, which finds files with profiles that no store has.
    pub fn diagnostics(mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) -> Self {
        self.diagnostics.extend(diagnostics);
        self
    }

    /// Builds the report for a point in time.
    #[must_use]
    pub fn build(self, now: Timestamp) -> StatusReport {
        let (config, agent) = (self.config, self.agent.as_deref());
        let selector = config.selector();
        let primary = config.primary_model(agent);
        let release = config.release();
        let resolved_default = primary.and_then(|name| config.resolve_model_for(name, agent).ok());
        let resolved_default =
            resolved_default.or(self.default_model.clone()).unwrap_or_else(|| default_model(release));
        let fallbacks = config.fallback_models(agent).to_vec();
        let image_model = config.image_model().map(str::to_owned);
        let image_fallbacks = config.image_fallback_models().to_vec();
        let (own_default, own_fallbacks) = config.has_own_models(agent);

        let is_newer = release.has_entries();
        let utility_model = config.utility_model(agent);
        let utility_source = match config.utility_setting(agent) {
            Some("") => "disabled",
            Some(_) => "config",
            None if utility_model.is_some() => "provider-default",
            None => "none",
        };
        let utility = utility_model.iter().filter(|_| is_newer);
        let others = fallbacks.iter().chain(&image_model).chain(&image_fallbacks).chain(utility);
        let resolved = others.filter_map(|name| config.resolve_model_for(name, agent).ok());
        let in_use: Vec<ModelRef> = std::iter::once(resolved_default.clone()).chain(resolved).collect();

        let models = config.listed_models(agent);
        let (profiles, warn_after, shared) = (self.profiles, self.warn_after, &self.shared);
        let overview = Overview { config, profiles, warn_after, now, shared };
        let mut diagnostics = self.found_before();
        let (mut providers, mut said) = (Vec::new(), Said::of(&diagnostics));
        self.profiles.group();
        for provider in self.mentioned(&in_use) {
            providers.push(overview.provider(&provider, &mut diagnostics, &mut said));
        }
        diagnostics.extend(failed_references(config));
        diagnostics.extend(secrets::of_transport(config).chain(secrets::of_variables(config)));
        diagnostics.extend(impossible_windows(self.profiles, selector, now));
        let key = |provider: &ProviderId| key(config, provider);
        // In reverse, so that the first status of each key is kept.
        let by_key: HashMap<Key, _> = providers.iter().rev().map(|status| (key(&status.provider), status)).collect();
        let used: HashSet<Key> = in_use.iter().map(|model| key(model.provider())).collect();
        let (mut missing, mut noted) = (Vec::new(), HashSet::new());
        for model in &in_use {
            let key = key(model.provider());
            let is_there = by_key.get(&key).is_some_and(|status| overview.has_credential(status));
            if !is_there && noted.insert(key) {
                missing.push(model.provider().clone());
            }
        }
        missing.sort_by(|a, b| collate::compare(a.as_str(), b.as_str()));
        // A request is not sent without one of its headers either.
        let misses_header = |provider: &ProviderId| {
            config.provider(provider).is_some_and(|settings| {
                settings.references().any(|(key, _, failure)| {
                    key != "apiKey" && failure.is_some_and(|failure| failure != ReferenceFailure::NotLookedUp)
                })
            })
        };
        let unresolved = |status: &&ProviderStatus| {
            (status.is_unresolved || misses_header(&status.provider)) && used.contains(&key(&status.provider))
        };
        let unresolved_in_use: Vec<ProviderId> =
            providers.iter().filter(unresolved).map(|status| status.provider.clone()).collect();
        let unresolved: HashSet<Key> = unresolved_in_use.iter().map(key).collect();
        missing.retain(|provider| !unresolved.contains(&key(provider)));
        if is_newer {
            // It is unknown whether these have a credential.
            let is_unconfirmed =
                |provider: &ProviderId| by_key.get(&key(provider)).is_some_and(|status| status.is_unconfirmed());
            missing.retain(|provider| !is_unconfirmed(provider));
        }
        let unconfirmed_models = if is_newer { unconfirmed(config, &in_use, &by_key) } else { Vec::new() };
        let aliases = models.iter().filter_map(|(model, alias)| Some(((*alias)?.to_owned(), model.clone()))).collect();
        let allowed =
            if is_newer { config.allowed_models(agent) } else { models.into_iter().map(|(model, _)| model).collect() };
        StatusReport {
            now,
            release,
            utility_model,
            utility_source,
            unconfirmed_models,
            warn_after: self.warn_after,
            default_model: primary.map_or_else(|| resolved_default.name(), str::to_owned),
            resolved_default,
            fallbacks,
            image_model,
            image_fallbacks,
            own_default,
            own_fallbacks,
            aliases,
            allowed,
            shell_env: config.shell_env().is_some_and(|shell| shell.enabled),
            missing_providers_in_use: missing,
            unresolved_in_use,
            unusable_profiles: unusable(self.profiles, selector, now),
            providers,
            headroom: headroom::known(self.profiles, selector, self.headroom, now),
            diagnostics,
            config_path: self.config_path,
            agent_id: self.agent,
            agent_dir: self.agent_dir,
            store_path: self.store_path,
            shared_store_path: self.shared_store_path,
            home: self.home,
        }
    }

    fn found_before(&self) -> Vec<Diagnostic> {
        let mut found = self.config.diagnostics().to_vec();
        found.extend(self.config.odd_names());
        found.extend(self.profiles.diagnostics().iter().cloned());
        found.extend(self.diagnostics.iter().cloned());
        if self.is_away {
            let message = "the server that keeps the profiles could not be reached, or accepts no writes; this is what \
                           was last read from it";
            let away = Diagnostic::new(Severity::Warning, DiagnosticCode::StoreAway, Location::default(), message);
            found.push(away.with_help("check that the server runs, accepts writes, and can be reached from here"));
        }
        found
    }

    /// Returns every provider mentioned in the profiles, the configuration, its models or the environment, sorted by
    /// name.
    fn mentioned(&self, in_use: &[ModelRef]) -> Vec<ProviderId> {
        let stored = self.profiles.iter().map(|(_, profile)| profile.provider().clone());
        let configured = self.config.providers().map(|(provider, _)| provider.clone());
        let listed = self.config.models().map(|(model, _)| model.provider().clone());
        let used = in_use.iter().map(|model| model.provider().clone());
        let known = Provider::all().map(|provider| ProviderId::normalized(provider.id()));
        let exported = known.filter(|provider| self.config.variable(provider).is_some());
        let all = stored.chain(configured).chain(listed).chain(used).chain(exported);
        let named = all.filter(|provider| !provider.as_str().is_empty());
        // The first mention determines the spelling, unless the configuration has entries in several spellings.
        let mut unique: BTreeMap<Key, ProviderId> = BTreeMap::new();
        named.for_each(|id| {
            unique.entry(key(self.config, &id)).or_insert(id);
        });
        let mut providers: Vec<ProviderId> = unique.into_values().collect();
        providers.sort_by(|a, b| collate::compare(a.written(), b.written()).then(a.cmp(b)));
        providers
    }
}

/// The part that the names of one provider have in common: the normalised name, or the written one if the configuration
/// has entries in several spellings.
type Key = (String, bool);

fn key(config: &Config, provider: &ProviderId) -> Key {
    let is_split = config.is_split(provider);
    let name = if is_split { provider.written() } else { provider.as_str() };
    (name.to_owned(), is_split)
}

/// Returns every profile that is cooling down or has no headroom, the first to be ready first.
fn unusable(profiles: &AuthProfiles, selector: &ProfileSelector, now: Timestamp) -> Vec<UnusableProfile> {
    let cooling = profiles.usage_stats().filter_map(|(id, usage)| {
        let cooldown = selector.cooldown(usage, now).or_else(|| selector.recorded_headroom(id, usage, now).1)?;
        let provider = profiles.get(id.as_str()).map(|profile| profile.provider().clone());
        let disabled = matches!(cooldown, Verdict::Disabled { .. });
        Some(UnusableProfile {
            id: id.clone(),
            provider,
            disabled,
            limit: if let Verdict::NoHeadroom { limit, .. } = cooldown { Some(limit) } else { None },
            reason: cooldown.reason(),
            until: cooldown.until()?,
        })
    });
    let mut cooling: Vec<UnusableProfile> = cooling.collect();
    cooling.sort_by_key(|profile| profile.until);
    cooling
}

/// Returns diagnostics for windows that end in the future but are ignored, because a clock that ran ahead opened them
/// or they are longer than the rules allow. OpenClaw waits for them, so the report has to mention them.
fn impossible_windows(profiles: &AuthProfiles, selector: &ProfileSelector, now: Timestamp) -> Vec<Diagnostic> {
    let ahead = |usage: &UsageStats| {
        let ends = [usage.cooldown_until(), usage.disabled_until(), usage.blocked_until()];
        ends.into_iter().flatten().any(|end| end > now) && selector.cooldown(usage, now).is_none()
    };
    let found = profiles.usage_stats().filter(|(_, usage)| ahead(usage)).map(|(id, _)| {
        let place = Location::default().with_key_path(KeyPath::root().key("usageStats").key(id.as_str()).to_string());
        let message = "a window was opened by a clock that ran ahead, or is longer than the rules allow, and does not keep \
                       the profile from being used";
        Diagnostic::new(Severity::Warning, DiagnosticCode::IgnoredSetting, place, message)
            .with_help("clear the cooldown of this profile; `auth.cooldowns` allows longer ones")
    });
    found.collect()
}

/// Returns the models in use whose provider has only unresolved references, without duplicates.
fn unconfirmed(config: &Config, in_use: &[ModelRef], providers: &HashMap<Key, &ProviderStatus>) -> Vec<ModelRef> {
    let (mut models, mut seen) = (Vec::new(), HashSet::new());
    for model in in_use {
        let status = providers.get(&key(config, model.provider()));
        if status.is_some_and(|status| status.is_unconfirmed()) && seen.insert(model) {
            models.push(model.clone());
        }
    }
    models
}

/// Returns diagnostics for references in the configuration that could not be resolved; those of profiles are verdicts.
pub(super) fn failed_references(config: &Config) -> impl Iterator<Item = Diagnostic> {
    config.failed_references().map(|(key_path, failure)| {
        let place = Location::default().with_key_path(key_path);
        let message = format!("the reference was not resolved: {failure}");
        Diagnostic::new(Severity::Warning, DiagnosticCode::UnresolvedReference, place, message)
            .with_help(failure.help())
    })
}

#[expect(clippy::expect_used, reason = "a constant name with two halves")]
fn default_model(release: Release) -> ModelRef {
    release.default_model().parse().expect("two halves")
}

impl fmt::Debug for StatusReportBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusReportBuilder")
            .field("agent", &self.agent)
            .field("config_path", &self.config_path)
            .field("agent_dir", &self.agent_dir)
            .field("store_path", &self.store_path)
            .field("warn_after", &self.warn_after)
            .finish_non_exhaustive()
    }
}
