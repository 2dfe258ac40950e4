//! The keys of the objects that are open, so that none stands twice.

use std::borrow::Cow;
use std::collections::HashSet;

/// Up to this many keys are compared one by one; beyond it a set pays for itself.
const FEW: usize = 16;

/// The decoded keys of every open object, innermost last.
#[derive(Default)]
pub(super) struct Keys<'t> {
    keys: Vec<Cow<'t, str>>,
    objects: Vec<Object<'t>>,
}

struct Object<'t> {
    /// Where this object's keys begin in the common list.
    start: usize,
    /// All its keys, once they are many.
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

    /// Adds a key to the innermost object; false if it is there already.
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
