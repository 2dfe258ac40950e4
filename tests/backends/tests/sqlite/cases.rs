//! State directories that OpenClaw 2026.9.6 wrote, rebuilt from their rows, with the output it printed for them.
//!

use std::collections::BTreeSet;

use provider_auth::state_dir::Leftover;
use provider_auth::status::StatusReport;
use provider_auth::{AuthProfileStore, Environment, ErrorKind, ProfileId, Result, StateDir, Timestamp};
use serde_json::{Map, Value, json};

use crate::layout::{State, agent_database};
use crate::program::models;

const CASES: &str = include_str!("../../fixtures/openclaw_2026_9_6.jsonl");

/// Where this crate says something else on purpose: the case, what is compared, and why.
const DIFFERENCES: [(&str, &str, &str); 4] = [
    (
        "json-beside-empty",
        "status",
        "it refuses to say anything until the old file is imported; the status says what to do",
    ),
    ("json-beside-shared-only", "status", "the same"),
    (
        "written-by-2026-7-1",
        "status",
        "it refuses a directory of an older release until doctor ran; it can be read here",
    ),
    ("written-by-2026-7-1", "check", "its profiles are read and used"),
];

fn differs(case: &Value, what: &str) -> bool {
    DIFFERENCES.iter().any(|(name, which, _)| case["name"] == *name && *which == what)
}

/// Builds the directory of a case.
fn lay(case: &Value) -> State {
    let state = State::empty();
    for (path, database) in case["databases"].as_object().unwrap() {
        state.rebuild(path, database);
    }
    for (path, text) in case["files"].as_object().unwrap() {
        let text =
            text.as_str().unwrap().replace("/home/user/.openclaw", &state.path().to_str().unwrap().replace('\\', "/"));
        state.write(path, &text);
    }
    state
}

/// Builds the directory of the case with this name.
pub(crate) fn recorded(name: &str) -> State {
    let mut cases = CASES.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lay(&cases.find(|case| case["name"] == name).unwrap())
}

/// The status of an agent, by the clock of the time it was recorded.
fn status(state: &State, agent: &str, now: i64) -> Result<Value> {
    status_with(Environment::empty(), state, agent, now)
}

fn status_with(environment: Environment, state: &State, agent: &str, now: i64) -> Result<Value> {
    let directory = StateDir::at(state.path()).with_environment(environment);
    let (config, store) = (directory.config()?, directory.store(agent)?);
    let profiles = store.load()?;
    let (shared, ids) = store.shared_profiles()?.unwrap();
    let references = directory.references().resolve(&profiles, &config, Timestamp::from_millis(now));
    let config = config.with_references(references);
    let report = StatusReport::builder(&config, &profiles)
        .agent(agent)
        .store_path(store.path())
        .shared_store(shared, ids)
        .diagnostics(directory.leftovers(agent, &profiles).iter().map(Leftover::diagnostic))
        .build(Timestamp::from_millis(now));
    let mut told: Value = serde_json::from_str(&report.to_json()).unwrap();
    let is_stuck = store.unimported_file()?.is_some();
    told["check"] = json!(if is_stuck { 1 } else { report.check() });
    Ok(told)
}

/// What both say of each provider's profiles.
fn providers(status: &Value) -> Vec<Value> {
    let mut providers: Vec<Value> = Vec::new();
    for provider in status["auth"]["providers"].as_array().unwrap() {
        let counts = &provider["profiles"];
        if counts["count"] == 0 {
            continue;
        }
        let labels: BTreeSet<&str> =
            counts["labels"].as_array().unwrap().iter().map(|label| label.as_str().unwrap()).collect();
        providers.push(json!({
            "provider": provider["provider"],
            "count": counts["count"], "oauth": counts["oauth"], "token": counts["token"], "apiKey": counts["apiKey"],
            "labels": labels,
        }));
    }
    providers.sort_by_key(|provider| provider["provider"].to_string());
    providers
}

