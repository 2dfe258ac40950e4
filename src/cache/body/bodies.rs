//! Bodies for the tests, in parts that are put together: tools, system, and messages of all kinds.

use proptest::prelude::*;

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
        1 => Just(r#"{"type":"tool_use","id":"1"}"#.to_owned()),
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
            _ => format!(r#"{{"role":"{role}","content":{content}}}"#),
        });
    (part(), part(), prop::collection::vec(message, 0..6))
        .prop_map(|(tools, system, messages)| [vec![tools, system], messages].concat())
}

pub(in crate::cache) fn spelled(parts: &[String]) -> String {
    let (head, messages) = parts.split_at(2);
    format!(r#"{{"tools":{},"system":{},"messages":[{}]}}"#, head[0], head[1], messages.join(","))
}
