//! Old tool results that the API clears (`context_management`): where the markers go, and what a comparison says.
#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use provider_auth::CacheRetention;
use provider_auth::cache::{
    Breakpoint, BreakpointOptions, BreakpointPlan, BreakpointPurpose, BreakpointReason, ChangedPart, PromptChange,
    mark_body,
};
use serde_json::{Value, json};

/// A session of so many tool uses, one in each answer.
fn body(uses: usize, edit: &Value) -> Value {
    let mut messages = vec![json!({"role": "user", "content": "go"})];
    for turn in 0..uses {
        let (id, name) = (format!("toolu_{turn}"), if turn % 2 == 0 { "even" } else { "odd" });
        let call = json!({"type": "tool_use", "id": id, "name": name, "input": {}});
        messages.push(json!({"role": "assistant", "content": [{"type": "text", "text": format!("a{turn}")}, call]}));
        let result = json!({"type": "tool_result", "tool_use_id": id, "content": format!("r{turn}")});
        messages.push(json!({"role": "user", "content": [result]}));
    }
    let mut body = json!({"system": "s", "messages": messages});
    if !edit.is_null() {
        body["context_management"] = json!({"edits": [{"type": "clear_thinking_20251015", "keep": "all"}, edit]});
    }
    body
}

fn clearing(settings: &Value) -> Value {
    let mut edit = json!({"type": "clear_tool_uses_20250919"});
    for (name, value) in settings.as_object().into_iter().flatten() {
        edit[name] = value.clone();
    }
    edit
}

fn uses(value: usize) -> Value {
    json!({"type": "tool_uses", "value": value})
}

fn plan(body: &Value) -> BreakpointPlan {
    BreakpointPlan::for_body(body.to_string().as_bytes(), &BreakpointOptions::new(CacheRetention::Short))
        .expect("a legal body")
}

fn place(plan: &BreakpointPlan, purpose: BreakpointPurpose) -> Option<&str> {
    plan.breakpoints().iter().find(|marker| marker.purpose == purpose).map(Breakpoint::path)
}

#[test]
fn a_marker_stands_before_the_first_result_that_is_kept() {
    use BreakpointPurpose::{BeforeClearing, TurnEnd};
    // Of ten uses the last ones are kept: use 7 is in message 15, its result in message 16.
    let call = |at: usize| Some(format!("/messages/{}/content/1", 2 * at + 1));
    let text = |at: usize| Some(format!("/messages/{}/content/0", 2 * at + 1));
    let tokens = json!({"type": "input_tokens", "value": 1});
    for (settings, before, ends) in [
        (json!({}), call(7), true),
        (json!({"trigger": tokens}), call(7), true),
        (json!({"trigger": uses(9)}), call(7), false),
        (json!({"trigger": uses(10)}), None, true),
        (json!({"trigger": null, "keep": uses(5), "clear_tool_inputs": false}), call(5), true),
        (json!({"trigger": uses(3), "clear_at_least": tokens}), call(7), true),
        (json!({"trigger": uses(3), "clear_tool_inputs": true}), text(7), false),
        // The last use is of a tool that is not cleared.
        (json!({"trigger": uses(3), "exclude_tools": ["odd"]}), call(4), true),
        (json!({"trigger": uses(3), "exclude_tools": ["even"]}), call(5), false),
        (json!({"trigger": uses(3), "exclude_tools": ["odd", "even"]}), None, true),
        (json!({"trigger": uses(3), "keep": uses(10)}), None, true),
        (json!({"trigger": uses(3), "keep": uses(0)}), None, true),
        (json!({"trigger": uses(3), "keep": tokens}), None, true),
        (json!({"trigger": 3, "keep": "all"}), None, true),
    ] {
        let plan = plan(&body(10, &clearing(&settings)));
        assert_eq!(place(&plan, BeforeClearing), before.as_deref(), "{settings}");
        assert_eq!(place(&plan, TurnEnd), ends.then_some("/messages/20/content/0"), "{settings}");
        let is_explained = plan.notes().iter().any(|note| note.reason == BreakpointReason::Volatile);
        assert_eq!(is_explained, !ends, "{settings}");
    }
    for edit in [Value::Null, json!({"type": "compact_20260112"}), json!({"type": "clear_tool_uses_20990101"})] {
        assert_eq!(place(&plan(&body(10, &edit)), BeforeClearing), None);
    }
}

