//! Which cache retention applies, and what decided it.

use crate::config::Config;
use crate::credential::CredentialKind;
use crate::id::{ModelRef, ProviderId};
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
    /// `agents.list[].params`
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
    /// The layers are the call, the agent, the model and all models; the first of them that says something decides.
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
        let agents = &self.agents;
        // Each layer speaks with one voice before the layers are compared. Merging key by key would let a new key
        // above overrule a legacy key below it.
        let said = [
            (RetentionLayer::Call, call.map(|retention| (retention, false))),
            (RetentionLayer::Agent, agents.agent(agent).and_then(|agent| agent.params.retention())),
            (RetentionLayer::Model, agents.models.get(model).and_then(|model| model.params.retention())),
            (RetentionLayer::Global, agents.params.retention()),
        ];
        let decided =
            said.into_iter().find_map(|(layer, said)| said.map(|(retention, legacy)| (layer, retention, legacy)));
        let subscription = kind.is_subscription();
        match decided {
            Some((layer, retention, legacy)) if subscription => {
                let ignored = (retention != CacheRetention::None).then_some(retention);
                ResolvedRetention { retention: CacheRetention::None, layer, legacy, ignored }
            }
            Some((layer, retention, legacy)) => ResolvedRetention { retention, layer, legacy, ignored: None },
            None => {
                let cached = !subscription && *model.provider() == ProviderId::anthropic();
                let retention = if cached { CacheRetention::Short } else { CacheRetention::None };
                ResolvedRetention { retention, layer: RetentionLayer::Default, legacy: false, ignored: None }
            }
        }
    }

    /// The beta flags configured for a model and an agent, in the order of the file: those of the agent, else of the
    /// model, else of all models.
    #[must_use]
    pub fn anthropic_betas(&self, model: &ModelRef, agent: Option<&str>) -> &[String] {
        let agents = &self.agents;
        let of_agent = agents.agent(agent).and_then(|agent| agent.params.betas.as_deref());
        let of_model = || agents.models.get(model).and_then(|model| model.params.betas.as_deref());
        of_agent.or_else(of_model).or(agents.params.betas.as_deref()).unwrap_or_default()
    }
}
