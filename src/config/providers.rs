//! `models.providers`: endpoints and what goes to them.

use std::fmt;

use indexmap::IndexMap;

use crate::config::configured_secret::ConfiguredSecret;
use crate::config::reader::{Reader, Shape};
use crate::credential::{ReferenceFailure, Resolved, SecretRef};
use crate::error::DiagnosticCode;
use crate::id::{ProviderId, shown_name};
use crate::net::origin;
use crate::secret::Secret;
use crate::syntax::{Node, Value};

const MODELS: Shape = Shape { owned: &["providers"], foreign: &[], closed: false };
const PROVIDER: Shape = Shape {
    owned: &["baseUrl", "apiKey", "auth", "api", "authHeader", "headers", "models"],
    foreign: &[],
    closed: true,
};
const MODEL: Shape = Shape {
    owned: &["id", "headers"],
    foreign: &["name", "api", "reasoning", "input", "cost", "contextWindow", "contextTokens", "maxTokens", "compat"],
    closed: true,
};

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
];

/// How a provider authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProviderAuth {
    /// `api-key`
    ApiKey,
    /// `aws-sdk`
    AwsSdk,
    /// `oauth`
    OAuth,
    /// `token`
    Token,
}

/// Which interface an endpoint supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProviderApi {
    /// `anthropic-messages`, the one this crate builds requests for.
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
}

/// One entry of `models.providers`. `Debug` shows neither secrets nor more of the URL than its scheme and host.
#[derive(Clone, Default)]
pub struct ProviderConfig {
    base_url: Option<String>,
    api_key: Option<ConfiguredSecret>,
    auth: Option<ProviderAuth>,
    api: Option<ProviderApi>,
    auth_header: Option<bool>,
    headers: Headers,
    models: IndexMap<String, Headers>,
}

/// Header names as written, and their values.
type Headers = IndexMap<String, ConfiguredSecret>;

impl ProviderConfig {
    /// `baseUrl` as it is written, not checked to be a URL.
    #[must_use]
    pub fn base_url(&self) -> Option<&str> {
        self.base_url.as_deref()
    }

    /// `apiKey`, without line breaks and white space around it. Where it is a reference: what that leads to, if
    /// [`Config::with_references`](crate::Config::with_references) said so.
    #[must_use]
    pub fn api_key(&self) -> Option<&Secret> {
        self.api_key.as_ref()?.value().ok()
    }

    /// The reference that stands in the place of `apiKey`, if there is one.
    #[must_use]
    pub fn api_key_ref(&self) -> Option<&SecretRef> {
        self.api_key.as_ref()?.reference()
    }

    /// Why the reference in the place of `apiKey` leads to no secret, if it does not.
    #[must_use]
    pub fn api_key_failure(&self) -> Option<ReferenceFailure> {
        self.api_key.as_ref()?.value().err()
    }

    /// Every value that may be a reference, with its key under the provider's entry.
    fn values(&self) -> impl Iterator<Item = (String, &ConfiguredSecret)> {
        let key = self.api_key.iter().map(|value| ("apiKey".to_owned(), value));
        let headers = self.headers.iter().map(|(name, value)| (format!("headers.{}", shown_name(name)), value));
        let of_models = self
            .models
            .values()
            .flatten()
            .map(|(name, value)| (format!("models[].headers.{}", shown_name(name)), value));
        key.chain(headers).chain(of_models)
    }

    /// The references, with their keys under the provider's entry and why they lead to no secret, if they do not.
    pub(crate) fn references(&self) -> impl Iterator<Item = (String, &SecretRef, Option<ReferenceFailure>)> {
        self.values().filter_map(|(key, value)| Some((key, value.reference()?, value.value().err())))
    }

    pub(super) fn put_in(&mut self, references: &Resolved) {
        let headers =
            self.headers.values_mut().chain(self.models.values_mut().flat_map(|headers| headers.values_mut()));
        self.api_key.iter_mut().chain(headers).for_each(|value| value.put_in(references));
    }

    /// `auth`
    #[must_use]
    pub fn auth(&self) -> Option<ProviderAuth> {
        self.auth
    }

