//! The answer to a call.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::attempt::Exchanged;
use super::exchange::with_body;
use super::reading::Reading;
use super::reported::Reported;
use super::rotator::Rotator;
use crate::cache::{BreakpointPlan, CacheUsage};
use crate::error::{Diagnostic, ErrorKind};
use crate::failure::Failure;
use crate::id::{ModelRef, ProfileId};
use crate::rotation::{Attempt, AttemptRecord, UnservedModel};
use crate::select::Receipt;

/// The answer to a call, and the attempts that led to it.
///
/// An answer that is not a stream is complete, and its success is reported. [`bytes`](Self::bytes),
/// [`text`](Self::text) and [`json`](Self::json) return its body. An answer that is cut off, or is not the JSON that
/// its `content-type` promises, is a failure of its attempt.
///
/// A stream (`content-type: text/event-stream`) has only begun. A stream under another `content-type` is recognized by
/// its first line, and returned once all of it has arrived. Read a stream with [`event`](Self::event), with
/// [`chunk`](Self::chunk), or as a [`Stream`](futures_core::Stream) of bytes. Its events are watched meanwhile:
///
/// - A stream is [complete](Self::is_complete), and the profile's success reported, at the final event of its API:
///   `message_stop` of the Messages API; `response.completed`, `response.incomplete` or `response.done` of the
///   Responses API; `[DONE]` of `OpenAI`'s chat if every choice has a finish reason. Without `[DONE]`, chunks whose
///   every choice or candidate has a finish reason, such as Gemini's, are complete at the end of the body. So is a
///   non-empty stream of an unknown API.
/// - An error event, an earlier end and a broken connection are an error and the [failure](Self::failure). The failure
///   is recorded if it concerns the profile or the model, which a stream that was cut off does not.
/// - A stream that stalls ends in a timeout after the read timeout of the [client](super::RotatorBuilder::client).
/// - A stream that is not read to its end leaves its receipt open and the profile unchanged: it is neither success nor
///   failure.
///
/// Callers that take the response with [`into_response`](Self::into_response) report the outcome themselves, with
/// [`Rotator::finish`] and [`Rotator::report_stream_error`].
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), provider_auth::Error> {
/// # use std::io::{Read as _, Write as _};
/// # use std::sync::Arc;
/// # use provider_auth::{AuthProfiles, Call, Endpoint, MemoryStore, ProviderId, Rotator};
/// # let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
/// # let endpoint = Endpoint::new(&format!("http://{}", listener.local_addr().unwrap()))?;
/// # std::thread::spawn(move || {
/// #     let (mut connection, _) = listener.accept().unwrap();
/// #     let _ = connection.read(&mut [0; 4096]).unwrap();
/// #     let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
/// #     let usage = r#"{"type":"message_start","message":{"usage":{"input_tokens":1,"cache_read_input_tokens":9}}}"#;
/// #     let stop = r#"{"type":"message_stop"}"#;
/// #     write!(connection, "{head}data: {usage}\n\nevent: message_stop\ndata: {stop}\n\n").unwrap();
/// # });
/// # let store = Arc::new(MemoryStore::new(AuthProfiles::from_json(r#"{"version": 1, "profiles": {
/// #     "anthropic:a": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-a"}}}"#)?));
/// # let rotator = Rotator::builder(store).endpoint(ProviderId::anthropic(), endpoint).build()?;
/// let call = Call::new("anthropic/claude-opus-4-5".parse()?)
///     .body(br#"{"model":"claude-opus-4-5","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"Hi"}]}"#);
/// let mut reply = rotator.send(&call).await?;
/// while let Some(event) = reply.event().await? {
///     println!("{}: {} bytes", event.name, event.data.len());
/// }
/// assert!(reply.is_complete());
/// assert_eq!(reply.usage().hit_ratio(), Some(0.9));
/// # Ok(())
/// # }
/// ```
pub struct Reply {
    pub(super) rotator: Rotator,
    pub(super) response: reqwest::Response,
    /// The body of an answer that is not a stream, until the caller takes it.
    pub(super) body: Option<Bytes>,
    /// The same body, for later questions about it.
    whole: Bytes,
    profile: ProfileId,
    model: ModelRef,
    pub(super) receipt: Receipt,
    pub(super) attempts: Vec<AttemptRecord>,
    unserved: Vec<UnservedModel>,
    notes: Vec<Diagnostic>,
    sent: Bytes,
    plan: Option<BreakpointPlan>,
    /// The state of reading a stream.
    pub(super) reading: Option<Box<Reading>>,
    /// The outcome, if it is written independently of the reply.
    pub(super) reported: Option<Arc<Reported>>,
    pub(super) unrecorded: Option<ErrorKind>,
}

impl Reply {
    pub(super) fn new(
        rotator: Rotator,
        Exchanged { response, body, notes, sent, plan }: Exchanged,
        attempt: &Attempt,
    ) -> Self {
        let (model, receipt) = (attempt.model().clone(), attempt.receipt().clone());
        let reading = || Box::new(Reading::new(receipt.provider(), rotator.0.max_body));
        let reading = body.is_none().then(reading);
        let (profile, attempts, whole) = (receipt.profile().clone(), Vec::new(), body.clone().unwrap_or_default());
        Self {
            rotator,
            response,
            body,
            whole,
            profile,
            model,
            receipt,
            attempts,
            unserved: Vec::new(),
            notes,
            sent,
            plan,
            reading,
            reported: None,
            unrecorded: None,
        }
    }

    pub(super) fn with_attempts(mut self, attempts: Vec<AttemptRecord>, unserved: Vec<UnservedModel>) -> Self {
        (self.attempts, self.unserved) = (attempts, unserved);
        self
    }

    pub(super) fn with_report(mut self, reported: Option<Arc<Reported>>) -> Self {
        self.reported = reported;
        self
    }

    /// Returns the id of the profile whose request was answered.
    #[must_use]
    pub fn profile(&self) -> &ProfileId {
        &self.profile
    }

    /// Returns the model that answered: the call's own, or one of its fallbacks.
    #[must_use]
    pub fn model(&self) -> &ModelRef {
        &self.model
    }

    /// Returns the receipt of the pick.
    #[must_use]
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// Returns every attempt in order; the answered one is last. It has failed if its stream did.
    #[must_use]
    pub fn attempts(&self) -> &[AttemptRecord] {
        &self.attempts
    }

    /// Returns the models that were left out because no request for them can be built.
    #[must_use]
    pub fn unserved(&self) -> &[UnservedModel] {
        &self.unserved
    }

    /// Returns the settings that had no effect on the request, with the reasons.
    #[must_use]
    pub fn notes(&self) -> &[Diagnostic] {
        &self.notes
    }

    /// Returns the body that was sent, including its `cache_control` markers, as
    /// [`Call::previous`](super::Call::previous) takes it for the next request of a session. It is shared, not copied,
    /// and lives as long as this reply or a clone of it.
    #[must_use]
    pub fn sent_body(&self) -> &Bytes {
        &self.sent
    }

    /// Returns the cache breakpoints of the body that was sent, and the reasons for them; `None` for a request of the
    /// caller ([`Call::requests`](super::Call::requests)) that is not one of the Messages API to the endpoint of its
    /// model.
    #[must_use]
    pub fn plan(&self) -> Option<&BreakpointPlan> {
        self.plan.as_ref()
    }

    /// Returns `true` if the answer is a stream of server-sent events, of which only the head had arrived.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        self.reading.is_some()
    }

    /// Returns `true` if the answer is complete: for a stream, once its end was read.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.reading.as_ref().is_none_or(|reading| reading.is_complete)
    }

    /// Returns the failure of the stream, once it was read: an error event, or being cut off
    /// ([`TransportError::Body`](crate::failure::TransportError::Body)).
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.attempts.last()?.failure.as_ref()
    }

    /// Returns the usage of the cache that the answer reports: for a stream, as far as it was read. Counters that the
    /// answer does not report are unset.
    #[must_use]
    pub fn usage(&self) -> CacheUsage {
        match &self.reading {
            Some(reading) => reading.watch.usage(),
            None => CacheUsage::from_reply(&self.whole).unwrap_or_default(),
        }
    }

    /// Returns the kind of error that kept the outcome from being written to the store, as far as known: a success is
    /// written independently of the reply. Unwritten outcomes are kept; see [`Rotator::flush`].
    ///
    /// The error of a stream waits at most 1 s for the store. A write that takes longer goes on, and is
    /// [`Locked`](ErrorKind::Locked) here.
    #[must_use]
    pub fn unrecorded(&self) -> Option<ErrorKind> {
        self.unrecorded.or_else(|| self.reported.as_ref()?.unrecorded())
    }

    /// Returns the response: status and headers.
    #[must_use]
    pub fn response(&self) -> &reqwest::Response {
        &self.response
    }

    /// Returns the response with the unread rest of its body. A stream is then no longer watched.
    #[must_use]
    pub fn into_response(self) -> reqwest::Response {
        match self.reading {
            Some(_) => self.response,
            None => with_body(self.response, self.body.unwrap_or_default()),
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
            .field("is_complete", &self.is_complete())
            .field("attempts", &self.attempts)
            .field("unserved", &self.unserved)
            .field("unrecorded", &self.unrecorded())
            .finish_non_exhaustive()
    }
}
