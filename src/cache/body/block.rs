//! One block of a prompt: its kind, its marker, and the caller's markers inside it.

use std::collections::HashMap;
use std::ops::Range;

use super::json::{JsonReader, ReadResult};
use super::layout::{BlockKind, BlockPath, BlockTable, CacheControl, NestedMarker, NestedPath, Span};
use super::name::{JsonString, KnownKey};
use crate::retention::CacheTtl;

/// The number of nested markers that keep their path. A body with more than four markers is refused, and the path of
/// one of the first is enough for the error.
const MAX_PATHS: usize = 1_000;

/// The facts that a block contains about itself.
#[derive(Clone, Copy)]
pub(super) struct BlockFacts<'a> {
    pub(super) kind: BlockKind,
    pub(super) cache_control: CacheControl,
    pub(super) link: Link<'a>,
}

/// The members that tie a block to another one.
#[derive(Clone, Copy, Default)]
pub(super) struct Link<'a> {
    /// The id of a call.
    pub(super) id: Option<JsonString<'a>>,
    /// The id of the call that the block is the result of.
    pub(super) result_of: Option<JsonString<'a>>,
    /// `true` if code execution made the call.
    pub(super) by_code: bool,
}

/// Reads a block. Adds the markers inside it to the table, as belonging to the block that will be added next, and
/// stores the bytes of its own marker, with the comma before it, in `cut`.
pub(super) fn block_facts<'a>(
    reader: &mut JsonReader<'a>,
    path: &NestedPath<'_>,
    table: &mut BlockTable,
    cut: &mut Option<Span>,
) -> ReadResult<BlockFacts<'a>> {
    let mut kind = BlockKind::Unknown;
    let mut text = BlockKind::BlankText;
    let mut found = CacheControl::Absent;
    let (mut link, mut is_empty) = (Link::default(), false);
    let mut lists = NestedLists::new(table);
    reader.object(|reader, key| {
        match key {
            KnownKey::Type => kind = reader.text_or_skip()?.map_or(BlockKind::Unknown, |name| name.named(block_kind)),
            KnownKey::Text => text = reader.text_or_skip()?.map_or(BlockKind::BlankText, text_kind),
            KnownKey::CacheControl => found = cache_control_member(reader, cut)?,
            KnownKey::Id => link.id = reader.text_or_skip()?,
            KnownKey::ToolUseId => link.result_of = reader.text_or_skip()?,
            KnownKey::Caller => link.by_code = is_code_execution(reader)?,
            KnownKey::Content => {
                is_empty = reader.peek() == Some(b'n');
                lists.read(0, table, |table| nested(reader, path, "content", table))?;
            }
            KnownKey::Source => lists.read(1, table, |table| source(reader, path, table))?,
            KnownKey::Citations => lists.read(2, table, |table| misplaced(reader, path, "citations", table))?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    lists.settle(table);
    match kind {
        BlockKind::Text => kind = text,
        // A failed compaction replaces nothing, so the messages before it still count.
        BlockKind::Compaction if is_empty => kind = BlockKind::Unknown,
        _ => {}
    }
    Ok(BlockFacts { kind, cache_control: found, link })
}

/// Returns `true` if the `caller` of a call is any version of code execution. A call by the model itself is `direct`.
fn is_code_execution(reader: &mut JsonReader<'_>) -> ReadResult<bool> {
    if reader.peek() != Some(b'{') {
        return reader.skip().map(|()| false);
    }
    let mut found = false;
    reader.object(|reader, key| {
        match key {
            KnownKey::Type => {
                let is_code = |name: &[u8]| name.starts_with(b"code_execution");
                found = reader.text_or_skip()?.is_some_and(|name| name.named(is_code));
            }
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(found)
}

/// Returns `true` if the name of a call, whose text this is, meets the condition.
pub(crate) fn call_has_name(call: &[u8], is: impl Fn(&[u8]) -> bool) -> bool {
    let (mut reader, mut found) = (JsonReader::new(call), false);
    let read = reader.object(|reader, _| {
        if reader.member_name().is_some_and(|key| key.named(|key| key == b"name")) {
            found = reader.text_or_skip()?.is_some_and(|name| name.named(&is));
            return Ok(());
        }
        reader.skip()
    });
    read.is_ok() && found
}

/// The lists of one block that can contain markers, in the order in which their markers are reported. The result must
/// not depend on the order of the keys or on values that a repeated key replaces.
struct NestedLists {
    first: usize,
    /// The range in the table of the markers in each list's last value.
    held: [Range<usize>; 3],
    replaced: bool,
}

impl NestedLists {
    fn new(table: &BlockTable) -> Self {
        Self { first: table.nested.len(), held: [const { 0..0 }; 3], replaced: false }
    }

    fn read(
        &mut self,
        list: usize,
        table: &mut BlockTable,
        read: impl FnOnce(&mut BlockTable) -> ReadResult<()>,
    ) -> ReadResult<()> {
        let before = table.nested.len();
        read(table)?;
        if let Some(held) = self.held.get_mut(list) {
            self.replaced |= held.start < held.end;
            *held = before..table.nested.len();
        }
        Ok(())
    }

    /// Drops replaced markers and sorts the rest. Runs once for all keys of a block, so that a key that is repeated
    /// many times costs no more than its bytes.
    fn settle(self, table: &mut BlockTable) {
        if !self.replaced && self.held.iter().filter(|held| held.start < held.end).count() < 2 {
            return;
        }
        let mut found = table.nested.split_off(self.first);
        for nested in &mut found {
            nested.list = usize::MAX;
        }
        for (list, held) in self.held.iter().enumerate() {
            for nested in found.iter_mut().skip(held.start.saturating_sub(self.first)).take(held.len()) {
                nested.list = list;
            }
        }
        found.retain(|nested| nested.list != usize::MAX);
        found.sort_by_key(|nested| nested.list);
        table.nested.append(&mut found);
    }
}

/// Reads a list in which no block can carry a marker, not even the last one.
fn misplaced(
    reader: &mut JsonReader<'_>,
    outer: &NestedPath<'_>,
    list: &'static str,
    table: &mut BlockTable,
) -> ReadResult<()> {
    let before = table.nested.len();
    nested(reader, outer, list, table)?;
    for nested in table.nested.iter_mut().skip(before) {
        nested.last = false;
    }
    Ok(())
}

/// Reads the markers inside a toolset. Its tools are not blocks; only the toolset itself can be marked.
pub(super) fn configs(reader: &mut JsonReader<'_>, toolset: BlockPath, table: &mut BlockTable) -> ReadResult<()> {
    let path = NestedPath::Block(toolset);
    if reader.peek() != Some(b'{') {
        return misplaced(reader, &path, "configs", table);
    }
    // The marked entries by name, because an entry of the same name replaces the earlier one.
    let mut marked: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut replaced = Vec::new();
    reader.object(|reader, _| {
        let name = reader.member_name();
        let name = || name.map_or_else(Vec::new, |name| name.named(<[u8]>::to_vec));
        if !marked.is_empty() {
            replaced.extend(marked.remove(&name()));
        }
        if reader.peek() != Some(b'{') {
            return reader.skip();
        }
        let before = table.nested.len();
        let mut cut = None;
        let facts = block_facts(reader, &path, table, &mut cut)?;
        // An entry has no blocks inside, so only its own marker counts.
        table.nested.truncate(before);
        add(facts, cut, table, || format!("{}/configs", toolset.pointer()), false);
        if table.nested.len() > before {
            marked.insert(name(), before);
        }
        Ok(())
    })?;
    if !replaced.is_empty() {
        replaced.sort_unstable();
        let mut index = 0..;
        table.nested.retain(|_| index.next().is_none_or(|index| replaced.binary_search(&index).is_err()));
    }
    Ok(())
}

/// The facts in the `default_config` of a toolset.
#[derive(Clone, Copy, Default)]
pub(super) struct DefaultConfig {
    /// `true` if the tools of the set are loaded on demand.
    pub(super) deferred: bool,
    marker: Option<(CacheControl, Span)>,
}

impl DefaultConfig {
    pub(super) fn read(reader: &mut JsonReader<'_>) -> ReadResult<Self> {
        let mut found = Self::default();
        if reader.peek() != Some(b'{') {
            return reader.skip().map(|()| found);
        }
        reader.object(|reader, key| {
            match key {
                KnownKey::DeferLoading => found.deferred = reader.is_true()?,
                KnownKey::CacheControl => {
                    let mut cut = None;
                    let cache_control = cache_control_member(reader, &mut cut)?;
                    found.marker = cut.map(|cut| (cache_control, cut));
                }
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Adds its marker as one inside the toolset that will be added next.
    pub(super) fn add_marker(self, toolset: BlockPath, table: &mut BlockTable) {
        if let Some((cache_control, cut)) = self.marker {
            let facts = BlockFacts { kind: BlockKind::Unknown, cache_control, link: Link::default() };
            add(facts, Some(cut), table, || format!("{}/default_config", toolset.pointer()), false);
        }
    }
}

fn source(reader: &mut JsonReader<'_>, outer: &NestedPath<'_>, table: &mut BlockTable) -> ReadResult<()> {
    if reader.peek() != Some(b'{') {
        return reader.skip();
    }
    let mut lists = NestedLists::new(table);
    reader.object(|reader, key| match key {
        KnownKey::Content => lists.read(0, table, |table| nested(reader, outer, "source/content", table)),
        _ => reader.skip(),
    })?;
    lists.settle(table);
    Ok(())
}

/// Reads the markers in a list of blocks inside a block. The depth limit bounds the recursion.
fn nested(
    reader: &mut JsonReader<'_>,
    outer: &NestedPath<'_>,
    list: &'static str,
    table: &mut BlockTable,
) -> ReadResult<()> {
    if reader.peek() != Some(b'[') {
        return reader.skip();
    }
    let mut element = table.nested.len();
    reader.array(|reader, index| {
        // Markers in the previous element are no longer in the last one; those before it were updated already.
        for earlier in table.nested.iter_mut().skip(element) {
            earlier.last = false;
        }
        element = table.nested.len();
        if reader.peek() != Some(b'{') {
            return reader.skip();
        }
        let path = NestedPath::Inside(outer, list, index);
        let mut cut = None;
        let facts = block_facts(reader, &path, table, &mut cut)?;
        add(facts, cut, table, || path.to_string(), true);
        Ok(())
    })
}

/// Adds the marker of a block inside the one that will be added next, if there is one.
fn add(facts: BlockFacts<'_>, cut: Option<Span>, table: &mut BlockTable, path: impl FnOnce() -> String, last: bool) {
    let BlockFacts { kind, cache_control, .. } = facts;
    if let (CacheControl::Set(_) | CacheControl::Invalid, Some(cut)) = (cache_control, cut) {
        let block = table.blocks.len();
        let path = if table.nested.len() < MAX_PATHS { path() } else { String::new() };
        table.nested.push(NestedMarker { block, path, kind, cache_control, cut, last, list: 0 });
    }
}

/// Reads a `cache_control` and stores the bytes of the whole member in `cut`.
pub(super) fn cache_control_member(reader: &mut JsonReader<'_>, cut: &mut Option<Span>) -> ReadResult<CacheControl> {
    let start = reader.member_start();
    let found = cache_control(reader)?;
    *cut = Some(Span { start, end: reader.position() });
    Ok(found)
}

pub(super) fn cache_control(reader: &mut JsonReader<'_>) -> ReadResult<CacheControl> {
    match reader.peek() {
        Some(b'n') => reader.skip().map(|()| CacheControl::Null),
        Some(b'{') => {
            let mut ephemeral = false;
            let mut ttl = Some(CacheTtl::FiveMinutes);
            reader.object(|reader, key| {
                match key {
                    KnownKey::Type => {
                        ephemeral = reader.text_or_skip()?.is_some_and(|kind| kind.named(|kind| kind == b"ephemeral"));
                    }
                    KnownKey::Ttl if reader.peek() == Some(b'n') => {
                        reader.skip()?;
                        ttl = Some(CacheTtl::FiveMinutes);
                    }
                    KnownKey::Ttl => ttl = reader.text_or_skip()?.and_then(|ttl| ttl.named(CacheTtl::from_wire)),
                    _ => reader.skip()?,
                }
                Ok(())
            })?;
            Ok(ttl.filter(|_| ephemeral).map_or(CacheControl::Invalid, CacheControl::Set))
        }
        _ => reader.skip().map(|()| CacheControl::Invalid),
    }
}

pub(super) fn text_kind(text: JsonString<'_>) -> BlockKind {
    let mut rest = text.raw();
    if rest.is_empty() {
        return BlockKind::EmptyText;
    }
    while let Some(next) = [&b" "[..], b"\\n", b"\\r", b"\\t"].iter().find_map(|blank| rest.strip_prefix(*blank)) {
        rest = next;
    }
    if rest.is_empty() { BlockKind::BlankText } else { BlockKind::Text }
}

/// Returns the kind for a type. Sources: prompt caching page, 2026-09, and the type definitions of the SDKs, 2026-08.
fn block_kind(name: &[u8]) -> BlockKind {
    match name {
        b"text" => BlockKind::Text,
        b"thinking" | b"redacted_thinking" => BlockKind::Thinking,
        b"tool_use" => BlockKind::ToolUse,
        b"tool_result" => BlockKind::ToolResult,
        b"compaction" => BlockKind::Compaction,
        b"image" | b"document" | b"search_result" | b"server_tool_use" | b"mcp_tool_use" | b"container_upload"
        | b"tool_reference" => BlockKind::Carrier,
        _ if name.ends_with(b"_tool_result") => BlockKind::Carrier,
        _ => BlockKind::Unknown,
    }
}
