//! What the previous request shows: where it wrote, what changed since, and which changes it had itself seen.
//!
//! The previous body is all that is kept between requests. The changes that its own plan had seen are read from the
//! markers that it has and from those that are missing.

use super::clearing::Clearing;
use super::existing::{Spot, automatic_target, written};
use super::marker::BreakpointSection;
use super::options::{BreakpointOptions, Lifetimes, Told};
use super::places::nearest;
use crate::cache::body::{Block, BlockKind, BodyLayout, CommonPrefix, Compared, Scanned, Slide};
use crate::retention::CacheTtl;

/// The largest number of blocks at the end of a turn that count as a reminder, which the next request leaves out.
const REMINDER: usize = 2;

#[derive(Debug, Default)]
pub(super) struct History {
    /// The unchanged part, if there was a body to compare with.
    pub(super) common: Option<CommonPrefix>,
    /// Where the previous request wrote, as far as those blocks are unchanged.
    pub(super) written: Vec<Spot>,
    /// The changes of tools and system, if they changed this time.
    pub(super) head_changes: Option<HeadChanges>,
    /// The edit of the messages, if they did not just grow.
    pub(super) edit: Option<HistoryEdit>,
    /// `true` if the messages are a window on the history that moves on with each request.
    pub(super) slides: bool,
    /// The old tool results that the API clears.
    pub(super) clearing: Option<Clearing>,
    /// The last block that the clearing of the previous request left for this one to read, if a marker was there.
    pub(super) before_clearing: Option<usize>,
    /// `true` if the next request is expected to clear more, and this one has cleared more than the one before.
    pub(super) clears_more: bool,
}

impl History {
    /// Reads what the previous request shows from its body or, if that is not known, from its plan.
    pub(super) fn of(previous: Option<Compared<'_>>, current: Scanned<'_>, options: &BreakpointOptions<'_>) -> Self {
        let mut history = Self::read(previous, current, options);
        let blocks = current.layout.messages().blocks;
        history.clearing = Clearing::of(current, blocks.len());
        if let Some(clearing) = history.clearing {
            // What the previous request had of these messages, if each answer was followed by one request.
            let before = turn_end(blocks, blocks.len()).and_then(|end| previous_turn_end(blocks, end));
            history.clears_more = clearing.goes_on(before);
            let stable = before.and_then(|end| Clearing::of(current, end + 1)).and_then(Clearing::stable);
            let is_unknown = previous.is_none() && !matches!(options.previous, Told::Plan(_));
            history.before_clearing =
                if is_unknown { stable } else { stable.and_then(|stable| history.last_written(stable + 1)) };
        }
        history
    }

    fn read(previous: Option<Compared<'_>>, current: Scanned<'_>, options: &BreakpointOptions<'_>) -> Self {
        match (previous, &options.previous) {
            (Some(previous), _) => Self::compared(previous, current, options),
            (None, Told::Plan(plan)) => {
                let blocks = current.layout.messages().blocks.iter().enumerate();
                let first = current.layout.compaction().unwrap_or_default();
                let is_marked = |block: &Block| plan.breakpoints().iter().any(|marker| block.path.is(marker.path()));
                let written =
                    blocks.skip(first).filter(|(_, block)| is_marked(block)).map(|(index, _)| (2, index)).collect();
                Self { written, ..Self::default() }
            }
            _ => Self::default(),
        }
    }

