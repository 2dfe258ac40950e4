//! Variables: those of providers, those in the `env` block, and those named in text.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails here fails the test")]

use std::collections::HashMap;

use provider_auth::credential::{CredentialSource, EnvOrigin, InlineCredential};
use provider_auth::error::DiagnosticCode;
use provider_auth::{Config, CredentialKind, Environment, ErrorKind, ProviderId, ReadOptions};

use crate::support::options;

fn environment(variables: &[(&str, &str)]) -> Environment {
    let variables: HashMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Environment::from_fn(move |name| variables.get(name).cloned())
}

fn read(text: &str, process: &[(&str, &str)]) -> Config {
    Config::from_json5_str(text, &ReadOptions::new().environment(environment(process))).unwrap()
}

fn place(found: &InlineCredential) -> (&'static str, EnvOrigin) {
    match found.source {
        CredentialSource::Environment { variable, origin, .. } => (variable, origin),
        _ => unreachable!("{found:?}"),
    }
}

#[test]
fn a_variable_is_a_credential_where_the_release_reads_it() {
    for (name, variable, february, september) in [
        ("google", "GOOGLE_API_KEY", false, true),
        ("google", "GEMINI_API_KEY", true, true),
        ("google-vertex", "GOOGLE_CLOUD_API_KEY", false, true),
        ("github-copilot", "GH_TOKEN", true, false),
        ("github-copilot", "GITHUB_TOKEN", true, false),
        ("github-copilot", "COPILOT_GITHUB_TOKEN", true, true),
    ] {
        let provider = ProviderId::new(name).unwrap();
        for (release, counts) in [("2026.2.9", february), ("2026.7.1", february), ("2026.9.6", september)] {
            let text = format!("{{ meta: {{ lastTouchedVersion: '{release}' }} }}");
            let config = read(&text, &[(variable, "made-up")]);
            assert_eq!(config.inline_credential(&provider).is_some(), counts, "{variable} in {release}");
            // It is a variable like any other all the same.
            assert!(config.environment().get(variable).is_some());
        }
        // Without a file no release is known.
        assert!(environment(&[(variable, "made-up")]).credential(&provider).is_some());
    }
}

#[test]
fn a_providers_variables_in_their_order() {
    use CredentialKind::{ApiKey, Token};
    /// The provider, its environment, and the variable, value and kind that are found.
    type Case =
        (&'static str, &'static [(&'static str, &'static str)], Option<(&'static str, &'static str, CredentialKind)>);
    let cases: &[Case] = &[
        (
            "anthropic",
            &[("ANTHROPIC_OAUTH_TOKEN", "t"), ("ANTHROPIC_API_KEY", "k")],
            Some(("ANTHROPIC_OAUTH_TOKEN", "t", Token)),
        ),
        (
            "anthropic",
            &[("ANTHROPIC_OAUTH_TOKEN", "   "), ("ANTHROPIC_API_KEY", " k ")],
            Some(("ANTHROPIC_API_KEY", "k", ApiKey)),
        ),
        (
            "anthropic",
            &[("ANTHROPIC_API_KEY", "sk-ant-oat01-x\n")],
            Some(("ANTHROPIC_API_KEY", "sk-ant-oat01-x", Token)),
        ),
        ("anthropic", &[("ANTHROPIC_API_KEY", "")], None),
        ("Anthropic", &[("OPENAI_API_KEY", "k")], None),
        ("zai", &[("Z_AI_API_KEY", "k")], Some(("Z_AI_API_KEY", "k", ApiKey))),
        ("z.ai", &[("ZAI_API_KEY", "a"), ("Z_AI_API_KEY", "b")], Some(("ZAI_API_KEY", "a", ApiKey))),
        ("vercel-ai-gateway", &[("AI_GATEWAY_API_KEY", "k")], Some(("AI_GATEWAY_API_KEY", "k", ApiKey))),
        ("github-copilot", &[("GITHUB_TOKEN", "c"), ("GH_TOKEN", "b")], Some(("GH_TOKEN", "b", ApiKey))),
        ("chutes", &[("CHUTES_API_KEY", "k"), ("CHUTES_OAUTH_TOKEN", "o")], Some(("CHUTES_OAUTH_TOKEN", "o", Token))),
        ("kimi-coding", &[("KIMICODE_API_KEY", "b")], Some(("KIMICODE_API_KEY", "b", ApiKey))),
        ("huggingface", &[("HF_TOKEN", "h")], Some(("HF_TOKEN", "h", ApiKey))),
        ("google", &[("GEMINI_API_KEY", "k")], Some(("GEMINI_API_KEY", "k", ApiKey))),
        ("google", &[("GOOGLE_API_KEY", "g")], Some(("GOOGLE_API_KEY", "g", ApiKey))),
        ("google", &[("GOOGLE_API_KEY", "g"), ("GEMINI_API_KEY", "k")], Some(("GEMINI_API_KEY", "k", ApiKey))),
        ("google-vertex", &[("GOOGLE_CLOUD_API_KEY", "v")], Some(("GOOGLE_CLOUD_API_KEY", "v", ApiKey))),
        ("openai", &[("OPENAI_API_KEYS", "a,b"), ("OPENAI_API_KEY_1", "c"), ("OPENCLAW_LIVE_OPENAI_KEY", "d")], None),
        ("nobody", &[("NOBODY_API_KEY", "k")], None),
    ];
    for (provider, variables, expected) in cases {
        let found = environment(variables).credential(&ProviderId::new(provider).unwrap());
        let seen =
            found.as_ref().map(|found| (place(found).0, found.credential.secret().expose(), found.credential.kind()));
        assert_eq!(seen, *expected, "{provider} {variables:?}");
    }
    for provider in [
        "openai",
        "groq",
        "deepgram",
        "cerebras",
        "xai",
        "openrouter",
        "moonshot",
        "minimax",
        "synthetic",
        "venice",
        "mistral",
        "voyage",
        "litellm",
        "cloudflare-ai-gateway",
        "nvidia",
        "xiaomi",
        "together",
        "qianfan",
        "ollama",
        "vllm",
    ] {
        let name = format!("{}_API_KEY", provider.to_uppercase().replace('-', "_"));
        let found = environment(&[(&name, "k")]).credential(&ProviderId::new(provider).unwrap());
        assert_eq!(found.as_ref().map(|found| place(found).0), Some(name.as_str()));
    }
}

