//! Setting up a rotator.

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

/// How long a connection may take, in clients that the caller does not make.
const CONNECT: Duration = Duration::from_secs(10);

/// How long the provider may be silent, in clients that the caller does not make: as in the vendors' SDKs. A model that
/// thinks sends nothing for minutes where the API has no pings.
const SILENCE: Duration = Duration::from_secs(600);

/// Gives a number from 0 to 1 each time it is asked.
pub(super) type Random = dyn Fn() -> f64 + Send + Sync;

type Clients = dyn Fn() -> reqwest::ClientBuilder + Send + Sync;

/// Sets up a [`Rotator`].
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
    /// Sets up a rotator over the profiles of this store. A store that others use too is given as an `Arc` or a reference
    /// that lives as long as the program.
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

    /// The clock for windows, deadlines, durations and the time budget. Default: the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets how to make HTTP clients: TLS, user agent, connection limits, proxies. Default: `reqwest::Client::builder` with
    /// a connect timeout of 10 s and a read timeout of 10 min. A connection that is not made in time blames nobody; without
    /// such a timeout the time of the attempt runs out instead, which counts against the model.
    ///
    /// The read timeout is the only bound on a stream that stalls once its head is in: set one in clients of your own.
    /// Anthropic sends pings while a model thinks, so that half a minute is enough there; `OpenAI` may be silent for minutes.
    ///
    /// Called twice, because endpoints over plain HTTP get a client without proxies. Neither follows redirects,
    /// whatever the builder says: a credential goes to its endpoint and nowhere else. Do not put headers that authenticate
    /// among the builder's default headers.
    pub fn client(mut self, client: impl Fn() -> reqwest::ClientBuilder + Send + Sync + 'static) -> Self {
        self.client = Box::new(client);
        self
    }

    /// The endpoint of a provider. Default: the configured one, see [`Endpoint::for_model`].
    pub fn endpoint(mut self, provider: ProviderId, endpoint: Endpoint) -> Self {
        self.endpoints.insert(provider, endpoint);
        self
    }

    /// What refreshes logins, before they end and when they are not accepted. Default: nothing does.
    pub fn coordinator(mut self, coordinator: RefreshCoordinator) -> Self {
        self.coordinator = Some(coordinator);
        self
    }

    /// Sets what finds the secrets that profiles and the configuration only refer to. Default: one that reads variables;
    /// `StateDir::references` gives one that also looks into OpenClaw's database. A configuration that came with what
    /// references lead to ([`Config::with_references`]) is taken as it is.
    ///
    /// It is asked on a blocking thread of the runtime, once in its lifetime and not for each call.
    pub fn references(mut self, references: impl Into<Arc<ReferenceResolver>>) -> Self {
        self.references = Some(references.into());
        self
    }

    /// When a profile in cooldown is probed while all of them are cooling down; `None` for never. Default: the default policy.
    pub fn probes(mut self, policy: Option<ProbePolicy>) -> Self {
        self.probes = policy;
        self
    }

    /// How many attempts one call makes at most, over all profiles and models, refreshes of a refused login included.
    /// Default: 10; zero counts as one.
    pub fn max_attempts(mut self, attempts: usize) -> Self {
        self.limits.attempts = attempts;
        self
    }

    /// How long one call takes at most, until the head of a stream is in or an answer is complete. Default: 10 min. What
    /// follows the head is bounded by the read timeout of the [client](Self::client).
    ///
    /// An attempt under way is cut off then. That counts as a timeout only if it had all of the time: otherwise nothing is
    /// recorded, and the call ends in the failure before it.
    pub fn max_time(mut self, time: Duration) -> Self {
        self.limits.time = time;
        self
    }

    /// How long one attempt takes at most, measured like [`max_time`](Self::max_time). Default: as long as the call.
    pub fn attempt_timeout(mut self, time: Duration) -> Self {
        self.limits.attempt_timeout = Some(time);
        self
    }

    /// Sets how often a request is sent again with the same profile where the provider is overloaded or fails, or the
    /// connection does. Default: 2 for each model.
    pub fn retries(mut self, retries: u32) -> Self {
        self.limits.retries = retries;
        self
    }

    /// Sets how long to wait before such a retry. Default: [`RetryBackoff::default`].
    pub fn backoff(mut self, backoff: RetryBackoff) -> Self {
        self.limits.backoff = backoff;
        self
    }

    /// Sets what gives the random numbers, from 0 to 1, that shorten these pauses. Default: the system's.
    pub fn random(mut self, random: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// Sets how many bytes of an answer are read, a stream's included; one with more ends in an error of kind
    /// [`TooLarge`](crate::ErrorKind::TooLarge). Default: 64 MiB.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Sets how many bytes may be taken by what is remembered of sessions, which is the body that each of them sent last; see
    /// [`Call::session`](super::Call::session). Default: 32 MiB; zero remembers nothing.
    ///
    /// The sessions that were used least recently are forgotten first. The next request of one that was forgotten is
    /// planned like a first one, which costs what it would without a memory.
    pub fn session_memory(mut self, bytes: usize) -> Self {
        self.session_memory = bytes;
        self
    }

    /// Sets the memory of what providers say is left of their limits, to share it with other rotators. Default: one of its own.
    ///
    /// What is made of it stands in the rules of the [configuration](Self::config):
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

/// A random number without another dependency: the standard library seeds its hash maps from the system.
fn of_system() -> f64 {
    f64::from(u32::try_from(RandomState::new().hash_one(()) >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}
