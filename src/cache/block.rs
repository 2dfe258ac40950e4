//! One block of a prompt: what kind it is, what its marker says, and the caller's markers inside it.

use std::ops::Range;

use super::json::{Read, Reader};
use super::layout::{Kind, Mark, Nested, Path, Span, Table, Way};
use super::marker::CacheTtl;
use super::name::{Key, Text};

/// How many markers inside blocks are told by their place. A body with more than four is refused, and the place of one of
/// the first is enough to say why.
const TOLD: usize = 1_000;

/// What a block says of itself.
#[derive(Clone, Copy)]
pub(super) struct Parts {
    pub(super) kind: Kind,
    pub(super) mark: Mark,
}

/// Reads a block. The markers inside it are put into the table, as belonging to the block that will be added next; the
/// bytes of its own one, with the comma before it, are put into `cut`.
pub(super) fn parts(reader: &mut Reader<'_>, way: &Way<'_>, table: &mut Table, cut: &mut Option<Span>) -> Read<Parts> {
    let mut kind = Kind::Unknown;
    let mut text = Kind::BlankText;
    let mut found = Mark::Absent;
    let mut ways = Ways::new(table);
    reader.object(|reader, key| {
        match key {
            Key::Type => kind = reader.text_or_skip()?.map_or(Kind::Unknown, |name| name.named(block_kind)),
            Key::Text => text = reader.text_or_skip()?.map_or(Kind::BlankText, text_kind),
            Key::CacheControl => found = marked(reader, cut)?,
            Key::Content => ways.read(0, table, |table| nested(reader, way, "content", table))?,
            Key::Source => ways.read(1, table, |table| source(reader, way, table))?,
            Key::Citations => ways.read(2, table, |table| misplaced(reader, way, "citations", table))?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    ways.settle(table);
    if kind == Kind::Text {
        kind = text;
    }
    Ok(Parts { kind, mark: found })
}

/// The members of one block in which there can be markers, in the order in which their markers are told. What is found
/// must depend neither on the order of the keys nor on values that a repeated key replaces.
struct Ways {
    first: usize,
    /// Where in the table the markers of each one's last value are.
    held: [Range<usize>; 3],
    replaced: bool,
}

impl Ways {
    fn new(table: &Table) -> Self {
        Self { first: table.nested.len(), held: [const { 0..0 }; 3], replaced: false }
    }

    fn read(&mut self, way: usize, table: &mut Table, read: impl FnOnce(&mut Table) -> Read<()>) -> Read<()> {
        let before = table.nested.len();
        read(table)?;
        if let Some(held) = self.held.get_mut(way) {
            self.replaced |= held.start < held.end;
            *held = before..table.nested.len();
        }
        Ok(())
    }

    /// Once for all keys of the block, so that keys repeated over and over cost no more than their bytes.
    fn settle(self, table: &mut Table) {
        if !self.replaced && self.held.iter().filter(|held| held.start < held.end).count() < 2 {
            return;
        }
        let mut found = table.nested.split_off(self.first);
        for nested in &mut found {
            nested.way = usize::MAX;
        }
        for (way, held) in self.held.iter().enumerate() {
            for nested in found.iter_mut().skip(held.start.saturating_sub(self.first)).take(held.len()) {
                nested.way = way;
            }
        }
        found.retain(|nested| nested.way != usize::MAX);
        found.sort_by_key(|nested| nested.way);
        table.nested.append(&mut found);
    }
}

/// Markers where none may stand, last or not.
fn misplaced(reader: &mut Reader<'_>, outer: &Way<'_>, list: &'static str, table: &mut Table) -> Read<()> {
    let before = table.nested.len();
    nested(reader, outer, list, table)?;
    for nested in table.nested.iter_mut().skip(before) {
        nested.last = false;
    }
    Ok(())
}

/// The markers inside a toolset, whose tools have no entries of their own. It is the toolset that is marked.
pub(super) fn configs(reader: &mut Reader<'_>, path: Path, table: &mut Table) -> Read<()> {
    let way = Way::Block(path);
    if reader.peek() != Some(b'{') {
        return misplaced(reader, &way, "configs", table);
    }
    reader.object(|reader, _| {
        if reader.peek() != Some(b'{') {
            return reader.skip();
        }
        let before = table.nested.len();
        let mut cut = None;
        let parts = parts(reader, &way, table, &mut cut)?;
        table.nested.truncate(before);
        add(parts, cut, table, || format!("{path}/configs"), false);
        Ok(())
    })
}

fn source(reader: &mut Reader<'_>, outer: &Way<'_>, table: &mut Table) -> Read<()> {
    if reader.peek() != Some(b'{') {
        return reader.skip();
    }
    let mut ways = Ways::new(table);
    reader.object(|reader, key| match key {
        Key::Content => ways.read(0, table, |table| nested(reader, outer, "source/content", table)),
        _ => reader.skip(),
    })?;
    ways.settle(table);
    Ok(())
}

/// The markers in a list of blocks inside a block. Recursion is as deep as such lists nest, which the depth limit bounds.
fn nested(reader: &mut Reader<'_>, outer: &Way<'_>, list: &'static str, table: &mut Table) -> Read<()> {
    if reader.peek() != Some(b'[') {
        return reader.skip();
    }
    let mut element = table.nested.len();
    reader.array(|reader, index| {
        // What the element before this one holds is not the last any more; what came before that is known already.
        for earlier in table.nested.iter_mut().skip(element) {
            earlier.last = false;
        }
        element = table.nested.len();
        if reader.peek() != Some(b'{') {
            return reader.skip();
        }
        let way = Way::Inside(outer, list, index);
        let mut cut = None;
        let parts = parts(reader, &way, table, &mut cut)?;
        add(parts, cut, table, || way.to_string(), true);
        Ok(())
    })
}

/// Adds the marker of a block inside the one that will be added next, if it has one.
fn add(parts: Parts, cut: Option<Span>, table: &mut Table, path: impl FnOnce() -> String, last: bool) {
    let Parts { kind, mark } = parts;
    if let (Mark::Set(_) | Mark::Invalid, Some(cut)) = (mark, cut) {
        let block = table.blocks.len();
        let path = if table.nested.len() < TOLD { path() } else { String::new() };
        table.nested.push(Nested { block, path, kind, mark, cut, last, way: 0 });
    }
}

/// Reads a `cache_control` and puts the bytes of the whole member into `cut`.
pub(super) fn marked(reader: &mut Reader<'_>, cut: &mut Option<Span>) -> Read<Mark> {
    let start = reader.member_start();
    let mark = mark(reader)?;
    *cut = Some(Span { start, end: reader.position() });
    Ok(mark)
}

pub(super) fn mark(reader: &mut Reader<'_>) -> Read<Mark> {
    match reader.peek() {
        Some(b'n') => reader.skip().map(|()| Mark::Null),
        Some(b'{') => {
            let mut ephemeral = false;
            let mut ttl = Some(CacheTtl::FiveMinutes);
            reader.object(|reader, key| {
                match key {
                    Key::Type => {
                        ephemeral = reader.text_or_skip()?.is_some_and(|kind| kind.named(|kind| kind == b"ephemeral"));
                    }
                    Key::Ttl if reader.peek() == Some(b'n') => {
                        reader.skip()?;
                        ttl = Some(CacheTtl::FiveMinutes);
                    }
                    Key::Ttl => ttl = reader.text_or_skip()?.and_then(|ttl| ttl.named(CacheTtl::from_wire)),
                    _ => reader.skip()?,
                }
                Ok(())
            })?;
            Ok(ttl.filter(|_| ephemeral).map_or(Mark::Invalid, Mark::Set))
        }
        _ => reader.skip().map(|()| Mark::Invalid),
    }
}

pub(super) fn text_kind(text: Text<'_>) -> Kind {
    let mut rest = text.raw();
    if rest.is_empty() {
        return Kind::EmptyText;
    }
    while let Some(next) = [&b" "[..], b"\\n", b"\\r", b"\\t"].iter().find_map(|blank| rest.strip_prefix(*blank)) {
        rest = next;
    }
    if rest.is_empty() { Kind::BlankText } else { Kind::Text }
}

/// Types that may carry a marker: prompt-caching page 2026-09 and the type definitions of the SDKs, 2026-08.
fn block_kind(name: &[u8]) -> Kind {
    match name {
        b"text" => Kind::Text,
        b"thinking" | b"redacted_thinking" => Kind::Thinking,
        b"tool_use" => Kind::ToolUse,
        b"tool_result" => Kind::ToolResult,
        b"image" | b"document" | b"search_result" | b"server_tool_use" | b"container_upload" | b"tool_reference" => {
            Kind::Carrier
        }
        _ if name.ends_with(b"_tool_result") => Kind::Carrier,
        _ => Kind::Unknown,
    }
}
