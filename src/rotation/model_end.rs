//! How it ended with a model.

use super::response::ErrorResponse;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::failure::Failure;
use crate::select::Unavailable;

/// Why a model gave no answer.
#[derive(Debug)]
pub(super) struct ModelEnd {
    pub(super) error: Error,
    pub(super) failure: Option<Failure>,
    pub(super) unavailable: Option<Unavailable>,
    pub(super) response: Option<Box<ErrorResponse>>,
    /// From when on another call is worth it, whatever the profiles' cooldowns say.
    pub(super) retry_at: Option<Timestamp>,
}

impl ModelEnd {
    pub(super) fn new(error: Error) -> Self {
        Self { error, failure: None, unavailable: None, response: None, retry_at: None }
    }
}
