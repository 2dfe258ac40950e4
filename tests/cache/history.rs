//! What a plan reads from the previous request: where it wrote, what was read again, and what changes each time.
#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use provider_auth::CacheRetention;
use provider_auth::cache::{
    Breakpoint, BreakpointOptions, BreakpointPlan, BreakpointPurpose, BreakpointReason, CacheTtl, Lifetimes, mark_body,
};
use serde_json::{Value, json};

const SHORT: CacheTtl = CacheTtl::FiveMinutes;
const LONG: CacheTtl = CacheTtl::OneHour;

fn options(ttl: CacheTtl) -> BreakpointOptions<'static> {
    BreakpointOptions::new(CacheRetention::None).lifetimes(Some(Lifetimes::same(ttl)))
}

/// The purposes and places of the markers of each request, planned with the body before.
fn plans(bodies: &[Value], options: &BreakpointOptions<'static>) -> Vec<Vec<(BreakpointPurpose, String)>> {
    let mut last: Option<Vec<u8>> = None;
    let mut plans = Vec::new();
    for body in bodies {
        let options = options.clone();
        let options = match &last {
            Some(last) => options.previous(last),
            None => options,
        };
        let (sent, plan) = mark_body(body.to_string().into_bytes(), &options).expect("a legal body");
        plans.push(plan.breakpoints().iter().map(|marker| (marker.purpose, marker.path().to_owned())).collect());
        last = Some(sent);
    }
    plans
}

fn has(plan: &[(BreakpointPurpose, String)], purpose: BreakpointPurpose) -> bool {
    plan.iter().any(|(other, _)| *other == purpose)
}

fn place(plan: &[(BreakpointPurpose, String)], purpose: BreakpointPurpose) -> Option<&str> {
    plan.iter().find(|(other, _)| *other == purpose).map(|(_, path)| path.as_str())
}

fn user(content: impl Into<Value>) -> Value {
    json!({"role": "user", "content": content.into()})
}

fn assistant(content: impl Into<Value>) -> Value {
    json!({"role": "assistant", "content": content.into()})
}

/// The first messages of a chat, up to the user's turn of this number.
fn chat(turns: usize) -> Vec<Value> {
    (0..2 * turns - 1)
        .map(|at| if at % 2 == 0 { user(format!("u{at}")) } else { assistant(format!("a{at}")) })
        .collect()
}

fn with_tail(tail: &str, messages: &[Value]) -> Value {
    json!({"system": [{"type": "text", "text": "rules"}, {"type": "text", "text": tail}], "messages": messages})
}

#[test]
fn a_write_that_is_out_of_reach_is_worth_more_than_the_system_prompt() {
    // The caller's markers leave room for two.
    let tool = |name: &str| json!({"name": name, "cache_control": {"type": "ephemeral"}});
    let body = |messages: &[Value]| json!({"tools": [tool("a"), tool("b")], "system": "s", "messages": messages});
    let third = |messages: &[Value], collapses: bool| {
        let options = options(SHORT).collapses_tool_runs(collapses);
        let plan = plans(&[body(&messages[..1]), body(messages)], &options).remove(1);
        assert_eq!((plan[0].0, plan[3].0), (BreakpointPurpose::Caller, BreakpointPurpose::TurnEnd));
        plan[2].0
    };
    let calls: Vec<_> = (0..30).map(|id| json!({"type": "tool_use", "id": id, "name": "t", "input": {}})).collect();
    let results: Vec<_> = (0..30).map(|id| json!({"type": "tool_result", "tool_use_id": id, "content": "r"})).collect();
    let messages = [user("go"), assistant(calls), user(results)];
    assert_eq!(third(&messages, false), BreakpointPurpose::PreviousWrite);
    assert_eq!(third(&messages, true), BreakpointPurpose::System);

    // A marker sees its own block and the 19 before it.
    for (blocks, purpose) in [(18, BreakpointPurpose::System), (19, BreakpointPurpose::PreviousWrite)] {
        let pasted: Vec<_> = (0..blocks).map(|id| json!({"type": "image", "source": {"data": id}})).collect();
        assert_eq!(third(&[user("go"), assistant("a"), user(pasted)], false), purpose, "{blocks}");
    }
}

