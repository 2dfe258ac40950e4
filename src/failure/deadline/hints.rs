//! Deadlines in a body.

use serde_json::{Map, Value};

use super::duration::duration;
use super::moment::{Hint, epoch};
use super::sentence;
use super::zone::Zone;

/// The format of a member's value.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// Seconds as a number, or a duration as a text.
    Seconds,
    Millis,
    /// Since the epoch, or a date.
    Moment,
}

/// Members that state when to try again, the most exact first. Google `RetryInfo`; `OpenRouter` `availability`; the
/// `ChatGPT` plan's back end; Cloud Code; the usage of Z.ai.
const MEMBERS: [(&str, Form); 19] = [
    ("retryDelay", Form::Seconds),
    ("retry_after_ms", Form::Millis),
    ("retry_after", Form::Seconds),
    ("retryAfter", Form::Seconds),
    ("retry_after_seconds", Form::Seconds),
    ("resets_in_seconds", Form::Seconds),
    ("resets_at", Form::Moment),
    ("resetsAt", Form::Moment),
    ("reset_at", Form::Moment),
    ("resetAt", Form::Moment),
    ("reset_time", Form::Moment),
    ("resetTime", Form::Moment),
    ("nextResetTime", Form::Moment),
    ("retryAfterMs", Form::Millis),
    ("retryAfterSeconds", Form::Seconds),
    ("retry_delay", Form::Seconds),
    ("quotaResetDelay", Form::Seconds),
    ("quotaResetTimeStamp", Form::Moment),
    ("X-RateLimit-Reset", Form::Moment),
];

/// Members that identify the zone of a time without one. Google's daily quotas reset at midnight Pacific time
/// (<https://ai.google.dev/gemini-api/docs/rate-limits>). Zhipu documents no zone for the limits of its plans;
/// `retry-after-ms` and the plan's usage beside a message showed Beijing time in September 2026
/// (<https://github.com/can1357/oh-my-pi/issues/11014>).
const HOMES: [(&str, &[&str], Zone); 2] =
    [("status", &["RESOURCE_EXHAUSTED"], Zone::PACIFIC), ("code", &["1308", "1310", "1316"], Zone::BEIJING)];

/// The rank of sentences: after the headers that a body repeats.
const SENTENCE: usize = MEMBERS.len();
const MOST: usize = 16;

/// The waiting times stated in a body.
#[derive(Debug, Default)]
pub(crate) struct Hints {
    hints: Vec<(usize, Hint)>,
    home: Option<Zone>,
}

impl Hints {
    fn push(&mut self, rank: usize, hint: Hint) {
        if self.hints.len() < MOST {
            self.hints.push((rank, hint));
        }
    }

    /// Reads the members of an object of the body.
    pub(crate) fn read(&mut self, object: &Map<String, Value>) {
        let is = |value: &Value, text: &str| match value {
            Value::String(string) => string == text,
            Value::Number(number) => number.to_string() == text,
            _ => false,
        };
        let says =
            |name: &str, any: &[&str]| object.get(name).is_some_and(|value| any.iter().any(|text| is(value, text)));
        if let Some((.., zone)) = HOMES.iter().find(|(name, any, _)| says(name, any)) {
            self.home = Some(*zone);
        }
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
        for hint in sentence::hints(message, self.home) {
            self.push(SENTENCE, hint);
        }
    }

    /// Returns the hints, the most exact first.
    pub(super) fn in_order(&self) -> impl Iterator<Item = Hint> {
        (0..=SENTENCE).flat_map(|rank| self.hints.iter().filter(move |(of, _)| *of == rank).map(|(_, hint)| *hint))
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
