//! `agents`: models, their parameters, and what single agents change.

use indexmap::IndexMap;

use crate::config::names;
use crate::config::params::Params;
use crate::config::reader::{Reader, Shape};
use crate::error::DiagnosticCode;
use crate::id::{ModelRef, ProviderId};
use crate::secret::is_blank_char;
use crate::syntax::{Node, Value};

const AGENTS: Shape = Shape { owned: &["defaults", "list"], foreign: &[], closed: false };
const DEFAULTS: Shape = Shape { owned: &["model", "imageModel", "models", "params"], foreign: &[], closed: false };
const AGENT: Shape = Shape { owned: &["id", "model", "params"], foreign: &[], closed: false };
const CHOICE: Shape = Shape { owned: &["primary", "fallbacks"], foreign: &["timeoutMs"], closed: true };
const MODEL: Shape = Shape { owned: &["alias", "params"], foreign: &["streaming"], closed: true };

/// The block.
#[derive(Clone, Debug, Default)]
pub(super) struct Agents {
    pub(super) model: ModelChoice,
    pub(super) image_model: ModelChoice,
    pub(super) params: Params,
    pub(super) models: IndexMap<ModelRef, ModelSettings>,
    list: IndexMap<String, Agent>,
}

/// A model and what to use when it is not available.
#[derive(Clone, Debug, Default)]
pub(super) struct ModelChoice {
    pub(super) primary: Option<String>,
    /// `None` if nothing is said; an empty list says "no fallbacks".
    pub(super) fallbacks: Option<Vec<String>>,
}

/// One entry of `agents.defaults.models`.
#[derive(Clone, Debug, Default)]
pub(super) struct ModelSettings {
    pub(super) alias: Option<String>,
    /// Whether the configuration says something of an alias, if only that there is none.
    pub(super) says_alias: bool,
    pub(super) params: Params,
}

/// One entry of `agents.list`.
#[derive(Clone, Debug, Default)]
pub(super) struct Agent {
    pub(super) model: ModelChoice,
    pub(super) params: Params,
}

impl Agents {
    /// The agent of this id; ids are compared without regard to case and surrounding white space.
    pub(super) fn agent(&self, id: Option<&str>) -> Option<&Agent> {
        self.list.get(&agent_key(id?))
    }

    /// The ids of the agents of the list, in lower case.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.list.keys().map(String::as_str)
    }

    /// Every layer of parameters: of all models, of single models, of single agents.
    pub(super) fn layers(&self) -> impl Iterator<Item = &Params> {
        let models = self.models.values().map(|model| &model.params);
        std::iter::once(&self.params).chain(models).chain(self.list.values().map(|agent| &agent.params))
    }

    pub(super) fn read<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Self {
        let mut agents = Self::default();
        reader.object(node, &AGENTS, |reader, member| match member.key.as_ref() {
            "defaults" => agents.read_defaults(reader, &member.node),
            _ => agents.list = list(reader, &member.node),
        });
        agents
    }

    fn read_defaults<'n>(&mut self, reader: &mut Reader<'n>, node: &'n Node<'n>) {
        reader.object(node, &DEFAULTS, |reader, member| {
            let node = &member.node;
            match member.key.as_ref() {
                "model" => self.model = ModelChoice::read(reader, node),
                "imageModel" => self.image_model = ModelChoice::read(reader, node),
                "params" => self.params = Params::read(reader, node),
                _ => self.models = models(reader, node),
            }
        });
    }
}

impl ModelChoice {
    fn read<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Self {
        let mut choice = Self::default();
        match node.value {
            Value::String(_) => choice.primary = reader.word(node),
            Value::Object(_) => reader.object(node, &CHOICE, |reader, member| match member.key.as_ref() {
                "primary" => choice.primary = reader.word(&member.node),
                _ => choice.fallbacks = fallbacks(reader, &member.node),
            }),
            _ => reader.wrong(node, "a model's name is expected, or an object with `primary` and `fallbacks`"),
        }
        choice
    }
}

fn fallbacks<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Option<Vec<String>> {
    let mut names = Vec::new();
    reader.items(node, |reader, item| names.extend(reader.word(item))).then_some(names)
}

fn models<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> IndexMap<ModelRef, ModelSettings> {
    let mut models = IndexMap::new();
    let mut aliases = std::collections::HashSet::new();
    reader.entries(node, |reader, member| {
        let mut settings = ModelSettings::default();
        reader.object(&member.node, &MODEL, |reader, member| {
            if member.key == "params" {
                settings.params = Params::read(reader, &member.node);
                return;
            }
            settings.says_alias = true;
            // A blank one is how a model is left without the alias it would have otherwise.
            let alias = reader.text(&member.node).map(|text| text.value.trim_matches(is_blank_char).to_owned());
            settings.alias = alias.filter(|alias| !alias.is_empty());
            if settings.alias.as_ref().is_some_and(|alias| !aliases.insert(alias.to_lowercase())) {
                reader.warn(DiagnosticCode::Conflict, member.node.at, "a model further up has this alias and keeps it");
            }
        });
        let Ok(model) = ModelRef::parse(&member.key, &ProviderId::anthropic()) else {
            let message = "the name of a model is `provider/model`, without a blank half";
            return reader.report(reader.wrong, DiagnosticCode::InvalidValue, member.key_at, message);
        };
        let model = names::official(model);
        if models.contains_key(&model) {
            reader.warn(DiagnosticCode::Conflict, member.key_at, "an entry further up is for the same model and wins");
        } else {
            models.insert(model, settings);
        }
    });
    names::give_aliases(&mut models);
    models
}

fn list<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> IndexMap<String, Agent> {
    let mut agents = IndexMap::new();
    reader.items(node, |reader, item| {
        let (mut agent, mut id) = (Agent::default(), None);
        let mut has_id = !matches!(item.value, Value::Object(_));
        reader.object(item, &AGENT, |reader, member| match member.key.as_ref() {
            "model" => agent.model = ModelChoice::read(reader, &member.node),
            "params" => agent.params = Params::read(reader, &member.node),
            _ => {
                has_id = true;
                id = reader.word(&member.node);
            }
        });
        if !has_id {
            reader.missing(item, "id");
        }
        let Some(id) = id else { return };
        match agents.entry(agent_key(&id)) {
            indexmap::map::Entry::Vacant(entry) => {
                entry.insert(agent);
            }
            indexmap::map::Entry::Occupied(_) => {
                reader.warn(DiagnosticCode::Conflict, item.at, "an agent further up has the same id and wins");
            }
        }
    });
    agents
}

fn agent_key(id: &str) -> String {
    id.trim().to_lowercase()
}
