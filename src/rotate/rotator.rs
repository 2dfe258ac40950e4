//! The rotator, and what is reported to it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use super::builder::Random;
#[cfg(doc)]
use super::builder::RotatorBuilder;
use super::call::Call;
use super::outcomes::Outcomes;
use super::reply::Reply;
use super::sessions::Sessions;
use super::settings::{Basis, Settings};
use crate::clock::Clock;
use crate::error::Result;
use crate::failure::{Failure, FailureClassifier};
use crate::headroom::HeadroomTracker;
use crate::id::{ModelRef, ProviderId};
use crate::record::Record;
#[cfg(doc)]
use crate::record::RecordOutcome;
use crate::refresh::RefreshCoordinator;
use crate::request::Endpoint;
use crate::rotation::{ProbeLog, SendFailure};
#[cfg(doc)]
use crate::select::ProfileSelector;
use crate::select::{ProbePolicy, Receipt};
use crate::store::{AuthProfileStore, StoreQueue};

/// Sends calls: selects a profile, builds the request, sends it, finds out what the answer means, records it, and takes
/// the next profile or stops.
///
/// What follows from a failure is said in the module [`rotation`](crate::rotation), which decides it; attempts and time are
/// limited. [`run`](Self::run) is the same loop around another client.
///
/// Cheap to clone; clones share everything. Its futures run in a tokio runtime whose timers and input and output are
/// enabled. A store that may block is called on blocking threads of the runtime, one for reading and one for writing, however
/// many calls there are; only what it [knows without waiting](AuthProfileStore::try_load) is asked in place.
///
/// # What is written, and when
///
/// An answer is handed over without waiting for the store: its outcome is written beside it, in one update with all others
/// that wait at that moment. Until then every pick of this rotator and its clones knows of it, of the windows and of the
/// last use. The error of a call comes once what was reported of it is written, or known not to be
/// ([`AttemptRecord::unrecorded`](crate::rotation::AttemptRecord::unrecorded)).
///
/// The writing is blocking work of the runtime: a runtime that is dropped, as at the end of `main`, waits for it. One that is
/// shut down in the background does not, nor does `std::process::exit`; [`flush`](Self::flush) before those. A
/// process that is killed loses the outcomes that were on their way, as it would have lost them a moment earlier. What cannot be
/// written is kept, up to a thousand outcomes, and tried again with the next one: [`unrecorded`](Self::unrecorded) counts it.
///
/// A success that ends nothing and would move the times of the last one by less than a second is not written: `lastUsed`,
/// `lastGood` and the stamps of success in the store are up to a second behind. The rotator and its clones know better, so
/// they go on to use the profile that rested longest, and a failure of before such a success still changes nothing. Under
/// [`SelectorRules::openclaw_2026_02`](crate::select::SelectorRules::openclaw_2026_02) every success is written, and all
/// outcomes in the order in which they were reported.
///
/// # Sessions
///
/// Of each [session](Call::session) the rotator keeps the body that its last request sent, and the starts of its last
/// requests, in memory: the cache breakpoints of the next request are placed by what that one wrote. It takes
/// [32 MiB](RotatorBuilder::session_memory) at most, shared with its clones; what was used least recently goes first. Bodies are shared with the
/// request that is sent, not copied, and nothing of them is written anywhere: they are gone with the program, which costs
/// each session one request that is planned like its first.
///
/// # Cancellation
///
/// A call that is dropped records nothing of the attempt under way. An outcome that was reported is written, and a refresh
/// that was begun runs to its end.
///
/// # Examples
///
/// To reach the provider, this needs the feature `rustls`, or a TLS feature of reqwest in your own `Cargo.toml`.
///
/// ```no_run
/// # async fn example() -> Result<(), provider_auth::Error> {
/// use provider_auth::{AuthProfiles, Call, MemoryStore, Rotator};
///
/// let store = MemoryStore::new(AuthProfiles::from_json(r#"{"version": 1, "profiles": {
///     "anthropic:a": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-a"},
///     "anthropic:b": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-b"}}}"#)?);
/// let rotator = Rotator::builder(store).build()?;
///
/// let call = Call::new("anthropic/claude-opus-4-5".parse()?)
///     .body(br#"{"model":"claude-opus-4-5","max_tokens":9,"messages":[{"role":"user","content":"Hello"}]}"#);
/// let reply = rotator.send(&call).await?;
/// println!("answered by {} after {} attempts", reply.profile(), reply.attempts().len());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Rotator(pub(super) Arc<Parts>);

/// What a rotator consists of.
pub(super) struct Parts {
    pub(super) store: StoreQueue,
    /// The configuration, with what its references led to last.
    pub(super) settings: Mutex<Arc<Settings>>,
    pub(super) basis: Basis,
    pub(super) clock: Arc<dyn Clock>,
    /// For everything but plain-HTTP loopback.
    pub(super) client: reqwest::Client,
    /// For plain-HTTP loopback: without a proxy.
    pub(super) direct: reqwest::Client,
    pub(super) endpoints: HashMap<ProviderId, Endpoint>,
    pub(super) coordinator: Option<RefreshCoordinator>,
    /// Held while references are looked up, so that other calls wait for that and not on a thread of their own.
    pub(super) looking: tokio::sync::Mutex<()>,
    pub(super) probes: Option<ProbePolicy>,
    pub(super) probed: Arc<ProbeLog>,
    pub(super) outcomes: Outcomes,
    pub(super) sessions: Sessions,
    pub(super) headroom: Arc<HeadroomTracker>,
    pub(super) random: Arc<Random>,
    pub(super) max_body: usize,
}

