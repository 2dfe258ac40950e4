//! What the previous request tells: where it wrote, what changed since, and what it had seen change itself.
//!
//! Nothing is kept between requests but the previous body. What the request before had seen is read from where its
//! markers stand, and where one is missing.

use super::existing::{Spot, written};
use super::options::{BreakpointOptions, Lifetimes, Previous};
use crate::cache::body::{Block, BlockKind, BodyLayout, CommonPrefix, Scanned, Slide, scan_compared};
use crate::error::Result;
use crate::retention::CacheTtl;

/// How many blocks at the end of a turn are taken for a reminder that the next request leaves out.
const REMINDER: usize = 2;

#[derive(Debug, Default)]
pub(super) struct History {
    /// What is as it was, if there was a body to compare with.
    pub(super) common: Option<CommonPrefix>,
    /// Where the previous request wrote, as far as that still stands.
    pub(super) written: Vec<Spot>,
    /// What is known of changes of tools and system, if they changed this time.
    pub(super) head_changes: Option<HeadChanges>,
    /// What was done to the messages, if they did not just grow.
    pub(super) edit: Option<HistoryEdit>,
    /// Whether the messages are a window on the history that moves on with each request.
    pub(super) slides: bool,
}

impl History {
    pub(super) fn of(current: Scanned<'_>, options: &BreakpointOptions<'_>) -> Result<Self> {
        match options.previous {
            Previous::Unknown => Ok(Self::default()),
            Previous::Plan(plan) => {
                let blocks = current.layout.messages().blocks.iter().enumerate();
                let first = current.layout.compaction().unwrap_or_default();
                let is_marked = |block: &Block| plan.breakpoints().iter().any(|marker| block.path.is(marker.path()));
                let written =
                    blocks.skip(first).filter(|(_, block)| is_marked(block)).map(|(index, _)| (2, index)).collect();
                Ok(Self { written, ..Self::default() })
            }
            Previous::Body(body) => {
                let layout = scan_compared(body, current)?;
                Ok(Self::compared(Scanned { body, layout: &layout }, current, options))
            }
        }
    }

    fn compared(previous: Scanned<'_>, current: Scanned<'_>, options: &BreakpointOptions<'_>) -> Self {
        let common = CommonPrefix::of(previous, current);
        let mut written = written(previous.layout);
        // A conversation without an answer is a new one, whatever the previous request was about.
        let goes_on = answers(current.layout.messages().blocks) > 0;
        // Where the messages were compacted since, all before is gone, and will not be edited again.
        let compaction = current.layout.compaction();
        let compacted = compaction.is_some_and(|at| at >= common.messages);
        let shorter = common.head && goes_on && !compacted && common.messages < previous.layout.messages().blocks.len();
        let slide = if shorter { Slide::find(previous, current, common) } else { None };
        let head_changes = (!common.head).then(|| HeadChanges::of(previous.layout, current.layout, &written, options));
        let edit = (shorter && slide.is_none())
            .then(|| HistoryEdit::of(previous.layout, current.layout, common.messages, &written, options));
        // An entry is found by all that is in front of it, so those behind the first difference are lost.
        let first = compaction.unwrap_or_default();
        written.retain(|(rank, index)| *rank < 2 || (first..common.messages).contains(index));
        Self { common: Some(common), written, head_changes, edit, slides: slide.is_some_and(Slide::goes_on) }
    }

    pub(super) fn common(&self) -> CommonPrefix {
        self.common.unwrap_or_default()
    }

    /// The last block of messages at which the previous request wrote, among the first `end`.
    pub(super) fn last_written(&self, end: usize) -> Option<usize> {
        self.written.iter().rev().find(|(rank, index)| *rank == 2 && *index < end).map(|(_, index)| *index)
    }
}

/// Tools or system changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeadChanges {
    /// The end of the turn that saw the first of the changes in a row, if it is not the last turn.
    pub(super) start: Option<usize>,
    /// Whether the next request is to be expected to change them again.
    pub(super) goes_on: bool,
}

impl HeadChanges {
    /// After how many changes in a row the next one is taken for granted: five-minute and one-hour entries. Writing the
    /// messages for nothing costs 0.25 or 1.0 of their price, not writing them although they could be read again 0.9; so
    /// it pays not to write them from a chance of 0.78 or 0.47.
    const ENOUGH: [usize; 2] = [8, 5];
    /// The same if they have changed each time since the session began.
    const ENOUGH_FROM_START: [usize; 2] = [4, 2];

