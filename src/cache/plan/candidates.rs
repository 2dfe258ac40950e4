//! Lists the blocks that are worth a marker, the most valuable first, without asking whether they can carry one.
//!
//! An entry is written at a marker and found again by a marker on the same block, or on one of the 19 positions after
//! it. A growing conversation therefore needs a marker where the last request wrote, to read, and one at its end, to
//! write.

use super::clearing::Clearing;
use super::history::{HeadChanges, History, HistoryEdit, previous_turn_end, turn_end};
use super::marker::{BreakpointPurpose, BreakpointSection};
use super::note::BreakpointReason;
use super::options::BreakpointOptions;
use crate::cache::body::{Block, BlockKind, BodyLayout, Compared, Scanned};

/// The number of positions that a marker looks back over, its own included (prompt caching page, 2026-09).
const WINDOW: usize = 20;

/// The usual number of candidates, so that the list need not grow.
const USUAL: usize = 8;

/// A block that is worth a marker.
#[derive(Clone, Copy, Debug)]
pub(super) struct MarkerCandidate {
    pub(super) section: BreakpointSection,
    /// The block. If it cannot take a marker, the nearest earlier block that can is used, down to `floor`.
    pub(super) index: Option<usize>,
    pub(super) floor: usize,
    /// `true` if a block of an answer will do; otherwise only the user's blocks are marked.
    pub(super) answers: bool,
    /// `true` if passing over a block is worth a note.
    pub(super) report: bool,
    pub(super) purpose: BreakpointPurpose,
}

/// The blocks that are worth a marker, and those that are deliberately left without one.
#[derive(Debug)]
pub(super) struct MarkerCandidates {
    pub(super) all: Vec<MarkerCandidate>,
    pub(super) left_out: Vec<(BreakpointSection, Option<usize>, BreakpointReason)>,
}

pub(super) fn candidates(
    previous: Option<Compared<'_>>,
    current: Scanned<'_>,
    options: &BreakpointOptions<'_>,
) -> MarkerCandidates {
    let history = History::of(previous, current, options);
    let mut candidates = MarkerCandidates { all: Vec::with_capacity(USUAL), left_out: Vec::new() };
    // A boundary at or beyond the end declares nothing to be volatile.
    let stable = options.stable_system.filter(|blocks| *blocks < current.layout.system().blocks.len());
    let changed = history.common.is_some_and(|common| !common.head);
    if changed {
        candidates.changed_head(current.layout, &history, stable);
    } else {
        candidates.settled(current.layout, &history, stable, options);
    }
    if let Some(compaction) = current.layout.compaction() {
        candidates.from(compaction);
    }
    candidates
}

impl MarkerCandidates {
    fn add(&mut self, section: BreakpointSection, index: Option<usize>, report: bool, purpose: BreakpointPurpose) {
        self.all.push(MarkerCandidate { section, index, floor: 0, answers: false, report, purpose });
    }

    fn add_to_messages(&mut self, index: usize, answers: bool, purpose: BreakpointPurpose) {
        let (section, index) = (BreakpointSection::Messages, Some(index));
        self.all.push(MarkerCandidate { section, index, floor: 0, answers, report: false, purpose });
    }

    /// Drops candidates in messages before this block, which the API does not read.
    fn from(&mut self, first: usize) {
        let is_read = |candidate: &MarkerCandidate| candidate.index.is_none_or(|index| index >= first);
        self.all.retain(|candidate| candidate.section != BreakpointSection::Messages || is_read(candidate));
        for candidate in self.all.iter_mut().filter(|candidate| candidate.section == BreakpointSection::Messages) {
            candidate.floor = candidate.floor.max(first);
        }
    }

