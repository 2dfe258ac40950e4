//! The blocks of a body and their markers, as the scanner finds them and the planner reads them.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::alike::Start;
use crate::retention::CacheTtl;

/// Everything that the planner needs to know about a body.
#[derive(Clone, Debug, Default)]
pub(crate) struct BodyLayout {
    /// The blocks of all sections, in the order of the bytes, so that one allocation is enough for all.
    pub(super) table: BlockTable,
    /// The part of the table that each section takes; empty until the section is read.
    pub(super) tools: Extent,
    pub(super) system: Extent,
    pub(super) messages: Extent,
    /// The automatic marker at the top level.
    pub(crate) top: CacheControl,
    /// The value of `context_management`.
    pub(crate) context_management: Option<Span>,
    /// The byte after the body's closing brace.
    pub(crate) end: usize,
    /// `true` if the body already has the field, which some hosts require.
    pub(crate) has_version: bool,
    pub(crate) has_betas: bool,
}

impl BodyLayout {
    pub(crate) fn tools(&self) -> PromptSection<'_> {
        self.table.section(self.tools)
    }

    pub(crate) fn system(&self) -> PromptSection<'_> {
        self.table.section(self.system)
    }

    pub(crate) fn messages(&self) -> PromptSection<'_> {
        self.table.section(self.messages)
    }

    /// Returns the messages that have a marker on themselves, beside their content.
    pub(crate) fn marked_messages(&self) -> &[u32] {
        &self.table.marked_messages
    }

    /// Returns the last compaction in the messages. The API leaves out everything before it.
    pub(crate) fn compaction(&self) -> Option<usize> {
        let blocks = self.table.has_compaction.then(|| self.messages().blocks)?;
        blocks.iter().rposition(|block| block.kind == BlockKind::Compaction)
    }

    /// Returns the sections in the order in which the API reads them.
    pub(crate) fn sections(&self) -> [PromptSection<'_>; 3] {
        [self.tools(), self.system(), self.messages()]
    }
}

/// One of the three parts of a prompt, its blocks in prompt order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PromptSection<'a> {
    pub(crate) blocks: &'a [Block],
    /// The caller's markers inside blocks, in the order of the bytes.
    pub(crate) nested: &'a [NestedMarker],
    /// The caller's markers on blocks, in the same order.
    cuts: &'a [Cut],
    /// The index of the first block in the table.
    pub(super) first: usize,
}

impl<'a> PromptSection<'a> {
    /// Returns the caller's markers inside the block of this index.
    pub(super) fn inside(self, index: usize) -> &'a [NestedMarker] {
        let block = self.first + index;
        let from = self.nested.partition_point(|nested| nested.block < block);
        let nested = self.nested.get(from..).unwrap_or_default();
        nested.get(..nested.partition_point(|nested| nested.block == block)).unwrap_or_default()
    }

    /// Returns the bytes of the `cache_control` member of the block of this index, with the comma before it.
    pub(super) fn cut(self, index: usize) -> Option<Span> {
        let block = self.first + index;
        let found = self.cuts.binary_search_by_key(&block, |cut| cut.block).ok()?;
        self.cuts.get(found).map(|cut| cut.span)
    }

    /// Returns the index in [`blocks`](Self::blocks) of the block around a caller's marker.
    pub(crate) fn parent(self, nested: &NestedMarker) -> usize {
        nested.block - self.first
    }
}

/// Everything that was found, in the order of the bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct BlockTable {
    pub(super) blocks: Vec<Block>,
    pub(super) nested: Vec<NestedMarker>,
    pub(super) cuts: Vec<Cut>,
    /// `true` if there may be a compaction in the messages.
    pub(super) has_compaction: bool,
    /// The messages with a marker on themselves, beside their content.
    pub(super) marked_messages: Vec<u32>,
    /// The calls that code execution made: the index of the block and the id.
    pub(super) code_calls: Vec<(usize, Arc<[u8]>)>,
    /// The index in `code_calls` of the first call with an id, to find the results of these calls.
    pub(super) code_call_ids: HashMap<Arc<[u8]>, usize>,
    /// The number of calls at the start that are known to have the same ids in the body that this one is compared with.
    pub(super) same_code_calls: usize,
    /// `true` if the first call after these is known to have another id there.
    pub(super) calls_differ: bool,
    /// The messages, if another body will be compared with this one.
    pub(super) messages: Option<Vec<MessageSpan>>,
    /// How far the conversation is known to be the same as that of the body that this one is compared with.
    pub(super) start: Start,
}

