//! An event of a stream, as returned to the caller.

use std::fmt;

use crate::net::Event;

/// A server-sent event of an answer.
///
/// `Debug` shows only lengths, because the model's answer may be confidential.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamEvent {
    /// The name of the event; empty if it has none, as in streams of `OpenAI` and Gemini.
    pub name: String,
    /// The data, nearly always JSON. Its lines are joined by line feeds.
    pub data: String,
}

impl StreamEvent {
    pub(super) fn new(event: Event<'_>) -> Self {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Self { name: text(event.name), data: text(event.data) }
    }
}

impl fmt::Debug for StreamEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamEvent").field("name", &self.name.len()).field("data", &self.data.len()).finish()
    }
}
