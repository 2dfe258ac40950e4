//! References to OpenClaw's table of secrets.

use provider_auth::credential::ReferenceFailure::{
    self, InvalidId, NoStore, NotAText, NotFound, Placeholder, StoreFailed, UnknownProvider,
};
use provider_auth::credential::SecretRef;
use provider_auth::references::ReferenceResolver;
use provider_auth::{AuthProfiles, Config, Environment, ReadOptions, StateDir, Timestamp};
use serde_json::json;

use crate::layout::{State, put_secret};

const TEAM: (&str, &str) = ("team", "");

fn find(resolver: &ReferenceResolver, provider: &str, id: &str) -> Result<String, ReferenceFailure> {
    let reference = json!({ "source": "store", "provider": provider, "id": id });
    let profile = json!({ "type": "api_key", "provider": "x", "keyRef": reference });
    let profiles =
        AuthProfiles::from_json(&json!({ "version": 1, "profiles": { "x:a": profile } }).to_string()).unwrap();
    let text = r#"{ secrets: { providers: { vault: { source: "store" }, other: { source: "env" } } } }"#;
    let config = Config::from_json5_str(text, &ReadOptions::new().environment(Environment::empty())).unwrap();
    let all = resolver.resolve(&profiles, &config, Timestamp::from_millis(0));
    all.get(&SecretRef::new("store", provider, id)).map(|secret| secret.expose().to_owned())
}

fn in_directory(state: &State, provider: &str, id: &str) -> Result<String, ReferenceFailure> {
    find(&StateDir::at(state.path()).with_environment(Environment::empty()).references(), provider, id)
}

#[test]
fn live_secrets_of_the_team_are_found() {
    let state = State::new();
    let shared = state.connect("state/openclaw.sqlite");
    put_secret(&shared, TEAM, "KEY", "sk-team", None);
    put_secret(&shared, TEAM, "GONE", "sk-gone", Some(5));
    put_secret(&shared, ("identity", "somebody"), "KEY", "sk-identity", None);
    put_secret(&shared, ("identity", "somebody"), "OWN", "sk-identity", None);
    put_secret(&shared, TEAM, "BLANK", " ", None);
    put_secret(&shared, TEAM, "REDACTED", "__OPENCLAW_REDACTED__", None);
    drop(shared);
    let before = state.files();
    for (provider, id, found) in [
        ("default", "KEY", Ok("sk-team")),
        ("vault", "KEY", Ok("sk-team")),
        ("other", "KEY", Err(UnknownProvider)),
        ("default", "GONE", Err(NotFound)),
        ("default", "OWN", Err(NotFound)),
        ("default", "NONE", Err(NotFound)),
        ("default", "BLANK", Err(NotAText)),
        ("default", "REDACTED", Err(Placeholder)),
        ("default", "key", Err(InvalidId)),
        ("default", "KEY' OR '1'='1", Err(InvalidId)),
    ] {
        assert_eq!(in_directory(&state, provider, id), found.map(str::to_owned), "{provider} {id}");
    }
    assert_eq!(state.files(), before, "reading changes nothing");
}

#[test]
fn a_store_that_is_not_there_has_no_secrets() {
    assert_eq!(find(&ReferenceResolver::new(), "default", "KEY"), Err(NoStore));
    assert_eq!(in_directory(&State::empty(), "default", "KEY"), Err(NotFound));
    assert_eq!(in_directory(&State::of_july(r#"{"version":1,"profiles":{}}"#, None), "default", "KEY"), Err(NotFound));
    let newer = State::new();
    newer.connect("state/openclaw.sqlite").pragma_update(None, "user_version", 19).unwrap();
    assert_eq!(in_directory(&newer, "default", "KEY"), Err(StoreFailed));
    let damaged = State::empty();
    damaged.write("state/openclaw.sqlite", "sk-not-a-database");
    assert_eq!(in_directory(&damaged, "default", "KEY"), Err(StoreFailed));
}

#[test]
fn a_change_is_seen_after_the_lifetime() {
    let state = State::new();
    let shared = state.connect("state/openclaw.sqlite");
    put_secret(&shared, TEAM, "KEY", "sk-one", None);
    let resolver = StateDir::at(state.path()).with_environment(Environment::empty()).references();
    assert_eq!(find(&resolver, "default", "KEY"), Ok("sk-one".to_owned()));
    put_secret(&shared, TEAM, "KEY", "sk-two", None);
    assert_eq!(find(&resolver, "default", "KEY"), Ok("sk-one".to_owned()));
    resolver.forget();
    assert_eq!(find(&resolver, "default", "KEY"), Ok("sk-two".to_owned()));
}
