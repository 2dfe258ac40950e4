//! The example command line on real databases: its output, its exit codes, and the rows it writes.

use serde_json::{Value, json};

use crate::cases::recorded;
use crate::layout::{State, agent_database, is_private, put_shared};
use crate::program::{Answer, models};

const KEY: &str = "sk-ant-api03-made-up-made-up-made-up-made-up-made-up-made-up-made-up-made-up-made-up";

/// Rows of both databases, told apart by the agent that has them.
type Rows = Vec<(&'static str, String, String, i64)>;

/// A directory of two agents, the one with the shared store and one with a database of its own.
struct Agents {
    state: State,
    own: String,
}

impl Agents {
    fn new() -> Self {
        let state = recorded("agent-own-key-shadows");
        let limited = json!({ "version": 1, "usageStats": {
            "openai:manual": { "disabledUntil": 4_102_444_800_000_i64, "disabledReason": "billing" } } });
        put_shared(&state.connect("state/openclaw.sqlite"), "authProfiles.state", &limited.to_string());
        Self { state, own: agent_database("work") }
    }

    fn rows(&self) -> Rows {
        let of = |agent, database: &str| {
            self.state.rows(database).into_iter().map(move |(key, text, at)| (agent, key, text, at))
        };
        of("main", "state/openclaw.sqlite").chain(of("work", &self.own)).collect()
    }

    /// Runs a command for an agent, which is not to print the secret.
    fn run(&self, agent: &str, arguments: &[&str]) -> Answer {
        let answer = models(self.state.path(), &[&["--agent", agent], arguments].concat(), KEY);
        for secret in [KEY, "HHHHHHHHHHHH", "IIIIIIIIIIII", "GGGGGGGGGGGG"] {
            assert!(!answer.out.contains(secret) && !answer.err.contains(secret), "{arguments:?} printed a secret");
        }
        answer
    }

    /// What a command prints that only asks.
    fn asks(&self, agent: &str, arguments: &[&str]) -> String {
        let before = self.state.files();
        let answer = self.run(agent, arguments);
        assert_eq!(answer.code, Some(0), "{arguments:?}: {}", answer.err);
        assert_eq!(self.state.files(), before, "{arguments:?} changed a file");
        answer.out
    }

    /// What a command prints that writes these rows, and no other.
    fn writes(&self, agent: &str, arguments: &[&str], rows: &[(&str, &str)]) -> String {
        let before = self.rows();
        let answer = self.run(agent, arguments);
        assert_eq!(answer.code, Some(0), "{arguments:?}: {}", answer.err);
        let after = self.rows();
        let new = after.iter().filter(|row| !before.contains(row)).map(|row| (row.0, row.1.as_str()));
        let gone = before.iter().map(|row| (row.0, row.1.as_str()));
        let gone = gone.filter(|row| !after.iter().any(|other| (other.0, other.1.as_str()) == *row));
        assert_eq!(new.chain(gone).collect::<Vec<_>>(), rows, "{arguments:?}");
        answer.out
    }

    /// What a command says that is refused and writes nothing.
    fn refused(&self, agent: &str, arguments: &[&str]) -> String {
        let before = self.rows();
        let answer = self.run(agent, arguments);
        assert_eq!((answer.code, answer.out.as_str()), (Some(1), ""), "{arguments:?}: {}", answer.err);
        assert!(answer.err.starts_with("error: ") && answer.err.contains("\nhelp: "), "{}", answer.err);
        assert_eq!(self.rows(), before, "{arguments:?} changed a row");
        answer.err
    }

    fn list(&self, agent: &str) -> Vec<(String, String)> {
        let list: Value = serde_json::from_str(&self.asks(agent, &["auth", "list", "--json"])).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        list.as_array().unwrap().iter().map(|entry| (text(&entry["profileId"]), text(&entry["verdict"]))).collect()
    }

    /// No JSON file was made, nobody else may read anything, and the databases are whole.
    fn check(&self) {
        for (path, _) in self.state.files() {
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(!name.starts_with("auth"), "{name} was made");
            assert!(is_private(&path), "{name}");
        }
        for database in ["state/openclaw.sqlite", &self.own] {
            let said: String =
                self.state.connect(database).query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
            assert_eq!(said, "ok");
        }
    }
}

const SHARED_STORE: (&str, &str) = ("main", "authProfiles.store");
const SHARED_STATE: (&str, &str) = ("main", "authProfiles.state");
const ANTHROPIC: [&str; 2] = ["--provider", "anthropic"];

fn pairs(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(id, verdict)| (id.as_str(), verdict.as_str())).collect()
}

#[test]
fn each_agent_sees_its_own_and_the_shared_profiles() {
    let agents = Agents::new();
    let shared = [("anthropic:default", "ready"), ("openai:manual", "disabled")];
    assert_eq!(pairs(&agents.list("main")), shared);
    assert_eq!(pairs(&agents.list("work")), [&[("anthropic:second", "ready")], &shared[..]].concat());
    for (agent, place) in [("main", "state/openclaw.sqlite"), ("work", agents.own.as_str())] {
        let told = agents.asks(agent, &["status"]);
        let place = place.replace('/', std::path::MAIN_SEPARATOR_STR);
        assert!(told.contains(&format!("{agent}\n")) && told.contains(&place), "{told}");
        let json: Value = serde_json::from_str(&agents.asks(agent, &["status", "--json"])).unwrap();
        assert_eq!(json["agentId"], agent);
        assert_eq!(json["auth"]["storePath"], json!(agents.state.path().join(place)));
        assert_eq!(json["auth"]["unusableProfiles"][0]["profileId"], "openai:manual");
        agents.asks(agent, &["status", "--check"]);
        assert_eq!(agents.asks(agent, &["auth", "list"]).lines().count(), if agent == "main" { 2 } else { 3 });
    }
    agents.check();
}

