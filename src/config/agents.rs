//! The `agents` block: models, their parameters, and the settings of single agents.

use indexmap::IndexMap;

use super::alias_index::AliasIndex;
use super::model_choice::ModelChoice;
use super::model_settings::ModelSettings;
use super::params::Params;
use super::policy::ModelPolicy;
use super::reader::Reader;
use super::retention::RetentionLayer;
use super::spelt::BySpelling;
use super::{keys, model_settings};
use crate::error::{DiagnosticCode, Location};
use crate::id::{ModelRef, agent_id};
use crate::secret::is_blank_char;
use crate::syntax::{Member, Node, Value};

/// The `agents` block.
#[derive(Clone, Debug, Default)]
pub(super) struct Agents {
    pub(super) model: ModelChoice,
    pub(super) image_model: ModelChoice,
    /// The model for small tasks; a blank name means none.
    pub(super) utility_model: Option<(String, Location)>,
    pub(super) params: Params,
    pub(super) models: BySpelling<ModelRef, ModelSettings>,
    pub(super) policy: Option<ModelPolicy>,
    pub(super) alias_index: AliasIndex,
    single: IndexMap<String, Agent>,
}

/// One entry of `agents.entries` or `agents.list`.
#[derive(Clone, Debug, Default)]
pub(super) struct Agent {
    pub(super) model: ModelChoice,
    pub(super) utility_model: Option<(String, Location)>,
    pub(super) params: Params,
    pub(super) models: BySpelling<ModelRef, ModelSettings>,
    pub(super) policy: Option<ModelPolicy>,
    pub(super) alias_index: AliasIndex,
}

impl Agents {
    /// Returns the agent of this id, normalised as OpenClaw does.
    pub(super) fn agent(&self, id: Option<&str>) -> Option<&Agent> {
        self.single.get(&super::layout::key(id?))
    }

    /// Returns the ids of the agents, normalised as OpenClaw does.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.single.keys().map(String::as_str)
    }

    /// Returns every layer of parameters: of all models, of single models, of single agents.
    pub(super) fn layers(&self) -> impl Iterator<Item = &Params> {
        let models = self.models.values().map(|model| &model.params);
        let agents = self
            .single
            .values()
            .flat_map(|agent| agent.models.values().map(|model| &model.params).chain(std::iter::once(&agent.params)));
        std::iter::once(&self.params).chain(models).chain(agents)
    }

    /// Returns the layers of parameters for a model and an agent, the winning one first.
    pub(super) fn layers_for(
        &self,
        model: &ModelRef,
        agent: Option<&str>,
    ) -> impl Iterator<Item = (RetentionLayer, &Params)> {
        let agent = self.agent(agent);
        let own = agent.and_then(|agent| agent.models.get(model));
        let common = self.models.get(model);
        let layers = [
            agent.map(|agent| (RetentionLayer::Agent, &agent.params)),
            own.map(|settings| (RetentionLayer::AgentModel, &settings.params)),
            common.map(|settings| (RetentionLayer::Model, &settings.params)),
            Some((RetentionLayer::Global, &self.params)),
        ];
        layers.into_iter().flatten()
    }

    /// Returns every configured alias, and the default ones of listed models.
    pub(super) fn aliases(&self) -> impl Iterator<Item = &str> {
        let agents = self.single.values().flat_map(|agent| agent.models.values());
        self.models.values().chain(agents).filter_map(|model| model.alias.as_deref())
    }

    /// Returns every name of a model to use, with its location.
    pub(super) fn placed_names(&self) -> impl Iterator<Item = &(String, Location)> {
        let agents = self.single.values().flat_map(|agent| agent.model.placed.iter().chain(&agent.utility_model));
        self.model.placed.iter().chain(&self.image_model.placed).chain(&self.utility_model).chain(agents)
    }

    /// Returns every entry of a policy, with its location.
    pub(super) fn placed_policies(&self) -> impl Iterator<Item = &(String, Location)> {
        let policies = self.single.values().map(|agent| &agent.policy).chain([&self.policy]);
        policies.flatten().filter_map(|policy| policy.allow.as_ref()).flatten()
    }

    pub(super) fn read<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Self {
        let mut agents = Self::default();
        let (mut list, mut entries) = (IndexMap::new(), None);
        reader.object(node, &keys::AGENTS, |reader, member| match member.key.as_ref() {
            "defaults" => agents.read_defaults(reader, &member.node),
            "entries" => {
                let found = read_entries(reader, &member.node);
                entries = matches!(member.node.value, Value::Object(_)).then_some(found);
            }
            _ => list = read_list(reader, &member.node),
        });
        agents.single = entries.unwrap_or(list);
        agents
    }

    fn read_defaults<'n>(&mut self, reader: &mut Reader<'n>, node: &'n Node<'n>) {
        reader.object(node, &keys::DEFAULTS, |reader, member| {
            let node = &member.node;
            match member.key.as_ref() {
                "model" => self.model = ModelChoice::read(reader, node),
                "imageModel" => self.image_model = ModelChoice::read(reader, node),
                "utilityModel" => self.utility_model = maybe_blank(reader, node),
                "params" => self.params = Params::read(reader, node),
                "modelPolicy" => self.policy = Some(ModelPolicy::read(reader, node)),
                _ => self.models = model_settings::read(reader, node),
            }
        });
    }
}

