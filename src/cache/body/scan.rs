//! Finds all blocks and cache markers of a request body in one pass.
//!
//! If a key occurs twice in one object, the last one counts, as for the API's reader and for `serde_json`.
//!
//! The JSON reader (`json`, `text`, `escapes`, `name`) is hand-written because each request waits for it. Microseconds
//! for agents' conversations of 0.92 MB of prose and 0.98 MB of source code:
//!
//! | | prose | code |
//! | --- | --- | --- |
//! | this scan, the plan and the splice | 133 | 234 |
//! | one pass of `serde_json` that keeps nothing (`IgnoredAny`) | 165 | 411 |
//! | `serde_json` with `RawValue` in two layers, reading only | 464 | 1,032 |
//!
//! `cargo bench --bench cache` prints the ratios to such a pass, and to a tree of `Value`s, for the machine at hand.

use std::sync::Arc;

use super::alike::{Start, start_alike};
use super::block::{
    BlockFacts, DefaultConfig, Link, block_facts, cache_control, cache_control_member, configs, text_kind,
};
use super::compare::Scanned;
use super::json::{JsonFault, JsonReader, ReadResult, Stopped};
use super::layout::{
    Block, BlockKind, BlockPath, BlockTable, BodyLayout, CacheControl, Cut, Extent, MessageSpan, NestedPath, Span,
};
use super::name::{JsonString, KnownKey};
use super::shared::{pass_blocks, pass_marked_string, pass_messages};
use crate::error::{Error, ErrorKind, Location, Result};
use crate::syntax::locate_byte;

/// The expected number of bytes per block. If a conversation has fewer, the table has to grow.
const BYTES_PER_BLOCK: usize = 512;

/// The number of bytes of the shortest block of a list and of the shortest message, with a comma.
const SHORTEST: usize = 3;

/// The expected number of bytes per message.
const BYTES_PER_MESSAGE: usize = 1_024;

/// Reads a whole body.
///
/// # Errors
///
/// `InvalidBody` if it is not one JSON object, `TooDeep` if it nests deeper than the limit.
pub(crate) fn scan(body: &[u8]) -> Result<BodyLayout> {
    scan_into(body, BodyLayout::default(), None)
}

/// Reads a whole body and records what a comparison with another one needs.
///
/// # Errors
///
/// Those of [`scan`].
pub(crate) fn scan_to_compare(body: &[u8]) -> Result<BodyLayout> {
    let mut found = BodyLayout::default();
    found.table.messages = Some(Vec::with_capacity(body.len() / BYTES_PER_MESSAGE + 16));
    scan_into(body, found, None)
}

/// Reads a body except for the parts of its prompt that are also in the known one, which was read by
/// [`scan_to_compare`]. Finds the same as [`scan`].
///
/// # Errors
///
/// Those of [`scan`].
pub(crate) fn scan_compared(body: &[u8], known: Scanned<'_>) -> Result<BodyLayout> {
    scan_into(body, BodyLayout::default(), Some(known))
}

/// Reads a body as [`scan_to_compare`] does, except for the parts of its prompt that are also in the previous one, which
/// was read the same way.
///
/// # Errors
///
/// Those of [`scan`].
pub(crate) fn scan_next(body: &[u8], previous: Scanned<'_>) -> Result<BodyLayout> {
    let mut found = BodyLayout::default();
    let messages = previous.layout.table.messages.as_ref().map_or(0, Vec::len).min(body.len() / SHORTEST);
    found.table.messages = Some(Vec::with_capacity(messages.max(body.len() / BYTES_PER_MESSAGE) + 16));
    scan_into(body, found, Some(previous))
}

/// Does the same as [`scan_compared`] for a body that may belong to another conversation. Returns `None` if it does, without reading on.
///
/// # Errors
///
/// Those of [`scan`].
pub(crate) fn scan_alike(body: &[u8], known: Scanned<'_>) -> Result<Option<BodyLayout>> {
    let mut found = BodyLayout::default();
    found.table.start = Start::Nothing;
    let read = read_into(&mut found, body, Some(known));
    if found.table.start == Start::Other {
        return Ok(None);
    }
    read?;
    let is_alike = start_alike(Scanned { body, layout: &found }, known);
    Ok(is_alike.then_some(found))
}

fn scan_into(body: &[u8], mut found: BodyLayout, known: Option<Scanned<'_>>) -> Result<BodyLayout> {
    read_into(&mut found, body, known).map(|()| found)
}

fn read_into(found: &mut BodyLayout, body: &[u8], known: Option<Scanned<'_>>) -> Result<()> {
    let mut reader = JsonReader::new(body);
    // Two bodies that are compared have about the same number of blocks, unless one is much shorter.
    let blocks = known.map_or(0, |known| known.layout.table.blocks.len().min(body.len() / SHORTEST));
    found.table.blocks.reserve_exact(blocks.max(body.len() / BYTES_PER_BLOCK) + 16);
    match read_root(&mut reader, found, known) {
        Ok(Some(())) => Ok(()),
        Ok(None) => Err(Error::new(ErrorKind::InvalidBody, "the request body is JSON, but not an object")
            .with_location(Location::at(1, 1))),
        Err(Stopped) => Err(refusal(body, reader.fault())),
    }
}