    /// The markers of the previous request tell what it had seen: from the first change on, the end of the head is without
    /// one, and the end of the turn that saw it keeps one, until there is none on messages any more.
    fn of(previous: &BodyLayout, current: &BodyLayout, written: &[Spot], options: &BreakpointOptions<'_>) -> Self {
        let carrier = |blocks: &[Block]| blocks.iter().rposition(|block| block.kind.carries());
        let head = match (carrier(previous.system().blocks), carrier(previous.tools().blocks)) {
            (Some(index), _) => Some((1, index)),
            (None, Some(index)) => Some((0, index)),
            (None, None) => None,
        };
        let settled = head.is_none_or(|end| written.contains(&end));
        let first = written.iter().find(|(rank, _)| *rank == 2).map(|(_, index)| *index);
        if first.is_none() && !settled {
            // No marker on messages: the previous request had given up on them, and the head has changed once more.
            return Self { start: None, goes_on: true };
        }
        // Where the caller says that the system prompt has a part that changes, its end never has a marker.
        let is_announced = options.stable_system.is_some();
        let start = first.filter(|_| !settled && !is_announced);
        let blocks = current.messages().blocks;
        let changes = 1 + start.map_or(0, |start| answers(blocks.get(start..).unwrap_or_default()));
        let long = writes_for_an_hour(options);
        let [short_run, long_run] = if changes >= answers(blocks) { Self::ENOUGH_FROM_START } else { Self::ENOUGH };
        let enough = if long { long_run } else { short_run };
        Self { start, goes_on: changes >= enough || is_announced && answers(blocks) <= 1 }
    }
}

/// Some of the previous request's messages are gone or different.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HistoryEdit {
    /// The last block that the next edit is expected to leave as it is, if edits keep their distance from the end.
    pub(super) stable: Option<usize>,
    /// How many blocks at the end of the last message are gone, where others of it are left.
    pub(super) reminder: usize,
    /// Whether the previous request had seen an edit too, so that nothing behind the next one is worth writing.
    pub(super) again: bool,
}

impl HistoryEdit {
    fn of(
        previous: &BodyLayout,
        current: &BodyLayout,
        edited: usize,
        written: &[Spot],
        options: &BreakpointOptions<'_>,
    ) -> Self {
        let (before, now) = (previous.messages().blocks, current.messages().blocks);
        let last_turn = answer_end(before).map_or(0, |answer| answer + 1);
        let gone = before.len().saturating_sub(edited);
        let reminder = if edited > last_turn && gone <= REMINDER { gone } else { 0 };
        // The previous request tells by a marker on an answer, or by the one that is missing on the last turn.
        let mut in_messages = written.iter().filter(|(rank, _)| *rank == 2).map(|(_, index)| *index);
        let on_answer = in_messages.clone().rfind(|index| before.get(*index).is_some_and(|block| !block.user));
        let end_marked = in_messages.any(|index| index >= last_turn);
        // Where an edit came before the place that was to outlive it, edits do not keep their distance.
        let moves = reminder == 0 && on_answer.map_or(end_marked, |index| index < edited);
        let stable = if moves { before_next(before, now, edited) } else { None };
        // An edit of the last turn comes back more often than not, and only that turn is at stake.
        let last = writes_for_an_hour(options) && edited >= last_turn;
        Self { stable, reminder, again: reminder == 0 && (on_answer.is_some() || !end_marked || last) }
    }
}

/// Whether writing messages costs more than not having written them when they can be read.
fn writes_for_an_hour(options: &BreakpointOptions<'_>) -> bool {
    options.lifetimes.and_then(Lifetimes::tail) == Some(CacheTtl::OneHour)
}

/// The last block before the one that is next to be edited. It is of the same kind, where that tells them apart; else it is
/// taken to be in the message that is as far from the end as the edited one was.
fn before_next(before: &[Block], now: &[Block], edited: usize) -> Option<usize> {
    let kind = before.get(edited)?.kind;
    if matches!(kind, BlockKind::Carrier | BlockKind::Thinking) {
        let next = now.iter().enumerate().skip(edited).find(|(_, block)| block.kind == kind);
        if let Some((next, _)) = next {
            return next.checked_sub(1);
        }
    }
    let message = |block: Option<&Block>| block.and_then(|block| block.path.message());
    let (last_before, last_now) = (message(before.last())?, message(now.last())?);
    let next = message(before.get(edited))?.saturating_add(last_now.saturating_sub(last_before));
    now.partition_point(|block| block.path.message().is_some_and(|message| message < next)).checked_sub(1)
}

