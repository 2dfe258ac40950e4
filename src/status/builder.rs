//! Gathering the report.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::collate;
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

/// How long before its end a credential is called expiring, unless the caller says otherwise.
const WARN_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// What a [`StatusReport`] is made from.
///
/// Nothing is required beyond a configuration and profiles; the paths are only repeated in the report.
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
    /// Starts a report on these profiles under this configuration, whose
    /// [`with_references`](Config::with_references) says what references to secrets lead to.
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

    /// Sets the agent, whose own models come before the defaults.
    pub fn agent(mut self, id: impl Into<String>) -> Self {
        self.agent = Some(id.into());
        self
    }

    /// Sets the path of the configuration file.
    pub fn config_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.config_path = Some(path.into());
        self
    }

    /// Sets the agent's directory.
    pub fn agent_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.agent_dir = Some(path.into());
        self
    }

    /// Sets where the profiles are kept.
    pub fn store_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.store_path = Some(path.into());
        self
    }

    /// Sets the database with the profiles that several agents share, and which those are: `AgentStore::shared_profiles` has
    /// both. It is where the report says that a provider's credential is which has no profile of the agent's own.
    pub fn shared_store(mut self, path: impl Into<PathBuf>, ids: impl IntoIterator<Item = ProfileId>) -> Self {
        self.shared_store_path = Some(path.into());
        self.shared = ids.into_iter().collect();
        self
    }

    /// Sets the home directory; paths below it are written with `~` where OpenClaw does so.
    pub fn home(mut self, path: impl Into<PathBuf>) -> Self {
        self.home = Some(path.into());
        self
    }

    /// Sets the model that is used where none is configured. Default: that of the release the configuration belongs to,
    /// `anthropic/claude-opus-4-6` in OpenClaw 2026.2.9 and `openai/gpt-6-astra` in 2026.9.6.
    pub fn default_model(mut self, model: ModelRef) -> Self {
        self.default_model = Some(model);
        self
    }

    /// Sets how long before its end a credential is called expiring. Default: 24 hours.
    pub fn warn_after(mut self, warn_after: Duration) -> Self {
        self.warn_after = warn_after;
        self
    }

    /// Says whether the server that keeps the profiles [is away](crate::AuthProfileStore::is_away), which the report then warns
    /// of. Default: it is not.
    pub fn store_away(mut self, is_away: bool) -> Self {
        self.is_away = is_away;
        self
    }

    /// Sets the memory of what providers say is left, such as that of a running `Rotator`.
    pub fn headroom(mut self, tracker: &'a HeadroomTracker) -> Self {
        self.headroom = Some(tracker);
        self
    }

    /// Adds what else is odd: `StateDir::leftovers`, for one, finds files with profiles that no store has.
    pub fn diagnostics(mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) -> Self {
        self.diagnostics.extend(diagnostics);
        self
    }

    /// Builds the report for a moment.
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
        // From the end, so that the first of a key stays.
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
        // Without one of its headers a request is not sent either.
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
            // Of these it is not known whether they have a credential.
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
            headroom: self.headroom.map(|tracker| tracker.profiles(now)).unwrap_or_default(),
            diagnostics,
            config_path: self.config_path,
            agent_id: self.agent,
            agent_dir: self.agent_dir,
            store_path: self.store_path,
            shared_store_path: self.shared_store_path,
            home: self.home,
        }
    }

    /// Returns what is odd in the configuration and in the profiles, and what the caller found.
    fn found_before(&self) -> Vec<Diagnostic> {
        let mut found = self.config.diagnostics().to_vec();
        found.extend(self.config.odd_names());
        found.extend(self.profiles.diagnostics().iter().cloned());
        found.extend(self.diagnostics.iter().cloned());
        if self.is_away {
            let message = "the server that keeps the profiles could not be reached; this is what was last read of them";
            let away = Diagnostic::new(Severity::Warning, DiagnosticCode::StoreAway, Location::default(), message);
            found.push(away.with_help("see that the server runs, and that it can be reached from here"));
        }
        found
    }

    /// Returns every provider the profiles, the configuration, its models or the environment mention, by name.
    fn mentioned(&self, in_use: &[ModelRef]) -> Vec<ProviderId> {
        let stored = self.profiles.iter().map(|(_, profile)| profile.provider().clone());
        let configured = self.config.providers().map(|(provider, _)| provider.clone());
        let listed = self.config.models().map(|(model, _)| model.provider().clone());
        let used = in_use.iter().map(|model| model.provider().clone());
        let known = Provider::all().map(|provider| ProviderId::normalized(provider.id()));
        let exported = known.filter(|provider| self.config.variable(provider).is_some());
        let all = stored.chain(configured).chain(listed).chain(used).chain(exported);
        let named = all.filter(|provider| !provider.as_str().is_empty());
        // The first mention says how it is spelt, unless the configuration has entries in several spellings.
        let mut unique: BTreeMap<Key, ProviderId> = BTreeMap::new();
        named.for_each(|id| {
            unique.entry(key(self.config, &id)).or_insert(id);
        });
        let mut providers: Vec<ProviderId> = unique.into_values().collect();
        providers.sort_by(|a, b| collate::compare(a.written(), b.written()).then(a.cmp(b)));
        providers
    }
}

/// What two names have in common that are of one provider: the name, or how it is written where the configuration has
/// entries in several spellings.
type Key = (String, bool);

fn key(config: &Config, provider: &ProviderId) -> Key {
    let is_split = config.is_split(provider);
    let name = if is_split { provider.written() } else { provider.as_str() };
    (name.to_owned(), is_split)
}

/// Returns every profile that is cooling down, the one that is back first at the front.
fn unusable(profiles: &AuthProfiles, selector: &ProfileSelector, now: Timestamp) -> Vec<UnusableProfile> {
    let cooling = profiles.usage_stats().filter_map(|(id, usage)| {
        let cooldown = selector.cooldown(usage, now)?;
        let provider = profiles.get(id.as_str()).map(|profile| profile.provider().clone());
        let disabled = matches!(cooldown, Verdict::Disabled { .. });
        Some(UnusableProfile {
            id: id.clone(),
            provider,
            disabled,
            reason: cooldown.reason(),
            until: cooldown.until()?,
        })
    });
    let mut cooling: Vec<UnusableProfile> = cooling.collect();
    cooling.sort_by_key(|profile| profile.until);
    cooling
}

/// Windows that end in the future and bind nobody, because a clock that ran ahead opened them or no rule opens one that
/// long. OpenClaw waits them out, so the report has to name them.
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

/// The models in use whose provider has nothing but what references may lead to, each once.
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

/// References of the configuration that were looked up in vain; those of profiles are said with their verdicts.
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
