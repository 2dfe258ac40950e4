//! Endpoints and requests as the configuration says.

use crate::config::{Config, ProviderApi};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ModelRef, ProviderId, shown_name};
use crate::request::{AuthScheme, Endpoint, RequestBuilder};
use crate::retention::CacheRetention;

impl Endpoint {
    /// The endpoint that serves a model: `models.providers` of the configuration, or the Anthropic API for provider
    /// `anthropic` where that says nothing.
    ///
    /// Takes over `baseUrl` and `api`, of the model's entry before the provider's, `authHeader` (true means bearer), the
    /// provider's `headers`, over them those of the model, and over those `request.headers`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoEndpoint`] if the provider is neither `anthropic` nor configured with a `baseUrl`, or its
    /// interface is not `anthropic-messages`; [`ErrorKind::UnresolvedReference`] if a header is a reference that leads to no
    /// secret; [`ErrorKind::InvalidUrl`] and [`ErrorKind::InsecureTransport`] as
    /// for [`Endpoint::new`].
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
        let none = |what: &str| {
            let (name, provider) = (model.model(), model.provider());
            let message = format!("the model \"{name}\" of the provider \"{provider}\" cannot be asked: {what}");
            Error::new(ErrorKind::NoEndpoint, message)
        };
        let own_url = provider.and_then(|provider| provider.model_base_url(model.model()));
        let at = |error: Error| {
            let entry = own_url.map(|_| format!("models[{:?}].", model.model())).unwrap_or_default();
            error.with_key_path(format!("models.providers.{}.{entry}baseUrl", model.provider().written()))
        };
        let mut endpoint = match own_url.or_else(|| provider?.base_url()) {
            Some(base_url) => Self::new(base_url).map_err(at)?,
            None if is_anthropic => Self::anthropic(),
            None => return Err(none("no server of the provider is known that has the Messages API")),
        };
        endpoint = endpoint.with_provider(model.provider().clone());
        let Some(provider) = provider else { return Ok(endpoint) };
        match provider.model_api(model.model()).or(provider.api()) {
            Some(ProviderApi::AnthropicMessages) => {}
            None if is_anthropic => {}
            None => return Err(none("the provider's entry does not say `api: \"anthropic-messages\"`")),
            Some(_) => return Err(none("its entry or the provider's has an `api` other than `anthropic-messages`")),
        }
        if provider.auth_header() == Some(true) {
            endpoint = endpoint.with_auth_scheme(AuthScheme::Bearer);
        }
        let own = provider.configured_model_headers(model.model()).map(|header| ("models[].headers", header));
        let of_requests = provider.configured_request_headers().map(|header| ("request.headers", header));
        let headers = provider.configured_headers().map(|header| ("headers", header));
        for (place, (name, value)) in headers.chain(own).chain(of_requests) {
            let value = value.map_err(|failure| {
                let message = format!("the reference of a configured header was not resolved: {failure}");
                let key = format!("models.providers.{}.{place}.{}", model.provider().written(), shown_name(name));
                Error::new(ErrorKind::UnresolvedReference, message).with_key_path(key).with_help(failure.help())
            })?;
            endpoint = endpoint.with_header(name, value.clone());
        }
        Ok(endpoint)
    }
}

impl Config {
    /// Returns the base URL of a provider's API: its `baseUrl` under `models.providers`, else the one of the
    /// [table](crate::providers::Provider::base_url). `None` where neither says one.
    ///
    /// Without a slash at its end; behind it comes the path that the provider documents. It is not checked to be a URL:
    /// [`Selection::authenticate`](crate::Selection::authenticate) checks that of the request.
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

    /// Returns the base URL of the API that serves a model: `baseUrl` of its entry under `models.providers.*.models`, else
    /// that of its provider, as [`base_url`](Self::base_url) has it.
    #[must_use]
    pub fn model_base_url(&self, model: &ModelRef) -> Option<&str> {
        let own = self.provider(model.provider()).and_then(|entry| entry.model_base_url(model.model()));
        own.map(|url| url.trim_end_matches('/')).or_else(|| self.base_url(model.provider()))
    }
}

impl RequestBuilder<'_> {
    /// Takes the cache retention and the beta flags for a model and an agent from the configuration; `call` is the
    /// retention this one request wants, which wins over every configured one.
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
