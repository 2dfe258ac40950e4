//! `examples/answer.rs` as a user with a log, or a test in another language, runs it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it fails")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::program::{answer, example};

/// The answers to these lines, and the exit status.
fn ask(input: &[u8]) -> (Vec<Value>, Option<i32>) {
    let told = answer(&mut example("answer"), input);
    assert_eq!(told.err, "");
    (told.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), told.code)
}

/// The answers to questions that can all be read.
fn answers(questions: &[Value]) -> Vec<Value> {
    let input: Vec<String> = questions.iter().map(Value::to_string).collect();
    let (told, code) = ask(input.join("\n").as_bytes());
    assert_eq!((told.len(), code), (questions.len(), Some(0)));
    told
}

fn reasons(told: &[Value]) -> Vec<&str> {
    told.iter().map(|told| told["reason"].as_str().unwrap_or("none")).collect()
}

#[test]
fn each_line_has_its_answer_in_its_place() {
    let status = |status: u16| json!({"kind": "response", "provider": "anthropic", "status": status});
    let told = answers(&[status(401), status(200), status(429), status(402), status(529), status(400), status(401)]);
    assert_eq!(reasons(&told), ["auth", "none", "rate_limit", "billing", "overloaded", "format", "auth"]);
    let many: Vec<Value> = (0..150).map(|n| status(if n % 3 == 0 { 429 } else { 503 })).collect();
    for (n, told) in answers(&many).iter().enumerate() {
        assert_eq!(told["reason"], if n % 3 == 0 { "rate_limit" } else { "server_error" });
    }
    assert_eq!(ask(b""), (vec![], Some(0)));
}