#[test]
fn where_the_model_used_no_tool_the_end_is_written_again() {
    let mut said = body(10, &clearing(&json!({"trigger": uses(3)})));
    let messages = said["messages"].as_array_mut().expect("a list");
    messages.extend([json!({"role": "assistant", "content": "done"}), json!({"role": "user", "content": "thanks"})]);
    let plan = plan(&said);
    assert_eq!(place(&plan, BreakpointPurpose::TurnEnd), Some("/messages/22/content/0"));
    assert_eq!(place(&plan, BreakpointPurpose::BeforeClearing), Some("/messages/15/content/1"));
}

#[test]
fn the_next_request_reads_what_the_last_one_wrote_before_its_results() {
    let edit = clearing(&json!({"trigger": uses(3)}));
    let options = BreakpointOptions::new(CacheRetention::Short);
    let (sent, _) = mark_body(body(10, &edit).to_string().into_bytes(), &options).expect("a legal body");
    let mut next = body(11, &edit);
    // Thirty more calls, so that the marker of the last request is out of reach.
    for id in 0..30 {
        let (id, text) = (format!("toolu_more_{id}"), json!({"type": "text", "text": "and"}));
        let call = json!({"type": "tool_use", "id": id, "name": "odd", "input": {}});
        next["messages"][21]["content"].as_array_mut().expect("a list").extend([text, call]);
        let result = json!({"type": "tool_result", "tool_use_id": id, "content": "r"});
        next["messages"][22]["content"].as_array_mut().expect("a list").push(result);
    }
    for options in [options.clone().previous(&sent), options] {
        let (_, plan) = mark_body(next.to_string().into_bytes(), &options).expect("a legal body");
        assert_eq!(place(&plan, BreakpointPurpose::PreviousWrite), Some("/messages/15/content/1"));
        assert_eq!(place(&plan, BreakpointPurpose::BeforeClearing), Some("/messages/21/content/61"));
    }
}

#[test]
fn clearing_is_no_sign_of_an_edit() {
    let edit = clearing(&json!({"trigger": uses(3)}));
    let options = BreakpointOptions::new(CacheRetention::Short);
    let (sent, _) = mark_body(body(10, &edit).to_string().into_bytes(), &options).expect("a legal body");
    let mut next = body(11, &edit);
    next["messages"][6]["content"][0]["content"] = "cut".into();
    let (_, plan) = mark_body(next.to_string().into_bytes(), &options.previous(&sent)).expect("a legal body");
    assert!(place(&plan, BreakpointPurpose::BeforeEdit).is_some(), "{plan:?}");
}

#[test]
fn a_comparison_names_the_field_and_what_it_clears() {
    let change = |before: &Value, now: &Value| {
        let found = PromptChange::between(before.to_string().as_bytes(), now.to_string().as_bytes());
        found.expect("bodies").map(|change| (change.part.clone(), change.to_string()))
    };
    let edit = clearing(&json!({"trigger": uses(9)}));
    let without = body(9, &Value::Null);
    let found = change(&without, &body(9, &edit)).expect("a change");
    assert_eq!(found, (ChangedPart::ContextManagement, "/context_management changed: messages are lost".to_owned()));
    assert_eq!(change(&body(8, &edit), &body(9, &edit)), None);
    for (before, first) in [(9, 2), (10, 16), (11, 18)] {
        let found = change(&body(before, &edit), &body(before + 1, &edit)).expect("a change");
        let text = format!("the API clears /messages/{first}/content/0: messages are lost from there on");
        assert_eq!(found, (ChangedPart::ResultCleared, text), "{before}");
    }
    // It is not known whether a trigger in tokens is passed.
    let tokens = clearing(&json!({}));
    assert_eq!(change(&body(10, &tokens), &body(11, &tokens)), None);
}
