//! The cache retention that applies to a request, and the layer that decided it.

use crate::config::Config;
use crate::credential::CredentialKind;
use crate::id::ModelRef;
use crate::retention::CacheRetention;

/// A layer that can set the cache retention. A later variant overrides an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RetentionLayer {
    /// No layer sets it.
    Default,
    /// The parameters of all models, `agents.defaults.params`.
    Global,
    /// The parameters of a model, `agents.defaults.models.*.params`.
    Model,
    /// The parameters of a model for one agent, `agents.entries.*.models.*.params`.
    AgentModel,
    /// The parameters of an agent, `agents.entries.*.params`, or `agents.list[].params` before August 2026.
    Agent,
    /// The argument of [`Config::cache_retention`].
    Call,
}

/// A cache retention and the layer that decided it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResolvedRetention {
    /// The retention to ask for.
    pub retention: CacheRetention,
    /// The layer that decided it, or would have if its setting were not ignored.
    pub layer: RetentionLayer,
    /// `true` if that layer uses the legacy key `cacheControlTtl`.
    pub legacy: bool,
    /// The setting that is ignored because the credential is that of a subscription.
    pub ignored: Option<CacheRetention>,
    /// `true` if that layer asks for one hour, which becomes five minutes because the model's entry reports a server
    /// without one-hour entries.
    pub shortened: bool,
}

impl ResolvedRetention {
    /// Applies a setting that was ignored because the credential is that of a subscription.
    ///
    /// Subscription access is documented not to honour cache settings, so `cache_control` markers are left out by
    /// default. Call this to send them all the same. Without a setting there are still none.
    #[must_use]
    pub fn even_for_subscription(self) -> Self {
        Self { retention: self.ignored.unwrap_or(self.retention), ignored: None, ..self }
    }
}

impl Config {
    /// Returns the cache retention for a request to this model by this agent with this kind of credential.
    ///
    /// The layers are the call, the agent, the model for the agent, the model, and all models; the first one that sets
    /// a retention decides. Within one layer `cacheRetention` wins over the legacy `cacheControlTtl`. If no layer sets
    /// one, an API key of the provider `anthropic` gets [`CacheRetention::Short`] and everything else none. OpenClaw
    /// instead adds `short` to models without a retention when Anthropic is used with API keys, which overrides the
    /// user's setting for all models.
    ///
    /// Subscription credentials do not honour caching: the result is [`CacheRetention::None`] with the ignored setting.
    /// [`ResolvedRetention::even_for_subscription`] opts in.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{CacheRetention, Config, CredentialKind, Environment, ReadOptions};
    /// use provider_auth::config::RetentionLayer;
    ///
    /// let text = "{ agents: { defaults: { params: { cacheRetention: 'long' } } } }";
    /// let config = Config::from_json5_str(text, &ReadOptions::new().environment(Environment::empty()))?;
    /// let model = "anthropic/claude-opus-4-5".parse()?;
    ///
    /// let found = config.cache_retention(&model, None, CredentialKind::ApiKey, None);
    /// assert_eq!((found.retention, found.layer), (CacheRetention::Long, RetentionLayer::Global));
    ///
    /// let found = config.cache_retention(&model, None, CredentialKind::Token, None);
    /// assert_eq!((found.retention, found.ignored), (CacheRetention::None, Some(CacheRetention::Long)));
    /// assert_eq!(found.even_for_subscription().retention, CacheRetention::Long);
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    #[must_use]
    pub fn cache_retention(
        &self,
        model: &ModelRef,
        agent: Option<&str>,
        kind: CredentialKind,
        call: Option<CacheRetention>,
    ) -> ResolvedRetention {
        // Each layer is reduced to one retention before layers are compared. Merging key by key would let a new key of
        // a general layer override a legacy key of a more specific one.
        let call = call.map(|retention| (RetentionLayer::Call, retention, false));
        let decided = call.or_else(|| {
            self.agents.layers_for(model, agent).find_map(|(layer, params)| {
                let (retention, legacy) = params.retention()?;
                Some((layer, retention, legacy))
            })
        });
        let subscription = kind.is_subscription();
        let Some((layer, asked, legacy)) = decided else {
            let cached = !subscription && model.provider().as_str() == "anthropic";
            let retention = if cached { CacheRetention::Short } else { CacheRetention::None };
            let layer = RetentionLayer::Default;
            return ResolvedRetention { retention, layer, legacy: false, ignored: None, shortened: false };
        };
        let shortened = asked == CacheRetention::Long && self.keeps_short_only(model);
        let retention = if shortened { CacheRetention::Short } else { asked };
        if subscription {
            let ignored = (retention != CacheRetention::None).then_some(retention);
            return ResolvedRetention { retention: CacheRetention::None, layer, legacy, ignored, shortened };
        }
        ResolvedRetention { retention, layer, legacy, ignored: None, shortened }
    }

    /// Returns `true` if the model's entry reports a server without one-hour entries.
    fn keeps_short_only(&self, model: &ModelRef) -> bool {
        let provider = self.provider(model.provider());
        provider.and_then(|provider| provider.supports_long_cache_retention(model.model())) == Some(false)
    }

    /// Returns the beta flags configured for a model and an agent, in the order of the file: those of the agent,
    /// otherwise of the model for the agent, otherwise of the model, otherwise of all models.
    #[must_use]
    pub fn anthropic_betas(&self, model: &ModelRef, agent: Option<&str>) -> &[String] {
        let mut layers = self.agents.layers_for(model, agent);
        layers.find_map(|(_, params)| params.betas.as_deref()).unwrap_or_default()
    }
}
