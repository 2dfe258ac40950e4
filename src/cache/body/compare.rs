//! Compares two bodies: how much of the prompt of one is unchanged in the other.

use std::borrow::Cow;

use super::layout::{Block, BlockKind, BodyLayout, PromptSection, Span};

/// A body and its layout.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scanned<'a> {
    pub(crate) body: &'a [u8],
    pub(crate) layout: &'a BodyLayout,
}

/// The number of equal blocks at the start of each section of two bodies. A section counts only if all sections before it
/// are equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CommonPrefix {
    pub(crate) tools: usize,
    pub(crate) system: usize,
    pub(crate) messages: usize,
    /// `true` if all of tools and system are equal.
    pub(crate) head: bool,
    /// The number of equal blocks at the start of the messages, even if tools or system differ.
    pub(crate) messages_alone: usize,
}

impl CommonPrefix {
    /// Compares two bodies. The first one may have been read by [`scan_compared`](super::scan_compared) with the second
    /// one known. `is_known` is `true` if the second one was read by [`scan_next`](super::scan_next) with the first one
    /// known.
    pub(crate) fn of(previous: Scanned<'_>, current: Scanned<'_>, is_known: bool) -> Self {
        let same = |before: PromptSection<'_>, now: PromptSection<'_>| {
            let count = common_blocks((previous.body, before), (current.body, now), is_known);
            (count, count == before.blocks.len() && count == now.blocks.len())
        };
        let mut common = Self::default();
        let (tools, all_tools) = same(previous.layout.tools(), current.layout.tools());
        common.tools = tools;
        // If the tools differ, the system prompt does not count.
        if all_tools {
            (common.system, common.head) = same(previous.layout.system(), current.layout.system());
        }
        common.messages_alone = same(previous.layout.messages(), current.layout.messages()).0;
        common.messages = if common.head { common.messages_alone } else { 0 };
        common
    }
}

/// A previous body, and what of it is unchanged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compared<'a> {
    pub(crate) previous: Scanned<'a>,
    pub(crate) common: CommonPrefix,
}

fn common_blocks(previous: (&[u8], PromptSection<'_>), current: (&[u8], PromptSection<'_>), is_known: bool) -> usize {
    let equal = previous.1.blocks.iter().zip(current.1.blocks).enumerate();
    let is_same = |(index, (a, b)): &(usize, (&Block, &Block))| {
        let text = || same_text((previous.0, previous.1, *index, a), (current.0, current.1, *index, b));
        same_place(a, b) && (a.same || is_known && b.same || text())
    };
    equal.take_while(is_same).count()
}

/// A sliding window of messages: some of the first ones are gone, and others were added at the end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slide {
    /// The numbers of messages that are gone and that were added.
    dropped: u32,
    added: u32,
    /// `true` if a window that moves on by the same number would start with the same sort of message.
    fits_again: bool,
}

/// The number of blocks that are tried as the new start of the window. Texts that occur more often are rare.
const TRIES: usize = 8;

impl Slide {
    /// Finds a slide: what is left of the previous messages is unchanged in the current ones, but nearer to their
    /// start. `first` is the first block of messages that differs.
    pub(crate) fn find(previous: Scanned<'_>, current: Scanned<'_>, first: usize) -> Option<Self> {
        let (before, now) = (previous.layout.messages(), current.layout.messages());
        let alike = |a: &Block, b: &Block| a.user == b.user && a.kind == b.kind;
        let same = |(from, to): (usize, usize)| match (before.blocks.get(from), now.blocks.get(to)) {
            (Some(a), Some(b)) => {
                alike(a, b) && same_text((previous.body, before, from, a), (current.body, now, to, b))
            }
            _ => false,
        };
        let block = now.blocks.get(first)?;
        // Built once, because it is compared with many blocks.
        let text = unmarked((current.body, now, first, block));
        let starts = before
            .blocks
            .iter()
            .enumerate()
            .skip(first + 1)
            .filter(|(from, other)| alike(other, block) && unmarked((previous.body, before, *from, other)) == text);
        let mut starts = starts.map(|(from, _)| from).take(TRIES);
        // Everything left of the previous messages has to follow, because a block that merely occurs twice is not a
        // slide.
        let from = starts.find(|from| (*from..before.blocks.len()).zip(first..).all(same))?;

        let message = |block: Option<&Block>| block.and_then(|block| block.path.message());
        let start = message(now.blocks.get(first))?;
        let dropped = message(before.blocks.get(from))?.checked_sub(start).filter(|dropped| *dropped > 0)?;
        let added = message(now.blocks.last())?.saturating_sub(message(before.blocks.last())?.saturating_sub(dropped));
        let next_start = now.blocks.iter().find(|block| block.path.message() == Some(start.saturating_add(dropped)));
        let sort = |block: &Block| (block.user, block.kind == BlockKind::ToolResult);
        let fits_again = next_start.map(sort) == now.blocks.get(first).map(sort);
        Some(Self { dropped, added, fits_again })
    }

    /// Returns `true` if the next request is expected to drop more: less was dropped than two such turns add.
    pub(crate) fn goes_on(self) -> bool {
        self.fits_again && self.dropped < self.added.saturating_mul(2)
    }
}

fn same_place(a: &Block, b: &Block) -> bool {
    a.path == b.path && a.user == b.user
}

pub(super) type BlockAt<'a> = (&'a [u8], PromptSection<'a>, usize, &'a Block);

pub(super) fn same_text(a: BlockAt<'_>, b: BlockAt<'_>) -> bool {
    if a.3.is_string && b.3.is_string { a.3.span.of(a.0) == b.3.span.of(b.0) } else { unmarked(a) == unmarked(b) }
}

/// Returns the text of a block without the markers on it and in it. A string reads as the text block that it may have
/// become.
pub(crate) fn unmarked((body, section, index, block): BlockAt<'_>) -> Cow<'_, [u8]> {
    if block.is_string {
        return Cow::Owned([br#"{"type":"text","text":"#, block.span.of(body), b"}"].concat());
    }
    let inside = section.inside(index).iter().map(|nested| nested.cut);
    let mut cuts: Vec<Span> = inside.chain(section.cut(index)).collect();
    if cuts.is_empty() {
        return Cow::Borrowed(block.span.of(body));
    }
    cuts.sort_unstable_by_key(|cut| cut.start);
    let mut text = Vec::with_capacity(block.span.end - block.span.start);
    let mut from = block.span.start;
    for cut in cuts {
        text.extend_from_slice(Span { start: from, end: cut.start }.of(body));
        from = after(body, cut);
    }
    text.extend_from_slice(Span { start: from, end: block.span.end }.of(body));
    Cow::Owned(text)
}

/// Returns the position at which an object continues after a member is cut out. If that is the first member, the comma
/// after it is cut too.
fn after(body: &[u8], cut: Span) -> usize {
    let first = body.get(..cut.start).and_then(<[u8]>::last) == Some(&b'{');
    let rest = body.get(cut.end..).unwrap_or_default();
    let blanks = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    if first && rest.get(blanks) == Some(&b',') { cut.end + blanks + 1 } else { cut.end }
}
