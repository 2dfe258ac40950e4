//! JSON objects whose values keep their exact text.

use std::borrow::Cow;
use std::fmt;
use std::io;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroize as _;

use crate::secret::SecretText;

/// A JSON object in file order, read in place: only keys with escapes and values that are set are copied.
///
/// Values keep their text, so that unknown content is written back as it was, including numbers that do not fit an
/// `f64`. The text must have been checked for duplicate keys.
#[derive(Default)]
pub(super) struct RawObject<'t>(Vec<(Cow<'t, str>, Text<'t>)>);

/// A value's text, wiped on drop if it was set.
struct Text<'t>(Cow<'t, RawValue>);

impl Drop for Text<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(text) = std::mem::replace(&mut self.0, Cow::Borrowed(RawValue::NULL)) {
            Box::<str>::from(text).zeroize();
        }
    }
}

impl<'t> RawObject<'t> {
    /// Reads an object; returns `None` if the text is anything else.
    pub(super) fn parse(text: &'t str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &RawValue)> + Clone {
        self.0.iter().map(|(key, value)| (&**key, &*value.0))
    }

    pub(super) fn get(&self, key: &str) -> Option<&RawValue> {
        self.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// Reads a number as JavaScript does: infinite if it is out of an `f64`'s range. `None` if it is not a number.
    pub(super) fn number(&self, key: &str) -> Option<f64> {
        as_number(self.get(key)?)
    }

    pub(super) fn string(&self, key: &str) -> Option<Cow<'_, str>> {
        as_string(self.get(key)?)
    }

    pub(super) fn object(&self, key: &str) -> Option<RawObject<'_>> {
        RawObject::parse(self.get(key)?.get())
    }

    /// Replaces a value in place, or adds it at the end.
    pub(super) fn set(&mut self, key: &str, value: Box<RawValue>) {
        match self.0.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) => *old = Text(Cow::Owned(value)),
            None => self.0.push((Cow::Owned(key.to_owned()), Text(Cow::Owned(value)))),
        }
    }

    pub(super) fn set_str(&mut self, key: &str, text: &str) {
        self.set(key, string(text));
    }

    /// Sets a number. An equal number keeps its text, for which an `f64` may be too narrow.
    pub(super) fn set_number(&mut self, key: &str, number: f64) {
        if !self.get(key).is_some_and(|value| is_number(value, number)) {
            self.set(key, self::number(number));
        }
    }

    pub(super) fn remove(&mut self, key: &str) {
        self.0.retain(|(name, _)| name != key);
    }

    /// Writes the object with members indented for this depth of a document, two spaces per level.
    pub(super) fn to_text(&self, depth: usize) -> SecretText {
        object(depth, self.iter().map(|(key, value)| (key, value.get())))
    }
}

impl<'de> Deserialize<'de> for RawObject<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;
        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = RawObject<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawObject<'de>, A::Error> {
                let mut members = Vec::with_capacity(8);
                while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    members.push((key, Text(Cow::Borrowed(value))));
                }
                Ok(RawObject(members))
            }
        }
        deserializer.deserialize_map(ObjectVisitor)
    }
}

/// A key, copied only if it has escapes.
#[derive(Deserialize)]
pub(super) struct Key<'t>(#[serde(borrow)] pub(super) Cow<'t, str>);

pub(super) fn as_number(value: &RawValue) -> Option<f64> {
    let text = value.get();
    // Only a number starts like this in valid JSON; `str::parse` alone would also accept words such as `inf`.
    if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// Returns `true` if the text is that of exactly this number.
#[expect(clippy::float_cmp, reason = "only the very same number keeps its text")]
pub(super) fn is_number(value: &RawValue, number: f64) -> bool {
    as_number(value).is_some_and(|known| known == number)
}

pub(super) fn as_string(value: &RawValue) -> Option<Cow<'_, str>> {
    let quoted = value.get();
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') { serde_json::from_str(quoted).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(inner)) }
}

/// Writes a string as JSON. It may be a secret, so its text is never moved to a larger buffer.
pub(super) fn string(text: &str) -> Box<RawValue> {
    let mut length = Length(0);
    let written = serde_json::to_writer(&mut length, text).and_then(|()| {
        let mut written = Vec::with_capacity(length.0);
        serde_json::to_writer(&mut written, text)?;
        Ok(written)
    });
    let written = written.ok().and_then(|written| String::from_utf8(written).ok());
    written.and_then(value).unwrap_or_else(|| RawValue::NULL.to_owned())
}

struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a number as JavaScript does: whole numbers without a fraction, non-finite numbers as null.
pub(super) fn number(number: f64) -> Box<RawValue> {
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked, and the fraction is zero")]
    let raw = if number.fract() == 0.0 && number.abs() < 9e15 {
        serde_json::value::to_raw_value(&(number as i64))
    } else {
        serde_json::value::to_raw_value(&number)
    };
    raw.unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// Writes an object from keys and JSON texts, indented for this depth.
pub(super) fn object<'a>(depth: usize, members: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> SecretText {
    // Includes quotation marks, colon, comma and line break, so that the text need not move.
    let around = 2 * (depth + 1) + 6;
    let length = members.clone().map(|(key, text)| key.len() + text.len() + around).sum::<usize>();
    let mut out = SecretText::with_capacity(length + 2 * depth + 4);
    out.push('{');
    let mut separator = "";
    for (key, text) in members {
        out.push_str(separator);
        new_line(&mut out, depth + 1);
        push_string(&mut out, key);
        out.push_str(": ");
        out.push_str(text);
        separator = ",";
    }
    if !separator.is_empty() {
        new_line(&mut out, depth);
    }
    out.push('}');
    out
}

/// Removes the white space between the tokens of a JSON text, as in OpenClaw's rows.
#[cfg(feature = "sqlite")]
pub(crate) fn compact(text: &str) -> SecretText {
    let mut out = SecretText::default();
    let mut rest = text;
    // Outside strings there are only white space and ASCII tokens; a string ends at an unescaped quote.
    while let Some((outside, after)) = rest.split_once('"') {
        outside.split_ascii_whitespace().for_each(|token| out.push_str(token));
        out.push('"');
        let Some((string, after)) = end_of_string(after).and_then(|end| after.split_at_checked(end)) else {
            out = SecretText::default();
            out.push_str(text);
            return out;
        };
        out.push_str(string);
        rest = after;
    }
    rest.split_ascii_whitespace().for_each(|token| out.push_str(token));
    out
}

/// Returns the position after the closing quote of a string, from the text after its opening quote.
#[cfg(feature = "sqlite")]
fn end_of_string(text: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.as_bytes().get(at..)?)?;
        match text.as_bytes().get(at) {
            Some(b'"') => return Some(at + 1),
            _ => at += 2,
        }
    }
}

fn push_string(out: &mut SecretText, text: &str) {
    if text.bytes().any(|byte| byte < b' ' || matches!(byte, b'"' | b'\\')) {
        return out.push_str(string(text).get());
    }
    out.push('"');
    out.push_str(text);
    out.push('"');
}

fn new_line(out: &mut SecretText, depth: usize) {
    out.push('\n');
    for _ in 0..depth {
        out.push_str("  ");
    }
}

/// Converts text that this module wrote to a value.
pub(super) fn value(text: String) -> Option<Box<RawValue>> {
    RawValue::from_string(text).ok()
}

/// Writes a list of strings, its members indented for this depth.
pub(super) fn list<'a>(members: impl Iterator<Item = &'a str>, depth: usize) -> SecretText {
    let mut out = SecretText::default();
    out.push('[');
    let mut separator = "";
    for member in members {
        out.push_str(separator);
        new_line(&mut out, depth + 1);
        push_string(&mut out, member);
        separator = ",";
    }
    if !separator.is_empty() {
        new_line(&mut out, depth);
    }
    out.push(']');
    out
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::compact;

    #[test]
    fn nothing_but_white_space_between_tokens_goes() {
        for text in [
            r#"{ "a" : [ 1, 2.50, "x y" ], "b\" : {" : null }"#,
            "\n{\t\"back\\\\\": \"quote \\\" , \\\\\\\" end\" ,\r\n \"u\\u0022\" : \" \" }\n",
            r#"[ "" , "\\" , "\"" , { } ]"#,
            "7 ",
        ] {
            let value: &serde_json::value::RawValue = serde_json::from_str(text.trim()).unwrap();
            let tree: serde_json::Value = serde_json::from_str(text).unwrap();
            let compacted = compact(text);
            assert_eq!(serde_json::from_str::<serde_json::Value>(&compacted).unwrap(), tree);
            assert!(compacted.len() <= value.get().len());
            assert_eq!(*compact(&compacted), *compacted);
        }
        assert_eq!(&*compact(r#"{ "a b" : "c \" d" }"#), r#"{"a b":"c \" d"}"#);
    }
}
