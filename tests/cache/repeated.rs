//! Duplicate keys in one object: the last one counts, as for the API's reader and for `serde_json`.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use provider_auth::cache::{BreakpointOptions, BreakpointPlan};
use provider_auth::{CacheRetention, ErrorKind};

const MARK: &str = r#""cache_control":{"type":"ephemeral"}"#;

/// The caller's markers that are found.
fn markers(body: &str) -> Vec<String> {
    let body = body.replace("MARK", MARK);
    let plan = BreakpointPlan::for_body(body.as_bytes(), &BreakpointOptions::new(CacheRetention::None)).expect("legal");
    plan.breakpoints().iter().map(|marker| marker.path().to_owned()).collect()
}

#[test]
fn the_last_value_of_a_repeated_key_counts() {
    for (body, expected) in [
        (r#"{"system":[{"type":"text","text":"a",MARK}],"system":"b"}"#, &[][..]),
        (r#"{"system":"b","system":[{"type":"text","text":"a",MARK}]}"#, &["/system/0"]),
        (r#"{"tools":[{"name":"a",MARK}],"messages":[],"tools":[{"name":"a"},{"name":"b",MARK}]}"#, &["/tools/1"]),
        (r#"{"messages":[{"role":"user","content":[{"type":"text","text":"a",MARK}],"content":"b"}]}"#, &[]),
        (r#"{"messages":[{"content":"b","content":[{"type":"text","text":"a",MARK}]}]}"#, &["/messages/0/content/0"]),
        (r#"{"system":[{"type":"text","text":"a",MARK,"cache_control":null}]}"#, &[]),
        (r#"{"system":[{"type":"text","text":"a",MARK,MARK}]}"#, &["/system/0"]),
        // Another key than `system`, however alike.
        (r#"{"system":"b","system\u0000":[{"type":"text","text":"a",MARK}]}"#, &[]),
        (r#"{"system":[{"type":"text","text":"a",MARK}],"\u0073ystem":"b"}"#, &[]),
        (r#"{"cache_control":{"type":"ephemeral"},"cache_control":null,"messages":[{"content":"a"}]}"#, &[]),
    ] {
        assert_eq!(markers(body), expected, "{body}");
    }
}

#[test]
fn so_it_does_for_markers_inside_a_block() {
    let inside = r#"[{"type":"text","text":"a",MARK}]"#;
    let result =
        |members: &str| format!(r#"{{"messages":[{{"role":"user","content":[{{"type":"tool_result",{members}}}]}}]}}"#);
    let content = "/messages/0/content/0/content/0";
    for (members, expected) in [
        (format!(r#""content":{inside},"content":"b""#), &[][..]),
        (format!(r#""content":{inside},"content":[]"#), &[]),
        (format!(r#""content":"b","content":{inside}"#), &[content]),
        (format!(r#""content":{inside},"content":{inside}"#), &[content]),
        (format!(r#""content":{inside},"\u0063ontent":"b""#), &[]),
        (format!(r#""source":{{"content":{inside}}},"content":{inside},"source":{{"content":"b"}}"#), &[content]),
        (format!(r#""source":{{"content":{inside},"content":"b"}},"content":{inside}"#), &[content]),
        // Markers on citations are refused; these are replaced.
        (format!(r#""citations":{inside},"content":{inside},"citations":null"#), &[content]),
        // The same, one level further down.
        (format!(r#""content":[{{"type":"document","source":{{"content":{inside}}},"source":{{}}}}]"#), &[]),
        (
            format!(r#""content":[{{"type":"document","source":{{"content":{inside}}},"content":[]}}]"#),
            &["/messages/0/content/0/content/0/source/content/0"],
        ),
        (format!(r#""content":[{{"type":"document","source":{{"content":{inside}}}}}],"content":[]"#), &[]),
    ] {
        assert_eq!(markers(&result(&members)), expected, "{members}");
    }
}

#[test]
fn markers_of_a_message_that_is_read_anew_leave_no_trace_on_its_neighbours() {
    let body = r#"{"messages":[{"role":"user","content":[{"type":"text","text":"a",MARK}],"content":[{"type":"text","text":"b"}]},
        {"role":"user","content":[{"type":"text","text":"c",MARK}]}]}"#;
    assert_eq!(markers(body), ["/messages/1/content/0"]);
}

#[test]
fn the_order_of_keys_does_not_order_markers() {
    let short = r#"[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]"#;
    let long = r#"[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"1h"}}]"#;
    let block = |members: String| format!(r#"{{"messages":[{{"content":[{{"type":"document",{members}}}]}}]}}"#);
    for members in [
        format!(r#""content":{long},"source":{{"content":{short}}}"#),
        format!(r#""source":{{"content":{short}}},"content":{long}"#),
    ] {
        assert_eq!(markers(&block(members)).len(), 2);
    }
}

/// Nothing is timed here, but by the square of their length these would take hours.
#[test]
fn hostile_bodies_are_read_in_one_pass() {
    let marker = r#"{"cache_control":0},"#.repeat(50_000);
    let again = r#""source":{"content":[{"cache_control":0}]},"#.repeat(50_000);
    let body = format!(
        r#"{{"messages":[{{"role":"user","content":[{{"type":"tool_result","content":[{marker}0],{again}"a":0}}]}}]}}"#
    );
    let refused = BreakpointPlan::for_body(body.as_bytes(), &BreakpointOptions::new(CacheRetention::Short))
        .expect_err("markers without a type");
    assert_eq!(refused.kind(), ErrorKind::InvalidCacheMarker);

    let small = r#"{"type":"text","text":"a"},"#.repeat(50_000);
    let previous = format!(r#"{{"messages":[{{"role":"user","content":[{small}0]}}]}}"#);
    let current = format!(r#"{{"messages":[{{"role":"user","content":"{}"}}]}}"#, "b".repeat(2_000_000));
    let options = BreakpointOptions::new(CacheRetention::Short).previous(previous.as_bytes());
    let plan = BreakpointPlan::for_body(current.as_bytes(), &options).expect("legal");
    assert_eq!(plan.breakpoints().len(), 1);
}
