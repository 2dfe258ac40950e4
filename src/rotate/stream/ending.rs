//! The end of a stream, which each API marks differently.

use std::borrow::Cow;

use memchr::memmem::{find, find_iter};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// The API of the events, which determines the mark of their end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ending {
    /// An unknown API, with `any` set after the first event: the end of the body is the end of the answer.
    Unknown { any: bool },
    /// The Messages API: `message_stop`.
    Messages,
    /// The Responses API of `OpenAI`: `response.completed`, `response.incomplete` or `response.done`.
    Responses,
    /// Chunks with choices (`OpenAI` chat) or candidates (Gemini), each with a finish reason at its end; one bit per
    /// choice. `[DONE]` ends them once all are finished; without it, the end of the body does.
    Chunks { begun: u64, finished: u64 },
}

/// The parts of an event that identify its API and its end.
#[derive(Deserialize)]
struct Sign<'e> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'e RawValue>,
    #[serde(borrow)]
    choices: Option<&'e RawValue>,
    #[serde(borrow)]
    candidates: Option<&'e RawValue>,
    #[serde(borrow, rename = "promptFeedback")]
    feedback: Option<&'e RawValue>,
    #[serde(borrow, rename = "usageMetadata")]
    usage: Option<&'e RawValue>,
    /// Google's Code Assist has all of these inside it.
    #[serde(borrow)]
    response: Option<&'e RawValue>,
}

/// One of several answers, of which a chunk has a piece.
#[derive(Default, Deserialize)]
struct Part {
    index: Option<Value>,
    finish_reason: Option<Value>,
    #[serde(rename = "finishReason")]
    finish_reason_of_gemini: Option<Value>,
}

/// Every event that ends an answer of a known API contains one of these words.
const ENDS: [&str; 6] =
    ["message_stop", "finish", "response.completed", "response.incomplete", "response.done", "blockReason"];

impl Default for Ending {
    fn default() -> Self {
        Self::Unknown { any: false }
    }
}

impl Ending {
    /// Returns `true` if an event ends the answer, judging by its data.
    pub(super) fn is(&mut self, data: &[u8]) -> bool {
        if data == b"[DONE]" {
            return matches!(self, Self::Chunks { .. } | Self::Unknown { .. }) && self.may_be_here();
        }
        if data.is_empty() || self.says_nothing_new(data) {
            return false;
        }
        let Ok(sign) = serde_json::from_slice::<Sign<'_>>(data) else {
            self.unmarked();
            return false;
        };
        let kind = sign.kind.and_then(|kind| serde_json::from_str::<Cow<'_, str>>(kind.get()).ok()).unwrap_or_default();
        match (*self, &*kind) {
            (Self::Unknown { .. }, "ping") => {}
            (Self::Unknown { .. } | Self::Messages, kind)
                if kind.starts_with("message_") || kind.starts_with("content_block_") =>
            {
                *self = Self::Messages;
            }
            (Self::Unknown { .. } | Self::Responses, kind) if kind.starts_with("response.") => {
                *self = Self::Responses;
            }
            (Self::Unknown { .. } | Self::Chunks { .. }, _) => match parts_of(&sign) {
                Some(parts) => self.chunk(&parts),
                None => self.unmarked(),
            },
            _ => {}
        }
        match self {
            Self::Messages => kind == "message_stop",
            Self::Responses => matches!(&*kind, "response.completed" | "response.incomplete" | "response.done"),
            Self::Chunks { .. } | Self::Unknown { .. } => false,
        }
    }

    /// Returns `true` for nearly all events, which are pieces of text and not worth parsing.
    fn says_nothing_new(self, data: &[u8]) -> bool {
        let ends = || ENDS.iter().any(|word| find(data, word.as_bytes()).is_some());
        match self {
            Self::Unknown { .. } | Self::Chunks { begun: 0, .. } => false,
            Self::Messages | Self::Responses => !ends(),
            Self::Chunks { .. } => !ends() && !may_begin_another(data),
        }
    }

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
            let bit = 1_u64 << part.index.as_ref().and_then(Value::as_u64).unwrap_or(0).min(63);
            let told = part.finish_reason.as_ref().or(part.finish_reason_of_gemini.as_ref());
            begun |= bit;
            if told.and_then(Value::as_str).is_some_and(|reason| !reason.is_empty()) {
                finished |= bit;
            }
        }
        *self = Self::Chunks { begun, finished };
    }

    /// Returns `true` if the end of the body may be the end of the answer.
    pub(super) fn may_be_here(self) -> bool {
        match self {
            Self::Unknown { any } => any,
            Self::Messages | Self::Responses => false,
            Self::Chunks { begun, finished } => begun != 0 && begun & !finished == 0,
        }
    }
}

/// Returns the pieces in a chunk, perhaps of nothing; `None` if it is not a chunk.
fn parts_of(sign: &Sign<'_>) -> Option<Vec<Part>> {
    if let Some(parts) = sign.choices.or(sign.candidates) {
        // An unreadable one has begun all the same.
        return Some(serde_json::from_str(parts.get()).unwrap_or_else(|_| vec![Part::default()]));
    }
    if let Some(inside) = sign.response.filter(|_| sign.kind.is_none()) {
        return parts_of(&serde_json::from_str::<Sign<'_>>(inside.get()).ok()?);
    }
    let feedback = sign.feedback.and_then(|told| serde_json::from_str::<Value>(told.get()).ok());
    match feedback.and_then(|mut told| told.get_mut("blockReason").map(Value::take)) {
        // The prompt was refused: there is no candidate, and nothing follows.
        Some(reason) => Some(vec![Part { finish_reason: Some(reason), ..Part::default() }]),
        None => sign.usage.map(|_| Vec::new()),
    }
}

/// Returns `true` if a chunk may have a piece of an answer other than the first. Tools have such numbers too.
fn may_begin_another(data: &[u8]) -> bool {
    const NAME: &[u8] = b"\"index\"";
    find_iter(data, NAME).any(|at| {
        let rest = data.get(at + NAME.len()..).unwrap_or_default().trim_ascii_start();
        let number = rest.strip_prefix(b":").unwrap_or_default().trim_ascii_start();
        !matches!(number, [b'0', after, ..] if !after.is_ascii_digit())
    })
}
