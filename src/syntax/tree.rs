//! The untyped tree of a JSON5 text, each value with its place.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::error::{Error, ErrorKind, Location, Result};
use crate::syntax::Starts;

/// A value and the offset at which it begins.
///
/// Not `serde_json::Value`: that one has no room for a place, copies every string, and takes some keys for commands.
/// No `Debug`, because the values may be secrets.
pub(crate) struct Node<'t> {
    pub(crate) at: usize,
    pub(crate) value: Value<'t>,
}

/// What a node holds; strings are borrowed from the text unless they have escape sequences.
pub(crate) enum Value<'t> {
    Null,
    Bool(bool),
    Number(f64),
    String(Cow<'t, str>),
    Array(Vec<Node<'t>>),
    Object(Vec<Member<'t>>),
}

/// One entry of an object, in the order of the text.
pub(crate) struct Member<'t> {
    pub(crate) key: Cow<'t, str>,
    /// The offset at which the key begins.
    pub(crate) key_at: usize,
    pub(crate) node: Node<'t>,
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("at", &self.at).finish_non_exhaustive()
    }
}

/// Parses a text that the scan has passed.
pub(super) fn build<'t>(text: &'t str, starts: &Starts) -> Result<Node<'t>> {
    let next = Next { starts, value: Cell::new(0), key: Cell::new(0) };
    let mut parser = json5::Deserializer::from_str(text);
    // The scan knows the whole grammar, so this error is one that only a newer parser could bring up. Its text may
    // repeat the input; its position may not be missing.
    Seed(&next).deserialize(&mut parser).map_err(|error| {
        let place = error.position().map_or_else(
            || Location::at(1, 1),
            |position| {
                let from_one = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).saturating_add(1);
                Location::at(from_one(position.line), from_one(position.column))
            },
        );
        Error::new(ErrorKind::Syntax, "the text is not JSON5").with_location(place)
    })
}

/// Hands out the places the scan has found. The parser visits keys and values in the order of the text.
struct Next<'s> {
    starts: &'s Starts,
    value: Cell<usize>,
    key: Cell<usize>,
}

impl Next<'_> {
    fn take(from: &[u32], next: &Cell<usize>) -> usize {
        let at = from.get(next.get()).copied().unwrap_or_default();
        next.set(next.get() + 1);
        at as usize
    }
}

struct Seed<'n, 's>(&'n Next<'s>);

impl<'t> DeserializeSeed<'t> for Seed<'_, '_> {
    type Value = Node<'t>;

    fn deserialize<D: Deserializer<'t>>(self, parser: D) -> std::result::Result<Node<'t>, D::Error> {
        let at = Next::take(&self.0.starts.values, &self.0.value);
        let value = parser.deserialize_any(Build(self.0))?;
        Ok(Node { at, value })
    }
}

struct Build<'n, 's>(&'n Next<'s>);

impl<'t> Visitor<'t> for Build<'_, '_> {
    type Value = Value<'t>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> std::result::Result<Value<'t>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Value<'t>, E> {
        Ok(Value::Bool(value))
    }

    #[expect(clippy::cast_precision_loss, reason = "every number of the configuration is a double")]
    fn visit_u64<E>(self, value: u64) -> std::result::Result<Value<'t>, E> {
        Ok(Value::Number(value as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "every number of the configuration is a double")]
    fn visit_i64<E>(self, value: i64) -> std::result::Result<Value<'t>, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> std::result::Result<Value<'t>, E> {
        if value.is_finite() { Ok(Value::Number(value)) } else { Err(E::custom("not finite")) }
    }

    fn visit_borrowed_str<E>(self, value: &'t str) -> std::result::Result<Value<'t>, E> {
        Ok(Value::String(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Value<'t>, E> {
        Ok(Value::String(Cow::Owned(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> std::result::Result<Value<'t>, E> {
        Ok(Value::String(Cow::Owned(value)))
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut items: A) -> std::result::Result<Value<'t>, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = items.next_element_seed(Seed(self.0))? {
            nodes.push(node);
        }
        Ok(Value::Array(nodes))
    }

    fn visit_map<A: MapAccess<'t>>(self, mut entries: A) -> std::result::Result<Value<'t>, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = entries.next_key_seed(Key)? {
            let key_at = Next::take(&self.0.starts.keys, &self.0.key);
            let node = entries.next_value_seed(Seed(self.0))?;
            members.push(Member { key, key_at, node });
        }
        Ok(Value::Object(members))
    }
}

/// Reads a key, borrowed where that is possible.
struct Key;

impl<'t> DeserializeSeed<'t> for Key {
    type Value = Cow<'t, str>;

    fn deserialize<D: Deserializer<'t>>(self, parser: D) -> std::result::Result<Cow<'t, str>, D::Error> {
        parser.deserialize_str(self)
    }
}

impl<'t> Visitor<'t> for Key {
    type Value = Cow<'t, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'t str) -> std::result::Result<Cow<'t, str>, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> std::result::Result<Cow<'t, str>, E> {
        Ok(Cow::Owned(key.to_owned()))
    }

    fn visit_string<E>(self, key: String) -> std::result::Result<Cow<'t, str>, E> {
        Ok(Cow::Owned(key))
    }
}
