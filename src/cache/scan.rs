//! Finds, in one pass over a request body, every place where a cache marker stands or could stand.
//!
//! Where a key appears twice in one object the last one counts, as it does for the API's reader and for `serde_json`.

use super::block::{Parts, configs, mark, marked, parts, text_kind};
use super::json::{Fault, Read, Reader, Stopped};
use super::layout::{Block, Cut, Extent, Kind, Layout, Mark, Path, Span, Table, Way};
use super::name::Key;
use crate::error::{Error, ErrorKind, Location, Result};

/// How many bytes of a conversation there are for each block. Where there are fewer, the table has to grow.
const BYTES_PER_BLOCK: usize = 512;

/// Reads a body whole.
///
/// # Errors
///
/// `InvalidBody` if it is not one JSON object, `TooDeep` if it nests deeper than the limit.
pub(super) fn scan(body: &[u8]) -> Result<Layout> {
    let mut reader = Reader::new(body);
    let mut found = Layout::default();
    found.table.blocks.reserve_exact(body.len() / BYTES_PER_BLOCK + 16);
    match read_root(&mut reader, &mut found) {
        Ok(Some(())) => Ok(found),
        Ok(None) => Err(Error::new(ErrorKind::InvalidBody, "the request body is JSON, but not an object")
            .with_location(Location::at(1, 1))),
        Err(Stopped) => Err(refusal(body, reader.fault())),
    }
}

/// `None` if the body is some other JSON than an object.
fn read_root(reader: &mut Reader<'_>, found: &mut Layout) -> Read<Option<()>> {
    reader.white_space();
    if reader.peek() != Some(b'{') {
        reader.skip()?;
        reader.end()?;
        return Ok(None);
    }
    reader.object(|reader, key| {
        match key {
            Key::Tools => found.tools = section(reader, &mut found.table, tools)?,
            Key::System => found.system = section(reader, &mut found.table, system)?,
            Key::Messages => found.messages = section(reader, &mut found.table, messages)?,
            Key::CacheControl => found.top = mark(reader)?,
            Key::AnthropicVersion => {
                found.has_version = true;
                reader.skip()?;
            }
            Key::AnthropicBeta => {
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
    reader: &mut Reader<'_>,
    table: &mut Table,
    read: impl FnOnce(&mut Reader<'_>, &mut Table) -> Read<()>,
) -> Read<Extent> {
    let start = table.bound();
    read(reader, table)?;
    Ok(Extent { start, end: table.bound() })
}

/// Reads a list of objects, passing over elements that are not objects and values that are not lists: what they mean is
/// the API's to say.
#[inline]
fn objects(reader: &mut Reader<'_>, mut read: impl FnMut(&mut Reader<'_>, u32) -> Read<()>) -> Read<()> {
    if reader.peek() != Some(b'[') {
        return reader.skip();
    }
    reader.array(|reader, index| if reader.peek() == Some(b'{') { read(reader, index) } else { reader.skip() })
}

fn tools(reader: &mut Reader<'_>, table: &mut Table) -> Read<()> {
    objects(reader, |reader, index| {
        let path = Path::Tool(index);
        let start = reader.position();
        let (mut mark, mut cut) = (Mark::Absent, None);
        let mut deferred = false;
        let first = table.nested.len();
        reader.object(|reader, key| {
            match key {
                Key::CacheControl => mark = marked(reader, &mut cut)?,
                Key::DeferLoading => deferred = reader.is_true()?,
                Key::Configs => {
                    table.nested.truncate(first);
                    configs(reader, path, table)?;
                }
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        let kind = if deferred { Kind::DeferredTool } else { Kind::Tool };
        add(reader, table, path, start, Parts { kind, mark }, cut);
        Ok(())
    })
}

fn system(reader: &mut Reader<'_>, table: &mut Table) -> Read<()> {
    if reader.peek() == Some(b'"') {
        return string(reader, table, Path::System(0));
    }
    objects(reader, |reader, index| block(reader, table, Path::System(index)))
}

fn messages(reader: &mut Reader<'_>, table: &mut Table) -> Read<()> {
    objects(reader, |reader, message| {
        let before = table.bound();
        let mut user = false;
        reader.object(|reader, key| {
            match key {
                Key::Role => user = reader.text_or_skip()?.is_some_and(|role| role.named(|role| role == b"user")),
                Key::Content => {
                    table.truncate(before);
                    content(reader, message, table)?;
                }
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        table.blocks.iter_mut().skip(before.0).for_each(|block| block.user = user);
        Ok(())
    })
}

fn content(reader: &mut Reader<'_>, message: u32, table: &mut Table) -> Read<()> {
    if reader.peek() == Some(b'"') {
        return string(reader, table, Path::Message(message, 0));
    }
    objects(reader, |reader, index| block(reader, table, Path::Message(message, index)))
}

fn string(reader: &mut Reader<'_>, table: &mut Table, path: Path) -> Read<()> {
    let start = reader.position();
    let kind = text_kind(reader.string()?);
    let span = Span { start, end: reader.position() };
    table.blocks.push(Block { path, kind, mark: Mark::Absent, user: false, is_string: true, span });
    Ok(())
}

#[inline]
fn block(reader: &mut Reader<'_>, table: &mut Table, path: Path) -> Read<()> {
    let start = reader.position();
    let mut cut = None;
    let parts = parts(reader, &Way::Block(path), table, &mut cut)?;
    add(reader, table, path, start, parts, cut);
    Ok(())
}

/// Adds the block that was read since `start`.
#[inline]
fn add(reader: &Reader<'_>, table: &mut Table, path: Path, start: usize, parts: Parts, cut: Option<Span>) {
    let Parts { kind, mark } = parts;
    if let Some(span) = cut {
        table.cuts.push(Cut { block: table.blocks.len(), span });
    }
    let span = Span { start, end: reader.position() };
    table.blocks.push(Block { path, kind, mark, user: false, is_string: false, span });
}

fn refusal(body: &[u8], fault: Fault) -> Error {
    let (kind, message, at) = match fault {
        Fault::Syntax(at) => (ErrorKind::InvalidBody, "the request body is not valid JSON", at),
        Fault::TooDeep(at) => (ErrorKind::TooDeep, "the request body nests 128 levels or deeper", at),
    };
    let before = body.get(..at).unwrap_or(body);
    let lines = before.split(|byte| *byte == b'\n').count() - 1;
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    // A character is counted at its first byte.
    let column = before.iter().skip(line_start).filter(|byte| **byte & 0xc0 != 0x80).count();
    let counted = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).saturating_add(1);
    Error::new(kind, message).with_location(Location::at(counted(lines), counted(column)))
}
