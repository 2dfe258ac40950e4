//! Finds, in one pass over a request body, every place where a cache marker stands or could stand.
//!
//! Where a key appears twice in one object the last one counts, as it does for the API's reader and for `serde_json`.

use super::block::{Parts, configs, mark, marked, parts, text_kind};
use super::json::{Fault, Read, Reader};
use super::layout::{Block, Kind, Layout, Mark, Nested, Path, Section, Slot, Span};
use super::name::Key;
use crate::error::{Error, ErrorKind, Location, Result};

/// Reads a body whole.
///
/// # Errors
///
/// `InvalidBody` if it is not one JSON object, `TooDeep` if it nests deeper than the limit.
pub(super) fn scan(body: &[u8]) -> Result<Layout> {
    let mut reader = Reader::new(body);
    let mut found = Layout::default();
    read_root(&mut reader, &mut found).map_err(|fault| refusal(body, fault))?.ok_or_else(|| {
        Error::new(ErrorKind::InvalidBody, "the request body is JSON, but not an object")
            .with_location(Location::at(1, 1))
    })?;
    Ok(found)
}

/// `None` if the body is some other JSON than an object.
fn read_root(reader: &mut Reader<'_>, found: &mut Layout) -> Read<Option<()>> {
    reader.white_space();
    if reader.peek() != Some(b'{') {
        reader.skip()?;
        reader.end()?;
        return Ok(None);
    }
    found.root = reader.object(|reader, key| {
        match key {
            Key::Tools => {
                found.tools = section(reader, tool)?;
            }
            Key::System => found.system = system(reader)?,
            Key::Messages => found.messages = messages(reader)?,
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
    reader.end()?;
    Ok(Some(()))
}

/// Reads an array of blocks, passing over elements that are not objects and values that are not arrays: what they mean
/// is the API's to say.
fn section<'a>(
    reader: &mut Reader<'a>,
    mut read: impl FnMut(&mut Reader<'a>, u32) -> Read<(Block, Vec<Nested>)>,
) -> Read<Section> {
    let mut section = Section::default();
    if reader.peek() != Some(b'[') {
        reader.skip()?;
        return Ok(section);
    }
    reader.array(|reader, index| {
        if reader.peek() != Some(b'{') {
            return reader.skip();
        }
        let (block, nested) = read(reader, index)?;
        section.add(block, nested);
        Ok(())
    })?;
    Ok(section)
}

fn tool(reader: &mut Reader<'_>, index: u32) -> Read<(Block, Vec<Nested>)> {
    let path = Path::Tool(index);
    let start = reader.position();
    let (mut found, mut cut) = (Mark::Absent, None);
    let mut deferred = false;
    let mut inside = Vec::new();
    let end = reader.object(|reader, key| {
        match key {
            Key::CacheControl => (found, cut) = marked(reader)?,
            Key::DeferLoading => deferred = reader.is_true()?,
            Key::Configs => inside = configs(reader, &path)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let kind = if deferred { Kind::DeferredTool } else { Kind::Tool };
    let span = Span { start, end: reader.position() };
    Ok((Block { path, kind, mark: found, slot: Slot::Member(end), span, cut, user: false }, inside))
}

fn system(reader: &mut Reader<'_>) -> Read<Section> {
    if reader.peek() == Some(b'"') {
        let mut section = Section::default();
        section.add(string_block(reader, Path::System(0))?, Vec::new());
        return Ok(section);
    }
    section(reader, |reader, index| block(reader, Path::System(index)))
}

fn messages(reader: &mut Reader<'_>) -> Read<Section> {
    let mut all = Section::default();
    if reader.peek() != Some(b'[') {
        reader.skip()?;
        return Ok(all);
    }
    reader.array(|reader, message| {
        if reader.peek() != Some(b'{') {
            return reader.skip();
        }
        let (first, first_nested) = (all.blocks.len(), all.nested.len());
        let mut user = false;
        reader.object(|reader, key| {
            match key {
                Key::Role => user = reader.text_or_skip()?.is_some_and(|role| role.named(|role| role == b"user")),
                Key::Content => {
                    all.blocks.truncate(first);
                    all.nested.truncate(first_nested);
                    content(reader, message, &mut all)?;
                }
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        all.blocks.iter_mut().skip(first).for_each(|block| block.user = user);
        Ok(())
    })?;
    Ok(all)
}

fn content(reader: &mut Reader<'_>, message: u32, all: &mut Section) -> Read<()> {
    match reader.peek() {
        Some(b'"') => all.add(string_block(reader, Path::Message(message, 0))?, Vec::new()),
        Some(b'[') => reader.array(|reader, index| {
            if reader.peek() != Some(b'{') {
                return reader.skip();
            }
            let (block, nested) = block(reader, Path::Message(message, index))?;
            all.add(block, nested);
            Ok(())
        })?,
        _ => reader.skip()?,
    }
    Ok(())
}

fn string_block(reader: &mut Reader<'_>, path: Path<'static>) -> Read<Block> {
    let start = reader.position();
    let kind = text_kind(reader.string()?);
    let span = Span { start, end: reader.position() };
    Ok(Block { path, kind, mark: Mark::Absent, slot: Slot::Wrap(span), span, cut: None, user: false })
}

fn block(reader: &mut Reader<'_>, path: Path<'static>) -> Read<(Block, Vec<Nested>)> {
    let start = reader.position();
    let Parts { kind, mark, cut, end, nested } = parts(reader, &path)?;
    let span = Span { start, end: reader.position() };
    Ok((Block { path, kind, mark, slot: Slot::Member(end), span, cut, user: false }, nested))
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
