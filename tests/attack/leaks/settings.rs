//! Secrets in every field of a configuration, in the environment, in references, in pasted lines, headers and URLs.

use provider_auth::cache::{BreakpointOptions, BreakpointPlan};
use provider_auth::credential::{ReferenceFailure, SecretRef, Tokens};
use provider_auth::references::ReferenceResolver;
use provider_auth::refresh::RefreshTokenGrant;
use provider_auth::status::{StatusReport, mask_secret};
use provider_auth::{
    AuthProfileStore, CacheRetention, Config, Credential, Endpoint, Environment, FileStore, MemoryStore,
    ProfileSelector, Query, ReadOptions, RequestBuilder, Secret, setup,
};
use serde_json::json;

use super::{Heard, cuts, hunt};
use crate::support::{NOW, at, document, id, provider};

/// Where a secret can stand in a configuration, rightly or not; `@` is one, `%` the same in a URL.
const CONFIGURATION: &str = r#"{
    env: { ANTHROPIC_API_KEY: "@", MY_KEY: "@", LIST: ["@"], vars: { GROQ_API_KEY: "@", OTHER: { deep: "@" } }, shellEnv: "@" },
    auth: {
        profiles: { "anthropic:a": { provider: "anthropic", mode: "@", token: "@" }, "anthropic:b": "@" },
        order: { anthropic: "@" }, cooldowns: { billingBackoffHours: "@", "x": "@" },
    },
    agents: {
        defaults: {
            model: { primary: ["@"] },
            models: { "anthropic/claude": { alias: ["@"], params: { cacheRetention: "@", cacheControlTtl: ["@"], x: "@" } } },
        },
        list: ["@", { id: ["@"], model: { "x": "@" } }],
    },
    models: { providers: {
        anthropic: {
            apiKey: "@", auth: "@", headers: { "x-a": "@", authorization: "Bearer @", "x-b": ["@"], "anthropic-beta": "@" },
            models: [{ id: "claude", headers: { "x-c": "@" }, cost: "@", api: "@", baseUrl: "https://me:%@a.example" }, "@"],
            request: { headers: { "x-d": "@" }, auth: { mode: "header", headerName: "x-e", value: "@" }, proxy: { url: "http://me:%@p.example" } },
        },
        user: { baseUrl: "https://me:%@a.example", api: "anthropic-messages", apiKey: "$MY_KEY" },
        query: { baseUrl: "https://a.example/%?key=%", api: "anthropic-messages", apiKey: "${MY_KEY}" },
        broken: { baseUrl: "https://a.example/@ ", api: "@", apiKey: "${ @" },
        shapes: { baseUrl: ["@"], apiKey: ["@"], headers: "@", models: "@" },
        refers: { baseUrl: "https://a.example", api: "anthropic-messages", apiKey: { source: "env", provider: "default", id: "MY_KEY", value: "@" } },
        odd: { baseUrl: "https://a.example", apiKey: { source: ["@"], provider: { x: "@" }, id: ["@"] } },
        all: "@",
    } },
    secrets: { providers: {
        vault: { source: "exec", command: "/nowhere", args: ["@"], env: { TOKEN: "@" }, x: "@" },
        file: { source: "file", path: ["@"], mode: "@" }, odd: "@",
    }, defaults: "@" },
    session: { secret: "@" }, "x-unknown": ["@", { token: "@" }],
}"#;

fn filled(text: &str, heard: &Heard) -> String {
    text.replace('%', "\u{0}")
        .replace("https://me:\u{0}@", "https://me:\u{0}\u{1}")
        .replace("http://me:\u{0}@", "http://me:\u{0}\u{1}")
        .replace('@', &heard.written())
        .replace('\u{1}', "@")
        .replace('\u{0}', &heard.in_url())
}

fn options(heard: &Heard) -> ReadOptions {
    let secret = heard.secret.clone();
    let known = ["ANTHROPIC_OAUTH_TOKEN", "OPENAI_API_KEY", "MY_KEY", "HOME"];
    let environment = Environment::from_fn(move |name| known.contains(&name).then(|| secret.clone()));
    let dotenv = format!("GEMINI_API_KEY='{0}'\nMISTRAL_API_KEY={0}\n{0}\nexport X {0}\n", heard.secret);
    ReadOptions::new().environment(environment.with_dotenv(&dotenv))
}

