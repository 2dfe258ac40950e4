//! Carries over the parts of a body that another body, which was read before, has too: they are compared, not read
//! again.
//!
//! At the same position of a prompt, the same bytes mean the same, so what was found in them is copied with shifted
//! offsets. Only differences are read. A block that is the known one with an added marker, which is what the planner adds,
//! is read from the marker on; one that lacks the known one's marker is read in full. Each byte is compared a few times at most, however often the bodies differ and agree again.

use std::sync::Arc;

use super::block::cache_control_member;
use super::compare::Scanned;
use super::json::{JsonReader, Stopped};
use super::layout::{Block, BlockPath, BlockTable, CacheControl, Cut, MessageSpan, NestedMarker, PromptSection, Span};
use super::name::KnownKey;

/// The bytes that the planner inserts before a string to mark it. Blocks spelt differently are read in full.
const WRAPPED: &[u8] = br#"[{"type":"text","text":"#;

/// Passes over the messages from this one on that the known body has too. Returns the index of the next message, or
/// `None` if there are no such messages.
pub(super) fn pass_messages(
    known: Scanned<'_>,
    reader: &mut JsonReader<'_>,
    table: &mut BlockTable,
    index: u32,
) -> Option<u32> {
    let all = known.layout.table.messages.as_deref()?;
    let first = all.binary_search_by_key(&index, |message| message.index).ok()?;
    let messages = all.get(first..)?;
    let (start, blocks) = messages.first().map(|message| (message.span.start, message.blocks.0))?;
    // The bytes of a result do not show whether code execution made its call, so the calls before have to be the same.
    // Asked first, because calls that differ once do so for the rest of the body.
    if !has_same_calls(known, table, blocks) {
        return None;
    }
    let text = Span { start, end: messages.last()?.span.end }.of(known.body);
    let common = common_length(reader.rest(), text);
    let count = messages.partition_point(|message| message.span.end - start <= common);
    let passed = messages.get(..count)?;
    let (first, last) = (passed.first()?, passed.last()?);
    let marked = &known.layout.table.marked_messages;
    let from = marked.partition_point(|message| *message < first.index);
    table.marked_messages.extend(marked.iter().skip(from).take_while(|message| **message <= last.index));
    let (shift, base) = (reader.position().wrapping_sub(start), table.blocks.len());
    carry(known, table, (first.blocks.0, last.blocks.1), shift);
    if let Some(messages) = &mut table.messages {
        let moved = |block: usize| block - first.blocks.0 + base;
        messages.extend(passed.iter().map(|message| MessageSpan {
            span: message.span.moved(shift),
            blocks: (moved(message.blocks.0), moved(message.blocks.1)),
            ..*message
        }));
    }
    reader.pass(last.span.end - start, 0);
    Some(last.index.saturating_add(1))
}

/// Passes over the blocks from this one on that the known body has too, or over this one if it differs only by a
/// marker. Returns the index of the next block of the list.
pub(super) fn pass_blocks(
    known: Scanned<'_>,
    reader: &mut JsonReader<'_>,
    table: &mut BlockTable,
    path: BlockPath,
) -> Option<u32> {
    let (section, index) = find(known, path)?;
    let blocks = section.blocks.get(index..)?;
    let list = blocks.get(..blocks.partition_point(|block| block.path.message() == path.message()))?;
    let first = list.first().filter(|block| !block.is_string)?;
    let (start, from) = (first.span.start, section.first + index);
    if path.message().is_some() && !has_same_calls(known, table, from) {
        return None;
    }
    let text = Span { start, end: list.last()?.span.end }.of(known.body);
    let common = common_length(reader.rest(), text);
    let count = list.partition_point(|block| block.span.end - start <= common);
    let Some(end) = list.get(..count)?.last() else {
        return pass_marked(known, reader, table, (from, first), common);
    };
    carry(known, table, (from, from + count), reader.position().wrapping_sub(start));
    reader.pass(end.span.end - start, 0);
    Some(end.path.index().saturating_add(1))
}

