//! A primary model and its fallbacks.

use super::keys;
use super::reader::Reader;
use crate::error::Location;
use crate::syntax::{Node, Value};

/// A primary model and the models to use if it is not available.
#[derive(Clone, Debug, Default)]
pub(super) struct ModelChoice {
    pub(super) primary: Option<String>,
    /// `None` if not set; an empty list means "no fallbacks".
    pub(super) fallbacks: Option<Vec<String>>,
    /// Every name with its location.
    pub(super) placed: Vec<(String, Location)>,
}

impl ModelChoice {
    pub(super) fn read<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Self {
        let mut choice = Self::default();
        match node.value {
            Value::String(_) => choice.primary = choice.name(reader, node),
            Value::Object(_) => reader.object(node, &keys::CHOICE, |reader, member| {
                if member.key == "primary" {
                    choice.primary = choice.name(reader, &member.node);
                } else {
                    let mut names = Vec::new();
                    let is_list = reader.items(&member.node, |reader, item| names.extend(choice.name(reader, item)));
                    choice.fallbacks = is_list.then_some(names);
                }
            }),
            _ => reader.wrong(node, "a model's name is expected, or an object with `primary` and `fallbacks`"),
        }
        choice
    }

    fn name<'n>(&mut self, reader: &mut Reader<'n>, node: &'n Node<'n>) -> Option<String> {
        let name = reader.word(node)?;
        self.placed.push((name.clone(), reader.value_place(node)));
        Some(name)
    }

    /// Applies the rule of `agents.entries`: a model without fallbacks has none, not those of the defaults.
    pub(super) fn complete(mut self) -> Self {
        if self.primary.is_some() {
            self.fallbacks.get_or_insert_default();
        }
        self
    }
}
