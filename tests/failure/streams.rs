//! Errors in streams that began with a success, in every dialect and with any line endings; and bodies that are not
//! streams.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it fails")]

use FailureReason::{Auth, Billing, Format, Network, NotFound, Overloaded, RateLimit, ServerError, Unknown};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use provider_auth::{FailureClassifier, FailureReason, ProviderId, Timestamp};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// One event as the provider sends it: its name, if it has one, and its data.
type Sent = (&'static str, &'static str);

const ANTHROPIC: &[Sent] = &[
    (
        "message_start",
        r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-4-5","content":[],"stop_reason":null,"usage":{"input_tokens":25,"output_tokens":1}}}"#,
    ),
    ("ping", r#"{"type":"ping"}"#),
    ("content_block_start", r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#),
    (
        "content_block_delta",
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Your credit balance is too low to access the API.\n\nevent: error\ndata: {\"type\":\"error\"}"}}"#,
    ),
    (
        "content_block_delta",
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}"}}"#,
    ),
    ("content_block_stop", r#"{"type":"content_block_stop","index":0}"#),
    (
        "content_block_start",
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"web_search_tool_result","tool_use_id":"srv_1","content":{"type":"web_search_tool_result_error","error_code":"max_uses_exceeded"}}}"#,
    ),
    (
        "content_block_delta",
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"error\":{\"code\":429}"}}"#,
    ),
    (
        "message_delta",
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":15}}"#,
    ),
    ("message_stop", r#"{"type":"message_stop"}"#),
];

