//! Which blocks are worth a marker, the most valuable first. Whether a marker may stand there is not asked here.
//!
//! An entry is written at a marker and found again by a marker on the same block, or on one of the 19 positions after it.
//! So a growing conversation wants a marker where the last request wrote, to read, and one at its end, to write.

use super::compare::Scanned;
use super::few::Few;
use super::history::{Edit, History, Run, previous_turn_end, turn_end};
use super::layout::{Block, Kind, Layout};
use super::marker::{MarkerPurpose, MarkerReason, MarkerSection};
use super::options::MarkerOptions;
use crate::error::Result;

/// How many positions a marker looks at, its own included (prompt caching page, 2026-09).
const WINDOW: usize = 20;

/// More wishes than there can be for one request.
const MOST: usize = 16;

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
#[derive(Debug)]
pub(super) struct Wishes {
    pub(super) all: Few<Wish, MOST>,
    pub(super) left_out: Few<(MarkerSection, Option<usize>, MarkerReason), 2>,
}

pub(super) fn wishes(current: Scanned<'_>, options: &MarkerOptions<'_>) -> Result<Wishes> {
    let history = History::of(current, options)?;
    let mut wishes = Wishes { all: Few::new(), left_out: Few::new() };
    let stable = options.stable_system.filter(|blocks| *blocks < current.layout.system().blocks.len());
    let changed = history.common.is_some_and(|common| !common.head);
    if changed {
        wishes.changed_head(current.layout, &history, stable);
    } else {
        wishes.settled(current.layout, &history, stable, options);
    }
    Ok(wishes)
}

impl Wishes {
    fn add(&mut self, section: MarkerSection, index: Option<usize>, told: bool, purpose: MarkerPurpose) {
        self.all.push(Wish { section, index, floor: 0, answers: false, told, purpose });
    }

    fn add_to_messages(&mut self, index: usize, answers: bool, purpose: MarkerPurpose) {
        let (section, index) = (MarkerSection::Messages, Some(index));
        self.all.push(Wish { section, index, floor: 0, answers, told: false, purpose });
    }

    fn add_all(&mut self, wishes: &Few<Wish, MOST>) {
        wishes.iter().for_each(|wish| self.all.push(*wish));
    }

    /// Nothing is known to change at the head.
    fn settled(&mut self, layout: &Layout, history: &History, stable: Option<usize>, options: &MarkerOptions<'_>) {
        use MarkerSection::{System, Tools};
        let blocks = layout.messages().blocks;
        let near = self.messages(blocks, history, options);
        let system = layout.system().blocks.len();
        match stable {
            Some(stable) => self.bounded(layout, stable),
            None => self.add(System, system.checked_sub(1), true, MarkerPurpose::System),
        }
        self.edited(blocks, history);
        if let (None, Some(index)) = (history.common, before_trailing_text(blocks)) {
            self.add_to_messages(index, false, MarkerPurpose::BeforeReminder);
            self.add_all(&near);
        }
        // The last of several blocks is the one that changes, where one does.
        if let (Some(index), None) = (system.checked_sub(2), stable) {
            self.add(System, Some(index), false, MarkerPurpose::StablePrefix);
        }
        self.add_all(&near);
        self.add(Tools, layout.tools().blocks.len().checked_sub(1), true, MarkerPurpose::Tools);
        if let (None, Some(index)) = (history.common, earlier_turn_end(blocks)) {
            self.add_to_messages(index, false, MarkerPurpose::EarlierTurn);
        }
    }

    /// The history was edited, as it will be again: the last block before the edit is in reach of the next one too.
    fn edited(&mut self, blocks: &[Block], history: &History) {
        // A marker on an answer tells the next request that this one saw an edit.
        let stable = history.edit.and_then(|edit| edit.stable);
        let answer = stable.and_then(|index| blocks.get(..=index)?.iter().rposition(|block| !block.user));
        if let Some(index) = answer.filter(|_| answer != stable) {
            self.add_to_messages(index, true, MarkerPurpose::EditSeen);
        }
        if history.edit.is_none() && !history.slides {
            return;
        }
        if let Some(index) = turn_end(blocks, history.common().messages) {
            self.add_to_messages(index, false, MarkerPurpose::LastCommon);
        }
    }

    /// The caller says from where on the system prompt changes.
    fn bounded(&mut self, layout: &Layout, stable: usize) {
        if let Some(index) = stable.checked_sub(1) {
            self.add(MarkerSection::System, Some(index), true, MarkerPurpose::StablePrefix);
        }
        let last = layout.system().blocks.len().checked_sub(1);
        self.left_out.push((MarkerSection::System, last, MarkerReason::Volatile));
    }

