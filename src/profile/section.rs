//! A map inside the document whose entries keep their text.

use std::borrow::Borrow;
use std::hash::Hash;

use indexmap::IndexMap;

use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// One of the document's maps: absent, a map of understood entries with their text, or something else that is kept
/// as it is and cannot be changed, because changing it would lose it.
#[derive(Clone, Default)]
pub(super) enum Section<K, V> {
    #[default]
    Absent,
    Map(IndexMap<K, (V, Secret)>),
    Foreign(Secret),
}

impl<K: Hash + Eq, V> Section<K, V> {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let map = match self {
            Self::Map(map) => Some(map),
            _ => None,
        };
        map.into_iter().flatten().map(|(key, (value, _))| (key, value))
    }

    pub(super) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        match self {
            Self::Map(map) => map.get(key).map(|(value, _)| value),
            _ => None,
        }
    }

    pub(super) fn index_of<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<usize>
    where
        K: Borrow<Q>,
    {
        match self {
            Self::Map(map) => map.get_index_of(key),
            _ => None,
        }
    }

    pub(super) fn at(&self, index: usize) -> Option<&V> {
        match self {
            Self::Map(map) => map.get_index(index).map(|(_, (value, _))| value),
            _ => None,
        }
    }

    fn map(&mut self) -> Result<&mut IndexMap<K, (V, Secret)>> {
        if matches!(self, Self::Absent) {
            *self = Self::Map(IndexMap::new());
        }
        match self {
            Self::Map(map) => Ok(map),
            _ => Err(Error::new(
                ErrorKind::Corrupt,
                "a section of the credential document that must be an object is not one",
            )),
        }
    }

    /// Sets an entry; `false` if it was there with the same text.
    pub(super) fn set(&mut self, key: K, value: V, text: String) -> Result<bool> {
        let map = self.map()?;
        let text = Secret::new(text);
        if map.get(&key).is_some_and(|(_, old)| *old == text) {
            return Ok(false);
        }
        map.insert(key, (value, text));
        Ok(true)
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self, Self::Map(_))
    }

    /// Makes a map absent; what is no map stays.
    pub(super) fn drop_map(&mut self) {
        if self.is_map() {
            *self = Self::Absent;
        }
    }

    /// Whether both have the same text in the same order.
    pub(super) fn same_text(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Absent, Self::Absent) => true,
            (Self::Foreign(one), Self::Foreign(two)) => one == two,
            (Self::Map(one), Self::Map(two)) => {
                one.len() == two.len() && one.iter().zip(two).all(|((a, (_, one)), (b, (_, two)))| a == b && one == two)
            }
            _ => false,
        }
    }

    /// This section with those entries of another that it does not have; tells which it has otherwise.
    pub(super) fn over<'a>(&self, below: &'a Self) -> (Self, Vec<&'a K>)
    where
        Self: Clone,
        K: Clone,
        V: Clone,
    {
        match (self, below) {
            (Self::Absent, below) => (below.clone(), Vec::new()),
            (Self::Map(above), Self::Map(below)) => {
                let mut map = above.clone();
                let mut hidden = Vec::new();
                for (key, entry) in below {
                    match above.get(key) {
                        None => {
                            map.insert(key.clone(), entry.clone());
                        }
                        Some((_, text)) if *text != entry.1 => hidden.push(key),
                        Some(_) => {}
                    }
                }
                (Self::Map(map), hidden)
            }
            (above, _) => (above.clone(), Vec::new()),
        }
    }

    /// Removes an entry, and the section with its last one; `false` if there was none.
    pub(super) fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Result<bool>
    where
        K: Borrow<Q>,
    {
        if matches!(self, Self::Absent) {
            return Ok(false);
        }
        let map = self.map()?;
        let removed = map.shift_remove(key).is_some();
        if removed && map.is_empty() {
            *self = Self::Absent;
        }
        Ok(removed)
    }
}