    /// Adds the candidates of a request whose tools and system are not known to have changed.
    fn settled(
        &mut self,
        layout: &BodyLayout,
        history: &History,
        stable: Option<usize>,
        options: &BreakpointOptions<'_>,
    ) {
        use BreakpointSection::{System, Tools};
        let blocks = layout.messages().blocks;
        // The messages are by far the longest part, so their end comes first; the rest pays only when the messages are
        // lost.
        let near = self.messages(blocks, history, options);
        let system = layout.system().blocks.len();
        match stable {
            Some(stable) => self.bounded(layout, stable),
            None => self.add(System, system.checked_sub(1), true, BreakpointPurpose::System),
        }
        self.edited(blocks, history);
        // Without the previous body it is not known whether the closing text is a reminder, so both ends get a marker.
        if let (None, Some(index)) = (history.common, before_trailing_text(blocks)) {
            self.add_to_messages(index, false, BreakpointPurpose::BeforeReminder);
            self.all.extend_from_slice(&near);
        }
        // If a block of several changes, it is usually the last one.
        if let (Some(index), None) = (system.checked_sub(2), stable) {
            self.add(System, Some(index), false, BreakpointPurpose::StablePrefix);
        }
        // Ahead of the tools only: all that a near write adds is cover for an edit of the last turn.
        self.all.extend_from_slice(&near);
        self.add(Tools, layout.tools().blocks.len().checked_sub(1), true, BreakpointPurpose::Tools);
        if let (None, Some(index)) = (history.common, earlier_turn_end(blocks)) {
            self.add_to_messages(index, false, BreakpointPurpose::EarlierTurn);
        }
        if let Some(stable) = history.clearing.filter(|_| history.clears_more).and_then(Clearing::stable) {
            let is_left = |candidate: &MarkerCandidate| candidate.index.is_none_or(|index| index <= stable);
            self.all.retain(|candidate| candidate.section != BreakpointSection::Messages || is_left(candidate));
        }
    }

    /// Adds candidates before an edit of the history: edits tend to repeat, and the next request can still read what is
    /// before this one.
    fn edited(&mut self, blocks: &[Block], history: &History) {
        // A marker on an answer shows the next request that this one saw an edit.
        let stable = history.edit.and_then(|edit| edit.stable);
        let answer = stable.and_then(|index| blocks.get(..=index)?.iter().rposition(|block| !block.user));
        if let Some(index) = answer.filter(|_| answer != stable) {
            self.add_to_messages(index, true, BreakpointPurpose::EditSeen);
        }
        if history.edit.is_none() && !history.slides {
            return;
        }
        if let Some(index) = turn_end(blocks, history.common().messages) {
            self.add_to_messages(index, false, BreakpointPurpose::LastCommon);
        }
    }

    /// Marks the end of the part of the system prompt that the caller calls stable, and nothing after it.
    fn bounded(&mut self, layout: &BodyLayout, stable: usize) {
        if let Some(index) = stable.checked_sub(1) {
            self.add(BreakpointSection::System, Some(index), true, BreakpointPurpose::StablePrefix);
        }
        let last = layout.system().blocks.len().checked_sub(1);
        self.left_out.push((BreakpointSection::System, last, BreakpointReason::Volatile));
    }

    /// Adds the end of the conversation and, if it is out of reach from there, the previous write. Returns a previous
    /// write that is within reach: it is worth only a spare marker.
    fn messages(
        &mut self,
        blocks: &[Block],
        history: &History,
        options: &BreakpointOptions<'_>,
    ) -> Vec<MarkerCandidate> {
        let section = BreakpointSection::Messages;
        let Some(end) = turn_end(blocks, blocks.len()) else {
            self.add(section, blocks.len().checked_sub(1), true, BreakpointPurpose::TurnEnd);
            return Vec::new();
        };
        let HistoryEdit { reminder, stable, again } = history.edit.unwrap_or_default();
        let before_reminder =
            end.checked_sub(reminder).filter(|index| reminder > 0 && same_message(blocks, *index, end));
        let anchor = history.last_written(end);
        // A reminder that was left out twice is expected to be left out again.
        let settled_reminder =
            before_reminder.is_some() && anchor.is_some_and(|at| at + 1 == history.common().messages);
        // An entry with a part that is gone next time would be paid for and never read.
        let writes_end = !(settled_reminder || again || history.slides || history.clears_more);
        if !writes_end {
            self.left_out.push((section, Some(end), BreakpointReason::Volatile));
        } else if options.automatic {
            self.add(section, Some(blocks.len() - 1), true, BreakpointPurpose::Automatic);
        } else {
            self.add(section, Some(blocks.len() - 1), true, BreakpointPurpose::TurnEnd);
        }
        if let Some(index) = before_reminder {
            self.add(section, Some(index), settled_reminder, BreakpointPurpose::BeforeReminder);
        }
        let stable = stable.filter(|index| *index < end);
        if let Some(index) = stable {
            self.add_to_messages(index, true, BreakpointPurpose::BeforeEdit);
        }
        let before_clearing = history.clearing.and_then(Clearing::stable).filter(|index| *index < end);
        if let Some(index) = before_clearing {
            self.add_to_messages(index, true, BreakpointPurpose::BeforeClearing);
        }
        // A plan does not show what has changed since, so the blocks it names are added beside the guess, not instead
        // of it.
        let guess = if history.common.is_none() { previous_turn_end(blocks, end) } else { None };
        let others = [Some(end).filter(|_| writes_end), before_reminder, stable, before_clearing];
        let previous_write = |index, floor, answers| MarkerCandidate {
            section,
            index: Some(index),
            floor,
            answers,
            report: false,
            purpose: BreakpointPurpose::PreviousWrite,
        };
        // A marker within the look-back of one that is placed anyway would be wasted.
        let is_near = |index: usize| {
            let reaches = |from: usize| index <= from && positions(blocks, index, from, options.collapses) < WINDOW;
            others.into_iter().flatten().any(reaches)
        };
        let mut near = Vec::new();
        // Once more results are cleared, what was written after them is lost.
        let is_left = |_: &usize| !history.clears_more;
        let earlier = [
            guess.filter(is_left).map(|index| previous_write(index, 0, false)),
            anchor.filter(is_left).map(|index| previous_write(index, index, index > 0)),
            history.before_clearing.map(|index| previous_write(index, 0, true)),
        ];
        for candidate in earlier.into_iter().flatten() {
            let list = if candidate.index.is_some_and(is_near) { &mut near } else { &mut self.all };
            list.push(candidate);
        }
        near
    }