    /// The end of the conversation and, in front of everything else, the previous write if it is out of reach from
    /// there. One that is within reach is given back: it is worth a marker that nothing else needs.
    fn messages(&mut self, blocks: &[Block], history: &History, options: &MarkerOptions<'_>) -> Few<Wish, MOST> {
        let section = MarkerSection::Messages;
        let Some(end) = turn_end(blocks, blocks.len()) else {
            self.add(section, blocks.len().checked_sub(1), true, MarkerPurpose::TurnEnd);
            return Few::new();
        };
        let Edit { reminder, stable, again } = history.edit.unwrap_or_default();
        let before_reminder =
            end.checked_sub(reminder).filter(|index| reminder > 0 && same_message(blocks, *index, end));
        let anchor = history.last_written(end);
        // A reminder that was left out twice will be left out again.
        let settled_reminder =
            before_reminder.is_some() && anchor.is_some_and(|at| at + 1 == history.common().messages);
        let writes_end = !(settled_reminder || again || history.slides);
        if !writes_end {
            self.left_out.push((section, Some(end), MarkerReason::Volatile));
        } else if options.automatic {
            self.add(section, Some(blocks.len() - 1), true, MarkerPurpose::Automatic);
        } else {
            self.add(section, Some(blocks.len() - 1), true, MarkerPurpose::TurnEnd);
        }
        if let Some(index) = before_reminder {
            self.add(section, Some(index), settled_reminder, MarkerPurpose::BeforeReminder);
        }
        let stable = stable.filter(|index| *index < end);
        if let Some(index) = stable {
            self.add_to_messages(index, true, MarkerPurpose::BeforeEdit);
        }
        // A plan does not tell what has changed since, so its places are no more than a guess either.
        let guess = if history.common.is_none() { previous_turn_end(blocks, end) } else { None };
        let others = [Some(end).filter(|_| writes_end), before_reminder, stable];
        let wish = |index, floor| Wish {
            section,
            index: Some(index),
            floor,
            answers: floor > 0,
            told: false,
            purpose: MarkerPurpose::PreviousWrite,
        };
        let is_near = |index: usize| {
            let reaches = |from: usize| index <= from && positions(blocks, index, from, options.collapses) < WINDOW;
            others.into_iter().flatten().any(reaches)
        };
        let mut near = Few::new();
        for (index, floor) in [guess.map(|index| (index, 0)), anchor.map(|index| (index, index))].into_iter().flatten()
        {
            let list = if is_near(index) { &mut near } else { &mut self.all };
            list.push(wish(index, floor));
        }
        near
    }

    /// Something changed in tools or system, so no entry behind that can be read.
    fn changed_head(&mut self, layout: &Layout, history: &History, stable: Option<usize>) {
        use MarkerSection::{Messages, System, Tools};
        let blocks = layout.messages().blocks;
        match history.run {
            Some(Run { goes_on: false, start }) => {
                self.add(Messages, blocks.len().checked_sub(1), true, MarkerPurpose::TurnEnd);
                if let Some(index) = start {
                    self.add_to_messages(index, false, MarkerPurpose::RunStart);
                }
            }
            _ => self.left_out.push((Messages, None, MarkerReason::Volatile)),
        }
        if let Some(stable) = stable {
            self.bounded(layout, stable);
        } else {
            if let Some(index) = history.common().system.checked_sub(1) {
                self.add(System, Some(index), false, MarkerPurpose::StablePrefix);
            }
            self.left_out.push((System, layout.system().blocks.len().checked_sub(1), MarkerReason::Volatile));
        }
        let tools = if stable.is_some() { layout.tools().blocks.len() } else { history.common().tools };
        self.add(Tools, tools.checked_sub(1), tools == layout.tools().blocks.len(), MarkerPurpose::Tools);
    }
}

/// The end of the turn that was the last one three turns ago.
fn earlier_turn_end(blocks: &[Block]) -> Option<usize> {
    (0..3).try_fold(turn_end(blocks, blocks.len())?, |end, _| previous_turn_end(blocks, end))
}

/// The block before the text that closes the last turn: it may be a reminder that the next request leaves out.
fn before_trailing_text(blocks: &[Block]) -> Option<usize> {
    let end = turn_end(blocks, blocks.len())?;
    let index = end.checked_sub(1).filter(|index| same_message(blocks, *index, end))?;
    blocks.get(end).filter(|block| block.kind == Kind::Text).map(|_| index)
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
