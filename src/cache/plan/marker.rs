//! A marker of the finished body: where it is, whose it is, and what it is for.

use std::fmt;

use crate::cache::body::{BodyLayout, PromptSection};
use crate::retention::CacheTtl;

/// Who put a marker into the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BreakpointOrigin {
    /// It was in the body that was passed in.
    Caller,
    /// The plan adds it.
    Planned,
}

/// What a marker is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BreakpointPurpose {
    /// The caller's own.
    Caller,
    /// The end of the tools, which stay the same where the system prompt changes.
    Tools,
    /// The end of what stays the same where the last part of the system prompt changes.
    StablePrefix,
    /// The end of the system prompt, which stays the same where messages are lost: another session, an image more or
    /// less, another `tool_choice`.
    System,
    /// Where the previous request wrote an entry: this one reads it, however much was added since.
    PreviousWrite,
    /// The end of a turn some way back, which an edit of the last turns leaves as it is.
    EarlierTurn,
    /// The end of what the next edit of the history is expected to leave as it is.
    BeforeEdit,
    /// The end of the turn since which tools or system change with each request. It is a sign to the next request, which
    /// counts the changes from there on.
    RunStart,
    /// The end of an answer in front of an edit. It is a sign to the next request that this one saw the history edited.
    EditSeen,
    /// The end of what the history before an edit has in common with the previous request.
    LastCommon,
    /// The end of the last turn but for a text that closes it, which may be a reminder that the next request leaves out.
    BeforeReminder,
    /// The end of the user's last turn, where this request writes and the next one reads.
    TurnEnd,
    /// The top-level marker, which the provider moves to the last block.
    Automatic,
}

impl BreakpointPurpose {
    /// Whether going without is not worth a note: it takes what is left.
    pub(super) fn is_spare(self) -> bool {
        matches!(self, Self::EarlierTurn | Self::RunStart | Self::EditSeen)
    }

    /// Returns the purpose as one clause without a full stop.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "the caller set it",
            Self::Tools => "the tools outlive a change of the system prompt",
            Self::StablePrefix => "the prompt up to here outlives a change behind it",
            Self::System => "the system prompt outlives a change of the messages",
            Self::PreviousWrite => "the previous request wrote up to here",
            Self::EarlierTurn => "it outlives an edit of the last turns",
            Self::BeforeEdit => "the next edit is expected behind it",
            Self::RunStart => "tools or system change with each request since",
            Self::EditSeen => "it tells the next request that the history was edited",
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

/// One marker of the finished body.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Breakpoint {
    pub(super) path: String,
    /// How long it asks for.
    pub ttl: CacheTtl,
    /// Whose it is.
    pub origin: BreakpointOrigin,
    /// What it is for.
    pub purpose: BreakpointPurpose,
}

impl Breakpoint {
    /// Returns the block that carries it, as a JSON Pointer into the finished body; empty for the top-level marker.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// The parts of a prompt that the plan marks, in the order in which the API reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum BreakpointSection {
    /// The definitions of tools.
    Tools,
    /// The system prompt.
    System,
    /// The messages.
    Messages,
}

impl BreakpointSection {
    /// Its place in the order in which the API reads the sections.
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
