//! References to secrets that are kept elsewhere, and their resolution.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;

use super::ReferenceFailure;
use crate::clock::Timestamp;
use crate::secret::Secret;

/// A reference to a secret that is kept outside the document.
///
/// A [`ReferenceResolver`](crate::references::ReferenceResolver) looks it up.
///
/// `Debug` shows only well-formed parts, because another text may be a secret in the wrong field.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SecretRef {
    /// The kind of source: `env`, `file`, `exec` or `store` in OpenClaw's files.
    pub source: String,
    /// The named provider of that kind; empty for the configuration's default, as in the short form `${NAME}`.
    pub provider: String,
    /// The secret's id at the source.
    pub id: String,
}

impl SecretRef {
    /// Creates a reference. Its parts are validated when it is resolved.
    ///
    /// # Examples
    ///
    /// ```
    /// use provider_auth::credential::SecretRef;
    ///
    /// let reference = SecretRef::new("env", "default", "ANTHROPIC_API_KEY");
    /// assert_eq!(reference.id, "ANTHROPIC_API_KEY");
    /// ```
    #[must_use]
    pub fn new(source: impl Into<String>, provider: impl Into<String>, id: impl Into<String>) -> Self {
        Self { source: source.into(), provider: provider.into(), id: id.into() }
    }

    /// Reads the short form of a reference to a variable, `${NAME}` or `$NAME`; returns `None` for any other text.
    pub(crate) fn from_short(text: &str) -> Option<Self> {
        let inside = text.strip_prefix('$')?;
        let name = match inside.strip_prefix('{') {
            Some(braced) => braced.strip_suffix('}')?,
            None => inside,
        };
        is_variable(name).then(|| Self::new("env", "", name))
    }

    /// Returns the source and the id as far as they may be shown: an invalid part may be a secret in the wrong field.
    pub(crate) fn shown(&self) -> (&str, &str) {
        let is_plain = match self.source.as_str() {
            "env" | "store" => is_variable(&self.id),
            "file" => self.id == "value" || self.id.starts_with('/'),
            "exec" => crate::providers::recognise(&self.id).is_none(),
            _ => return ("?", "?"),
        };
        (&self.source, if is_plain && self.id.len() <= LONGEST_SHOWN { &self.id } else { "?" })
    }
}

/// The longest id that is shown, in bytes.
const LONGEST_SHOWN: usize = 256;

impl fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (source, id) = self.shown();
        f.debug_struct("SecretRef").field("source", &source).field("id", &id).finish_non_exhaustive()
    }
}

/// Returns `true` for the name of a variable that a reference may name: `^[A-Z][A-Z0-9_]{0,127}$`.
pub(crate) fn is_variable(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    name.len() <= 128 && name.starts_with(|c: char| c.is_ascii_uppercase()) && name.bytes().all(fits)
}

/// The results of looking up references: for each, its secret or the reason why there is none.
///
/// Selection uses these results and looks nothing up itself. `Debug` shows the references but no secret. Cheap to
/// clone.
///
/// # Examples
///
/// ```
/// use provider_auth::Secret;
/// use provider_auth::credential::{ReferenceFailure, Resolved, SecretRef};
///
/// let (known, other) = (SecretRef::new("env", "default", "KEY"), SecretRef::new("env", "default", "OTHER"));
/// let resolved: Resolved = [(known.clone(), Ok(Secret::new("sk-example")))].into_iter().collect();
/// assert_eq!(resolved.get(&known).unwrap().expose(), "sk-example");
/// assert_eq!(resolved.get(&other), Err(ReferenceFailure::NotLookedUp));
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct Resolved {
    /// `None` for an empty map, which most queries have.
    found: Option<Arc<IndexMap<SecretRef, Result<Secret, ReferenceFailure>>>>,
    /// The time span in which it is not looked up again; `None` for the caller's own data.
    fresh: Option<(Timestamp, Timestamp)>,
}

impl Resolved {
    /// Returns the secret of a reference.
    ///
    /// # Errors
    ///
    /// The reason why there is none; [`NotLookedUp`](ReferenceFailure::NotLookedUp) for a reference that is not
    /// included.
    pub fn get(&self, reference: &SecretRef) -> Result<&Secret, ReferenceFailure> {
        match self.found.as_ref().and_then(|found| found.get(reference)) {
            Some(found) => found.as_ref().map_err(|failure| *failure),
            None => Err(ReferenceFailure::NotLookedUp),
        }
    }

    /// Returns an iterator over the references without a secret, with the reason.
    pub fn failures(&self) -> impl Iterator<Item = (&SecretRef, ReferenceFailure)> {
        self.found
            .iter()
            .flat_map(|found| &**found)
            .filter_map(|(reference, found)| Some((reference, *found.as_ref().err()?)))
    }

    /// Returns the number of references that were looked up.
    #[must_use]
    pub fn len(&self) -> usize {
        self.found.as_ref().map_or(0, |found| found.len())
    }

    /// Returns `true` if no reference was looked up.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sets the time span in which this is fresh.
    pub(crate) fn counting(self, from: Timestamp, until: Timestamp) -> Self {
        Self { fresh: Some((from, until)), ..self }
    }

    /// Returns `true` if it need not be looked up again yet.
    #[cfg(feature = "client")]
    pub(crate) fn is_fresh(&self, now: Timestamp) -> bool {
        self.fresh.is_some_and(|(from, until)| from <= now && now < until)
    }
}

impl FromIterator<(SecretRef, Result<Secret, ReferenceFailure>)> for Resolved {
    fn from_iter<I: IntoIterator<Item = (SecretRef, Result<Secret, ReferenceFailure>)>>(found: I) -> Self {
        let found: IndexMap<_, _> = found.into_iter().collect();
        Self { found: (!found.is_empty()).then(|| Arc::new(found)), fresh: None }
    }
}

impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.found.iter().flat_map(|found| &**found)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms() {
        let long = format!("A{}", "B".repeat(127));
        for (text, name) in
            [("${KEY}", Some("KEY")), ("$KEY_2", Some("KEY_2")), (&format!("${long}"), Some(long.as_str()))]
        {
            assert_eq!(SecretRef::from_short(text), name.map(|name| SecretRef::new("env", "", name)), "{text}");
        }
        let longer = format!("${long}C");
        for text in
            ["", "$", "${}", "KEY", "${KEY", "$KEY}", "$key", "${Key}", "$1A", "$_A", "a${KEY}", "${KEY} ", &longer]
        {
            assert_eq!(SecretRef::from_short(text), None, "{text}");
        }
    }
}