/// A message of the list.
#[derive(Clone, Copy, Debug)]
pub(super) struct MessageSpan {
    pub(super) index: u32,
    pub(super) span: Span,
    /// Its blocks: the index in [`BlockTable::blocks`] of the first, and of the one after the last.
    pub(super) blocks: (usize, usize),
}

/// A bound in a table: the number of blocks, nested markers and cuts before it.
pub(super) type Bound = (usize, usize, usize);

/// A part of a table.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    pub(super) start: Bound,
    pub(super) end: Bound,
}

impl BlockTable {
    pub(super) fn bound(&self) -> Bound {
        (self.blocks.len(), self.nested.len(), self.cuts.len())
    }

    /// Adds a call that code execution made.
    pub(super) fn add_code_call(&mut self, block: usize, id: Arc<[u8]>) {
        self.code_call_ids.entry(Arc::clone(&id)).or_insert(self.code_calls.len());
        self.code_calls.push((block, id));
    }

    /// Drops everything that was found after a bound.
    pub(super) fn truncate(&mut self, (blocks, nested, cuts): Bound) {
        self.blocks.truncate(blocks);
        self.nested.truncate(nested);
        self.cuts.truncate(cuts);
        while self.code_calls.last().is_some_and(|(block, _)| *block >= blocks) {
            if let Some((_, id)) = self.code_calls.pop()
                && self.code_call_ids.get(&id) == Some(&self.code_calls.len())
            {
                self.code_call_ids.remove(&id);
            }
        }
        self.same_code_calls = self.same_code_calls.min(self.code_calls.len());
        self.calls_differ &= self.same_code_calls < self.code_calls.len();
    }

    pub(super) fn section(&self, Extent { start, end }: Extent) -> PromptSection<'_> {
        PromptSection {
            blocks: self.blocks.get(start.0..end.0).unwrap_or_default(),
            nested: self.nested.get(start.1..end.1).unwrap_or_default(),
            cuts: self.cuts.get(start.2..end.2).unwrap_or_default(),
            first: start.0,
        }
    }
}

/// A tool, a system block, or a content block of a message.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "a row of a table")]
pub(crate) struct Block {
    pub(crate) path: BlockPath,
    pub(crate) kind: BlockKind,
    pub(crate) cache_control: CacheControl,
    /// `true` if the block belongs to a message of the user.
    pub(crate) user: bool,
    /// `true` if the block is a string in place of a list of blocks.
    pub(crate) is_string: bool,
    /// `true` if the block is a call that code execution made, or the result of one.
    pub(crate) by_code: bool,
    /// `true` if the block is known to equal, apart from markers, the one of the same path in the body that this one
    /// was compared with.
    pub(super) same: bool,
    /// The bytes of the block in the body.
    pub(crate) span: Span,
}

/// The bytes of a block's own `cache_control` member, with the comma before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    /// The index in [`BlockTable::blocks`].
    pub(super) block: usize,
    pub(super) span: Span,
}

/// A caller's marker inside a block: on a part of a tool result or of a document.
#[derive(Clone, Debug)]
pub(crate) struct NestedMarker {
    /// The index in [`BlockTable::blocks`] of the outermost block around it.
    pub(super) block: usize,
    pub(crate) path: String,
    pub(crate) kind: BlockKind,
    pub(crate) cache_control: CacheControl,
    /// The bytes of its `cache_control` member, with the comma before it.
    pub(super) cut: Span,
    /// `true` if its block is the last one at each level, where the API moves the marker to the parent.
    pub(crate) last: bool,
    /// The list of the innermost block around it that it was found in, once that is known.
    pub(super) list: usize,
}

