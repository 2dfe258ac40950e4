//! The rules for placing markers, one row each.
#![allow(clippy::expect_used, clippy::string_slice, reason = "a test fails by panicking")]

use provider_auth::cache::{
    Breakpoint, BreakpointOptions, BreakpointOrigin, BreakpointPlan, BreakpointReason, mark_body,
};
use provider_auth::{CacheRetention, ErrorKind};

const SHORT: CacheRetention = CacheRetention::Short;
const LONG: CacheRetention = CacheRetention::Long;

fn marked(body: &str, retention: CacheRetention) -> (String, BreakpointPlan) {
    let (bytes, plan) = mark_body(body.as_bytes().to_vec(), &BreakpointOptions::new(retention)).expect("a legal body");
    (String::from_utf8(bytes).expect("text"), plan)
}

/// Writes `§` for a bare marker and `¶` for a one-hour marker, both as a further member.
fn spelled(text: &str) -> String {
    text.replace('§', r#","cache_control":{"type":"ephemeral"}"#)
        .replace('¶', r#","cache_control":{"type":"ephemeral","ttl":"1h"}"#)
}

#[test]
fn markers_stand_where_they_should() {
    for (name, retention, body, expected) in [
        (
            "all three, short",
            SHORT,
            r#"{"tools":[{"name":"a"},{"name":"b"}],"system":[{"type":"text","text":"s"}],"messages":[{"role":"user","content":[{"type":"text","text":"u"}]}]}"#,
            r#"{"tools":[{"name":"a"},{"name":"b"§}],"system":[{"type":"text","text":"s"§}],"messages":[{"role":"user","content":[{"type":"text","text":"u"§}]}]}"#,
        ),
        (
            "all three, long",
            LONG,
            r#"{"tools":[{"name":"a"}],"system":[{"type":"text","text":"s"}],"messages":[{"role":"user","content":[{"type":"text","text":"u"}]}]}"#,
            r#"{"tools":[{"name":"a"¶}],"system":[{"type":"text","text":"s"¶}],"messages":[{"role":"user","content":[{"type":"text","text":"u"¶}]}]}"#,
        ),
        (
            "strings become blocks",
            SHORT,
            r#"{"messages":[{"content":"u\u0022","role":"user"}],"system":"s"}"#,
            r#"{"messages":[{"content":[{"type":"text","text":"u\u0022"§}],"role":"user"}],"system":[{"type":"text","text":"s"§}]}"#,
        ),
        (
            "white space stays, and an empty tool needs no comma",
            SHORT,
            "{ \"tools\" : [ { } ] , \"messages\" : [ { \"role\" : \"user\" , \"content\" : [ {\n\"type\" : \"image\"\n} ] } ] }",
            "{ \"tools\" : [ {\"cache_control\":{\"type\":\"ephemeral\"} } ] , \"messages\" : [ { \"role\" : \"user\" , \"content\" : [ {\n\"type\" : \"image\"§\n} ] } ] }",
        ),
        (
            "deferred tools are passed over, toolsets are not",
            SHORT,
            r#"{"tools":[{"type":"mcp_toolset","mcp_server_name":"m"},{"name":"d","defer_loading":true}]}"#,
            r#"{"tools":[{"type":"mcp_toolset","mcp_server_name":"m"§},{"name":"d","defer_loading":true}]}"#,
        ),
        (
            "walks back over blocks that cannot be marked",
            SHORT,
            r#"{"messages":[{"role":"user","content":[{"type":"tool_result","content":[{"type":"text","text":"r"}]},{"type":"text","text":""},{"type":"text","text":" \n"},{"type":"new_thing"},{"type":"text","text":"x","cache_control":null}]},{"role":"assistant","content":[{"type":"text","text":"prefill"}]}]}"#,
            r#"{"messages":[{"role":"user","content":[{"type":"tool_result","content":[{"type":"text","text":"r"}]§},{"type":"text","text":""},{"type":"text","text":" \n"},{"type":"new_thing"},{"type":"text","text":"x","cache_control":null}]},{"role":"assistant","content":[{"type":"text","text":"prefill"}]}]}"#,
        ),
        (
            "empty strings stay strings",
            SHORT,
            r#"{"system":"","messages":[{"role":"user","content":"first"},{"role":"assistant","content":"a"},{"role":"user","content":""}]}"#,
            r#"{"system":"","messages":[{"role":"user","content":[{"type":"text","text":"first"§}]},{"role":"assistant","content":"a"},{"role":"user","content":""}]}"#,
        ),
        (
            "a bare marker before a caller's one-hour marker would be illegal",
            SHORT,
            r#"{"tools":[{"name":"a"}],"system":[{"type":"text","text":"s"¶}],"messages":[{"role":"user","content":"u"}]}"#,
            r#"{"tools":[{"name":"a"}],"system":[{"type":"text","text":"s"¶}],"messages":[{"role":"user","content":[{"type":"text","text":"u"§}]}]}"#,
        ),
        (
            "a one-hour marker after a caller's bare one would be illegal",
            LONG,
            r#"{"tools":[{"name":"a"}],"system":[{"type":"text","text":"s"§}],"messages":[{"role":"user","content":"u"}]}"#,
            r#"{"tools":[{"name":"a"¶}],"system":[{"type":"text","text":"s"§}],"messages":[{"role":"user","content":"u"}]}"#,
        ),
        (
            "a nested marker of the caller serves its parent",
            SHORT,
            r#"{"messages":[{"role":"user","content":[{"type":"tool_result","content":[{"type":"text","text":"r"§}]}]}]}"#,
            r#"{"messages":[{"role":"user","content":[{"type":"tool_result","content":[{"type":"text","text":"r"§}]}]}]}"#,
        ),
        (
            "the automatic marker takes the last block",
            SHORT,
            r#"{"cache_control":{"type":"ephemeral"},"system":"s","messages":[{"role":"user","content":"u"}]}"#,
            r#"{"cache_control":{"type":"ephemeral"},"system":[{"type":"text","text":"s"§}],"messages":[{"role":"user","content":"u"}]}"#,
        ),
        (
            "escaped names are names",
            SHORT,
            r#"{"\u006dessages":[{"r\u006fle":"us\u0065r","content":[{"\u0074ype":"t\u0065xt","text":"u"}]}]}"#,
            r#"{"\u006dessages":[{"r\u006fle":"us\u0065r","content":[{"\u0074ype":"t\u0065xt","text":"u"§}]}]}"#,
        ),
        (
            "the last of two equal keys counts",
            SHORT,
            r#"{"messages":[{"role":"user","content":"old"}],"messages":[{"role":"user","role":"assistant","content":"a"},{"role":"user","content":"b","content":"c"}]}"#,
            r#"{"messages":[{"role":"user","content":"old"}],"messages":[{"role":"user","role":"assistant","content":"a"},{"role":"user","content":"b","content":[{"type":"text","text":"c"§}]}]}"#,
        ),
    ] {
        let (once, plan) = marked(&spelled(body), retention);
        assert_eq!(once, spelled(expected), "{name}");
        let (twice, again) = marked(&once, retention);
        assert_eq!(twice, once, "{name}, applied twice");
        let places =
            |plan: &BreakpointPlan| plan.breakpoints().iter().map(|m| (m.path().to_owned(), m.ttl)).collect::<Vec<_>>();
        assert_eq!(places(&plan), places(&again), "{name}, the same markers");
        assert!(
            again.breakpoints().iter().all(|marker| marker.origin == BreakpointOrigin::Caller),
            "{name}, all there already"
        );
    }
}

#[test]
fn a_short_budget_goes_to_the_longest_prefix_first() {
    let body = |callers: usize| {
        let blocks: Vec<_> = (0..6)
            .map(|index| format!(r#"{{"type":"text","text":"{index}"{}}}"#, if index < callers { "§" } else { "" }))
            .collect();
        spelled(&format!(
            r#"{{"tools":[{{"name":"a"}}],"system":"s","messages":[{{"role":"assistant","content":[{}]}},{{"role":"user","content":"u"}}]}}"#,
            blocks.join(",")
        ))
    };
    for (callers, ours) in [
        (0, vec!["/tools/0", "/system/0", "/messages/1/content/0"]),
        (1, vec!["/tools/0", "/system/0", "/messages/1/content/0"]),
        (2, vec!["/system/0", "/messages/1/content/0"]),
        (3, vec!["/messages/1/content/0"]),
        (4, vec![]),
    ] {
        let (_, plan) = marked(&body(callers), SHORT);
        let planned: Vec<_> = plan
            .breakpoints()
            .iter()
            .filter(|marker| marker.origin == BreakpointOrigin::Planned)
            .map(Breakpoint::path)
            .collect();
        assert_eq!(planned, ours);
        assert_eq!(plan.notes().len(), 3 - ours.len());
        assert!(plan.notes().iter().all(|note| note.reason == BreakpointReason::NoMarkerLeft));
    }
}

#[test]
fn each_illegal_state_of_the_caller_has_its_own_error() {
    let message = |content: &str| format!(r#"{{"messages":[{{"role":"user","content":[{content}]}}]}}"#);
    let text = r#"{"type":"text","text":"x"§}"#;
    let hour = r#"{"type":"text","text":"x"¶}"#;
    for (name, body, kind) in [
        ("five markers", message(&[text; 5].join(",")), ErrorKind::TooManyCacheMarkers),
        (
            "four and an automatic one",
            format!(r#"{{"cache_control":{{"type":"ephemeral"}},{}"#, &message(&[text; 4].join(","))[1..]),
            ErrorKind::TooManyCacheMarkers,
        ),
        (
            "nested ones count",
            message(&[r#"{"type":"tool_result","content":[{"type":"text","text":"x"§}]}"#; 5].join(",")),
            ErrorKind::TooManyCacheMarkers,
        ),
        ("one hour after five minutes", message(&[text, hour].join(",")), ErrorKind::CacheMarkerOrder),
        (
            "in the order of the prompt, not of the bytes",
            r#"{"messages":[{"role":"user","content":[{"type":"image"¶}]}],"tools":[{"name":"a"§}]}"#.to_owned(),
            ErrorKind::CacheMarkerOrder,
        ),
        (
            "the automatic marker comes last",
            format!(r#"{{"cache_control":{{"type":"ephemeral","ttl":"1h"}},{}"#, &message(text)[1..]),
            ErrorKind::CacheMarkerOrder,
        ),
        (
            "the automatic marker on a block with another lifetime",
            format!(r#"{{"cache_control":{{"type":"ephemeral"}},{}"#, &message(hour)[1..]),
            ErrorKind::InvalidCacheMarker,
        ),
        ("thinking", message(r#"{"type":"thinking","thinking":"t"§}"#), ErrorKind::InvalidCacheMarker),
        ("redacted thinking", message(r#"{"type":"redacted_thinking","data":"t"§}"#), ErrorKind::InvalidCacheMarker),
        ("empty text", message(r#"{"type":"text","text":""§}"#), ErrorKind::InvalidCacheMarker),
        ("unknown type", message(r#"{"type":"image","cache_control":{"type":"x"}}"#), ErrorKind::InvalidCacheMarker),
        (
            "unknown ttl",
            message(r#"{"type":"image","cache_control":{"type":"ephemeral","ttl":"2h"}}"#),
            ErrorKind::InvalidCacheMarker,
        ),
        ("not an object", message(r#"{"type":"image","cache_control":true}"#), ErrorKind::InvalidCacheMarker),
        (
            "nested, not the last",
            message(r#"{"type":"tool_result","content":[{"type":"text","text":"x"§},{"type":"text","text":"y"}]}"#),
            ErrorKind::InvalidCacheMarker,
        ),
        (
            "nested in a document, not the last",
            message(r#"{"type":"document","source":{"content":[{"type":"text","text":"x"§},{"type":"image"}]}}"#),
            ErrorKind::InvalidCacheMarker,
        ),
        (
            "a citation",
            message(r#"{"type":"text","text":"x","citations":[{"type":"char_location"§}]}"#),
            ErrorKind::InvalidCacheMarker,
        ),
        (
            "inside a toolset",
            r#"{"tools":[{"type":"mcp_toolset","configs":{"t":{"enabled":true§}}}]}"#.to_owned(),
            ErrorKind::InvalidCacheMarker,
        ),
        ("an array", "[]".to_owned(), ErrorKind::InvalidBody),
        ("a word", "null".to_owned(), ErrorKind::InvalidBody),
        ("nothing", String::new(), ErrorKind::InvalidBody),
        ("broken", r#"{"a":1,}"#.to_owned(), ErrorKind::InvalidBody),
        ("two values", "{} {}".to_owned(), ErrorKind::InvalidBody),
    ] {
        for retention in [CacheRetention::None, SHORT, LONG] {
            let error = BreakpointPlan::for_body(spelled(&body).as_bytes(), &BreakpointOptions::new(retention))
                .expect_err(name);
            assert_eq!(error.kind(), kind, "{name}");
        }
    }
}

#[test]
fn each_omission_is_explained() {
    for (body, retention, reason) in [
        (r#"{"messages":[]}"#, SHORT, BreakpointReason::NothingToMark),
        (r#"{"messages":[{"role":"user","content":[{"type":"image"§}]}]}"#, SHORT, BreakpointReason::AlreadyMarked),
        (
            r#"{"cache_control":{"type":"ephemeral"},"messages":[{"role":"user","content":"u"}]}"#,
            SHORT,
            BreakpointReason::AutomaticMarker,
        ),
        (
            r#"{"messages":[{"role":"user","content":[{"type":"image","cache_control":null}]}]}"#,
            SHORT,
            BreakpointReason::NullMarker,
        ),
        (r#"{"messages":[{"role":"user","content":[{"type":"thinking"}]}]}"#, SHORT, BreakpointReason::Thinking),
        (r#"{"messages":[{"role":"user","content":""}]}"#, SHORT, BreakpointReason::EmptyText),
        (r#"{"tools":[{"name":"a","defer_loading":true}]}"#, SHORT, BreakpointReason::DeferredTool),
        (r#"{"messages":[{"role":"user","content":[{"type":"hologram"}]}]}"#, SHORT, BreakpointReason::UnknownType),
        (
            r#"{"system":"s","messages":[{"role":"user","content":[{"type":"image"¶}]}]}"#,
            SHORT,
            BreakpointReason::LaterOneHour,
        ),
        (
            r#"{"system":[{"type":"text","text":"s"§}],"messages":[{"role":"user","content":"u"}]}"#,
            LONG,
            BreakpointReason::EarlierFiveMinutes,
        ),
    ] {
        let (_, plan) = marked(&spelled(body), retention);
        assert!(plan.notes().iter().any(|note| note.reason == reason), "{reason:?}: {:?}", plan.notes());
        assert!(plan.notes().iter().all(|note| note.to_string().starts_with("no marker added ")));
    }
    let (bytes, plan) = marked(r#"{"messages":[{"role":"user","content":"u"}]}"#, CacheRetention::None);
    assert_eq!(bytes, r#"{"messages":[{"role":"user","content":"u"}]}"#);
    assert!(plan.notes().is_empty() && plan.breakpoints().is_empty());
}

#[test]
fn hostile_nesting_is_an_error_on_a_small_stack() {
    let levels = 100_000;
    let bodies = [
        format!(r#"{{"x":{}"#, "[".repeat(levels)),
        "[".repeat(levels),
        format!(r#"{{"messages":[{{"content":{}"#, r#"[{"type":"tool_result","content":"#.repeat(levels)),
        r#"{"source":"#.repeat(levels),
        r#"{"tools":[{"x":"#.repeat(levels),
    ];
    let kinds = std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(move || {
            bodies.map(|body| {
                BreakpointPlan::for_body(body.as_bytes(), &BreakpointOptions::new(SHORT)).map_err(|error| error.kind())
            })
        })
        .expect("a thread")
        .join()
        .expect("no overflow");
    assert!(kinds.iter().all(|kind| *kind == Err(ErrorKind::TooDeep)), "{kinds:?}");
}

#[test]
fn the_output_is_allocated_once_at_its_exact_size() {
    let body = r#"{"tools":[{"name":"a"}],"system":"s","messages":[{"role":"user","content":"u"}]}"#;
    let (marked, _) = mark_body(body.as_bytes().to_vec(), &BreakpointOptions::new(LONG)).expect("a legal body");
    assert_eq!(marked.capacity(), marked.len());

    // Without a marker to add, the body is handed back as it came.
    let body = body.as_bytes().to_vec();
    let address = body.as_ptr();
    let (same, _) = mark_body(body, &BreakpointOptions::new(CacheRetention::None)).expect("a legal body");
    assert_eq!(same.as_ptr(), address);
}

#[test]
fn a_flood_of_markers_is_refused_in_linear_time() {
    let block = r#"{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}"#;
    let many = vec![block; 200_000].join(",");
    for (body, kind) in [
        (format!(r#"{{"system":[{many}]}}"#), ErrorKind::TooManyCacheMarkers),
        (
            format!(r#"{{"messages":[{{"role":"user","content":[{{"type":"tool_result","content":[{many}]}}]}}]}}"#),
            ErrorKind::InvalidCacheMarker,
        ),
    ] {
        assert_eq!(
            BreakpointPlan::for_body(body.as_bytes(), &BreakpointOptions::new(SHORT)).expect_err("refused").kind(),
            kind
        );
    }
}