    fn compared(
        Compared { previous, common }: Compared<'_>,
        current: Scanned<'_>,
        options: &BreakpointOptions<'_>,
    ) -> Self {
        let mut written = written(previous.layout);
        // A conversation without an answer is a new one, whatever the previous request contained.
        let goes_on = answers(current.layout.messages().blocks) > 0;
        // After a compaction everything before it is gone and will not be edited again.
        let compaction = current.layout.compaction();
        let compacted = compaction.is_some_and(|at| at >= common.messages);
        let shorter = common.head && goes_on && !compacted && common.messages < previous.layout.messages().blocks.len();
        let slide = if shorter { Slide::find(previous, current, common.messages) } else { None };
        let head_changes = (!common.head).then(|| HeadChanges::of(previous.layout, current.layout, &written, options));
        let edit = (shorter && slide.is_none())
            .then(|| HistoryEdit::of(previous, current.layout, common.messages, &written, options));
        // An entry is found by the whole prompt before it, so entries after the first difference are lost.
        let first = compaction.unwrap_or_default();
        written.retain(|(rank, index)| *rank < 2 || (first..common.messages).contains(index));
        let slides = slide.is_some_and(Slide::goes_on);
        Self { common: Some(common), written, head_changes, edit, slides, ..Self::default() }
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
    /// `true` if the next request is expected to change them again.
    pub(super) goes_on: bool,
}

impl HeadChanges {
    /// The number of changes in a row after which another one is expected, for five-minute and one-hour entries.
    /// Writing the messages in vain costs 0.25 or 1.0 of their price; not writing messages that could have been read
    /// costs 0.9. So it pays not to write them if the chance of another change is at least 0.78 or 0.47.
    const ENOUGH: [usize; 2] = [8, 5];
    /// The same number if they have changed with every request since the session began.
    const ENOUGH_FROM_START: [usize; 2] = [4, 2];

    /// Reads from the markers of the previous request which changes it had seen. After the first change the end of the
    /// head has no marker, and the end of the turn that saw the change keeps one, until messages get none at all.
    fn of(previous: &BodyLayout, current: &BodyLayout, written: &[Spot], options: &BreakpointOptions<'_>) -> Self {
        let marked = |section: BreakpointSection| {
            let blocks = section.of(previous).blocks;
            nearest(blocks, section, blocks.len().checked_sub(1)?).map(|index| (section.rank(), index))
        };
        let head = marked(BreakpointSection::System).or_else(|| marked(BreakpointSection::Tools));
        let settled = head.is_none_or(|end| written.contains(&end));
        let first = written.iter().find(|(rank, _)| *rank == 2).map(|(_, index)| *index);
        if first.is_none() && !settled {
            // No marker on messages: the previous request had given up on them, and the head has changed once more.
            return Self { start: None, goes_on: true };
        }
        // If the caller declared a changing part of the system prompt, its end never has a marker, so a missing one
        // shows nothing.
        let is_announced = options.stable_system.is_some();
        let start = first.filter(|_| !settled && !is_announced);
        let blocks = current.messages().blocks;
        // Each answer since that turn belongs to a request that saw a change; this one is one more.
        let since = |start: usize| {
            // The marker of a turn may be on the answer before it.
            let turn = blocks.iter().skip(start).position(|block| block.user).unwrap_or_default();
            answers(blocks.get(start + turn..).unwrap_or_default())
        };
        let changes = 1 + start.map_or(0, since);
        let long = writes_for_an_hour(options);
        let [short_run, long_run] = if changes >= answers(blocks) { Self::ENOUGH_FROM_START } else { Self::ENOUGH };
        let enough = if long { long_run } else { short_run };
        Self { start, goes_on: changes >= enough || is_announced && answers(blocks) <= 1 }
    }
}

/// Some of the previous request's messages are gone or different.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HistoryEdit {
    /// The last block that the next edit is expected to leave unchanged, if edits keep their distance from the end.
    pub(super) stable: Option<usize>,
    /// The number of blocks that are gone from the end of the last message, if others of it are left.
    pub(super) reminder: usize,
    /// `true` if the previous request had seen an edit too, so that nothing after the next edit is worth writing.
    pub(super) again: bool,
}

