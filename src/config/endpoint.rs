//! Endpoints and requests according to the configuration.

use http::HeaderName;

use crate::config::{Config, ProviderApi};
use crate::credential::{carries_credential, is_auth_header, unresolved};
use crate::error::{Error, ErrorKind, Result, Shown};
use crate::id::{ModelRef, ProviderId, shown_name};
use crate::net::PlainHttp;
use crate::request::{Endpoint, RequestBuilder};
use crate::retention::CacheRetention;
use crate::syntax::KeyPath;

impl Endpoint {
    /// Creates the endpoint of a model from `models.providers`. Without an entry there, the provider `anthropic` has
    /// the Anthropic API.
    ///
    /// Reads `baseUrl` and `api` from the model's entry, otherwise from the provider's, and `authHeader` (`true` means
    /// bearer). Headers come from the provider's `headers`, the model's, `request.headers` and `request.auth`; later
    /// ones win. A header that contains a credential is sent unchanged, beside the selected credential unless both use
    /// the same header. On the hosts of Bedrock's runtime and of Vertex the model goes from the body into the URL; on
    /// Vertex, a body that asks for a stream changes `:rawPredict` to `:streamRawPredict`. Streams of Bedrock's
    /// `InvokeModel` have another format and cannot be read here.
    ///
    /// Plain HTTP to a private network needs `request.allowPrivateNetwork: true`, see
    /// [`on_private_network`](Self::on_private_network). If that is not set and no header contains a credential, the
    /// endpoint accepts only requests without one ([`Credential::None`](crate::Credential::None)).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoEndpoint`] if the provider is neither `anthropic` nor configured with a `baseUrl` and an `api`;
    /// [`ErrorKind::UnsupportedApi`] if the API is not `anthropic-messages`; [`ErrorKind::UnresolvedReference`] if a
    /// header is a reference that does not resolve to a secret; [`ErrorKind::InvalidSecret`] if a header cannot be a
    /// secret, such as `Bearer your_api_key_here`, unless
    /// [`refuse_implausible`](crate::select::SelectorRules::refuse_implausible) is off; [`ErrorKind::InvalidUrl`] and
    /// [`ErrorKind::InsecureTransport`] as for [`Endpoint::new`].
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{Config, Endpoint, ErrorKind, ReadOptions};
    ///
    /// let text = "{ models: { providers: { relay: { baseUrl: 'https://relay.example.com', api: 'anthropic-messages' } } } }";
    /// let config = Config::from_json5_str(text, &ReadOptions::new())?;
    /// let endpoint = Endpoint::for_model(&config, &"relay/claude-opus-4-5".parse()?)?;
    /// assert_eq!(endpoint.host(), "relay.example.com");
    ///
    /// let error = Endpoint::for_model(&config, &"openai/gpt-5".parse()?).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::NoEndpoint);
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    pub fn for_model(config: &Config, model: &ModelRef) -> Result<Self> {
        let provider = config.provider(model.provider());
        let is_anthropic = *model.provider() == ProviderId::anthropic();
        let none = |kind, what: &str| {
            let (name, provider) = (Shown::new(model.model()), Shown::new(model.provider().as_str()));
            let message = format!("the model {name:?} of the provider {provider:?} cannot be used: {what}");
            Error::new(kind, message)
        };
        let of_provider = || KeyPath::root().key("models").key("providers").key(model.provider().written());
        let own_url = provider.and_then(|provider| provider.model_base_url(model.model()));
        let at = |error: Error| {
            let entry = own_url.map(|_| format!("models[{:?}].", Shown::new(model.model()))).unwrap_or_default();
            error.with_key_path(format!("{}.{entry}baseUrl", of_provider()))
        };
        let access = config.model_access(model);
        let url = own_url.or_else(|| provider?.base_url());
        if url.is_none() && !is_anthropic {
            let what = "no server of the provider is known to have the Messages API";
            return Err(none(ErrorKind::NoEndpoint, what));
        }
        match provider.and_then(|provider| provider.model_api(model.model()).or(provider.api())) {
            Some(ProviderApi::AnthropicMessages) => {}
            None if is_anthropic => {}
            None => {
                let what = "the provider's entry does not have `api: \"anthropic-messages\"`";
                return Err(none(ErrorKind::NoEndpoint, what));
            }
            Some(_) => {
                let what = "its entry or the provider's has an `api` other than `anthropic-messages`";
                return Err(none(ErrorKind::UnsupportedApi, what));
            }
        }
        let plain = match access.private_network {
            Some(true) => PlainHttp::PrivateNetwork,
            None if access.headers.is_empty() => PlainHttp::WithoutCredential,
            None | Some(false) => PlainHttp::Loopback,
        };
        let mut endpoint = match url {
            Some(base_url) => Self::at(base_url, Some(model.model()), plain).map_err(at)?,
            None => Self::anthropic(),
        };
        endpoint = endpoint.with_provider(model.provider().clone());
        let Some(provider) = provider else { return Ok(endpoint) };
        if let Some(scheme) = access.scheme {
            endpoint = endpoint.with_auth_scheme(scheme);
        }
        for (place, name, value) in provider.all_headers(Some(model.model())) {
            // Headers with a credential follow below, each name once.
            if carries_credential(name) && HeaderName::from_bytes(name.as_bytes()).is_ok() {
                continue;
            }
            let key = format!("{}.{place}.{}", of_provider(), Shown::new(shown_name(name)));
            let value = value.map_err(|failure| unresolved(failure, &key))?;
            endpoint = endpoint.with_header(name, value.clone());
        }
        for own in &access.headers {
            let value = own.value()?.clone();
            endpoint = if is_auth_header(&own.name) {
                endpoint.with_auth_header(own.name.as_str(), value)
            } else {
                // A header of the call may replace it.
                endpoint.with_header(own.name.as_str(), value)
            };
        }
        Ok(endpoint)
    }
}

