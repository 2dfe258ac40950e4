//! State directories: what is found, which store is opened, and what is reported about files that no store reads.
//! Databases are empty files here, because they are only looked for; `tests/backends` has real ones.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may stop where it fails, and writes its own files"
)]
#![cfg(all(unix, feature = "file"))]

use std::fs;
use std::path::Path;
use std::process::Command;

use provider_auth::error::DiagnosticCode;
use provider_auth::state_dir::{AgentStore, LeftoverKind, StoreLayout};
use provider_auth::status::StatusReport;
use provider_auth::{
    AuthProfileStore, AuthProfileStoreExt, AuthProfiles, Credential, Environment, ErrorKind, FileStore, ProviderId,
    Query, ReadOptions, Secret, StateDir, Timestamp,
};
use serde_json::json;
use tempfile::TempDir;

use crate::NAME;
use crate::support::{id, provider};

const AGENT: &str = "agents/main/agent";
const SHARED: &str = "state/openclaw.sqlite";

/// A state directory with these files.
fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (below, text) in files {
        let path = directory.path().join(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    directory
}

fn at(directory: &TempDir) -> StateDir {
    StateDir::at(directory.path()).with_environment(Environment::empty())
}

/// A document with a profile of each of these names.
fn document(names: &[&str]) -> String {
    let profile = |name: &&str| ((*name).to_owned(), json!({ "type": "api_key", "provider": "x", "key": "made-up" }));
    json!({ "version": 1, "profiles": names.iter().map(profile).collect::<serde_json::Map<_, _>>() }).to_string()
}

#[test]
fn what_is_there_is_found_and_not_opened() {
    let (file, state) = (format!("{AGENT}/{NAME}"), format!("{AGENT}/auth-state.json"));
    let (older, own) = (format!("{AGENT}/auth.json"), format!("{AGENT}/openclaw-agent.sqlite"));
    let cases: [(&[&str], StoreLayout, &str); 10] = [
        (&[], StoreLayout::Nothing, "none"),
        (&["openclaw.json", "state/other", "agents/work/agent/auth-profiles.json"], StoreLayout::Nothing, "none"),
        (&[&file], StoreLayout::Json, "json"),
        (&[&older], StoreLayout::Json, "json"),
        (&[&file, &state], StoreLayout::JsonAndState, "json_and_state"),
        (&[SHARED], StoreLayout::Sqlite, "sqlite"),
        (&[&own], StoreLayout::Sqlite, "sqlite"),
        (&[SHARED, &own], StoreLayout::Sqlite, "sqlite"),
        (&[SHARED, &file], StoreLayout::Both, "both"),
        (&[&own, &file, &state], StoreLayout::Both, "both"),
    ];
    for (files, layout, name) in cases {
        let directory = directory(&files.iter().map(|file| (*file, "{}")).collect::<Vec<_>>());
        // Nobody writes into a pipe, so that whoever opens one waits for ever.
        for database in files.iter().filter(|file| file.ends_with("sqlite")) {
            let path = directory.path().join(database);
            fs::remove_file(&path).unwrap();
            assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        }
        let found = at(&directory).layout("main").unwrap();
        assert_eq!(found, layout, "{files:?}");
        assert_eq!((found.as_str(), found.to_string().as_str(), json!(found)), (name, name, json!(name)));
        let _ = at(&directory).store("main");
        assert_eq!(at(&directory).leftovers("main", &AuthProfiles::new()).len(), usize::from(name == "both"));
    }
}

#[test]
fn a_directory_of_old_is_a_file_store_like_any_other() {
    for files in [&[][..], &[("openclaw.json", "{ meta: { lastTouchedVersion: '2026.2.9' }, agents: { list: [] } }")]] {
        let (ours, plain) = (directory(files), directory(files));
        let door = at(&ours).store("main").unwrap();
        assert_eq!(door.path(), ours.path().join(AGENT).join(NAME));
        assert_eq!(door.agent_dir(), ours.path().join(AGENT));
        assert!(!door.order_is_shared().unwrap() && door.may_block());
        let file = FileStore::builder().agent(plain.path(), "main").build().unwrap();
        let key = Credential::api_key(Secret::new("made-up"));
        for store in [&door as &dyn AuthProfileStore, &file] {
            store.upsert(&id("x:a"), &provider("x"), &key, None).unwrap();
            store.set_order(&provider("x"), &[id("x:a")]).unwrap();
        }
        let bytes = |directory: &TempDir| fs::read(directory.path().join(AGENT).join(NAME)).unwrap();
        assert_eq!(bytes(&ours), bytes(&plain));
        assert_eq!(at(&ours).store(None).unwrap().load().unwrap().len(), 1);
    }
}

#[test]
fn where_a_newer_openclaw_has_been_no_file_is_made() {
    let cases: [&[(&str, &str)]; 5] = [
        &[("state/anything", "")],
        &[("openclaw.json", "{ agents: { entries: { main: {} } } }")],
        &[("openclaw.json", "{ meta: { lastTouchedVersion: '2026.6.11' } }")],
        // Something else is wrong with it.
        &[("openclaw.json", "{ auth: { order: 7 }, meta: { lastTouchedVersion: '2026.9.6' } }")],
        &[("clawdbot.json", "{ $include: 'all.json' }"), ("all.json", "{ agents: { entries: {} } }")],
    ];
    for files in cases {
        let directory = directory(files);
        let error = at(&directory).store("work").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoDatabase, "{files:?}");
        assert!(error.help().contains("`openclaw models auth paste-api-key --agent work "), "{}", error.help());
        assert!(!directory.path().join("agents").exists());
        // Credentials that are there already are read where they are.
        fs::create_dir_all(directory.path().join(AGENT)).unwrap();
        fs::write(directory.path().join(AGENT).join(NAME), document(&["x:a"])).unwrap();
        assert_eq!(at(&directory).store("main").unwrap().load().unwrap().len(), 1);
    }
    // A configuration that nobody can read says nothing.
    for text in ["{ agents: ", "", "\u{0}", "{ meta: { lastTouchedVersion: '2026.9.6' "] {
        let directory = directory(&[("openclaw.json", text)]);
        assert!(matches!(at(&directory).store(None), Ok(AgentStore::File(_))), "{text}");
        assert_eq!(at(&directory).default_agent(), "main");
    }
}