impl HistoryEdit {
    fn of(
        previous: Scanned<'_>,
        current: &BodyLayout,
        edited: usize,
        written: &[Spot],
        options: &BreakpointOptions<'_>,
    ) -> Self {
        let (before, now) = (previous.layout.messages().blocks, current.messages().blocks);
        let clearing = Clearing::of(previous, before.len());
        let last_turn = answer_end(before).map_or(0, |answer| answer + 1);
        let gone = before.len().saturating_sub(edited);
        let reminder = if edited > last_turn && gone <= REMINDER { gone } else { 0 };
        // A marker on an answer, or a missing one on the last turn, shows that the previous request had seen an edit.
        // Markers of the last turns may be on answers too, so these show nothing, and neither do the caller's or those
        // before results that the API clears.
        let in_messages = written.iter().filter(|(rank, _)| *rank == 2).map(|(_, index)| *index);
        let marked = |end: Option<usize>| nearest(before, BreakpointSection::Messages, end?);
        let end = turn_end(before, before.len());
        let marked_end = marked(end);
        let ends = [
            marked_end,
            marked(end.and_then(|end| previous_turn_end(before, end))),
            automatic_target(previous.layout).filter(|target| target.at.0 == 2).map(|target| target.at.1),
        ];
        let is_answer = |index: usize| before.get(index).is_some_and(|block| !block.user);
        let on_answer = in_messages.clone().rfind(|index| is_answer(*index) && !ends.contains(&Some(*index)));
        let is_callers = || now.iter().any(|block| !block.user && block.cache_control.is_set());
        let on_answer = on_answer.filter(|_| clearing.is_none() && !is_callers());
        let end_marked = clearing.is_some_and(|clearing| clearing.certain)
            || marked_end.is_none_or(|end| in_messages.clone().any(|index| index >= end.min(last_turn)));
        // If this edit came before the block that was expected to stay, edits do not keep their distance from the end.
        let moves = reminder == 0 && on_answer.map_or(end_marked, |index| index < edited);
        let stable = if moves { before_next(before, now, edited) } else { None };
        // An edit of the last turn usually comes again, and leaving out its marker costs only that turn.
        let last = writes_for_an_hour(options) && edited >= last_turn;
        Self { stable, reminder, again: reminder == 0 && (on_answer.is_some() || !end_marked || last) }
    }
}

/// Returns `true` if writing messages in vain costs more than not having written messages that can be read.
fn writes_for_an_hour(options: &BreakpointOptions<'_>) -> bool {
    options.lifetimes.and_then(Lifetimes::tail) == Some(CacheTtl::OneHour)
}

/// Returns the last block before the one that is expected to be edited next: the next block of the same kind for
/// images, documents and thinking, otherwise one in the message that is as far from the end as the edited one was.
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

/// Returns the number of answers, which is the number of earlier requests if each was answered.
fn answers(blocks: &[Block]) -> usize {
    let pairs = blocks.iter().zip(blocks.iter().skip(1));
    pairs.filter(|(a, b)| !a.user && b.user).count()
}

/// Returns the last block of the user among the first `count`.
pub(super) fn turn_end(blocks: &[Block], count: usize) -> Option<usize> {
    blocks.get(..count)?.iter().rposition(|block| block.user)
}

/// Returns the end of the user's turn before the one that ends at `end`. The previous request ended there, if each
/// answer was followed by one request.
pub(super) fn previous_turn_end(blocks: &[Block], end: usize) -> Option<usize> {
    let answer = blocks.get(..end)?.iter().rposition(|block| !block.user)?;
    turn_end(blocks, answer)
}

/// Returns the last block of the answer before the user's last turn.
pub(super) fn answer_end(blocks: &[Block]) -> Option<usize> {
    blocks.get(..turn_end(blocks, blocks.len())?)?.iter().rposition(|block| !block.user)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cache::body::{scan, scan_compared, scan_to_compare};
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
        #![proptest_config(ProptestConfig::default())]

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
            let history = |layout| {
                let previous = Scanned { body: &before, layout };
                let common = CommonPrefix::of(previous, current, false);
                format!("{:?}", History::compared(Compared { previous, common }, current, &options))
            };
            let (read, compared) = (scan(&before).unwrap(), scan_compared(&before, current).unwrap());
            prop_assert_eq!(history(&read), history(&compared), "{}\n{}", String::from_utf8_lossy(&before), String::from_utf8_lossy(&now));
        }
    }
}
