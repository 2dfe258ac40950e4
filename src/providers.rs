//! The table of known providers: their names, environment variables, key formats, headers and base URLs.
//!
//! A provider without a row works too, but nothing is known about its variables and keys. Names and prices of models
//! and the wordings of errors are not in this table.
//!
//! Sources: the providers' API references as of 2026-09 for headers and base URLs, and OpenClaw's page on Qianfan as of
//! 2026-11 for that one; OpenClaw 2026.2.9 for spellings and variables. There is no default base URL where it would be
//! a guess: if one name covers several APIs, regions or plans (`MiniMax`, Qwen, Kimi, Xiaomi, Synthetic, `OpenCode`),
//! if a login has to be exchanged for a token first (GitHub Copilot), or if the user runs the server (`LiteLLM`,
//! `vLLM`). Ollama has its documented address on the local machine.

use std::sync::LazyLock;

/// The prefix of tokens from `claude setup-token` and Anthropic's logins, before a version of two digits and a dash.
pub(crate) const SETUP_TOKEN_PREFIX: &str = "sk-ant-oat";

/// A row of the table of known providers.
///
/// # Examples
///
/// ```
/// use provider_auth::providers::Provider;
///
/// let zai = Provider::find("Z.ai").expect("a row of the table");
/// assert_eq!(zai.id(), "zai");
/// assert_eq!(zai.variables(), ["ZAI_API_KEY", "Z_AI_API_KEY"]);
/// assert_eq!(zai.auth_header(), Some("authorization"));
/// ```
#[derive(Debug)]
pub struct Provider {
    id: &'static str,
    aliases: &'static [&'static str],
    variables: &'static [&'static str],
    pub(crate) secrets: &'static [SecretShape],
    auth_header: Option<&'static str>,
    base_url: Option<&'static str>,
    pub(crate) dialect: Dialect,
    pub(crate) key_terms: Terms,
    pub(crate) subscription_terms: Terms,
}

/// The prefix of a secret and its use. The first matching prefix counts.
pub(crate) type SecretShape = (&'static str, SecretUse);

/// The use of a recognised secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretUse {
    /// An API key.
    ApiKey,
    /// A static bearer token.
    Token,
    /// Something that cannot authenticate a request; the text describes it.
    Other(&'static str),
}

/// The wordings that a provider uses in its errors. Most rules apply to all of them, because proxies pass errors on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// No wordings of its own.
    Common,
    Anthropic,
    OpenRouter,
    /// Alibaba's Model Studio, which reports throttling as an insufficient quota.
    Qwen,
    /// Z.ai and `BigModel`, which have numeric codes.
    Zhipu,
    /// Numeric codes with other meanings.
    MiniMax,
    /// Numeric codes with other meanings.
    Cloudflare,
    /// Any of them, because it is not known who answered.
    Any,
}

impl Dialect {
    /// Returns `true` if a rule of this dialect applies to an answer in another one.
    pub(crate) fn covers(self, answer: Self) -> bool {
        self == Self::Common || self == answer || answer == Self::Any
    }
}

/// A provider's terms for the use of a kind of credential in third-party programs, as far as they are known.
///
/// Show [`text`](Self::text) before you ask a user for the secret. It is a notice, not legal advice, and terms change:
/// [`as_of`](Self::as_of) is its date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Terms {
    /// `Some(true)` if the terms allow it, `Some(false)` if they rule it out, `None` if this is not known.
    pub allowed: Option<bool>,
    /// The notice for the user.
    pub text: &'static str,
    /// The date of the newest source, as `YYYY-MM-DD`.
    pub as_of: Option<&'static str>,
    /// The URL of the provider's statement.
    pub source: Option<&'static str>,
}

impl std::fmt::Display for Terms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text)
    }
}

pub(crate) const UNKNOWN_TERMS: Terms = Terms {
    allowed: None,
    text: "Check this provider's terms before you use the credential in a program other than the provider's own.",
    as_of: None,
    source: None,
};

