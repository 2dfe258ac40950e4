//! One block of a prompt: what kind it is, what its marker says, and the caller's markers inside it.

use super::json::{ObjectEnd, Read, Reader};
use super::layout::{Kind, Mark, Nested, Path, Span};
use super::marker::CacheTtl;
use super::name::{Key, Text};

pub(super) struct Parts {
    pub(super) kind: Kind,
    pub(super) mark: Mark,
    pub(super) cut: Option<Span>,
    pub(super) end: ObjectEnd,
    pub(super) nested: Vec<Nested>,
}

pub(super) fn parts(reader: &mut Reader<'_>, path: &Path<'_>) -> Read<Parts> {
    let mut kind = Kind::Unknown;
    let mut text = Kind::BlankText;
    let (mut found, mut cut) = (Mark::Absent, None);
    // One list for each way in, so that a repeated key replaces what its first value held.
    let (mut inner, mut inner_source, mut cited) = (Vec::new(), Vec::new(), Vec::new());
    let end = reader.object(|reader, key| {
        match key {
            Key::Type => kind = reader.text_or_skip()?.map_or(Kind::Unknown, |name| name.named(block_kind)),
            Key::Text => text = reader.text_or_skip()?.map_or(Kind::BlankText, text_kind),
            Key::CacheControl => (found, cut) = marked(reader)?,
            Key::Content => inner = nested(reader, path, "content")?,
            Key::Source => inner_source = source(reader, path)?,
            Key::Citations => cited = misplaced(nested(reader, path, "citations")?),
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    if kind == Kind::Text {
        kind = text;
    }
    inner.append(&mut inner_source);
    inner.append(&mut cited);
    Ok(Parts { kind, mark: found, cut, end, nested: inner })
}

/// Markers where none may stand, last or not.
fn misplaced(mut found: Vec<Nested>) -> Vec<Nested> {
    for nested in &mut found {
        nested.last = false;
    }
    found
}

/// The markers inside a toolset, whose tools have no entries of their own. It is the toolset that is marked.
pub(super) fn configs(reader: &mut Reader<'_>, path: &Path<'static>) -> Read<Vec<Nested>> {
    if reader.peek() != Some(b'{') {
        return nested(reader, path, "configs").map(misplaced);
    }
    let mut found = Vec::new();
    reader.object(|reader, _| {
        if reader.peek() != Some(b'{') {
            return reader.skip();
        }
        let parts = parts(reader, path)?;
        if let (Mark::Set(_) | Mark::Invalid, Some(cut)) = (parts.mark, parts.cut) {
            let (kind, mark, path) = (parts.kind, parts.mark, format!("{path}/configs"));
            found.push(Nested { parent: 0, path, kind, mark, cut, last: false });
        }
        Ok(())
    })?;
    Ok(found)
}

fn source(reader: &mut Reader<'_>, path: &Path<'_>) -> Read<Vec<Nested>> {
    let mut found = Vec::new();
    if reader.peek() != Some(b'{') {
        reader.skip()?;
        return Ok(found);
    }
    reader.object(|reader, key| {
        match key {
            Key::Content => found = nested(reader, path, "source/content")?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(found)
}

/// The markers in a list of blocks inside a block. Recursion is as deep as such lists nest, which the depth limit bounds.
fn nested(reader: &mut Reader<'_>, outer: &Path<'_>, list: &'static str) -> Read<Vec<Nested>> {
    let mut found: Vec<Nested> = Vec::new();
    let mut settled = 0;
    if reader.peek() != Some(b'[') {
        reader.skip()?;
        return Ok(found);
    }
    reader.array(|reader, index| {
        // What the element before this one holds is not the last any more; what came before that is known already.
        for earlier in found.iter_mut().skip(settled) {
            earlier.last = false;
        }
        settled = found.len();
        if reader.peek() != Some(b'{') {
            return reader.skip();
        }
        let path = Path::Inside(outer, list, index);
        let mut parts = parts(reader, &path)?;
        found.append(&mut parts.nested);
        if let (Mark::Set(_) | Mark::Invalid, Some(cut)) = (parts.mark, parts.cut) {
            let (kind, mark) = (parts.kind, parts.mark);
            found.push(Nested { parent: 0, path: path.to_string(), kind, mark, cut, last: true });
        }
        Ok(())
    })?;
    Ok(found)
}

/// A `cache_control` and the bytes of the whole member.
pub(super) fn marked(reader: &mut Reader<'_>) -> Read<(Mark, Option<Span>)> {
    let start = reader.member_start();
    let mark = mark(reader)?;
    Ok((mark, Some(Span { start, end: reader.position() })))
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
