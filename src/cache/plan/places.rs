//! One table of the blocks that can carry a marker, for planned markers and for the caller's.
//!
//! Sources: the prompt caching page of 2026-09, and answers of the API that were recorded: to thinking and empty text
//! (2026-01, 2026-04), to tools that are loaded on demand (2026-07, 2026-08), to a message's own marker (2024-10) and
//! to calls that code execution made (2026-01). No answer is known for toolsets that are loaded on demand or for server
//! tools that code execution calls.

use super::marker::BreakpointSection;
use super::note::BreakpointReason;
use crate::cache::body::{Block, BlockKind, CacheControl};

/// What is known about a marker on one kind of block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Why the plan passes over the block; `None` if it does not.
    pub(super) passed_over: Option<BreakpointReason>,
    pub(super) given: Given,
}

/// How a marker of the caller is treated there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// The API takes it.
    Taken,
    /// No server takes it.
    Refused(&'static str),
    /// The Anthropic API refuses it; the behaviour of other hosts is not known.
    RefusedByAnthropic(&'static str, BreakpointReason),
    /// The API may refuse it.
    Doubtful(BreakpointReason),
}

/// A marker on a message itself, beside its content.
pub(super) const ON_MESSAGE: Given = Given::RefusedByAnthropic(
    "a message cannot carry a cache marker, only its content blocks",
    BreakpointReason::OnMessage,
);

/// The marker of a nested block that is not the last of its list, or in a list that takes no markers.
pub(super) const INSIDE: Given = Given::Refused("only the last block of a nested list can carry a cache marker");

const TAKEN: Place = Place { passed_over: None, given: Given::Taken };

impl Place {
    /// Returns what is known about blocks of this kind, nested or not.
    pub(super) fn of_kind(kind: BlockKind) -> Self {
        use BreakpointReason as Why;
        let place = |why, given| Self { passed_over: Some(why), given };
        match kind {
            BlockKind::Tool
            | BlockKind::Text
            | BlockKind::ToolUse
            | BlockKind::ToolResult
            | BlockKind::Compaction
            | BlockKind::Carrier => TAKEN,
            BlockKind::DeferredTool => {
                let refusal = "a tool that is loaded on demand cannot carry a cache marker";
                place(Why::DeferredTool, Given::RefusedByAnthropic(refusal, Why::DeferredTool))
            }
            BlockKind::DeferredToolset => place(Why::DeferredTool, Given::Doubtful(Why::DeferredTool)),
            BlockKind::BlankText => place(Why::EmptyText, Given::Taken),
            BlockKind::EmptyText => {
                place(Why::EmptyText, Given::Refused("an empty text block cannot carry a cache marker"))
            }
            BlockKind::Thinking => place(Why::Thinking, Given::Refused("a thinking block cannot carry a cache marker")),
            BlockKind::Unknown => place(Why::UnknownType, Given::Taken),
        }
    }

    /// Returns what is known about a block of a section, where another block (`by_code`) can matter.
    pub(super) fn of(block: &Block, in_system: bool) -> Self {
        use BreakpointReason as Why;
        let place = Self::of_kind(block.kind);
        match block.kind {
            _ if block.cache_control == CacheControl::Null => Self { passed_over: Some(Why::NullMarker), ..place },
            BlockKind::ToolUse | BlockKind::ToolResult if block.by_code => {
                let refusal = "a call made by code execution, or its result, cannot carry a cache marker";
                let given = Given::RefusedByAnthropic(refusal, Why::CalledByCode);
                Self { passed_over: Some(Why::CalledByCode), given }
            }
            BlockKind::Carrier if block.by_code => {
                Self { passed_over: Some(Why::CalledByCode), given: Given::Doubtful(Why::CalledByCode) }
            }
            // A system prompt is made of text blocks.
            BlockKind::ToolUse | BlockKind::ToolResult | BlockKind::Compaction | BlockKind::Carrier if in_system => {
                Self { passed_over: Some(Why::UnknownType), ..place }
            }
            _ => place,
        }
    }
}

/// A step of the search for a block that takes a planned marker, from a block backwards.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// The block belongs to an answer, and only the user's blocks are wanted.
    Skip,
    PassOver(BreakpointReason),
    Take,
}

impl Step {
    /// Judges a block. `answers` is `true` if a block of an answer will do, and becomes so after a call by code
    /// execution or its result: many turns in a row may consist of these, so that a block of an answer is the nearest
    /// one left.
    pub(super) fn at(block: &Block, section: BreakpointSection, answers: &mut bool) -> Self {
        if section == BreakpointSection::Messages && !block.user && !*answers {
            return Self::Skip;
        }
        match Place::of(block, section == BreakpointSection::System).passed_over {
            Some(reason) => {
                *answers |= reason == BreakpointReason::CalledByCode;
                Self::PassOver(reason)
            }
            None => Self::Take,
        }
    }
}

/// Returns the block at which a planned marker for the block `last` ends up, if no marker of the caller is in the way.
pub(super) fn nearest(blocks: &[Block], section: BreakpointSection, last: usize) -> Option<usize> {
    let mut answers = false;
    let mut back = blocks.get(..=last)?.iter().enumerate().rev();
    back.find(|(_, block)| matches!(Step::at(block, section, &mut answers), Step::Take)).map(|(index, _)| index)
}