/// Passes over a block that is the known one with a marker as its last member.
fn pass_marked(
    known: Scanned<'_>,
    reader: &mut JsonReader<'_>,
    table: &mut BlockTable,
    (index, block): (usize, &Block),
    common: usize,
) -> Option<u32> {
    let (text, start) = (block.span.of(known.body), reader.position());
    let members = text.strip_suffix(b"}")?.trim_ascii_end();
    if common < members.len() || members.last() == Some(&b'{') || block.cache_control != CacheControl::Absent {
        return None;
    }
    // A copy of the reader goes ahead, so that nothing is consumed if the rest is not a marker.
    let mut ahead = reader.clone();
    ahead.pass(members.len(), 1);
    let (cache_control, cut) = added_marker(&mut ahead)?;
    carry(known, table, (index, index + 1), start.wrapping_sub(block.span.start));
    let span = Span { start, end: ahead.position() };
    // Equal apart from the marker only if white space after the marker is also the same.
    let same = reader.rest().get(cut.end - start..span.end - start) == text.get(members.len()..);
    table.cuts.push(Cut { block: table.blocks.len() - 1, span: cut });
    *table.blocks.last_mut()? = Block { cache_control, same, span, ..*block };
    *reader = ahead;
    Some(block.path.index().saturating_add(1))
}

/// Passes over a list of one marked text block that is a string in the known body.
pub(super) fn pass_marked_string(
    known: Scanned<'_>,
    reader: &mut JsonReader<'_>,
    table: &mut BlockTable,
    path: BlockPath,
) -> Option<()> {
    let (section, index) = find(known, path)?;
    let block = section.blocks.get(index).filter(|block| block.is_string)?;
    let text = block.span.of(known.body);
    if !reader.rest().strip_prefix(WRAPPED)?.starts_with(text) {
        return None;
    }
    let mut ahead = reader.clone();
    ahead.pass(WRAPPED.len() + text.len(), 2);
    let (cache_control, cut) = added_marker(&mut ahead)?;
    let span = Span { start: reader.position() + 1, end: ahead.position() };
    if ahead.goes_on(b']').ok()? {
        return None;
    }
    let same = cut.end + 1 == span.end;
    table.cuts.push(Cut { block: table.blocks.len(), span: cut });
    table.blocks.push(Block {
        path,
        kind: block.kind,
        cache_control,
        user: false,
        is_string: false,
        by_code: false,
        same,
        span,
    });
    *reader = ahead;
    Some(())
}

/// Reads the rest of an object if it has only markers.
fn added_marker(reader: &mut JsonReader<'_>) -> Option<(CacheControl, Span)> {
    let (mut found, mut cut) = (CacheControl::Absent, None);
    let read = reader.rest_of_object(|reader, key| {
        // Of two markers only the last one would be cut.
        if key != KnownKey::CacheControl || cut.is_some() {
            return Err(Stopped);
        }
        found = cache_control_member(reader, &mut cut)?;
        Ok(())
    });
    read.ok()?;
    cut.map(|cut| (found, cut))
}

/// Finds the block of this path: its section and its index there.
fn find(known: Scanned<'_>, path: BlockPath) -> Option<(PromptSection<'_>, usize)> {
    let section = match path {
        BlockPath::Tool(_) => known.layout.tools(),
        BlockPath::System(_) => known.layout.system(),
        BlockPath::Message(..) => known.layout.messages(),
    };
    let index = section.blocks.binary_search_by_key(&path, |block| block.path).ok()?;
    Some((section, index))
}

/// Returns `true` if the calls made by code execution so far are those of the known body before this block, so that
/// results belong to the same calls. Each call is compared once, because an id may be long.
fn has_same_calls(known: Scanned<'_>, table: &mut BlockTable, block: usize) -> bool {
    if table.calls_differ {
        return false;
    }
    let there = &known.layout.table.code_calls;
    // Both are skipped before they are joined, because a joined iterator would count its way there.
    let same = table.same_code_calls;
    let news = table.code_calls.iter().skip(same).zip(there.iter().skip(same));
    #[cfg(test)]
    let news = news.inspect(|((_, one), _)| tests::COMPARED.with(|compared| compared.set(compared.get() + one.len())));
    table.same_code_calls += news.take_while(|((_, one), (_, other))| one == other).count();
    table.calls_differ = table.same_code_calls < table.code_calls.len().min(there.len());
    let before = there.partition_point(|(call, _)| *call < block);
    table.same_code_calls == table.code_calls.len() && before == table.code_calls.len()
}

