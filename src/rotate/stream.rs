//! Watching a stream of server-sent events go by.

use serde_json::Value;

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

/// Finds the end of an answer, and errors, among the events of a stream.
#[derive(Debug)]
pub(super) struct Watch {
    classifier: FailureClassifier,
    events: EventReader,
}

impl Watch {
    pub(super) fn new(classifier: FailureClassifier) -> Self {
        Self { classifier, events: EventReader::default() }
    }

    /// Looks at the next bytes; returns the first verdict they lead to.
    pub(super) fn push(&mut self, bytes: &[u8], now: Timestamp) -> Option<Verdict> {
        let Self { classifier, events } = self;
        let mut verdict = None;
        events.push(bytes, |event| {
            if verdict.is_none() {
                verdict = judge(classifier, event, now);
            }
        });
        verdict
    }
}

fn judge(classifier: &FailureClassifier, event: Event<'_>, now: Timestamp) -> Option<Verdict> {
    // Nearly all events are pieces of text, which are not worth parsing.
    if event.mentions("message_stop") && is_end(event.data) {
        return Some(Verdict::Complete);
    }
    if !event.mentions("error") {
        return None;
    }
    classifier.stream_event(event, now).map(Verdict::Failed)
}

/// Whether an event ends the message, by its data rather than by words in it.
fn is_end(data: &[u8]) -> bool {
    let data = serde_json::from_slice::<Value>(data).ok();
    data.is_some_and(|data| data.get("type").and_then(Value::as_str) == Some("message_stop"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ProviderId;
    use crate::net::MAX_EVENT;
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
