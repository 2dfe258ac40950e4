//! The settings of single models: aliases and parameters.

use std::borrow::Cow;
use std::collections::HashSet;

use super::params::Params;
use super::reader::Reader;
use super::spelt::BySpelling;
use super::{keys, names};
use crate::error::DiagnosticCode;
use crate::id::{ModelRef, lowered};
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
    let mut aliases = HashSet::with_capacity(node.len());
    let bare = reader.release.bare_provider();
    reader.entries(node, |reader, member| {
        let mut settings = ModelSettings::default();
        reader.object(&member.node, &keys::MODEL, |reader, member| {
            if member.key == "params" {
                settings.params = Params::read(reader, &member.node);
                return;
            }
            settings.says_alias = true;
            let Some(text) = reader.text(&member.node) else { return };
            let alias = text.value.trim_matches(is_blank_char);
            // A blank alias removes the default one.
            settings.alias = Some(alias.to_owned()).filter(|alias| !alias.is_empty());
            let lowered = match text.value {
                Cow::Borrowed(text) => lowered(text.trim_matches(is_blank_char)),
                Cow::Owned(_) => Cow::Owned(alias.to_lowercase()),
            };
            if !lowered.is_empty() && !aliases.insert(lowered) {
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
