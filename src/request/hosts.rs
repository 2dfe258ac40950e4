//! The kinds of server, one row of data each.
//!
//! Sources: the providers' pages on caching, headers and errors as of 2026-08 and 2026-09.

use super::beta::OAUTH;
use crate::credential::AuthScheme;
use crate::retention::CacheRetention;

/// The kind of server at an endpoint. It decides about paths, headers and prompt caching.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndpointKind {
    /// The Anthropic API, or a gateway that forwards everything to it.
    Anthropic,
    /// Another server that supports the Messages API.
    AnthropicCompatible,
    /// Claude Platform on AWS, `aws-external-anthropic.{region}.api.aws`. Requires the header `anthropic-workspace-id`.
    ClaudePlatformAws,
    /// Bedrock's runtime, `InvokeModel`: the model is in the URL, version and beta flags are in the body.
    BedrockRuntime,
    /// Bedrock's own Messages endpoint, `bedrock-mantle.{region}.api.aws/anthropic`.
    BedrockMessages,
    /// Vertex on Google Cloud: the model is in the URL, the version is in the body.
    Vertex,
    /// Foundry on Azure, `{resource}.services.ai.azure.com/anthropic`.
    Foundry,
    /// OpenRouter's Messages API, for its Claude models.
    OpenRouter,
}

/// The location of the API version in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VersionPlace {
    /// In the header `anthropic-version`.
    Header,
    /// In the field `anthropic_version` of the body, with this value.
    Body(&'static str),
}

/// The header in which a kind of server expects the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UsualHeader {
    /// The header for the kind of credential.
    OfKind,
    /// `x-api-key`.
    ApiKey,
    /// `authorization`.
    Bearer,
}

impl UsualHeader {
    pub(super) fn scheme(self) -> AuthScheme {
        match self {
            Self::OfKind => AuthScheme::Auto,
            Self::ApiKey => AuthScheme::ApiKeyHeader,
            Self::Bearer => AuthScheme::Bearer,
        }
    }
}

/// The properties of a kind of server.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "a row of a table")]
pub(super) struct KindRow {
    /// The path of the Messages API after the base URL; `None` if the model is part of it.
    pub(super) path: Option<&'static str>,
    pub(super) version: VersionPlace,
    /// `true` if beta flags go into the body instead of a header.
    pub(super) betas_in_body: bool,
    /// `true` if it takes the flag for one-hour cache entries, so that [`BetaPolicy::Auto`](super::BetaPolicy::Auto)
    /// sends it.
    pub(super) takes_cache_beta: bool,
    /// The flag that subscription credentials need.
    pub(super) token_beta: Option<&'static str>,
    /// The header for the secret if the caller chose none.
    pub(super) auth: UsualHeader,
    /// The retention for API keys if none is set.
    pub(super) retention: CacheRetention,
    pub(super) one_hour: bool,
    pub(super) automatic: bool,
    pub(super) collapses: bool,
    /// `true` if a caller's marker is an error where only the Anthropic API is known to refuse it.
    pub(super) refuses_misplaced: bool,
}

const ANTHROPIC: KindRow = KindRow {
    path: Some("/v1/messages"),
    version: VersionPlace::Header,
    betas_in_body: false,
    takes_cache_beta: true,
    token_beta: Some(OAUTH),
    auth: UsualHeader::OfKind,
    retention: CacheRetention::Short,
    one_hour: true,
    automatic: true,
    collapses: true,
    refuses_misplaced: true,
};

const COMPATIBLE: KindRow = KindRow {
    takes_cache_beta: false,
    retention: CacheRetention::None,
    collapses: false,
    refuses_misplaced: false,
    ..ANTHROPIC
};

const CLAUDE_PLATFORM_AWS: KindRow = KindRow { token_beta: None, auth: UsualHeader::ApiKey, ..COMPATIBLE };

const BEDROCK_RUNTIME: KindRow = KindRow {
    path: None,
    version: VersionPlace::Body("bedrock-2023-05-31"),
    betas_in_body: true,
    token_beta: None,
    auth: UsualHeader::Bearer,
    automatic: false,
    ..COMPATIBLE
};

const BEDROCK_MESSAGES: KindRow = KindRow { token_beta: None, auth: UsualHeader::ApiKey, ..COMPATIBLE };

const VERTEX: KindRow = KindRow {
    path: None,
    version: VersionPlace::Body("vertex-2023-10-16"),
    token_beta: None,
    auth: UsualHeader::Bearer,
    ..COMPATIBLE
};

const FOUNDRY: KindRow = KindRow { token_beta: None, ..COMPATIBLE };

const OPEN_ROUTER: KindRow = KindRow { token_beta: None, auth: UsualHeader::Bearer, ..COMPATIBLE };

impl EndpointKind {
    /// Returns every kind that this version knows.
    pub fn all() -> impl Iterator<Item = Self> {
        [
            Self::Anthropic,
            Self::AnthropicCompatible,
            Self::ClaudePlatformAws,
            Self::BedrockRuntime,
            Self::BedrockMessages,
            Self::Vertex,
            Self::Foundry,
            Self::OpenRouter,
        ]
        .into_iter()
    }

    pub(super) fn row(self) -> &'static KindRow {
        match self {
            Self::Anthropic => &ANTHROPIC,
            Self::AnthropicCompatible => &COMPATIBLE,
            Self::ClaudePlatformAws => &CLAUDE_PLATFORM_AWS,
            Self::BedrockRuntime => &BEDROCK_RUNTIME,
            Self::BedrockMessages => &BEDROCK_MESSAGES,
            Self::Vertex => &VERTEX,
            Self::Foundry => &FOUNDRY,
            Self::OpenRouter => &OPEN_ROUTER,
        }
    }

    /// Returns `true` if `cache_control` markers may ask for one hour. Older models on Bedrock refuse `ttl` all the
    /// same.
    #[must_use]
    pub fn has_one_hour(self) -> bool {
        self.row().one_hour
    }

    /// Returns `true` if the server takes a top-level marker (automatic caching). Bedrock's runtime answers it with
    /// 400.
    #[must_use]
    pub fn has_automatic(self) -> bool {
        self.row().automatic
    }

    /// Returns `true` if neighbouring tool blocks count as one position when the server looks back for a cache entry.
    #[must_use]
    pub fn collapses_tool_runs(self) -> bool {
        self.row().collapses
    }

    /// Returns the value of `anthropic_version` in the body, or `None` if the version goes into a header.
    #[must_use]
    pub fn body_version(self) -> Option<&'static str> {
        match self.row().version {
            VersionPlace::Header => None,
            VersionPlace::Body(version) => Some(version),
        }
    }

    /// Returns `true` if beta flags go into the body, as `anthropic_beta`, instead of a header.
    #[must_use]
    pub fn betas_in_body(self) -> bool {
        self.row().betas_in_body
    }
}
