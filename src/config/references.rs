//! References to secrets in a configuration.

use crate::config::{Config, ProviderConfig, SecretSettings};
use crate::credential::{ReferenceFailure, Resolved, SecretRef};
use crate::error::Location;
use crate::syntax::KeyPath;

impl Config {
    /// Returns the references to secrets in `models.providers`, in place of an `apiKey` or a header's value.
    pub fn references(&self) -> impl Iterator<Item = &SecretRef> {
        self.providers.values().flat_map(|provider| provider.references().map(|(_, reference, _)| reference))
    }

    /// Sets the secrets of references, those of this configuration and those of profiles, as resolved by a
    /// [`ReferenceResolver`](crate::references::ReferenceResolver).
    ///
    /// All methods then use them: [`resolve`](Self::resolve), [`rotation`](Self::rotation),
    /// [`Endpoint::for_model`](crate::Endpoint::for_model), and the status. Without this call, a reference in `apiKey`
    /// or in a header's value does not resolve to a secret.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::references::ReferenceResolver;
    /// use provider_auth::{AuthProfiles, Config, Environment, ProviderId, Query, ReadOptions, Timestamp};
    ///
    /// let variables = Environment::from_fn(|name| (name == "RELAY_KEY").then(|| "sk-example".to_owned()));
    /// let text = "{ models: { providers: { relay: { apiKey: { source: 'env', provider: 'default', id: 'RELAY_KEY' } } } } }";
    /// let config = Config::from_json5_str(text, &ReadOptions::new().environment(variables))?;
    ///
    /// let (profiles, now) = (AuthProfiles::new(), Timestamp::from_millis(1_700_000_000_000));
    /// let references = ReferenceResolver::new().resolve(&profiles, &config, now);
    /// let selection = config.with_references(references).resolve(&profiles, &Query::new(&ProviderId::new("relay")?), now)?;
    /// assert_eq!(selection.credential.secret().expose(), "sk-example");
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    #[must_use]
    pub fn with_references(mut self, references: Resolved) -> Self {
        self.providers.values_mut().for_each(|provider| provider.put_in(&references));
        self.references = references;
        self
    }

    /// Returns the references of the configuration that were looked up without finding a secret, with their key paths.
    pub(crate) fn failed_references(&self) -> impl Iterator<Item = (String, ReferenceFailure)> {
        self.providers.iter().flat_map(|(id, provider)| {
            provider.references().filter_map(move |(key, _, failure)| {
                let failure = failure.filter(|failure| *failure != ReferenceFailure::NotLookedUp)?;
                Some((format!("{}.{key}", KeyPath::root().key("models").key("providers").key(id.written())), failure))
            })
        })
    }

    /// Returns the references of the configuration with their locations.
    pub(crate) fn placed_references(&self) -> impl Iterator<Item = (&SecretRef, &Location)> {
        self.providers.values().flat_map(ProviderConfig::placed_references)
    }

    pub(crate) fn resolved_references(&self) -> &Resolved {
        &self.references
    }

    /// Returns the settings for the sources of secrets.
    pub(crate) fn secrets(&self) -> &std::sync::Arc<SecretSettings> {
        &self.secrets
    }
}
