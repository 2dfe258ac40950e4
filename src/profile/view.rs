//! The whole document, read in place in one pass.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::raw::{Key, RawObject};

/// The members of a document; those that are objects are opened in the same pass.
pub(super) struct DocumentView<'t>(Vec<(Cow<'t, str>, MemberView<'t>)>);

pub(super) enum MemberView<'t> {
    /// One of the maps that this crate reads.
    Map(RawObject<'t>),
    Raw(&'t RawValue),
}

impl<'t> DocumentView<'t> {
    /// Reads a document and opens the members that `opens` accepts; returns `None` if the text is not an object.
    pub(super) fn parse(text: &'t str, opens: fn(&str) -> bool) -> Option<Self> {
        let read = |opens| Opening(opens).deserialize(&mut serde_json::Deserializer::from_str(text)).ok();
        // Nearly always all of them are objects and one pass is enough. Otherwise they are opened one by one.
        let mut members = read(opens).or_else(|| read(|_| false))?;
        for (key, member) in &mut members {
            if let MemberView::Raw(value) = member
                && opens(key)
                && let Some(object) = RawObject::parse(value.get())
            {
                *member = MemberView::Map(object);
            }
        }
        Some(Self(members))
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
