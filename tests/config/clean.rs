//! Valid configurations, of old and new releases, which get no diagnostics.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

use provider_auth::config::{ProfileMode, ProviderApi};
use provider_auth::{AuthProfiles, Config, ProfileId, ProviderId};

use crate::support::options;

/// As OpenClaw 2026.2.9 writes it, with the keys of other concerns.
const FEBRUARY: &str = "{
    meta: { lastTouchedVersion: '2026.2.9', lastTouchedAt: '2026-02-10T00:00:00.000Z' },
    wizard: { lastRunVersion: '2026.2.9' }, tools: { web: {} }, hooks: [], nodes: 1, ui: null,
    channels: { telegram: { botToken: '${NOT_OURS}' } },
    gateway: { auth: { mode: 'token', token: 'x' }, tailscale: { mode: 'off', resetOnExit: false } },
    auth: {
        profiles: { 'anthropic:default': { provider: 'anthropic', mode: 'api_key', email: 'me@example.com' } },
        order: { anthropic: ['anthropic:default'] }, cooldowns: { billingMaxHours: 24 },
    },
    env: { EXAMPLE: 'x', vars: { OTHER: 'y' }, shellEnv: { enabled: true, timeoutMs: 15000 } },
    agents: {
        defaults: {
            workspace: '${ALSO_NOT_OURS}', contextPruning: { mode: 'cache-ttl' }, heartbeat: { every: '1h' }, maxConcurrent: 4,
            model: { primary: 'opus', fallbacks: ['anthropic/claude-sonnet-4-5'], timeoutMs: 5 },
            models: { 'anthropic/claude-opus-4-6': { alias: 'opus', params: { temperature: 1 }, streaming: true } },
        },
        list: [{ id: 'main', name: 'x', default: true, tools: {}, params: { temperature: 0.5, maxTokens: 5 } }],
    },
    models: { mode: 'merge', providers: { x: {
        baseUrl: 'https://x.example', apiKey: 'k', api: 'openai-completions', injectNumCtxForOpenAICompat: true,
        models: [{ id: 'm', name: 'M', reasoning: true, input: ['text'], cost: {}, contextWindow: 1, maxTokens: 1, compat: {} }],
    } } },
}";

/// As OpenClaw 2026.9.6 writes it, with the keys of other concerns.
const SEPTEMBER: &str = "{
    meta: { lastTouchedVersion: '2026.9.6', migrations: { modelPolicyAllowlist: true, utilityModelSeparation: true } },
    plugins: { entries: { anthropic: { enabled: true, config: { sessionCatalog: { enabled: false } } } } },
    gateway: { mode: 'local', auth: { token: { source: 'store', provider: 'default', id: 'TOKEN' } }, port: 1 },
    secrets: { providers: { default: { source: 'env' } } }, talk: { agentId: 'main' }, skills: { entries: {} },
    auth: { profiles: {
        'anthropic:default': { provider: 'anthropic', mode: 'api_key', displayName: 'Me' },
        'amazon-bedrock:default': { provider: 'amazon-bedrock', mode: 'aws-sdk' },
    } },
    env: { vars: { OTHER: 'y' }, shellEnv: { enabled: false } },
    agents: {
        ownership: 'explicit',
        defaults: {
            workspace: '/ws', skipBootstrap: true, systemAgent: { agentId: 'main' }, heartbeat: { agentId: 'main' },
            model: { primary: 'anthropic/claude-opus-5', fallbacks: ['opus'] }, utilityModel: '',
            pdfModel: 'x', authInheritance: { agentId: 'main' }, modelPolicy: { allow: ['opus', 'openai/*'] },
            models: { 'anthropic/claude-opus-5': {}, 'openai/*': { agentRuntime: { id: 'x' }, pickerRuntimes: [], codeMode: {} } },
            params: { cacheRetention: 'long', fastMode: true, serviceTier: 'auto' },
        },
        entries: {
            main: { name: 'main', workspace: '/ws', agentDir: '/a', identity: { name: 'main' } },
            work: { model: 'anthropic/claude-sonnet-5', params: { cacheRetention: 'none' }, models: {}, tools: {} },
        },
    },
    models: { providers: {
        ollama: { api: 'ollama', region: 'x', params: {}, timeoutSeconds: 5, agentRuntime: {}, localService: {} },
        relay: {
            api: 'anthropic-messages', request: { headers: { 'x-a': 'b' }, auth: {}, proxy: {}, tls: {}, allowPrivateNetwork: true },
            models: [{ id: 'm', name: 'M', baseUrl: 'https://x.example', api: 'pi-messages', contextTokens: 1, params: {}, headers: {},
                compat: { supportsLongCacheRetention: false, cacheControlFormat: 'x', supportsPromptCacheKey: true } }],
        },
    } },
}";

