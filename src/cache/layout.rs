//! Where markers stand and could stand in a body: what the scanner finds and the planner reads.

use std::fmt;

use super::json::ObjectEnd;
use super::marker::CacheTtl;

/// What the planner needs to know about a body.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) tools: Section,
    pub(super) system: Section,
    pub(super) messages: Section,
    /// The automatic marker at the top level.
    pub(super) top: Mark,
    /// Where a member can be added to the whole body.
    pub(super) root: ObjectEnd,
    /// Which of the fields that some hosts want in the body are there already.
    pub(super) has_version: bool,
    pub(super) has_betas: bool,
}

impl Layout {
    /// The sections in the order in which the API reads them.
    pub(super) fn sections(&self) -> [&Section; 3] {
        [&self.tools, &self.system, &self.messages]
    }
}

/// One of the three parts of a prompt, its blocks in prompt order.
#[derive(Debug, Default)]
pub(super) struct Section {
    pub(super) blocks: Vec<Block>,
    pub(super) nested: Vec<Nested>,
}

impl Section {
    /// Adds a block and the caller's markers inside it.
    pub(super) fn add(&mut self, block: Block, nested: Vec<Nested>) {
        let parent = self.blocks.len();
        self.nested.extend(nested.into_iter().map(|nested| Nested { parent, ..nested }));
        self.blocks.push(block);
    }
}

/// A tool, a system block, or a content block of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) path: Path<'static>,
    pub(super) kind: Kind,
    pub(super) mark: Mark,
    pub(super) slot: Slot,
    /// Its bytes in the body.
    pub(super) span: Span,
    /// The bytes of its `cache_control` member, with the comma before it.
    pub(super) cut: Option<Span>,
    /// Whether it belongs to a message of the user.
    pub(super) user: bool,
}

/// A caller's marker inside a block: on a part of a tool result or of a document.
#[derive(Debug)]
pub(super) struct Nested {
    /// The index in [`Section::blocks`] of the outermost block around it.
    pub(super) parent: usize,
    pub(super) path: String,
    pub(super) kind: Kind,
    pub(super) mark: Mark,
    /// The bytes of its `cache_control` member, with the comma before it.
    pub(super) cut: Span,
    /// Whether its block is the last one at each level, where the API moves the marker to the parent.
    pub(super) last: bool,
}

/// What kind of block it is, as far as markers care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Tool,
    /// A tool that is loaded on demand.
    DeferredTool,
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
    /// Every other type that the API's documentation allows to be marked.
    Carrier,
    /// A type this version does not know.
    Unknown,
}

impl Kind {
    /// Whether a block of this kind can carry a marker, as far as its kind tells.
    pub(super) fn carries(self) -> bool {
        matches!(self, Self::Tool | Self::Text | Self::ToolUse | Self::ToolResult | Self::Carrier)
    }
}

/// Bytes of the body, from the first to the one after the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Span {
    pub(super) fn of(self, body: &[u8]) -> &[u8] {
        body.get(self.start..self.end).unwrap_or_default()
    }
}

/// What `cache_control` says at one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mark {
    #[default]
    Absent,
    /// The key with the value `null`: no marker, but there is no room for the key either.
    Null,
    Set(CacheTtl),
    /// A type or lifetime that does not exist, or not an object.
    Invalid,
}

/// How a marker gets into a block.
#[derive(Clone, Copy, Debug)]
pub(super) enum Slot {
    /// As the last member of an object.
    Member(ObjectEnd),
    /// The string, quotes included, becomes a text block in an array.
    Wrap(Span),
}

/// Where a block stands. `Display` writes a JSON Pointer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Path<'p> {
    Tool(u32),
    System(u32),
    Message(u32, u32),
    Inside(&'p Path<'p>, &'static str, u32),
}

impl Path<'_> {
    /// The index of the message around it.
    pub(super) fn message(&self) -> Option<u32> {
        match self {
            Self::Message(message, _) => Some(*message),
            _ => None,
        }
    }

    /// Whether this JSON Pointer leads to it.
    pub(super) fn is(&self, pointer: &str) -> bool {
        match self {
            Self::Message(message, index) => {
                let rest = pointer.strip_prefix("/messages/").and_then(|rest| rest.split_once("/content/"));
                rest.is_some_and(|(a, b)| a.parse() == Ok(*message) && b.parse() == Ok(*index))
            }
            _ => pointer == self.to_string(),
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tool(index) => write!(f, "/tools/{index}"),
            Self::System(index) => write!(f, "/system/{index}"),
            Self::Message(message, index) => write!(f, "/messages/{message}/content/{index}"),
            Self::Inside(outer, list, index) => write!(f, "{outer}/{list}/{index}"),
        }
    }
}
