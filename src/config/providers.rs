//! The block `models.providers`: servers, keys and headers of providers.

use std::fmt;

use indexmap::IndexMap;

use crate::config::configured_secret::ConfiguredSecret;
use crate::config::keys;
use crate::config::reader::Reader;
use crate::config::request::{RequestAuth, RequestSettings};
use crate::config::spelt::BySpelling;
use crate::credential::{ReferenceFailure, Resolved, SecretRef};
use crate::error::{DiagnosticCode, Location, Shown};
use crate::id::{ProviderId, shown_name};
use crate::net::origin;
use crate::secret::{Secret, joined};
use crate::syntax::{Node, Value};

const AUTHS: &[(&str, ProviderAuth)] = &[
    ("api-key", ProviderAuth::ApiKey),
    ("aws-sdk", ProviderAuth::AwsSdk),
    ("oauth", ProviderAuth::OAuth),
    ("token", ProviderAuth::Token),
];

const APIS: &[(&str, ProviderApi)] = &[
    ("anthropic-messages", ProviderApi::AnthropicMessages),
    ("openai-completions", ProviderApi::OpenAiCompletions),
    ("openai-responses", ProviderApi::OpenAiResponses),
    ("google-generative-ai", ProviderApi::GoogleGenerativeAi),
    ("github-copilot", ProviderApi::GitHubCopilot),
    ("bedrock-converse-stream", ProviderApi::BedrockConverseStream),
    ("azure-openai-responses", ProviderApi::AzureOpenAiResponses),
    ("google-vertex", ProviderApi::GoogleVertex),
    ("ollama", ProviderApi::Ollama),
    ("openai-chatgpt-responses", ProviderApi::OpenAiChatGptResponses),
    ("pi-messages", ProviderApi::PiMessages),
];

/// The kind of authentication of a provider: `auth` of its entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProviderAuth {
    /// `api-key`: an API key.
    ApiKey,
    /// `aws-sdk`: credentials that Amazon's own library finds.
    AwsSdk,
    /// `oauth`: a bearer token from OAuth.
    OAuth,
    /// `token`: a static bearer token.
    Token,
}

/// The API of an endpoint: `api` of a provider or a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProviderApi {
    /// `anthropic-messages`, the one that this crate builds requests for.
    AnthropicMessages,
    /// `openai-completions`
    OpenAiCompletions,
    /// `openai-responses`
    OpenAiResponses,
    /// `google-generative-ai`
    GoogleGenerativeAi,
    /// `github-copilot`
    GitHubCopilot,
    /// `bedrock-converse-stream`
    BedrockConverseStream,
    /// `azure-openai-responses`, since August 2026, like all below.
    AzureOpenAiResponses,
    /// `google-vertex`
    GoogleVertex,
    /// `ollama`
    Ollama,
    /// `openai-chatgpt-responses`
    OpenAiChatGptResponses,
    /// `pi-messages`
    PiMessages,
}

/// An entry of `models.providers`. `Debug` shows no secrets, and only the scheme and host of URLs.
#[derive(Clone, Default)]
pub struct ProviderConfig {
    base_url: Option<String>,
    api_key: Option<ConfiguredSecret>,
    auth: Option<ProviderAuth>,
    api: Option<ProviderApi>,
    auth_header: Option<bool>,
    headers: Headers,
    request: RequestSettings,
    models: IndexMap<String, ModelEntry>,
}

/// An entry of `models` of a provider.
#[derive(Clone, Default)]
struct ModelEntry {
    base_url: Option<String>,
    api: Option<ProviderApi>,
    headers: Headers,
    supports_long_cache_retention: Option<bool>,
}

/// Header names as written, each once, and their values.
pub(super) type Headers = Vec<(String, ConfiguredSecret)>;

/// A value, or the reason why its reference does not resolve to one.
pub(super) type Found<'a> = Result<&'a Secret, ReferenceFailure>;

fn found(headers: &[(String, ConfiguredSecret)]) -> impl Iterator<Item = (&str, Found<'_>)> {
    headers.iter().map(|(name, value)| (name.as_str(), value.value()))
}

impl ProviderConfig {
    /// Returns `baseUrl` as written, without validation.
    #[must_use]
    pub fn base_url(&self) -> Option<&str> {
        self.base_url.as_deref()
    }

    /// Returns `apiKey`, [cleaned](Secret::cleaned). For a reference, returns the secret set by
    /// [`Config::with_references`](crate::Config::with_references), or for `$NAME` the value of the variable.
    ///
    /// The text may be one that cannot be a secret, which
    /// [`Config::inline_credential`](crate::Config::inline_credential) does not return.
    #[must_use]
    pub fn api_key(&self) -> Option<&Secret> {
        self.api_key.as_ref()?.value().ok()
    }

    /// Returns the reference in `apiKey`, if there is one.
    #[must_use]
    pub fn api_key_ref(&self) -> Option<&SecretRef> {
        self.api_key.as_ref()?.reference()
    }