impl Provider {
    const fn new(id: &'static str, variables: &'static [&'static str]) -> Self {
        Self {
            id,
            aliases: &[],
            variables,
            secrets: &[],
            auth_header: None,
            base_url: None,
            dialect: Dialect::Common,
            key_terms: UNKNOWN_TERMS,
            subscription_terms: UNKNOWN_TERMS,
        }
    }

    /// Sets the base URL of a public API, which takes keys as bearer tokens unless [`header`](Self::header) follows.
    const fn at(mut self, base_url: &'static str) -> Self {
        self.base_url = Some(base_url);
        self.auth_header = Some("authorization");
        self
    }

    const fn alias(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    const fn dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    const fn header(mut self, name: &'static str) -> Self {
        self.auth_header = Some(name);
        self
    }

    const fn secrets(mut self, shapes: &'static [SecretShape]) -> Self {
        self.secrets = shapes;
        self
    }

    /// Returns every provider of the table, ordered by id.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        TABLE.iter()
    }

    /// Finds a provider by its id or one of its aliases, ignoring case and surrounding white space.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        Self::named(&name.trim().to_lowercase())
    }

    /// Finds a provider by its id or one of its aliases, trimmed and in lower case.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        // By length, because a configuration or a store looks up the name of each of its entries.
        static NAMES: LazyLock<Vec<Vec<(&str, &Provider)>>> = LazyLock::new(|| {
            let names = |provider: &'static Provider| std::iter::once(&provider.id).chain(provider.aliases);
            let names = TABLE.iter().flat_map(|provider| names(provider).map(move |name| (*name, provider)));
            let mut by_length: Vec<Vec<_>> = Vec::new();
            for (name, provider) in names {
                by_length.resize_with(by_length.len().max(name.len() + 1), Vec::new);
                by_length.get_mut(name.len()).into_iter().for_each(|names| names.push((name, provider)));
            }
            by_length
        });
        NAMES.get(name.len())?.iter().find(|(known, _)| *known == name).map(|(_, provider)| *provider)
    }

    /// Returns the provider's id, as in [`ProviderId`](crate::ProviderId).
    #[must_use]
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// Returns the other spellings of the id.
    #[must_use]
    pub fn aliases(&self) -> &'static [&'static str] {
        self.aliases
    }

    /// Returns the environment variables that may hold a credential, in order of preference. Providers that need signed
    /// requests (Amazon Bedrock) or their own login tool (Vertex) have none.
    #[must_use]
    pub fn variables(&self) -> &'static [&'static str] {
        self.variables
    }

    /// Returns the name of the header that carries an API key, or `None` if it is not known. In `authorization` the key
    /// follows `Bearer`.
    #[must_use]
    pub fn auth_header(&self) -> Option<&'static str> {
        self.auth_header
    }

    /// Returns the base URL of the public API, without a trailing slash; `None` if every customer has a separate URL,
    /// or none is known. [`Config::base_url`](crate::Config::base_url) prefers the user's own.
    ///
    /// Append a path of the provider's API: `/chat/completions` for those that follow `OpenAI`, `/v1/messages` for
    /// Anthropic, `/v1beta/models/MODEL:generateContent` for Google.
    #[must_use]
    pub fn base_url(&self) -> Option<&'static str> {
        self.base_url
    }
}

/// Recognises a secret by its prefix: returns its provider and its use.
pub(crate) fn recognise(secret: &str) -> Option<(&'static Provider, SecretUse)> {
    static PREFIXES: LazyLock<Vec<(&Provider, SecretShape)>> = LazyLock::new(|| {
        TABLE.iter().flat_map(|provider| provider.secrets.iter().map(move |shape| (provider, *shape))).collect()
    });
    let first = secret.as_bytes().first();
    let is_like = |prefix: &str| prefix.as_bytes().first() == first && secret.starts_with(prefix);
    let found = PREFIXES.iter().find(|(_, (prefix, _))| is_like(prefix));
    found.map(|(provider, (_, how))| (*provider, *how))
}

