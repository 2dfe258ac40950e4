//! `agents.entries` and the rest of a configuration of 2026.9.6, compared with the same keys in February 2026.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it fails")]

use provider_auth::config::RetentionLayer;
use provider_auth::{CacheRetention, Config, Credential, CredentialKind, Endpoint, ModelRef, RequestBuilder, Secret};

use crate::support::config;

use RetentionLayer::{Agent, AgentModel, Call, Default, Global, Model};

const BODY: &[u8] = br#"{"system":"Be brief.","messages":[{"role":"user","content":"Hello"}]}"#;

fn model(name: &str) -> ModelRef {
    name.parse().unwrap()
}

/// The lifetimes of the breakpoints of a request with an API key.
fn sent(config: &Config, name: &str, agent: Option<&str>) -> Vec<String> {
    let credential = Credential::api_key(Secret::new("sk-ant-example"));
    let endpoint = Endpoint::for_model(config, &model(name)).unwrap_or_else(|_| Endpoint::anthropic());
    let builder = RequestBuilder::new(&endpoint, &credential).configured(config, &model(name), agent, None).body(BODY);
    let plan = builder.plan().unwrap();
    plan.breakpoints().iter().map(|breakpoint| breakpoint.ttl.to_string()).collect()
}

#[test]
fn an_agent_has_its_own_model_and_no_markers() {
    let text = "{ agents: {
        defaults: { model: 'anthropic/claude-opus-5', params: { cacheRetention: 'long' } },
        entries: { work: { model: 'anthropic/claude-sonnet-5', params: { cacheRetention: 'none' } } },
    } }";
    let config = config(text);
    assert!(config.diagnostics().is_empty());
    assert_eq!(config.primary_model(Some("work")), Some("anthropic/claude-sonnet-5"));
    assert_eq!(sent(&config, "anthropic/claude-sonnet-5", Some("Work")), [""; 0]);
    assert_eq!(sent(&config, "anthropic/claude-opus-5", None), ["1h", "1h"]);
}

#[test]
fn an_agent_is_found_as_openclaw_reads_its_id() {
    let list =
        config("{ agents: { list: [{ id: 'Wo rk', agentDir: '/a', model: 'p/a' }, { id: '-x-', model: 'p/b' }] } }");
    assert!(list.diagnostics().is_empty(), "{:?}", list.diagnostics());
    let entries =
        config("{ agents: { entries: { 'Wo rk': { agentDir: '/a', model: 'p/a' }, '-x-': { model: 'p/b' } } } }");
    assert_eq!(entries.diagnostics().len(), 2);
    for config in [list, entries] {
        assert_eq!(config.agent_ids().collect::<Vec<_>>(), ["wo-rk", "x"]);
        assert_eq!(config.default_agent(), "wo-rk");
        for (id, model) in [("wo-rk", "p/a"), ("Wo rk", "p/a"), (" WO  RK", "p/a"), ("x", "p/b"), ("wo rk!", "p/a")] {
            assert_eq!(config.primary_model(Some(id)), Some(model), "{id}");
        }
        assert_eq!((config.agent_dir("Wo rk"), config.primary_model(Some("work"))), (Some("/a"), None));
    }
}

#[test]
fn an_entry_with_a_model_has_no_fallbacks_but_its_own() {
    let text = |agents: &str| {
        format!("{{ agents: {{ defaults: {{ model: {{ primary: 'p/d', fallbacks: ['p/e'] }} }}, {agents} }} }}")
    };
    let entries = config(&text(
        "entries: { text: { model: 'p/a' }, object: { model: { primary: 'p/a' } }, own: { model: { fallbacks: ['p/f'] } },
                    both: { model: { primary: 'p/a', fallbacks: ['p/f'] } }, none: {}, empty: { model: {} } }",
    ));
    let list = config(&text("list: [{ id: 'text', model: 'p/a' }, { id: 'object', model: { primary: 'p/a' } }]"));
    for (agent, primary, fallbacks, before) in [
        ("text", "p/a", &[][..], Some(&["p/e"][..])),
        ("object", "p/a", &[], Some(&["p/e"])),
        ("own", "p/d", &["p/f"], None),
        ("both", "p/a", &["p/f"], None),
        ("none", "p/d", &["p/e"], None),
        ("empty", "p/d", &["p/e"], None),
        ("nobody", "p/d", &["p/e"], Some(&["p/e"])),
    ] {
        assert_eq!(entries.primary_model(Some(agent)), Some(primary), "{agent}");
        assert_eq!(entries.fallback_models(Some(agent)), fallbacks, "{agent}");
        if let Some(before) = before {
            assert_eq!(list.fallback_models(Some(agent)), before, "{agent}");
        }
    }
}

