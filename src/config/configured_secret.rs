//! A value of the configuration that is a secret, or a reference to one.

use crate::config::reader::Reader;
use crate::credential::{ReferenceFailure, Resolved, SecretRef};
use crate::error::Location;
use crate::secret::Secret;
use crate::syntax::{Node, Value};

/// Stands for the parts of a reference that is no whole one.
const UNREADABLE: &str = "?";

/// A secret, or a reference to one with what it leads to, and where it stands.
#[derive(Clone, Debug)]
pub(super) enum ConfiguredSecret {
    Text(Secret),
    Reference(SecretRef, Result<Secret, ReferenceFailure>, Location),
}

impl ConfiguredSecret {
    /// Reads a value. An object that misses a part of a reference is a reference that leads nowhere, not nothing: another
    /// secret must not take its place. Without a `provider` the default one is meant.
    pub(super) fn read<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Option<Self> {
        let Value::Object(members) = &node.value else { return reader.secret(node).map(Self::Text) };
        let part = |key: &str| {
            let member = members.iter().find(|member| member.key == key)?;
            let Value::String(text) = &member.node.value else { return None };
            Some(text.as_ref()).filter(|text| !text.is_empty())
        };
        let has_provider = members.iter().any(|member| member.key == "provider");
        let provider = if has_provider { part("provider") } else { Some("") };
        let reference = if let (Some(source), Some(provider), Some(id)) = (part("source"), provider, part("id")) {
            SecretRef::new(source, provider, id)
        } else {
            reader.wrong(node, "text is expected, or a reference with `source`, `provider` and `id`");
            // Whatever stands there may be a secret, and is not shown.
            SecretRef::new(UNREADABLE, UNREADABLE, UNREADABLE)
        };
        Some(Self::Reference(reference, Err(ReferenceFailure::NotLookedUp), reader.location(node.at)))
    }

    /// The value without line breaks and white space around it.
    pub(super) fn cleaned(self) -> Self {
        match self {
            Self::Text(text) => Self::Text(Secret::cleaned(text.expose())),
            reference @ Self::Reference(..) => reference,
        }
    }

    pub(super) fn value(&self) -> Result<&Secret, ReferenceFailure> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Reference(_, found, _) => found.as_ref().map_err(|failure| *failure),
        }
    }

    pub(super) fn reference(&self) -> Option<&SecretRef> {
        match self {
            Self::Text(_) => None,
            Self::Reference(reference, _, _) => Some(reference),
        }
    }

    /// The reference with its place, unless it was no whole one, which was said where it was read.
    pub(super) fn placed_reference(&self) -> Option<(&SecretRef, &Location)> {
        match self {
            Self::Reference(reference, _, place) if reference.source != UNREADABLE => Some((reference, place)),
            _ => None,
        }
    }

    /// Takes what the reference leads to, if this is one.
    pub(super) fn put_in(&mut self, references: &Resolved) {
        if let Self::Reference(reference, found, _) = self {
            *found = references.get(reference).map(|secret| Secret::cleaned(secret.expose()));
        }
    }
}
