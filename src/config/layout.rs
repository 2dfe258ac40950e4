//! The layout of the state directory: agents, their directories, and the release of OpenClaw that wrote the
//! configuration. Values that are not understood are ignored without a report.

use indexmap::IndexMap;

use crate::config::release::Release;
use crate::config::substitute::substitute;
use crate::config::{Config, member};
use crate::env::Environment;
use crate::id::agent_id;
use crate::syntax::{Node, Value};

/// The agent if none is configured.
const MAIN: &str = "main";

/// The longest path.
const LONGEST_PATH: usize = 1 << 16;

/// The agents of `agents.entries` and `agents.list`, and the stamp of the release.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    agents: IndexMap<String, Agent>,
    /// `true` if there are `agents.entries`, which only releases with databases write.
    has_entries: bool,
    version: Option<String>,
    /// `true` if `agents.defaults.models` no longer restricts which models are allowed.
    pub(super) has_moved_policy: bool,
    /// The assumed release if the file does not show it.
    otherwise: Release,
}

#[derive(Clone, Debug, Default)]
struct Agent {
    directory: Option<String>,
    is_default: bool,
}

impl Layout {
    pub(super) fn read(root: &Node<'_>, environment: &Environment, otherwise: Release) -> Self {
        let mut layout = Self { otherwise, ..Self::default() };
        let mut add = |id: &str, node: &Node<'_>| {
            let directory = member(node, "agentDir").and_then(|node| path(node, environment));
            let is_default = matches!(member(node, "default").map(|node| &node.value), Some(Value::Bool(true)));
            layout.agents.entry(key(id)).or_insert(Agent { directory, is_default });
        };
        let agents = member(root, "agents");
        if let Some(Value::Object(entries)) = agents.and_then(|node| member(node, "entries")).map(|node| &node.value) {
            for entry in entries {
                add(&entry.key, &entry.node);
            }
            layout.has_entries = true;
        } else if let Some(Value::Array(list)) = agents.and_then(|node| member(node, "list")).map(|node| &node.value) {
            for (id, item) in list.iter().filter_map(|item| Some((text(member(item, "id")?)?, item))) {
                add(id, item);
            }
        }
        let stamp = member(root, "meta").and_then(|meta| member(meta, "lastTouchedVersion"));
        layout.version = stamp.and_then(text).map(str::to_owned);
        let migrations = member(root, "meta").and_then(|meta| member(meta, "migrations"));
        let moved = migrations.and_then(|migrations| member(migrations, "modelPolicyAllowlist"));
        layout.has_moved_policy = matches!(moved.map(|node| &node.value), Some(Value::Bool(true)));
        layout
    }

    /// Returns the release that the configuration belongs to.
    pub(super) fn release(&self) -> Release {
        Release::of(self.version.as_deref(), self.has_entries, self.otherwise)
    }
}

impl Config {
    /// Returns the agent to use if none is named: the one with `default: true`; otherwise `main`, if `agents.entries`
    /// has it; otherwise the first one of the file; `main` if no agent is configured. Ids are normalised as OpenClaw
    /// does, see [`StateDir::agent_id`](crate::StateDir::agent_id).
    #[must_use]
    pub fn default_agent(&self) -> &str {
        let Layout { agents, has_entries, .. } = &self.layout;
        let marked = agents.iter().find(|(_, agent)| agent.is_default).map(|(id, _)| id.as_str());
        let main = || agents.get_key_value(MAIN).filter(|_| *has_entries).map(|(id, _)| id.as_str());
        marked.or_else(main).or_else(|| agents.keys().next().map(String::as_str)).unwrap_or(MAIN)
    }

    /// Returns `agentDir` of an agent with variables substituted: the directory of the agent's files, or `None` for the
    /// usual one. It may begin with `~`, which [`Environment::expand_home`] expands.
    #[must_use]
    pub fn agent_dir(&self, agent: &str) -> Option<&str> {
        self.layout.agents.get(&key(agent))?.directory.as_deref()
    }