impl Rotator {
    /// Returns the store that the rotator works on.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn AuthProfileStore> {
        self.0.store.store()
    }

    /// Returns the memory of what providers say is left of their limits, which the rotator shares with its clones.
    #[must_use]
    pub fn headroom(&self) -> &Arc<HeadroomTracker> {
        &self.0.headroom
    }

    /// Sends a call until it is answered, or cannot be.
    ///
    /// An answer with a status of 200 to 299 that is a stream of server-sent events is given as soon as its head is in;
    /// every other one is read to its end first, and is a failure if there is an error inside. Success is reported when
    /// such an answer is complete; for a stream see [`Reply`].
    ///
    /// # Errors
    ///
    /// A [`SendFailure`] with every attempt. The kind of its error is that of the last failure of the first model
    /// that could be asked:
    /// [`Unauthorized`](crate::ErrorKind::Unauthorized), [`PaymentRequired`](crate::ErrorKind::PaymentRequired),
    /// [`RateLimited`](crate::ErrorKind::RateLimited), [`ModelUnavailable`](crate::ErrorKind::ModelUnavailable),
    /// [`RequestRefused`](crate::ErrorKind::RequestRefused), [`ProviderFailed`](crate::ErrorKind::ProviderFailed),
    /// [`RefreshFailed`](crate::ErrorKind::RefreshFailed) or [`RefreshDenied`](crate::ErrorKind::RefreshDenied). If
    /// nothing could be tried, [`NoEndpoint`](crate::ErrorKind::NoEndpoint) and the kinds of [`ProfileSelector::resolve`], [`Endpoint::for_model`],
    /// [`RequestBuilder::build`](crate::RequestBuilder::build) and [`AuthProfileStore::load`].
    pub async fn send(&self, call: &Call) -> Result<Reply, SendFailure> {
        #[cfg(feature = "tracing")]
        {
            use tracing::Instrument as _;
            let model = call.model();
            let span = tracing::debug_span!(
                "send",
                gen_ai.operation.name = "chat",
                gen_ai.provider.name = %model.provider(),
                gen_ai.request.model = crate::error::Shown::new(model.model()).to_string().as_str(),
            );
            self.send_messages(call).instrument(span).await
        }
        #[cfg(not(feature = "tracing"))]
        self.send_messages(call).await
    }

    async fn send_messages(&self, call: &Call) -> Result<Reply, SendFailure> {
        let settings = self.settings().await;
        let mut rotation = self.rotation(&settings, call, call.fallback_models(&settings.config));
        if !call.has_requests() {
            // Before a profile is looked for: no key of its provider would help.
            let refused = |model: &ModelRef| Some((model.clone(), self.target(&settings, model).err()?));
            let refused: Vec<_> = rotation.models().iter().filter_map(refused).collect();
            for (model, error) in refused {
                rotation.leave_out(&model, error);
            }
        }
        // On the heap, because it is large and the futures around it are moved.
        let send = |attempt| Box::pin(self.attempt(Arc::clone(&settings), call, attempt));
        let (answered, reported) = self.drive(&settings, rotation, send).await?;
        Ok(Reply::new(self.clone(), answered.value, &answered.attempt)
            .with_attempts(answered.attempts, answered.unserved)
            .with_report(reported))
    }

    /// Records that a stream came to its proper end, for callers that read the response themselves.
    ///
    /// Does nothing if the receipt was reported before.
    ///
    /// # Errors
    ///
    /// Those of [`RecordOutcome::record_success`]. The report is kept then, see [`flush`](Self::flush).
    pub async fn finish(&self, receipt: &Receipt) -> Result<()> {
        self.record(Record::Success(receipt.clone())).await
    }

    /// Records the error that an event of a stream tells, for callers that read the response themselves; gives what it
    /// means, or `None` if the event is no error.
    ///
    /// `event` is the event's data, or the event as it came over the wire. A receipt that was reported before is not
    /// charged again.
    ///
    /// # Errors
    ///
    /// Those of [`RecordOutcome::record_failure`]. The report is kept then, see [`flush`](Self::flush).
    pub async fn report_stream_error(&self, receipt: &Receipt, event: &[u8]) -> Result<Option<Failure>> {
        let classifier = FailureClassifier::new(receipt.provider());
        let Some(failure) = classifier.event("", event, self.0.clock.now()) else { return Ok(None) };
        self.record(Record::Failure(receipt.clone(), failure.clone())).await?;
        Ok(Some(failure))
    }
}

impl fmt::Debug for Rotator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rotator")
            .field("store", &self.0.store)
            .field("endpoints", &self.0.endpoints)
            .field("coordinator", &self.0.coordinator)
            .field("probes", &self.0.probes)
            .field("limits", &self.0.current().limits)
            .finish_non_exhaustive()
    }
}