    /// Adds the candidates of a request whose tools or system changed, so that no entry after the change can be read.
    fn changed_head(&mut self, layout: &BodyLayout, history: &History, stable: Option<usize>) {
        use BreakpointSection::{Messages, System, Tools};
        let blocks = layout.messages().blocks;
        match history.head_changes {
            // The changes may be over, so the messages are written for the next request.
            Some(HeadChanges { goes_on: false, start }) => {
                self.add(Messages, blocks.len().checked_sub(1), true, BreakpointPurpose::TurnEnd);
                if let Some(index) = history.clearing.and_then(Clearing::stable) {
                    self.add_to_messages(index, true, BreakpointPurpose::BeforeClearing);
                }
                if let Some(index) = start {
                    self.add_to_messages(index, false, BreakpointPurpose::RunStart);
                }
            }
            _ => self.left_out.push((Messages, None, BreakpointReason::Volatile)),
        }
        if let Some(stable) = stable {
            self.bounded(layout, stable);
        } else {
            if let Some(index) = history.common().system.checked_sub(1) {
                self.add(System, Some(index), false, BreakpointPurpose::StablePrefix);
            }
            self.left_out.push((System, layout.system().blocks.len().checked_sub(1), BreakpointReason::Volatile));
        }
        let tools = if stable.is_some() { layout.tools().blocks.len() } else { history.common().tools };
        self.add(Tools, tools.checked_sub(1), tools == layout.tools().blocks.len(), BreakpointPurpose::Tools);
    }
}

/// Returns the end of the turn that was the last one three turns ago.
fn earlier_turn_end(blocks: &[Block]) -> Option<usize> {
    (0..3).try_fold(turn_end(blocks, blocks.len())?, |end, _| previous_turn_end(blocks, end))
}

/// Returns the block before the text that closes the last turn, which may be a reminder that the next request leaves
/// out.
fn before_trailing_text(blocks: &[Block]) -> Option<usize> {
    let end = turn_end(blocks, blocks.len())?;
    let index = end.checked_sub(1).filter(|index| same_message(blocks, *index, end))?;
    blocks.get(end).filter(|block| block.kind == BlockKind::Text).map(|_| index)
}

fn same_message(blocks: &[Block], a: usize, b: usize) -> bool {
    let message = |index: usize| blocks.get(index).map(|block| block.path.message());
    message(a) == message(b)
}

/// Returns the number of positions between two blocks, as the look-back counts them.
fn positions(blocks: &[Block], from: usize, to: usize, collapses: bool) -> usize {
    let between = blocks.get(from..=to).unwrap_or_default();
    let pairs = between.iter().zip(between.iter().skip(1));
    let joined =
        |a: &Block, b: &Block| a.kind == b.kind && matches!(a.kind, BlockKind::ToolUse | BlockKind::ToolResult);
    pairs.filter(|(a, b)| !(collapses && joined(a, b))).count()
}