#[test]
fn a_key_goes_to_the_agent_it_was_given_to_and_comes_out_again() {
    let agents = Agents::new();
    let set = |id: &'static str| [&["auth", "set-key"], &ANTHROPIC[..], &["--profile-id", id]].concat();
    assert!(agents.writes("main", &set("anthropic:added"), &[SHARED_STORE]).starts_with("added anthropic:added\n"));
    assert!(agents.writes("work", &set("anthropic:mine"), &[("work", "store")]).starts_with("added anthropic:mine\n"));
    assert!(
        agents
            .writes("work", &set("anthropic:second"), &[("work", "store")])
            .starts_with("replaced anthropic:second\n")
    );
    let has = |agent, id: &str| agents.list(agent).iter().any(|(own, _)| own == id);
    assert!(has("work", "anthropic:added") && has("work", "anthropic:mine"));
    assert!(has("main", "anthropic:added") && !has("main", "anthropic:mine"));

    let told = agents.refused("work", &["auth", "remove", "anthropic:added"]);
    assert!(told.contains("is inherited from the shared store"), "{told}");
    let told = agents.refused("main", &["auth", "remove", "anthropic:mine"]);
    assert!(told.contains("there is no profile \"anthropic:mine\""), "{told}");
    agents.refused("main", &["auth", "remove", "personal:0:1"]);
    agents.writes("work", &["auth", "remove", "anthropic:mine"], &[("work", "store")]);
    agents.writes("main", &["auth", "remove", "anthropic:added"], &[SHARED_STORE]);
    assert!(!has("work", "anthropic:added") && !has("work", "anthropic:mine"));
    agents.check();
}

#[test]
fn an_order_is_the_agents_that_set_it() {
    let agents = Agents::new();
    let order = |verb: &'static str, ids: &[&'static str]| [&["auth", "order", verb], &ANTHROPIC[..], ids].concat();
    let get = |agent| agents.asks(agent, &order("get", &[]));
    assert_eq!((get("main").as_str(), get("work").as_str()), ("", "anthropic:second\nanthropic:default\n"));
    let told = agents.writes("work", &order("set", &["anthropic:default", "anthropic:second"]), &[("work", "state")]);
    assert_eq!(told, "anthropic:default\nanthropic:second\n");
    assert_eq!((get("main").as_str(), get("work").as_str()), ("", told.as_str()));
    agents.writes("work", &order("clear", &[]), &[("work", "state")]);
    assert_eq!(get("work"), "");

    // The agent that has the shared store has no other place for its order.
    assert_eq!(agents.writes("main", &order("set", &["anthropic:default"]), &[SHARED_STATE]), "anthropic:default\n");
    assert_eq!((get("main").as_str(), get("work").as_str()), ("anthropic:default\n", "anthropic:default\n"));
    let told = agents.run("main", &order("set", &["anthropic:default"])).err;
    assert!(told.contains("the order applies to every agent"), "{told}");
    agents.writes("main", &order("clear", &[]), &[SHARED_STATE]);
    assert_eq!((get("main"), get("work")), Default::default());

    for (ids, why) in [
        (&["anthropic:nobody"][..], "there is no profile \"anthropic:nobody\""),
        (&["openai:manual"], "is for openai"),
        (&["anthropic:default", "personal:0:1"], "personal accounts"),
    ] {
        let told = agents.refused("work", &order("set", ids));
        assert!(told.contains(why), "{told}");
    }
    agents.check();
}

#[test]
fn a_cooldown_is_cleared_where_it_stands() {
    let agents = Agents::new();
    agents.writes("main", &["auth", "clear-cooldown", "openai:manual"], &[SHARED_STATE]);
    assert_eq!(pairs(&agents.list("work")).last(), Some(&("openai:manual", "ready")));
    let told = agents.refused("main", &["auth", "clear-cooldown", "openai:nobody"]);
    assert!(told.contains("there is no profile \"openai:nobody\""), "{told}");
    agents.check();
}

#[test]
fn the_exit_code_says_what_is_missing() {
    let agents = Agents::new();
    let check = |agent| agents.run(agent, &["status", "--check"]).code;
    assert_eq!((check("main"), check("work")), (Some(0), Some(0)));
    agents.writes("main", &["auth", "remove", "anthropic:default"], &[SHARED_STORE]);
    // The other agent has a key of its own.
    assert_eq!((check("main"), check("work")), (Some(1), Some(0)));
    agents.writes("work", &["auth", "remove", "anthropic:second"], &[("work", "state"), ("work", "store")]);
    assert_eq!(check("work"), Some(1));
    for wrong in [&["auth", "order", "get"][..], &["auth", "remove"], &["nonsense"]] {
        assert_ne!(agents.run("main", wrong).code, Some(0), "{wrong:?}");
    }
    agents.check();
}
