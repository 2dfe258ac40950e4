//! Streams of every API, cut anywhere.

use super::*;
use crate::id::ProviderId;
use crate::reason::FailureReason;

/// The outcome of a stream that arrives in pieces and whose body ends `clean` or not, and how many events there were.
fn read(stream: &str, step: usize, clean: bool) -> (Option<Verdict>, usize) {
    let (mut watch, now) = (watch(), Timestamp::default());
    let (mut verdict, mut count) = (None, 0);
    for piece in stream.as_bytes().chunks(step) {
        verdict = verdict.or(watch.push(piece, now, |_| count += 1));
        if matches!(verdict, Some(Verdict::Failed(_))) {
            return (verdict, count);
        }
    }
    let end = watch.finish(clean, now, |_| count += 1);
    (verdict.or(end), count)
}

fn watch() -> Watch {
    Watch::new(FailureClassifier::new(&ProviderId::anthropic()), 1 << 20)
}

/// Returns whether a stream is complete before its body ends, after a clean end, and after breaking off.
fn complete(stream: &str) -> [bool; 3] {
    let by_itself = watch().push(stream.as_bytes(), Timestamp::default(), |_| {});
    let ended = [true, false].map(|clean| {
        let outcomes = [1, 2, 7, 1_000].map(|step| matches!(read(stream, step, clean).0, Some(Verdict::Complete)));
        assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "{stream}");
        outcomes[0]
    });
    [matches!(by_itself, Some(Verdict::Complete)), ended[0], ended[1]]
}

const ALWAYS: [bool; 3] = [true; 3];
const NEVER: [bool; 3] = [false; 3];
const AT_A_CLEAN_END: [bool; 3] = [false, true, false];

#[test]
fn each_api_marks_the_end_of_an_answer_in_its_own_way() {
    let messages = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{}}\n\n";
    let stop = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    let responses = "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{}}\n\n";
    let chunk = |index: u8, reason: &str| {
        format!("data: {{\"choices\":[{{\"index\":{index},\"delta\":{{}},\"finish_reason\":{reason}}}]}}\n\n")
    };
    let gemini = |more: &str| format!("data: {{\"candidates\":[{{\"content\":{{}}{more}}}]}}\r\n\r\n");
    let wrapped = |more: &str| format!("data: {{\"response\":{{\"candidates\":[{{\"content\":{{}}{more}}}]}}}}\n\n");
    let (go, stopped) = (chunk(0, "null"), chunk(0, "\"stop\""));
    let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9}}\n\n";
    for (stream, expected) in [
        (format!("{messages}{stop}"), ALWAYS),
        (messages.to_owned(), NEVER),
        (format!("{messages}data: [DONE]\n\n"), NEVER),
        // The last event has no blank line, or none has.
        (format!("{messages}{}", stop.trim_end()), [false, true, true]),
        (format!("{messages}{stop}").replace("\n\n", "\n"), [false, true, true]),
        (format!("{responses}event: response.completed\ndata: {{\"type\":\"response.completed\"}}\n\n"), ALWAYS),
        (format!("{responses}data: {{\"type\":\"response.incomplete\"}}\n\n"), ALWAYS),
        (format!("{responses}data: {{\"type\":\"response.done\"}}\n\n"), ALWAYS),
        (format!("{responses}data: {{\"type\":\"response.output_text.done\"}}\n\n"), NEVER),
        (format!("{go}{stopped}{usage}data: [DONE]\n\n"), ALWAYS),
        (format!("{go}data: [DONE]\n\n"), NEVER),
        ("data: [DONE]\n\n".to_owned(), NEVER),
        (format!("{go}{stopped}{usage}"), AT_A_CLEAN_END),
        (format!("{go}{stopped}{go}"), AT_A_CLEAN_END),
        (go.clone() + &chunk(0, "\"\""), NEVER),
        // Two answers, of which one is finished.
        (format!("{go}{}{stopped}", chunk(1, "null")), NEVER),
        (format!("{go}{}{stopped}{}", chunk(1, "null"), chunk(1, "\"length\"")), AT_A_CLEAN_END),
        (gemini("") + &gemini(",\"finishReason\":\"STOP\""), AT_A_CLEAN_END),
        (gemini(""), NEVER),
        // A second answer that begins later, and one whose number cannot be read.
        (go.clone() + &chunk(1, "null") + &stopped, NEVER),
        (go.clone() + &chunk(1, "null").replace("\":", "\" : ") + &stopped, NEVER),
        (go.replace('0', "-1"), NEVER),
        ("data: {\"choices\":{\"0\":{}}}\n\n".to_owned(), NEVER),
        // Google's Code Assist has it all inside a response.
        (wrapped(""), NEVER),
        (wrapped("") + &wrapped(",\"finishReason\":\"STOP\""), AT_A_CLEAN_END),
        ("data: {\"usageMetadata\":{\"promptTokenCount\":9}}\n\n".to_owned(), NEVER),
        ("data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\"},\"usageMetadata\":{}}\n\n".to_owned(), AT_A_CLEAN_END),
        // An answer that is not streamed, under the type of a stream.
        ("{\"type\":\"message\",\"content\":[]}".to_owned(), AT_A_CLEAN_END),
        ("{\"type\":\"message\",\"content\":[".to_owned(), NEVER),
        ("{\"done\":false}\n{\"done\":true}\n".to_owned(), AT_A_CLEAN_END),
        // Nothing marks the end.
        ("data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}\n\n".to_owned(), AT_A_CLEAN_END),
        ("data: Hello\n\n".to_owned(), AT_A_CLEAN_END),
        ("data: {\"type\":7}\n\n".to_owned(), AT_A_CLEAN_END),
        (": a comment\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n".to_owned(), NEVER),
        (String::new(), NEVER),
    ] {
        assert_eq!(complete(&stream), expected, "{stream}");
    }
}

