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
    /// Every other type that the API's documentation allows to be marked.
    Carrier,
    /// A type this version does not know.
    Unknown,
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
    /// The string from `start` to `end`, quotes included, becomes a text block in an array.
    Wrap { start: usize, end: usize },
}

/// Where a block stands. `Display` writes a JSON Pointer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Path<'p> {
    Tool(u32),
    System(u32),
    Message(u32, u32),
    Inside(&'p Path<'p>, &'static str, u32),
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
