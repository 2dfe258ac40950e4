//! The builder of a rotator.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::outcomes::Outcomes;
use super::rotator::{Parts, Rotator};
use super::sessions::Sessions;
use super::settings::{Basis, Settings};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::error::Result;
use crate::failure::RetryBackoff;
use crate::headroom::HeadroomTracker;
use crate::id::ProviderId;
use crate::net::guarded_client;
use crate::references::ReferenceResolver;
use crate::refresh::RefreshCoordinator;
use crate::request::Endpoint;
use crate::rotation::RotationLimits;
use crate::select::ProbePolicy;
use crate::store::{AuthProfileStore, StoreQueue};

/// The connect timeout of the default clients.
const CONNECT: Duration = Duration::from_secs(10);

/// The read timeout of the default clients, as in the vendors' SDKs. If an API has no pings, a thinking model is silent
/// for minutes.
const SILENCE: Duration = Duration::from_secs(600);

/// A source of numbers from 0 to 1.
pub(super) type Random = dyn Fn() -> f64 + Send + Sync;

type Clients = dyn Fn() -> reqwest::ClientBuilder + Send + Sync;

/// A builder for a [`Rotator`].
#[must_use]
pub struct RotatorBuilder {
    store: Arc<dyn AuthProfileStore>,
    config: Config,
    clock: Arc<dyn Clock>,
    client: Box<Clients>,
    endpoints: HashMap<ProviderId, Endpoint>,
    coordinator: Option<RefreshCoordinator>,
    references: Option<Arc<ReferenceResolver>>,
    probes: Option<ProbePolicy>,
    limits: RotationLimits,
    random: Arc<Random>,
    max_body: usize,
    session_memory: usize,
    headroom: Arc<HeadroomTracker>,
}

impl Rotator {
    /// Creates a builder for a rotator over the profiles of this store. Pass an `Arc`, or a reference that lives as
    /// long as the program, to share the store.
    pub fn builder(store: impl AuthProfileStore + 'static) -> RotatorBuilder {
        RotatorBuilder::new(Arc::new(store))
    }
}

impl RotatorBuilder {
    fn new(store: Arc<dyn AuthProfileStore>) -> Self {
        Self {
            store,
            config: Config::default(),
            clock: Arc::new(SystemClock),
            client: Box::new(|| reqwest::Client::builder().connect_timeout(CONNECT).read_timeout(SILENCE)),
            endpoints: HashMap::new(),
            coordinator: None,
            references: None,
            probes: Some(ProbePolicy::default()),
            limits: RotationLimits::default(),
            random: Arc::new(of_system),
            max_body: 64 << 20,
            session_memory: 32 << 20,
            headroom: Arc::default(),
        }
    }

    /// Sets the configuration: order, cooldowns, endpoints, fallbacks, cache retention, environment, and the
    /// [rules](Config::with_rules). Default: an empty one.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sets the clock for windows, deadlines, durations and the time limit. Default: the system's clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the function that creates HTTP client builders: TLS, user agent, connection limits, proxies. Default:
    /// `reqwest::Client::builder` with a connect timeout of 10 s and a read timeout of 10 min. A connect timeout blames
    /// nobody; without one, the time limit of the attempt expires instead, which counts against the model.
    ///
    /// The read timeout is the only limit on a stream that stalls after its head: set one in your own clients.
    /// Anthropic sends pings while a model thinks, so that half a minute is enough there; `OpenAI` may be silent for
    /// minutes.
    ///
    /// The function is called twice, because endpoints over plain HTTP need a client without proxies. Neither client
    /// follows redirects, regardless of the builder: a credential goes to its endpoint and nowhere else. Do not add
    /// authentication headers to the builder's default headers.
    pub fn client(mut self, client: impl Fn() -> reqwest::ClientBuilder + Send + Sync + 'static) -> Self {
        self.client = Box::new(client);
        self
    }

    /// Sets the endpoint of a provider. Default: the configured one; see [`Endpoint::for_model`].
    pub fn endpoint(mut self, provider: ProviderId, endpoint: Endpoint) -> Self {
        self.endpoints.insert(provider, endpoint);
        self
    }

    /// Sets the coordinator that refreshes OAuth credentials before they expire and when they are refused. Default:
    /// none.
    pub fn coordinator(mut self, coordinator: RefreshCoordinator) -> Self {
        self.coordinator = Some(coordinator);
        self
    }