#[test]
fn errors_are_found_however_they_are_cut_and_hide_what_follows() {
    let error = |data: &str, end: &str| format!("event: ping{end}data: {{}}{end}{end}event: error{end}data: {data}");
    let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let more = "\n\ndata: {\"type\":\"message_stop\"}\n\n";
    for stream in [error(overloaded, "\n"), error(overloaded, "\r\n"), error(overloaded, "\n") + more] {
        for step in [1, 2, 7, 1_000] {
            let (Some(Verdict::Failed(failure)), 1) = read(&stream, step, true) else { panic!("{step} {stream}") };
            assert_eq!(failure.reason(), FailureReason::Overloaded);
        }
    }
    // Without an event around it, and without an envelope.
    for (stream, reason) in [
        (r#"{"error":{"code":"rate_limit_exceeded","message":"Rate limit reached"}}"#, FailureReason::RateLimit),
        ("data: {\"throttlingException\":{\"message\":\"Too many requests\"}}\n\n", FailureReason::RateLimit),
    ] {
        for (step, clean) in [(1, true), (7, false), (1_000, true)] {
            let (Some(Verdict::Failed(failure)), 0) = read(stream, step, clean) else { panic!("{step} {stream}") };
            assert_eq!(failure.reason(), reason, "{stream}");
        }
    }
    let minimax = "data: {\"base_resp\":{\"status_code\":1008,\"status_msg\":\"insufficient balance\"}}\n\n";
    assert!(matches!(read(minimax, 9, true), (Some(Verdict::Failed(_)), 0)));
}

#[test]
fn the_models_own_words_are_neither_end_nor_error() {
    for text in ["message_stop", "error: Overloaded", "{\\\"type\\\":\\\"message_stop\\\"}", "[DONE]"] {
        let event = format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n"
        );
        assert_eq!(complete(&event), NEVER, "{text}");
    }
}

#[test]
fn usage_is_counted_to_the_end() {
    let mut watch = watch();
    for data in [
        r#"{"type":"message_start","message":{"usage":{"input_tokens":3,"cache_read_input_tokens":90}}}"#,
        r#"{"type":"message_delta","usage":{"output_tokens":7,"cache_creation_input_tokens":5}}"#,
    ] {
        assert!(watch.push(format!("data: {data}\n\n").as_bytes(), Timestamp::default(), |_| {}).is_none());
    }
    assert_eq!((watch.usage().read, watch.usage().written(), watch.usage().total()), (Some(90), 5, 98));
}

#[test]
fn half_an_error_says_only_that_the_stream_broke_off() {
    let half = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overl";
    for (stream, clean) in [(half, false), (half, true), ("event: error\n", false)] {
        assert!(matches!(read(stream, 7, clean), (None, 0)), "{clean} {stream}");
    }
    // A whole one counts, whatever breaks after it.
    let whole = format!("{half}oaded_error\"}}}}");
    assert!(
        matches!(read(&whole, 7, false).0, Some(Verdict::Failed(failure)) if failure.reason() == FailureReason::Overloaded)
    );
    assert!(matches!(read("event: error\ndata: no\n\n", 7, false).0, Some(Verdict::Failed(_))));
}
