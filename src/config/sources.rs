//! The texts a configuration is made of, as one run of offsets.

use std::path::Path;

use crate::error::Location;
use crate::syntax::Places;

/// One text: the configuration itself, or a file it includes.
struct Source<'t> {
    /// The offset at which it begins.
    base: usize,
    path: Option<&'t Path>,
    places: Places<'t>,
}

/// Finds file, line and column of an offset.
pub(super) struct Sources<'t>(Vec<Source<'t>>);

impl<'t> Sources<'t> {
    /// The configuration itself, at offset zero.
    pub(super) fn new(path: Option<&'t Path>, places: Places<'t>) -> Self {
        Self(vec![Source { base: 0, path, places }])
    }

    /// A further text, whose offsets begin later than those of all others.
    pub(super) fn add(&mut self, base: usize, path: &'t Path, places: Places<'t>) {
        self.0.push(Source { base, path: Some(path), places });
    }

    /// The place of an offset.
    pub(super) fn locate(&self, at: usize) -> Location {
        let next = self.0.partition_point(|source| source.base <= at);
        let Some(source) = next.checked_sub(1).and_then(|index| self.0.get(index)) else { return Location::default() };
        let location = source.places.locate(at - source.base);
        source.path.map_or(location.clone(), |path| location.with_path(path))
    }

    /// Which of the texts a place is in, in the order in which they were read.
    pub(super) fn rank(&self, location: &Location) -> usize {
        self.0.iter().position(|source| source.path == location.path.as_deref()).unwrap_or(self.0.len())
    }
}
