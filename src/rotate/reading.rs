//! The state of reading a stream.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Mutex;

use bytes::Bytes;

use super::bound::Bound;
use super::stream::Watch;
use super::stream_event::StreamEvent;
use crate::error::{Error, Result};
use crate::failure::FailureClassifier;
use crate::id::ProviderId;

/// The outcome being written to the store, in a `Mutex` that is never locked, so that a reply can be shared.
pub(super) type Recording = Mutex<Pin<Box<dyn Future<Output = Result<()>> + Send>>>;

/// A stream that is being read.
pub(super) struct Reading {
    pub(super) watch: Watch,
    pub(super) bound: Bound,
    /// `true` if the caller reads events rather than bytes.
    pub(super) by_event: bool,
    pub(super) events: VecDeque<StreamEvent>,
    /// A piece that is returned once its failure is recorded.
    pub(super) piece: Option<Bytes>,
    pub(super) recording: Option<Recording>,
    pub(super) is_complete: bool,
    /// The error to return after the last piece.
    pub(super) error: Option<Error>,
    pub(super) is_over: bool,
}

impl Reading {
    pub(super) fn new(provider: &ProviderId, most: usize) -> Self {
        Self {
            watch: Watch::new(FailureClassifier::new(provider), most),
            bound: Bound::new(most),
            by_event: false,
            events: VecDeque::new(),
            piece: None,
            recording: None,
            is_complete: false,
            error: None,
            is_over: false,
        }
    }
}
