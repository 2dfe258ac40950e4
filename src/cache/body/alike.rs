//! Tells whether two bodies belong to one conversation, as far as their first messages show.

use memchr::memmem;

use super::compare::{Scanned, same_text, unmarked};
use super::layout::{Block, PromptSection};

/// How much of the start of another conversation was compared with this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Start {
    /// Nothing, because nobody asked.
    #[default]
    Any,
    /// Nothing yet.
    Nothing,
    /// The first block, which is the same.
    FirstBlock,
    /// As much as is needed: the first answer is the same too, or this conversation has none.
    Same,
    /// It is another conversation.
    Other,
}

impl Start {
    /// Continues the comparison after a message of the previous body was read: the last of `messages`, before which
    /// there are so many blocks.
    pub(super) fn after_message(
        self,
        body: &[u8],
        messages: PromptSection<'_>,
        before: usize,
        current: Scanned<'_>,
    ) -> Self {
        let (blocks, now) = (messages.blocks, current.layout.messages());
        match self {
            Self::Nothing if blocks.is_empty() => return self,
            Self::Nothing if !has_same((body, messages, 0), (current.body, now, 0)) => return Self::Other,
            Self::Nothing | Self::FirstBlock => {}
            Self::Any | Self::Same | Self::Other => return self,
        }
        // The first answer is complete once the user's next turn follows, and this is asked once.
        let answered = before.checked_sub(1).and_then(|last| blocks.get(last)).is_some_and(|block| !block.user);
        if !(answered && blocks.last().is_some_and(|block| block.user)) {
            return Self::FirstBlock;
        }
        let same = first_answer(blocks)
            .zip(first_answer(now.blocks))
            .map(|(answer, other)| has_same((body, messages, answer), (current.body, now, other)));
        if same == Some(false) { Self::Other } else { Self::Same }
    }
}

/// Returns `true` if two bodies may belong to one conversation: the first block of their messages is the same, and so
/// is the end of the first answer if both have one. The rest of that answer may differ, because clients leave out
/// thinking.
pub(crate) fn start_alike(previous: Scanned<'_>, current: Scanned<'_>) -> bool {
    let (before, now) = (previous.layout.messages(), current.layout.messages());
    has_same((previous.body, before, 0), (current.body, now, 0)) && shares_answer(previous, current) != Some(false)
}

/// Returns `true` if the first answer is the same in both, and `None` if one of them has none.
pub(crate) fn shares_answer(previous: Scanned<'_>, current: Scanned<'_>) -> Option<bool> {
    let (before, now) = (previous.layout.messages(), current.layout.messages());
    let (a, b) = (first_answer(before.blocks)?, first_answer(now.blocks)?);
    Some(has_same((previous.body, before, a), (current.body, now, b)))
}

/// Returns `true` if less than half of the system prompt is the same at its start and its end: it was not edited, it is
/// another one.
pub(crate) fn has_other_instructions(previous: Scanned<'_>, current: Scanned<'_>) -> bool {
    let text = |Scanned { body, layout }: Scanned<'_>| {
        let section = layout.system();
        let blocks = section.blocks.iter().enumerate();
        blocks.map(|(index, block)| unmarked((body, section, index, block))).collect::<Vec<_>>().concat()
    };
    let (before, now) = (text(previous), text(current));
    let same = |(a, b): &(&u8, &u8)| a == b;
    let start = before.iter().zip(&now).take_while(same).count();
    let end = before.iter().rev().zip(now.iter().rev()).take_while(same).count();
    (start + end) * 2 < before.len().max(now.len())
}

/// How much of the first message's text is looked for in another body, and how far it may have moved there, in bytes.
const LOOKED_FOR: usize = 64;
const MOVED: usize = 8_192;

