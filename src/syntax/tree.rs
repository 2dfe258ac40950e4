//! The untyped tree of a JSON5 text, in which each value has a number.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use json5::ErrorCode;
use memchr::memmem;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::error::{Error, ErrorKind, Location, Result};

/// A value and its number: keys and values are counted from zero in the order of the text. `Places::locate_number`
/// returns its line and column.
///
/// `serde_json::Value` would not do: it has no place for a number, copies every string, and gives some keys a special
/// meaning. There is no `Debug`, because the values may be secrets.
pub(crate) struct Node<'t> {
    pub(crate) at: usize,
    pub(crate) value: Value<'t>,
}

/// The content of a node. Strings are borrowed from the text unless they have escape sequences.
pub(crate) enum Value<'t> {
    Null,
    Bool(bool),
    Number(f64),
    String(Cow<'t, str>),
    Array(Box<[Node<'t>]>),
    Object(Box<[Member<'t>]>),
}

/// One entry of an object, in the order of the text.
pub(crate) struct Member<'t> {
    pub(crate) key: Cow<'t, str>,
    /// The number of the key.
    pub(crate) key_at: usize,
    pub(crate) node: Node<'t>,
}

impl Node<'_> {
    /// Returns the number of entries or items; zero for a single value.
    pub(crate) fn len(&self) -> usize {
        match &self.value {
            Value::Object(members) => members.len(),
            Value::Array(items) => items.len(),
            _ => 0,
        }
    }
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("at", &self.at).finish_non_exhaustive()
    }
}

/// Returns `true` for a text that json5 before 1.3.7 accepts although the grammar does not: with `\9` in a string, or with
/// a comment that does not end.
pub(super) fn is_doubtful(text: &str) -> bool {
    let has = |text: &str, part: &str| memmem::find(text.as_bytes(), part.as_bytes()).is_some();
    let after = |at: usize| text.get(at + 2..).unwrap_or_default();
    has(text, "\\9") || (has(text, "/*") && text.rfind("/*").is_some_and(|at| !has(after(at), "*/")))
}

/// Parses a text and refuses what the scan refuses: more than `depth` open arrays and objects, duplicate keys in an
/// object, and numbers that are not finite. In a text that was not scanned, whole numbers beyond 63 bits are refused
/// too, because only the scan knows which of them lose their value.
///
/// # Errors
///
/// `Syntax` for every refusal. After a passed scan, that is a number too long for the parser, or a case that only
/// another version of the parser could report. The parser's message is dropped because it may repeat the input; its
/// position is kept.
pub(super) fn build(text: &str, depth: usize, is_scanned: bool) -> Result<Node<'_>> {
    let progress = Progress { count: Cell::new(0), open: Cell::new(Vec::with_capacity(USUALLY_OPEN)) };
    let mut parser = json5::Deserializer::from_str(text);
    let built = Seed { progress: &progress, depth, is_scanned }.deserialize(&mut parser);
    // The text must end here: only at its end does another visit fail because a value is missing.
    let built = built.and_then(|root| match parser.deserialize_any(Key) {
        Err(end) if end.code() == Some(ErrorCode::EofParsingValue) => Ok(root),
        Err(error) => Err(error),
        Ok(_) => Err(json5::Error::new(ErrorCode::TrailingCharacters)),
    });
    built.map_err(|error| {
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

/// What all values share: the number of keys and values so far, and the members of the objects that are open.
///
/// The members of an object are moved into an allocation of their exact size once their number is known. Lists that
/// grow would take twice the memory, because most objects have few members.
struct Progress<'t> {
    count: Cell<usize>,
    open: Cell<Vec<Member<'t>>>,
}

/// The number of members for which there is room at the start, enough for most files.
const USUALLY_OPEN: usize = 64;

/// The state for each value: the progress, and the number of levels that may still be opened.
#[derive(Clone, Copy)]
struct Seed<'p, 't> {
    progress: &'p Progress<'t>,
    depth: usize,
    is_scanned: bool,
}

impl Seed<'_, '_> {
    fn number(self) -> usize {
        self.progress.count.replace(self.progress.count.get() + 1)
    }

    /// Returns the seed for the inside of an array or an object.
    fn inside<E: serde::de::Error>(self) -> std::result::Result<Self, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("too deep"))?;
        Ok(Self { depth, ..self })
    }
}

impl<'t> DeserializeSeed<'t> for Seed<'_, 't> {
    type Value = Node<'t>;

    fn deserialize<D: Deserializer<'t>>(self, parser: D) -> std::result::Result<Node<'t>, D::Error> {
        let at = self.number();
        let value = parser.deserialize_any(self)?;
        Ok(Node { at, value })
    }
}

impl<'t> Visitor<'t> for Seed<'_, 't> {
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
        let limit = if self.is_scanned { f64::MAX } else { LARGEST };
        if value.abs() <= limit { Ok(Value::Number(value)) } else { Err(E::custom("out of range")) }
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
        let inside = self.inside()?;
        let mut nodes = Vec::new();
        while let Some(node) = items.next_element_seed(inside)? {
            nodes.push(node);
        }
        Ok(Value::Array(nodes.into()))
    }

    fn visit_map<A: MapAccess<'t>>(self, mut entries: A) -> std::result::Result<Value<'t>, A::Error> {
        let inside = self.inside()?;
        let mut count = 0;
        while let Some(key) = entries.next_key_seed(Key)? {
            let key_at = self.number();
            let node = entries.next_value_seed(inside)?;
            let mut open = self.progress.open.take();
            open.push(Member { key, key_at, node });
            self.progress.open.set(open);
            count += 1;
        }
        let mut open = self.progress.open.take();
        let members = open.split_off(open.len().saturating_sub(count)).into_boxed_slice();
        self.progress.open.set(open);
        if has_twice(&members) { Err(A::Error::custom("a key twice")) } else { Ok(Value::Object(members)) }
    }
}

/// The largest double below 2^63, the limit of the parser's whole numbers.
const LARGEST: f64 = 9_223_372_036_854_774_784.0;

/// The number of keys that are compared one by one; with more, sorting is faster.
const FEW: usize = 16;

/// Returns `true` if there are duplicate keys.
fn has_twice(members: &[Member<'_>]) -> bool {
    if members.len() <= FEW {
        let mut rest = members.iter();
        return std::iter::from_fn(|| rest.next().map(|first| (first, rest.clone())))
            .any(|(first, mut later)| later.any(|member| member.key == first.key));
    }
    // By length first, because that decides most comparisons.
    let mut keys: Vec<_> = members.iter().map(|member| (member.key.len(), member.key.as_ref())).collect();
    keys.sort_unstable();
    keys.windows(2).any(|pair| matches!(pair, [one, other] if one == other))
}

/// Reads a key, borrowed if possible.
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
