//! A value of the configuration that is a secret, or a reference to one.

use crate::config::reader::Reader;
use crate::credential::{ReferenceFailure, Resolved, SecretRef, carries_credential, doubt_of_header};
use crate::error::{DiagnosticCode, Location};
use crate::secret::{Secret, clean, joined};
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
        let Value::Object(members) = &node.value else {
            return Self::from_shorthand(reader, node).or_else(|| reader.secret(node).map(Self::Text));
        };
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
        Some(Self::Reference(reference, Err(ReferenceFailure::NotLookedUp), reader.value_place(node)))
    }

    /// Reads `$NAME`, which OpenClaw documents as a reference to a variable with the default provider. What it leads to is
    /// known here already; a resolver that knows of an allowlist has the last word.
    fn from_shorthand(reader: &Reader<'_>, node: &Node<'_>) -> Option<Self> {
        let Value::String(text) = &node.value else { return None };
        let text = Secret::cleaned(text);
        // With braces it was put in before.
        let reference = SecretRef::from_short(text.expose()).filter(|_| !text.expose().starts_with("${"))?;
        let found = reader.environment.get(&reference.id);
        let found = found.filter(|secret| !joined(secret.expose()).is_empty());
        let found = found.ok_or(ReferenceFailure::MissingVariable);
        Some(Self::Reference(reference, found, reader.value_place(node)))
    }

    /// The value as a header has it.
    pub(super) fn joined(self) -> Self {
        match self {
            Self::Text(text) => Self::Text(joined(text.expose())),
            reference @ Self::Reference(..) => reference.taken(joined),
        }
    }

    /// As it is, but what a reference leads to in the form that its place needs.
    pub(super) fn taken(self, take: fn(&str) -> Secret) -> Self {
        match self {
            Self::Reference(reference, found, place) => {
                Self::Reference(reference, found.map(|secret| take(secret.expose())), place)
            }
            text @ Self::Text(_) => text,
        }
    }

    /// The value alone, as a secret is; what was left out is remarked on.
    pub(super) fn cleaned(self, reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Self> {
        let Self::Text(text) = self else { return Some(self.taken(Secret::cleaned)) };
        let (secret, cleaning) = clean(text.expose());
        if secret.is_empty() {
            reader.warn(DiagnosticCode::IgnoredSetting, node.at, "the value is blank and counts as absent");
            return None;
        }
        cleaning.notes().for_each(|note| reader.warn(DiagnosticCode::CleanedSecret, node.at, note));
        Some(Self::Text(secret))
    }

    /// Remarks on a text that stands in a header and can be no secret.
    pub(super) fn remark_in_header(&self, reader: &mut Reader<'_>, node: &Node<'_>, name: &str) {
        let Self::Text(text) = self else { return };
        if let Some(reason) = carries_credential(name).then(|| doubt_of_header(name, text)).flatten() {
            reader.warn(DiagnosticCode::ImplausibleSecret, node.at, format!("the header has {reason}"));
            reader.help(reason.help());
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

    /// Takes what the reference leads to, if this is one, in the form that its place needs.
    pub(super) fn put_in(&mut self, references: &Resolved, take: fn(&str) -> Secret) {
        let Self::Reference(reference, found, _) = self else { return };
        let new = references.get(reference).map(|secret| take(secret.expose()));
        // A text such as `$NAME` has been looked up; nothing is known better without a resolver.
        if !(reference.provider.is_empty() && new == Err(ReferenceFailure::NotLookedUp)) {
            *found = new;
        }
    }
}