impl Config {
    /// Returns the base URL of a provider's API: its `baseUrl` under `models.providers`, otherwise that of the
    /// [table](crate::providers::Provider::base_url). `None` if neither has one.
    ///
    /// The URL has no trailing slash; append the path that the provider documents. It is not validated;
    /// [`Selection::authenticate`](crate::Selection::authenticate) checks the URL of the request.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{Config, Environment, ProviderId, ReadOptions};
    ///
    /// let text = "{ models: { providers: { mistral: { baseUrl: 'https://gateway.example.com/mistral/v1' } } } }";
    /// let config = Config::from_json5_str(text, &ReadOptions::new().environment(Environment::empty()))?;
    /// assert_eq!(config.base_url(&ProviderId::new("mistral")?), Some("https://gateway.example.com/mistral/v1"));
    /// assert_eq!(config.base_url(&ProviderId::new("openai")?), Some("https://api.openai.com/v1"));
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    #[must_use]
    pub fn base_url(&self, provider: &ProviderId) -> Option<&str> {
        let configured = self.provider(provider).and_then(|entry| entry.base_url());
        configured.or_else(|| provider.known()?.base_url()).map(|url| url.trim_end_matches('/'))
    }

    /// Returns the base URL of a model's API: `baseUrl` of its entry under `models.providers.*.models`, otherwise the
    /// [`base_url`](Self::base_url) of its provider.
    #[must_use]
    pub fn model_base_url(&self, model: &ModelRef) -> Option<&str> {
        let own = self.provider(model.provider()).and_then(|entry| entry.model_base_url(model.model()));
        own.map(|url| url.trim_end_matches('/')).or_else(|| self.base_url(model.provider()))
    }
}

impl RequestBuilder<'_> {
    /// Applies the configured cache retention and beta flags for a model and an agent. `call` is a retention for this
    /// request only, which overrides the configured one.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::{Config, Credential, Endpoint, ReadOptions, RequestBuilder, Secret};
    ///
    /// let config = Config::from_json5_str("{ agents: { defaults: { params: { cacheRetention: 'none' } } } }", &ReadOptions::new())?;
    /// let credential = Credential::api_key(Secret::new("sk-ant-example"));
    /// let request = RequestBuilder::new(&Endpoint::anthropic(), &credential)
    ///     .configured(&config, &"anthropic/claude-opus-4-5".parse()?, None, None)
    ///     .body(br#"{"messages":[{"role":"user","content":"Hello"}]}"#)
    ///     .build()?;
    /// assert!(request.plan().breakpoints().is_empty());
    /// # Ok::<(), provider_auth::Error>(())
    /// ```
    pub fn configured(
        self,
        config: &Config,
        model: &ModelRef,
        agent: Option<&str>,
        call: Option<CacheRetention>,
    ) -> Self {
        let found = config.cache_retention(model, agent, self.credential_kind(), call);
        // An ignored setting is passed on, so that the request's notes report it and an opt-in can honour it.
        let builder = self.retention(found.ignored.unwrap_or(found.retention)).shortened(found.shortened);
        config.anthropic_betas(model, agent).iter().fold(builder, |builder, flag| builder.beta(flag.as_str()))
    }
}
