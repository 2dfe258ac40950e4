//! Names of providers in the databases of an OpenClaw that keeps them as written.

use provider_auth::status::StatusReport;
use provider_auth::{
    AuthProfileStore, AuthProfileStoreExt, Credential, Environment, ProviderId, Query, Secret, StateDir, Timestamp,
};
use serde_json::Value;

use crate::layout::State;
use crate::writing::id;

const EMPTY: &str = r#"{"version":1,"profiles":{}}"#;

#[test]
fn a_profile_keeps_the_name_it_is_stored_under_and_is_found_under_all() {
    let state = State::with_shared(EMPTY);
    let store = state.store("main");
    let (written, newest) = (ProviderId::new("Z.AI").unwrap(), ProviderId::new("zai").unwrap());
    let key = Credential::api_key(Secret::new("zai-example"));
    store.upsert(&id("zai:default"), &written, &key, None).unwrap();
    store.set_order(&written, &[id("zai:default")]).unwrap();
    let row = |name: &str| serde_json::from_str::<Value>(&state.shared_row(name).unwrap()).unwrap();
    assert_eq!(row("authProfiles.store")["profiles"]["zai:default"]["provider"], "z.ai");
    assert!(row("authProfiles.state")["order"].get("z.ai").is_some());

    let profiles = store.load().unwrap();
    assert_eq!(profiles.order(&newest), Some(&[id("zai:default")][..]));
    let config = StateDir::at(state.path()).with_environment(Environment::empty()).config().unwrap();
    assert!(config.resolve(&profiles, &Query::new(&newest), Timestamp::from_millis(1)).is_ok());
    let report = StatusReport::builder(&config, &profiles).build(Timestamp::from_millis(1));
    let told: Value = serde_json::from_str(&report.to_json()).unwrap();
    let rows = told["auth"]["providers"].as_array().unwrap();
    assert_eq!(rows.iter().map(|row| row["provider"].as_str().unwrap()).collect::<Vec<_>>(), ["z.ai"]);
    // The configuration says nothing of its release, but the database does.
    assert_eq!(told["defaultModel"], "openai/gpt-6-astra");
    assert!(told.get("utilityModel").is_some());
}