    /// Returns the ids of the configured agents in the order of the file, normalised as OpenClaw does
    /// ([`StateDir::agent_id`](crate::StateDir::agent_id)). Empty if none is configured, when there is only `main`.
    pub fn agent_ids(&self) -> impl Iterator<Item = &str> {
        self.layout.agents.keys().map(String::as_str)
    }

    /// Returns `true` if there are `agents.entries`, which replaced `agents.list` when OpenClaw moved credentials to
    /// databases.
    #[must_use]
    pub fn has_agent_entries(&self) -> bool {
        self.layout.has_entries
    }

    /// Returns the release that the configuration belongs to.
    pub(crate) fn release(&self) -> Release {
        self.layout.release()
    }

    /// Returns `meta.lastTouchedVersion`: the release of OpenClaw that last wrote the configuration, such as
    /// `2026.9.6`.
    #[must_use]
    pub fn last_touched_version(&self) -> Option<&str> {
        self.layout.version.as_deref()
    }
}

fn text<'n>(node: &'n Node<'n>) -> Option<&'n str> {
    let Value::String(text) = &node.value else { return None };
    Some(text.trim()).filter(|text| !text.is_empty())
}

/// Returns a path with variables substituted. `None` if one is missing, because the path would be another one.
fn path(node: &Node<'_>, environment: &Environment) -> Option<String> {
    let done = substitute(text(node)?, LONGEST_PATH, |name| environment.get(name));
    (done.missing.is_empty() && !done.too_long).then(|| done.text.into_owned())
}

/// Normalises an id as OpenClaw does, which takes an empty one for `main`.
pub(super) fn key(id: &str) -> String {
    agent_id(id).unwrap_or_else(|| MAIN.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ReadOptions;

    fn config(text: &str) -> Config {
        let environment = Environment::from_fn(|name| (name == "PLACE").then(|| "/srv".to_owned()));
        Config::from_json5_str(text, &ReadOptions::new().lenient(true).environment(environment)).unwrap()
    }

    #[test]
    fn the_default_agent() {
        for (text, agent) in [
            ("{}", "main"),
            ("{ agents: { list: [{ id: 'Work' }, { id: 'main' }] } }", "work"),
            ("{ agents: { list: [{ id: 'work' }, { id: ' Home ', default: true }] } }", "home"),
            ("{ agents: { entries: { work: {}, main: {} } } }", "main"),
            ("{ agents: { entries: { work: {}, other: {} } } }", "work"),
            ("{ agents: { entries: { main: {}, Other: { default: true } } } }", "other"),
            ("{ agents: { entries: { work: 7 }, list: [{ id: 'x', default: true }] } }", "work"),
        ] {
            assert_eq!(config(text).default_agent(), agent, "{text}");
        }
        let both = config("{ agents: { entries: { B: {}, a: {} } } }");
        assert_eq!(both.agent_ids().collect::<Vec<_>>(), ["b", "a"]);
    }

    #[test]
    fn the_directory_of_an_agent() {
        let config = config(
            "{ agents: { entries: { a: { agentDir: '${PLACE}/a' }, b: { agentDir: '${NOWHERE}/b' }, c: {}, d: { agentDir: ' ' } } } }",
        );
        assert_eq!(config.agent_dir("A"), Some("/srv/a"));
        for other in ["b", "c", "d", "main"] {
            assert_eq!(config.agent_dir(other), None, "{other}");
        }
    }

    #[test]
    fn the_release_that_wrote_it() {
        let stamped = |version: &str| config(&format!("{{ meta: {{ lastTouchedVersion: {version} }} }}"));
        assert_eq!(stamped("' 2026.9.6 '").last_touched_version(), Some("2026.9.6"));
        for none in ["''", "9", "null", "{}"] {
            assert_eq!(stamped(none).last_touched_version(), None, "{none}");
        }
        assert!(config("{ agents: { entries: {} } }").has_agent_entries());
        assert!(!config("{ agents: { entries: [], list: [{ id: 'main' }] } }").has_agent_entries());
    }
}