#[test]
fn messages_behind_a_head_that_changes_each_time_are_not_written() {
    let edited = |turns: usize| with_tail(&turns.to_string(), &chat(turns));
    let bodies: Vec<_> = (1..7).map(edited).collect();
    let written = |options: &BreakpointOptions<'static>| {
        plans(&bodies, options).iter().map(|plan| has(plan, BreakpointPurpose::TurnEnd)).collect::<Vec<_>>()
    };
    assert_eq!(written(&options(SHORT)), [true, true, true, true, false, false]);
    assert_eq!(written(&options(LONG)), [true, true, false, false, false, false]);
    assert_eq!(written(&options(SHORT).stable_system_blocks(1)), [true, false, false, false, false, false]);

    // What stands before the change keeps its marker.
    assert_eq!(place(&plans(&bodies, &options(SHORT))[5], BreakpointPurpose::StablePrefix), Some("/system/0"));

    // Once it stays the same, they are written again.
    let settled = [bodies, vec![with_tail("6", &chat(7))]].concat();
    assert!(has(&plans(&settled, &options(SHORT))[6], BreakpointPurpose::TurnEnd));
}

#[test]
fn a_head_that_begins_to_change_later_is_watched_for_longer() {
    let body = |turns: usize| with_tail(&turns.saturating_sub(3).to_string(), &chat(turns));
    let bodies: Vec<_> = (1..14).map(body).collect();
    for (ttl, changes) in [(SHORT, 8), (LONG, 5)] {
        let plans = plans(&bodies, &options(ttl));
        let first = plans.iter().position(|plan| !has(plan, BreakpointPurpose::TurnEnd));
        // The fourth request sees the first change.
        assert_eq!(first, Some(3 + changes - 1), "{ttl}");
        // The marker on the turn that saw it stays where it is.
        assert_eq!(place(&plans[6], BreakpointPurpose::RunStart), Some("/messages/6/content/0"));
    }
}

#[test]
fn a_reminder_that_was_left_out_is_not_written_again() {
    let body = |turns: usize| {
        let mut messages = chat(turns);
        messages[2 * turns - 2]["content"] = json!([{"type": "text", "text": format!("u{}", 2 * turns - 2)}, {"type": "text", "text": format!("{turns} left")}]);
        json!({"messages": messages})
    };
    let plans = plans(&[body(1), body(2), body(3)], &options(SHORT));
    for (turns, plan) in plans.iter().enumerate() {
        let before = format!("/messages/{}/content/0", 2 * turns);
        assert_eq!(place(plan, BreakpointPurpose::BeforeReminder), Some(before.as_str()));
    }
    assert_eq!(
        plans.iter().map(|plan| has(plan, BreakpointPurpose::TurnEnd)).collect::<Vec<_>>(),
        [true, false, false]
    );
}

#[test]
fn a_marker_stands_before_the_next_edit() {
    // Screenshots become a line of text once two newer ones are there.
    let body = |turns: usize| {
        let mut messages = vec![user("go")];
        for turn in 1..turns {
            let image = turn + 2 >= turns;
            let seen = if image { json!([{"type": "image", "source": {"data": turn}}]) } else { "an image".into() };
            messages.push(assistant(json!([{"type": "tool_use", "id": turn, "name": "t", "input": {}}])));
            messages.push(user(json!([{"type": "tool_result", "tool_use_id": turn, "content": seen}])));
        }
        json!({"system": "s", "messages": messages})
    };
    let plans = plans(&(1..7).map(body).collect::<Vec<_>>(), &options(SHORT));
    // The fourth request lost the image of message 2, so the fifth will lose that of message 4, and so on.
    let places: Vec<_> = plans.iter().map(|plan| place(plan, BreakpointPurpose::BeforeEdit)).collect();
    let expected = ["/messages/3/content/0", "/messages/5/content/0", "/messages/7/content/0"].map(Some);
    assert_eq!(places[3..], expected);
    // From the second edit in a row on, nothing behind it is written.
    let written: Vec<_> = plans.iter().map(|plan| has(plan, BreakpointPurpose::TurnEnd)).collect();
    assert_eq!(written, [true, true, true, true, false, false]);
}

#[test]
fn the_messages_of_a_moving_window_are_not_written() {
    let body = |from: usize, turns: usize| json!({"system": "s", "messages": chat(turns)[from..]});
    for (dropped, written) in [(2, false), (4, true)] {
        let plans = plans(&[body(0, 5), body(dropped, 6)], &options(SHORT));
        assert_eq!(has(&plans[1], BreakpointPurpose::TurnEnd), written, "{dropped}");
        assert!(has(&plans[1], BreakpointPurpose::System));
    }
    // The first message may stay.
    let keeps_first = |from: usize, turns: usize| {
        let all = chat(turns);
        let messages = [&all[..1], &all[from..]].concat();
        json!({ "messages": messages })
    };
    let plans = plans(&[keeps_first(1, 5), keeps_first(3, 6)], &options(SHORT));
    assert_eq!(plans[1], [(BreakpointPurpose::LastCommon, "/messages/0/content/0".to_owned())]);
}

