//! A secret of the configuration, or a reference to one.

use crate::config::reader::Reader;
use crate::credential::{ReferenceFailure, Resolved, SecretRef, carries_credential, doubt_of_header};
use crate::error::{DiagnosticCode, Location};
use crate::secret::{Secret, clean, is_clean, joined};
use crate::syntax::{Node, Value};

/// A placeholder for the parts of an incomplete reference.
const UNREADABLE: &str = "?";

/// A secret, or a reference with the secret it resolves to and its location.
#[derive(Clone, Debug)]
pub(super) enum ConfiguredSecret {
    Text(Secret),
    /// Boxed, because few values are references.
    Reference(Box<SecretRef>, Result<Secret, ReferenceFailure>, Box<Location>),
}

impl ConfiguredSecret {
    /// Reads a value. An object with an incomplete reference stays a reference that does not resolve, so that no other
    /// secret takes its place. Without a `provider` the default one is meant.
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
            // The object may contain a secret, so nothing of it is kept.
            SecretRef::new(UNREADABLE, UNREADABLE, UNREADABLE)
        };
        let place = Box::new(reader.value_place(node));
        Some(Self::Reference(Box::new(reference), Err(ReferenceFailure::NotLookedUp), place))
    }

    /// Reads `$NAME`, which OpenClaw documents as a reference to a variable with the default provider. It is looked up
    /// here; a resolver that applies an allowlist can override the result.
    fn from_shorthand(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Self> {
        let Value::String(text) = &node.value else { return None };
        if !text.contains('$') {
            return None;
        }
        let text = Secret::cleaned(text);
        // `${NAME}` is substituted text, not a reference.
        let reference = SecretRef::from_short(text.expose()).filter(|_| !text.expose().starts_with("${"))?;
        let found = reader.environment.get(&reference.id);
        let found = found.filter(|secret| !joined(secret.expose()).is_empty());
        let found = found.ok_or(ReferenceFailure::MissingVariable);
        Some(Self::Reference(Box::new(reference), found, Box::new(reader.value_place(node))))
    }

    /// Joins the lines of the value, as a header needs it.
    pub(super) fn joined(self) -> Self {
        match self {
            Self::Text(text) => Self::Text(joined(text.expose())),
            reference @ Self::Reference(..) => reference.taken(joined),
        }
    }

    /// Applies `take` to the secret of a reference, to bring it into the form that its use needs.
    pub(super) fn taken(self, take: fn(&str) -> Secret) -> Self {
        match self {
            Self::Reference(reference, found, place) => {
                Self::Reference(reference, found.map(|secret| take(secret.expose())), place)
            }
            text @ Self::Text(_) => text,
        }
    }

    /// Cleans the value, and warns about what was removed.
    pub(super) fn cleaned(self, reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Self> {
        let Self::Text(text) = self else { return Some(self.taken(Secret::cleaned)) };
        if !text.is_empty() && is_clean(text.expose()) {
            return Some(Self::Text(text));
        }
        let (secret, cleaning) = clean(text.expose());
        if secret.is_empty() {
            reader.warn(DiagnosticCode::IgnoredSetting, node.at, "the value is blank and counts as absent");
            return None;
        }
        cleaning.notes().for_each(|note| reader.warn(DiagnosticCode::CleanedSecret, node.at, note));
        Some(Self::Text(secret))
    }

    /// Warns about a header value that cannot be a secret.
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

    /// Returns the reference with its location, unless it is incomplete, which was reported on reading.
    pub(super) fn placed_reference(&self) -> Option<(&SecretRef, &Location)> {
        match self {
            Self::Reference(reference, _, place) if reference.source != UNREADABLE => Some((reference, place)),
            _ => None,
        }
    }

    /// Stores the secret of the reference, if this is one, in the form that its use needs.
    pub(super) fn put_in(&mut self, references: &Resolved, take: fn(&str) -> Secret) {
        let Self::Reference(reference, found, _) = self else { return };
        let new = references.get(reference).map(|secret| take(secret.expose()));
        // `$NAME` was looked up on reading, and stays so without a resolver.
        if !(reference.provider.is_empty() && new == Err(ReferenceFailure::NotLookedUp)) {
            *found = new;
        }
    }
}
