//! Which database each change is written to, and that nothing else changes.
use provider_auth::credential::Tokens;
use provider_auth::store::SqliteStore;
use provider_auth::{
    AuthProfileStore, AuthProfileStoreExt, AuthProfiles, Credential, ErrorKind, Failure, FailureReason, ProfileId,
    ProfileSelector, ProviderId, Query, RecordOutcome, Result, Secret, Timestamp,
};

use crate::layout::{State, agent_database, is_private};

pub(crate) fn id(name: &str) -> ProfileId {
    ProfileId::new(name).unwrap()
}

pub(crate) fn put(store: &SqliteStore, name: &str, key: &str) -> Result<()> {
    let provider = ProviderId::new(name.split(':').next().unwrap()).unwrap();
    store.upsert(&id(name), &provider, &Credential::api_key(Secret::new(key)), None)
}

pub(crate) const SHARED: &str = r#"{"version":1,"later":{"n":1.50},"profiles":{"anthropic:default":{"type":"api_key","provider":"anthropic","key":"sk-ant-shared","mood":"good"},"openai:a":{"type":"api_key","provider":"openai","key":"sk-shared"}}}"#;
const OWN: &str =
    r#"{"version":1,"profiles":{"anthropic:own":{"type":"api_key","provider":"anthropic","key":"sk-ant-own"}}}"#;
const EMPTY: &str = r#"{"version":1,"profiles":{}}"#;

/// The databases of `work`'s directory whose rows differ from those before, and the names of the rows.
fn changed(state: &State, before: &[Vec<(String, String, i64)>; 3]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, (old, new)) in DATABASES.iter().zip(before.iter().zip(rows(state))) {
        for row in &new {
            if !old.contains(row) {
                found.push(format!("{name}/{}", row.0));
            }
        }
        for row in old {
            if !new.iter().any(|other| other.0 == row.0) {
                found.push(format!("{name}/-{}", row.0));
            }
        }
    }
    found
}

const DATABASES: [&str; 3] = ["shared", "main", "work"];

fn rows(state: &State) -> [Vec<(String, String, i64)>; 3] {
    [state.rows("state/openclaw.sqlite"), state.rows(&agent_database("main")), state.rows(&agent_database("work"))]
}

/// Runs a change on a store of an agent and gives the rows that were written; the databases are whole and private after it.
fn writes(state: &State, agent: &str, change: impl FnOnce(&SqliteStore) -> Result<()>) -> Vec<String> {
    let before = rows(state);
    let store = state.store(agent);
    change(&store).unwrap();
    let seen = store.load().unwrap().to_json();
    assert_eq!(seen, state.store(agent).load().unwrap().to_json(), "the store sees what is there");
    for path in ["state/openclaw.sqlite".to_owned(), agent_database("main"), agent_database("work")] {
        let path = state.path().join(path);
        if !path.exists() {
            continue;
        }
        let check: String =
            state.connect(path.to_str().unwrap()).query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
        for file in std::fs::read_dir(path.parent().unwrap()).unwrap().map(Result::unwrap) {
            let is_directory = file.file_type().unwrap().is_dir();
            assert!(is_directory || is_private(&file.path()), "{}", file.path().display());
            assert!(!file.file_name().to_string_lossy().ends_with(".json"), "{}", file.path().display());
        }
    }
    changed(state, &before)
}

pub(crate) fn both() -> State {
    State::with_shared(SHARED).agent("work", Some(OWN), None)
}

#[test]
fn a_new_credential_of_the_default_agent_goes_to_the_shared_store() {
    for state in [State::with_shared(SHARED), State::with_shared(SHARED).agent("main", Some(EMPTY), None)] {
        assert_eq!(
            writes(&state, "main", |store| put(store, "anthropic:b", "sk-ant-b")),
            ["shared/authProfiles.store"]
        );
        let row = state.shared_row("authProfiles.store").unwrap();
        let added = r#","anthropic:b":{"type":"api_key","provider":"anthropic","key":"sk-ant-b"}}}"#;
        assert_eq!(row, format!("{}{added}", SHARED.strip_suffix("}}").unwrap()), "everything else keeps its text");
    }
}

