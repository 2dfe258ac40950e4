//! The texts of a configuration, with one numbering of their keys and values.

use std::borrow::Cow;
use std::path::Path;

use crate::error::Location;
use crate::syntax::{Member, Node, Places, Value};

/// One text: the configuration itself, or a file it includes.
struct Source<'t> {
    /// The number of its first key or value.
    base: usize,
    path: Option<&'t Path>,
    places: Places<'t>,
}

/// Finds file, line and column of a key or a value by its number.
pub(super) struct Sources<'t> {
    texts: Vec<Source<'t>>,
    /// `true` if the tree is that of a single text.
    is_one: bool,
}

impl<'t> Sources<'t> {
    /// Creates the sources of a configuration without includes.
    pub(super) fn one(path: Option<&'t Path>, places: Places<'t>) -> Self {
        Self { is_one: true, ..Self::with_includes(path, places) }
    }

    /// Creates the sources of a configuration with includes, starting at number zero.
    pub(super) fn with_includes(path: Option<&'t Path>, places: Places<'t>) -> Self {
        Self { texts: vec![Source { base: 0, path, places }], is_one: false }
    }

    /// Adds a text, whose numbers begin after those of all others.
    pub(super) fn add(&mut self, base: usize, path: &'t Path, places: Places<'t>) {
        self.texts.push(Source { base, path: Some(path), places });
    }

    /// Returns the location of a number. The first one in a text takes a scan of that text.
    pub(super) fn locate(&self, at: usize) -> Location {
        let next = self.texts.partition_point(|source| source.base <= at);
        let source = next.checked_sub(1).and_then(|index| self.texts.get(index));
        source.map_or_else(Location::default, |source| source.place(source.places.locate_number(at - source.base)))
    }

    /// Returns the location of a key, without a scan if possible.
    pub(super) fn locate_key(&self, member: &Member<'_>) -> Location {
        self.quick(|places| places.locate_word(borrowed(&member.key)?)).unwrap_or_else(|| self.locate(member.key_at))
    }

    /// Returns the location of a value, which follows this key if there is one, without a scan if possible.
    pub(super) fn locate_value(&self, node: &Node<'_>, key: Option<&str>) -> Location {
        let found = self.quick(|places| match &node.value {
            Value::String(text) => places.locate_word(borrowed(text)?),
            _ => places.locate_value_of(key?),
        });
        found.unwrap_or_else(|| self.locate(node.at))
    }

    /// Searches the single text of the tree. With several texts, a value may be in another one than its key.
    fn quick(&self, find: impl FnOnce(&Places<'t>) -> Option<Location>) -> Option<Location> {
        let source = self.texts.first().filter(|_| self.is_one)?;
        find(&source.places).map(|location| source.place(location))
    }

    /// Returns the index of the text that a location is in, in the order of reading.
    pub(super) fn rank(&self, location: &Location) -> usize {
        self.texts.iter().position(|source| source.path == location.path.as_deref()).unwrap_or(self.texts.len())
    }
}

impl Source<'_> {
    fn place(&self, location: Location) -> Location {
        match self.path {
            Some(path) => location.with_path(path),
            None => location,
        }
    }
}

/// Returns a string that was borrowed from the text; one with escape sequences was not.
fn borrowed<'t>(text: &Cow<'t, str>) -> Option<&'t str> {
    match text {
        Cow::Borrowed(text) => Some(text),
        Cow::Owned(_) => None,
    }
}
