//! Bodies for the tests, in parts that are put together: tools, system, and messages of all kinds.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::layout::BodyLayout;

pub(super) const MARK: &str = r#""cache_control":{"type":"ephemeral"}"#;

fn part() -> impl Strategy<Value = String> {
    let block = prop_oneof![
        4 => Just(r#"{"type":"text","text":"a"}"#.to_owned()),
        2 => Just(format!(r#"{{"type":"text","text":"a",{MARK}}}"#)),
        1 => Just(format!(r#"{{"type":"text",{MARK},"text":"b" , {MARK} }}"#)),
        1 => Just(r#"{"type":"text","text":"b" }"#.to_owned()),
        1 => Just(format!(r#"{{"type":"text","text":"b"  ,{MARK}}}"#)),
        1 => Just(r#"{"text":"a","type":"text","cache_control":null}"#.to_owned()),
        1 => Just("{}".to_owned()),
        1 => Just(format!("{{{MARK}}}")),
        1 => Just(r#"{"n":1}"#.to_owned()),
        1 => Just(r#"{"n":12,"defer_loading":true}"#.to_owned()),
        1 => Just("7".to_owned()),
        1 => Just(format!(r#"{{"n":1,"default_config":{{"defer_loading":true,{MARK}}}}}"#)),
        2 => Just(format!(r#"{{"type":"tool_result","content":[{{"type":"text","text":"a",{MARK}}}]}}"#)),
        1 => Just(r#"{"type":"tool_result","content":"a","configs":{}}"#.to_owned()),
        1 => Just(r#"{"type":"tool_use","id":"1","caller":{"type":"code_execution_20250825"}}"#.to_owned()),
        1 => Just(r#"{"type":"tool_use","id":"2","caller":{"type":"code_execution_20250825"}}"#.to_owned()),
        1 => Just(r#"{"type":"tool_use","id":"1"}"#.to_owned()),
        1 => Just(r#"{"type":"compaction","content":"a"}"#.to_owned()),
        1 => Just(format!(r#"{{"type":"text","text":"a\u0041",{MARK},{MARK}}}"#)),
        1 => Just(r#"{"type":"text","text":"a\u0041"}"#.to_owned()),
        1 => Just(format!(r#"{{"type":"mcp_toolset","configs":{{"a":{{"defer_loading":true,{MARK}}}}}}}"#)),
        1 => Just(format!(r#"{{"type":"document","source":{{"content":[{{"type":"text","text":"a",{MARK}}}]}}}}"#)),
        2 => Just(r#"{"type":"tool_result","tool_use_id":"1"}"#.to_owned()),
    ];
    prop_oneof![
        2 => "[ab]{0,2}".prop_map(|text| format!("\"{text}\"")),
        1 => "[ab]{0,2}".prop_map(|text| format!(r#"[{{"type":"text","text":"{text}",{MARK}}}]"#)),
        1 => "[ab]{0,2}".prop_map(|text| format!(r#"[{{"type":"text","text":"{text}",{MARK}}},{{}}]"#)),
        6 => prop::collection::vec(block, 0..4).prop_map(|blocks| format!("[{}]", blocks.join(","))),
    ]
}

pub(in crate::cache) fn parts() -> impl Strategy<Value = Vec<String>> {
    let message =
        (part(), prop::sample::select(vec!["user", "assistant"]), 0_u8..8).prop_map(|(content, role, how)| match how {
            0 => format!(r#"{{"content":{content},"role":"{role}"}}"#),
            1 => format!(r#"{{"role":"{role}","content":[{{}}],"content":{content}}}"#),
            2 => "null".to_owned(),
            3 => format!(r#"{{"role":"{role}","content":{content},{MARK}}}"#),
            _ => format!(r#"{{"role":"{role}","content":{content}}}"#),
        });
    (part(), part(), prop::collection::vec(message, 0..6))
        .prop_map(|(tools, system, messages)| [vec![tools, system], messages].concat())
}

/// The form of a body with tools and messages that are replaced later.
pub(in crate::cache) const REPEATED: u8 = 4;

/// Puts a body together. `form` decides the order of its members, and which others it has.
pub(in crate::cache) fn spelled(parts: &[String], form: u8) -> String {
    let (head, messages) = parts.split_at(2);
    let mut members = vec![
        format!(r#""tools":{}"#, head[0]),
        format!(r#""system":{}"#, head[1]),
        format!(r#""messages":[{}]"#, messages.join(",")),
    ];
    members.rotate_left(usize::from(form % 3));
    let has = |bit: u8| form & bit != 0;
    if has(REPEATED) {
        members.insert(0, r#""messages":[{"role":"user","content":["a",{}]}],"tools":[{}]"#.to_owned());
    }
    if has(8) {
        members.insert(1, MARK.to_owned());
    }
    if has(16) {
        members.insert(0, r#""anthropic_version":"2","anthropic_beta":[]"#.to_owned());
    }
    if has(32) {
        members.push(r#""context_management":{}"#.to_owned());
    }
    format!("{{{}{}}}", members.join(", "), if has(64) { "\n" } else { "" })
}

/// What was found, but for what only a comparison needs and whether a search for a compaction is worth it.
pub(in crate::cache) fn shown(mut layout: BodyLayout) -> String {
    let table = &mut layout.table;
    (table.same_code_calls, table.calls_differ, table.has_compaction) = (0, false, false);
    table.blocks.iter_mut().for_each(|block| block.same = false);
    let ids: BTreeMap<_, _> = std::mem::take(&mut table.code_call_ids).into_iter().collect();
    format!("{layout:?} {ids:?}")
}
