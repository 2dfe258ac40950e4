//! Every kind of error, provoked, with the help it gives; and all of them on the page "Troubleshooting".

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may stop where it fails")]
#![cfg(all(feature = "file", feature = "client"))]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use provider_auth::{
    AuthProfileStore, AuthProfileStoreExt, AuthProfiles, Config, Credential, Endpoint, Environment, Error, ErrorKind,
    Failure, FailureReason, FileStore, MemoryStore, ProfileId, ProfileSelector, Query, ReadOptions, RequestBuilder,
    Rotator, Secret, setup,
};
use serde_json::json;
use support::{HOUR, NOW, at, id, provider};

/// Kinds that only a broken or foreign machine provokes, and the tests that have a double for it.
const ELSEWHERE: [(ErrorKind, &str); 7] = [
    (ErrorKind::RefreshFailed, "tests/rotate_refresh.rs"),
    (ErrorKind::RefreshDenied, "tests/rotate_refresh.rs"),
    (ErrorKind::Io, "src/store/file/tests/failure.rs"),
    (ErrorKind::PermissionDenied, "src/store/file/tests/failure.rs"),
    (ErrorKind::StorageFull, "src/store/file/tests/failure.rs"),
    (ErrorKind::LocksUnsupported, "src/store/file/tests/failure.rs"),
    (ErrorKind::InsecurePermissions, "tests/store_paths.rs"),
];

fn options() -> ReadOptions {
    ReadOptions::new().environment(Environment::empty())
}

fn config(text: &str) -> Result<Config, Error> {
    Config::from_json5_str(text, &options())
}

fn stored() -> AuthProfiles {
    support::document(&json!({
        "version": 1,
        "profiles": {
            "anthropic:a": { "type": "api_key", "provider": "anthropic", "key": "sk-ant-a" },
            "openai:a": { "type": "api_key", "provider": "openai", "key": "sk-a" },
        },
        "usageStats": { "anthropic:a": { "cooldownUntil": NOW + HOUR, "cooldownReason": "rate_limit" } },
    }))
}

fn select(profiles: &AuthProfiles, locked: Option<&str>) -> Error {
    let (anthropic, locked) = (provider("anthropic"), locked.map(id));
    let query = Query::new(&anthropic);
    let query = locked.as_ref().map_or(query, |locked| query.locked(locked));
    ProfileSelector::default().resolve(profiles, &config("{}").unwrap(), &query, at(NOW)).unwrap_err()
}

fn request(header: Option<(&str, &str)>, body: &str) -> Error {
    let (endpoint, key) = (Endpoint::anthropic(), Credential::api_key(Secret::new("sk-ant-a")));
    let builder = RequestBuilder::new(&endpoint, &key).body(body);
    match header {
        Some((name, value)) => builder.header(name, value).build().unwrap_err(),
        None => builder.build().unwrap_err(),
    }
}