/// One way to set a retention, what OpenClaw 2026.9.6 sent with nothing but `ANTHROPIC_API_KEY` set, and what is sent here.
///
/// Where the two differ it is on purpose: OpenClaw puts `short` into the parameters of every model of Anthropic, which then
/// beats what the user said for all of them.
const SEEDED: [(&str, &str, &str); 9] = [
    ("defaults: { params: { cacheRetention: 'long' } }", "5m", "1h"),
    ("defaults: { params: { cacheRetention: 'none' } }", "5m", ""),
    ("defaults: { params: { cacheControlTtl: '1h' } }", "5m", "1h"),
    ("defaults: { models: { 'anthropic/m': { params: { cacheRetention: 'long' } } } }", "1h", "1h"),
    ("defaults: { models: { 'anthropic/m': { params: { cacheControlTtl: '1h' } } } }", "5m", "1h"),
    ("entries: { a: { params: { cacheControlTtl: '1h' } } }", "5m", "1h"),
    ("entries: { a: { params: { cacheRetention: 'none' } } }", "", ""),
    ("entries: { a: { models: { 'anthropic/m': { params: { cacheRetention: 'long' } } } } }", "1h", "1h"),
    ("entries: { a: {} }", "5m", "5m"),
];

#[test]
fn what_openclaw_sends_and_what_is_sent_here() {
    for (setting, theirs, ours) in SEEDED {
        let config = config(&format!("{{ agents: {{ {setting} }} }}"));
        let found = sent(&config, "anthropic/m", Some("a"));
        assert_eq!(found.first().map_or("", String::as_str), ours, "{setting}: OpenClaw sends {theirs:?}");
        assert!(found.iter().all(|ttl| ttl == ours), "{setting}: {found:?}");
    }
}

#[test]
fn what_is_left_out_and_what_is_sent_where_openclaw_does_otherwise() {
    let text = "{ agents: { entries: {}, defaults: { params: {
            cacheRetention: 'long', anthropicBeta: ['context-1m-2025-08-07', 'other-2026-01-01'] } } } }";
    let config = config(text);
    let built = |credential: &Credential| {
        let endpoint = Endpoint::anthropic();
        let builder = RequestBuilder::new(&endpoint, credential).configured(&config, &model("anthropic/m"), None, None);
        builder.body(BODY).build().unwrap()
    };
    // OpenClaw asks for an hour with a subscription's token too.
    let token = built(&Credential::token(Secret::new("sk-ant-oat01-example"), None));
    assert!(token.plan().breakpoints().is_empty());
    assert!(token.notes().iter().any(|note| note.message.contains("ignored")), "{:?}", token.notes());
    // OpenClaw takes the first of the two flags out.
    let flags = built(&Credential::api_key(Secret::new("sk-ant-example"))).headers()["anthropic-beta"].clone();
    let flags = flags.to_str().unwrap().split(',').map(str::trim).map(str::to_owned).collect::<Vec<_>>();
    for flag in ["context-1m-2025-08-07", "other-2026-01-01"] {
        assert!(flags.iter().any(|sent| sent == flag), "{flags:?}");
    }
    // OpenClaw marks requests to any server that has the interface, also where nothing is set.
    let relay = crate::support::config(
        "{ agents: { entries: {} }, models: { providers: { relay: { baseUrl: 'https://relay.example.com', api: 'anthropic-messages' } } } }",
    );
    assert_eq!(sent(&relay, "relay/m", None), [""; 0]);
}

