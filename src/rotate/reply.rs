//! The answer to a call.

use std::fmt;

use super::rotator::Rotator;
use super::stream::{Verdict, Watch};
use crate::error::Diagnostic;
use crate::error::{ErrorKind, Result};
use crate::failure::{Failure, FailureClassifier};
use crate::id::{ModelRef, ProfileId};
use crate::record::Record;
use crate::rotation::{Attempt, AttemptRecord};
use crate::select::Receipt;

/// The answer to a call, and how it came about.
///
/// An answer that is no stream is complete and its success is recorded; take its body with
/// [`into_response`](Self::into_response) or [`chunk`](Self::chunk).
///
/// A stream (`content-type: text/event-stream`) was only begun. Read it with [`chunk`](Self::chunk), which watches the events: the profile's success is
/// recorded when the event `message_stop` went by, a failure when an error event did or the connection broke. A stream
/// that is not read to its end leaves its receipt open, and the profile as it was: neither success nor failure. Those who
/// read the response themselves report with [`Rotator::finish`] and [`Rotator::report_stream_error`].
pub struct Reply {
    rotator: Rotator,
    response: reqwest::Response,
    /// The body, if it was read to its end and nobody has taken it.
    body: Option<Vec<u8>>,
    profile: ProfileId,
    model: ModelRef,
    receipt: Receipt,
    attempts: Vec<AttemptRecord>,
    notes: Vec<Diagnostic>,
    watch: Option<Watch>,
    unrecorded: Option<ErrorKind>,
}

impl Reply {
    pub(super) fn new(
        rotator: Rotator,
        response: reqwest::Response,
        body: Option<Vec<u8>>,
        attempt: &Attempt,
        notes: Vec<Diagnostic>,
    ) -> Self {
        let (model, receipt) = (attempt.model().clone(), attempt.receipt().clone());
        let watch = body.is_none().then(|| Watch::new(FailureClassifier::new(receipt.provider())));
        let (profile, attempts) = (receipt.profile().clone(), Vec::new());
        Self { rotator, response, body, profile, model, receipt, attempts, notes, watch, unrecorded: None }
    }

    pub(super) fn with_attempts(mut self, attempts: Vec<AttemptRecord>) -> Self {
        self.unrecorded = attempts.last().and_then(|attempt| attempt.unrecorded);
        self.attempts = attempts;
        self
    }

    /// The profile that answered.
    #[must_use]
    pub fn profile(&self) -> &ProfileId {
        &self.profile
    }

    /// The model that answered: the call's, or one of its fallbacks.
    #[must_use]
    pub fn model(&self) -> &ModelRef {
        &self.model
    }

    /// The receipt of the pick.
    #[must_use]
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// Every attempt in order, the one that was answered last.
    #[must_use]
    pub fn attempts(&self) -> &[AttemptRecord] {
        &self.attempts
    }

    /// Settings that had no effect on the request, and why.
    #[must_use]
    pub fn notes(&self) -> &[Diagnostic] {
        &self.notes
    }

    /// Whether the answer is a stream of server-sent events, of which only the head is in.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        self.watch.is_some()
    }

    /// Why the outcome could not be written to the store, if it could not. The receipt is then open.
    #[must_use]
    pub fn unrecorded(&self) -> Option<ErrorKind> {
        self.unrecorded
    }

    /// The response: status and headers.
    #[must_use]
    pub fn response(&self) -> &reqwest::Response {
        &self.response
    }

    /// The response, to be read by the caller. Nothing watches a stream then.
    #[must_use]
    pub fn into_response(self) -> reqwest::Response {
        match self.body {
            Some(body) => http::Response::from(self.response).map(|_: reqwest::Body| body).into(),
            None => self.response,
        }
    }

    /// The next piece of the body; `None` at its end.
    ///
    /// An error event of a stream is recorded and passed on like every other event; the caller's own parser meets it. Do
    /// not drop the future before it is done: a piece may be lost then, though never half a record.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ProviderFailed`] if the connection broke before the end, which is recorded as a timeout.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>> {
        if let Some(body) = self.body.take().filter(|body| !body.is_empty()) {
            return Ok(Some(body));
        }
        let chunk = match self.response.chunk().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => return Ok(None),
            Err(error) => {
                let failure = Failure::from(&error);
                if self.is_stream() {
                    let recorded = self.rotator.record(Record::Failure(self.receipt.clone(), failure.clone())).await;
                    self.note(&recorded);
                }
                return Err(failure.into_error());
            }
        };
        let now = self.rotator.0.clock.now();
        let recorded = match self.watch.as_mut().and_then(|watch| watch.push(&chunk, now)) {
            Some(Verdict::Complete) => self.rotator.finish(&self.receipt).await,
            Some(Verdict::Failed(failure)) => {
                self.rotator.record(Record::Failure(self.receipt.clone(), failure.clone())).await
            }
            None => Ok(()),
        };
        self.note(&recorded);
        Ok(Some(chunk.into()))
    }

    fn note(&mut self, recorded: &Result<()>) {
        if let Err(error) = recorded {
            self.unrecorded = Some(error.kind());
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.response.status())
            .field("profile", &self.profile)
            .field("model", &self.model)
            .field("is_stream", &self.is_stream())
            .field("attempts", &self.attempts)
            .field("unrecorded", &self.unrecorded)
            .finish_non_exhaustive()
    }
}