/// Copies the findings in these blocks of the known body, with offsets moved by `shift`.
fn carry(known: Scanned<'_>, table: &mut BlockTable, (from, to): (usize, usize), shift: usize) {
    let found = &known.layout.table;
    let base = table.blocks.len();
    let blocks = found.blocks.get(from..to).unwrap_or_default();
    table.blocks.extend(blocks.iter().map(|block| Block { span: block.span.moved(shift), same: true, ..*block }));
    let first = found.nested.partition_point(|nested| nested.block < from);
    let nested = found.nested.iter().skip(first).take_while(|nested| nested.block < to);
    table.nested.extend(nested.map(|nested| NestedMarker {
        block: nested.block - from + base,
        path: nested.path.clone(),
        cut: nested.cut.moved(shift),
        ..*nested
    }));
    let first = found.cuts.partition_point(|cut| cut.block < from);
    let cuts = found.cuts.iter().skip(first).take_while(|cut| cut.block < to);
    table.cuts.extend(cuts.map(|cut| Cut { block: cut.block - from + base, span: cut.span.moved(shift) }));
    // The compaction may be in another part; the flag only decides whether a search is worth it.
    table.has_compaction |= found.has_compaction;
    let first = found.code_calls.partition_point(|(block, _)| *block < from);
    let calls = found.code_calls.iter().skip(first).take_while(|(block, _)| *block < to);
    for (block, id) in calls {
        table.add_code_call(block - from + base, Arc::clone(id));
    }
}

/// Returns the number of equal bytes at the start.
fn common_length(a: &[u8], b: &[u8]) -> usize {
    let equal = equal_chunks::<1_024>(a, b, 0);
    let equal = equal_chunks::<32>(a, b, equal);
    let equal = equal_chunks::<1>(a, b, equal);
    #[cfg(test)]
    tests::COMPARED.with(|compared| compared.set(compared.get() + equal));
    equal
}

