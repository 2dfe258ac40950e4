//! The provider's answer to a request that failed.

use std::fmt;

use http::{HeaderMap, StatusCode};

/// The provider's answer to a request that failed, for programs that pass it on.
///
/// `Debug` shows only the status and lengths, because providers repeat fragments of keys and prompts.
#[derive(Clone, PartialEq, Eq)]
pub struct ErrorResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Box<[u8]>,
}

impl ErrorResponse {
    /// The number of bytes that are kept of a body: 256 KiB.
    pub const MAX_BODY: usize = 256 << 10;

    /// Creates a response. Of a body longer than [`MAX_BODY`](Self::MAX_BODY), only the start is kept.
    #[must_use]
    pub fn new(status: StatusCode, headers: HeaderMap, body: &[u8]) -> Self {
        Self { status, headers, body: body.get(..Self::MAX_BODY).unwrap_or(body).into() }
    }

    /// Returns the HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the headers of the answer.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the body as the provider wrote it, up to [`MAX_BODY`](Self::MAX_BODY) bytes.
    ///
    /// # Security
    ///
    /// Providers repeat fragments of keys and prompts in their answers: do not log it.
    #[must_use]
    pub fn unredacted_body(&self) -> &[u8] {
        &self.body
    }
}

impl fmt::Debug for ErrorResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorResponse")
            .field("status", &self.status)
            .field("headers", &self.headers.len())
            .field("body", &self.body.len())
            .finish()
    }
}