#[test]
fn a_plan_tells_where_it_wrote_but_not_what_changed() {
    let mark = |messages: Vec<Value>, options: &BreakpointOptions<'_>| {
        mark_body(json!({ "messages": messages }).to_string().into_bytes(), options).expect("a legal body").1
    };
    let with = |before: &BreakpointPlan, turns: usize| {
        let plan = mark(chat(turns), &options(SHORT).previous_plan(before));
        plan.breakpoints().iter().map(|marker| marker.path().to_owned()).collect::<Vec<_>>()
    };
    // Two answers have come since, so that the end of the turn before is not where the plan wrote.
    let before = mark(chat(3), &options(SHORT));
    let paths = |turns: &[usize]| turns.iter().map(|at| format!("/messages/{at}/content/0")).collect::<Vec<_>>();
    assert_eq!(with(&before, 5), paths(&[2, 4, 6, 8]));
    assert_eq!(with(&BreakpointPlan::default(), 5), paths(&[2, 6, 8]));

    // The block it wrote last is gone. What stands at the end of that turn is tried instead.
    let mut reminded = chat(2);
    reminded[2]["content"] = json!([{"type": "image", "source": {}}, {"type": "image", "source": {}}]);
    let before = mark(reminded, &options(SHORT));
    assert_eq!(with(&before, 3), paths(&[0, 2, 4]));
}

#[test]
fn messages_can_go_without_markers() {
    let body = with_tail("t", &chat(2)).to_string();
    let options = BreakpointOptions::new(CacheRetention::None).lifetimes(Some(Lifetimes::prefix_only(LONG)));
    let (_, plan) = mark_body(body.into_bytes(), &options).expect("a legal body");
    let paths: Vec<_> = plan.breakpoints().iter().map(Breakpoint::path).collect();
    assert_eq!(paths, ["/system/0", "/system/1"]);
    assert!(plan.notes().iter().any(|note| note.reason == BreakpointReason::PrefixOnly));
}

#[test]
fn a_new_conversation_is_written_whatever_the_one_before_was() {
    for (ttl, turns) in [(SHORT, 1), (SHORT, 3), (LONG, 1), (LONG, 3)] {
        let first = with_tail("", &chat(turns));
        for new in [user("Something else."), user(json!([{"type": "text", "text": "Something else."}]))] {
            let plans = plans(&[first.clone(), with_tail("", &[new])], &options(ttl));
            assert_eq!(place(&plans[1], BreakpointPurpose::TurnEnd), Some("/messages/0/content/0"), "{ttl}");
        }
    }
}

/// Turns of one call and its result, made by code execution or not. The last request has one old result cut short.
fn calls_with_one_cut(by_code: bool) -> Vec<Value> {
    let body = |turns: usize| {
        let mut messages = vec![user("go")];
        for turn in 1..turns {
            let id = format!("toolu_{turn}");
            let mut call = json!({"type": "tool_use", "id": id, "name": "t", "input": {}});
            if by_code {
                call["caller"] = json!({"type": "code_execution_20250825", "tool_id": "s"});
            }
            let result = if turns == 8 && turn == 3 { "cut" } else { "a long result" };
            messages.push(assistant(json!([{"type": "text", "text": format!("a{turn}")}, call])));
            messages.push(user(json!([{"type": "tool_result", "tool_use_id": id, "content": result}])));
        }
        json!({"system": "s", "messages": messages})
    };
    (1..=8).map(body).collect()
}

#[test]
fn a_marker_that_had_to_go_to_an_answer_shows_no_edit() {
    use BreakpointPurpose::{Automatic, BeforeEdit, TurnEnd};
    for (ttl, by_code) in [(SHORT, false), (SHORT, true), (LONG, false), (LONG, true)] {
        let bodies = calls_with_one_cut(by_code);
        let plan = plans(&bodies, &options(ttl)).remove(7);
        assert!(has(&plan, TurnEnd) && has(&plan, BeforeEdit), "{ttl}, {by_code}: {plan:?}");
        let plan = plans(&bodies, &options(ttl).automatic(true)).remove(7);
        assert!(has(&plan, Automatic) && has(&plan, BeforeEdit), "{ttl}, {by_code}: {plan:?}");
    }
}

