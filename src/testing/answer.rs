//! A scripted answer to one request.

use std::fmt;
use std::time::Duration;

use serde_json::json;

/// An answer of a [`Server`](super::Server) to one request.
///
/// It consists of a status, headers and a body, which may be sent in pieces with pauses between them, or be cut off.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use provider_auth::testing::Answer;
///
/// // A stream that stalls for a moment and then breaks off.
/// let answer = Answer::events(["data: {\"type\":\"ping\"}\n\n"])
///     .pause(Duration::from_millis(5))
///     .piece("data: {\"type\":")
///     .cut_off();
/// # drop(answer);
/// ```
#[derive(Clone)]
#[must_use]
pub struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) steps: Vec<Step>,
    pub(super) end: End,
    /// `true` if the body is sent in chunks instead of with a `content-length`.
    pub(super) is_chunked: bool,
}

/// One step of sending an answer.
#[derive(Clone)]
pub(super) enum Step {
    /// Sends some of the body, after the head if this is the first piece.
    Piece(Vec<u8>),
    Pause(Duration),
    /// Creates the body of a message that fits the request, or a refusal.
    Message(String),
}

/// The end of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Whole,
    CutOff,
    /// The connection stays open until the client closes it.
    Silent,
}

impl Answer {
    /// Creates an answer with this status, without headers and without a body.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), steps: Vec::new(), end: End::Whole, is_chunked: false }
    }

    /// Creates an answer with a JSON text.
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status).header("content-type", "application/json").body(body)
    }

    /// Creates an answer of the Messages API: status 200, and a message with this text; a stream of events with one
    /// delta for each word if the request has `"stream": true`.
    ///
    /// Its usage counters are derived from the request, at four bytes per token. If the body has a `cache_control` marker,
    /// all tokens are written to the cache, except those that are read: the tools, system prompt and messages at the
    /// beginning that an earlier message to the same credential had too. A request that the API would refuse is refused:
    /// another path than `/v1/messages`, no credential or two, no `anthropic-version`, or no messages.
    pub fn message(text: impl Into<String>) -> Self {
        let mut answer = Self::new(200).header("content-type", "application/json");
        answer.steps.push(Step::Message(text.into()));
        answer
    }

    /// Creates an error in the format of the Messages API: a status, the error's type, such as `rate_limit_error`, and
    /// its message.
    pub fn error(status: u16, kind: &str, message: &str) -> Self {
        let body = json!({"type": "error", "error": {"type": kind, "message": message}});
        Self::json(status, body.to_string())
    }

    /// Creates a stream of server-sent events. Each is sent as it is passed, and must include its `data:` and the empty
    /// line after it.
    pub fn events<E: Into<Vec<u8>>>(events: impl IntoIterator<Item = E>) -> Self {
        let answer = Self { is_chunked: true, ..Self::new(200).header("content-type", "text/event-stream") };
        events.into_iter().fold(answer, Self::piece)
    }

    /// Creates an answer that never comes: nothing is sent until the client closes the connection.
    pub fn silence() -> Self {
        Self { end: End::Silent, ..Self::new(200) }
    }

    /// Adds a header. The server sets `content-length`, `transfer-encoding` and `connection` itself.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a whole body, which is sent with a `content-length`.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.steps.push(Step::Piece(body.into()));
        self
    }

    /// Adds a piece of the body, which is sent as one chunk.
    pub fn piece(mut self, piece: impl Into<Vec<u8>>) -> Self {
        self.is_chunked = true;
        self.body(piece)
    }

    /// Adds a pause before the next part. A pause before the first piece delays the head too.
    pub fn pause(mut self, time: Duration) -> Self {
        self.steps.push(Step::Pause(time));
        self
    }

    /// Closes the connection after the parts added so far, without a proper end; without a head if there are none.
    pub fn cut_off(mut self) -> Self {
        (self.end, self.is_chunked) = (End::CutOff, true);
        self
    }
}

/// Shows the names of headers and the lengths of bodies, not what they say.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| &**name).collect();
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("headers", &headers)
            .field("steps", &self.steps)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Piece(bytes) => write!(f, "Piece({} bytes)", bytes.len()),
            Self::Pause(time) => f.debug_tuple("Pause").field(time).finish(),
            Self::Message(text) => write!(f, "Message({} bytes)", text.len()),
        }
    }
}
