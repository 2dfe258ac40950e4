//! The rotator, and reports to it.

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

/// A client that sends calls: it selects a profile, builds the request, sends it, classifies the answer, records the
/// outcome, and rotates to the next profile or stops.
///
/// The module [`rotation`](crate::rotation) documents what follows from a failure. The number of attempts and the time
/// are limited. [`run`](Self::run) is the same loop around another client.
///
/// A rotator is cheap to clone, and clones share everything. Its futures need a tokio runtime with timers and I/O
/// enabled. A store that may block is called on blocking threads of the runtime, one for reading and one for writing,
/// regardless of the number of calls. Only [`try_load`](AuthProfileStore::try_load), which does not wait, is called
/// directly.
///
/// # What is written, and when
///
/// An answer is returned without waiting for the store. Its outcome is written in the background, in one update with
/// all others that are queued at that moment. Until then every pick of this rotator and its clones takes it into
/// account, including its window and its last use. The error of a call is returned once the call's outcomes are written
/// or known to have failed ([`AttemptRecord::unrecorded`](crate::rotation::AttemptRecord::unrecorded)).
///
/// The writing is blocking work of the runtime. A runtime that is dropped, as at the end of `main`, waits for it. A
/// runtime that is shut down in the background does not, and neither does `std::process::exit`; call
/// [`flush`](Self::flush) before those. A process that is killed loses the outcomes that are not written yet. Outcomes
/// that cannot be written are kept, up to a thousand, and tried again with the next one;
/// [`unrecorded`](Self::unrecorded) counts them.
///
/// A success that ends no window or counter and would move the times of the last one by less than a second is not
/// written: `lastUsed`, `lastGood` and the times of success in the store may be a second behind. The rotator and its
/// clones know the exact times. They continue to use the least recently used profile, and a failure from before such a
/// success still changes nothing. Under
/// [`SelectorRules::openclaw_2026_02`](crate::select::SelectorRules::openclaw_2026_02) every success is written, and
/// all outcomes in the order of their reports.
///
/// # Sessions
///
/// For each conversation of a [session](Call::session), of which there may be eight, the rotator keeps in memory the
/// body that its last request sent, the places of its blocks, and the start times of its last requests, in order to
/// place the cache breakpoints of the next request. The memory takes at most [32 MiB](RotatorBuilder::session_memory),
/// shared with its clones; the conversations that were not used for longest are dropped first. Bodies are shared with
/// the request that is sent, not copied, and never written anywhere. They do not outlive the program, so that each
/// session's first request after a restart is planned like the first of a new one.
///
/// # Cancellation
///
/// Dropping a call records nothing about the attempt in progress. Outcomes that were reported are written, and a
/// refresh that has begun runs to its end.
///
/// # Examples
///
/// The example needs the feature `rustls`, or a TLS feature of reqwest in your own `Cargo.toml`, to reach the provider.
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
/// println!("{} answered at attempt {}", reply.profile(), reply.attempts().len());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Rotator(pub(super) Arc<Parts>);

/// The parts of a rotator.
pub(super) struct Parts {
    pub(super) store: StoreQueue,
    /// The configuration with its last resolved references.
    pub(super) settings: Mutex<Arc<Settings>>,
    pub(super) basis: Basis,
    pub(super) clock: Arc<dyn Clock>,
    /// For everything but plain HTTP on loopback.
    pub(super) client: reqwest::Client,
    /// For plain HTTP on loopback, without a proxy.
    pub(super) direct: reqwest::Client,
    pub(super) endpoints: HashMap<ProviderId, Endpoint>,
    pub(super) coordinator: Option<RefreshCoordinator>,
    /// Held while references are resolved, so that other calls wait for that instead of on separate threads.
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
    /// Returns the store of the profiles.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn AuthProfileStore> {
        self.0.store.store()
    }

    /// Returns the tracker of the limits that providers report, which is shared with clones of the rotator.
    #[must_use]
    pub fn headroom(&self) -> &Arc<HeadroomTracker> {
        &self.0.headroom
    }

    /// Sends a call until it is answered or nothing is left to try.
    ///
    /// An answer with a status of 200 to 299 that is a stream of server-sent events is returned as soon as its head has
    /// arrived. Any other answer is read to its end first, and is a failure if it contains an error. Success is
    /// reported when such an answer is complete; for a stream see [`Reply`].
    ///
    /// # Errors
    ///
    /// A [`SendFailure`] that lists every attempt. The kind of its error is that of the last failure of the first model
    /// that was requested: [`Unauthorized`](crate::ErrorKind::Unauthorized),
    /// [`PaymentRequired`](crate::ErrorKind::PaymentRequired), [`RateLimited`](crate::ErrorKind::RateLimited),
    /// [`ModelUnavailable`](crate::ErrorKind::ModelUnavailable), [`RequestRefused`](crate::ErrorKind::RequestRefused),
    /// [`ProviderFailed`](crate::ErrorKind::ProviderFailed), [`RefreshFailed`](crate::ErrorKind::RefreshFailed) or
    /// [`RefreshDenied`](crate::ErrorKind::RefreshDenied). If nothing could be tried,
    /// [`NoEndpoint`](crate::ErrorKind::NoEndpoint), or a kind of [`ProfileSelector::resolve`],
    /// [`Endpoint::for_model`], [`RequestBuilder::build`](crate::RequestBuilder::build) or [`AuthProfileStore::load`].
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
            // Checked before a profile is selected: no key of its provider would help.
            let refused = |model: &ModelRef| Some((model.clone(), self.target(&settings, model).err()?));
            let refused: Vec<_> = rotation.models().iter().filter_map(refused).collect();
            for (model, error) in refused {
                rotation.leave_out(&model, error);
            }
        }
        // Boxed, because it is large and the futures around it are moved.
        let send = |attempt| Box::pin(self.attempt(Arc::clone(&settings), call, attempt));
        let (answered, reported) = self.drive(&settings, rotation, send).await?;
        Ok(Reply::new(self.clone(), answered.value, &answered.attempt)
            .with_attempts(answered.attempts, answered.unserved)
            .with_report(reported))
    }

    /// Records that a stream reached its proper end, for callers that read the response themselves.
    ///
    /// Does nothing if the receipt was reported before.
    ///
    /// # Errors
    ///
    /// Those of [`RecordOutcome::record_success`]. The report is kept in that case; see [`flush`](Self::flush).
    pub async fn finish(&self, receipt: &Receipt) -> Result<()> {
        self.record(Record::Success(receipt.clone())).await
    }

    /// Records the error in an event of a stream, for callers that read the response themselves. Returns its meaning,
    /// or `None` if the event is not an error.
    ///
    /// `event` is the event's data, or the event as received. A receipt that was reported before is not recorded again.
    ///
    /// # Errors
    ///
    /// Those of [`RecordOutcome::record_failure`]. The report is kept in that case; see [`flush`](Self::flush).
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