#[test]
fn the_callers_marker_on_an_answer_shows_no_edit() {
    use BreakpointPurpose::{BeforeEdit, TurnEnd};
    let mark = |body: &mut Value, turns: usize| {
        let text = body["messages"][2 * turns - 3]["content"].take();
        let mark = json!({"type": "ephemeral"});
        body["messages"][2 * turns - 3]["content"] = json!([{"type": "text", "text": text, "cache_control": mark}]);
    };
    let body = |turns: usize| {
        let mut body = json!({"system": "s", "messages": chat(turns)});
        if turns > 1 {
            mark(&mut body, turns);
        }
        if turns == 8 {
            body["messages"][6]["content"] = "cut".into();
        }
        body
    };
    let plan = plans(&(1..=8).map(body).collect::<Vec<_>>(), &options(SHORT)).remove(7);
    assert!(has(&plan, TurnEnd) && has(&plan, BeforeEdit), "{plan:?}");
}

#[test]
fn a_turn_that_takes_no_marker_shows_no_edit() {
    use BreakpointPurpose::{BeforeEdit, TurnEnd};
    for last in [json!({"type": "hologram"}), json!({"type": "text", "text": "u", "cache_control": null})] {
        let body = |turns: usize| {
            let mut messages = chat(turns);
            for message in messages.iter_mut().skip(2).filter(|message| message["role"] == "user") {
                message["content"] = json!([last]);
            }
            if turns == 8 {
                messages[5]["content"] = "cut".into();
            }
            json!({"system": "s", "messages": messages})
        };
        let plan = plans(&(1..=8).map(body).collect::<Vec<_>>(), &options(SHORT)).remove(7);
        assert!(has(&plan, TurnEnd), "{plan:?}");
        assert!(!has(&plan, BreakpointPurpose::EditSeen) || has(&plan, BeforeEdit), "{plan:?}");
    }
}

#[test]
fn a_head_whose_last_block_takes_no_marker_has_changed_once() {
    let body = |turns: usize| {
        let mut body = with_tail(if turns < 6 { "a" } else { "b" }, &chat(turns));
        body["system"][1]["cache_control"] = Value::Null;
        body
    };
    let plan = plans(&(1..=6).map(body).collect::<Vec<_>>(), &options(SHORT)).remove(5);
    assert!(has(&plan, BreakpointPurpose::TurnEnd) && !has(&plan, BreakpointPurpose::RunStart), "{plan:?}");
}

#[test]
fn a_body_of_another_conversation_is_as_good_as_none() {
    let rules = "Long instructions for the work, which are the same in each request of it. ";
    let with =
        |system: &str, messages: Value| json!({"tools": [{"name": "t"}], "system": system, "messages": messages});
    let thought =
        |text: &str| assistant(json!([{"type": "thinking", "thinking": "t"}, {"type": "text", "text": text}]));
    let now = with(rules, json!([user("u0"), assistant("a0"), user("u1"), assistant("a1"), user("u2")]));
    let first = with(rules, json!([user("u0")]));
    let window = with(rules, json!([user("u1"), assistant("a1"), user("u2"), assistant("a2"), user("u3")]));
    for (name, previous, current, known) in [
        ("it goes on", first.clone(), &now, true),
        ("a retry", now.clone(), &now, true),
        ("the system prompt was edited", with(&format!("{rules}!"), json!([user("u0")])), &now, true),
        ("thinking was left out", with(rules, json!([user("u0"), thought("a0"), user("u1")])), &now, true),
        ("a window", now.clone(), &window, true),
        ("another first message", with(rules, json!([user("other"), assistant("a0"), user("u1")])), &now, false),
        ("another first answer", with(rules, json!([user("u0"), assistant("other"), user("u1")])), &now, false),
        ("no messages", with(rules, json!([])), &now, false),
        ("about the same messages", with("Write a title.", now["messages"].clone()), &now, false),
        ("another head, and no answer yet", with(&format!("{rules}!"), json!([user("u0")])), &first, false),
    ] {
        let plan = |body: &Value, options: &BreakpointOptions<'_>| {
            mark_body(body.to_string().into_bytes(), options).expect("a legal body").0
        };
        let sent = plan(&previous, &options(SHORT));
        let (without, with) = (plan(current, &options(SHORT)), plan(current, &options(SHORT).previous(&sent)));
        assert!(known || with == without, "{name}");
        // A body that is known shows in the plan, unless there is nothing new.
        if known && name != "a retry" {
            assert_ne!(String::from_utf8_lossy(&with), String::from_utf8_lossy(&without), "{name}");
        }
    }
}
