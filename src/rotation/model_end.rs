//! How it ended with a model.

use super::response::ErrorResponse;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::failure::Failure;
use crate::id::ModelRef;
use crate::select::Unavailable;

/// Why a model gave no answer.
#[derive(Debug)]
pub(super) struct ModelEnd {
    /// The model, where it is one that the failure is about.
    pub(super) model: Option<ModelRef>,
    pub(super) error: Error,
    /// Whether no request for the model could be made.
    pub(super) is_unserved: bool,
    pub(super) failure: Option<Failure>,
    pub(super) unavailable: Option<Unavailable>,
    pub(super) response: Option<Box<ErrorResponse>>,
    /// From when on another call is worth it, whatever the profiles' cooldowns say.
    pub(super) retry_at: Option<Timestamp>,
}

impl ModelEnd {
    pub(super) fn new(model: Option<ModelRef>, error: Error) -> Self {
        Self { model, error, is_unserved: false, failure: None, unavailable: None, response: None, retry_at: None }
    }

    /// How much it says of why there is no answer: a failure more than a profile that is missing, and that more than a
    /// model that could not be asked at all.
    pub(super) fn weight(&self) -> u8 {
        match &self.failure {
            Some(_) => 2,
            None => u8::from(!self.is_unserved),
        }
    }
}