#[cfg(not(feature = "sqlite"))]
#[test]
fn a_program_without_sqlite_says_so() {
    for files in [
        &[(SHARED, "")][..],
        &[("agents/main/agent/openclaw-agent.sqlite", ""), ("agents/main/agent/auth-profiles.json", "{}")],
    ] {
        let directory = directory(files);
        let error = at(&directory).store(None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongStore);
        assert!(error.help().contains("This program was built without SQLite"), "{}", error.help());
        assert_eq!(error.location().unwrap().path.as_deref(), Some(directory.path()));
    }
}

#[cfg(feature = "sqlite")]
#[test]
fn a_program_with_sqlite_opens_the_databases() {
    let directory = directory(&[(SHARED, "")]);
    let store = at(&directory).store(None).unwrap();
    assert!(matches!(store, AgentStore::Sqlite(_)));
    assert_eq!(store.path(), directory.path().join(SHARED));
    assert_eq!(store.agent_dir(), directory.path().join(AGENT));
}

#[test]
fn the_configuration_says_where_an_agent_lives_and_who_is_meant() {
    let home = directory(&[]);
    let place = home.path().join("elsewhere");
    let text = json!({ "agents": { "list": [
        { "id": "Work", "default": true, "agentDir": place },
        { "id": "home", "agentDir": "~/own" },
        { "id": "env", "agentDir": "${PLACE}/env" },
        { "id": "plain" },
    ] } });
    let directory = directory(&[("openclaw.json", &text.to_string()), (".env", "PLACE=/srv/place")]);
    let path = home.path().to_str().unwrap().to_owned();
    let environment = Environment::from_fn(move |name| (name == "HOME").then(|| path.clone()));
    let state = at(&directory).with_environment(environment);
    assert_eq!(state.default_agent(), "work");
    let dir = |agent: Option<&str>| state.store(agent).unwrap().agent_dir().to_owned();
    assert_eq!(dir(None), place);
    assert_eq!(dir(Some("WORK")), place);
    assert_eq!(dir(Some("home")), home.path().join("own"));
    assert_eq!(dir(Some("env")), Path::new("/srv/place/env"));
    for usual in ["plain", "other"] {
        assert_eq!(dir(Some(usual)), directory.path().join("agents").join(usual).join("agent"));
    }
    // Its database counts there, and not where it would be otherwise.
    fs::create_dir_all(&place).unwrap();
    fs::write(place.join("openclaw-agent.sqlite"), "").unwrap();
    assert_eq!(state.layout(None).unwrap(), StoreLayout::Sqlite);
    assert_eq!(state.layout("plain").unwrap(), StoreLayout::Nothing);
    for (written, read) in [("Pla in", "pla-in"), ("v1.2", "v1-2"), (" PLAIN!", "plain")] {
        let usual = directory.path().join("agents").join(read).join("agent");
        assert_eq!(dir(Some(written)), usual, "{written}");
        assert_eq!(StateDir::agent_id(written).unwrap(), read);
    }
    for bad in ["", "..", "a/b", "a\\b", "a\nb", "!!", "../main"] {
        assert_eq!(state.layout(bad).unwrap_err().kind(), ErrorKind::InvalidId, "{bad:?}");
        assert_eq!(state.store(bad).unwrap_err().kind(), ErrorKind::InvalidId, "{bad:?}");
    }
    let homeless = at(&directory).store("home").unwrap_err();
    assert_eq!(homeless.kind(), ErrorKind::NotFound);
}