#[test]
fn the_process_comes_before_the_block_and_flat_names_before_vars() {
    let text = "{ env: { A: 'flat', B: 'flat', vars: { A: 'vars', B: 'vars', C: 'vars', D: ' ' }, D: '', E: 'flat' } }";
    let config = read(text, &[("A", "process"), ("C", ""), ("E", " \t")]);
    let get = |name: &str| {
        let environment = config.environment();
        environment.get(name).map(|value| (value.expose().to_owned(), environment.origin(name).unwrap()))
    };
    assert_eq!(get("A"), Some(("process".into(), EnvOrigin::Process)));
    assert_eq!(get("B"), Some(("flat".into(), EnvOrigin::ConfigBlock)));
    assert_eq!(get("C"), Some(("vars".into(), EnvOrigin::ConfigBlock)));
    assert_eq!(get("D"), None);
    assert_eq!(get("E"), Some(("flat".into(), EnvOrigin::ConfigBlock)));
    assert_eq!(get("F"), None);
}

#[test]
fn an_env_file_stands_between_the_process_and_the_block() {
    let process = Environment::from_fn(|name| match name {
        "A" => Some("process".to_owned()),
        "B" => Some(String::new()),
        _ => None,
    });
    let options = ReadOptions::new().environment(process.with_dotenv("A=file\nB=file\nC=\nOPENAI_API_KEY=key"));
    let text = "{ env: { A: 'block', B: 'block', C: 'block' },
        models: { providers: { relay: { baseUrl: 'https://example.com', apiKey: '${B}', models: [] } } } }";
    let config = Config::from_json5_str(text, &options).unwrap();
    let get = |name: &str| {
        let environment = config.environment();
        environment.get(name).map(|value| (value.expose().to_owned(), environment.origin(name).unwrap()))
    };
    assert_eq!(get("A"), Some(("process".into(), EnvOrigin::Process)));
    assert_eq!(get("B"), Some(("file".into(), EnvOrigin::File)));
    assert_eq!(get("C"), Some(("block".into(), EnvOrigin::ConfigBlock)));
    let relay = config.provider(&ProviderId::new("relay").unwrap()).unwrap();
    assert_eq!(relay.api_key().unwrap().expose(), "file");
    let found = config.environment().credential(&ProviderId::new("openai").unwrap()).unwrap();
    assert_eq!((found.credential.secret().expose(), place(&found).1), ("key", EnvOrigin::File));
    assert!(!format!("{:?}", config.environment()).contains("key\""));
}

#[test]
fn the_block_gives_a_credential_and_says_so() {
    let config = read("{ env: { vars: { ANTHROPIC_API_KEY: 'block' } } }", &[("ANTHROPIC_OAUTH_TOKEN", " ")]);
    let found = config.environment().credential(&ProviderId::anthropic()).unwrap();
    assert_eq!((found.credential.secret().expose(), place(&found).1), ("block", EnvOrigin::ConfigBlock));
}

#[test]
fn names_that_steer_programs_are_refused() {
    for name in [
        "PATH",
        "Path",
        "HOME",
        "OPENCLAW_HOME",
        "SHELL",
        "LD_PRELOAD",
        "LD_LIBRARY_PATH",
        "DYLD_INSERT_LIBRARIES",
        "NODE_OPTIONS",
        "BASH_ENV",
        "PYTHONPATH",
        "node_options",
        "SSL_CERT_FILE",
        " BAD KEY",
        "NOT-PORTABLE",
        "1A",
        "",
    ] {
        for text in [
            format!("{{ env: {{ '{name}': 'x', OK: 'y' }} }}"),
            format!("{{ env: {{ vars: {{ '{name}': 'x', OK: 'y' }} }} }}"),
        ] {
            let config = read(&text, &[]);
            assert_eq!(config.diagnostics()[0].code, DiagnosticCode::RefusedVariable, "{text}");
            assert!(config.environment().get(name).is_none(), "{text}");
            assert!(config.environment().get("OK").is_some(), "{text}");
        }
    }
}