    /// Returns the reason why the reference in `apiKey` does not resolve to a secret; `None` if it does or there is
    /// none.
    #[must_use]
    pub fn api_key_failure(&self) -> Option<ReferenceFailure> {
        self.api_key.as_ref()?.value().err()
    }

    /// Returns every value that may be a reference, with its key below the provider's entry.
    fn values(&self) -> impl Iterator<Item = (String, &ConfiguredSecret)> {
        let key = self.api_key.iter().map(|value| ("apiKey".to_owned(), value));
        let named = |place: &'static str, headers| {
            let headers: &Headers = headers;
            headers.iter().map(move |(name, value)| (format!("{place}.{}", Shown::new(shown_name(name))), value))
        };
        let of_models = self.models.values().flat_map(move |entry| named("models[].headers", &entry.headers));
        key.chain(named("headers", &self.headers))
            .chain(named("request.headers", &self.request.headers))
            .chain(of_models)
            .chain(self.request.auth.iter().map(|auth| (format!("request.auth.{}", auth.key), auth.secret())))
    }

    /// Returns the references with their keys below the provider's entry, and the reason if one does not resolve.
    pub(crate) fn references(&self) -> impl Iterator<Item = (String, &SecretRef, Option<ReferenceFailure>)> {
        self.values().filter_map(|(key, value)| Some((key, value.reference()?, value.value().err())))
    }

    /// Returns the references with their locations.
    pub(super) fn placed_references(&self) -> impl Iterator<Item = (&SecretRef, &Location)> {
        self.values().filter_map(|(_, value)| value.placed_reference())
    }

    pub(super) fn put_in(&mut self, references: &Resolved) {
        let of_models = self.models.values_mut().map(|entry| &mut entry.headers);
        let headers = of_models.chain([&mut self.headers, &mut self.request.headers]).flatten();
        headers.for_each(|(_, value)| value.put_in(references, joined));
        // Lines must not be joined first, because several secrets would look like one.
        self.api_key.iter_mut().for_each(|value| value.put_in(references, Secret::cleaned));
        self.request.auth.iter_mut().for_each(|auth| auth.put_in(references));
    }

    /// Returns `auth`, the kind of authentication.
    #[must_use]
    pub fn auth(&self) -> Option<ProviderAuth> {
        self.auth
    }

    /// Returns `api`; `None` also for an API that this version does not know.
    #[must_use]
    pub fn api(&self) -> Option<ProviderApi> {
        self.api
    }

    /// Returns `authHeader`: `Some(true)` if the key goes into the `authorization` header.
    #[must_use]
    pub fn auth_header(&self) -> Option<bool> {
        self.auth_header
    }

    /// Returns `headers` in the order of the file, with names as written and without validation. Leaves out values that
    /// are references and do not resolve to a secret.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.configured_headers().filter_map(|(name, value)| Some((name, value.ok()?)))
    }

    /// Returns `request.headers`, like [`headers`](Self::headers). They override those of the provider and of the
    /// model.
    pub fn request_headers(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.configured_request_headers().filter_map(|(name, value)| Some((name, value.ok()?)))
    }

    /// Returns `headers` of the entry of `models` with this id, like [`headers`](Self::headers). They override those of
    /// the provider.
    pub fn model_headers(&self, model: &str) -> impl Iterator<Item = (&str, &Secret)> {
        self.configured_model_headers(model).filter_map(|(name, value)| Some((name, value.ok()?)))
    }

    /// Returns `request.allowPrivateNetwork`: `Some(true)` if credentials may be sent over plain HTTP to hosts of a
    /// private network.
    pub(crate) fn allows_private_network(&self) -> Option<bool> {
        self.request.allow_private_network
    }

    pub(super) fn request_auth(&self) -> Option<&RequestAuth> {
        self.request.auth.as_deref()
    }

    /// Returns `true` if `apiKey` is set.
    pub(super) fn has_api_key(&self) -> bool {
        self.api_key.is_some()
    }

    pub(super) fn configured_headers(&self) -> impl Iterator<Item = (&str, Found<'_>)> {
        found(&self.headers)
    }

    pub(super) fn configured_request_headers(&self) -> impl Iterator<Item = (&str, Found<'_>)> {
        found(&self.request.headers)
    }

    pub(super) fn configured_model_headers(&self, model: &str) -> impl Iterator<Item = (&str, Found<'_>)> {
        self.models.get(model).into_iter().flat_map(|entry| found(&entry.headers))
    }

    /// Returns the ids of the entries of `models`, in the order of the file.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        self.models.keys().map(String::as_str)
    }

    /// Returns `baseUrl` of the entry of `models` with this id, as written, which replaces that of the provider.
    #[must_use]
    pub fn model_base_url(&self, model: &str) -> Option<&str> {
        self.models.get(model)?.base_url.as_deref()
    }

    /// Returns `api` of the entry of `models` with this id, which replaces that of the provider; `None` also for an API
    /// that this version does not know.
    pub(crate) fn model_api(&self, model: &str) -> Option<ProviderApi> {
        self.models.get(model)?.api
    }

    /// Returns `compat.supportsLongCacheRetention` of the entry of `models` with this id: `Some(false)` if its server
    /// does not keep prompt prefixes for an hour.
    pub(crate) fn supports_long_cache_retention(&self, model: &str) -> Option<bool> {
        self.models.get(model)?.supports_long_cache_retention
    }

    fn read<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Self {
        let mut provider = Self::default();
        reader.object(node, &keys::PROVIDER, |reader, member| {
            let node = &member.node;
            match member.key.as_ref() {
                "baseUrl" => provider.base_url = reader.word(node),
                "apiKey" => {
                    provider.api_key =
                        ConfiguredSecret::read(reader, node).and_then(|value| value.cleaned(reader, node));
                }
                "auth" => provider.auth = reader.choice(node, AUTHS),
                "api" => provider.api = api(reader, node),
                "authHeader" => provider.auth_header = reader.boolean(node),
                "headers" => provider.headers = headers(reader, node),
                "request" => provider.request = RequestSettings::read(reader, node),
                _ => provider.models = models(reader, node),
            }
        });
        provider
    }
}

