//! JSON objects read in place: nothing is copied that is not asked for.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::raw;

/// One JSON object in file order, as a view of its text. The text has been checked: no key stands twice.
#[derive(Default)]
pub(super) struct RawView<'t>(Vec<(Cow<'t, str>, &'t RawValue)>);

impl<'t> RawView<'t> {
    /// Reads an object; `None` if the text is anything else.
    pub(super) fn parse(text: &'t str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'t RawValue)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), *value))
    }

    pub(super) fn get(&self, key: &str) -> Option<&'t RawValue> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| *value)
    }

    /// A number as JavaScript would read it, so out of a double's range it is infinite; `None` if it is not a number.
    pub(super) fn number(&self, key: &str) -> Option<f64> {
        raw::as_number(self.get(key)?)
    }

    pub(super) fn string(&self, key: &str) -> Option<Cow<'t, str>> {
        string(self.get(key)?)
    }

    pub(super) fn object(&self, key: &str) -> Option<RawView<'t>> {
        Self::parse(self.get(key)?.get())
    }
}

/// A value's text if it is a string.
pub(super) fn string(value: &RawValue) -> Option<Cow<'_, str>> {
    let quoted = value.get();
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') { serde_json::from_str(quoted).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(inner)) }
}

impl<'de> Deserialize<'de> for RawView<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ViewVisitor;
        impl<'de> Visitor<'de> for ViewVisitor {
            type Value = RawView<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawView<'de>, A::Error> {
                let mut members = Vec::with_capacity(8);
                while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    members.push((key, value));
                }
                Ok(RawView(members))
            }
        }
        deserializer.deserialize_map(ViewVisitor)
    }
}

/// The members of a whole document, those that are objects opened in the same pass.
pub(super) struct DocumentView<'t>(Vec<(Cow<'t, str>, MemberView<'t>)>);

/// One member of a document.
pub(super) enum MemberView<'t> {
    /// One of the maps this crate understands.
    Map(RawView<'t>),
    /// Anything else, as text.
    Raw(&'t RawValue),
}

impl<'t> DocumentView<'t> {
    /// Reads a document and opens those of its members that `opens` names; `None` if the text is no object.
    pub(super) fn parse(text: &'t str, opens: fn(&str) -> bool) -> Option<Self> {
        // Nearly always all of them are objects, and one pass is enough. What is something else keeps its text.
        let mut deserializer = serde_json::Deserializer::from_str(text);
        if let Ok(members) = Opening(opens).deserialize(&mut deserializer) {
            return Some(Self(members));
        }
        let members = RawView::parse(text)?.0.into_iter().map(|(key, value)| {
            let opened = if opens(&key) { RawView::parse(value.get()) } else { None };
            (key, opened.map_or(MemberView::Raw(value), MemberView::Map))
        });
        Some(Self(members.collect()))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &MemberView<'t>)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value))
    }

    pub(super) fn get(&self, key: &str) -> Option<&MemberView<'t>> {
        self.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }
}

/// Reads a document whose members of these names are objects.
struct Opening(fn(&str) -> bool);

impl<'de> DeserializeSeed<'de> for Opening {
    type Value = Vec<(Cow<'de, str>, MemberView<'de>)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Opening {
    type Value = Vec<(Cow<'de, str>, MemberView<'de>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a document")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(8);
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            let value =
                if (self.0)(&key) { MemberView::Map(map.next_value()?) } else { MemberView::Raw(map.next_value()?) };
            members.push((key, value));
        }
        Ok(members)
    }
}

/// A key that is only copied if it has escapes in it.
struct Key<'t>(Cow<'t, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E: serde::de::Error>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}
