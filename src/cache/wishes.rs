//! Which blocks are worth a marker, the most valuable first. Whether a marker may stand there is not asked here.
//!
//! An entry is written at a marker and found again by a marker on the same block, or on one of the 19 positions after it.
//! So a growing conversation wants a marker where the last request wrote, to read, and one at its end, to write.

use super::compare::{Common, Scanned, written};
use super::layout::{Block, Kind, Layout};
use super::marker::{MarkerPurpose, MarkerReason, MarkerSection};
use super::options::{MarkerOptions, Previous};
use super::scan::scan;
use crate::error::Result;

/// How many positions a marker looks at, its own included (prompt caching page, 2026-09).
const WINDOW: usize = 20;

/// After how many changes of the head in a row the next one is taken for granted. Writing the messages for nothing costs
/// 0.25 of their price, not writing them although they could be read again 0.9; so it pays from a chance of 0.78. By the
/// rule of succession three changes out of three make the next one 0.8 likely.
const VOLATILE_AFTER: usize = 3;

/// How many blocks at the end of a turn are taken for a reminder that the next request leaves out.
const REMINDER: usize = 2;

/// A block that is worth a marker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub(super) section: MarkerSection,
    /// The block; where it cannot take a marker, the nearest one before it that can, but none before `floor`.
    pub(super) index: Option<usize>,
    pub(super) floor: usize,
    /// Whether blocks of answers will do. Elsewhere markers stand on the user's blocks.
    pub(super) answers: bool,
    /// Whether the reasons for passing over blocks are worth a note.
    pub(super) told: bool,
    pub(super) purpose: MarkerPurpose,
}

/// What is worth a marker, and what is deliberately left without one.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    pub(super) all: Vec<Wish>,
    pub(super) left_out: Vec<(MarkerSection, Option<usize>, MarkerReason)>,
}

/// What the previous request tells.
#[derive(Debug, Default)]
struct History {
    /// What is as it was, if there was a body to compare with.
    common: Option<Common>,
    /// Where it wrote, as far as that still stands.
    written: Vec<(usize, usize)>,
    /// How often the head changed in a row, this time included.
    changes: usize,
    /// Whether some of its messages are gone or different.
    edited: bool,
    /// How many blocks at its end are gone, all in its last message, which keeps others.
    reminder: usize,
    /// Whether its last message was given another form, and the request before had seen that too.
    unsettled: bool,
}

pub(super) fn wishes(current: Scanned<'_>, options: &MarkerOptions<'_>) -> Result<Wishes> {
    let history = history(current, options)?;
    let mut wishes = Wishes::default();
    let stable = options.stable_system.filter(|blocks| *blocks < current.layout.system().blocks.len());
    match stable {
        Some(blocks) => wishes.bounded(current.layout, &history, blocks, options),
        None if history.common.is_some_and(|common| !common.head) => wishes.changed_head(current.layout, &history),
        None => wishes.settled(current.layout, &history, options),
    }
    Ok(wishes)
}

fn history(current: Scanned<'_>, options: &MarkerOptions<'_>) -> Result<History> {
    match options.previous {
        Previous::Unknown => Ok(History::default()),
        Previous::Plan(plan) => {
            let blocks = current.layout.messages().blocks.iter().enumerate();
            let is_marked = |block: &Block| plan.markers().iter().any(|marker| block.path.is(marker.path()));
            let written = blocks.filter(|(_, block)| is_marked(block)).map(|(index, _)| (2, index)).collect();
            Ok(History { written, ..History::default() })
        }
        Previous::Body(body) => {
            let layout = scan(body)?;
            Ok(compared(Scanned { body, layout: &layout }, current))
        }
    }
}

fn compared(previous: Scanned<'_>, current: Scanned<'_>) -> History {
    let common = Common::of(previous, current);
    let before = written(previous.layout);
    let still = |(rank, index): &(usize, usize)| *rank < 2 || *index < common.messages;
    let gone = previous.layout.messages().blocks.get(common.messages..).unwrap_or_default();
    let all = &previous.layout.messages().blocks;
    let last_message = answer_end(all).map_or(0, |answer| answer + 1);
    let in_last_message = common.head && !gone.is_empty() && common.messages >= last_message;
    let keeps_some = common.messages > last_message;
    let reminder = if in_last_message && keeps_some && gone.len() <= REMINDER { gone.len() } else { 0 };
    let marked_answer = answer_end(all).is_some_and(|answer| {
        let carrier = all.get(..=answer).unwrap_or_default().iter().rposition(|block| block.kind.carries());
        carrier.is_some_and(|index| before.contains(&(2, index)) && all.get(index).is_some_and(|block| !block.user))
    });
    History {
        changes: if common.head { 0 } else { earlier_changes(previous.layout, &before) + 1 },
        written: before.into_iter().filter(still).collect(),
        edited: common.head && !gone.is_empty(),
        reminder,
        unsettled: in_last_message && reminder == 0 && marked_answer,
        common: Some(common),
    }
}