impl fmt::Debug for ProviderConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderConfig")
            .field("base_url", &self.base_url.as_deref().map(origin))
            .field("api_key", &self.api_key)
            .field("auth", &self.auth)
            .field("api", &self.api)
            .field("auth_header", &self.auth_header)
            .field("headers", &names(&self.headers))
            .field("request_headers", &names(&self.request.headers))
            .field("request_auth", &self.request.auth.as_ref().map(|auth| &auth.name))
            .field("allow_private_network", &self.request.allow_private_network)
            .field("models", &self.models)
            .finish()
    }
}

impl fmt::Debug for ModelEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelEntry")
            .field("base_url", &self.base_url.as_deref().map(origin))
            .field("api", &self.api)
            .field("headers", &names(&self.headers))
            .field("supports_long_cache_retention", &self.supports_long_cache_retention)
            .finish()
    }
}

fn names(headers: &[(String, ConfiguredSecret)]) -> Vec<&str> {
    headers.iter().map(|(name, _)| shown_name(name)).collect()
}

/// Reads `models`.
pub(super) fn read<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> BySpelling<ProviderId, ProviderConfig> {
    let mut providers = BySpelling::default();
    reader.object(node, &keys::MODELS, |reader, member| {
        providers.reserve(member.node.len());
        reader.entries(&member.node, |reader, member| {
            let (id, provider) = (ProviderId::normalized(&member.key), ProviderConfig::read(reader, &member.node));
            provider.remark_on_key(reader, &id, &member.node);
            if !providers.add(reader.release, id, provider) {
                let message = "an earlier entry is for the same provider and wins";
                reader.warn(DiagnosticCode::Conflict, member.key_at, message);
            }
        });
    });
    providers
}

/// Reads `api`. Newer releases of OpenClaw have more APIs, so an unknown name is not an error.
fn api<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Option<ProviderApi> {
    let text = reader.text(node)?;
    let found = APIS.iter().find(|(spelling, _)| *spelling == text.value).map(|(_, api)| *api);
    if found.is_none() {
        reader.warn(DiagnosticCode::IgnoredSetting, node.at, "this version does not know the API");
    }
    found
}

pub(super) fn headers<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Headers {
    let mut headers = Headers::with_capacity(node.len());
    reader.entries(node, |reader, member| {
        if let Some(value) = ConfiguredSecret::read(reader, &member.node) {
            value.remark_in_header(reader, &member.node, &member.key);
            headers.push((member.key.as_ref().to_owned(), value.taken(joined)));
        }
    });
    headers
}

fn models<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> IndexMap<String, ModelEntry> {
    let mut models = IndexMap::new();
    reader.items(node, |reader, item| {
        let (mut id, mut entry) = (None, ModelEntry::default());
        let mut has_id = !matches!(item.value, Value::Object(_));
        reader.object(item, &keys::PROVIDER_MODEL, |reader, member| {
            let node = &member.node;
            match member.key.as_ref() {
                "baseUrl" => entry.base_url = reader.word(node),
                "api" => entry.api = api(reader, node),
                "headers" => entry.headers = headers(reader, node),
                "compat" => reader.object(node, &keys::COMPAT, |reader, member| {
                    entry.supports_long_cache_retention = reader.boolean(&member.node);
                }),
                _ => {
                    has_id = true;
                    id = reader.word(node);
                }
            }
        });
        if !has_id {
            reader.missing(item, "id");
        }
        if let Some(id) = id {
            models.entry(id).or_insert(entry);
        }
    });
    models
}
