//! Entries by the name of a provider or a model, in any spelling.

use std::fmt;

use indexmap::IndexMap;
use indexmap::map::Entry;

use crate::config::release::Release;
use crate::id::{ModelRef, ProviderId};

/// A name that has several spellings.
pub(super) trait Spelt {
    /// Returns the normalised name.
    fn name(&self) -> String;

    /// Returns the original spelling.
    fn written(&self) -> String;

    /// Returns `true` if there are several known spellings.
    fn has_spellings(&self) -> bool;

    /// Returns all known spellings, the newest first.
    fn spellings(&self) -> Vec<String>;
}

impl Spelt for ProviderId {
    fn name(&self) -> String {
        self.as_str().to_owned()
    }

    fn written(&self) -> String {
        self.written().to_owned()
    }

    fn has_spellings(&self) -> bool {
        self.known().is_some_and(|known| !known.aliases().is_empty())
    }

    fn spellings(&self) -> Vec<String> {
        let known = self.known().map_or(&[][..], |known| known.aliases());
        std::iter::once(self.as_str()).chain(known.iter().copied()).map(str::to_owned).collect()
    }
}

impl Spelt for ModelRef {
    fn name(&self) -> String {
        self.name()
    }

    fn written(&self) -> String {
        self.written()
    }

    fn has_spellings(&self) -> bool {
        self.provider().has_spellings()
    }

    fn spellings(&self) -> Vec<String> {
        let providers = self.provider().spellings();
        providers.into_iter().map(|provider| format!("{provider}/{}", self.model())).collect()
    }
}

/// Entries by name, in the order of the file.
///
/// Since August 2026 OpenClaw keeps names as written: `z.ai` and `zai` are two entries. A lookup finds the entry with
/// the exact spelling, otherwise the first one with another spelling. In older releases they are one entry.
#[derive(Clone)]
pub(super) struct BySpelling<K, V> {
    entries: IndexMap<String, (K, V)>,
}

impl<K: Spelt, V> BySpelling<K, V> {
    /// Adds an entry. Returns `false` if there is already one that is the same for this release.
    pub(super) fn add(&mut self, release: Release, name: K, value: V) -> bool {
        let key = if release.has_entries() { name.written() } else { name.name() };
        match self.entries.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert((name, value));
                true
            }
            Entry::Occupied(_) => false,
        }
    }

    /// Makes room for this number of entries.
    pub(super) fn reserve(&mut self, count: usize) {
        self.entries.reserve(count);
    }

    fn index_of(&self, name: &K) -> Option<usize> {
        // Most lookups find nothing, so the empty case comes first.
        if self.entries.is_empty() {
            return None;
        }
        let exact = self.entries.get_index_of(&name.written());
        exact.or_else(|| {
            let others = if name.has_spellings() { name.spellings() } else { Vec::new() };
            others.iter().filter_map(|name| self.entries.get_index_of(name)).min()
        })
    }

    pub(super) fn get(&self, name: &K) -> Option<&V> {
        let (_, (_, value)) = self.entries.get_index(self.index_of(name)?)?;
        Some(value)
    }

    /// Returns the entry of a name that has no other spellings.
    pub(super) fn named(&mut self, name: &str) -> Option<&mut V> {
        self.entries.get_mut(name).map(|(_, value)| value)
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (&K, &V)> {
        self.entries.values().map(|(name, value)| (name, value))
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.values().map(|(_, value)| value)
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.values_mut().map(|(_, value)| value)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<V> BySpelling<ProviderId, V> {
    /// Returns `true` if there are entries for more than one spelling of this name.
    pub(super) fn is_split(&self, name: &ProviderId) -> bool {
        // Few configurations have two entries, so the length is checked first.
        self.entries.len() > 1
            && name.known().is_some_and(|known| {
                let spellings = std::iter::once(name.as_str()).chain(known.aliases().iter().copied());
                spellings.filter(|name| self.entries.contains_key(*name)).nth(1).is_some()
            })
    }
}

impl<K, V> Default for BySpelling<K, V> {
    fn default() -> Self {
        Self { entries: IndexMap::new() }
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for BySpelling<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.entries.values().map(|(name, value)| (name, value))).finish()
    }
}
