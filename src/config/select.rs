//! The selector and the inline credentials of a configuration.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::config::{Config, CooldownSettings, ProviderConfig};
use crate::credential::{Credential, CredentialSource, Doubt, Implausible, InlineCredential, Received};
use crate::error::Result;
use crate::id::ProviderId;
use crate::profile::AuthProfiles;
use crate::select::{
    Backoff, CooldownPolicy, Inline, InlineFailure, ProfileSelector, Query, Selection, SelectorRules, Settings,
};

const HOUR: f64 = 3_600.0;
const MINUTE: f64 = 60.0;

/// The shortest configured first window in seconds, as in OpenClaw.
const SHORTEST_BASE: f64 = 60.0;

impl Config {
    /// Sets the rules of selection that the configuration builds on. Default: [`SelectorRules::default`].
    ///
    /// `auth.cooldowns` of the configuration overrides them.
    #[must_use]
    pub fn with_rules(mut self, rules: SelectorRules) -> Self {
        self.selector = Arc::new(self.build_selector(rules));
        self
    }

    /// Returns the selector that follows this configuration: its `auth.order`, `auth.profiles` and `auth.cooldowns`.
    ///
    /// If `auth.profiles` has an entry for a provider, only the profiles in the configuration are used for it, as in
    /// OpenClaw.
    #[must_use]
    pub fn selector(&self) -> &ProfileSelector {
        &self.selector
    }

    /// Returns the credential to use now: a stored profile, otherwise the provider's environment variable, otherwise
    /// the provider's key in the configuration, otherwise no credential if [none is needed](Self::inline_credential).
    ///
    /// Calls [`ProfileSelector::resolve`] of the [`selector`](Self::selector) with the
    /// [`inline_credential`](Self::inline_credential), which is looked up only if no profile can serve.
    ///
    /// # Errors
    ///
    /// Those of [`ProfileSelector::resolve`].
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{AuthProfiles, Config, Environment, ProviderId, Query, ReadOptions, Timestamp};
    ///
    /// let environment = Environment::from_fn(|name| (name == "ANTHROPIC_API_KEY").then(|| "sk-ant-example".to_owned()));
    /// let config = Config::from_json5_str("{}", &ReadOptions::new().environment(environment))?;
    ///
    /// let query = Query::new(&ProviderId::anthropic());
    /// let selection = config.resolve(&AuthProfiles::new(), &query, Timestamp::from_millis(1_700_000_000_000))?;
    /// assert_eq!(selection.source.to_string(), "the environment variable ANTHROPIC_API_KEY");
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    pub fn resolve(&self, profiles: &AuthProfiles, query: &Query, now: Timestamp) -> Result<Selection> {
        let takes = query.is_without_references() && !self.references.is_empty();
        let own = takes.then(|| query.clone().references(self.references.clone()));
        let query = own.as_ref().unwrap_or(query);
        let (provider, model) = (query.provider(), query.model_name());
        let mut selection = self.selector.resolve_with(profiles, || self.inline(provider, model), query, now)?;
        selection.access = Arc::new(self.access(provider, model));
        Ok(selection)
    }

    /// Returns the provider's credential outside the profiles: its environment variable, otherwise `apiKey` of its
    /// entry in `models.providers`. If there is neither and none is needed, returns [`Credential::None`]: a configured
    /// header authenticates, or the server is on this machine or in a private network and the entry has no key for it.
    ///
    /// If `apiKey` is a reference, it comes first, and if it does not resolve to a secret, nothing else is used,
    /// because the user chose it. A text that cannot be a secret, such as a placeholder, is skipped, unless
    /// [`refuse_implausible`](SelectorRules::refuse_implausible) is off.
    #[must_use]
    pub fn inline_credential(&self, provider: &ProviderId) -> Option<InlineCredential> {
        self.inline(provider, None)?.ok()
    }

    /// Returns the inline credential for a model, or the reason why a reference does not resolve.
    pub(super) fn inline(&self, provider: &ProviderId, model: Option<&str>) -> Option<Inline> {
        self.inline_key(provider).or_else(|| {
            let keyless = || Ok(InlineCredential::new(Credential::None, CredentialSource::NotNeeded));
            self.needs_no_credential(provider, model).then(keyless)
        })
    }