    /// `api`; also `None` for an interface this version does not know.
    #[must_use]
    pub fn api(&self) -> Option<ProviderApi> {
        self.api
    }

    /// `authHeader`: whether the key goes into the `authorization` header.
    #[must_use]
    pub fn auth_header(&self) -> Option<bool> {
        self.auth_header
    }

    /// `headers`, in the order of the file: names as written and values, none of them checked to be valid in HTTP. Those whose
    /// value is a reference that leads to no secret are left out.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.configured_headers().filter_map(|(name, value)| Some((name, value.ok()?)))
    }

    /// `headers` of the entry of `models` with this id, as [`headers`](Self::headers). They come over the provider's own.
    pub fn model_headers(&self, model: &str) -> impl Iterator<Item = (&str, &Secret)> {
        self.configured_model_headers(model).filter_map(|(name, value)| Some((name, value.ok()?)))
    }

    pub(super) fn configured_headers(&self) -> impl Iterator<Item = (&str, Result<&Secret, ReferenceFailure>)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.value()))
    }

    pub(super) fn configured_model_headers(
        &self,
        model: &str,
    ) -> impl Iterator<Item = (&str, Result<&Secret, ReferenceFailure>)> {
        self.models.get(model).into_iter().flatten().map(|(name, value)| (name.as_str(), value.value()))
    }

    fn read<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Self {
        let mut provider = Self::default();
        reader.object(node, &PROVIDER, |reader, member| {
            let node = &member.node;
            match member.key.as_ref() {
                "baseUrl" => provider.base_url = reader.word(node),
                "apiKey" => provider.api_key = ConfiguredSecret::read(reader, node).map(ConfiguredSecret::cleaned),
                "auth" => provider.auth = reader.choice(node, AUTHS),
                "api" => provider.api = api(reader, node),
                "authHeader" => provider.auth_header = reader.boolean(node),
                "headers" => provider.headers = headers(reader, node),
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
            .field("models", &self.models.iter().map(|(model, headers)| (model, names(headers))).collect::<Vec<_>>())
            .finish()
    }
}

fn names(headers: &Headers) -> Vec<&str> {
    headers.keys().map(|name| shown_name(name)).collect()
}

/// Reads `models`.
pub(super) fn read<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> IndexMap<ProviderId, ProviderConfig> {
    let mut providers = IndexMap::new();
    reader.object(node, &MODELS, |reader, member| {
        reader.entries(&member.node, |reader, member| {
            let provider = ProviderConfig::read(reader, &member.node);
            match providers.entry(ProviderId::normalized(&member.key)) {
                indexmap::map::Entry::Vacant(entry) => {
                    entry.insert(provider);
                }
                indexmap::map::Entry::Occupied(_) => {
                    let message = "an entry further up is for the same provider and wins";
                    reader.warn(DiagnosticCode::Conflict, member.key_at, message);
                }
            }
        });
    });
    providers
}

/// Newer versions of OpenClaw know more interfaces, so a name that is not known here is no mistake.
fn api<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Option<ProviderApi> {
    let text = reader.text(node)?;
    let found = APIS.iter().find(|(spelling, _)| *spelling == text.value).map(|(_, api)| *api);
    if found.is_none() {
        reader.warn(DiagnosticCode::IgnoredSetting, node.at, "the interface is not one this version knows");
    }
    found
}

fn headers<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Headers {
    let mut headers = Headers::new();
    reader.entries(node, |reader, member| {
        if let Some(value) = ConfiguredSecret::read(reader, &member.node) {
            headers.insert(member.key.as_ref().to_owned(), value);
        }
    });
    headers
}

fn models<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> IndexMap<String, Headers> {
    let mut models = IndexMap::new();
    reader.items(node, |reader, item| {
        let (mut id, mut own) = (None, Headers::new());
        let mut has_id = !matches!(item.value, Value::Object(_));
        reader.object(item, &MODEL, |reader, member| {
            if member.key == "headers" {
                own = headers(reader, &member.node);
            } else {
                has_id = true;
                id = reader.word(&member.node);
            }
        });
        if !has_id {
            reader.missing(item, "id");
        }
        if let Some(id) = id {
            models.entry(id).or_insert(own);
        }
    });
    models
}