#[test]
fn one_question_at_a_time_has_its_answer_at_once() {
    let mut child = example("answer").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    for (status, reason) in [(401, "auth"), (429, "rate_limit")] {
        writeln!(input, r#"{{"kind": "response", "status": {status}}}"#).unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["reason"], reason);
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn an_answer_has_all_its_members() {
    let question = json!({"provider": "anthropic", "kind": "response", "status": 429, "headers": {"retry-after": "30"},
        "body": "", "now": 1_700_000_000_000_u64});
    let told = answers(&[question]).remove(0);
    let help = told["help"].as_str().unwrap();
    assert!(help.ends_with('.'));
    assert_eq!(
        told,
        json!({"reason": "rate_limit", "blame": "profile", "deadline": 1_700_000_030_000_u64, "retry_same": true,
            "retry_after_ms": 30_000, "rotate": true, "help": help})
    );
}

#[test]
fn nothing_is_said_of_what_is_no_failure_but_always_of_a_text() {
    let told = answers(&[
        json!({"kind": "response", "status": 200, "body": {"type": "message", "content": []}}),
        json!({"kind": "response", "status": 204}),
        json!({"kind": "event", "event": "ping", "body": {"type": "ping"}}),
        json!({"kind": "event", "body": "[DONE]"}),
        json!({"kind": "event"}),
        json!({"kind": "event", "event": null, "body": null}),
    ]);
    assert!(told.iter().all(Value::is_null), "{told:?}");
    let told = answers(&[
        json!({"kind": "text"}),
        json!({"kind": "text", "body": ""}),
        json!({"kind": "text", "body": "the sun is shining"}),
        json!({"kind": "text", "body": {"ok": true}}),
        json!({"kind": "event", "event": "error"}),
        json!({"kind": "response", "status": 418}),
    ]);
    assert_eq!(reasons(&told), ["unknown"; 6]);
}

#[test]
fn a_body_is_a_string_or_a_value() {
    let body = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    let kinds = [
        json!({"kind": "response", "status": 500}),
        json!({"kind": "event", "event": "error"}),
        json!({"kind": "event"}),
        json!({"kind": "text"}),
    ];
    for kind in kinds {
        for body in [body.clone(), body.to_string().into(), json!([body])] {
            let mut question = kind.clone();
            question["body"] = body;
            assert_eq!(answers(&[question])[0]["reason"], "overloaded", "{kind}");
        }
    }
}

#[test]
fn what_is_known_of_the_caller_counts() {
    let told = answers(&[
        // The model that was asked for makes a 404 one about the model.
        json!({"kind": "response", "status": 404, "body": "no x-9 here", "model": "x-9"}),
        json!({"kind": "response", "status": 404, "body": "no x-9 here"}),
        // Names of the caller say nothing.
        json!({"kind": "response", "status": 400, "body": "tool Overloaded is at fault", "names": ["overloaded"]}),
        json!({"kind": "response", "status": 400, "body": "engine overloaded", "names": ["get_weather"]}),
        // A number is a code of the provider, or of any where none is named.
        json!({"kind": "response", "provider": "zhipu", "status": 429, "body": {"error": {"code": "1113"}}}),
        json!({"kind": "response", "provider": "minimax", "status": 200, "body": {"base_resp": {"status_code": 1008}}}),
        json!({"kind": "response", "status": 200, "body": {"base_resp": {"status_code": 1008}}}),
        json!({"kind": "response", "provider": "anthropic", "status": 429, "body": {"error": {"code": "1309"}}}),
        json!({"kind": "response", "status": 429, "body": {"error": {"code": "1309"}}}),
        json!({"kind": "response", "provider": " ", "model": null, "names": null, "status": 429, "headers": null}),
    ]);
    let expected = ["model_not_found", "not_found", "format", "overloaded", "billing", "billing", "billing"];
    assert_eq!(reasons(&told), [&expected[..], &["rate_limit", "billing", "rate_limit"]].concat());
}

#[test]
fn a_deadline_counts_from_now_and_a_retry_waits_for_it() {
    let now = 1_700_000_000_000_u64;
    let told = answers(&[
        json!({"kind": "text", "body": "Rate limit reached. Please try again in 1.574s.", "now": now}),
        json!({"kind": "response", "status": 503, "headers": {"Retry-After": 7}, "now": now}),
        json!({"kind": "response", "status": 529, "now": now}),
        json!({"kind": "response", "status": 401, "now": now}),
        json!({"kind": "response", "status": 529, "headers": {"x-should-retry": "false"}, "now": now}),
        json!({"kind": "text", "body": "connect ECONNREFUSED 127.0.0.1:443", "now": now}),
    ]);
    let found = |name: &str| told.iter().map(|told| told[name].clone()).collect::<Value>();
    assert_eq!(found("deadline"), json!([now + 1_574, now + 7_000, null, null, null, null]));
    assert_eq!(found("retry_after_ms"), json!([1_574, 7_000, 500, null, null, 500]));
    assert_eq!(found("retry_same"), json!([true, true, true, false, false, true]));
    assert_eq!(found("rotate"), json!([true, true, true, true, true, false]));
    assert_eq!(found("blame"), json!(["profile", "provider", "provider", "profile", "provider", "nobody"]));
    // Without a `now` it is the clock's.
    let limited = json!({"kind": "response", "status": 429, "headers": {"retry-after": "60"}});
    let deadline = answers(&[limited])[0]["deadline"].as_u64().unwrap();
    let clock = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis();
    assert!(u128::from(deadline).abs_diff(clock + 60_000) < 60_000, "{deadline}");
}

#[test]
fn a_line_that_cannot_be_read_is_told_by_its_number_and_the_others_are_answered() {
    let good = r#"{"kind": "response", "status": 429}"#;
    let bad = [
        "{",
        "[]",
        "null",
        "7",
        "rate limit",
        "{}",
        r#"{"kind": "answer"}"#,
        r#"{"kind": 7}"#,
        r#"{"kind": "response"}"#,
        r#"{"kind": "response", "status": "429"}"#,
        r#"{"kind": "response", "status": 99}"#,
        r#"{"kind": "response", "status": 70000}"#,
        r#"{"kind": "response", "status": 429, "headers": []}"#,
        r#"{"kind": "response", "status": 429, "headers": {"a b": "c"}}"#,
        r#"{"kind": "response", "status": 429, "headers": {"a": "b\nc"}}"#,
        r#"{"kind": "text", "now": "today"}"#,
        r#"{"kind": "text", "names": "get_weather"}"#,
        r#"{"kind": "text", "names": [7]}"#,
        r#"{"kind": "text", "model": 7}"#,
        r#"{"kind": "text", "provider": 7}"#,
        r#"{"kind": "event", "event": 7}"#,
    ];
    let lines: Vec<&str> = bad.iter().flat_map(|bad| [*bad, good]).collect();
    let (told, code) = ask(lines.join("\n").as_bytes());
    assert_eq!((told.len(), code), (lines.len(), Some(1)));
    for ((n, line), told) in (1..).zip(&lines).zip(&told) {
        if *line == good {
            assert_eq!(told["reason"], "rate_limit");
        } else {
            assert_eq!(told["line"], json!(n), "{line}: {told}");
            assert!(told["error"].as_str().is_some_and(|error| !error.is_empty()), "{told}");
            assert_eq!(told.as_object().unwrap().len(), 2);
        }
    }
}

#[test]
fn marks_line_ends_and_blank_lines_change_nothing() {
    let good = r#"{"kind": "response", "status": 429}"#;
    for input in [
        good.to_owned(),
        format!("{good}\n"),
        format!("{good}\r\n"),
        format!("\u{feff}{good}\r\n"),
        format!("\n\r\n \t\n{good}\n\n\n"),
        format!("\u{feff}\r\n{good}"),
    ] {
        let (told, code) = ask(input.as_bytes());
        assert_eq!((reasons(&told), code), (vec!["rate_limit"], Some(0)), "{input:?}");
    }
    // Files that were put together have a mark in every one of them.
    assert_eq!(ask(format!("\u{feff}{good}\n\u{feff}{good}\n").as_bytes()).1, Some(0));
    // A blank line has a number, and no answer.
    let (told, code) = ask(format!("{good}\n\n\r\n{{\r\n\n{good}\n]").as_bytes());
    assert_eq!((told.len(), code), (4, Some(1)));
    assert_eq!((&told[1]["line"], &told[3]["line"]), (&json!(4), &json!(7)));
    // Bytes that are no UTF-8 stand in logs; what can be read is read.
    let (told, code) = ask(b"{\"kind\": \"text\", \"body\": \"\xff rate limit reached\"}\n\xff\xfe\n");
    assert_eq!((&told[0]["reason"], &told[1]["line"], code), (&json!("rate_limit"), &json!(2), Some(1)));
}