#[test]
fn a_credential_of_another_agent_goes_to_its_own_database() {
    let state = both();
    assert_eq!(writes(&state, "work", |store| put(store, "anthropic:b", "sk-ant-b")), ["work/store"]);
    // Another key under an inherited id is its own from then on.
    assert_eq!(writes(&state, "work", |store| put(store, "openai:a", "sk-mine")), ["work/store"]);
    assert!(state.shared_row("authProfiles.store").unwrap().contains("sk-shared"));
    let seen = state.store("work").load().unwrap();
    assert_eq!(seen.get("openai:a").unwrap().credential().unwrap().secret().expose(), "sk-mine");
}

#[test]
fn an_agent_without_a_database_cannot_have_credentials_of_its_own() {
    let state = State::with_shared(SHARED);
    let before = rows(&state);
    let error = put(&state.store("work"), "anthropic:b", "sk-ant-b").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoDatabase);
    assert!(error.help().contains("openclaw models auth"), "{}", error.help());
    assert_eq!(changed(&state, &before), [""; 0]);
    assert!(!state.path().join("agents").exists());
}

#[test]
fn the_default_agent_need_not_be_main() {
    let state = both();
    let store = SqliteStore::builder().agent(state.path(), "work").default_agent(true).build().unwrap();
    let before = rows(&state);
    put(&store, "anthropic:b", "sk-ant-b").unwrap();
    assert_eq!(changed(&state, &before), ["shared/authProfiles.store"]);
    // One that is its own stays where it is.
    let before = rows(&state);
    put(&store, "anthropic:own", "sk-ant-new").unwrap();
    assert_eq!(changed(&state, &before), ["work/store"]);
}