/// Where both say that the credentials of each provider with profiles are.
fn places(status: &Value, state: &State) -> Vec<(String, String)> {
    let rows = status["auth"]["providers"].as_array().unwrap().iter().filter(|row| row["profiles"]["count"] != 0);
    // Written with the separators of Unix, whichever system says it.
    let native = |path: &str| if cfg!(windows) { path.replace('\\', "/") } else { path.to_owned() };
    let text = |value: &Value| native(&value.as_str().unwrap().replace("~/.openclaw", state.path().to_str().unwrap()));
    let kept = rows.filter(|row| row["effective"]["kind"] == "profiles");
    let mut places: Vec<_> = kept.map(|row| (text(&row["provider"]), text(&row["effective"]["detail"]))).collect();
    places.sort();
    places
}

/// Every window, whoever opened it.
fn unusable(status: &Value) -> Vec<Value> {
    let entries = status["auth"]["unusableProfiles"].as_array().unwrap();
    let value = |entry: &Value| json!([entry["profileId"], entry["kind"], entry["until"], entry["recoveryHint"]]);
    let mut found: Vec<Value> = entries.iter().map(value).collect();
    found.sort_by_key(Value::to_string);
    found
}

/// What the configuration says of models, and what follows from it.
const MODELS: [&str; 10] = [
    "agentId",
    "modelConfig",
    "defaultModel",
    "resolvedDefault",
    "fallbacks",
    "imageModel",
    "imageFallbacks",
    "utilityModel",
    "aliases",
    "allowed",
];

/// The profiles that count for each provider, in their order.
fn effective(status: &Value) -> Map<String, Value> {
    let ids = |provider: &Value| {
        let profiles = provider["effectiveProfiles"].as_array().unwrap();
        profiles.iter().map(|profile| profile["profileId"].clone()).collect::<Vec<_>>()
    };
    let providers = status["auth"]["oauth"]["providers"].as_array().unwrap().iter();
    providers.map(|provider| (provider["provider"].as_str().unwrap().to_owned(), json!(ids(provider)))).collect()
}

/// The models of which it is not known whether they can be used.
fn route_issues(status: &Value) -> Vec<Value> {
    let issues = status["auth"]["modelRouteIssues"].as_array().unwrap().iter();
    issues.map(|issue| json!([issue["kind"], issue["provider"], issue["model"], issue["evidence"]])).collect()
}

/// The health of each stored profile.
fn health(status: &Value) -> Map<String, Value> {
    let entries = status["auth"]["oauth"]["profiles"].as_array().unwrap();
    entries
        .iter()
        .map(|entry| (entry["profileId"].as_str().unwrap().to_owned(), json!([entry["type"], entry["status"]])))
        .collect()
}

#[test]
fn every_recorded_directory_is_read_as_openclaw_reads_it() {
    let mut asked = 0;
    for case in CASES.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let state = lay(&case);
        for (agent, answer) in case["answers"].as_object().unwrap() {
            asked += 1;
            let name = format!("{} / {agent}", case["name"]);
            let ours = status(&state, agent, answer["now"].as_i64().unwrap());
            let theirs = &answer["status"];
            if answer["status_exit"] != 0 && !differs(&case, "status") {
                assert_eq!(ours.unwrap_err().kind(), ErrorKind::UnsupportedVersion, "{name}");
                continue;
            }
            let ours = ours.unwrap_or_else(|error| panic!("{name}: {error}"));
            if !differs(&case, "check") {
                assert_eq!(ours["check"], answer["check_exit"], "{name}: exit code of --check");
            }
            if answer["status_exit"] == 0 {
                assert_eq!(providers(&ours), providers(theirs), "{name}");
                assert_eq!(effective(&ours), effective(theirs), "{name}");
                assert_eq!(places(&ours, &state), places(theirs, &state), "{name}");
                assert_eq!(route_issues(&ours), route_issues(theirs), "{name}");
                for member in MODELS {
                    // What names the agent is printed only where one is named, which this crate always does.
                    if theirs.get(member).is_some() {
                        assert_eq!(ours[member], theirs[member], "{name}: {member}");
                    }
                }
                assert_eq!(ours["auth"]["runtimeAuthRoutes"], theirs["auth"]["runtimeAuthRoutes"], "{name}");
                assert_eq!(unusable(&ours), unusable(theirs), "{name}");
                assert_eq!(ours["auth"]["missingProvidersInUse"], theirs["auth"]["missingProvidersInUse"], "{name}");
                assert_eq!(health(&ours), health(theirs), "{name}");
            }
        }
    }
    assert_eq!(asked, 16);
}

