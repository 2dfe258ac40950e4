//! Profiles that are copied from a file to Redis, to OpenClaw's databases, and back to a file, with one call each.

use provider_auth::store::{CopyScope, copy_profiles};
use provider_auth::{AuthProfileStore, AuthProfiles, Credential, FileStore, ProfileId, Secret};

use crate::layout::State;
use crate::server::Server;

const PROFILES: &str = r#"{"version":1,"profiles":{
    "anthropic:a":{"type":"api_key","provider":"anthropic","key":"sk-ant-made-up","email":"a@example.com","metadata":{"team":1.50}},
    "openai:b":{"type":"token","provider":"openai","token":"made-up","expires":1900000000000,"later":[1e2,"\u00e9"]},
    "portal:c":{"type":"oauth","provider":"portal","access":"made-up-a","refresh":"made-up-r","expires":1900000000000,
        "account":{"id":123456789012345678901234567890}}}}"#;

#[test]
fn profiles_move_from_a_file_to_redis_to_sqlite_and_back_with_what_is_not_understood() {
    let Some(server) = Server::start(&[]) else { return };
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| FileStore::new(directory.path().join(name)).unwrap();
    let (file, back, state) = (file("auth-profiles.json"), file("back.json"), State::new());
    let (redis, sqlite) = (server.store("main"), state.store("main"));
    let put = &mut |profiles: &mut AuthProfiles| {
        profiles.replace(AuthProfiles::from_json(PROFILES)?);
        Ok(())
    };
    let before = file.update(put).unwrap();
    assert_eq!(copy_profiles(&file, &redis, CopyScope::WithLogins).unwrap().len(), 3);
    assert_eq!(copy_profiles(&redis, &sqlite, CopyScope::WithLogins).unwrap().len(), 3);
    assert_eq!(copy_profiles(&sqlite, &back, CopyScope::WithLogins).unwrap().len(), 3);
    let after = back.load().unwrap();
    // A store may lay the text out in its own way.
    let values = |profiles: &AuthProfiles| {
        let text = profiles.to_json();
        serde_json::from_str::<serde_json::Value>(text.expose()).unwrap()["profiles"].clone()
    };
    assert_eq!(values(&before), values(&after));
    assert!(before.iter().map(|(id, _)| id).eq(after.iter().map(|(id, _)| id)), "in their order");
    let text: String = after.to_json().expose().split_ascii_whitespace().collect();
    for kept in [r#""metadata":{"team":1.50}"#, r#""later":[1e2,"\u00e9"]"#, r#"{"id":123456789012345678901234567890}"#]
    {
        assert!(text.contains(kept), "{kept} in {text}");
    }
    // What is there already is left alone.
    assert!(copy_profiles(&back, &redis, CopyScope::WithLogins).unwrap().is_empty());

    // An agent that worked on the server takes all of it back to where it came from.
    let portal: ProfileId = "portal:c".parse().unwrap();
    let order = [portal.clone()];
    let work = &mut |profiles: &mut AuthProfiles| {
        let tokens = Credential::oauth(Secret::new("made-up-a2"), Some(Secret::new("made-up-r2")), None);
        profiles.upsert(&portal, &"portal".parse()?, &tokens, None)?;
        profiles.set_order(&"portal".parse()?, &order)
    };
    redis.update(work).unwrap();
    for store in [&sqlite as &dyn AuthProfileStore, &file] {
        assert_eq!(copy_profiles(&redis, store, CopyScope::Everything).unwrap().len(), 3);
        let back = store.load().unwrap();
        let text = back.to_json();
        assert!(text.expose().contains("made-up-r2") && !text.expose().contains(r#""made-up-r""#));
        assert_eq!(back.order(&"portal".parse().unwrap()), Some(&order[..]));
    }
}