#[test]
fn an_order_goes_to_the_agents_database_or_else_to_everybody() {
    let order = |store: &SqliteStore| store.set_order(&ProviderId::anthropic(), &[id("anthropic:default")]).map(drop);
    let state = both();
    assert!(!state.store("work").order_is_shared().unwrap());
    assert_eq!(writes(&state, "work", order), ["work/state"]);
    let state = State::with_shared(SHARED);
    assert!(state.store("work").order_is_shared().unwrap());
    assert_eq!(writes(&state, "work", order), ["shared/authProfiles.state"]);
    assert_eq!(
        state.shared_row("authProfiles.state").unwrap(),
        r#"{"version":1,"order":{"anthropic":["anthropic:default"]}}"#
    );
    // With no row of credentials beside it OpenClaw would not read it.
    let state = State::with_shared(SHARED).agent("main", None, None);
    assert_eq!(writes(&state, "main", order), ["main/state", "main/store"]);
    assert_eq!(
        state.rows(&agent_database("main")).iter().map(|row| row.1.as_str()).collect::<Vec<_>>(),
        [r#"{"version":1,"order":{"anthropic":["anthropic:default"]}}"#, EMPTY,]
    );
    // An empty state has no row.
    let clear = |store: &SqliteStore| store.clear_order(&ProviderId::anthropic()).map(drop);
    assert_eq!(writes(&state, "main", clear), ["main/-state"]);
}

fn fail(store: &SqliteStore, profile: &str, reason: FailureReason, now: i64) -> Result<()> {
    let now = Timestamp::from_millis(now);
    let provider = ProviderId::new(profile.split(':').next().unwrap()).unwrap();
    let selector = ProfileSelector::default();
    let query = Query::new(&provider).locked(id(profile));
    let selection = selector.select(&*store.load()?, &query, now)?;
    store.record_failure(&selector, &selection.receipt, &Failure::new(reason), now)
}

#[test]
fn statistics_go_to_the_database_that_holds_the_profile() {
    let now = 1_800_000_000_000;
    let state = both();
    assert_eq!(
        writes(&state, "work", |store| fail(store, "openai:a", FailureReason::RateLimit, now)),
        ["shared/authProfiles.state"]
    );
    assert_eq!(
        writes(&state, "work", |store| fail(store, "anthropic:own", FailureReason::Billing, now)),
        ["work/state"]
    );
    // What one agent learned of a shared key, another one knows.
    let main = state.store("main").load().unwrap();
    let query = Query::new(&ProviderId::new("openai").unwrap());
    assert!(ProfileSelector::default().select(&main, &query, Timestamp::from_millis(now)).is_err());
    // An entry in the agent's state would hide the one that counts for all, so it goes.
    let state = State::with_shared(SHARED).agent(
        "work",
        Some(OWN),
        Some(r#"{"version":1,"usageStats":{"openai:a":{"lastUsed":5}}}"#),
    );
    let written = writes(&state, "work", |store| fail(store, "openai:a", FailureReason::RateLimit, now));
    assert_eq!(written, ["shared/authProfiles.state", "work/-state"]);
}

#[test]
fn an_own_profile_can_be_removed_and_an_inherited_one_cannot() {
    let order = r#"{"version":1,"order":{"anthropic":["anthropic:own","anthropic:default"]},"usageStats":{"anthropic:own":{"lastUsed":5}}}"#;
    let state = State::with_shared(SHARED).shared_state(order).agent("work", Some(OWN), Some(order));
    assert_eq!(writes(&state, "work", |store| store.remove(&id("anthropic:own"))), ["work/state", "work/store"]);
    assert!(
        state.shared_row("authProfiles.state").unwrap().contains("anthropic:own"),
        "the shared state is not its own"
    );
    let before = rows(&state);
    let error = state.store("work").remove(&id("openai:a")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InheritedProfile);
    assert!(error.to_string().contains("the shared store"), "{error}");
    assert_eq!(changed(&state, &before), [""; 0]);
    assert_eq!(writes(&state, "main", |store| store.remove(&id("openai:a"))), ["shared/authProfiles.store"]);
}

#[test]
fn removing_a_shared_profile_leaves_an_order_elsewhere_alone() {
    let order = r#"{"version":1,"order":{"anthropic":["anthropic:b","anthropic:default"]}}"#;
    let shared = r#"{"version":1,"profiles":{"anthropic:default":{"type":"api_key","provider":"anthropic","key":"k"},"anthropic:b":{"type":"api_key","provider":"anthropic","key":"k"}}}"#;
    let state = State::with_shared(shared).agent("main", Some(EMPTY), Some(order));
    assert_eq!(writes(&state, "main", |store| store.remove(&id("anthropic:b"))), ["shared/authProfiles.store"]);
    let seen = state.store("main").load().unwrap();
    let query = Query::new(&ProviderId::anthropic());
    let selection = ProfileSelector::default().select(&seen, &query, Timestamp::from_millis(0)).unwrap();
    assert_eq!(selection.profile.as_str(), "anthropic:default");
}

#[test]
fn new_tokens_of_an_inherited_login_go_to_its_owner() {
    let login = r#"{"version":1,"profiles":{"anthropic:me":{"type":"oauth","provider":"anthropic","access":"a-1","refresh":"r-1","expires":1}}}"#;
    let state = State::with_shared(login).agent("work", Some(OWN), None);
    let tokens = Tokens::new(Secret::new("a-2")).refresh(Secret::new("r-2"));
    let renew = |store: &SqliteStore| {
        store.transact(|profiles| {
            assert!(profiles.apply_refresh(
                &id("anthropic:me"),
                &Secret::new("r-1"),
                &tokens,
                Some(Timestamp::from_millis(5))
            )?);
            Ok(())
        })
    };
    assert_eq!(writes(&state, "work", renew), ["shared/authProfiles.store"]);
    assert!(state.shared_row("authProfiles.store").unwrap().contains("a-2"));
}

#[test]
fn unknown_members_and_entries_keep_their_text() {
    let shared = r#"{"version":1,"profiles":{"x:quantum":{"type":"entangled","spin":0.10},"anthropic:a":{"type":"api_key","provider":"anthropic","key":"k","n":123456789012345678901234567890}},"future":[1.0,"\u00e9 \" x"]}"#;
    let state = State::with_shared(shared)
        .shared_state(r#"{"version":1,"later":{"a":1e400},"usageStats":{"gone:x":{"lastUsed":5,"mood":"good"}}}"#);
    let written = writes(&state, "main", |store| fail(store, "anthropic:a", FailureReason::Billing, 1_800_000_000_000));
    assert_eq!(written, ["shared/authProfiles.state"]);
    let text = state.shared_row("authProfiles.state").unwrap();
    assert!(
        text.starts_with(
            r#"{"version":1,"later":{"a":1e400},"usageStats":{"gone:x":{"lastUsed":5,"mood":"good"},"anthropic:a":{"#
        ),
        "{text}"
    );
    let _ = writes(&state, "main", |store| put(store, "anthropic:b", "k2"));
    let text = state.shared_row("authProfiles.store").unwrap();
    assert!(
        text.contains(r#""x:quantum":{"type":"entangled","spin":0.10}"#)
            && text.ends_with(r#""future":[1.0,"\u00e9 \" x"]}"#),
        "{text}"
    );
}

#[test]
fn only_what_changed_is_written_and_nothing_else_in_the_database() {
    let state = both();
    let before = state.rows("state/openclaw.sqlite");
    state.store("main").update(&mut |_| Ok(())).unwrap();
    put(&state.store("main"), "openai:a", "sk-shared").unwrap();
    let after = state.rows("state/openclaw.sqlite");
    assert_eq!(before, after, "the same credential again is no change");
    put(&state.store("main"), "openai:a", "sk-2").unwrap();
    let shared = state.connect("state/openclaw.sqlite");
    let number = |sql: &str| shared.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!((number("PRAGMA user_version"), number("SELECT count(*) FROM others")), (18, 1));
    let journal: String = shared.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(journal, "wal");
    let later = state.rows("state/openclaw.sqlite");
    assert!(
        later.iter().any(|(key, _, at)| key == "authProfiles.store" && *at > 1_700_000_000_000),
        "the time is in milliseconds"
    );
    assert!(later.iter().any(|(key, _, at)| key == "auth.sharedStore" && *at == 1_000));
}

#[test]
fn an_old_file_that_waits_for_its_import_forbids_every_change() {
    let old =
        r#"{"version":1,"profiles":{"anthropic:old":{"type":"api_key","provider":"anthropic","key":"sk-ant-old"}}}"#;
    let home = |state: &State, agent: &str| {
        let directory = state.path().join(format!("agents/{agent}/agent"));
        std::fs::create_dir_all(&directory).unwrap();
        directory
    };
    for (name, own) in [("auth-profiles.json", None), ("auth.json", None), ("auth-profiles.json", Some(EMPTY))] {
        let state = match own {
            Some(own) => State::with_shared(SHARED).agent("main", Some(own), None),
            None => State::with_shared(SHARED),
        };
        std::fs::write(home(&state, "main").join(name), old).unwrap();
        let store = state.store("main");
        assert!(store.load().unwrap().get("anthropic:old").is_none(), "the old file is never used");
        let before = rows(&state);
        let error = put(&store, "openai:a", "sk-2").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MigrationPending);
        assert!(error.help().contains("openclaw doctor --fix"));
        assert_eq!(changed(&state, &before), [""; 0]);
    }
    // Logins of 2025 stop it for main, and what waits in main's directory stops everybody where no profile is shared.
    for (agent, shared) in [("main", SHARED), ("work", EMPTY)] {
        let state = State::with_shared(shared).agent("work", Some(OWN), None);
        state.write("credentials/oauth.json", r#"{"anthropic":{"access":"a","refresh":"r","expires":1}}"#);
        let error = put(&state.store(agent), "anthropic:new", "k").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MigrationPending, "{agent}");
        assert!(state.store(agent).unimported_file().unwrap().unwrap().ends_with("credentials/oauth.json"));
    }
    // A database with profiles of the agent's own is what OpenClaw uses, whatever lies beside it.
    let state = both();
    std::fs::write(home(&state, "work").join("auth-profiles.json"), old).unwrap();
    put(&state.store("work"), "anthropic:own", "sk-ant-2").unwrap();
}

#[test]
fn an_inherited_order_is_not_cleared_for_everybody() {
    let order = r#"{"version":1,"order":{"Anthropic":["anthropic:default"]}}"#;
    let state = State::with_shared(SHARED).shared_state(order).agent("work", Some(OWN), None);
    let anthropic = ProviderId::anthropic();
    assert_eq!(writes(&state, "work", |store| store.clear_order(&anthropic).map(drop)), [""; 0]);
    assert_eq!(
        writes(&state, "work", |store| store.set_order(&anthropic, &[id("anthropic:own")]).map(drop)),
        ["work/state"]
    );
    assert_eq!(writes(&state, "work", |store| store.clear_order(&anthropic).map(drop)), ["work/-state"]);
    assert_eq!(state.shared_row("authProfiles.state").as_deref(), Some(order));
    // An agent without a database of its own has no other.
    assert_eq!(
        writes(&state, "other", |store| store.clear_order(&anthropic).map(drop)),
        ["shared/-authProfiles.state"]
    );
}

#[test]
fn another_account_under_an_inherited_id_is_the_agents_own() {
    let login = r#"{"version":1,"profiles":{"anthropic:me":{"type":"oauth","provider":"anthropic","email":"me@example.com","access":"a-1","refresh":"r-1","expires":1}}}"#;
    let state = State::with_shared(login).agent("work", Some(OWN), None);
    let other = |email| {
        move |store: &SqliteStore| {
            let login =
                Credential::oauth(Secret::new("a-2"), Some(Secret::new("r-2")), Some(Timestamp::from_millis(5)));
            store.upsert(&id("anthropic:me"), &ProviderId::anthropic(), &login, Some(email))
        }
    };
    assert_eq!(writes(&state, "work", other("you@example.com")), ["work/store"]);
    assert!(state.shared_row("authProfiles.store").unwrap().contains("a-1"));
}

/// Whether the agent has a database of its own or not, what nobody understands stays when a document is put in the place of
/// the one that is there.
#[test]
fn a_document_in_the_place_of_another_loses_nothing_that_is_not_understood() {
    let state = r#"{"version":1,"order":7,"usageStats":{"openai:a":{"lastUsed":1}}}"#;
    let both = [State::with_shared(SHARED), State::with_shared(SHARED).agent("main", Some(EMPTY), None)];
    for state in both.map(|made| made.shared_state(state)) {
        let store = state.store("main");
        let other =
            AuthProfiles::from_json(r#"{"profiles":{"openai:b":{"type":"api_key","provider":"openai","key":"k"}}}"#)
                .unwrap();
        store
            .update(&mut |profiles| {
                profiles.replace(other.clone());
                Ok(())
            })
            .unwrap();
        assert!(state.shared_row("authProfiles.store").unwrap().contains(r#""later":{"n":1.50}"#));
        assert!(state.shared_row("authProfiles.state").unwrap().contains(r#""order":7"#));
        let ids: Vec<_> = store.load().unwrap().iter().map(|(id, _)| id.to_string()).collect();
        assert_eq!(ids, ["openai:b"]);
    }
}

/// A state counts only beside a store: one that lies there alone comes into force with the first change.
#[test]
fn a_state_without_a_store_comes_into_force() {
    let order = r#"{"version":1,"order":{"openai":["openai:a"]}}"#;
    let state = State::with_shared(SHARED).agent("work", None, Some(order));
    let store = state.store("work");
    let openai = ProviderId::new("openai").unwrap();
    assert_eq!(store.load().unwrap().order(&openai), None);
    store.set_order(&openai, &[id("openai:a")]).unwrap();
    assert_eq!(store.load().unwrap().order(&openai), Some(&[id("openai:a")][..]));
    assert_eq!(state.store("work").load().unwrap().order(&openai), Some(&[id("openai:a")][..]));
}