/// Returns `true` if a body that was not read yet may go on from a previous one: the text of the first message begins at
/// about the same place.
pub(crate) fn may_go_on(previous: Scanned<'_>, body: &[u8]) -> bool {
    let Some(block) = previous.layout.messages().blocks.first() else { return false };
    let text = block.span.of(previous.body);
    // The text of a block may be a string in the other body, and a marker may follow it.
    let own = memmem::find(text, TEXT).and_then(|at| text.get(at + TEXT.len()..));
    let own = own.or(text.strip_prefix(b"\"")).and_then(|own| own.split(|byte| *byte == b'"').next()).unwrap_or(text);
    let near = block.span.start.saturating_sub(MOVED)..body.len().min(block.span.start + MOVED);
    body.get(near).is_some_and(|near| memmem::find(near, own.get(..LOOKED_FOR).unwrap_or(own)).is_some())
}

const TEXT: &[u8] = br#""text":""#;

/// Returns `true` if the messages of a body may contain the first block of another one's messages.
pub(crate) fn may_contain_first(previous: &[u8], current: Scanned<'_>) -> bool {
    let first = current.layout.messages().blocks.first();
    first.is_some_and(|block| {
        let text = block.span.of(current.body);
        // A marker may have been added as its last member.
        memmem::find(previous, text.strip_suffix(b"}").unwrap_or(text)).is_some()
    })
}

/// Returns the last block of the first answer, if the user's next turn follows.
fn first_answer(blocks: &[Block]) -> Option<usize> {
    let start = blocks.iter().position(|block| !block.user)?;
    let length = blocks.get(start..)?.iter().position(|block| block.user)?;
    (start + length).checked_sub(1)
}

fn has_same(a: (&[u8], PromptSection<'_>, usize), b: (&[u8], PromptSection<'_>, usize)) -> bool {
    match (a.1.blocks.get(a.2), b.1.blocks.get(b.2)) {
        (Some(one), Some(other)) => {
            one.user == other.user && one.kind == other.kind && same_text((a.0, a.1, a.2, one), (b.0, b.1, b.2, other))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::scan::{scan, scan_alike, scan_to_compare};
    use super::*;
    use crate::cache::{BreakpointOptions, mark_body};
    use crate::retention::CacheRetention;

    fn message() -> impl Strategy<Value = String> {
        let block = prop::sample::select(vec![
            r#"{"type":"text","text":"a"}"#,
            r#"{"type":"text","text":"b"}"#,
            r#"{"type":"thinking","thinking":"t"}"#,
        ]);
        let blocks = prop::collection::vec(block, 0..3).prop_map(|blocks| format!("[{}]", blocks.join(",")));
        let content = prop_oneof![2 => blocks, 1 => Just(r#""a""#.to_owned())];
        (content, any::<bool>()).prop_map(|(content, user)| {
            format!(r#"{{"content":{content},"role":"{}"}}"#, if user { "user" } else { "assistant" })
        })
    }

    fn body(messages: &[String]) -> Vec<u8> {
        format!(r#"{{"messages":[{}],"system":"s"}}"#, messages.join(",")).into_bytes()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn a_body_is_alike_whether_it_was_read_to_its_end_or_not(
            shared in prop::collection::vec(message(), 0..4),
            before in prop::collection::vec(message(), 0..3),
            now in prop::collection::vec(message(), 0..3),
        ) {
            let (before, now) = ([shared.clone(), before].concat(), [shared, now].concat());
            let (before, now) = (body(&before), body(&now));
            let marked = mark_body(before.clone(), &BreakpointOptions::new(CacheRetention::Short)).unwrap().0;
            let layout = scan_to_compare(&now).unwrap();
            let current = Scanned { body: &now, layout: &layout };
            for previous in [before, marked] {
                let whole = start_alike(Scanned { body: &previous, layout: &scan(&previous).unwrap() }, current);
                let text = || format!("{}\n{}", String::from_utf8_lossy(&previous), String::from_utf8_lossy(&now));
                prop_assert_eq!(scan_alike(&previous, current).unwrap().is_some(), whole, "{}", text());
            }
        }
    }
}