const ANTHROPIC_SECRETS: &[SecretShape] = &[
    (SETUP_TOKEN_PREFIX, SecretUse::Token),
    ("sk-ant-ort", SecretUse::Other("a refresh token, which only its own application can use")),
    ("sk-ant-sid", SecretUse::Other("the session of a browser, which nothing else may use")),
    ("sk-ant-admin", SecretUse::Other("an admin key, which cannot send messages")),
    ("sk-ant-api01-", SecretUse::Other("an admin key, which cannot send messages")),
    ("sk-ant-api", SecretUse::ApiKey),
    ("fdrl_", SecretUse::Other("the id of a federation rule, not a secret")),
    ("svac_", SecretUse::Other("the id of a service account, not a secret")),
    ("wrkspc_", SecretUse::Other("the id of a workspace, not a secret")),
];

const LEGAL: Option<&str> = Some("https://code.claude.com/docs/en/legal-and-compliance");

const ANTHROPIC_KEY_TERMS: Terms = Terms {
    allowed: Some(true),
    text: "An API key from the Anthropic Console is the supported way to use Claude in your own programs; its use is \
           billed by tokens.",
    as_of: Some("2026-08-22"),
    source: LEGAL,
};

const ANTHROPIC_SUBSCRIPTION_TERMS: Terms = Terms {
    allowed: Some(false),
    text: "A setup-token or a subscription login is meant for Claude Code and Anthropic's own applications. Anthropic's \
           terms do not allow it in other programs, and the API may refuse it or bill it as extra usage. The supported \
           way is an API key from the Anthropic Console.",
    as_of: Some("2026-08-22"),
    source: LEGAL,
};

const ANTHROPIC: Provider = Provider {
    key_terms: ANTHROPIC_KEY_TERMS,
    subscription_terms: ANTHROPIC_SUBSCRIPTION_TERMS,
    ..Provider::new("anthropic", &["ANTHROPIC_OAUTH_TOKEN", "ANTHROPIC_API_KEY"])
        .at("https://api.anthropic.com")
        .header("x-api-key")
        .secrets(ANTHROPIC_SECRETS)
        .dialect(Dialect::Anthropic)
};

