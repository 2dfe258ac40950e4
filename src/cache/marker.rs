//! The words of a plan: markers, lifetimes and reasons.

use std::fmt;

use super::few::ShortText;
use super::layout::{Layout, Path, Section};

/// How long the provider keeps what a marker writes, counted from the start of the request; every hit renews it.
///
/// The Anthropic API knows these two (prompt caching page, 2026-09).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CacheTtl {
    /// Five minutes, `5m`: what a marker without `ttl` means.
    FiveMinutes,
    /// One hour, `1h`.
    OneHour,
}

impl CacheTtl {
    /// The wire's spelling, `5m` or `1h`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FiveMinutes => "5m",
            Self::OneHour => "1h",
        }
    }

    pub(super) fn from_wire(text: &[u8]) -> Option<Self> {
        match text {
            b"5m" => Some(Self::FiveMinutes),
            b"1h" => Some(Self::OneHour),
            _ => None,
        }
    }
}

impl fmt::Display for CacheTtl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who put a marker into the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MarkerOrigin {
    /// It was in the body that was passed in.
    Caller,
    /// The plan adds it.
    Planned,
}

/// What a marker is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MarkerPurpose {
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

impl MarkerPurpose {
    /// Whether going without is not worth a note: it takes what is left.
    pub(super) fn is_spare(self) -> bool {
        matches!(self, Self::EarlierTurn | Self::RunStart | Self::EditSeen)
    }

    /// The purpose as one clause without a full stop.
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

impl fmt::Display for MarkerPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One marker of the finished body.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheMarker {
    pub(super) pointer: Pointer,
    /// How long it asks for.
    pub ttl: CacheTtl,
    /// Whose it is.
    pub origin: MarkerOrigin,
    /// What it is for.
    pub purpose: MarkerPurpose,
}

impl CacheMarker {
    /// Fills an array behind the markers that are there.
    pub(super) const FILLER: Self = Self {
        pointer: Pointer::whole(),
        ttl: CacheTtl::FiveMinutes,
        origin: MarkerOrigin::Planned,
        purpose: MarkerPurpose::Automatic,
    };

    /// The block that carries it, as a JSON Pointer into the finished body; empty for the top-level marker.
    #[must_use]
    pub fn path(&self) -> &str {
        self.pointer.as_str()
    }
}

/// A JSON Pointer. Only those into a block are too long to be kept in place.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Pointer {
    Short(ShortText<{ "/messages/4294967295/content/4294967295".len() }>),
    Long(String),
}

impl Pointer {
    /// The pointer to the whole body.
    pub(super) const fn whole() -> Self {
        Self::Long(String::new())
    }

    pub(super) fn to(path: Path) -> Self {
        ShortText::of(&path).map_or_else(|| Self::Long(path.to_string()), Self::Short)
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Short(pointer) => pointer.as_str(),
            Self::Long(pointer) => pointer,
        }
    }
}

impl fmt::Debug for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// The parts of a prompt that the plan marks, in the order in which the API reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MarkerSection {
    /// The definitions of tools.
    Tools,
    /// The system prompt.
    System,
    /// The messages.
    Messages,
}

impl MarkerSection {
    /// Its place in the order in which the API reads the sections.
    pub(super) fn rank(self) -> usize {
        match self {
            Self::Tools => 0,
            Self::System => 1,
            Self::Messages => 2,
        }
    }

    pub(super) fn of(self, layout: &Layout) -> Section<'_> {
        match self {
            Self::Tools => layout.tools(),
            Self::System => layout.system(),
            Self::Messages => layout.messages(),
        }
    }
}

impl fmt::Display for MarkerSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tools => "tools",
            Self::System => "system",
            Self::Messages => "messages",
        })
    }
}

/// Why no marker was added at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MarkerReason {
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
    /// The tool is loaded on demand (`defer_loading`); one report says the API refuses a marker there.
    DeferredTool,
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

impl MarkerReason {
    /// Whether it is a property of a block, so that it can hold for several neighbours.
    pub(super) fn is_about_a_run(self) -> bool {
        !matches!(self, Self::NoMarkerLeft | Self::PrefixOnly | Self::Volatile)
    }

    /// The reason as one clause without a full stop.
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
            Self::UnknownType => "blocks of its type are not known to take a marker",
            Self::LaterOneHour => "a one-hour marker of the caller stands later",
            Self::EarlierFiveMinutes => "a five-minute marker of the caller stands earlier",
            Self::NoMarkerLeft => "all four markers are in use",
            Self::PrefixOnly => "markers are asked for on tools and system only",
            Self::Volatile => "it changes from one request to the next",
        }
    }
}

impl fmt::Display for MarkerReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A place where the plan added no marker, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MarkerNote {
    /// The section the marker was meant for.
    pub section: MarkerSection,
    /// The block, as a JSON Pointer; absent where the reason concerns the whole section.
    pub path: Option<String>,
    /// How many neighbouring blocks the reason holds for, the one of `path` being the last; 1 or more.
    pub blocks: usize,
    /// Why.
    pub reason: MarkerReason,
}

impl fmt::Display for MarkerNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "no marker added at {path}")?,
            None => write!(f, "no marker added in {}", self.section)?,
        }
        if self.blocks > 1 {
            write!(f, " and {} blocks before it", self.blocks - 1)?;
        }
        write!(f, ": {}", self.reason)
    }
}
