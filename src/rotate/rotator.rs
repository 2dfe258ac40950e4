//! The rotator, and what is reported to it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::call::Call;
use super::failure::SendFailure;
use super::reply::Reply;
use super::run::Limits;
use crate::background::blocking;
use crate::clock::{Clock, Timestamp};
use crate::config::Config;
use crate::error::Result;
use crate::failure::{Failure, FailureClassifier};
use crate::id::{ModelRef, ProviderId};
use crate::profile::AuthProfiles;
use crate::record::RecordOutcome;
use crate::refresh::RefreshCoordinator;
use crate::request::Endpoint;
#[cfg(doc)]
use crate::select::ProfileSelector;
use crate::select::{ProbePolicy, Receipt, Resolver};
use crate::store::AuthProfileStore;

/// Sends calls: selects a profile, builds the request, sends it, finds out what the answer means, records it, and takes
/// the next profile or stops.
///
/// | what is to blame | what follows |
/// | --- | --- |
/// | the profile: refused, out of credit, limited | the next profile; a login that is refused is refreshed once first |
/// | the model: no answer, not served | the next profile |
/// | the provider: overloaded, failing | one more profile (`overloadedProfileRotations` of the configuration) |
/// | the request: malformed, too long | the failure goes to the caller |
///
/// Then come the model's fallbacks, each once. A server that says that a further try is of no use (`x-should-retry: false`)
/// is believed, unless the account is to blame: that says nothing of another account. Attempts and time are limited. A
/// profile is tried once for each model, and nothing is ever tried again with the same one.
///
/// If all profiles are cooling down, one of them may be probed, see [`ProbePolicy`]; at most one probe of a provider runs at a time.
///
/// Cheap to clone; clones share everything. The future of [`send`](Self::send) runs in a tokio runtime, as `reqwest`
/// needs it. Writing to the store blocks, so it happens on a thread of its own; reading it does not.
///
/// # Cancellation
///
/// A `send` that is dropped records nothing of the attempt under way; what it had recorded before stays. For logins give
/// the coordinator a [`spawner`](RefreshCoordinator::spawner).
///
/// # Examples
///
/// ```no_run
/// # async fn example() -> Result<(), provider_auth::Error> {
/// use std::sync::Arc;
/// use provider_auth::{AuthProfiles, Call, MemoryStore, Rotator};
///
/// let store = Arc::new(MemoryStore::new(AuthProfiles::from_json(r#"{"version": 1, "profiles": {
///     "anthropic:a": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-a"},
///     "anthropic:b": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-b"}}}"#)?));
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
    pub(super) store: Arc<dyn AuthProfileStore>,
    pub(super) config: Config,
    pub(super) clock: Arc<dyn Clock>,
    /// For everything but plain-HTTP loopback.
    pub(super) client: reqwest::Client,
    /// For plain-HTTP loopback: without a proxy.
    pub(super) direct: reqwest::Client,
    pub(super) endpoints: HashMap<ProviderId, Endpoint>,
    pub(super) coordinator: Option<RefreshCoordinator>,
    pub(super) resolver: Option<Arc<Resolver>>,
    pub(super) probes: Option<ProbePolicy>,
    /// When each provider was last probed.
    pub(super) probed: Mutex<HashMap<ProviderId, Timestamp>>,
    pub(super) limits: Limits,
}