/// A body with these markers on the blocks of its one message.
fn marked(markers: &[&str]) -> String {
    let blocks = markers.iter().map(|marker| format!(r#"{{"type":"text","text":"t","cache_control":{marker}}}"#));
    let blocks = blocks.collect::<Vec<_>>().join(",");
    format!(r#"{{"messages":[{{"role":"user","content":[{blocks}]}}]}}"#)
}

fn configurations() -> Vec<Error> {
    vec![
        config("{").unwrap_err(),
        Config::from_json5_str("{ a: 1 }", &options().max_bytes(1)).unwrap_err(),
        config(&"[".repeat(200)).unwrap_err(),
        config("{ a: 1, a: 2 }").unwrap_err(),
        config("{ a: Infinity }").unwrap_err(),
        config("{ auth: { order: 7 } }").unwrap_err(),
        config("{ auth: { order: { anthropic: ['${NOT_SET}'] } } }").unwrap_err(),
        config("{ $include: 'a.json' }").unwrap_err(),
        config("{}").unwrap().resolve_model("/").unwrap_err(),
        Config::from_path("no/such/openclaw.json", &options()).unwrap_err(),
        Config::from_path(env!("CARGO_MANIFEST_DIR"), &options()).unwrap_err(),
    ]
}

fn profiles() -> Vec<Error> {
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
        setup::setup_token("sk-ant-api03-x").unwrap_err(),
        setup::remove(&store, &id("anthropic:z")).unwrap_err(),
        setup::lifetime("soon").unwrap_err(),
    ]
}

fn stores() -> Vec<Error> {
    /// A backend that never runs the closure.
    #[derive(Debug)]
    struct Idle(MemoryStore);
    impl AuthProfileStore for Idle {
        fn load(&self) -> Result<std::sync::Arc<AuthProfiles>, Error> {
            self.0.load()
        }
        fn update(
            &self,
            _change: &mut dyn FnMut(&mut AuthProfiles) -> Result<(), Error>,
        ) -> Result<std::sync::Arc<AuthProfiles>, Error> {
            self.0.load()
        }
    }
    let store = MemoryStore::new(stored());
    let mut nested = None;
    store
        .update(&mut |_| {
            nested = Some(store.update(&mut |_| Ok(())).unwrap_err());
            Ok(())
        })
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = FileStore::new(directory.path().join("auth-profiles.json")).unwrap();
    let _held = file.lease(&id("anthropic:a"), Duration::ZERO).unwrap();
    vec![
        nested.unwrap(),
        file.lease(&id("anthropic:a"), Duration::ZERO).unwrap_err(),
        store.update(&mut |_| Err(Error::new(ErrorKind::UpdateFailed, "the closure refused"))).unwrap_err(),
        Idle(MemoryStore::default()).transact(|_| Ok(())).unwrap_err(),
        Rotator::builder(std::sync::Arc::new(MemoryStore::default()))
            .client(|| reqwest::Client::builder().user_agent("no\nheader"))
            .build()
            .unwrap_err(),
    ]
}

fn requests() -> Vec<Error> {
    let plain = r#"{"messages":[]}"#;
    let (short, long) = (r#"{"type":"ephemeral"}"#, r#"{"type":"ephemeral","ttl":"1h"}"#);
    vec![
        Endpoint::new("https://user:word@example.com").unwrap_err(),
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

fn answers() -> Vec<Error> {
    FailureReason::all().map(|reason| Failure::new(reason).into_error()).collect()
}

fn provoked() -> Vec<Error> {
    [configurations(), profiles(), stores(), requests(), answers()].into_iter().flatten().collect()
}

#[test]
fn every_kind_is_provoked() {
    let found: BTreeSet<String> = provoked().iter().map(|error| format!("{:?}", error.kind())).collect();
    let elsewhere: BTreeSet<String> = ELSEWHERE.iter().map(|(kind, _)| format!("{kind:?}")).collect();
    let all: BTreeSet<String> = ErrorKind::all().map(|kind| format!("{kind:?}")).collect();
    assert_eq!(found.union(&elsewhere).cloned().collect::<BTreeSet<_>>(), all);
    assert!(found.is_disjoint(&elsewhere));
}

#[test]
fn help_is_short_and_names_where_to_go() {
    for kind in ErrorKind::all() {
        let help = kind.help();
        assert!((1..=2).contains(&help.matches(". ").count().saturating_add(1)), "{kind:?}: {help}");
        assert!(help.ends_with('.') && help.len() < 260, "{kind:?}: {help}");
    }
    for error in provoked() {
        assert!(!error.help().is_empty());
        assert!(!error.to_string().is_empty() && !error.to_string().contains('\n'));
    }
}

/// The text of the page, words apart by one space.
fn page() -> String {
    let page = include_str!("../src/docs/troubleshooting.md");
    page.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_page_has_every_kind_with_its_help() {
    let page = page();
    let missing: BTreeMap<String, &str> = ErrorKind::all()
        .filter(|kind| !page.contains(&format!("`{kind:?}`")) || !page.contains(kind.help()))
        .map(|kind| (format!("{kind:?}"), kind.help()))
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn the_page_has_the_messages_word_by_word() {
    let page = page();
    for error in [
        select(&stored(), Some("anthropic:none")),
        select(&stored(), Some("openai:a")),
        select(&stored(), None),
        select(&AuthProfiles::new(), None),
    ] {
        // Names differ from case to case; the page has placeholders for them.
        let message =
            error.to_string().replace("anthropic:none", "ID").replace("openai:a", "ID").replace("anthropic", "P");
        assert!(page.contains(&message), "{message}");
    }
}

#[test]
fn the_page_has_what_providers_answers_are_called() {
    use provider_auth::SubscriptionRefusal::{
        BareRateLimit, ClaudeCodeOnly, Expired, ExtraUsage, MissingScope, NotAllowed, NotSupported, Revoked,
    };
    let page = page();
    for reason in FailureReason::all() {
        let failure = Failure::new(reason);
        assert!(page.contains(failure.sentence()), "{failure}");
    }
    for refusal in [BareRateLimit, ClaudeCodeOnly, Expired, ExtraUsage, MissingScope, NotAllowed, NotSupported, Revoked]
    {
        assert!(page.contains(refusal.sentence()), "{refusal}");
    }
}
