//! JSON objects whose values keep their exact text.

use std::fmt;

use indexmap::IndexMap;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::secret::Secret;

/// One JSON object in file order. Keys are decoded, values keep their text, so that what this crate does not
/// understand is written back as it was: numbers no double holds included.
pub(super) struct RawObject(IndexMap<String, Box<RawValue>>);

impl RawObject {
    pub(super) fn new() -> Self {
        Self(IndexMap::new())
    }

    /// Reads an object; `None` if the text is anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.0.iter().map(|(key, value)| (key.as_str(), &**value))
    }

    pub(super) fn get(&self, key: &str) -> Option<&RawValue> {
        self.0.get(key).map(|value| &**value)
    }

    /// Replaces a value where it stands, or adds it at the end.
    pub(super) fn set(&mut self, key: &str, value: Box<RawValue>) {
        match self.0.get_mut(key) {
            Some(old) => *old = value,
            None => {
                self.0.insert(key.to_owned(), value);
            }
        }
    }

    pub(super) fn set_str(&mut self, key: &str, text: &str) {
        self.set(key, string(text));
    }

    /// Sets a number; one that is there already keeps its text, for which a double may be too narrow.
    pub(super) fn set_number(&mut self, key: &str, number: f64) {
        #[expect(clippy::float_cmp, reason = "only the very same number keeps its text")]
        let known = self.0.get(key).and_then(|value| as_number(value)).is_some_and(|known| known == number);
        if !known {
            self.set(key, self::number(number));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&str, &RawValue) -> bool) {
        self.0.retain(|key, value| keep(key, value));
    }

    pub(super) fn remove(&mut self, key: &str) -> bool {
        self.0.shift_remove(key).is_some()
    }

    pub(super) fn object(&self, key: &str) -> Option<Self> {
        Self::parse(self.get(key)?.get())
    }

    /// The object's text, its members indented to stand at this depth of a document with two spaces a level.
    pub(super) fn to_text(&self, depth: usize) -> String {
        let mut out = String::new();
        write_object(&mut out, depth, self.iter().map(|(key, value)| (key, value.get())));
        out
    }
}

impl<'de> Deserialize<'de> for RawObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;
        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = RawObject;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawObject, A::Error> {
                let mut object = IndexMap::new();
                while let Some((key, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    if object.insert(key, value).is_some() {
                        return Err(A::Error::custom("duplicate key"));
                    }
                }
                Ok(RawObject(object))
            }
        }
        deserializer.deserialize_map(ObjectVisitor)
    }
}

/// Reads a number's text as a double.
pub(super) fn as_number(value: &RawValue) -> Option<f64> {
    let text = value.get();
    // Only a number starts so in valid JSON; `str::parse` alone would also take words such as `inf`.
    if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// A string as JSON.
pub(super) fn string(text: &str) -> Box<RawValue> {
    serde_json::value::to_raw_value(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// A number as JavaScript writes it: whole numbers without a fraction, numbers that are not finite as null.
pub(super) fn number(number: f64) -> Box<RawValue> {
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked, and the fraction is zero")]
    let raw = if number.fract() == 0.0 && number.abs() < 9e15 {
        serde_json::value::to_raw_value(&(number as i64))
    } else {
        serde_json::value::to_raw_value(&number)
    };
    raw.unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// Writes an object whose members are given as key and JSON text.
pub(super) fn write_object<'a>(out: &mut String, depth: usize, members: impl Iterator<Item = (&'a str, &'a str)>) {
    let mut separator = "";
    out.push('{');
    for (key, text) in members {
        out.push_str(separator);
        new_line(out, depth + 1);
        out.push_str(string(key).get());
        out.push_str(": ");
        out.push_str(text);
        separator = ",";
    }
    if !separator.is_empty() {
        new_line(out, depth);
    }
    out.push('}');
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    for _ in 0..depth {
        out.push_str("  ");
    }
}

/// Text of an object that may hold secrets, kept until the object is changed.
pub(super) fn guarded(text: impl Into<String>) -> Secret {
    Secret::new(text)
}

/// Text this module wrote, as a value.
pub(super) fn value(text: String) -> Option<Box<RawValue>> {
    RawValue::from_string(text).ok()
}

/// A list of strings as JSON text, its members indented to stand at this depth.
pub(super) fn list<'a>(members: impl Iterator<Item = &'a str>, depth: usize) -> String {
    let mut out = String::from("[");
    let mut separator = "";
    for member in members {
        out.push_str(separator);
        new_line(&mut out, depth + 1);
        out.push_str(string(member).get());
        separator = ",";
    }
    if !separator.is_empty() {
        new_line(&mut out, depth);
    }
    out.push(']');
    out
}