/// How often the head had changed in a row when the previous request was planned. Its markers tell: the end of the head
/// is left without one from the first change on, and the messages have one, two, then none.
fn earlier_changes(previous: &Layout, written: &[(usize, usize)]) -> usize {
    let carrier = |blocks: &[Block]| blocks.iter().rposition(|block| block.kind.carries());
    let end = match (carrier(previous.system().blocks), carrier(previous.tools().blocks)) {
        (Some(index), _) => Some((1, index)),
        (None, Some(index)) => Some((0, index)),
        (None, None) => None,
    };
    if end.is_none_or(|end| written.contains(&end)) {
        return 0;
    }
    match written.iter().filter(|(rank, _)| *rank == 2).count() {
        0 => VOLATILE_AFTER,
        count => count.min(VOLATILE_AFTER - 1),
    }
}

impl History {
    fn common(&self) -> Common {
        self.common.unwrap_or_default()
    }
}

impl Wishes {
    fn add(&mut self, section: MarkerSection, index: Option<usize>, told: bool, purpose: MarkerPurpose) {
        self.all.push(Wish { section, index, floor: 0, answers: false, told, purpose });
    }

    /// Nothing is known to change at the head.
    fn settled(&mut self, layout: &Layout, history: &History, options: &MarkerOptions<'_>) {
        use MarkerSection::{System, Tools};
        let near = self.messages(layout, history, options);
        let system = layout.system().blocks.len();
        self.add(System, system.checked_sub(1), true, MarkerPurpose::System);
        self.edited(layout, history);
        // The last of several blocks is the one that changes, where one does.
        if let Some(index) = system.checked_sub(2) {
            self.add(System, Some(index), false, MarkerPurpose::StablePrefix);
        }
        self.all.extend(near);
        self.add(Tools, layout.tools().blocks.len().checked_sub(1), true, MarkerPurpose::Tools);
    }

    /// The end of the conversation and, in front of everything else, the previous write if it is out of reach from
    /// there. One that is within reach is given back: it is worth a marker that nothing else needs.
    fn messages(&mut self, layout: &Layout, history: &History, options: &MarkerOptions<'_>) -> Option<Wish> {
        let blocks = &layout.messages().blocks;
        let Some(end) = turn_end(blocks, blocks.len()) else {
            self.add(MarkerSection::Messages, blocks.len().checked_sub(1), true, MarkerPurpose::TurnEnd);
            return None;
        };
        let before_reminder =
            end.checked_sub(history.reminder).filter(|index| history.reminder > 0 && same_message(blocks, *index, end));
        let anchor = history.written.iter().rev().find(|(rank, index)| *rank == 2 && *index < end).map(|(_, at)| *at);
        // A reminder that was left out twice will be left out again.
        let settled_reminder =
            before_reminder.is_some() && anchor.is_some_and(|at| at + 1 == history.common().messages);
        match before_reminder {
            Some(index) if settled_reminder => {
                self.add(MarkerSection::Messages, Some(index), true, MarkerPurpose::BeforeReminder);
                self.left_out.push((MarkerSection::Messages, Some(end), MarkerReason::Volatile));
            }
            _ if history.unsettled => {
                self.left_out.push((MarkerSection::Messages, Some(end), MarkerReason::Volatile));
            }
            _ if options.automatic => {
                self.add(MarkerSection::Messages, Some(blocks.len() - 1), true, MarkerPurpose::Automatic);
            }
            _ => self.add(MarkerSection::Messages, Some(blocks.len() - 1), true, MarkerPurpose::TurnEnd),
        }
        if let Some(index) = before_reminder.filter(|_| !settled_reminder) {
            self.add(MarkerSection::Messages, Some(index), false, MarkerPurpose::BeforeReminder);
        }
        let index = anchor.or_else(|| previous_turn_end(blocks, end))?;
        let floor = if anchor.is_some() { index } else { 0 };
        let section = MarkerSection::Messages;
        let (answers, purpose) = (anchor.is_some(), MarkerPurpose::PreviousWrite);
        let wish = Wish { section, index: Some(index), floor, answers, told: false, purpose };
        if positions(blocks, index, end, options.collapses) >= WINDOW {
            self.all.push(wish);
            return None;
        }
        Some(wish)
    }