#[test]
fn the_layers_of_both_ages() {
    let says = |said: Option<&str>| said.map_or(String::new(), |said| format!("params: {{ {said} }}"));
    let voices = [None, Some("cacheRetention: 'none'"), Some("cacheControlTtl: '1h'"), Some("cacheRetention: 'short'")];
    let means = |said: &str| match said {
        "cacheRetention: 'none'" => CacheRetention::None,
        "cacheControlTtl: '1h'" => CacheRetention::Long,
        _ => CacheRetention::Short,
    };
    for global in voices {
        for common in voices {
            for own in voices {
                for agent in voices {
                    let defaults = format!(
                        "defaults: {{ {}, models: {{ 'anthropic/m': {{ {} }} }} }}",
                        if global.is_some() { says(global) } else { "x: 1".to_owned() },
                        says(common)
                    );
                    let rest = format!("models: {{ 'anthropic/m': {{ {} }} }}, {}", says(own), says(agent));
                    let new = config(&format!("{{ agents: {{ {defaults}, entries: {{ a: {{ {rest} }} }} }} }}"));
                    let old =
                        config(&format!("{{ agents: {{ {defaults}, list: [{{ id: 'a', {} }}] }} }}", says(agent)));
                    let layers = [(Agent, agent), (AgentModel, own), (Model, common), (Global, global)];
                    for (config, has_own) in [(&new, true), (&old, false)] {
                        let mut said = layers.iter().filter(|(layer, _)| has_own || *layer != AgentModel);
                        let said = said.find_map(|(layer, said)| Some((*layer, means(said.as_ref()?))));
                        let expected = said.unwrap_or((Default, CacheRetention::Short));
                        let found =
                            config.cache_retention(&model("anthropic/m"), Some("a"), CredentialKind::ApiKey, None);
                        assert_eq!((found.layer, found.retention), expected, "{global:?} {common:?} {own:?} {agent:?}");
                        let call = Some(CacheRetention::None);
                        let called =
                            config.cache_retention(&model("anthropic/m"), Some("a"), CredentialKind::ApiKey, call);
                        assert_eq!((called.layer, called.retention), (Call, CacheRetention::None));
                    }
                }
            }
        }
    }
}

#[test]
fn an_hour_that_the_server_does_not_keep_becomes_five_minutes() {
    let text = "{
        agents: { defaults: { params: { cacheRetention: 'long' } } },
        models: { providers: { relay: { baseUrl: 'https://relay.example.com', api: 'anthropic-messages', models: [
            { id: 'm', compat: { supportsLongCacheRetention: false } }, { id: 'n', compat: { supportsLongCacheRetention: true } },
        ] } } },
    }";
    let config = config(text);
    let credential = Credential::api_key(Secret::new("sk-ant-example"));
    for (name, shortened, ttl) in [("relay/m", true, "5m"), ("relay/n", false, "1h"), ("relay/o", false, "1h")] {
        let found = config.cache_retention(&model(name), None, CredentialKind::ApiKey, None);
        assert_eq!(found.shortened, shortened, "{name}");
        let endpoint = Endpoint::for_model(&config, &model(name)).unwrap();
        let builder =
            RequestBuilder::new(&endpoint, &credential).configured(&config, &model(name), None, None).body(BODY);
        let notes: Vec<String> = builder.notes().iter().map(ToString::to_string).collect();
        assert_eq!(
            notes.iter().any(|note| note.contains("supportsLongCacheRetention")),
            shortened,
            "{name}: {notes:?}"
        );
        assert!(sent(&config, name, None).iter().all(|found| found == ttl), "{name}");
        // A retention that this one request asks for is the caller's own word.
        assert!(builder.retention(CacheRetention::Long).notes().is_empty(), "{name}");
    }
}

#[test]
fn a_model_is_served_where_its_entry_says() {
    let text = "{ models: { providers: {
        relay: {
            baseUrl: 'https://relay.example.com/', headers: { 'x-a': 'provider', 'x-b': 'provider', 'x-c': 'provider' },
            request: { headers: { 'x-c': 'request' } },
            models: [{ id: 'm', baseUrl: 'https://m.example.com/', api: 'anthropic-messages',
                       headers: { 'x-b': 'model', 'x-c': 'model' } }, { id: 'o', api: 'ollama' }],
        },
        anthropic: { models: [{ id: 'bad', baseUrl: 'no url' }] },
    } } }";
    let config = config(text);
    let credential = Credential::api_key(Secret::new("sk-ant-example"));
    let endpoint = Endpoint::for_model(&config, &model("relay/m")).unwrap();
    assert_eq!(endpoint.host(), "m.example.com");
    let request = RequestBuilder::new(&endpoint, &credential).body(BODY).build().unwrap();
    for (name, value) in [("x-a", "provider"), ("x-b", "model"), ("x-c", "request")] {
        assert_eq!(request.headers()[name], value, "{name}");
    }
    assert_eq!(config.model_base_url(&model("relay/m")), Some("https://m.example.com"));
    assert_eq!(config.model_base_url(&model("relay/n")), Some("https://relay.example.com"));
    for other in ["relay/n", "relay/o"] {
        assert!(Endpoint::for_model(&config, &model(other)).is_err(), "{other}");
    }
    let error = Endpoint::for_model(&config, &model("anthropic/bad")).unwrap_err();
    assert!(error.location().unwrap().key_path.as_ref().unwrap().contains("models[\"bad\"].baseUrl"), "{error}");
}