    /// Returns the inline credential without checking whether one is needed.
    fn inline_key(&self, provider: &ProviderId) -> Option<Inline> {
        let settings = self.provider(provider);
        let is_reference = settings.is_some_and(|settings| settings.api_key_ref().is_some());
        let exported = || self.received(provider);
        let configured = match settings.and_then(ProviderConfig::api_key_failure) {
            Some(failure) => return Some(Err(InlineFailure::Reference(failure))),
            None => settings.and_then(|settings| settings.inline(provider)),
        };
        let (first, last) = if is_reference { (configured, None) } else { (None, configured) };
        let mut implausible = None;
        for (found, received) in first.into_iter().chain(exported()).chain(last) {
            match self.refuses(provider, received.doubt) {
                None => return Some(Ok(found)),
                Some(reason) => implausible = implausible.or(Some((found.source, reason))),
            }
        }
        implausible.map(|(source, reason)| Err(InlineFailure::Implausible { source, reason }))
    }

    /// Returns the reason why a credential of a provider is not sent; `None` if it is.
    pub(crate) fn refuses(&self, provider: &ProviderId, doubt: Option<Doubt>) -> Option<Implausible> {
        self.selector.rules().refuses(doubt?, self.is_gateway(provider))
    }

    /// Returns the credential in the first variable of a provider whose value can be a secret.
    pub(crate) fn variable(&self, provider: &ProviderId) -> Option<InlineCredential> {
        let mut variables = self.received(provider);
        variables.find(|(_, received)| self.refuses(provider, received.doubt).is_none()).map(|(found, _)| found)
    }

    /// Returns the variables of a provider that are set. If each spelling is a separate provider, they belong to the
    /// one with the normalised name.
    fn received(&self, provider: &ProviderId) -> impl Iterator<Item = (InlineCredential, Received)> {
        let has_variables = !self.providers.is_split(provider) || provider.written() == provider.as_str();
        has_variables.then(|| self.environment().received(provider)).into_iter().flatten()
    }

    fn is_gateway(&self, provider: &ProviderId) -> bool {
        self.provider(provider).is_some_and(|entry| entry.is_gateway(provider))
    }

    pub(super) fn build_selector(&self, mut rules: SelectorRules) -> ProfileSelector {
        let order = self.auth_orders().map(|(provider, ids)| (provider.clone(), ids.to_vec()));
        let split = self.providers().map(|(provider, _)| provider).filter(|provider| self.providers.is_split(provider));
        let gateways =
            self.providers().filter(|(provider, entry)| entry.is_gateway(provider)).map(|(provider, _)| provider);
        let mut settings = Settings::new(Arc::clone(&self.auth.profiles), order.collect());
        settings.split = split.cloned().collect();
        settings.gateways.reserve(self.providers.iter().len());
        settings.gateways.extend(gateways.cloned());
        configure(&mut rules.cooldown, self.cooldowns());
        ProfileSelector::with_settings(rules, settings)
    }
}

/// Applies `auth.cooldowns` to the policy.
fn configure(policy: &mut CooldownPolicy, settings: &CooldownSettings) {
    bound(&mut policy.billing, settings.billing_backoff_hours.map(hours), settings.billing_max_hours.map(hours));
    let minutes = |minutes: f64| seconds(minutes * MINUTE);
    let (base, cap) = (settings.auth_permanent_backoff_minutes, settings.auth_permanent_max_minutes);
    bound(&mut policy.auth_permanent, base.map(minutes), cap.map(minutes));
    if let Some(window) = settings.failure_window_hours {
        policy.failure_window = hours(window);
    }
    let own: HashSet<&ProviderId> = settings.billing_backoff_hours_by_provider.iter().map(|(own, _)| own).collect();
    policy.billing_base_by_provider.retain(|(known, _)| !own.contains(known));
    // The settings have each provider once, so a push is enough.
    for (provider, base) in &settings.billing_backoff_hours_by_provider {
        policy.billing_base_by_provider.push((provider.clone(), hours(*base).max(seconds(SHORTEST_BASE))));
    }
}

fn bound(backoff: &mut Backoff, new_base: Option<Duration>, new_cap: Option<Duration>) {
    if let Backoff::Growing { base, cap, .. } = backoff {
        if let Some(new) = new_base {
            *base = new.max(seconds(SHORTEST_BASE));
        }
        *cap = new_cap.unwrap_or(*cap);
    }
}

fn hours(hours: f64) -> Duration {
    seconds(hours * HOUR)
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}