const CHAT: &[Sent] = &[
    (
        "",
        r#"{"id":"c-1","object":"chat.completion.chunk","created":1,"model":"gpt-5","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"error":null}"#,
    ),
    (
        "",
        r#"{"id":"c-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"insufficient_quota: your credit balance is too low"},"finish_reason":null}]}"#,
    ),
    (
        "",
        r#"{"id":"c-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"{\"error\":{\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\"}}"},"finish_reason":null}]}"#,
    ),
    (
        "",
        r#"{"id":"c-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"error\":\"rate limit\"}"}}]},"finish_reason":null}]}"#,
    ),
    ("", r#"{"id":"c-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#),
    (
        "",
        r#"{"id":"c-1","object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7}}"#,
    ),
    ("", "[DONE]"),
];

const RESPONSES: &[Sent] = &[
    (
        "response.created",
        r#"{"type":"response.created","response":{"id":"resp_1","object":"response","status":"in_progress","error":null,"incomplete_details":null,"output":[]},"sequence_number":0}"#,
    ),
    (
        "response.output_text.delta",
        r#"{"type":"response.output_text.delta","item_id":"msg_1","delta":"credit balance is too low","sequence_number":4}"#,
    ),
    (
        "response.output_text.done",
        r#"{"type":"response.output_text.done","item_id":"msg_1","text":"{\"type\":\"error\",\"code\":\"server_error\",\"message\":\"no\"}","sequence_number":5}"#,
    ),
    (
        "response.function_call_arguments.done",
        r#"{"type":"response.function_call_arguments.done","arguments":"{\"error\":true}","sequence_number":6}"#,
    ),
    (
        "response.mcp_call.failed",
        r#"{"type":"response.mcp_call.failed","item_id":"mcp_1","output_index":0,"sequence_number":7}"#,
    ),
    (
        "response.completed",
        r#"{"type":"response.completed","response":{"id":"resp_1","object":"response","status":"completed","error":null,"output":[{"type":"message","content":[{"type":"output_text","text":"rate limit exceeded"}]},{"type":"mcp_call","error":"it failed"}]},"sequence_number":8}"#,
    ),
];

const GEMINI: &[Sent] = &[
    (
        "",
        r#"{"candidates":[{"content":{"parts":[{"text":"Your credit balance is too low."}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":9},"modelVersion":"gemini-2.5-pro"}"#,
    ),
    (
        "",
        r#"{"candidates":[{"content":{"parts":[{"text":"[{\"error\":{\"code\":429,\"status\":\"RESOURCE_EXHAUSTED\"}}]"},{"functionCall":{"name":"f","args":{"error":{"code":500}}}}],"role":"model"},"index":0}]}"#,
    ),
    (
        "",
        r#"{"candidates":[{"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":4}}"#,
    ),
];

const MINIMAX: &[Sent] = &[
    (
        "",
        r#"{"id":"m-1","choices":[{"index":0,"delta":{"content":"insufficient balance, error 1008","role":"assistant"}}],"object":"chat.completion.chunk"}"#,
    ),
    (
        "",
        r#"{"id":"m-1","choices":[{"index":0,"delta":{"content":"{\"base_resp\":{\"status_code\":1008}}"}}],"object":"chat.completion.chunk"}"#,
    ),
    (
        "",
        r#"{"id":"m-1","choices":[{"finish_reason":"stop","index":0,"message":{"content":"error"}}],"object":"chat.completion","base_resp":{"status_code":0,"status_msg":""}}"#,
    ),
];

const OLLAMA: &[Sent] = &[
    ("", r#"{"model":"llama3.2","message":{"role":"assistant","content":"credit balance is too low"},"done":false}"#),
    ("", r#"{"model":"llama3.2","message":{"role":"assistant","content":"{\"error\":\"rate limit\"}"},"done":false}"#),
    ("", r#"{"model":"llama3.2","response":"{\"error\":{\"code\":429}}","done":false}"#),
    ("", r#"{"model":"llama3.2","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop"}"#),
];

const MISTRAL: &[Sent] = &[
    (
        "",
        r#"{"id":"x","object":"chat.completion.chunk","model":"mistral-large-latest","choices":[{"index":0,"delta":{"role":"assistant","content":"Unauthorized. credit balance is too low"},"finish_reason":null}]}"#,
    ),
    (
        "",
        r#"{"id":"x","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"{\"object\":\"error\",\"message\":\"m\",\"code\":\"3505\"}"},"finish_reason":"stop"}],"usage":{"total_tokens":3}}"#,
    ),
    ("", "[DONE]"),
];

/// How a provider writes a stream.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    /// Server-sent events.
    Events,
    /// One object a line.
    Lines,
    /// One array.
    Array,
}
use Form::{Array, Events, Lines};

/// Whole successful streams: whose, in which form.
const STREAMS: [(&str, Form, &[Sent]); 8] = [
    ("anthropic", Events, ANTHROPIC),
    ("openai", Events, CHAT),
    ("openai", Events, RESPONSES),
    ("google", Events, GEMINI),
    ("google", Array, GEMINI),
    ("minimax", Events, MINIMAX),
    ("ollama", Lines, OLLAMA),
    ("mistral", Events, MISTRAL),
];

/// What breaks a stream off: which stream of [`STREAMS`], the event in mid-stream, and what it means.
#[rustfmt::skip]
const ERRORS: &[(usize, Sent, FailureReason)] = &[
    (0, ("error", r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}"#), Overloaded),
    (0, ("error", r#"{"type":"error","error":{"details":null,"type":"api_error","message":"Internal server error"}}"#), ServerError),
    (0, ("error", r#"{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your rate limit."}}"#), RateLimit),
    (0, ("", r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#), Auth),
    (0, ("error", "Overloaded"), Overloaded),
    (0, ("error", ""), Unknown),
    (1, ("", r#"{"error":{"message":"The server had an error while processing your request.","type":"server_error","param":null,"code":null}}"#), ServerError),
    (1, ("", r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#), Billing),
    (1, ("", r#"{"id":"gen-1","object":"chat.completion.chunk","provider":"x","error":{"code":429,"message":"Rate limit exceeded"},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}"#), RateLimit),
    (1, ("", r#"{"id":"gen-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":""},"finish_reason":"error","error":{"code":502,"message":"Provider disconnected"}}]}"#), ServerError),
    (1, ("", r#"{"id":"gen-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":""},"finish_reason":"error","native_finish_reason":"error"}]}"#), Unknown),
    (1, ("error", r#"{"error":{"message":"Failed to call a function.","type":"invalid_request_error","code":"tool_use_failed","status_code":400}}"#), Format),
    (2, ("response.failed", r#"{"type":"response.failed","response":{"id":"resp_1","object":"response","status":"failed","error":{"code":"server_error","message":"The model failed to generate a response."},"output":[]},"sequence_number":9}"#), ServerError),
    (2, ("response.failed", r#"{"type":"response.failed","response":{"id":"resp_1","status":"failed","error":{"code":"rate_limit_exceeded","message":"Rate limit reached. Please try again in 1.5s."}}}"#), RateLimit),
    (2, ("error", r#"{"type":"error","code":"server_is_overloaded","message":"Our servers are currently overloaded. Please try again later.","param":null,"sequence_number":3}"#), Overloaded),
    (2, ("", r#"{"type":"error","sequence_number":2,"error":{"type":"insufficient_quota","code":"insufficient_quota","message":"You exceeded your current quota."}}"#), Billing),
    (3, ("", r#"{"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE"}}"#), Overloaded),
    (3, ("", r#"{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED"}}"#), RateLimit),
    (4, ("", r#"{"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE"}}"#), Overloaded),
    (4, ("", r#"{"error":{"code":500,"message":"An internal error has occurred.","status":"INTERNAL"}}"#), ServerError),
    (5, ("", r#"{"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}"#), Billing),
    (5, ("", r#"{"id":"","choices":null,"created":0,"model":"","usage":{"total_tokens":0},"base_resp":{"status_code":1002,"status_msg":"rate limit"}}"#), RateLimit),
    (6, ("", r#"{"error":"an error was encountered while running the model: unexpected EOF"}"#), ServerError),
    (6, ("", r#"{"error":"model 'x' not found"}"#), FailureReason::ModelNotFound),
    (7, ("", r#"{"object":"error","message":"Service tier capacity exceeded for this model.","type":"service_tier_capacity_exceeded","param":null,"code":"3505"}"#), Overloaded),
    (7, ("", r#"{"message":"Requests rate limit exceeded","type":"rate_limited","code":"1300","raw_status_code":429}"#), RateLimit),
];

const ENDS: [&str; 3] = ["\n", "\r\n", "\r"];

/// A stream in every way its lines can end: with a byte order mark and without, its last line with an end and without.
fn written(form: Form, events: &[Sent]) -> Vec<String> {
    let event = |(name, data): &Sent| match *name {
        "" => format!("data: {data}\n\n"),
        _ => format!("event: {name}\ndata: {data}\n\n"),
    };
    let data = || events.iter().map(|(_, data)| *data).collect::<Vec<_>>();
    let text = match form {
        Events => events.iter().map(event).collect(),
        Lines => data().join("\n") + "\n",
        Array => format!("[{}\n]\n", data().join("\n,\n")),
    };
    in_every_way(&text)
}

fn in_every_way(text: &str) -> Vec<String> {
    let ended = ENDS.map(|end| [text, text.trim_end()].map(|text| text.replace('\n', end)));
    ended.into_iter().flatten().flat_map(|text| [format!("\u{feff}{text}"), text]).collect()
}

fn response(provider: &str, body: &str) -> Option<FailureReason> {
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"))]);
    let classifier = FailureClassifier::new(&ProviderId::new(provider).unwrap());
    classifier.response(StatusCode::OK, &headers, body.as_bytes(), NOW).map(|failure| failure.reason())
}

fn event(provider: &str, name: &str, data: &str) -> Option<FailureReason> {
    let classifier = FailureClassifier::new(&ProviderId::new(provider).unwrap());
    classifier.event(name, data.as_bytes(), NOW).map(|failure| failure.reason())
}

#[track_caller]
fn all(found: impl IntoIterator<Item = (String, Option<FailureReason>)>, expected: Option<FailureReason>) {
    let found = found.into_iter().filter(|(_, reason)| *reason != expected);
    let wrong: Vec<String> = found.map(|(text, reason)| format!("{reason:?}, not {expected:?}: {text:?}")).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_error_in_mid_stream_is_found_however_lines_end() {
    for (stream, sent, expected) in ERRORS {
        let (provider, form, events) = STREAMS[*stream];
        for before in [0, 1, events.len() - 1] {
            let events = [&events[..before], &[*sent]].concat();
            let whole = written(form, &events);
            all(whole.iter().map(|text| (text.clone(), response(provider, text))), Some(*expected));
            all(whole.iter().map(|text| (text.clone(), event(provider, "", text))), Some(*expected));
        }
    }
}

#[test]
fn an_error_is_found_event_by_event() {
    for (stream, (name, data), expected) in ERRORS {
        let (provider, ..) = STREAMS[*stream];
        // As data of several lines.
        let data = data.replace(",\"", ",\n\"") + "\n";
        all(in_every_way(&data).into_iter().map(|data| (data.clone(), event(provider, name, &data))), Some(*expected));
    }
}

#[test]
fn a_stream_that_succeeds_is_no_failure_whatever_the_model_says() {
    for (provider, form, events) in STREAMS {
        let whole = written(form, events);
        all(whole.iter().map(|text| (text.clone(), response(provider, text))), None);
        all(whole.iter().map(|text| (text.clone(), event(provider, "", text))), None);
        for (name, data) in events {
            let data = in_every_way(&format!("{data}\n"));
            all(data.into_iter().map(|data| (data.clone(), event(provider, name, &data))), None);
        }
    }
}

#[test]
fn an_event_named_error_is_a_failure_whatever_its_data() {
    for data in ["", " ", "null", "{}", "[]", "[DONE]", "{\"error\":null}", "{\"type\":\"ping\"}", "ok", "\u{feff}"] {
        assert_eq!(event("anthropic", "error", data), Some(Unknown), "{data:?}");
        assert_eq!(event("anthropic", " error\r", data), Some(Unknown), "{data:?}");
        let stream = in_every_way(&format!("event: error\ndata: {data}\n\n"));
        all(stream.into_iter().map(|text| (text.clone(), response("anthropic", &text))), Some(Unknown));
    }
    all(in_every_way("event: error\n\n").into_iter().map(|text| (text.clone(), response("x", &text))), Some(Unknown));
    assert!(event("anthropic", "error", r#"{"type":"error","error":{"type":"overloaded_err"#).is_some());
    assert_eq!(event("anthropic", "errors", ""), None);
    assert_eq!(event("anthropic", "", ""), None);
}

#[test]
fn fields_and_comments_that_carry_nothing_hide_no_error() {
    let error = r#"{"error":{"message":"Overloaded","type":"overloaded_error"}}"#;
    for stream in [
        format!(": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\ndata: {error}\n\n"),
        format!("id: 7\nevent: error\ndata: {error}\n\n"),
        format!("retry: 3000\n\ndata: {error}\n\n"),
        format!("\n\ndata:{error}\n\n"),
        // Without the blank lines, the stream is one event.
        format!("data: {{\"id\":1}}\ndata: {error}\n"),
        format!("data: {error}\ndata: [DONE]\n"),
        format!("event: error\ndata: {error}\ndata: [DONE]\n"),
    ] {
        all(
            in_every_way(&stream).into_iter().map(|text| (text.clone(), response("openrouter", &text))),
            Some(Overloaded),
        );
    }
}

#[test]
fn an_array_that_was_cut_off_still_has_its_error() {
    let error = r#"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#;
    for text in [format!("[{}\n,\n{error}\n", GEMINI[0].1), format!("[{error}"), format!("[{error}\n,\n{{\"cand")] {
        all(in_every_way(&text).into_iter().map(|text| (text.clone(), response("google", &text))), Some(Overloaded));
    }
    let good = format!("[{}\n,\n{}\n,", GEMINI[0].1, GEMINI[1].1);
    all(in_every_way(&good).into_iter().map(|text| (text.clone(), response("google", &text))), None);
}

/// A stream of a long answer is longer than what is read of it, and its error is the last thing in it.
#[test]
fn the_end_of_a_long_stream_is_read() {
    for (stream, (provider, form, events)) in STREAMS.into_iter().enumerate() {
        let (_, sent, expected) = ERRORS.iter().rfind(|(of, ..)| *of == stream).unwrap();
        let one = written(form, &events[1..2])[1].len();
        for size in [256 << 10, 257 << 10, 600 << 10] {
            let long = [events[1..2].repeat(size / one), vec![*sent]].concat();
            for text in written(form, &long).into_iter().step_by(5) {
                assert_eq!(response(provider, &text), Some(*expected), "{provider} {sent:?} {}", text.len());
            }
        }
    }
}

#[test]
fn a_page_in_place_of_a_stream_is_no_stream() {
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))]);
    let classifier = FailureClassifier::new(&ProviderId::anthropic());
    for body in in_every_way("<!doctype html>\n<title>Log in to the network</title>\n") {
        let failure = classifier.response(StatusCode::OK, &headers, body.as_bytes(), NOW);
        assert_eq!(failure.map(|failure| failure.reason()), Some(Network), "{body:?}");
    }
    assert_eq!(response("openai", r#"{"message":"Not Found","code":404}"#), Some(NotFound));
}
