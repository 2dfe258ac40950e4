//! Which cache retention applies, and what decided it.

use crate::config::Config;
use crate::credential::CredentialKind;
use crate::id::ModelRef;
use crate::retention::CacheRetention;

/// What decides a cache retention; the later ones win over the earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RetentionLayer {
    /// Nothing is set.
    Default,
    /// `agents.defaults.params`
    Global,
    /// `agents.defaults.models.*.params`
    Model,
    /// `agents.entries.*.models.*.params`
    AgentModel,
    /// `agents.entries.*.params`, or `agents.list[].params` before August 2026
    Agent,
    /// The caller of [`Config::cache_retention`].
    Call,
}

/// A cache retention and what decided it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResolvedRetention {
    /// What to ask for.
    pub retention: CacheRetention,
    /// The layer that decided it, or would have if its setting were not ignored.
    pub layer: RetentionLayer,
    /// Whether that layer says it with the legacy key `cacheControlTtl`.
    pub legacy: bool,
    /// The setting that has no effect because the credential is a subscription's.
    pub ignored: Option<CacheRetention>,
    /// Whether that layer asks for one hour, and five minutes are asked for instead because the model's entry says that
    /// its server does not keep anything longer.
    pub shortened: bool,
}

impl ResolvedRetention {
    /// Honours a setting that was ignored because the credential is a subscription's.
    ///
    /// Subscription access is documented not to honour cache settings, so markers are left out by default. This is the
    /// caller's way to send them all the same. Without a setting there still are none.
    #[must_use]
    pub fn even_for_subscription(self) -> Self {
        Self { retention: self.ignored.unwrap_or(self.retention), ignored: None, ..self }
    }
}

impl Config {
    /// The cache retention for a request to this model, by this agent, with this kind of credential.
    ///
    /// The layers are the call, the agent, the model as the agent uses it, the model, and all models; the first of them
    /// that says something decides. OpenClaw puts `short` into the layer of a model where it has none and Anthropic is used
    /// with API keys, which then beats what is said for all models; here what the user says counts.
    /// Within one layer `cacheRetention` wins over the legacy `cacheControlTtl`. Where nothing is said, an API key of
    /// the provider `anthropic` gets [`CacheRetention::Short`] and everything else none.
    ///
    /// Subscription credentials do not honour caching: the answer is [`CacheRetention::None`] and names the setting
    /// that is ignored. [`ResolvedRetention::even_for_subscription`] opts in.
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
        // Each layer speaks with one voice before the layers are compared. Merging key by key would let a new key
        // above overrule a legacy key below it.
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

    /// Whether the model's entry says that its server keeps nothing for an hour.
    fn keeps_short_only(&self, model: &ModelRef) -> bool {
        let provider = self.provider(model.provider());
        provider.and_then(|provider| provider.supports_long_cache_retention(model.model())) == Some(false)
    }

    /// The beta flags configured for a model and an agent, in the order of the file: those of the agent, else of the
    /// model as the agent uses it, else of the model, else of all models.
    #[must_use]
    pub fn anthropic_betas(&self, model: &ModelRef, agent: Option<&str>) -> &[String] {
        let mut layers = self.agents.layers_for(model, agent);
        layers.find_map(|(_, params)| params.betas.as_deref()).unwrap_or_default()
    }
}
