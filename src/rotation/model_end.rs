//! The end of one model of a call.

use super::response::ErrorResponse;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::failure::Failure;
use crate::id::ModelRef;
use crate::select::Unavailable;

/// The reason that a model has no answer.
#[derive(Debug)]
pub(super) struct ModelEnd {
    /// The model, if the failure concerns one.
    pub(super) model: Option<ModelRef>,
    pub(super) error: Error,
    /// `true` if no request for the model could be built.
    pub(super) is_unserved: bool,
    pub(super) failure: Option<Failure>,
    pub(super) unavailable: Option<Unavailable>,
    pub(super) response: Option<Box<ErrorResponse>>,
    /// The moment from which another call is worth it, regardless of the profiles' cooldowns.
    pub(super) retry_at: Option<Timestamp>,
}

impl ModelEnd {
    pub(super) fn new(model: Option<ModelRef>, error: Error) -> Self {
        Self { model, error, is_unserved: false, failure: None, unavailable: None, response: None, retry_at: None }
    }

    /// Returns how well it explains that there is no answer: a failure explains more than a missing profile, and that
    /// more than a model without requests.
    pub(super) fn weight(&self) -> u8 {
        match &self.failure {
            Some(_) => 2,
            None => u8::from(!self.is_unserved),
        }
    }
}