#[test]
fn the_order_is_the_one_that_openclaw_prints() {
    for case in CASES.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let state = lay(&case);
        for (agent, answer) in case["answers"].as_object().unwrap() {
            if answer["order_exit"] != 0 {
                continue;
            }
            let profiles = state.store(agent).load().unwrap();
            let ours = profiles
                .order(&provider_auth::ProviderId::anthropic())
                .map(|order| order.iter().map(ProfileId::as_str).collect::<Vec<_>>());
            // Without an order in the store it prints none, whatever the configuration says.
            assert_eq!(json!(ours), answer["order"]["order"], "{} / {agent}", case["name"]);
        }
    }
}

#[test]
fn nothing_is_said_of_a_recorded_configuration() {
    for case in CASES.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let state = lay(&case);
        let answer = models(state.path(), &["config", "check"], "");
        assert_eq!((answer.code, &*answer.out, &*answer.err), (Some(0), "", ""), "{}", case["name"]);
    }
}

#[test]
fn asking_changes_no_file() {
    for case in CASES.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let state = lay(&case);
        let before = state.files();
        for (agent, answer) in case["answers"].as_object().unwrap() {
            let _ = status(&state, agent, answer["now"].as_i64().unwrap());
        }
        assert_eq!(state.files(), before, "{}", case["name"]);
    }
}

#[test]
fn a_key_that_a_variable_holds_is_there_as_soon_as_the_variable_is() {
    let case = CASES.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let case = case.into_iter().find(|case| case["name"] == "key-reference").unwrap();
    let state = lay(&case);
    for (variable, check) in [("ANTHROPIC_API_KEY", 0), ("OPENAI_API_KEY", 1)] {
        let lookup = move |name: &str| (name == variable).then(|| "sk-ant-api03-made-up-for-this-test".to_owned());
        let told = status_with(Environment::from_fn(lookup), &state, "main", case["now"].as_i64().unwrap()).unwrap();
        // What OpenClaw prints and exits with, with the variable and without it.
        let own = providers(&told);
        assert_eq!(told["check"], check);
        assert_eq!(own[0]["labels"], json!(["anthropic:default=ref(env:ANTHROPIC_API_KEY)"]));
        assert_eq!(told["auth"]["missingProvidersInUse"], json!([]));
    }
}

#[test]
fn logins_that_no_store_has_are_named() {
    let case = CASES.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let case = case.into_iter().find(|case| case["name"] == "doctor-import-one-file").unwrap();
    let state = lay(&case);
    let told = status(&state, "main", case["now"].as_i64().unwrap()).unwrap();
    let told = told["diagnostics"].to_string();
    assert!(told.contains("acme:future") && !told.contains("anthropic:sub"), "{told}");
    assert!(!state.path().join(agent_database("main")).exists());
}

#[test]
fn nothing_is_said_of_a_configuration_that_openclaw_wrote() {
    let mut checked = 0;
    for case in CASES.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let state = lay(&case);
        let directory = StateDir::at(state.path()).with_environment(Environment::empty());
        let config = directory.config().unwrap();
        let agents = config.agent_ids().chain(["main"]);
        let stores: Vec<_> = agents.filter_map(|agent| directory.store(agent).ok()?.load().ok()).collect();
        let found = config.lint(stores.iter().map(|profiles| &**profiles));
        assert!(found.is_empty(), "{}: {found:?}", case["name"]);
        checked += 1;
    }
    assert_eq!(checked, 14);
}
