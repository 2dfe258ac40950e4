//! Where others put markers, reproduced from descriptions of what they do, as of 2026-11. Each gets its best case: no
//! more than four, and never on a block that the API refuses.

use super::simulator::{Prompt, PromptBlock};

pub(crate) struct Placement {
    pub(crate) name: &'static str,
    pub(crate) place: fn(&Prompt) -> Vec<usize>,
}

pub(crate) const PLACEMENTS: [Placement; 6] = [
    Placement { name: "system blocks, last user block (OpenClaw, moltis)", place: system_and_last },
    Placement { name: "system, deepest user text, newest result (OpenClaw N)", place: newest },
    Placement { name: "last tool, system, last block (rig, zeroclaw, ironclaw)", place: tool_system_last },
    Placement { name: "last tool, system, last two user turns (goose, vtcode)", place: two_turns },
    Placement { name: "last tool, system, second-last user turn (aigw)", place: second_last },
    Placement { name: "system only (lean-ctx, grob)", place: system_only },
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
