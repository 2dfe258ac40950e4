//! Deadlines in a body.

use serde_json::{Map, Value};

use super::moment::{Hint, duration, epoch};
use super::sentence;

/// How a member's value is read.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// Seconds as a number, or a duration as a text.
    Seconds,
    Millis,
    /// Since the epoch, or a date.
    Moment,
}

/// Members that say when to come back, the most exact first. Google `RetryInfo`; `OpenRouter` `availability`; the
/// `ChatGPT` plan's back end; Cloud Code.
const MEMBERS: [(&str, Form); 12] = [
    ("retryDelay", Form::Seconds),
    ("retry_after_ms", Form::Millis),
    ("retry_after", Form::Seconds),
    ("retryAfter", Form::Seconds),
    ("retry_after_seconds", Form::Seconds),
    ("resets_in_seconds", Form::Seconds),
    ("resets_at", Form::Moment),
    ("resetsAt", Form::Moment),
    ("reset_at", Form::Moment),
    ("quotaResetDelay", Form::Seconds),
    ("quotaResetTimeStamp", Form::Moment),
    ("X-RateLimit-Reset", Form::Moment),
];

/// The rank of sentences: behind the headers that a body repeats.
const SENTENCE: usize = MEMBERS.len();
const MOST: usize = 16;

/// What a body says about waiting.
#[derive(Debug, Default)]
pub(crate) struct Hints(Vec<(usize, Hint)>);

impl Hints {
    fn push(&mut self, rank: usize, hint: Hint) {
        if self.0.len() < MOST {
            self.0.push((rank, hint));
        }
    }

    /// Reads the members of an object of the body.
    pub(crate) fn read(&mut self, object: &Map<String, Value>) {
        for (rank, (name, form)) in MEMBERS.iter().enumerate() {
            if let Some(hint) = object.get(*name).and_then(|value| read(value, *form)) {
                self.push(rank, hint);
            }
        }
        // `OpenRouter` repeats the upstream's headers in its metadata.
        if let Some(Value::Object(headers)) = object.get("headers") {
            let left = headers.get("X-RateLimit-Remaining").and_then(as_number);
            if left.is_none_or(|left| left <= 0.0) {
                self.read_flat(headers);
            }
        }
    }

    fn read_flat(&mut self, headers: &Map<String, Value>) {
        for (rank, (name, form)) in MEMBERS.iter().enumerate() {
            if let Some(hint) = headers.get(*name).and_then(|value| read(value, *form)) {
                self.push(rank, hint);
            }
        }
        if let Some(hint) = headers.get("Retry-After").and_then(|value| read(value, Form::Seconds)) {
            self.push(2, hint);
        }
    }

    /// Reads a message for people.
    pub(crate) fn read_text(&mut self, message: &str) {
        for hint in sentence::hints(message) {
            self.push(SENTENCE, hint);
        }
    }

    /// The hints, the most exact first.
    pub(super) fn in_order(&self) -> impl Iterator<Item = Hint> {
        (0..=SENTENCE).flat_map(|rank| self.0.iter().filter(move |(of, _)| *of == rank).map(|(_, hint)| *hint))
    }
}

fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn read(value: &Value, form: Form) -> Option<Hint> {
    match form {
        Form::Millis => as_number(value).map(|millis| Hint::After(millis / 1_000.0)),
        Form::Moment => match value {
            Value::String(text) => Hint::moment(text),
            other => as_number(other).and_then(epoch),
        },
        Form::Seconds => match value {
            // `google.protobuf.Duration` as an object.
            Value::Object(parts) => {
                let part = |name| parts.get(name).and_then(as_number);
                part("seconds").map(|seconds| Hint::After(seconds + part("nanos").unwrap_or(0.0) / 1e9))
            }
            Value::String(text) => duration(text).or_else(|| as_number(value)).map(Hint::After),
            other => as_number(other).map(Hint::After),
        },
    }
}