pub(super) fn configurations(heard: &mut Heard) {
    let (text, options) = (filled(CONFIGURATION, heard), options(heard).lenient(true));
    heard.debug(&options);
    let strict = options.clone().lenient(false);
    assert!(heard.result(Config::from_json5_str(&text, &strict)).is_none());
    let config = Config::from_json5_str(&text, &options).unwrap();
    let key = json!({ "source": "env", "provider": "default", "id": "MY_KEY" });
    let profiles = document(&json!({ "version": 1, "profiles": {
        "anthropic:a": { "type": "api_key", "provider": "anthropic", "key": heard.secret },
        "anthropic:b": { "type": "token", "provider": "anthropic", "tokenRef": key, "expires": NOW + 5 },
        "openai:c": { "type": "oauth", "provider": "openai", "access": heard.secret, "refresh": heard.secret },
    } }));
    let secret = heard.secret.clone();
    let source = move |reference: &SecretRef| match &*reference.id {
        "MY_KEY" => Ok(Secret::new(secret.clone())),
        _ => Err(ReferenceFailure::Refused),
    };
    for resolver in [ReferenceResolver::new(), ReferenceResolver::new().with_source("default", source)] {
        let found = resolver.resolve(&profiles, &config, at(NOW));
        heard.debug(&(&resolver, &found));
        for (reference, failure) in found.failures() {
            heard.debug(&(reference, failure));
            heard.text(&format!("{failure} {} {}", failure.help(), failure.code()));
        }
        configured(heard, &config.clone().with_references(found), &profiles);
    }
}

#[test]
fn no_secret_of_a_configuration_or_the_environment_is_in_any_text() {
    hunt("configurations", 100, configurations);
}

fn configured(heard: &mut Heard, config: &Config, profiles: &provider_auth::AuthProfiles) {
    heard.debug(config);
    heard.diagnostics(config.diagnostics());
    heard.diagnostics(&config.lint([profiles]));
    heard.debug(&(
        config.environment(),
        config.shell_env(),
        config.cooldowns(),
        config.references().collect::<Vec<_>>(),
    ));
    heard.debug(&config.auth_profiles().collect::<Vec<_>>());
    for (owner, settings) in config.providers() {
        heard.debug(settings);
        heard.debug(&(settings.api_key(), settings.api_key_ref(), settings.api_key_failure(), settings.auth()));
        heard.debug(&settings.headers().chain(settings.model_headers("claude")).collect::<Vec<_>>());
        heard.debug(&settings.request_headers().collect::<Vec<_>>());
        let query = Query::new(owner);
        heard.debug(&config.inline_credential(owner));
        heard.debug(&config.environment().credential(owner));
        if let Some(selection) = heard.result(config.resolve(profiles, &query, at(NOW))) {
            heard.debug(&selection.receipt);
        }
        let model = format!("{owner}/claude").parse().unwrap();
        if let Some(endpoint) = heard.result(Endpoint::for_model(config, &model)) {
            let key = Credential::api_key(Secret::new(heard.secret.as_str()));
            heard.result(RequestBuilder::new(&endpoint, &key).body("{}").build());
        }
        heard.debug(&config.rotation(model, None, at(NOW)));
    }
    let report = StatusReport::builder(config, profiles).build(at(NOW));
    heard.debug(&report);
    heard.text(&report.to_json());
    heard.text(&report.to_string());
}

#[test]
fn no_refusal_to_read_a_configuration_repeats_what_was_read() {
    hunt("damaged configurations", 100, |heard| {
        let (text, options) = (filled(CONFIGURATION, heard), options(heard));
        for at in cuts(text.len(), heard.kind).into_iter().filter(|at| text.is_char_boundary(*at)) {
            if let Err(error) = Config::from_json5_str(&text[..at], &options) {
                heard.error(&error);
            }
        }
        for broken in [
            "@",
            "\"@\"",
            "{\"@\"}",
            "{a: @}",
            "{a: '@', a: '@'}",
            "{}@",
            "{a: \"@\\q\"}",
            "{a: 1e@}",
            "{a: \"${@}\"}",
            "{a: \"${@\"}",
            "{$include: \"@\"}",
            "{$include: [\"./a\", {x: \"@\"}]}",
        ] {
            for secret in [heard.secret.clone(), heard.written()] {
                let is_name = broken.contains("${@}") || broken.contains("$include: \"@");
                let read = Config::from_json5_str(&broken.replace('@', &secret), &options);
                // The names of variables and files are shown, whatever stands there.
                read.err().iter().filter(|_| !is_name).for_each(|error| heard.error(error));
            }
        }
    });
}

