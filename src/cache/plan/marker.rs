//! One cache breakpoint of the finished body: its block, its origin and its purpose.

use std::fmt;

use crate::cache::body::{BodyLayout, PromptSection};
use crate::retention::CacheTtl;

/// The origin of a marker: the caller or the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BreakpointOrigin {
    /// The marker was in the body that the caller passed in.
    Caller,
    /// The plan adds the marker.
    Planned,
}

/// The purpose of a cache breakpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BreakpointPurpose {
    /// The caller set the marker.
    Caller,
    /// The end of the tools, which stay cached when the system prompt changes.
    Tools,
    /// The end of the part that stays the same when the last part of the system prompt changes.
    StablePrefix,
    /// The end of the system prompt, which stays cached when messages are lost: in another session, or after a change
    /// of images or `tool_choice`.
    System,
    /// The block where the previous request wrote an entry. This request reads it, however many blocks were added
    /// since.
    PreviousWrite,
    /// The end of an earlier turn, which stays cached when the last turns are edited.
    EarlierTurn,
    /// The end of the part that the next edit of the history is expected to leave unchanged.
    BeforeEdit,
    /// The end of the part that stays the same when the API clears more old tool results (`context_management`).
    BeforeClearing,
    /// The end of the turn since which tools or system change with each request. The next request counts the changes
    /// from this marker on.
    RunStart,
    /// The end of an answer before an edit. The marker shows the next request that this one saw an edited history.
    EditSeen,
    /// The end of the history before an edit that is the same as in the previous request.
    LastCommon,
    /// The end of the last turn without its closing text, which may be a reminder that the next request leaves out.
    BeforeReminder,
    /// The end of the user's last turn: this request writes there, and the next one reads there.
    TurnEnd,
    /// The top-level marker, which the provider applies to the last block.
    Automatic,
}

impl BreakpointPurpose {
    /// Returns `true` for purposes that only use spare markers, so that leaving them out needs no note.
    pub(super) fn is_spare(self) -> bool {
        matches!(self, Self::EarlierTurn | Self::RunStart | Self::EditSeen)
    }

    /// Returns the purpose as one clause without a full stop.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "the caller set it",
            Self::Tools => "the tools stay cached when the system prompt changes",
            Self::StablePrefix => "the prompt up to here stays cached when what follows changes",
            Self::System => "the system prompt stays cached when the messages change",
            Self::PreviousWrite => "the previous request wrote up to here",
            Self::EarlierTurn => "it stays cached when the last turns are edited",
            Self::BeforeEdit => "the next edit is expected after it",
            Self::BeforeClearing => "the API clears tool results after it",
            Self::RunStart => "tools or system have changed with each request since",
            Self::EditSeen => "it shows the next request that the history was edited",
            Self::LastCommon => "the history is unchanged up to here",
            Self::BeforeReminder => "the next request may leave out what comes after it",
            Self::TurnEnd => "the next request reads up to here",
            Self::Automatic => "the provider marks the last block",
        }
    }
}

impl fmt::Display for BreakpointPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One cache breakpoint (a `cache_control` marker) of the finished body.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Breakpoint {
    pub(super) path: String,
    /// The lifetime that the marker asks for.
    pub ttl: CacheTtl,
    /// The origin of the marker.
    pub origin: BreakpointOrigin,
    /// The purpose of the marker.
    pub purpose: BreakpointPurpose,
}

impl Breakpoint {
    /// Returns the JSON Pointer to the marked block in the finished body; empty for the top-level marker.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// A section of the prompt. Sections are ordered as the API reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum BreakpointSection {
    /// The definitions of tools.
    Tools,
    /// The system prompt.
    System,
    /// The conversation: `messages`, with the calls and results of tools.
    Messages,
}

impl BreakpointSection {
    /// The position of the section in the order in which the API reads them.
    pub(super) fn rank(self) -> usize {
        match self {
            Self::Tools => 0,
            Self::System => 1,
            Self::Messages => 2,
        }
    }

    pub(crate) fn of(self, layout: &BodyLayout) -> PromptSection<'_> {
        match self {
            Self::Tools => layout.tools(),
            Self::System => layout.system(),
            Self::Messages => layout.messages(),
        }
    }
}

impl fmt::Display for BreakpointSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tools => "tools",
            Self::System => "system",
            Self::Messages => "messages",
        })
    }
}