/// The kind of a block, as far as it matters for markers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockKind {
    Tool,
    /// A tool that is loaded on demand.
    DeferredTool,
    /// A toolset whose tools are loaded on demand.
    DeferredToolset,
    Text,
    /// Text of white space only, or a text block without text.
    BlankText,
    /// The text `""`, on which the API refuses a marker.
    EmptyText,
    /// Thinking, redacted or not: part of a cached prefix, but never marked.
    Thinking,
    /// `tool_use`: neighbours count as one position in the look-back of some hosts.
    ToolUse,
    /// `tool_result`: neighbours count as one position in the look-back of some hosts.
    ToolResult,
    /// The API's summary of the messages before it, which the API leaves out from then on.
    Compaction,
    /// Every other type that the API's documentation allows to be marked.
    Carrier,
    /// A type this version does not know.
    Unknown,
}

impl BlockKind {
    /// Returns `true` if blocks of this kind can carry a marker.
    pub(crate) fn carries(self) -> bool {
        matches!(self, Self::Tool | Self::Text | Self::ToolUse | Self::ToolResult | Self::Compaction | Self::Carrier)
    }
}

/// Bytes of the body, from the first to the one after the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    pub(crate) fn of(self, body: &[u8]) -> &[u8] {
        body.get(self.start..self.end).unwrap_or_default()
    }

    /// Returns the span as many bytes further back. A shift towards the front is a large number that wraps around.
    pub(super) fn moved(self, shift: usize) -> Self {
        Self { start: self.start.wrapping_add(shift), end: self.end.wrapping_add(shift) }
    }
}

/// The `cache_control` member of one block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum CacheControl {
    #[default]
    Absent,
    /// The key with the value `null`: not a marker, but the key is taken.
    Null,
    Set(CacheTtl),
    /// An unknown type or lifetime, or not an object.
    Invalid,
}

impl CacheControl {
    pub(crate) fn is_set(self) -> bool {
        matches!(self, Self::Set(_))
    }
}

/// The path of a block. Paths are ordered as the blocks are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum BlockPath {
    Tool(u32),
    System(u32),
    Message(u32, u32),
}

impl BlockPath {
    /// Returns the index of the message around the block.
    pub(crate) fn message(self) -> Option<u32> {
        match self {
            Self::Message(message, _) => Some(message),
            _ => None,
        }
    }

    /// Returns the index in the innermost list around the block.
    pub(super) fn index(self) -> u32 {
        match self {
            Self::Tool(index) | Self::System(index) | Self::Message(_, index) => index,
        }
    }

    /// Returns `true` if this JSON Pointer leads to the block.
    pub(crate) fn is(self, pointer: &str) -> bool {
        match self {
            Self::Message(message, index) => {
                let rest = pointer.strip_prefix("/messages/").and_then(|rest| rest.split_once("/content/"));
                rest.is_some_and(|(a, b)| a.parse() == Ok(message) && b.parse() == Ok(index))
            }
            _ => pointer == self.pointer(),
        }
    }

    /// Returns the JSON Pointer to the block.
    pub(crate) fn pointer(self) -> String {
        match self {
            Self::Tool(index) => format!("/tools/{index}"),
            Self::System(index) => format!("/system/{index}"),
            Self::Message(message, index) => format!("/messages/{message}/content/{index}"),
        }
    }
}

/// The path of a nested block. `Display` writes a JSON Pointer.
#[derive(Clone, Copy, Debug)]
pub(super) enum NestedPath<'w> {
    Block(BlockPath),
    Inside(&'w NestedPath<'w>, &'static str, u32),
}

impl fmt::Display for NestedPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block(path) => f.write_str(&path.pointer()),
            Self::Inside(outer, list, index) => write!(f, "{outer}/{list}/{index}"),
        }
    }
}
