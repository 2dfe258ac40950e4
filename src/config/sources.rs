//! The texts a configuration is made of, as one run of numbers.

use std::borrow::Cow;
use std::path::Path;

use crate::error::Location;
use crate::syntax::{Member, Node, Places, Value};

/// One text: the configuration itself, or a file it includes.
struct Source<'t> {
    /// The number at which its keys and values begin.
    base: usize,
    path: Option<&'t Path>,
    places: Places<'t>,
}

/// Finds file, line and column of a key or a value by its number.
pub(super) struct Sources<'t> {
    texts: Vec<Source<'t>>,
    /// Whether the tree is that of one text as it stands.
    is_one: bool,
}

impl<'t> Sources<'t> {
    /// A configuration that includes nothing.
    pub(super) fn one(path: Option<&'t Path>, places: Places<'t>) -> Self {
        Self { is_one: true, ..Self::with_includes(path, places) }
    }

    /// A configuration that includes others, at number zero.
    pub(super) fn with_includes(path: Option<&'t Path>, places: Places<'t>) -> Self {
        Self { texts: vec![Source { base: 0, path, places }], is_one: false }
    }

    /// A further text, whose numbers begin later than those of all others.
    pub(super) fn add(&mut self, base: usize, path: &'t Path, places: Places<'t>) {
        self.texts.push(Source { base, path: Some(path), places });
    }

    /// The place of a number. The first one in a text takes a scan of that text.
    pub(super) fn locate(&self, at: usize) -> Location {
        let next = self.texts.partition_point(|source| source.base <= at);
        let source = next.checked_sub(1).and_then(|index| self.texts.get(index));
        source.map_or_else(Location::default, |source| source.place(source.places.locate_number(at - source.base)))
    }

    /// The place of a key, found without a scan where that is possible.
    pub(super) fn locate_key(&self, member: &Member<'_>) -> Location {
        self.quick(|places| places.locate_word(borrowed(&member.key)?)).unwrap_or_else(|| self.locate(member.key_at))
    }

    /// The place of a value, which stands behind this key if there is one, found without a scan where that is possible.
    pub(super) fn locate_value(&self, node: &Node<'_>, key: Option<&str>) -> Location {
        let found = self.quick(|places| match &node.value {
            Value::String(text) => places.locate_word(borrowed(text)?),
            _ => places.locate_value_of(key?),
        });
        found.unwrap_or_else(|| self.locate(node.at))
    }

    /// What is found in the text of the tree. Among several texts a value may stand in another one than its key.
    fn quick(&self, find: impl FnOnce(&Places<'t>) -> Option<Location>) -> Option<Location> {
        let source = self.texts.first().filter(|_| self.is_one)?;
        find(&source.places).map(|location| source.place(location))
    }

    /// Which of the texts a place is in, in the order in which they were read.
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

/// What stands in the text itself; what has escape sequences does not.
fn borrowed<'t>(text: &Cow<'t, str>) -> Option<&'t str> {
    match text {
        Cow::Borrowed(text) => Some(text),
        Cow::Owned(_) => None,
    }
}
