//! No secret in any text of the store on OpenClaw's databases, whatever stands in their rows.

use std::time::Duration;

use provider_auth::store::SqliteStore;
use provider_auth::{AuthProfileStore, AuthProfileStoreExt as _, Credential, ProviderId, Secret};
use serde_json::json;

use crate::heard::{Heard, hunt_few};
use crate::layout::{State, agent_database, put_agent, put_secret, put_shared};
use crate::writing::id;

/// What a store says that is opened, read, written and leased.
fn used(heard: &mut Heard, state: &State, agent: &str) {
    let builder = SqliteStore::builder().agent(state.path(), agent).lock_wait(Duration::ZERO);
    heard.debug(&builder);
    let Some(store) = heard.result(builder.build()) else { return };
    if let Some(profiles) = heard.result(store.load()) {
        heard.diagnostics(profiles.diagnostics());
    }
    let key = Credential::api_key(Secret::new(heard.secret.as_str()));
    for name in ["anthropic:a", "anthropic:new"] {
        heard.result(store.upsert(&id(name), &ProviderId::anthropic(), &key, None));
        heard.result(store.remove(&id(name)));
    }
    heard.result(store.set_order(&ProviderId::anthropic(), &[id("anthropic:a")]));
    heard.result(store.lease(&id("anthropic:a"), Duration::ZERO));
    heard.debug(&store);
}

fn walk(heard: &mut Heard) {
    let entry = |name: &str| json!({"type": "api_key", "provider": "anthropic", name: heard.secret});
    let document = json!({"version": 1, "x": heard.secret, "profiles": {
        "anthropic:a": entry("key"), "anthropic:b": entry("token"), "anthropic:c": heard.secret,
    }});
    let whole = document.to_string();
    let state = State::with_shared(&whole).shared_state(&json!({"order": heard.secret}).to_string());
    let state =
        state.agent("work", Some(&whole), Some(&json!({"usageStats": {"anthropic:a": heard.secret}}).to_string()));
    let shared = state.connect("state/openclaw.sqlite");
    put_secret(&shared, ("global", ""), "KEY", &heard.secret, None);
    used(heard, &state, "main");
    used(heard, &state, "work");
    let cut: String = whole.chars().take(whole.chars().count() - 3).collect();
    let own = state.connect(&agent_database("work"));
    for damaged in [&cut, &heard.secret.clone(), &format!("[\"{}\"]", heard.written())] {
        put_shared(&shared, "authProfiles.store", damaged);
        put_agent(&own, Some(damaged), Some(damaged));
        put_shared(&shared, "auth.sharedStore", damaged);
        used(heard, &state, "main");
        used(heard, &state, "work");
    }
    // Somebody else has the database, or it is of a version that is not known, or none at all.
    shared.execute_batch("BEGIN IMMEDIATE").unwrap();
    used(heard, &state, "main");
    shared.execute_batch("ROLLBACK; PRAGMA user_version = 99").unwrap();
    used(heard, &state, "main");
    drop((shared, own));
    state.write("state/openclaw.sqlite", &whole);
    used(heard, &state, "main");
}

#[test]
fn no_secret_of_a_database_is_in_any_text() {
    hunt_few("SQLite", 100, |heard| {
        walk(heard);
        let unheard = heard.unheard();
        assert!(!unheard.iter().any(|path| path.starts_with("store::Sqlite")), "{unheard:?}");
    });
}
