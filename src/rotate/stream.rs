//! Watching a stream of server-sent events go by: its end, its errors, its usage.

use std::borrow::Cow;

use memchr::memchr;
use memchr::memmem::find;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::cache::CacheUsage;
use crate::clock::Timestamp;
use crate::failure::{Failure, FailureClassifier};
use crate::net::{Event, EventReader};

/// What a stream turned out to be.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The answer is complete.
    Complete,
    /// It ended in an error.
    Failed(Failure),
}

/// Finds the end of an answer, errors and usage among the events of a stream.
#[derive(Debug)]
pub(super) struct Watch {
    events: EventReader,
    judge: Judge,
}

#[derive(Debug)]
struct Judge {
    classifier: FailureClassifier,
    form: Form,
    usage: CacheUsage,
    over: bool,
}

/// Whose events they are, which says how their end is marked.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// Nothing is known of it, and whether there was anything at all: its end is the end of the body.
    Unknown { any: bool },
    /// The Messages API: `message_stop`.
    Messages,
    /// The Responses API of `OpenAI`: `response.completed` or `response.incomplete`.
    Responses,
    /// Chunks with choices (`OpenAI` chat) or candidates (Gemini), each of which tells why it is finished: a bit for each
    /// one. `[DONE]` ends them; where it does not come, the end of the body does, once all are finished.
    Chunks { begun: u64, finished: u64 },
}

/// The parts of an event that say whose it is and whether it is the last.
#[derive(Deserialize)]
struct Sign<'e> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'e RawValue>,
    #[serde(borrow)]
    choices: Option<&'e RawValue>,
    #[serde(borrow)]
    candidates: Option<&'e RawValue>,
}

/// One of several answers that a chunk brings a piece of.
#[derive(Deserialize)]
struct Part {
    index: Option<u32>,
    finish_reason: Option<Value>,
    #[serde(rename = "finishReason")]
    finish_reason_of_gemini: Option<Value>,
}

/// Words without one of which no event is an error.
const ERRORS: [&str; 5] = ["error", "failed", "base_resp", "$fault", "\"code\""];

/// Words without one of which no event ends anything, once it is known whose the events are.
const ENDS: [&str; 4] = ["message_stop", "finish", "response.completed", "response.incomplete"];

impl Watch {
    /// Watches a stream whose events have no more bytes than this.
    pub(super) fn new(classifier: FailureClassifier, limit: usize) -> Self {
        let (form, usage) = (Form::Unknown { any: false }, CacheUsage::default());
        let judge = Judge { classifier, form, usage, over: false };
        Self { events: EventReader::with_limit(limit), judge }
    }

