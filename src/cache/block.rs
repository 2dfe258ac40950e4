//! One block of a prompt: what kind it is, what its marker says, and the caller's markers inside it.

use super::json::{Read, Reader};
use super::layout::{Kind, Mark, Nested, Path, Span, Table, Way};
use super::marker::CacheTtl;
use super::name::{Key, Text};

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
    let first = table.nested.len();
    reader.object(|reader, key| {
        match key {
            Key::Type => kind = reader.text_or_skip()?.map_or(Kind::Unknown, |name| name.named(block_kind)),
            Key::Text => text = reader.text_or_skip()?.map_or(Kind::BlankText, text_kind),
            Key::CacheControl => found = marked(reader, cut)?,
            Key::Content => through(key, table, first, |table| nested(reader, way, "content", table))?,
            Key::Source => through(key, table, first, |table| source(reader, way, table))?,
            Key::Citations => through(key, table, first, |table| misplaced(reader, way, "citations", table))?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    if kind == Kind::Text {
        kind = text;
    }
    // What the order of the markers is must not depend on that of the keys.
    if let Some(several @ [_, _, ..]) = table.nested.get_mut(first..) {
        several.sort_by_key(|nested| match nested.through {
            Key::Content => 0,
            Key::Source => 1,
            _ => 2,
        });
    }
    Ok(Parts { kind, mark: found })
}

/// Reads the value of a member in which there can be markers. Where the key is repeated, it replaces what its first value
/// held; what the block holds begins at `first`.
fn through(key: Key, table: &mut Table, first: usize, read: impl FnOnce(&mut Table) -> Read<()>) -> Read<()> {
    if table.nested.iter().skip(first).any(|nested| nested.through == key) {
        let held = table.nested.split_off(first);
        table.nested.extend(held.into_iter().filter(|nested| nested.through != key));
    }
    let before = table.nested.len();
    read(table)?;
    for nested in table.nested.iter_mut().skip(before) {
        nested.through = key;
    }
    Ok(())
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
    let first = table.nested.len();
    reader.object(|reader, key| match key {
        Key::Content => through(key, table, first, |table| nested(reader, outer, "source/content", table)),
        _ => reader.skip(),
    })
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
        table.nested.push(Nested { block, path: path(), kind, mark, cut, last, through: Key::Other });
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
