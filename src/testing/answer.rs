//! What the server says to one request.

use std::fmt;
use std::time::Duration;

use serde_json::json;

/// What a [`Server`](super::Server) says to one request.
///
/// It is a status with headers and a body, and may come in pieces with pauses between them, or not to its end.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use provider_auth::testing::Answer;
///
/// // A stream that stalls for a moment, and then breaks off.
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
    /// Whether the body goes out in chunks, and not with its length in the head.
    pub(super) is_chunked: bool,
}

/// One thing that is done to answer.
#[derive(Clone)]
pub(super) enum Step {
    /// Sends some of the body, and the head before the first of it.
    Piece(Vec<u8>),
    Pause(Duration),
    /// Makes the body of a message that fits the request, or refuses that.
    Message(String),
}

/// How an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Whole,
    CutOff,
    /// The connection stays open until the client goes away.
    Silent,
}

impl Answer {
    /// Makes an answer with this status, without headers and without a body.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), steps: Vec::new(), end: End::Whole, is_chunked: false }
    }

    /// Makes an answer with a JSON text.
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status).header("content-type", "application/json").body(body)
    }

    /// Makes an answer of the Messages API: status 200, and a message with this text.
    ///
    /// Its usage counters follow the request, four bytes for a token: all of them written to the cache if the body has a
    /// cache marker, none read. A request that the API would refuse is refused as there: one to another path than
    /// `/v1/messages`, without a credential or with two, without `anthropic-version`, or without messages.
    pub fn message(text: impl Into<String>) -> Self {
        let mut answer = Self::new(200).header("content-type", "application/json");
        answer.steps.push(Step::Message(text.into()));
        answer
    }

    /// Makes an error in the shape of the Messages API: a status, the error's type, such as `rate_limit_error`, and its
    /// message.
    pub fn error(status: u16, kind: &str, message: &str) -> Self {
        let body = json!({"type": "error", "error": {"type": kind, "message": message}});
        Self::json(status, body.to_string())
    }

    /// Makes a stream of server-sent events, each of which is sent as it is given: with its `data:` and the empty line
    /// after it.
    pub fn events<E: Into<Vec<u8>>>(events: impl IntoIterator<Item = E>) -> Self {
        let answer = Self { is_chunked: true, ..Self::new(200).header("content-type", "text/event-stream") };
        events.into_iter().fold(answer, Self::piece)
    }

    /// Makes an answer that never comes: nothing is sent until the client goes away.
    pub fn silence() -> Self {
        Self { end: End::Silent, ..Self::new(200) }
    }

    /// Adds a header. `content-length`, `transfer-encoding` and `connection` are the server's own.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds all of a body, which is sent with its length in the head.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.steps.push(Step::Piece(body.into()));
        self
    }

    /// Adds a piece of the body, which is sent by itself, as one chunk.
    pub fn piece(mut self, piece: impl Into<Vec<u8>>) -> Self {
        self.is_chunked = true;
        self.body(piece)
    }

    /// Waits before what is added next. Before the first piece the head waits too.
    pub fn pause(mut self, time: Duration) -> Self {
        self.steps.push(Step::Pause(time));
        self
    }

    /// Closes the connection after what was added, without an end; without a head if nothing was added.
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