/// Reads the top-level object. Returns `None` if the body is JSON, but not an object.
fn read_root(
    reader: &mut JsonReader<'_>,
    found: &mut BodyLayout,
    known: Option<Scanned<'_>>,
) -> ReadResult<Option<()>> {
    reader.white_space();
    if reader.peek() != Some(b'{') {
        reader.skip()?;
        reader.end()?;
        return Ok(None);
    }
    reader.object(|reader, key| {
        match key {
            KnownKey::Tools => found.tools = section(reader, &mut found.table, known, tools)?,
            KnownKey::System => found.system = section(reader, &mut found.table, known, system)?,
            KnownKey::Messages => found.messages = section(reader, &mut found.table, known, messages)?,
            KnownKey::CacheControl => found.top = cache_control(reader)?,
            KnownKey::ContextManagement => {
                let start = reader.position();
                reader.skip()?;
                found.context_management = Some(Span { start, end: reader.position() });
            }
            KnownKey::AnthropicVersion => {
                found.has_version = true;
                reader.skip()?;
            }
            KnownKey::AnthropicBeta => {
                found.has_betas = true;
                reader.skip()?;
            }
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    found.end = reader.position();
    reader.end()?;
    Ok(Some(()))
}

/// Reads one section into the table.
fn section(
    reader: &mut JsonReader<'_>,
    table: &mut BlockTable,
    known: Option<Scanned<'_>>,
    read: impl FnOnce(&mut JsonReader<'_>, &mut BlockTable, Option<Scanned<'_>>) -> ReadResult<()>,
) -> ReadResult<Extent> {
    let start = table.bound();
    read(reader, table, known)?;
    Ok(Extent { start, end: table.bound() })
}

/// Reads a list of objects. Passes over elements that are not objects and values that are not lists: judging them is up
/// to the API. With a known body, `pass` may read several elements at once.
#[inline]
fn objects(
    reader: &mut JsonReader<'_>,
    table: &mut BlockTable,
    known: Option<Scanned<'_>>,
    pass: impl Fn(Scanned<'_>, &mut JsonReader<'_>, &mut BlockTable, u32) -> Option<u32>,
    mut read: impl FnMut(&mut JsonReader<'_>, &mut BlockTable, u32) -> ReadResult<()>,
) -> ReadResult<()> {
    if reader.peek() != Some(b'[') {
        return reader.skip();
    }
    reader.array_by(|reader, index| {
        if let Some(known) = known
            && let Some(next) = pass(known, reader, table, index)
        {
            return Ok(next);
        }
        if reader.peek() == Some(b'{') {
            read(reader, table, index)?;
        } else {
            reader.skip()?;
        }
        Ok(index.saturating_add(1))
    })
}

/// Reads a list of blocks.
#[inline]
fn blocks(
    reader: &mut JsonReader<'_>,
    table: &mut BlockTable,
    known: Option<Scanned<'_>>,
    path: impl Fn(u32) -> BlockPath,
    mut read: impl FnMut(&mut JsonReader<'_>, &mut BlockTable, BlockPath) -> ReadResult<()>,
) -> ReadResult<()> {
    let pass = |known: Scanned<'_>, reader: &mut JsonReader<'_>, table: &mut BlockTable, index| {
        pass_blocks(known, reader, table, path(index))
    };
    objects(reader, table, known, pass, |reader, table, index| read(reader, table, path(index)))
}

fn tools(reader: &mut JsonReader<'_>, table: &mut BlockTable, known: Option<Scanned<'_>>) -> ReadResult<()> {
    blocks(reader, table, known, BlockPath::Tool, |reader, table, path| {
        let start = reader.position();
        let (mut found, mut cut) = (CacheControl::Absent, None);
        let (mut deferred, mut default) = (false, DefaultConfig::default());
        let first = table.nested.len();
        reader.object(|reader, key| {
            match key {
                KnownKey::CacheControl => found = cache_control_member(reader, &mut cut)?,
                KnownKey::DeferLoading => deferred = reader.is_true()?,
                KnownKey::DefaultConfig => default = DefaultConfig::read(reader)?,
                KnownKey::Configs => {
                    // A repeated `configs` replaces the earlier one.
                    table.nested.truncate(first);
                    configs(reader, path, table)?;
                }
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        default.add_marker(path, table);
        let kind = match (deferred, default.deferred) {
            (true, _) => BlockKind::DeferredTool,
            (false, true) => BlockKind::DeferredToolset,
            (false, false) => BlockKind::Tool,
        };
        add(reader, table, path, start, BlockFacts { kind, cache_control: found, link: Link::default() }, cut);
        Ok(())
    })
}

fn system(reader: &mut JsonReader<'_>, table: &mut BlockTable, known: Option<Scanned<'_>>) -> ReadResult<()> {
    text_or_blocks(reader, table, known, BlockPath::System)
}

fn messages(reader: &mut JsonReader<'_>, table: &mut BlockTable, known: Option<Scanned<'_>>) -> ReadResult<()> {
    // A repeated `messages` replaces the earlier one. (`tools` and `system` need no such step: their extent moves on.)
    if let Some(messages) = &mut table.messages {
        messages.clear();
    }
    table.marked_messages.clear();
    table.code_calls.clear();
    table.code_call_ids.clear();
    (table.same_code_calls, table.calls_differ) = (0, false);
    let first = table.bound();
    objects(reader, table, known, pass_messages, |reader, table, message| {
        let (start, before) = (reader.position(), table.bound());
        let (mut user, mut own) = (false, CacheControl::Absent);
        reader.object(|reader, key| {
            match key {
                KnownKey::CacheControl => own = cache_control(reader)?,
                KnownKey::Role => user = reader.text_or_skip()?.is_some_and(|role| role.named(|role| role == b"user")),
                KnownKey::Content => {
                    // A repeated `content` replaces the earlier one.
                    table.truncate(before);
                    text_or_blocks(reader, table, known, |index| BlockPath::Message(message, index))?;
                }
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        // Only now, because `role` may come after `content`.
        table.blocks.iter_mut().skip(before.0).for_each(|block| block.user = user);
        if matches!(own, CacheControl::Set(_) | CacheControl::Invalid) {
            table.marked_messages.push(message);
        }
        if let Some(messages) = &mut table.messages {
            let (span, blocks) = (Span { start, end: reader.position() }, (before.0, table.blocks.len()));
            messages.push(MessageSpan { index: message, span, blocks });
        }
        if let Some(known) = known.filter(|_| table.start != Start::Any) {
            let messages = table.section(Extent { start: first, end: table.bound() });
            let start = table.start.after_message(reader.bytes(), messages, before.0 - first.0, known);
            table.start = start;
            if start == Start::Other {
                return Err(Stopped);
            }
        }
        Ok(())
    })
}

/// Reads a system prompt or the content of a message.
#[inline]
fn text_or_blocks(
    reader: &mut JsonReader<'_>,
    table: &mut BlockTable,
    known: Option<Scanned<'_>>,
    path: impl Fn(u32) -> BlockPath,
) -> ReadResult<()> {
    if reader.peek() == Some(b'"') {
        return string(reader, table, path(0));
    }
    if let Some(known) = known
        && pass_marked_string(known, reader, table, path(0)).is_some()
    {
        return Ok(());
    }
    blocks(reader, table, known, path, block)
}

fn string(reader: &mut JsonReader<'_>, table: &mut BlockTable, path: BlockPath) -> ReadResult<()> {
    let start = reader.position();
    let kind = text_kind(reader.string()?);
    let span = Span { start, end: reader.position() };
    table.blocks.push(Block {
        path,
        kind,
        cache_control: CacheControl::Absent,
        user: false,
        is_string: true,
        by_code: false,
        same: false,
        span,
    });
    Ok(())
}

#[inline]
fn block(reader: &mut JsonReader<'_>, table: &mut BlockTable, path: BlockPath) -> ReadResult<()> {
    let start = reader.position();
    let mut cut = None;
    let facts = block_facts(reader, &NestedPath::Block(path), table, &mut cut)?;
    add(reader, table, path, start, facts, cut);
    Ok(())
}

/// Adds the block that was read since `start`.
#[inline]
fn add(
    reader: &JsonReader<'_>,
    table: &mut BlockTable,
    path: BlockPath,
    start: usize,
    facts: BlockFacts<'_>,
    cut: Option<Span>,
) {
    let BlockFacts { kind, cache_control, link } = facts;
    let by_code = path.message().is_some() && is_by_code(kind, link, table);
    table.has_compaction |= kind == BlockKind::Compaction;
    if let Some(span) = cut {
        table.cuts.push(Cut { block: table.blocks.len(), span });
    }
    let span = Span { start, end: reader.position() };
    table.blocks.push(Block { path, kind, cache_control, user: false, is_string: false, by_code, same: false, span });
}

/// Returns `true` if a block is a call that code execution made, which is added to the table, or the result of such a
/// call.
fn is_by_code(kind: BlockKind, link: Link<'_>, table: &mut BlockTable) -> bool {
    if !matches!(kind, BlockKind::ToolUse | BlockKind::ToolResult | BlockKind::Carrier) {
        return false;
    }
    if link.by_code {
        if let Some(id) = link.id {
            let id: Arc<[u8]> = id.named(|id| Arc::from(id));
            table.add_code_call(table.blocks.len(), id);
        }
        return true;
    }
    let is_known = |call: JsonString<'_>| call.named(|id| table.code_call_ids.contains_key(id));
    !table.code_call_ids.is_empty() && link.result_of.is_some_and(is_known)
}

fn refusal(body: &[u8], fault: JsonFault) -> Error {
    let (kind, message, at) = match fault {
        JsonFault::Syntax(at) => (ErrorKind::InvalidBody, "the request body is not valid JSON", at),
        JsonFault::TooDeep(at) => (ErrorKind::TooDeep, "the request body nests 128 levels or deeper", at),
    };
    Error::new(kind, message).with_location(locate_byte(body, at))
}