    /// The history was edited, as it will be again: what stands before the last turn, and the last block before the edit,
    /// are in reach of the next edit. The marker on the answer also tells the next request that this one saw an edit.
    fn edited(&mut self, layout: &Layout, history: &History) {
        let blocks = &layout.messages().blocks;
        if !history.edited {
            return;
        }
        if let (Some(index), 0) = (answer_end(blocks), history.reminder) {
            let (section, purpose) = (MarkerSection::Messages, MarkerPurpose::LastAnswer);
            self.all.push(Wish { section, index: Some(index), floor: 0, answers: true, told: false, purpose });
        }
        if let Some(index) = turn_end(blocks, history.common().messages) {
            self.add(MarkerSection::Messages, Some(index), false, MarkerPurpose::LastCommon);
        }
    }

    /// Something changed in tools or system, so no entry behind that can be read.
    fn changed_head(&mut self, layout: &Layout, history: &History) {
        use MarkerSection::{Messages, System, Tools};
        let blocks = &layout.messages().blocks;
        let end = turn_end(blocks, blocks.len());
        if history.changes < VOLATILE_AFTER {
            self.add(Messages, blocks.len().checked_sub(1), true, MarkerPurpose::TurnEnd);
            let second = end.filter(|_| history.changes > 1).and_then(|end| previous_turn_end(blocks, end));
            if let Some(index) = second {
                self.add(Messages, Some(index), false, MarkerPurpose::PreviousWrite);
            }
        } else {
            self.left_out.push((Messages, None, MarkerReason::Volatile));
        }
        if let Some(index) = history.common().system.checked_sub(1) {
            self.add(System, Some(index), false, MarkerPurpose::StablePrefix);
        }
        self.left_out.push((System, layout.system().blocks.len().checked_sub(1), MarkerReason::Volatile));
        let tools = history.common().tools;
        self.add(Tools, tools.checked_sub(1), tools == layout.tools().blocks.len(), MarkerPurpose::Tools);
    }

    /// The caller says from where on the system prompt changes.
    fn bounded(&mut self, layout: &Layout, history: &History, stable: usize, options: &MarkerOptions<'_>) {
        use MarkerSection::{Messages, System, Tools};
        let near = if history.common().head {
            self.messages(layout, history, options)
        } else {
            self.left_out.push((Messages, None, MarkerReason::Volatile));
            None
        };
        if let Some(index) = stable.checked_sub(1) {
            self.add(System, Some(index), true, MarkerPurpose::StablePrefix);
        }
        self.left_out.push((System, layout.system().blocks.len().checked_sub(1), MarkerReason::Volatile));
        self.add(Tools, layout.tools().blocks.len().checked_sub(1), true, MarkerPurpose::Tools);
        self.all.extend(near);
    }
}

/// The last block of the user among the first `count`.
fn turn_end(blocks: &[Block], count: usize) -> Option<usize> {
    blocks.get(..count)?.iter().rposition(|block| block.user)
}

/// The end of the user's turn before the one that ends at `end`: where the previous request ended, if each answer was
/// followed by one request.
fn previous_turn_end(blocks: &[Block], end: usize) -> Option<usize> {
    let answer = blocks.get(..end)?.iter().rposition(|block| !block.user)?;
    turn_end(blocks, answer)
}

/// The last block of the answer before the user's last turn.
fn answer_end(blocks: &[Block]) -> Option<usize> {
    blocks.get(..turn_end(blocks, blocks.len())?)?.iter().rposition(|block| !block.user)
}

fn same_message(blocks: &[Block], a: usize, b: usize) -> bool {
    let message = |index: usize| blocks.get(index).map(|block| block.path.message());
    message(a) == message(b)
}

/// How many positions lie between two blocks.
fn positions(blocks: &[Block], from: usize, to: usize, collapses: bool) -> usize {
    let between = blocks.get(from..=to).unwrap_or_default();
    let pairs = between.iter().zip(between.iter().skip(1));
    let joined = |a: &Block, b: &Block| a.kind == b.kind && matches!(a.kind, Kind::ToolUse | Kind::ToolResult);
    pairs.filter(|(a, b)| !(collapses && joined(a, b))).count()
}