#[test]
fn nothing_is_said_of_a_valid_configuration() {
    for text in [FEBRUARY, SEPTEMBER, "{}", "{ meta: 1, agents: { entries: {} } }"] {
        let config = Config::from_json5_str(text, &options()).unwrap();
        assert!(config.diagnostics().is_empty(), "{:?}", config.diagnostics());
        assert!(config.lint(None).is_empty(), "{:?}", config.lint(None));
    }
}

#[test]
fn profiles_of_another_agent_are_stored_and_those_of_amazon_nowhere() {
    let config = Config::from_json5_str(SEPTEMBER, &options()).unwrap();
    let own = AuthProfiles::from_json(
        r#"{"version":1,"profiles":{"anthropic:default":{"type":"api_key","provider":"anthropic","key":"sk-ant-example"}}}"#,
    )
    .unwrap();
    let other = AuthProfiles::new();
    assert_eq!(config.lint([&other, &own]), []);
    assert_eq!(config.lint([&other]).len(), 1);
    let bedrock = config.auth_profile(&ProfileId::new("amazon-bedrock:default").unwrap()).unwrap();
    assert_eq!(bedrock.mode, Some(ProfileMode::AwsSdk));
}

#[test]
fn a_list_of_which_nothing_is_stored_is_repaired_only_by_profiles() {
    let config = Config::from_json5_str(SEPTEMBER, &options()).unwrap();
    let query = provider_auth::Query::new(&ProviderId::anthropic());
    let found = |profiles: &AuthProfiles| {
        let candidates = config.selector().candidates(profiles, &query, provider_auth::Timestamp::from_millis(0));
        candidates.diagnostics().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(found(&AuthProfiles::new()), [""; 0]);
    let other =
        r#"{"version":1,"profiles":{"anthropic:b":{"type":"api_key","provider":"anthropic","key":"sk-ant-example"}}}"#;
    let found = found(&AuthProfiles::from_json(other).unwrap());
    assert!(found[0].contains("(auth.profiles)"), "{found:?}");
}

#[test]
fn every_interface_that_openclaw_knows() {
    for (name, api) in [
        ("anthropic-messages", ProviderApi::AnthropicMessages),
        ("openai-completions", ProviderApi::OpenAiCompletions),
        ("openai-responses", ProviderApi::OpenAiResponses),
        ("openai-chatgpt-responses", ProviderApi::OpenAiChatGptResponses),
        ("azure-openai-responses", ProviderApi::AzureOpenAiResponses),
        ("google-generative-ai", ProviderApi::GoogleGenerativeAi),
        ("google-vertex", ProviderApi::GoogleVertex),
        ("github-copilot", ProviderApi::GitHubCopilot),
        ("bedrock-converse-stream", ProviderApi::BedrockConverseStream),
        ("ollama", ProviderApi::Ollama),
        ("pi-messages", ProviderApi::PiMessages),
    ] {
        let text = format!("{{ models: {{ providers: {{ a: {{ api: '{name}' }} }} }} }}");
        let config = Config::from_json5_str(&text, &options()).unwrap();
        assert_eq!(config.provider(&ProviderId::new("a").unwrap()).unwrap().api(), Some(api), "{name}");
    }
}