/// Returns the number of equal bytes at the start, in whole chunks from this offset on, before which all are equal.
#[inline]
fn equal_chunks<const SIZE: usize>(a: &[u8], b: &[u8], from: usize) -> usize {
    let chunks = |bytes| <[u8]>::get(bytes, from..).unwrap_or_default().as_chunks::<SIZE>().0.iter();
    from + SIZE * chunks(a).zip(chunks(b)).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::super::bodies::{MARK, parts, shown, spelled};
    use super::super::compare::{CommonPrefix, unmarked};
    use super::super::layout::BodyLayout;
    use super::super::scan::{scan, scan_compared, scan_next, scan_to_compare};
    use super::*;
    use crate::cache::{BreakpointOptions, mark_body};
    use crate::error::{Error, Result};
    use crate::retention::CacheRetention;

    thread_local! {
        /// The bytes that were compared by this thread's test.
        pub(super) static COMPARED: Cell<usize> = const { Cell::new(0) };
    }

    #[test]
    fn each_byte_is_compared_a_few_times_at_most() {
        let call =
            |id: &str| format!(r#"{{"type":"tool_use","id":"{id}","caller":{{"type":"code_execution_20250825"}}}}"#);
        let cleared = r#"{"type":"text","text":"[cleared]"}"#.to_owned();
        let messages = r#",{"role":"user","content":"same"}"#.repeat(500);
        let blocks = r#",{"type":"text","text":"same"}"#.repeat(500);
        let in_messages =
            |first: &str| format!(r#"{{"messages":[{{"role":"assistant","content":[{first}]}}{messages}]}}"#);
        let in_blocks = |first: &str| format!(r#"{{"messages":[{{"role":"assistant","content":[{first}{blocks}]}}]}}"#);
        // Of the same length, and different at their ends.
        let (a, b) = (call(&format!("{}a", "i".repeat(5_000))), call(&format!("{}b", "i".repeat(5_000))));
        for (a, b) in [(&call("a"), &call("b")), (&a, &b), (&a, &cleared), (&cleared, &a)] {
            for (previous, current) in [(in_messages(a), in_messages(b)), (in_blocks(a), in_blocks(b))] {
                COMPARED.set(0);
                check(previous.as_bytes(), current.as_bytes());
                assert!(COMPARED.get() < 4 * previous.len(), "{} of {}", COMPARED.get(), previous.len());
            }
        }
    }

    /// Reads each body with the other one known, and compares what was found with what is there. Returns the numbers of
    /// blocks that were not read again: of the previous body, and of the current one.
    fn check(previous: &[u8], current: &[u8]) -> (usize, usize) {
        let (before, layout) = (scan_to_compare(previous), scan_to_compare(current));
        let text = || format!("{}\n{}", String::from_utf8_lossy(previous), String::from_utf8_lossy(current));
        let same = |layout: &BodyLayout| layout.table.blocks.iter().filter(|block| block.same).count();
        let result =
            |read: &Result<BodyLayout>| read.as_ref().map(|layout| shown(layout.clone())).map_err(Error::to_string);
        let (mut of_previous, mut of_current) = (0, 0);
        if let Ok(before) = &before {
            let previous = Scanned { body: previous, layout: before };
            let next = scan_next(current, previous);
            assert_eq!(result(&next), result(&layout), "{}", text());
            if let (Ok(next), Ok(layout)) = (&next, &layout) {
                let common = |layout, is_known| CommonPrefix::of(previous, Scanned { body: current, layout }, is_known);
                assert_eq!(common(next, true), common(layout, false), "{}", text());
                of_current = same(next);
            }
        }
        if let Ok(layout) = &layout {
            let known = Scanned { body: current, layout };
            let (full, compared) = (scan(previous), scan_compared(previous, known));
            assert_eq!(result(&compared), result(&full), "{}", text());
            let (Ok(full), Ok(compared)) = (full, compared) else { return (0, of_current) };
            for (section, other) in compared.sections().into_iter().zip(layout.sections()) {
                for (index, block) in section.blocks.iter().enumerate().filter(|(_, block)| block.same) {
                    let Some(at) = other.blocks.iter().position(|other| other.path == block.path) else { continue };
                    let (a, b) = ((previous, section, index, block), (current, other, at, &other.blocks[at]));
                    assert!(unmarked(a) == unmarked(b), "{:?} is not the same\n{}", block.path, text());
                }
            }
            let common = |layout| CommonPrefix::of(Scanned { body: previous, layout }, known, false);
            assert_eq!(common(&compared), common(&full), "{}", text());
            of_previous = same(&compared);
        }
        (of_previous, of_current)
    }

    #[test]
    fn what_has_but_got_markers_is_not_read_again() {
        let blocks = |mark: &str| {
            format!(
                r#"{{"tools":[{{"name":"a"}},{{"name":"b"{mark} }}],"system":[{{"type":"text","text":"s"{mark}}}],"messages":[{{"role":"user","content":"u"}},{{"role":"user","content":[{{"type":"image"}},{{"type":"tool_result","content":[{{"type":"text","text":"x"}}]{mark} }}]}}]}}"#
            )
        };
        assert_eq!(check(blocks(&format!(",{MARK}")).as_bytes(), blocks("").as_bytes()), (6, 3));
        let strings = |before: &str, after: &str| {
            format!(
                r#"{{"system":{before}"s"{after},"messages":[{{"role":"user","content":{before}"u"{after}}},{{"role":"user","content":"v"}}]}}"#
            )
        };
        let (before, after) = (r#"[{"type":"text","text":"#, format!(",{MARK}}}]"));
        assert_eq!(check(strings(before, &after).as_bytes(), strings("", "").as_bytes()), (3, 1));
        // Of two markers on one block only the last one is its marker, so the rest of it is another text.
        let after = format!(",{MARK},{MARK}}}]");
        assert_eq!(check(strings(before, &after).as_bytes(), strings("", "").as_bytes()), (1, 1));
        assert_eq!(check(blocks(&format!(",{MARK},{MARK}")).as_bytes(), blocks("").as_bytes()), (3, 3));
    }

    proptest! {
        #![proptest_config(ProptestConfig::default())]

        #[test]
        fn a_body_reads_the_same_whatever_is_known(
            before in parts(),
            other in parts(),
            mixed in prop::collection::vec(any::<bool>(), 8),
            (form, other_form) in prop_oneof![3 => any::<u8>().prop_map(|form| (form, form)), 1 => any::<(u8, u8)>()],
            mark in any::<bool>(),
            change in prop::option::of((any::<prop::sample::Index>(), prop::sample::select(b"{}[],:\"a \x00".to_vec()))),
        ) {
            let current: Vec<_> = (0..before.len().max(other.len()))
                .filter_map(|at| if mixed[at % 8] { other.get(at).or(before.get(at)) } else { before.get(at).or(other.get(at)) })
                .cloned()
                .collect();
            let (mut previous, current) = (spelled(&before, form).into_bytes(), spelled(&current, other_form));
            if mark {
                let options = BreakpointOptions::new(CacheRetention::Short);
                previous = mark_body(previous.clone(), &options).map_or(previous, |(marked, _)| marked);
            }
            if let Some((at, byte)) = change {
                let at = at.index(previous.len());
                previous[at] = byte;
            }
            check(&previous, current.as_bytes());
            check(current.as_bytes(), &previous);
        }
    }
}
