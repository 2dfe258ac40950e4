//! Old tool results that the API clears before it reads the prompt, as far as the body shows it.
//!
//! The edit `clear_tool_uses_20250919` of `context_management` replaces the results of all but the newest tool uses by a
//! few words, and with `clear_tool_inputs` the inputs of their calls too, once a trigger is passed (context editing
//! page, 2026-09). The client sends the whole history each time, so each new tool use clears one more, and the cached
//! prefix ends there. The body does not show whether a trigger in tokens is passed, nor what `clear_at_least` does.
//!
//! The edit `clear_thinking_20251015` is not followed: what counts as one of the turns that it keeps is not documented.

use std::collections::HashSet;

use serde_json::Value;

use crate::cache::body::{Block, BlockKind, Scanned, call_has_name};

/// The number of tool uses that are kept by default.
const KEPT: usize = 3;

/// Results that the API clears, or may clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clearing {
    /// The first block of messages that is cleared.
    pub(crate) first: usize,
    /// The first block after `first` that is kept now and cleared later.
    pub(crate) next: usize,
    /// The last tool use.
    last_use: usize,
    /// `true` if the trigger is passed as far as the body shows, `false` if the body does not show that.
    pub(crate) certain: bool,
}

impl Clearing {
    /// Looks at the first `count` blocks of the messages. Returns `None` if nothing is cleared.
    pub(crate) fn of(scanned: Scanned<'_>, count: usize) -> Option<Self> {
        let edit = ClearToolUses::read(scanned)?;
        let blocks = scanned.layout.messages().blocks;
        let blocks = blocks.get(..count.min(blocks.len()))?;
        // The API does not read what is before a compaction.
        let from = scanned.layout.compaction().unwrap_or_default();
        let calls = || blocks.iter().enumerate().skip(from).filter(|(_, block)| block.kind == BlockKind::ToolUse);
        // Whether calls by code execution and excluded tools count is not documented. Without them, everything before
        // the ones that are kept is cleared in either case.
        let counted = calls().rev().filter(|(_, block)| !block.by_code && !edit.excludes(scanned, block));
        let mut counted = counted.map(|(index, _)| index);
        let (mut kept, mut first, mut cleared) = (None, None, 0);
        let last_use = counted.next()?;
        for (newer, index) in std::iter::once(last_use).chain(counted).enumerate() {
            if newer < edit.keep {
                kept = Some(index);
            } else {
                (first, cleared) = (Some(index), cleared + 1);
            }
        }
        let (kept, first) = (kept?, first?);
        let passed = |uses: usize| edit.trigger.is_none_or(|trigger| uses > trigger);
        if !passed(calls().count()) {
            return None;
        }
        let certain = edit.trigger.is_some() && !edit.in_batches && passed(edit.keep + cleared);
        // The result of a call, or the first of the results of several. Those between are cleared already.
        let cut = |call: usize| {
            let is_result = |block: &Block| block.kind == BlockKind::ToolResult;
            let result = blocks.iter().skip(call).position(is_result).filter(|_| !edit.inputs);
            call + result.unwrap_or_default()
        };
        Some(Self { first: cut(first), next: cut(kept), last_use, certain })
    }

    /// Returns the last block that the API leaves unchanged in later requests.
    pub(crate) fn stable(self) -> Option<usize> {
        self.next.checked_sub(1)
    }

    /// Returns `true` if the next request will lose everything from [`next`](Self::next) on: the answer after the turn
    /// that ends at `turn` used a tool, so the next answer is expected to.
    pub(crate) fn goes_on(self, turn: Option<usize>) -> bool {
        self.certain && turn.is_none_or(|turn| turn < self.last_use)
    }
}

/// The settings of the edit.
struct ClearToolUses {
    keep: usize,
    /// The number of tool uses up to which nothing is cleared; `None` if it is not a number of tool uses.
    trigger: Option<usize>,
    /// `true` if nothing is cleared until it is enough.
    in_batches: bool,
    /// `true` if the inputs of calls are cleared too.
    inputs: bool,
    /// The names of tools whose results are not cleared.
    excluded: HashSet<Vec<u8>>,
}

impl ClearToolUses {
    fn read(scanned: Scanned<'_>) -> Option<Self> {
        let field: Value = serde_json::from_slice(scanned.layout.context_management?.of(scanned.body)).ok()?;
        let is_clearing = |edit: &&Value| edit.get("type").is_some_and(|kind| kind == "clear_tool_uses_20250919");
        let edit = field.get("edits")?.as_array()?.iter().find(is_clearing)?;
        let set = |name: &str| edit.get(name).filter(|value| !value.is_null());
        let uses = |value: &Value| {
            let is_uses = value.get("type").is_some_and(|kind| kind == "tool_uses");
            value.get("value").and_then(Value::as_u64).and_then(|uses| usize::try_from(uses).ok()).filter(|_| is_uses)
        };
        let excluded = set("exclude_tools").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        Some(Self {
            keep: set("keep").map_or(Some(KEPT), uses)?,
            trigger: set("trigger").and_then(uses),
            in_batches: set("clear_at_least").is_some(),
            inputs: set("clear_tool_inputs").is_some_and(|inputs| *inputs != Value::Bool(false)),
            excluded: excluded.map(|name| name.as_bytes().to_vec()).collect(),
        })
    }

    fn excludes(&self, scanned: Scanned<'_>, call: &Block) -> bool {
        !self.excluded.is_empty() && call_has_name(call.span.of(scanned.body), |name| self.excluded.contains(name))
    }
}