#[test]
fn a_state_directory_that_has_moved_still_has_its_agents() {
    let original = directory(&[("agents/work/agent/auth-profiles.json", &document(&["x:original"]))]);
    let there = original.path().join("agents/work/agent");
    let config = |place: &Path| json!({ "agents": { "list": [{ "id": "work", "agentDir": place }] } }).to_string();
    let moved = directory(&[("agents/work/agent/auth-profiles.json", &document(&["x:moved"]))]);
    let listed = |place: &Path| {
        fs::write(moved.path().join("openclaw.json"), config(place)).unwrap();
        let store = at(&moved).store(None).unwrap();
        store.load().unwrap().iter().map(|(id, _)| id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(listed(Path::new("/home/user/.openclaw/agents/work/agent")), ["x:moved"]);
    // What is there is meant, and a place that was chosen stays chosen.
    assert_eq!(listed(&there), ["x:original"]);
    assert!(listed(Path::new("/srv/keys/of/work")).is_empty());
    assert!(listed(Path::new("/home/user/.openclaw/agents/other/agent")).is_empty());
}

#[test]
fn the_configuration_and_the_variables_beside_it() {
    let directory = directory(&[(".env", "# keys\nMODEL=anthropic/claude-opus-5\nOPENAI_API_KEY=made-up\n")]);
    let state = at(&directory);
    assert_eq!(state.config().unwrap().primary_model(None), None);
    assert_eq!(state.config_path(), directory.path().join("openclaw.json"));
    assert!(state.environment().unwrap().credential(&ProviderId::new("openai").unwrap()).is_some());
    let text = "{ agents: { defaults: { model: '${MODEL}' } } }";
    fs::write(directory.path().join("moltbot.json"), text).unwrap();
    assert_eq!(state.config().unwrap().primary_model(None), Some("anthropic/claude-opus-5"));
    // The caller's own variables are not filled up behind its back.
    let bare = ReadOptions::new().environment(Environment::empty());
    assert_eq!(state.config_with(&bare).unwrap_err().kind(), ErrorKind::MissingVariable);
    // A file that was named has to be there.
    let named = state.clone().with_config_path(directory.path().join("mine.json5"));
    assert_eq!(named.config().unwrap_err().kind(), ErrorKind::NotFound);

    let file = directory.path().join(".env");
    fs::write(&file, "x".repeat((1 << 20) + 1)).unwrap();
    assert_eq!(state.environment().unwrap_err().kind(), ErrorKind::TooLarge);
    fs::remove_file(&file).unwrap();
    assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
    assert_eq!(state.config().unwrap_err().kind(), ErrorKind::NotAFile);
    assert!(state.environment().unwrap_err().to_string().contains(".env"));
    assert!(state.store(None).is_ok());
}

#[test]
fn one_call_reports_what_several_find() {
    let name = format!("{AGENT}/{NAME}");
    let home = directory(&[
        (&name, &document(&["x:a"])),
        (&format!("{name}.bak"), &document(&["x:old"])),
        ("agents/work/agent/auth-profiles.json", &document(&["x:b"])),
        ("openclaw.json", "{ agents: { list: [{ id: 'work', default: true }] }, auht: {} }"),
        (".env", "GROQ_API_KEY=gsk_made_up_for_a_test"),
    ]);
    let now = Timestamp::from_millis(1_700_000_000_000);
    let ids = |report: &StatusReport| report.profiles().map(|profile| profile.id.to_string()).collect::<Vec<_>>();
    let told = |report: &StatusReport, code| report.diagnostics.iter().filter(|found| found.code == code).count();
    let environment = Environment::from_fn({
        let home = home.path().to_str().unwrap().to_owned();
        move |name| (name == "HOME").then(|| home.clone())
    });
    let state = at(&home).with_environment(environment);

    let report = state.status("main", now).unwrap();
    assert_eq!((ids(&report), report.now), (vec!["x:a".to_owned()], now));
    assert_eq!(report.provider(&provider("groq")).unwrap().environment.as_ref().unwrap().variable, "GROQ_API_KEY");
    assert_eq!((told(&report, DiagnosticCode::LeftBehind), told(&report, DiagnosticCode::UnknownKey)), (1, 1));
    let text = report.to_string();
    for line in ["Config:       ~/openclaw.json\n", "Agent:        main\n", &format!("Profiles:     ~/{name}\n")] {
        assert!(text.contains(line), "{line}{text}");
    }
    assert!(!text.contains("made_up") && !text.ends_with('\n'), "{text}");

    let report = state.status(None, now).unwrap();
    assert_eq!((report.agent_id.as_deref(), ids(&report)), (Some("work"), vec!["x:b".to_owned()]));

    // What cannot be read is reported, and hides nothing else.
    fs::remove_file(home.path().join(".env")).unwrap();
    fs::create_dir_all(home.path().join(".env")).unwrap();
    let report = state.status("main", now).unwrap();
    assert_eq!((ids(&report).len(), told(&report, DiagnosticCode::UnreadableFile)), (1, 1));
    fs::write(home.path().join(&name), "{").unwrap();
    assert!(state.status("main", now).unwrap_err().is_corrupt());
    assert_eq!(fs::read_to_string(home.path().join(&name)).unwrap(), "{");
}

#[test]
fn an_error_about_a_missing_key_names_the_file_that_was_read() {
    let home = directory(&[("agents/work/agent/auth-profiles.json", &document(&["x:a"]))]);
    let state = at(&home);
    let file = |agent: &str| home.path().join(format!("agents/{agent}/agent/auth-profiles.json"));
    let refused = |agent: &str, query: &Query| {
        let profiles = state.store(agent).unwrap().load().unwrap();
        state.config().unwrap().resolve(&profiles, query, Timestamp::from_millis(1_700_000_000_000)).unwrap_err()
    };
    // Also if there is no file yet, which is how a mistaken directory looks.
    for agent in ["main", "work"] {
        let error = refused(agent, &Query::new(&provider("anthropic")));
        assert_eq!(error.kind(), ErrorKind::MissingApiKey);
        assert_eq!(error.location().unwrap().path.as_deref(), Some(&*file(agent)));
        let text = format!("No API key found for provider \"anthropic\" ({})", file(agent).display());
        assert_eq!(error.to_string(), text);
        let error = refused(agent, &Query::new(&provider("x")).locked(id("x:b")));
        assert_eq!(error.kind(), ErrorKind::MissingCredentials);
        assert!(error.to_string().contains(file(agent).to_str().unwrap()), "{error}");
    }
    // What other processes and this one write changes nothing about it.
    let store = state.store("main").unwrap();
    store.upsert(&id("x:c"), &provider("x"), &Credential::api_key(Secret::new("made-up")), None).unwrap();
    let query = Query::new(&provider("anthropic"));
    let now = Timestamp::from_millis(1_700_000_000_000);
    let error = state.config().unwrap().resolve(&store.load().unwrap(), &query, now).unwrap_err();
    assert_eq!(error.location().unwrap().path.as_deref(), Some(&*file("main")));
}

#[test]
fn the_directory_of_an_environment() {
    let home = directory(&[]);
    let find = |variables: &[(&'static str, &str)]| {
        let mut variables: Vec<_> = variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        variables.push(("HOME", home.path().to_str().unwrap().to_owned()));
        let named = move |name: &str| variables.iter().find(|(own, _)| *own == name).map(|(_, value)| value.clone());
        StateDir::find_in(&Environment::from_fn(named)).unwrap()
    };
    assert_eq!(find(&[]).path(), home.path().join(".openclaw"));
    fs::create_dir_all(home.path().join(".clawdbot")).unwrap();
    assert_eq!(find(&[]).path(), home.path().join(".clawdbot"));
    assert_eq!(find(&[("CLAWDBOT_STATE_DIR", "~/a")]).path(), home.path().join("a"));
    let all = find(&[("CLAWDBOT_STATE_DIR", "/a"), ("OPENCLAW_STATE_DIR", "/b"), ("OPENCLAW_CONFIG_PATH", "~/c.json")]);
    assert_eq!((all.path(), all.config_path()), (Path::new("/b"), home.path().join("c.json")));
    // OpenClaw's own variable comes before the system's home directory, which its tilde is.
    assert_eq!(find(&[("OPENCLAW_HOME", "~/claw")]).path(), home.path().join("claw/.openclaw"));
    let other = home.path().join("other");
    let named = find(&[("OPENCLAW_HOME", &format!(" {} ", other.display())), ("CLAWDBOT_STATE_DIR", "~/a")]);
    assert_eq!(named.path(), other.join("a"));
    for variables in [&[][..], &[("OPENCLAW_HOME", "relative"), ("HOME", "/home/me")], &[("OPENCLAW_HOME", "~/claw")]] {
        let named = |name: &str| variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
        let error = StateDir::find_in(&Environment::from_fn(named)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{variables:?}");
        assert!(error.to_string().contains("OPENCLAW_HOME"), "{error}");
    }
}

#[test]
fn profiles_that_no_store_has_are_told_with_what_to_run() {
    let archive = format!("{AGENT}/{NAME}.migrated-2026-11-25T18-32-10.391Z-b593b537");
    let odd = json!({ "version": 1, "profiles": {
        "x:kept": { "type": "api_key", "provider": "x", "key": "made-up" },
        "acme:future": { "type": "passkey", "provider": "acme", "handle": "secret-handle" },
    } });
    let directory = directory(&[
        (SHARED, ""),
        (&archive, &odd.to_string()),
        (&format!("{AGENT}/{NAME}.bak"), &document(&["acme:future", "x:bak", "x:kept"])),
        (&format!("{AGENT}/auth.json.bak-1"), r#"{ "old": { "type": "api_key", "key": "made-up" } }"#),
        ("credentials/oauth.json.migrated-1", r#"{ "login": { "access": "made-up-a", "refresh": "made-up-r" } }"#),
        (&format!("{AGENT}/{NAME}.bak2"), &document(&["x:kept"])),
        // None of these is one.
        (&format!("{AGENT}/models.json.bak"), &document(&["x:no"])),
        (&format!("{AGENT}/{NAME}.corrupt-1"), &document(&["x:no"])),
        ("agents/work/agent/auth-profiles.json.bak", &document(&["x:no"])),
    ]);
    let profiles = AuthProfiles::from_json(&document(&["x:kept"])).unwrap();
    let found = at(&directory).leftovers("main", &profiles);
    let names: Vec<Vec<&str>> =
        found.iter().map(|left| left.profiles.iter().map(provider_auth::ProfileId::as_str).collect()).collect();
    assert_eq!(names, [&["old:default"][..], &["acme:future"], &["x:bak"], &["login:default"]]);
    assert!(found.iter().all(|left| left.kind == LeftoverKind::Archive && left.is_readable));
    let told = found[1].diagnostic();
    assert_eq!(told.message, "an old credential file contains 1 profile that no store has: \"acme:future\"");
    assert_eq!(told.location.path, Some(directory.path().join(&archive)));
    assert!(told.help.as_deref().unwrap().contains("`openclaw doctor --fix`"));
    assert!(found.iter().all(|left| !format!("{left:?}{}", left.diagnostic()).contains("made-up")));

    // Where no database is, there is nothing to import into.
    fs::remove_file(directory.path().join(SHARED)).unwrap();
    let help = at(&directory).leftovers(None, &profiles)[1].diagnostic().help.unwrap();
    assert!(help.contains("`openclaw models auth") && !help.contains("doctor"), "{help}");
}

#[test]
fn a_file_beside_a_database_is_always_told() {
    let file = format!("{AGENT}/{NAME}");
    let directory = directory(&[(SHARED, ""), (&file, &document(&["x:a", "x:b"]))]);
    let told = |stored: &[&str]| {
        let found = at(&directory).leftovers("main", &AuthProfiles::from_json(&document(stored)).unwrap());
        assert_eq!((found.len(), found[0].kind, found[0].kind.as_str()), (1, LeftoverKind::Unimported, "unimported"));
        found[0].diagnostic()
    };
    assert!(told(&[]).message.ends_with("it contains 2 profiles that no store has: \"x:a\", \"x:b\""));
    assert!(told(&["x:a", "x:b"]).message.ends_with("which is not used"));
    assert!(told(&["x:a"]).help.unwrap().contains("openclaw doctor --fix"));
    fs::write(directory.path().join(&file), "{ not json").unwrap();
    assert!(told(&[]).message.contains("cannot be read"));
    // Many are counted, some are named.
    let many: Vec<String> = (0..30).map(|number| format!("x:{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    fs::write(directory.path().join(&file), document(&many)).unwrap();
    let message = told(&[]).message;
    assert!(message.contains("30 profiles") && message.ends_with("\"x:7\" and 22 more"), "{message}");
}

/// A document as OpenClaw had it before profiles stood in a member of their own: the profiles at the top level.
const FLAT: &str = r#"{ "x:flat": { "type": "api_key", "provider": "x", "key": "made-up" },
    "x:mode": { "mode": "api_key", "provider": "x", "apiKey": "made-up" }, "x": { "type": "api_key", "key": "made-up" },
    "acme:future": { "type": "passkey", "provider": "acme" } }"#;

#[test]
fn profiles_at_the_top_level_are_found() {
    let file = format!("{AGENT}/{NAME}");
    let ids = ["x:flat", "x:mode", "x:default", "acme:future"];
    for (below, kind) in [(file.clone(), LeftoverKind::Unimported), (format!("{file}.bak"), LeftoverKind::Archive)] {
        let directory = directory(&[(SHARED, ""), (&below, FLAT)]);
        let found = at(&directory).leftovers("main", &AuthProfiles::new());
        assert_eq!((found.len(), found[0].kind, found[0].is_readable), (1, kind, true));
        assert_eq!(found[0].profiles.iter().map(provider_auth::ProfileId::as_str).collect::<Vec<_>>(), ids);
        let told = found[0].diagnostic();
        assert!(told.message.contains("4 profiles that no store has"), "{}", told.message);
        assert!(told.help.unwrap().contains("`openclaw doctor --fix`"));
    }
}

#[test]
fn an_archive_gets_its_own_name_back() {
    let (bak, older) = (format!("{AGENT}/{NAME}.bak"), format!("{AGENT}/auth.json.migrated-2"));
    let directory = directory(&[
        (SHARED, ""),
        (&bak, &document(&["x:bak"])),
        (&older, r#"{ "old": { "type": "api_key", "key": "made-up" } }"#),
        ("credentials/oauth.json.bak", r#"{ "login": { "access": "made-up-a", "refresh": "made-up-r" } }"#),
    ]);
    for leftover in at(&directory).leftovers("main", &AuthProfiles::new()) {
        let name = leftover.path.file_name().unwrap().to_str().unwrap().to_owned();
        let original = name.split_once(".json").unwrap().0.to_owned() + ".json";
        let help = leftover.diagnostic().help.unwrap();
        assert!(help.contains(&format!("rename the file to `{original}`")), "{name}: {help}");
    }
}

#[test]
fn what_cannot_be_read_is_not_to_be_thrown_away() {
    let file = format!("{AGENT}/{NAME}");
    for text in ["{ not json", "[]", "{}", r#"{ "version": 1 }"#, r#"{ "a": 7 }"#] {
        let directory = directory(&[(SHARED, ""), (&file, text)]);
        let found = at(&directory).leftovers("main", &AuthProfiles::new());
        assert!(!found[0].is_readable, "{text}");
        let help = found[0].diagnostic().help.unwrap();
        assert!(help.starts_with("run `openclaw doctor --fix`") && help.contains("keep it"), "{help}");
    }
}

#[test]
fn garbage_and_masses_of_files_are_passed_over() {
    let garbage = ["", "[]", "{", "\u{0}", "7", "{\"version\":1}"];
    let large = document(&["x:large"]) + &" ".repeat(1 << 20);
    let directory = directory(&[(&format!("{AGENT}/{NAME}.bak"), &document(&["x:lost"]))]);
    let agent = directory.path().join(AGENT);
    for (number, text) in garbage.iter().chain([&large.as_str()]).enumerate() {
        fs::write(agent.join(format!("{NAME}.bak{number}")), text).unwrap();
    }
    fs::write(agent.join(format!("{NAME}.bak-bytes")), b"\xff\xfe{").unwrap();
    fs::create_dir_all(agent.join(format!("{NAME}.migrated-directory"))).unwrap();
    assert!(Command::new("mkfifo").arg(agent.join(format!("{NAME}.bak-pipe"))).status().unwrap().success());
    let found = at(&directory).leftovers("main", &AuthProfiles::new());
    assert_eq!(found.iter().map(|left| left.profiles.len()).collect::<Vec<_>>(), [1]);
    assert!(at(&directory).leftovers("../main", &AuthProfiles::new()).is_empty());
    for number in 0..100 {
        fs::write(agent.join(format!("{NAME}.bak-{number}")), document(&[&format!("x:{number}")])).unwrap();
    }
    assert!(at(&directory).leftovers("main", &AuthProfiles::new()).len() <= 32);
}
