//! Notes of a plan: markers that were left out, and markers of the caller that the API may refuse.

use std::fmt;

use super::marker::{BreakpointOrigin, BreakpointSection};
use crate::cache::body::Block;

/// The reason why the plan left out a marker, or why the API may refuse a marker of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BreakpointReason {
    /// The section is absent, or has no block that can carry a marker.
    NothingToMark,
    /// The caller marked this block, or the last block nested in it.
    AlreadyMarked,
    /// The caller's top-level marker already falls on this block; a second one with another lifetime would be refused.
    AutomaticMarker,
    /// The block has `"cache_control": null`, so a marker would be a second key of that name. If all blocks have it,
    /// nothing is cached.
    NullMarker,
    /// The API refuses markers on thinking blocks.
    Thinking,
    /// The API refuses markers on empty text. The plan treats blank text the same way.
    EmptyText,
    /// The tool, or each tool of the set, is loaded on demand (`defer_loading`); the API refuses a marker on such a tool.
    DeferredTool,
    /// Code execution made the call (`caller`), and the API refuses markers on such calls and on their results.
    CalledByCode,
    /// The marker is on a message, beside its content; the API takes markers on content blocks.
    OnMessage,
    /// The type of the block is not known to take a marker.
    UnknownType,
    /// A one-hour marker of the caller follows, and lifetimes must not increase.
    LaterOneHour,
    /// A five-minute marker of the caller precedes it, and lifetimes must not increase.
    EarlierFiveMinutes,
    /// All four markers that the API takes are used by the caller or by blocks that are worth more.
    NoMarkerLeft,
    /// The options ask for markers on tools and system only.
    PrefixOnly,
    /// The block changes from one request to the next, so an entry with it would be paid for and never read.
    Volatile,
}

impl BreakpointReason {
    /// Returns `true` if the reason is a property of a block, so that neighbouring blocks can share it.
    pub(super) fn is_about_a_run(self) -> bool {
        !matches!(self, Self::NoMarkerLeft | Self::PrefixOnly | Self::Volatile)
    }

    /// Returns the reason as one clause without a full stop.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NothingToMark => "no block there can carry a marker",
            Self::AlreadyMarked => "the caller marked it already",
            Self::AutomaticMarker => "the caller's top-level marker applies to it",
            Self::NullMarker => "its cache_control is null",
            Self::Thinking => "thinking cannot be marked",
            Self::EmptyText => "empty text cannot be marked",
            Self::DeferredTool => "the tool is loaded on demand",
            Self::CalledByCode => "calls made by code execution and their results cannot be marked",
            Self::OnMessage => "only the content of a message can be marked",
            Self::UnknownType => "blocks of its type are not known to take a marker",
            Self::LaterOneHour => "a one-hour marker of the caller follows",
            Self::EarlierFiveMinutes => "a five-minute marker of the caller precedes it",
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

/// A marker that the plan left out, or a marker of the caller that the API may refuse, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BreakpointNote {
    /// The section of the marker.
    pub section: BreakpointSection,
    /// The JSON Pointer to the block; `None` if the reason concerns the whole section.
    pub path: Option<String>,
    /// The number of neighbouring blocks that share the reason, 1 or more. `path` is the last of them.
    pub blocks: usize,
    /// [`Planned`](BreakpointOrigin::Planned) for a marker that was left out, [`Caller`](BreakpointOrigin::Caller) for
    /// one of the caller, which stays.
    pub origin: BreakpointOrigin,
    /// The reason that the marker was left out or has no effect.
    pub reason: BreakpointReason,
}

impl BreakpointNote {
    /// Returns `true` if the note is about a planned marker that this section went without for this reason.
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

/// The notes of an unfinished plan.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) all: Vec<BreakpointNote>,
}

impl Notes {
    /// Adds a note about a planned marker. Neighbouring blocks that are passed over for the same reason share a note.
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

    /// Adds a note about a marker of the caller that the API may refuse.
    pub(super) fn doubt(&mut self, section: BreakpointSection, path: String, reason: BreakpointReason) {
        let (path, origin) = (Some(path), BreakpointOrigin::Caller);
        self.all.push(BreakpointNote { section, path, blocks: 1, origin, reason });
    }

    pub(super) fn finish(mut self) -> Vec<BreakpointNote> {
        self.all.sort_by_key(|note| note.section);
        self.all
    }
}
