//! Bodies of requests: breakpoints, comparison, usage.

use std::time::Duration;

use provider_auth::CacheRetention;
use provider_auth::cache::{
    BreakpointOptions, BreakpointPlan, CachePrices, CacheUsage, PromptChange, PromptFingerprint, choose_lifetimes,
    mark_body,
};

use super::{Row, check, many, rest, row};

type Shape = fn(usize) -> String;

/// Bodies of many blocks, many tools, long texts and everything else that is looked through.
const SHAPES: [(&str, Shape); 14] = [
    ("messages", |n| body(&many(n, |n| format!(r#",{{"role":"{}","content":"text {n}"}}"#, role(n))))),
    ("blocks of one message", |n| {
        let blocks = many(n, |n| format!(r#",{{"type":"text","text":"t{n}"}}"#));
        body(&format!(r#",{{"role":"user","content":[{}]}}"#, rest(&blocks)))
    }),
    ("tool runs", |n| {
        body(&many(n, |n| {
            format!(
                r#",{{"role":"assistant","content":[{{"type":"tool_use","id":"t{n}","name":"x","input":{{}}}}]}},{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"t{n}","content":[{{"type":"text","text":"r"}}]}}]}}"#
            )
        }))
    }),
    ("markers", |n| {
        body(&many(n, |n| {
            format!(
                r#",{{"role":"{}","content":[{{"type":"text","text":"t","cache_control":{{"type":"ephemeral","ttl":"1h"}}}}]}}"#,
                role(n)
            )
        }))
    }),
    ("thinking", |n| {
        let message = r#",{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"s"},{"type":"text","text":""}]}"#;
        body(&message.repeat(n))
    }),
    ("tools", |n| {
        let tools = many(n, |n| format!(r#",{{"name":"t{n}","input_schema":{{"type":"object"}}}}"#));
        format!(r#"{{"tools":[{}],"messages":[]}}"#, rest(&tools))
    }),
    ("system blocks", |n| {
        format!(
            r#"{{"system":[{}],"messages":[]}}"#,
            rest(&many(n, |n| format!(r#",{{"type":"text","text":"s{n}"}}"#)))
        )
    }),
    ("members", |n| format!(r#"{{{}"messages":[]}}"#, many(n, |n| format!(r#""k{n}":{n},"#)))),
    ("one key again and again", |n| format!(r#"{{{}"messages":[]}}"#, r#""messages":[],"#.repeat(n))),
    ("a long text", |n| body(&format!(r#",{{"role":"user","content":"{}"}}"#, "\\u00e4\\n\\\"".repeat(n)))),
    ("deep values", |n| {
        let deep = many(n / 20, |_| format!(",{}{}", "[".repeat(60), "]".repeat(60)));
        body(&format!(
            r#",{{"role":"user","content":[{{"type":"tool_use","id":"t","name":"x","input":{{"a":[0{deep}]}}}}]}}"#
        ))
    }),
    ("deep without end", |n| format!(r#"{{"messages":[{}"#, r#"{"content":["#.repeat(n))),
    ("tool uses to clear, and tools that are not cleared", |n| {
        let calls = many(n, |n| {
            format!(
                r#",{{"role":"assistant","content":[{{"type":"tool_use","id":"t{n}","name":"x{n}","input":{{}}}}]}},{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"t{n}"}}]}}"#
            )
        });
        let names = many(n, |n| format!(r#","x{}""#, 2 * n));
        format!(
            r#"{{"context_management":{{"edits":[{{"type":"clear_tool_uses_20250919","trigger":{{"type":"tool_uses","value":1}},"exclude_tools":[{}]}}]}},"messages":[{}]}}"#,
            rest(&names),
            rest(&calls)
        )
    }),
    ("white space", |n| format!(r#"{{ {} "messages" : [ ] }}"#, " \n\t".repeat(n))),
];

fn role(n: usize) -> &'static str {
    if n.is_multiple_of(2) { "user" } else { "assistant" }
}

fn body(messages: &str) -> String {
    format!(r#"{{"model":"m","max_tokens":1,"messages":[{}]}}"#, rest(messages))
}

/// One row for an entry and each shape.
fn rows<T: 'static>(name: &'static str, run: fn(&str) -> T) -> impl Iterator<Item = Row> {
    SHAPES.into_iter().map(move |(shape, made)| row(&format!("{name}: {shape}"), 80, made, move |text| run(text)))
}

/// Bodies in which the calls that code execution made differ from those of the previous one, so that nothing after them
/// can be carried over. What was quadratic here is a comparison of bytes, which a unit test counts.
const CALLS: [(&str, Shape); 3] = [
    ("messages after a call by code", |n| {
        let rest = many(n, |n| format!(r#",{{"role":"{}","content":"text {n}"}}"#, role(n)));
        body(&format!(r#",{{"role":"assistant","content":[{}]}}{rest}"#, code_call("t0")))
    }),
    ("blocks after a call by code", |n| {
        let rest = many(n, |n| format!(r#",{{"type":"text","text":"text {n}"}}"#));
        body(&format!(r#",{{"role":"assistant","content":[{}{rest}]}}"#, code_call("t0")))
    }),
    ("calls by code", |n| {
        body(&many(n, |n| {
            let call = code_call(&format!("t{n}"));
            format!(
                r#",{{"role":"assistant","content":[{call}]}},{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"t{n}","content":"text {n}"}}]}}"#
            )
        }))
    }),
];

fn code_call(id: &str) -> String {
    format!(
        r#"{{"type":"tool_use","id":"{id}","name":"x","input":{{}},"caller":{{"type":"code_execution_20250825","tool_id":"s"}}}}"#
    )
}

/// The same body with other text at its end, and with other text at its start.
fn changed(body: &str) -> [String; 2] {
    [body.replacen("]}", "] }", 1), body.replacen("t0", "changed", 1)]
}

#[test]
fn planning() {
    let all = rows("mark", |text| mark_body(text.into(), &BreakpointOptions::new(CacheRetention::Long)))
        .chain(rows("mark, tool runs together", |text| {
            let options = BreakpointOptions::new(CacheRetention::Short).collapses_tool_runs(true);
            mark_body(text.into(), &options.stable_system_blocks(3))
        }))
        .chain(rows("plan with the previous body", |text| {
            let options = || BreakpointOptions::new(CacheRetention::Long).automatic(true);
            let plan = |previous: &str| {
                BreakpointPlan::for_body(text.as_bytes(), &options().previous(previous.as_bytes())).is_ok()
            };
            (changed(text).map(|previous| plan(&previous)), plan(text))
        }))
        .chain(rows("plan with the previous plan", |text| {
            let options = BreakpointOptions::new(CacheRetention::Long);
            let plan = BreakpointPlan::for_body(text.as_bytes(), &options);
            plan.and_then(|plan| {
                let shown = format!("{plan:?}");
                BreakpointPlan::for_body(text.as_bytes(), &options.previous_plan(&plan)).map(|_| shown)
            })
        }));
    check(&all.collect::<Vec<_>>());
}

/// The previous body has another call, or a call in place of a text that was a call.
#[test]
fn planning_with_other_calls_by_code() {
    let all = CALLS.into_iter().map(|(shape, made)| {
        row(&format!("plan with the previous body: {shape}"), 80, made, |text| {
            let options = || BreakpointOptions::new(CacheRetention::Short);
            let previous = text.replacen("t0", "changed", 1);
            let cleared = text.replacen(&code_call("t0"), r#"{"type":"text","text":"[cleared]"}"#, 1);
            [(text, &previous), (&cleared, text), (text, &cleared)].map(|(now, previous)| {
                BreakpointPlan::for_body(now.as_bytes(), &options().previous(previous.as_bytes())).is_ok()
            })
        })
    });
    check(&all.collect::<Vec<_>>());
}

#[test]
fn looking() {
    let all = rows("fingerprint", |text| PromptFingerprint::of(text.as_bytes()))
        .chain(rows("change", |text| {
            changed(text).map(|other| PromptChange::between(other.as_bytes(), text.as_bytes()))
        }))
        .chain(rows("usage of a reply", |text| CacheUsage::from_reply(text.as_bytes())))
        .chain([
            row(
                "usage: iterations of a reply",
                500,
                |n| {
                    let one = r#",{"type":"message","input_tokens":1,"cache_read_input_tokens":1}"#;
                    format!(r#"{{"usage":{{"input_tokens":1,"iterations":[{}]}}}}"#, rest(&one.repeat(n)))
                },
                |text| CacheUsage::from_reply(text.as_bytes()),
            ),
            row(
                "lifetimes: many gaps",
                10_000,
                |n| vec![Duration::from_secs(400); n],
                |gaps| choose_lifetimes(gaps, &CachePrices::default()),
            ),
        ]);
    check(&all.collect::<Vec<_>>());
}
