//! The settings of single models: aliases and parameters.

use super::params::Params;
use super::reader::Reader;
use super::spelt::BySpelling;
use super::{keys, names};
use crate::error::DiagnosticCode;
use crate::id::ModelRef;
use crate::secret::is_blank_char;
use crate::syntax::Node;

/// One entry of `models` of the defaults or of an agent.
#[derive(Clone, Debug, Default)]
pub(super) struct ModelSettings {
    pub(super) alias: Option<String>,
    /// `true` if the configuration sets an alias, even a blank one.
    pub(super) says_alias: bool,
    pub(super) params: Params,
}

/// Reads `models`.
pub(super) fn read<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> BySpelling<ModelRef, ModelSettings> {
    let mut models = BySpelling::default();
    models.reserve(node.len());
    let mut aliases = std::collections::HashSet::new();
    let bare = reader.release.bare_provider();
    reader.entries(node, |reader, member| {
        let mut settings = ModelSettings::default();
        reader.object(&member.node, &keys::MODEL, |reader, member| {
            if member.key == "params" {
                settings.params = Params::read(reader, &member.node);
                return;
            }
            settings.says_alias = true;
            // A blank alias removes the default one.
            let alias = reader.text(&member.node).map(|text| text.value.trim_matches(is_blank_char).to_owned());
            settings.alias = alias.filter(|alias| !alias.is_empty());
            if settings.alias.as_ref().is_some_and(|alias| !aliases.insert(alias.to_lowercase())) {
                reader.warn(DiagnosticCode::Conflict, member.node.at, "an earlier model has this alias and keeps it");
            }
        });
        let Ok(model) = ModelRef::parse(&member.key, &bare) else {
            let message = "the name of a model is `provider/model`, without a blank half";
            return reader.report(reader.wrong, DiagnosticCode::InvalidValue, member.key_at, message);
        };
        if !models.add(reader.release, names::official(model), settings) {
            reader.warn(DiagnosticCode::Conflict, member.key_at, "an earlier entry is for the same model and wins");
        }
    });
    reader.release.give_aliases(&mut models);
    models
}