/// How many answers there are: as many as there were requests before, if each was answered.
fn answers(blocks: &[Block]) -> usize {
    let pairs = blocks.iter().zip(blocks.iter().skip(1));
    pairs.filter(|(a, b)| !a.user && b.user).count()
}

/// The last block of the user among the first `count`.
pub(super) fn turn_end(blocks: &[Block], count: usize) -> Option<usize> {
    blocks.get(..count)?.iter().rposition(|block| block.user)
}

/// The end of the user's turn before the one that ends at `end`: where the previous request ended, if each answer was
/// followed by one request.
pub(super) fn previous_turn_end(blocks: &[Block], end: usize) -> Option<usize> {
    let answer = blocks.get(..end)?.iter().rposition(|block| !block.user)?;
    turn_end(blocks, answer)
}

/// The last block of the answer before the user's last turn.
pub(super) fn answer_end(blocks: &[Block]) -> Option<usize> {
    blocks.get(..turn_end(blocks, blocks.len())?)?.iter().rposition(|block| !block.user)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cache::body::{scan, scan_to_compare};
    use crate::cache::plan::mark_body;
    use crate::retention::CacheRetention;

    fn message() -> impl Strategy<Value = String> {
        let block = prop::sample::select(vec![
            r#"{"type":"text","text":"a"}"#,
            r#"{"type":"image"}"#,
            r#"{"type":"thinking","thinking":"t"}"#,
            r#"{"type":"compaction","content":"s"}"#,
            r#"{"type":"tool_use","id":"1","caller":{"type":"code_execution_20250825"}}"#,
            r#"{"type":"tool_use","id":"1"}"#,
            r#"{"type":"tool_result","tool_use_id":"1"}"#,
            r#"{"type":"tool_result","tool_use_id":"1","content":[{"type":"text","text":"r"}]}"#,
        ]);
        let blocks = prop::collection::vec(block, 0..4).prop_map(|blocks| format!("[{}]", blocks.join(",")));
        let content = prop_oneof![2 => blocks, 1 => Just(r#""text""#.to_owned())];
        (content, any::<bool>()).prop_map(|(content, user)| {
            format!(r#"{{"role":"{}","content":{content}}}"#, if user { "user" } else { "assistant" })
        })
    }

    fn body(system: &str, messages: &[String], top: bool) -> Vec<u8> {
        let top = if top { r#""cache_control":{"type":"ephemeral"},"# } else { "" };
        format!(r#"{{{top}"tools":[{{"name":"a"}}],"system":"{system}","messages":[{}]}}"#, messages.join(",")).into()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        /// All that a plan knows of the previous body is the history.
        #[test]
        fn it_is_the_same_whether_the_previous_body_was_read_or_compared(
            before in prop::collection::vec(message(), 0..10),
            added in prop::collection::vec(message(), 0..4),
            changed in prop::collection::vec((any::<prop::sample::Index>(), prop::option::of(message())), 0..3),
            same_system in prop::bool::weighted(0.8),
            (top, long) in (prop::bool::weighted(0.1), any::<bool>()),
        ) {
            let retention = if long { CacheRetention::Long } else { CacheRetention::Short };
            let mut now = before.clone();
            for (at, message) in changed.into_iter().filter(|_| !before.is_empty()) {
                match message {
                    Some(message) if !now.is_empty() => { let at = at.index(now.len()); now[at] = message; }
                    _ if !now.is_empty() => { now.remove(at.index(now.len())); }
                    _ => {}
                }
            }
            now.extend(added);
            let options = BreakpointOptions::new(retention);
            let before = body("s", &before, top);
            let before = mark_body(before.clone(), &options).map_or(before, |(marked, _)| marked);
            let now = body(if same_system { "s" } else { "t" }, &now, top);
            let layout = scan_to_compare(&now).unwrap();
            let current = Scanned { body: &now, layout: &layout };
            let history = |layout| format!("{:?}", History::compared(Scanned { body: &before, layout }, current, &options));
            let (read, compared) = (scan(&before).unwrap(), scan_compared(&before, current).unwrap());
            prop_assert_eq!(history(&read), history(&compared), "{}\n{}", String::from_utf8_lossy(&before), String::from_utf8_lossy(&now));
        }
    }
}
