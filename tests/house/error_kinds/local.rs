//! Errors about texts, names and requests.

use provider_auth::{
    AuthProfileStoreExt, AuthProfiles, Config, Credential, Endpoint, Error, MemoryStore, ProfileId, Query,
    RequestBuilder, Secret, setup,
};
use serde_json::json;

use crate::support::{HOUR, NOW, at, document, id, options, provider};

fn config(text: &str) -> Result<Config, Error> {
    Config::from_json5_str(text, &options())
}

pub(crate) fn stored() -> AuthProfiles {
    document(&json!({
        "version": 1,
        "profiles": {
            "anthropic:a": { "type": "api_key", "provider": "anthropic", "key": "sk-ant-a" },
            "openai:a": { "type": "api_key", "provider": "openai", "key": "sk-a" },
        },
        "usageStats": { "anthropic:a": { "cooldownUntil": NOW + HOUR, "cooldownReason": "rate_limit" } },
    }))
}

pub(crate) fn select(profiles: &AuthProfiles, locked: Option<&str>) -> Error {
    let query = locked.iter().fold(Query::new(&provider("anthropic")), |query, locked| query.locked(id(locked)));
    config("{}").unwrap().resolve(profiles, &query, at(NOW)).unwrap_err()
}

fn request(header: Option<(&str, &str)>, body: &str) -> Error {
    let (endpoint, key) = (Endpoint::anthropic(), Credential::api_key(Secret::new("sk-ant-a")));
    let builder = RequestBuilder::new(&endpoint, &key).body(body);
    match header {
        Some((name, value)) => builder.header(name, value).build().unwrap_err(),
        None => builder.build().unwrap_err(),
    }
}

const HEADER: &str =
    "{ models: { providers: { anthropic: { headers: { 'x-a': { source: 'env', provider: 'default', id: 'A' } } } } } }";

const CHAT: &str =
    "{ models: { providers: { chat: { baseUrl: 'https://chat.example.com', api: 'openai-completions' } } } }";

/// A body with these markers on the blocks of its one message.
fn marked(markers: &[&str]) -> String {
    let blocks = markers.iter().map(|marker| format!(r#"{{"type":"text","text":"t","cache_control":{marker}}}"#));
    let blocks = blocks.collect::<Vec<_>>().join(",");
    format!(r#"{{"messages":[{{"role":"user","content":[{blocks}]}}]}}"#)
}

pub(crate) fn configurations() -> Vec<Error> {
    vec![
        config("{").unwrap_err(),
        Config::from_json5_str("{ a: 1 }", &options().max_bytes(1)).unwrap_err(),
        config(&"[".repeat(200)).unwrap_err(),
        config("{ a: 1, a: 2 }").unwrap_err(),
        config("{ a: Infinity }").unwrap_err(),
        config("{ auth: { order: 7 } }").unwrap_err(),
        config("{ auth: { order: { anthropic: ['${NOT_SET}'] } } }").unwrap_err(),
        Endpoint::for_model(&config(HEADER).unwrap(), &"anthropic/m".parse().unwrap()).unwrap_err(),
        config("{ $include: 'a.json' }").unwrap_err(),
        config("{}").unwrap().resolve_model("/").unwrap_err(),
        Endpoint::for_model(&config("{}").unwrap(), &"openai/gpt-5".parse().unwrap()).unwrap_err(),
        Endpoint::for_model(&config(CHAT).unwrap(), &"chat/m".parse().unwrap()).unwrap_err(),
        Config::from_path("no/such/openclaw.json", &options()).unwrap_err(),
        Config::from_path(env!("CARGO_MANIFEST_DIR"), &options()).unwrap_err(),
    ]
}

pub(crate) fn profiles() -> Vec<Error> {
    let (store, anthropic) = (MemoryStore::new(stored()), provider("anthropic"));
    let newer = AuthProfiles::from_json(r#"{"version": 2, "profiles": {}}"#).unwrap();
    let blank = Credential::api_key(Secret::new(" "));
    vec![
        AuthProfiles::from_json("[]").unwrap_err(),
        newer.check_writable().unwrap_err(),
        ProfileId::new(" ").unwrap_err(),
        store.upsert(&id("anthropic:b"), &anthropic, &blank, None).unwrap_err(),
        select(&stored(), Some("anthropic:none")),
        select(&stored(), Some("openai:a")),
        select(&stored(), None),
        select(&AuthProfiles::new(), None),
        // Nothing that waiting would end.
        select(
            &document(&json!({
                "version": 1,
                "profiles": { "anthropic:a": { "type": "token", "provider": "anthropic", "token": "t", "expires": 0 } },
            })),
            None,
        ),
        setup::setup_token("sk-ant-api03-x").unwrap_err(),
        store.remove(&id("anthropic:z")).unwrap_err(),
        setup::lifetime("soon").unwrap_err(),
    ]
}

pub(crate) fn requests() -> Vec<Error> {
    let plain = r#"{"messages":[]}"#;
    let (short, long) = (r#"{"type":"ephemeral"}"#, r#"{"type":"ephemeral","ttl":"1h"}"#);
    vec![
        Endpoint::new("https://user:word@example.com").unwrap_err(),
        Endpoint::new("http://192.168.1.250:11434").unwrap_err(),
        Endpoint::new("http://example.com").map_or_else(
            |error| error,
            |endpoint| {
                let key = Credential::api_key(Secret::new("sk-ant-a"));
                RequestBuilder::new(&endpoint, &key).body(plain).build().unwrap_err()
            },
        ),
        request(Some(("host", "x")), plain),
        request(Some(("authorization", "x")), plain),
        request(None, "[]"),
        request(None, &marked(&[short; 5])),
        request(None, &marked(&[short, long])),
        request(None, &marked(&[r#"{"type":"eternal"}"#])),
    ]
}

/// What is said of an included file that does not exist.
pub(crate) fn included() -> Error {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("openclaw.json");
    std::fs::write(&path, "{ $include: 'none.json' }").unwrap();
    Config::from_path(&path, &options()).unwrap_err()
}