#[rustfmt::skip]
static TABLE: &[Provider] = &[
    Provider::new("alibaba", &[]).dialect(Dialect::Qwen),
    Provider::new("amazon-bedrock", &[]).alias(&["aws-bedrock", "bedrock"]),
    ANTHROPIC,
    Provider::new("cerebras", &["CEREBRAS_API_KEY"]).at("https://api.cerebras.ai/v1"),
    Provider::new("chutes", &["CHUTES_OAUTH_TOKEN", "CHUTES_API_KEY"]).at("https://llm.chutes.ai/v1"),
    Provider::new("claude", &[]).dialect(Dialect::Anthropic),
    Provider::new("cloudflare", &[]).alias(&["workers-ai"]).dialect(Dialect::Cloudflare),
    Provider::new("cloudflare-ai-gateway", &["CLOUDFLARE_AI_GATEWAY_API_KEY"]).dialect(Dialect::Cloudflare),
    Provider::new("dashscope", &[]).dialect(Dialect::Qwen),
    Provider::new("deepgram", &["DEEPGRAM_API_KEY"]),
    Provider::new("deepseek", &[]).at("https://api.deepseek.com"),
    Provider::new("github-copilot", &["COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"]),
    Provider::new("google", &["GEMINI_API_KEY", "GOOGLE_API_KEY"]).at("https://generativelanguage.googleapis.com").header("x-goog-api-key").secrets(&[("AIza", SecretUse::ApiKey)]),
    Provider::new("google-vertex", &["GOOGLE_CLOUD_API_KEY"]),
    Provider::new("groq", &["GROQ_API_KEY"]).at("https://api.groq.com/openai/v1").secrets(&[("gsk_", SecretUse::ApiKey)]),
    Provider::new("huggingface", &["HUGGINGFACE_HUB_TOKEN", "HF_TOKEN"]).at("https://router.huggingface.co/v1").secrets(&[("hf_", SecretUse::ApiKey)]),
    Provider::new("kilocode", &[]).dialect(Dialect::OpenRouter),
    Provider::new("kimi", &["KIMI_API_KEY", "KIMICODE_API_KEY"]).alias(&["kimi-code", "kimi-coding"]),
    Provider::new("litellm", &["LITELLM_API_KEY"]),
    Provider::new("minimax", &["MINIMAX_API_KEY"]).dialect(Dialect::MiniMax),
    Provider::new("minimax-portal", &["MINIMAX_OAUTH_TOKEN", "MINIMAX_API_KEY"]).dialect(Dialect::MiniMax),
    Provider::new("mistral", &["MISTRAL_API_KEY"]).at("https://api.mistral.ai/v1"),
    Provider::new("moonshot", &["MOONSHOT_API_KEY"]).at("https://api.moonshot.ai/v1"),
    Provider::new("nvidia", &["NVIDIA_API_KEY"]).at("https://integrate.api.nvidia.com/v1").secrets(&[("nvapi-", SecretUse::ApiKey)]),
    Provider::new("ollama", &["OLLAMA_API_KEY"]).at("http://127.0.0.1:11434/v1"),
    Provider::new("openai", &["OPENAI_API_KEY"]).at("https://api.openai.com/v1").secrets(&[("sk-proj-", SecretUse::ApiKey), ("sk-svcacct-", SecretUse::ApiKey)]),
    Provider::new("opencode", &["OPENCODE_API_KEY", "OPENCODE_ZEN_API_KEY"]).alias(&["opencode-zen"]),
    Provider::new("opencode-go", &[]).alias(&["opencode-go-auth"]),
    Provider::new("openrouter", &["OPENROUTER_API_KEY"]).at("https://openrouter.ai/api/v1").secrets(&[("sk-or-v1-", SecretUse::ApiKey)]).dialect(Dialect::OpenRouter),
    Provider::new("qianfan", &["QIANFAN_API_KEY"]).at("https://qianfan.baidubce.com/v2"),
    Provider::new("qwen", &[]).alias(&["modelstudio", "qwencloud"]).dialect(Dialect::Qwen),
    Provider::new("qwen-portal", &["QWEN_OAUTH_TOKEN", "QWEN_PORTAL_API_KEY"]),
    Provider::new("synthetic", &["SYNTHETIC_API_KEY"]),
    Provider::new("together", &["TOGETHER_API_KEY"]).at("https://api.together.xyz/v1"),
    Provider::new("venice", &["VENICE_API_KEY"]).at("https://api.venice.ai/api/v1"),
    Provider::new("vercel-ai-gateway", &["AI_GATEWAY_API_KEY"]).at("https://ai-gateway.vercel.sh/v1"),
    Provider::new("vllm", &["VLLM_API_KEY"]),
    Provider::new("volcengine", &[]).alias(&["bytedance", "doubao"]),
    Provider::new("voyage", &["VOYAGE_API_KEY"]).at("https://api.voyageai.com/v1"),
    Provider::new("xai", &["XAI_API_KEY"]).at("https://api.x.ai/v1").secrets(&[("xai-", SecretUse::ApiKey)]),
    Provider::new("xiaomi", &["XIAOMI_API_KEY"]),
    Provider::new("zai", &["ZAI_API_KEY", "Z_AI_API_KEY"]).alias(&["z-ai", "z.ai"]).at("https://api.z.ai/api/paas/v4").dialect(Dialect::Zhipu),
    Provider::new("zhipu", &[]).alias(&["bigmodel", "zhipuai"]).dialect(Dialect::Zhipu),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_and_no_name_is_given_twice() {
        assert!(TABLE.is_sorted_by(|a, b| a.id < b.id));
        let names: Vec<&str> = TABLE.iter().flat_map(|row| row.aliases.iter().chain([&row.id])).copied().collect();
        let lower = names.iter().all(|name| *name == name.trim().to_lowercase());
        let unique: std::collections::HashSet<&str> = names.iter().copied().collect();
        assert!(lower && unique.len() == names.len(), "{names:?}");
    }

    #[test]
    fn no_shape_hides_another() {
        let shapes: Vec<&str> = TABLE.iter().flat_map(|row| row.secrets).map(|(prefix, _)| *prefix).collect();
        for (index, later) in shapes.iter().enumerate() {
            let hidden = shapes.iter().take(index).find(|earlier| later.starts_with(**earlier));
            assert_eq!(hidden, None, "{later} can never be recognised");
        }
    }
}
