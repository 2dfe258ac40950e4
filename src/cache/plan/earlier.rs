//! Finds the earlier request that a request goes on from.
//!
//! A session may contain several conversations: the main loop of an agent, its calls for a title, its sub-agents. Only
//! a request of the same conversation shows what was cached and what has changed since. One of another conversation
//! would look like an edit of all messages or like a changed head, after which less is written.

use std::borrow::Cow;

use super::options::Lifetimes;
use crate::cache::body::{
    BodyLayout, CommonPrefix, Compared, Scanned, Slide, has_other_instructions, may_contain_first, scan_alike,
    scan_compared, shares_answer, start_alike,
};
use crate::error::Result;

/// A request that was sent before.
#[derive(Clone, Copy)]
pub(crate) struct Earlier<'a> {
    /// The body as it was sent.
    pub(crate) body: &'a [u8],
    /// The layout of the body, if it was kept.
    pub(crate) layout: Option<&'a BodyLayout>,
    /// The lifetimes for a request that goes on from it, if they replace those of the options.
    pub(crate) lifetimes: Option<Lifetimes>,
}

impl<'a> Earlier<'a> {
    /// Returns the body with its kept layout.
    pub(super) fn scanned(&self) -> Option<Scanned<'a>> {
        self.layout.map(|layout| Scanned { body: self.body, layout })
    }
}

/// The earlier request that a request goes on from, among those that the options contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Continued {
    pub(crate) index: usize,
    /// The one whose body tells nothing any more that this request's own does not tell.
    pub(crate) replaced: Option<usize>,
}

/// The earlier request that was found, with the layout of its body.
pub(super) struct Previous<'a> {
    pub(super) earlier: Earlier<'a>,
    pub(super) layout: Cow<'a, BodyLayout>,
    pub(super) common: CommonPrefix,
    pub(super) continued: Continued,
}

impl Previous<'_> {
    pub(super) fn compared(&self) -> Compared<'_> {
        Compared { previous: Scanned { body: self.earlier.body, layout: &self.layout }, common: self.common }
    }
}

/// A body that starts like the current one.
struct Alike<'a> {
    index: usize,
    earlier: Earlier<'a>,
    layout: Cow<'a, BodyLayout>,
    common: CommonPrefix,
    rank: Rank,
    /// `true` if all of its messages or its first answer are in the current body too: more than an opening that a
    /// program begins all of its conversations with.
    goes_on: bool,
}

/// What speaks for a body: the same tools and system, because otherwise none of its entries in messages can be read;
/// then the number of equal blocks of messages.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    head: bool,
    messages: usize,
}

/// Finds the request that the current one goes on from. `earlier` has the last one first, and that one counts if
/// several are equally near. `known` is the index of the one that the current body was read with. A body without a kept
/// layout is read, and only up to its first difference if it is of another conversation.
pub(super) fn find_previous<'a>(
    current: Scanned<'_>,
    earlier: &[Earlier<'a>],
    known: Option<usize>,
) -> Result<Option<Previous<'a>>> {
    let mut alike: Vec<Alike<'a>> = Vec::new();
    let is_first = current.layout.messages().blocks.iter().all(|block| block.user);
    for (index, earlier) in earlier.iter().copied().enumerate() {
        let layout = match earlier.scanned() {
            Some(kept) => start_alike(kept, current).then_some(Cow::Borrowed(kept.layout)),
            None => scan_alike(earlier.body, current)?.map(Cow::Owned),
        };
        let Some(layout) = layout else { continue };
        let previous = Scanned { body: earlier.body, layout: &layout };
        let common = CommonPrefix::of(previous, current, known == Some(index));
        let head = common.head;
        // A request about the same messages, such as for a summary, is not the next one of their conversation.
        if !head && (is_first || has_other_instructions(previous, current)) {
            continue;
        }
        let messages = common.messages_alone;
        let goes_on = messages == layout.messages().blocks.len() || shares_answer(previous, current) == Some(true);
        alike.push(Alike { index, earlier, layout, common, rank: Rank { head, messages }, goes_on });
    }
    // The first of several equal ones, where `max` would return the last.
    let best = alike.iter().rev().max_by_key(|alike| alike.rank).map(|best| (best.index, best.rank, best.goes_on));
    let Some((index, rank, goes_on)) = best else { return find_window(current, earlier) };
    // Tools and system may change once, or alternate with those of a request about the same messages, so two bodies of
    // one conversation are kept.
    let older = alike.iter().filter(|alike| alike.goes_on).map(|alike| alike.index).skip(1);
    let replaced = if rank.head { Some(index).filter(|_| goes_on) } else { older.last() };
    let found = alike.into_iter().find(|alike| alike.index == index);
    Ok(found.map(|Alike { earlier, layout, common, .. }| Previous {
        earlier,
        layout,
        common,
        continued: Continued { index, replaced },
    }))
}

/// Finds the request whose messages the current ones are a window on, so that they need not start alike.
fn find_window<'a>(current: Scanned<'_>, earlier: &[Earlier<'a>]) -> Result<Option<Previous<'a>>> {
    let all = earlier.iter().copied().enumerate();
    for (index, earlier) in all.filter(|(_, earlier)| may_contain_first(earlier.body, current)) {
        let layout = match earlier.layout {
            Some(kept) => Cow::Borrowed(kept),
            None => Cow::Owned(scan_compared(earlier.body, current)?),
        };
        let previous = Scanned { body: earlier.body, layout: &layout };
        let common = CommonPrefix::of(previous, current, false);
        if Slide::find(previous, current, common.messages_alone).is_some() {
            return Ok(Some(Previous {
                earlier,
                layout,
                common,
                continued: Continued { index, replaced: Some(index) },
            }));
        }
    }
    Ok(None)
}