impl Rotator {
    /// Sends a call until it is answered, or cannot be.
    ///
    /// An answer with a status of 200 to 299 that is a stream of server-sent events is given as soon as its head is in;
    /// every other one is read to its end first, and is a failure if there is an error inside. Success is recorded when
    /// such an answer is complete; for a stream see [`Reply`].
    ///
    /// # Errors
    ///
    /// A [`SendFailure`] with every attempt. The kind of its error is that of the last failure:
    /// [`Unauthorized`](crate::ErrorKind::Unauthorized), [`PaymentRequired`](crate::ErrorKind::PaymentRequired),
    /// [`RateLimited`](crate::ErrorKind::RateLimited), [`ModelUnavailable`](crate::ErrorKind::ModelUnavailable),
    /// [`RequestRefused`](crate::ErrorKind::RequestRefused), [`ProviderFailed`](crate::ErrorKind::ProviderFailed),
    /// [`RefreshFailed`](crate::ErrorKind::RefreshFailed) or [`RefreshDenied`](crate::ErrorKind::RefreshDenied). If
    /// nothing could be tried, the kinds of [`ProfileSelector::resolve`], [`Endpoint::for_model`],
    /// [`RequestBuilder::build`](crate::RequestBuilder::build) and [`AuthProfileStore::load`].
    pub async fn send(&self, call: &Call) -> Result<Reply, SendFailure> {
        #[cfg(feature = "tracing")]
        {
            use tracing::Instrument as _;
            let model = call.model();
            let span = tracing::debug_span!("send", provider = %model.provider(), model = model.model());
            self.run(call).instrument(span).await
        }
        #[cfg(not(feature = "tracing"))]
        self.run(call).await
    }

    /// Records that a stream came to its proper end, for callers that read the response themselves.
    ///
    /// Does nothing if the receipt was reported before.
    ///
    /// # Errors
    ///
    /// Those of [`RecordOutcome::record_success`].
    pub async fn finish(&self, receipt: &Receipt) -> Result<()> {
        let (parts, receipt, now) = (Arc::clone(&self.0), receipt.clone(), self.0.clock.now());
        blocking(move || parts.store.record_success(parts.config.selector(), &receipt, now)).await
    }

    /// Records the error that an event of a stream tells, for callers that read the response themselves; gives what it
    /// means, or `None` if the event is no error.
    ///
    /// `event` is the event's data, or the event as it came over the wire. A receipt that was reported before is not
    /// charged again.
    ///
    /// # Errors
    ///
    /// Those of [`RecordOutcome::record_failure`].
    pub async fn report_stream_error(&self, receipt: &Receipt, event: &[u8]) -> Result<Option<Failure>> {
        let classifier = FailureClassifier::new(receipt.provider());
        let Some(failure) = classifier.event(event, self.0.clock.now()) else { return Ok(None) };
        self.record(receipt, &failure).await?;
        Ok(Some(failure))
    }

    /// Records a failure, if it is one that leaves a mark.
    pub(super) async fn record(&self, receipt: &Receipt, failure: &Failure) -> Result<()> {
        let (parts, receipt, now) = (Arc::clone(&self.0), receipt.clone(), self.0.clock.now());
        let failure = failure.clone();
        blocking(move || parts.store.record_failure(parts.config.selector(), &receipt, &failure, now)).await
    }

    pub(super) fn endpoint(&self, model: &ModelRef) -> Result<Endpoint> {
        match self.0.endpoints.get(model.provider()) {
            Some(endpoint) => Ok(endpoint.clone()),
            None => Endpoint::for_model(&self.0.config, model),
        }
    }

    pub(super) fn load(&self) -> Result<Arc<AuthProfiles>> {
        self.0.store.load()
    }

    /// Runs a function on the time of the last probe of a provider, one at a time.
    pub(super) fn last_probe<T>(&self, provider: &ProviderId, look: impl FnOnce(&mut Option<Timestamp>) -> T) -> T {
        let mut probed = self.0.probed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut last = probed.get(provider).copied();
        let value = look(&mut last);
        if let Some(last) = last {
            probed.insert(provider.clone(), last);
        }
        value
    }
}

impl fmt::Debug for Rotator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rotator")
            .field("store", &self.0.store)
            .field("endpoints", &self.0.endpoints)
            .field("coordinator", &self.0.coordinator)
            .field("probes", &self.0.probes)
            .field("limits", &self.0.limits)
            .finish_non_exhaustive()
    }
}
