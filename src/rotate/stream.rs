//! Watching a stream of server-sent events go by.

use serde_json::Value;

use crate::clock::Timestamp;
use crate::failure::{Failure, FailureClassifier};

/// An event that is longer than this is not looked at, in bytes.
const MAX_EVENT: usize = 256 << 10;

/// What a stream turned out to be.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The answer is complete.
    Complete,
    /// It ended in an error.
    Failed(Failure),
}

/// Finds the end of an answer, and errors, among the events of a stream.
#[derive(Debug)]
pub(super) struct Watch {
    classifier: FailureClassifier,
    event: Vec<u8>,
    too_long: bool,
}

impl Watch {
    pub(super) fn new(classifier: FailureClassifier) -> Self {
        Self { classifier, event: Vec::new(), too_long: false }
    }

    /// Looks at the next bytes; gives the first verdict they lead to.
    pub(super) fn push(&mut self, bytes: &[u8], now: Timestamp) -> Option<Verdict> {
        let mut verdict = None;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.event.len() + line.len() > MAX_EVENT {
                self.too_long = true;
                self.event.clear();
            }
            self.event.extend_from_slice(line);
            let blank = [b"\n\n".as_slice(), b"\n\r\n"].iter().any(|end| self.event.ends_with(end));
            if blank || self.event == b"\n" || self.event == b"\r\n" {
                verdict = verdict.or_else(|| self.judge(now));
                self.event.clear();
                self.too_long = false;
            }
        }
        verdict
    }

    fn judge(&self, now: Timestamp) -> Option<Verdict> {
        if self.too_long {
            return None;
        }
        let contains = |word: &str| self.event.windows(word.len()).any(|window| window == word.as_bytes());
        if contains("message_stop") && is_end(&self.event) {
            return Some(Verdict::Complete);
        }
        if !contains("error") {
            return None;
        }
        self.classifier.event(&self.event, now).map(Verdict::Failed)
    }
}

/// Whether an event ends the message, by its data rather than by words in it.
fn is_end(event: &[u8]) -> bool {
    let text = String::from_utf8_lossy(event);
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    let types = data.filter_map(|data| serde_json::from_str::<Value>(data.trim()).ok());
    types.into_iter().any(|data| data.get("type").and_then(Value::as_str) == Some("message_stop"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ProviderId;
    use crate::reason::FailureReason;

    fn watch(stream: &[u8], step: usize) -> Option<Verdict> {
        let mut watch = Watch::new(FailureClassifier::new(&ProviderId::anthropic()));
        let verdicts = stream.chunks(step).map(|chunk| watch.push(chunk, Timestamp::default()));
        verdicts.collect::<Vec<_>>().into_iter().flatten().next()
    }

    #[test]
    fn events_are_found_however_they_are_cut() {
        let end = b"event: message_start\ndata: {\"type\":\"message_start\"}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
        let error = b"event: ping\r\ndata: {}\r\n\r\nevent: error\r\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\r\n\r\n";
        for step in [1, 2, 7, 1_000] {
            assert!(matches!(watch(end, step), Some(Verdict::Complete)), "{step}");
            let Some(Verdict::Failed(failure)) = watch(error, step) else { panic!("{step}") };
            assert_eq!(failure.reason(), FailureReason::Overloaded);
        }
    }

    #[test]
    fn the_models_own_words_are_neither_end_nor_error() {
        for text in ["message_stop", "error: Overloaded", "{\\\"type\\\":\\\"message_stop\\\"}"] {
            let event = format!(
                "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n"
            );
            assert!(watch(event.as_bytes(), 11).is_none(), "{text}");
        }
        let mut long = b"data: ".to_vec();
        long.resize(MAX_EVENT * 2, b'x');
        long.extend_from_slice(b"\n\ndata: {\"type\":\"message_stop\"}\n\n");
        assert!(matches!(watch(&long, 4_096), Some(Verdict::Complete)));
    }
}