    /// Looks at the next bytes and shows `each` the events in them, up to an error; returns the first verdict they lead
    /// to.
    pub(super) fn push(&mut self, bytes: &[u8], now: Timestamp, mut each: impl FnMut(Event<'_>)) -> Option<Verdict> {
        let (judge, mut verdict) = (&mut self.judge, None);
        self.events.push(bytes, |event| judge.show(event, now, &mut verdict, &mut each));
        verdict
    }

    /// Takes the end of the body, `clean` or not; returns the verdict it leads to, none if the answer was cut off.
    pub(super) fn finish(&mut self, clean: bool, now: Timestamp, mut each: impl FnMut(Event<'_>)) -> Option<Verdict> {
        let (judge, mut verdict) = (&mut self.judge, None);
        let events = std::mem::replace(&mut self.events, EventReader::with_limit(0));
        events.finish(|event| judge.show(event, now, &mut verdict, &mut each));
        let ends = clean && !judge.over && judge.form.may_end();
        verdict.or(ends.then_some(Verdict::Complete))
    }

    /// Whether a stream that is there as a whole comes to its proper end.
    pub(super) fn sees_the_end(mut self, stream: &[u8], now: Timestamp) -> bool {
        let verdict = self.push(stream, now, |_| {}).or_else(|| self.finish(true, now, |_| {}));
        matches!(verdict, Some(Verdict::Complete))
    }

    /// Returns the counters that went by.
    pub(super) fn usage(&self) -> CacheUsage {
        self.judge.usage
    }
}

impl Judge {
    fn show(
        &mut self,
        event: Event<'_>,
        now: Timestamp,
        verdict: &mut Option<Verdict>,
        each: &mut impl FnMut(Event<'_>),
    ) {
        if matches!(verdict, Some(Verdict::Failed(_))) {
            return;
        }
        let found = self.see_lines(event, now);
        if !matches!(found, Some(Verdict::Failed(_))) {
            each(event);
        }
        *verdict = verdict.take().or(found);
    }

    /// Some servers leave out the blank lines between events, so that each line of the data is one.
    fn see_lines(&mut self, event: Event<'_>, now: Timestamp) -> Option<Verdict> {
        let one = memchr(b'\n', event.data).is_none() || event.name == b"error";
        if one || serde_json::from_slice::<IgnoredAny>(event.data).is_ok() {
            return self.see(event, now);
        }
        let mut lines = event.data.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.find_map(|data| self.see(Event { name: b"", data }, now))
    }

    fn see(&mut self, event: Event<'_>, now: Timestamp) -> Option<Verdict> {
        if event.mentions("usage") {
            // What cannot be read counts for nothing.
            let _ = self.usage.observe_event(event.data);
        }
        if self.over {
            return None;
        }
        // Nearly all events are pieces of text, which are not worth parsing.
        let error = ERRORS.iter().any(|word| event.mentions(word));
        let verdict = match error.then(|| self.classifier.stream_event(event, now)).flatten() {
            Some(failure) => Some(Verdict::Failed(failure)),
            None => self.ends(event.data.trim_ascii()).then_some(Verdict::Complete),
        };
        self.over = verdict.is_some();
        verdict
    }

    /// Whether an event ends the answer, by its data rather than by words in it.
    fn ends(&mut self, data: &[u8]) -> bool {
        if data == b"[DONE]" {
            return matches!(self.form, Form::Chunks { .. } | Form::Unknown { .. });
        }
        let known = !matches!(self.form, Form::Unknown { .. });
        if data.is_empty() || known && !ENDS.iter().any(|word| find(data, word.as_bytes()).is_some()) {
            return false;
        }
        let Ok(sign) = serde_json::from_slice::<Sign<'_>>(data) else {
            self.form.unmarked();
            return false;
        };
        let kind = sign.kind.and_then(|kind| serde_json::from_str::<Cow<'_, str>>(kind.get()).ok()).unwrap_or_default();
        let parts = sign.choices.or(sign.candidates);
        let parts = parts.and_then(|parts| serde_json::from_str::<Vec<Part>>(parts.get()).ok());
        match (self.form, &*kind, parts) {
            (Form::Unknown { .. }, "ping", _) => {}
            (Form::Unknown { .. } | Form::Messages, kind, _)
                if kind.starts_with("message_") || kind.starts_with("content_block_") =>
            {
                self.form = Form::Messages;
            }
            (Form::Unknown { .. } | Form::Responses, kind, _) if kind.starts_with("response.") => {
                self.form = Form::Responses;
            }
            (Form::Unknown { .. } | Form::Chunks { .. }, _, Some(parts)) => self.form.chunk(&parts),
            _ => self.form.unmarked(),
        }
        match self.form {
            Form::Messages => kind == "message_stop",
            Form::Responses => matches!(&*kind, "response.completed" | "response.incomplete"),
            Form::Chunks { .. } | Form::Unknown { .. } => false,
        }
    }
}

impl Form {
    fn unmarked(&mut self) {
        if let Self::Unknown { any } = self {
            *any = true;
        }
    }

    fn chunk(&mut self, parts: &[Part]) {
        let (mut begun, mut finished) = match *self {
            Self::Chunks { begun, finished } => (begun, finished),
            _ => (0, 0),
        };
        for part in parts {
            let bit = 1_u64 << part.index.unwrap_or(0).min(63);
            let told = part.finish_reason.as_ref().or(part.finish_reason_of_gemini.as_ref());
            begun |= bit;
            if told.and_then(Value::as_str).is_some_and(|reason| !reason.is_empty()) {
                finished |= bit;
            }
        }
        *self = Self::Chunks { begun, finished };
    }

    /// Whether the end of the body can be the end of the answer.
    fn may_end(self) -> bool {
        match self {
            Self::Unknown { any } => any,
            Self::Messages | Self::Responses => false,
            Self::Chunks { begun, finished } => begun != 0 && begun & !finished == 0,
        }
    }
}

#[cfg(test)]
mod tests {
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

    /// Whether a stream is complete before its body ends, when that ends cleanly, and when it breaks off.
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
            (format!("{responses}data: {{\"type\":\"response.output_text.done\"}}\n\n"), NEVER),
            (format!("{go}{stopped}{usage}data: [DONE]\n\n"), ALWAYS),
            (format!("{go}data: [DONE]\n\n"), ALWAYS),
            (format!("{go}{stopped}{usage}"), AT_A_CLEAN_END),
            (format!("{go}{stopped}{go}"), AT_A_CLEAN_END),
            (go.clone() + &chunk(0, "\"\""), NEVER),
            // Two answers, of which one is finished.
            (format!("{go}{}{stopped}", chunk(1, "null")), NEVER),
            (format!("{go}{}{stopped}{}", chunk(1, "null"), chunk(1, "\"length\"")), AT_A_CLEAN_END),
            (gemini("") + &gemini(",\"finishReason\":\"STOP\""), AT_A_CLEAN_END),
            (gemini(""), NEVER),
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
        let error =
            |data: &str, end: &str| format!("event: ping{end}data: {{}}{end}{end}event: error{end}data: {data}");
        let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
        let more = "\n\ndata: {\"type\":\"message_stop\"}\n\n";
        for stream in [error(overloaded, "\n"), error(overloaded, "\r\n"), error(overloaded, "\n") + more] {
            for step in [1, 2, 7, 1_000] {
                let (Some(Verdict::Failed(failure)), 1) = read(&stream, step, true) else { panic!("{step} {stream}") };
                assert_eq!(failure.reason(), FailureReason::Overloaded);
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
}