pub(super) fn requests(heard: &mut Heard) {
    let (secret, url) = (heard.secret.clone(), heard.in_url());
    let key = || Secret::new(secret.as_str());
    let credentials = [
        Credential::api_key(key()),
        Credential::token(key(), Some(at(NOW))),
        Credential::oauth(key(), Some(key()), None),
    ];
    for base in [
        format!("https://a.example/{url}?key={url}"),
        format!("https://me:{url}@a.example"),
        format!("https://{url}@a.example"),
        format!("http://a.example/?key={url}"),
        format!("https://a.example/{secret}#x"),
        format!("https://a.example/ {secret}"),
        format!("{url}://a.example"),
    ] {
        let Some(endpoint) = heard.result(Endpoint::new(&base)) else { continue };
        let endpoint = endpoint.with_header("x-configured", key()).with_auth_header("x-auth", key());
        heard.debug(&endpoint);
        let body =
            json!({"system": secret, &*secret: 1, "messages": [{"role": "user", "content": secret}]}).to_string();
        for credential in &credentials {
            heard.debug(credential);
            let builder = RequestBuilder::new(&endpoint, credential).body(body.clone());
            let builder = builder.retention(CacheRetention::Long).header("x-call", key());
            heard.debug(&builder);
            heard.diagnostics(&builder.notes());
            heard.result(builder.plan());
            if let Some(request) = heard.result(builder.build()) {
                heard.debug(request.plan());
                heard.debug(request.headers());
            }
        }
    }
    for (name, value) in [("x-a", format!("{secret}\n")), ("authorization", secret.clone()), ("host", secret.clone())] {
        heard.result(
            RequestBuilder::new(&Endpoint::anthropic(), &credentials[0]).body("{}").header(name, value).build(),
        );
    }
    let options = BreakpointOptions::new(CacheRetention::Short);
    for body in [
        "@",
        "{\"@\"",
        "{\"messages\":[{\"@\":\"@\"}],\"cache_control\":\"@\"}",
        "{\"cache_control\":{\"type\":\"@\"}}",
    ] {
        let body = body.replace('@', &heard.written());
        heard.result(BreakpointPlan::for_body(body.as_bytes(), &options));
        heard.result(RequestBuilder::new(&Endpoint::anthropic(), &credentials[0]).body(body).build());
    }
    heard.debug(&Tokens::new(key()).refresh(key()));
    heard.text(&mask_secret(&key()));
    let grant = RefreshTokenGrant::new("https://a.example/token", key(), reqwest::Client::builder()).unwrap();
    heard.debug(&grant.client_secret(key()));
    for base in [
        format!("https://me:{url}@a.example"),
        format!("http://a.example/{url}"),
        format!("https://a.example/token?key={url}"),
    ] {
        heard.result(RefreshTokenGrant::new(&base, "client", reqwest::Client::builder()));
    }
}

#[test]
fn no_secret_of_a_request_is_in_any_text() {
    hunt("requests", 60, requests);
}

pub(super) fn pasted(heard: &mut Heard) {
    let secret = heard.secret.clone();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("auth-profiles.json");
    let stores: [Box<dyn AuthProfileStore>; 2] =
        [Box::new(MemoryStore::default()), Box::new(FileStore::new(&path).unwrap())];
    for text in [
        secret.clone(),
        format!("export X='{secret}'"),
        format!("{{\"key\":\"{secret}\"}}"),
        format!("{secret}\n{secret} x"),
    ] {
        for owner in ["anthropic", "relay"].map(provider) {
            let pasted = [
                setup::api_key(&owner, &text),
                setup::token(&owner, &text),
                setup::setup_token(&text),
                setup::as_it_is(&text),
            ];
            for pasted in pasted {
                let Some(pasted) = heard.result(pasted) else { continue };
                for store in &stores {
                    let name = id(&format!("{owner}:a"));
                    let saved = setup::save_key(store, &ProfileSelector::default(), &name, &owner, &pasted, None);
                    heard.result(saved);
                    heard.debug(store);
                }
            }
        }
    }
    // The file as somebody else left it.
    std::fs::write(&path, format!("{{\"profiles\": {{\"a\": {{\"key\": \"{}", heard.written())).unwrap();
    heard.result(stores[1].load());
    heard.result(stores[1].update(&mut |_| Ok(())));
}

#[test]
fn no_secret_that_is_pasted_or_kept_is_in_any_text() {
    hunt("pastes", 30, pasted);
}
