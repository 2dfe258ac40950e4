//! A map inside the document whose entries keep their text.

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// One of the document's maps: absent, a map of known entries with their text, or another value, which is kept and
/// cannot be changed, because a change would lose it.
#[derive(Clone, Default)]
pub(super) enum Section<K, V> {
    #[default]
    Absent,
    /// Shared until changed, like its values.
    Map(Arc<IndexMap<K, Kept<V>>>),
    Foreign(Secret),
}

pub(super) type Kept<V> = (Arc<V>, Secret);

impl<K: Hash + Eq + Clone, V> Section<K, V> {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let map = match self {
            Self::Map(map) => Some(&**map),
            _ => None,
        };
        map.into_iter().flatten().map(|(key, (value, _))| (key, &**value))
    }

    pub(super) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        match self {
            Self::Map(map) => map.get(key).map(|(value, _)| &**value),
            _ => None,
        }
    }

    pub(super) fn entry<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<(&K, &Kept<V>)>
    where
        K: Borrow<Q>,
    {
        match self {
            Self::Map(map) => map.get_key_value(key),
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
            Self::Map(map) => map.get_index(index).map(|(_, (value, _))| &**value),
            _ => None,
        }
    }

    fn map(&mut self) -> Result<&mut IndexMap<K, Kept<V>>> {
        if matches!(self, Self::Absent) {
            *self = Self::Map(Arc::default());
        }
        match self {
            Self::Map(map) => Ok(Arc::make_mut(map)),
            _ => Err(Error::new(
                ErrorKind::Corrupt,
                "a section of the credential document is not an object, as it must be",
            )),
        }
    }

    /// Sets an entry; returns `false` if it already has the same text.
    pub(super) fn set(&mut self, key: K, value: impl Into<Arc<V>>, text: impl Into<Secret>) -> Result<bool> {
        let map = self.map()?;
        let text = text.into();
        if map.get(&key).is_some_and(|(_, old)| *old == text) {
            return Ok(false);
        }
        map.insert(key, (value.into(), text));
        Ok(true)
    }

    /// Removes an entry, and the section with its last one; returns `false` if there was none.
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

    #[cfg(feature = "file")]
    pub(super) fn is_map(&self) -> bool {
        matches!(self, Self::Map(_))
    }

    pub(super) fn is_foreign(&self) -> bool {
        matches!(self, Self::Foreign(_))
    }

    /// Removes the section if it is a map.
    pub(super) fn drop_map(&mut self) {
        if matches!(self, Self::Map(_)) {
            *self = Self::Absent;
        }
    }

    /// Returns `true` if both have the same text in the same order.
    pub(super) fn same_text(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Absent, Self::Absent) => true,
            (Self::Foreign(one), Self::Foreign(two)) => one == two,
            (Self::Map(one), Self::Map(two)) => {
                one.len() == two.len()
                    && one.iter().zip(two.iter()).all(|((a, (_, one)), (b, (_, two)))| a == b && one == two)
            }
            _ => false,
        }
    }

    fn map_ref(&self) -> Option<&IndexMap<K, Kept<V>>> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Returns the entries that another section lacks or has with another text.
    pub(super) fn changed_since<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = (&'a K, &'a Kept<V>)> {
        let before = before.map_ref();
        let same = move |key: &K, text: &Secret| {
            before.and_then(|map| map.get(key)).is_some_and(|(_, old)| old.expose() == text.expose())
        };
        self.map_ref().into_iter().flatten().filter(move |(key, (_, text))| !same(key, text))
    }

    /// Returns the keys that another section lacks.
    pub(super) fn missing_in<'a>(&'a self, after: &'a Self) -> impl Iterator<Item = &'a K> {
        let after = after.map_ref();
        let keys = self.map_ref().into_iter().flat_map(IndexMap::keys);
        keys.filter(move |key| !after.is_some_and(|map| map.contains_key(*key)))
    }
}