    /// Sets the resolver for secrets that profiles and the configuration only refer to. Default: one that reads
    /// environment variables; `StateDir::references` returns one that also reads OpenClaw's database. A configuration
    /// with resolved references ([`Config::with_references`]) is used as it is.
    ///
    /// The resolver runs on a blocking thread of the runtime. Its result is kept for its lifetime, not resolved for
    /// each call.
    pub fn references(mut self, references: impl Into<Arc<ReferenceResolver>>) -> Self {
        self.references = Some(references.into());
        self
    }

    /// Sets when to probe a profile while all are cooling down; `None` for never. Default: [`ProbePolicy::default`].
    pub fn probes(mut self, policy: Option<ProbePolicy>) -> Self {
        self.probes = policy;
        self
    }

    /// Sets the maximum number of attempts of one call over all profiles and models, including those after the refresh
    /// of a refused credential. Default: 10; zero counts as one.
    pub fn max_attempts(mut self, attempts: usize) -> Self {
        self.limits.attempts = attempts;
        self
    }

    /// Sets the maximum duration of one call, until the head of a stream has arrived or an answer is complete. Default:
    /// 10 min. After the head, the read timeout of the [client](Self::client) applies.
    ///
    /// An attempt in progress is cut off then. That counts as a timeout only if the attempt had all of the time.
    /// Otherwise nothing is recorded, and the call ends with the previous failure.
    pub fn max_time(mut self, time: Duration) -> Self {
        self.limits.time = time;
        self
    }

    /// Sets the maximum duration of one attempt, measured like [`max_time`](Self::max_time). Default: that of the call.
    pub fn attempt_timeout(mut self, time: Duration) -> Self {
        self.limits.attempt_timeout = Some(time);
        self
    }

    /// Sets the maximum number of times that a request is repeated with the same profile if the provider is overloaded
    /// or fails, or the connection does. Default: 2 per model.
    pub fn retries(mut self, retries: u32) -> Self {
        self.limits.retries = retries;
        self
    }

    /// Sets the pauses before such a repetition. Default: [`RetryBackoff::default`].
    pub fn backoff(mut self, backoff: RetryBackoff) -> Self {
        self.limits.backoff = backoff;
        self
    }

    /// Sets the source of random numbers from 0 to 1 that shorten these pauses. Default: the system's.
    pub fn random(mut self, random: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// Sets the maximum number of bytes of an answer or a stream. A longer one is an error of kind
    /// [`TooLarge`](crate::ErrorKind::TooLarge). Default: 64 MiB.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Sets the maximum number of bytes for the memory of sessions, which contains the last body of each conversation
    /// in them and, where there is room, the places of its blocks; see [`Call::session`](super::Call::session). Default:
    /// 32 MiB; zero disables the memory.
    ///
    /// The conversations that were not used for longest are forgotten first. The next request of one is planned like
    /// its first, at the cost that it would have without a memory.
    pub fn session_memory(mut self, bytes: usize) -> Self {
        self.session_memory = bytes;
        self
    }

    /// Sets the tracker of the limits that providers report, to share it with other rotators. Default: a new one.
    ///
    /// The rules of the [configuration](Self::config) decide its use:
    /// [`SelectorRules::headroom`](crate::select::SelectorRules::headroom).
    pub fn headroom(mut self, tracker: Arc<HeadroomTracker>) -> Self {
        self.headroom = tracker;
        self
    }

    /// Builds the rotator.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Client`](crate::ErrorKind::Client) if the HTTP client cannot be built.
    pub fn build(self) -> Result<Rotator> {
        let basis = Basis { limits: self.limits, references: self.references };
        Ok(Rotator(Arc::new(Parts {
            client: guarded_client((self.client)(), false)?,
            direct: guarded_client((self.client)(), true)?,
            store: StoreQueue::new(self.store),
            settings: Mutex::new(Arc::new(Settings::new(self.config, &basis))),
            basis,
            clock: self.clock,
            endpoints: self.endpoints,
            coordinator: self.coordinator,
            looking: tokio::sync::Mutex::default(),
            probes: self.probes,
            probed: Arc::default(),
            outcomes: Outcomes::new(Arc::clone(&self.headroom)),
            sessions: Sessions::new(self.session_memory),
            headroom: self.headroom,
            random: self.random,
            max_body: self.max_body,
        })))
    }
}

impl fmt::Debug for RotatorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RotatorBuilder")
            .field("store", &self.store)
            .field("endpoints", &self.endpoints)
            .field("coordinator", &self.coordinator)
            .field("probes", &self.probes)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Returns a random number without another dependency: the standard library seeds its hash maps from the system.
fn of_system() -> f64 {
    f64::from(u32::try_from(RandomState::new().hash_one(()) >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}
