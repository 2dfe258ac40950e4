//! Lists whose greatest length is known and small, kept in place: a plan should not cost an allocation for each part of it.

use std::fmt;

/// Up to `N` items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Few<T, const N: usize> {
    /// Those that are there stand in front.
    items: [Option<T>; N],
}

impl<T, const N: usize> Few<T, N> {
    pub(super) fn new() -> Self {
        Self { items: [const { None }; N] }
    }

    /// Adds an item at the end. Where there is no room it gets lost: whoever minds asks first.
    pub(super) fn push(&mut self, item: T) {
        if let Some(room) = self.items.iter_mut().find(|room| room.is_none()) {
            *room = Some(item);
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.items.iter().all(Option::is_some)
    }

    pub(super) fn len(&self) -> usize {
        self.iter().count()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.iter().all(Option::is_none)
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + Clone {
        self.items.iter().flatten()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.items.iter_mut().flatten()
    }

    /// Sorts the items; equal ones stay in their order.
    pub(super) fn sort_by_key<K: Ord>(&mut self, key: impl Fn(&T) -> K) {
        self.items.sort_by_key(|item| (item.is_none(), item.as_ref().map(&key)));
    }
}

impl<T, const N: usize> IntoIterator for Few<T, N> {
    type Item = T;
    type IntoIter = std::iter::Flatten<std::array::IntoIter<Option<T>, N>>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter().flatten()
    }
}

/// A text of up to `N` bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct ShortText<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> ShortText<N> {
    /// The text of a value, if it is short enough.
    pub(super) fn of(value: &impl fmt::Display) -> Option<Self> {
        let mut text = Self { bytes: [0; N], length: 0 };
        fmt::write(&mut text, format_args!("{value}")).is_ok().then_some(text)
    }

    pub(super) fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..self.length).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl<const N: usize> fmt::Write for ShortText<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        let room = self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_keeps_what_there_is_room_for_in_order() {
        let mut few = Few::<_, 3>::new();
        assert!(few.is_empty());
        for item in [3, 1, 2, 0] {
            few.push(item);
        }
        assert!(few.is_full());
        assert!(few.iter().eq(&[3, 1, 2]));
        few.sort_by_key(|item| *item > 1);
        assert!(few.into_iter().eq([1, 3, 2]));
    }

    #[test]
    fn a_text_is_kept_whole_or_not_at_all() {
        assert_eq!(ShortText::<3>::of(&"äb").map(|text| text.as_str().to_owned()).as_deref(), Some("äb"));
        assert!(ShortText::<3>::of(&"äbc").is_none());
        assert_eq!(ShortText::<0>::of(&"").map(|text| text.as_str().len()), Some(0));
    }
}
