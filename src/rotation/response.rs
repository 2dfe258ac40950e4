//! The provider's answer to a request that failed.

use std::fmt;

use http::{HeaderMap, StatusCode};

/// The provider's answer to a request that failed, for programs that hand it on.
///
/// `Debug` tells the status and lengths only: providers repeat fragments of keys and of prompts.
#[derive(Clone, PartialEq, Eq)]
pub struct ErrorResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Box<[u8]>,
}

impl ErrorResponse {
    /// How many bytes of a body are kept: 256 KiB.
    pub const MAX_BODY: usize = 256 << 10;

    /// Keeps an answer. Of a body that is longer than [`MAX_BODY`](Self::MAX_BODY) the start is kept.
    #[must_use]
    pub fn new(status: StatusCode, headers: HeaderMap, body: &[u8]) -> Self {
        Self { status, headers, body: body.get(..Self::MAX_BODY).unwrap_or(body).into() }
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the body as the provider wrote it, or the start of it.
    ///
    /// # Security
    ///
    /// Providers repeat fragments of keys and of prompts in their answers: do not log it.
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