impl Agent {
    /// Reads one key of an agent. [`Layout`](super::layout::Layout) reads those about its directory.
    fn read<'n>(&mut self, reader: &mut Reader<'n>, member: &'n Member<'n>) {
        let node = &member.node;
        match member.key.as_ref() {
            "model" => self.model = ModelChoice::read(reader, node),
            "utilityModel" => self.utility_model = maybe_blank(reader, node),
            "params" => self.params = Params::read(reader, node),
            "modelPolicy" => self.policy = Some(ModelPolicy::read(reader, node)),
            "models" => self.models = model_settings::read(reader, node),
            _ => {}
        }
    }
}

fn maybe_blank<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Option<(String, Location)> {
    let text = reader.text(node)?.value.trim_matches(is_blank_char).to_owned();
    Some((text, reader.value_place(node)))
}

fn read_entries<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> IndexMap<String, Agent> {
    let mut agents = IndexMap::new();
    reader.entries(node, |reader, member| {
        let mut agent = Agent::default();
        reader.object(&member.node, &keys::AGENT, |reader, member| agent.read(reader, member));
        agent.model = std::mem::take(&mut agent.model).complete();
        if reader.release.has_entries() && !is_accepted(&member.key) {
            let message =
                "OpenClaw refuses a file with such an id: only letters, digits, `-` and `_` are allowed, at most 64";
            reader.warn(DiagnosticCode::InvalidValue, member.key_at, message);
            reader.help("rename the agent; other characters are read as `-`");
        }
        add(reader, &mut agents, &member.key, agent, member.key_at);
    });
    agents
}

/// Returns `true` if OpenClaw accepts an id as a key of `entries`.
fn is_accepted(id: &str) -> bool {
    let is_whole = agent_id(id).is_some_and(|read| read == id.to_lowercase());
    is_whole && !id.starts_with('-')
}

fn read_list<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> IndexMap<String, Agent> {
    let mut agents = IndexMap::new();
    reader.items(node, |reader, item| {
        let (mut agent, mut id) = (Agent::default(), None);
        let mut has_id = !matches!(item.value, Value::Object(_));
        reader.object(item, &keys::AGENT, |reader, member| {
            if member.key == "id" {
                has_id = true;
                id = reader.word(&member.node);
            } else {
                agent.read(reader, member);
            }
        });
        if !has_id {
            reader.missing(item, "id");
        }
        if let Some(id) = id {
            add(reader, &mut agents, &id, agent, item.at);
        }
    });
    agents
}

fn add(reader: &mut Reader<'_>, agents: &mut IndexMap<String, Agent>, id: &str, agent: Agent, at: usize) {
    match agents.entry(super::layout::key(id)) {
        indexmap::map::Entry::Vacant(entry) => {
            entry.insert(agent);
        }
        indexmap::map::Entry::Occupied(_) => {
            reader.warn(DiagnosticCode::Conflict, at, "an earlier agent has the same id and wins");
        }
    }
}
