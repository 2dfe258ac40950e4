//! Inserts markers and the fields of a host into a body in one pass, within the body's own memory.

use std::borrow::Cow;

use crate::cache::body::{Block, Inserted, Span};
use crate::retention::CacheTtl;

/// The end of an object, where a member can be added.
#[derive(Clone, Copy, Debug)]
pub(super) struct ObjectEnd {
    /// The byte after the last member, or after the opening brace if there is none.
    at: usize,
    /// `true` if the object has no member yet.
    empty: bool,
}

impl ObjectEnd {
    /// Finds the end of the object whose closing brace is just before `end`.
    pub(super) fn before(body: &[u8], end: usize) -> Self {
        let inside = body.get(..end.saturating_sub(1)).unwrap_or_default().trim_ascii_end();
        Self { at: inside.len(), empty: inside.last() == Some(&b'{') }
    }
}

/// One change of the body.
#[derive(Debug)]
pub(super) enum BodyEdit {
    /// A marker as the last member of an object.
    Member(ObjectEnd, CacheTtl),
    /// A marker on a string, quotes included, which becomes a list of one text block.
    Wrap(Span, CacheTtl),
    /// Members of the whole body, commas between them.
    Root(ObjectEnd, Cow<'static, str>),
}

const BARE: &str = r#""cache_control":{"type":"ephemeral"}"#;
const ONE_HOUR: &str = r#""cache_control":{"type":"ephemeral","ttl":"1h"}"#;

/// The bytes before a string that becomes a text block in order to carry a marker.
const WRAP: &str = r#"[{"type":"text","text":"#;

/// Returns the member that marks a block. The bare form never overrides the provider's default lifetime.
pub(super) fn member(ttl: CacheTtl) -> &'static str {
    if ttl == CacheTtl::OneHour { ONE_HOUR } else { BARE }
}

/// An offset in the body and what to insert there.
type Insertion<'e> = (usize, [&'e str; 3]);

impl BodyEdit {
    /// Creates the edit that marks a block.
    pub(super) fn marker(body: &[u8], block: &Block, ttl: CacheTtl) -> Self {
        if block.is_string {
            Self::Wrap(block.span, ttl)
        } else {
            Self::Member(ObjectEnd::before(body, block.span.end), ttl)
        }
    }

    /// Returns the insertions in the order of their offsets.
    fn insertions(&self) -> [Insertion<'_>; 2] {
        match self {
            Self::Member(end, ttl) => last_member(*end, member(*ttl)),
            Self::Wrap(Span { start, end }, ttl) => [(*start, [WRAP, "", ""]), (*end, [",", member(*ttl), "}]"])],
            Self::Root(end, members) => last_member(*end, members),
        }
    }

    /// Returns what the edit inserts.
    pub(super) fn inserted(&self) -> Inserted {
        let [(at, before), (_, after)] = self.insertions().map(|(at, texts)| (at, texts.map(str::len).iter().sum()));
        match self {
            Self::Member(_, ttl) => Inserted::Member { at, length: before, ttl: *ttl },
            Self::Wrap(string, ttl) => Inserted::Around { string: *string, before, after, ttl: *ttl },
            Self::Root(..) => Inserted::Root { at, length: before },
        }
    }

    fn start(&self) -> usize {
        match self {
            Self::Member(end, _) | Self::Root(end, _) => end.at,
            Self::Wrap(span, _) => span.start,
        }
    }
}

fn last_member(end: ObjectEnd, member: &str) -> [Insertion<'_>; 2] {
    let comma = if end.empty { "" } else { "," };
    [(end.at, [comma, member, ""]), (end.at, [""; 3])]
}

/// Carries out the edits in the body's own memory. Every byte of `body` stays in the result, in its order.
pub(super) fn splice(mut body: Vec<u8>, mut edits: Vec<BodyEdit>) -> Vec<u8> {
    // Keys may come in any order, so the order of the prompt need not be the order of the bytes.
    edits.sort_by_key(BodyEdit::start);
    let insertions = || edits.iter().flat_map(BodyEdit::insertions);
    let added: usize = insertions().flat_map(|(_, texts)| texts).map(str::len).sum();
    let mut end = body.len();
    body.reserve_exact(added);
    body.resize(end + added, 0);
    // From the back, so that each byte moves once and never onto bytes that are still needed.
    let mut to = body.len();
    for (at, texts) in insertions().rev() {
        to -= end - at;
        body.copy_within(at..end, to);
        end = at;
        for text in texts.iter().rev() {
            to -= text.len();
            if let Some(gap) = body.get_mut(to..to + text.len()) {
                gap.copy_from_slice(text.as_bytes());
            }
        }
    }
    body
}
