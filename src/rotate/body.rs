//! Reading the body of an answer.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use serde::de::DeserializeOwned;

use super::reading::Reading;
use super::reply::Reply;
use super::stream::Verdict;
use super::stream_event::StreamEvent;
use crate::error::{Error, ErrorKind, Result};
use crate::failure::{Failure, TransportError};
use crate::record::Record;
use crate::rotation::leaves_a_mark;

impl Reply {
    /// Returns the next piece of the body; `None` at its end.
    ///
    /// The pieces of a stream are passed on unchanged. A piece with an error event is returned before its error.
    /// Dropping the future before it is done loses nothing.
    ///
    /// # Errors
    ///
    /// For a stream without a proper end, once: an error of the kind of its [`failure`](Self::failure), such as
    /// [`Unreachable`](ErrorKind::Unreachable) if it broke off or ended too early; [`TooLarge`](ErrorKind::TooLarge)
    /// beyond [`RotatorBuilder::max_body`](super::RotatorBuilder::max_body).
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        poll_fn(|context| self.poll_piece(context)).await.transpose()
    }

    /// Returns the next event of a stream; `None` at its end, and for an answer that is not a stream.
    ///
    /// An error event is returned as an error. An event that began in a piece from [`chunk`](Self::chunk) is returned
    /// whole. Dropping the future before it is done loses nothing.
    ///
    /// # Errors
    ///
    /// Same as [`chunk`](Self::chunk).
    pub async fn event(&mut self) -> Result<Option<StreamEvent>> {
        loop {
            let Some(reading) = &mut self.reading else { return Ok(None) };
            reading.by_event = true;
            let event = if reading.recording.is_none() { reading.events.pop_front() } else { None };
            if event.is_some() {
                return Ok(event);
            }
            let is_over = self.chunk().await?.is_none();
            if is_over && self.reading.as_ref().is_none_or(|reading| reading.events.is_empty()) {
                return Ok(None);
            }
        }
    }

    /// Reads the rest of the body to its end.
    ///
    /// # Errors
    ///
    /// Same as [`chunk`](Self::chunk).
    pub async fn bytes(&mut self) -> Result<Bytes> {
        let Some(first) = self.chunk().await? else { return Ok(Bytes::new()) };
        let Some(second) = self.chunk().await? else { return Ok(first) };
        let mut all = [first, second].concat();
        while let Some(piece) = self.chunk().await? {
            all.extend_from_slice(&piece);
        }
        Ok(all.into())
    }

    /// Reads the rest of the body to its end, as text. Invalid UTF-8 is replaced.
    ///
    /// # Errors
    ///
    /// Same as [`chunk`](Self::chunk).
    pub async fn text(&mut self) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.bytes().await?).into_owned())
    }

    /// Reads the rest of the body to its end, as JSON.
    ///
    /// # Errors
    ///
    /// [`Syntax`](ErrorKind::Syntax) if it is not JSON of the requested type, which the body of a stream never is, or
    /// was read before; the errors of [`chunk`](Self::chunk).
    pub async fn json<T: DeserializeOwned>(&mut self) -> Result<T> {
        let was_read = self.reading.is_none() && self.body.is_none();
        let body = self.bytes().await?;
        if was_read {
            return Err(Error::new(
                ErrorKind::Syntax,
                "the body of the answer was read before, and can be read only once",
            )
            .with_help(READ));
        }
        // The cause is dropped: its text may repeat a value.
        serde_json::from_slice(&body).map_err(|_| {
            Error::new(ErrorKind::Syntax, "the answer is not JSON of the expected form").with_help(NOT_JSON)
        })
    }

    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        loop {
            let Some(reading) = &mut self.reading else {
                return Poll::Ready(self.body.take().filter(|body| !body.is_empty()).map(Ok));
            };
            if let Some(recording) = &mut reading.recording {
                let recording = recording.get_mut().unwrap_or_else(PoisonError::into_inner);
                let recorded = ready!(recording.as_mut().poll(context));
                reading.recording = None;
                self.unrecorded = recorded.err().map(|error| error.kind());
                if let Some(attempt) = self.attempts.last_mut() {
                    attempt.unrecorded = self.unrecorded;
                }
            }
            if let Some(piece) = reading.piece.take() {
                return Poll::Ready(Some(Ok(piece)));
            }
            if let Some(error) = reading.error.take() {
                return Poll::Ready(Some(Err(error)));
            }
            if reading.is_over {
                return Poll::Ready(None);
            }
            // Dropping the future loses nothing: everything that has arrived is in the response.
            let next = ready!(pin!(self.response.chunk()).poll(context));
            match next {
                Ok(Some(piece)) => self.take(piece),
                Ok(None) => self.end(None),
                Err(error) => self.end(Some(Failure::from(&error))),
            }
        }
    }

    fn take(&mut self, piece: Bytes) {
        let Some(reading) = &mut self.reading else { return };
        if let Err(error) = reading.bound.take(&piece) {
            reading.is_over = true;
            if !reading.is_complete {
                self.fail(TransportError::Body.into(), Some(error));
            }
            return;
        }
        let Reading { watch, events, by_event, .. } = &mut **reading;
        let verdict = watch.push(&piece, self.rotator.0.clock.now(), |event| {
            if *by_event {
                events.push_back(StreamEvent::new(event));
            }
        });
        reading.piece = Some(piece);
        self.settle(verdict);
    }

    /// Handles the end of the body, or its breaking off.
    fn end(&mut self, broken: Option<Failure>) {
        let Some(reading) = &mut self.reading else { return };
        reading.is_over = true;
        let mut last = Vec::new();
        let now = self.rotator.0.clock.now();
        let verdict = reading.watch.finish(broken.is_none(), now, |event| last.push(StreamEvent::new(event)));
        // The part of an event at the end of a broken stream is not an event.
        let whole = matches!(verdict, Some(Verdict::Complete)) || reading.is_complete;
        if reading.by_event && whole {
            reading.events.extend(last);
        }
        if verdict.is_some() || reading.is_complete {
            return self.settle(verdict);
        }
        self.fail(broken.unwrap_or_else(|| TransportError::Body.into()), None);
    }

    fn settle(&mut self, verdict: Option<Verdict>) {
        match verdict {
            Some(Verdict::Complete) => {
                if let Some(reading) = &mut self.reading {
                    reading.is_complete = true;
                }
                self.reported = self.rotator.report(Record::Success(self.receipt.clone()));
            }
            Some(Verdict::Failed(failure)) => self.fail(failure, None),
            None => {}
        }
    }

    /// Keeps the failure of the stream, for the caller and the store. `error` is returned to the caller if it is more
    /// specific than the failure.
    fn fail(&mut self, failure: Failure, error: Option<Error>) {
        let failure = failure.with_host(self.response.url().host_str().unwrap_or_default());
        if let Some(reading) = &mut self.reading {
            reading.is_over = true;
            reading.error = Some(error.unwrap_or_else(|| failure.clone().into_error()));
        }
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.failure = Some(failure.clone());
        }
        if leaves_a_mark(&failure) {
            self.record(Record::Failure(self.receipt.clone(), failure));
        }
    }

    fn record(&mut self, record: Record) {
        let rotator = self.rotator.clone();
        if let Some(reading) = &mut self.reading {
            reading.recording = Some(Mutex::new(Box::pin(async move { rotator.record_end(record).await })));
        }
    }
}

const READ: &str = "Report this to the author of the program: it reads an answer twice.";

const NOT_JSON: &str = "Try again; if it persists, check that the base URL is the one of the provider's API.";

impl Stream for Reply {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_piece(context)
    }
}