#[test]
fn values_with_placeholders_have_no_effect_in_the_block() {
    let config = read("{ env: { A: '${B}', B: 'b' } }", &[]);
    assert!(config.environment().get("A").is_none());
    assert_eq!(config.diagnostics()[0].code, DiagnosticCode::IgnoredSetting);
}

fn provider(config: &Config) -> &provider_auth::config::ProviderConfig {
    config.provider(&ProviderId::new("p").unwrap()).unwrap()
}

#[test]
fn text_names_variables_of_the_process_and_of_the_block() {
    let text = "{
        models: { providers: { p: {
            baseUrl: '${HOST}/${VERSION}', apiKey: '${KEY}', headers: { a: 'x ${KEY}', b: '$${KEY}' },
        } } },
        env: { KEY: 'from-block', VERSION: 'v1' },
    }";
    let config = read(text, &[("HOST", "https://example.com"), ("VERSION", "v2")]);
    assert_eq!(provider(&config).base_url(), Some("https://example.com/v2"));
    assert_eq!(provider(&config).api_key().unwrap().expose(), "from-block");
    let headers: Vec<_> = provider(&config).headers().map(|(name, value)| (name, value.expose())).collect();
    assert_eq!(headers, [("a", "x from-block"), ("b", "${KEY}")]);
    assert!(config.diagnostics().is_empty());
}

#[test]
fn variables_that_are_missing_are_an_error_of_their_own_kind() {
    let text = "{ models: { providers: { p: { apiKey: '${NO_KEY}', headers: { a: '${EMPTY}${NO_KEY}' } } } } }";
    let options = ReadOptions::new().environment(environment(&[("EMPTY", "")]));
    let error = Config::from_json5_str(text, &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingVariable);
    let messages: Vec<_> = error.diagnostics().iter().map(|found| found.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "the variable `NO_KEY` is unset or empty",
            "the variable `EMPTY` is unset or empty",
            "the variable `NO_KEY` is unset or empty"
        ]
    );
    // With a problem of another kind beside them the configuration is wrong in general.
    let text = text.replacen("apiKey", "authHeader: 1, apiKey", 1);
    let error = Config::from_json5_str(&text, &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert_eq!(error.diagnostics().len(), 4);
}

#[test]
fn a_placeholder_is_never_taken_for_a_secret() {
    let text = "{ models: { providers: { p: {
        baseUrl: 'https://${NO_HOST}', apiKey: '${NO_KEY}', headers: { a: '${NO_KEY}', b: '${NO_KEY:-b}', c: 'c' },
    } } } }";
    let options = options().lenient(true);
    let config = Config::from_json5_str(text, &options).unwrap();
    assert_eq!(provider(&config).base_url(), Some("https://${NO_HOST}"));
    assert!(provider(&config).api_key().is_none());
    assert_eq!(provider(&config).headers().map(|(name, _)| name).collect::<Vec<_>>(), ["c"]);
    assert_eq!(config.diagnostics().len(), 4);

    let config = read("{ models: { providers: { p: { apiKey: '${KEY:-x}' } } } }", &[("KEY", "k")]);
    assert!(provider(&config).api_key().is_none());
    assert_eq!(config.diagnostics()[0].code, DiagnosticCode::NotSubstituted);
}

#[test]
fn a_placeholder_is_never_taken_for_a_beta_flag() {
    let options = options().lenient(true);
    let text = "{ agents: { defaults: { params: { anthropicBeta: ['${NO_FLAG}', 'a'] } } } }";
    let config = Config::from_json5_str(text, &options).unwrap();
    assert_eq!(config.anthropic_betas(&"anthropic/m".parse().unwrap(), None), ["a"]);
}

#[test]
fn the_process_environment_is_the_default() {
    // Cargo sets this one for every test it runs.
    assert_eq!(Environment::process().get("CARGO_PKG_NAME").unwrap().expose(), "provider-auth");
    for name in ["PROVIDER_AUTH_NOT_SET", "", "A=B\0"] {
        assert_eq!(Environment::process().get(name), None);
    }
    let config = Config::from_json5_str(
        "{ models: { providers: { p: { apiKey: '${CARGO_PKG_NAME}' } } } }",
        &ReadOptions::new(),
    );
    assert_eq!(provider(&config.unwrap()).api_key().unwrap().expose(), "provider-auth");
}

#[test]
fn shell_env_is_read_and_not_carried_out() {
    let shell = read("{ env: { shellEnv: { enabled: true, timeoutMs: 1500 } } }", &[]).shell_env().unwrap();
    assert!(shell.enabled);
    assert_eq!(shell.timeout, Some(std::time::Duration::from_millis(1500)));
    assert!(read("{ env: {} }", &[]).shell_env().is_none());
}
