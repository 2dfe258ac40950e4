//! Why a plan has no marker at a place where one was wanted.

use std::fmt;

use super::marker::{BreakpointOrigin, BreakpointSection};
use crate::cache::body::Block;

/// Why no marker was added at a place, or why a caller's marker may be refused there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BreakpointReason {
    /// The section is absent, or holds nothing that could carry a marker.
    NothingToMark,
    /// The caller marked this block, or the last block nested in it.
    AlreadyMarked,
    /// The caller's top-level marker already falls on this block; a second one with another lifetime would be refused.
    AutomaticMarker,
    /// `cache_control` stands there with the value `null`; a second key of that name would be needed.
    NullMarker,
    /// The API refuses markers on thinking blocks.
    Thinking,
    /// The API refuses markers on empty text; blank text is treated alike.
    EmptyText,
    /// The tool, or each tool of the set, is loaded on demand (`defer_loading`); the API refuses a marker on such a tool.
    DeferredTool,
    /// Code execution made the call (`caller`), and the API refuses markers on such calls and on their results.
    CalledByCode,
    /// The marker stands on a message, beside its content; the API takes markers on content blocks.
    OnMessage,
    /// The type of the block is not one of those known to take a marker.
    UnknownType,
    /// A one-hour marker of the caller stands later, and lifetimes must not increase.
    LaterOneHour,
    /// A five-minute marker of the caller stands earlier, and lifetimes must not increase.
    EarlierFiveMinutes,
    /// The API takes four markers, and those worth more took the last of them.
    NoMarkerLeft,
    /// Markers are asked for on tools and system only.
    PrefixOnly,
    /// It changes from one request to the next, so an entry that contains it would be paid for and never read.
    Volatile,
}

impl BreakpointReason {
    /// Whether it is a property of a block, so that it can hold for several neighbours.
    pub(super) fn is_about_a_run(self) -> bool {
        !matches!(self, Self::NoMarkerLeft | Self::PrefixOnly | Self::Volatile)
    }

    /// Returns the reason as one clause without a full stop.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NothingToMark => "there is nothing that could carry a marker",
            Self::AlreadyMarked => "the caller marked it already",
            Self::AutomaticMarker => "the caller's top-level marker falls on it",
            Self::NullMarker => "its cache_control is null",
            Self::Thinking => "thinking cannot be marked",
            Self::EmptyText => "empty text cannot be marked",
            Self::DeferredTool => "the tool is loaded on demand",
            Self::CalledByCode => "calls that code execution made cannot be marked, nor their results",
            Self::OnMessage => "messages cannot be marked, only their content",
            Self::UnknownType => "blocks of its type are not known to take a marker",
            Self::LaterOneHour => "a one-hour marker of the caller stands later",
            Self::EarlierFiveMinutes => "a five-minute marker of the caller stands earlier",
            Self::NoMarkerLeft => "all four markers are in use",
            Self::PrefixOnly => "markers are asked for on tools and system only",
            Self::Volatile => "it changes from one request to the next",
        }
    }
}

impl fmt::Display for BreakpointReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A place where the plan added no marker, or where a marker of the caller may be refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BreakpointNote {
    /// The section the marker was meant for.
    pub section: BreakpointSection,
    /// The block, as a JSON Pointer; absent where the reason concerns the whole section.
    pub path: Option<String>,
    /// How many neighbouring blocks the reason holds for, the one of `path` being the last; 1 or more.
    pub blocks: usize,
    /// Whose marker it is about: one that was not planned, or one of the caller's, which stays.
    pub origin: BreakpointOrigin,
    /// Why.
    pub reason: BreakpointReason,
}

impl BreakpointNote {
    /// Whether it tells of a marker that was not planned in this section, for this reason.
    fn is_of(&self, section: BreakpointSection, reason: BreakpointReason) -> bool {
        (self.section, self.reason, self.origin) == (section, reason, BreakpointOrigin::Planned)
    }
}

impl fmt::Display for BreakpointNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.path, self.origin) {
            (Some(path), BreakpointOrigin::Caller) => write!(f, "the marker at {path} may be refused")?,
            (None, BreakpointOrigin::Caller) => write!(f, "a marker in {} may be refused", self.section)?,
            (Some(path), BreakpointOrigin::Planned) => write!(f, "no marker added at {path}")?,
            (None, BreakpointOrigin::Planned) => write!(f, "no marker added in {}", self.section)?,
        }
        if self.blocks > 1 {
            write!(f, " and {} blocks before it", self.blocks - 1)?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// The notes of a plan that is being made.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) all: Vec<BreakpointNote>,
}

impl Notes {
    /// Neighbours that are passed over for the same reason share a note.
    pub(super) fn add(&mut self, section: BreakpointSection, block: Option<&Block>, reason: BreakpointReason) {
        match self.all.last_mut() {
            Some(last) if last.is_of(section, reason) && reason.is_about_a_run() => {
                last.blocks += 1;
            }
            _ => {
                let path = block.map(|block| block.path.pointer());
                let origin = BreakpointOrigin::Planned;
                self.all.push(BreakpointNote { section, path, blocks: 1, origin, reason });
            }
        }
    }

    /// A marker of the caller's that may be refused.
    pub(super) fn doubt(&mut self, section: BreakpointSection, path: String, reason: BreakpointReason) {
        let (path, origin) = (Some(path), BreakpointOrigin::Caller);
        self.all.push(BreakpointNote { section, path, blocks: 1, origin, reason });
    }

    pub(super) fn finish(mut self) -> Vec<BreakpointNote> {
        self.all.sort_by_key(|note| note.section);
        self.all
    }
}
