//! The placements of other programs, reproduced from their descriptions as of 2026-11. Each gets its best case: at most
//! four markers, and never one on a block where the API refuses it.

use super::simulator::{Prompt, PromptBlock};

pub(crate) struct Placement {
    /// What it is called in the documentation.
    pub(crate) column: &'static str,
    pub(crate) place: fn(&Prompt) -> Vec<usize>,
}

pub(crate) const PLACEMENTS: [Placement; 6] = [
    // OpenClaw, moltis.
    Placement { column: "system, last block", place: system_and_last },
    // OpenClaw's newest.
    Placement { column: "system, last text, last result", place: newest },
    // rig, zeroclaw, ironclaw.
    Placement { column: "tool, system, last block", place: tool_system_last },
    // goose, vtcode.
    Placement { column: "tool, system, two last turns", place: two_turns },
    // aigw.
    Placement { column: "tool, system, second-last turn", place: second_last },
    // lean-ctx, grob.
    Placement { column: "system only", place: system_only },
];

fn last(prompt: &Prompt, is: impl Fn(&PromptBlock) -> bool) -> Option<usize> {
    prompt.blocks.iter().rposition(is)
}

fn system(prompt: &Prompt) -> Option<usize> {
    last(prompt, |block| block.path.starts_with("/system/"))
}

fn tool(prompt: &Prompt) -> Option<usize> {
    last(prompt, |block| block.path.starts_with("/tools/"))
}

/// The last block of each message of the user, the newest first.
fn turns(prompt: &Prompt) -> Vec<usize> {
    let ends = prompt.blocks.iter().enumerate().filter(|(index, block)| {
        let next = prompt.blocks.get(index + 1);
        block.user && next.is_none_or(|next| message(next) != message(block))
    });
    let mut ends: Vec<_> = ends.map(|(index, _)| index).collect();
    ends.reverse();
    ends
}

fn message(block: &PromptBlock) -> &str {
    block.path.split("/content/").next().unwrap_or_default()
}

fn system_and_last(prompt: &Prompt) -> Vec<usize> {
    let systems = prompt.blocks.iter().enumerate().filter(|(_, block)| block.path.starts_with("/system/"));
    systems.map(|(index, _)| index).take(3).chain(turns(prompt).first().copied()).collect()
}

fn newest(prompt: &Prompt) -> Vec<usize> {
    let mut chosen: Vec<usize> = system_and_last(prompt);
    chosen.pop();
    let text = last(prompt, |block| block.user && (block.kind == "text" || block.kind == "image"));
    let result = last(prompt, |block| block.user && block.kind == "tool_result");
    let newest = if chosen.len() < 3 { [text, result] } else { [result.or(text), None] };
    chosen.extend(newest.into_iter().flatten());
    chosen
}

fn tool_system_last(prompt: &Prompt) -> Vec<usize> {
    tool(prompt).into_iter().chain(system(prompt)).chain(turns(prompt).first().copied()).collect()
}

fn two_turns(prompt: &Prompt) -> Vec<usize> {
    tool(prompt).into_iter().chain(system(prompt)).chain(turns(prompt).into_iter().take(2)).collect()
}

fn second_last(prompt: &Prompt) -> Vec<usize> {
    tool(prompt).into_iter().chain(system(prompt)).chain(turns(prompt).get(1).copied()).collect()
}

fn system_only(prompt: &Prompt) -> Vec<usize> {
    system(prompt).into_iter().collect()
}

/// A place that a rule may mark, by name.
pub(crate) type Place = (&'static str, fn(&Prompt) -> Option<usize>);

/// What the rules of a search choose from.
pub(crate) const PLACES: [Place; 9] = [
    ("tools", tool),
    ("system but the last", |prompt| {
        system(prompt)?.checked_sub(1).filter(|index| prompt.blocks[*index].path.starts_with("/system/"))
    }),
    ("system", system),
    ("last turn", |prompt| turns(prompt).first().copied()),
    ("second-last turn", |prompt| turns(prompt).get(1).copied()),
    ("third-last turn", |prompt| turns(prompt).get(2).copied()),
    ("fourth-last turn", |prompt| turns(prompt).get(3).copied()),
    ("last answer", |prompt| last(prompt, |block| block.section == 2 && !block.user && block.carries())),
    ("last turn but for its last block", |prompt| {
        let end = *turns(prompt).first()?;
        end.checked_sub(1).filter(|index| message(&prompt.blocks[*index]) == message(&prompt.blocks[end]))
    }),
];
