//! Finds duplicate keys in the open objects.

use std::borrow::Cow;
use std::collections::HashSet;

/// The number of keys that are compared one by one; with more, a set is faster.
const FEW: usize = 16;

/// The decoded keys of every open object, innermost last.
#[derive(Default)]
pub(super) struct Keys<'t> {
    keys: Vec<Cow<'t, str>>,
    objects: Vec<Object<'t>>,
}

struct Object<'t> {
    /// The index of the object's first key in the common list.
    start: usize,
    /// All keys of the object, once there are many.
    many: Option<HashSet<Cow<'t, str>>>,
}

impl<'t> Keys<'t> {
    pub(super) fn open(&mut self) {
        self.objects.push(Object { start: self.keys.len(), many: None });
    }

    pub(super) fn close(&mut self) {
        if let Some(object) = self.objects.pop() {
            self.keys.truncate(object.start);
        }
    }

    /// Adds a key to the innermost object. Returns `false` if it is a duplicate.
    #[inline]
    pub(super) fn insert(&mut self, key: Cow<'t, str>) -> bool {
        let Some(object) = self.objects.last_mut() else { return true };
        if let Some(many) = &mut object.many {
            return many.insert(key);
        }
        let known = self.keys.get(object.start..).unwrap_or_default();
        if known.contains(&key) {
            return false;
        }
        if known.len() < FEW {
            self.keys.push(key);
        } else {
            let mut many: HashSet<_> = self.keys.drain(object.start..).collect();
            many.insert(key);
            object.many = Some(many);
        }
        true
    }
}
