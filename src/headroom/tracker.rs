//! The headroom of all profiles, shared by the calls of a program.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::account::Account;
pub(crate) use super::account::{Known, Standing};
use super::gauge::Gauge;
use super::limit::Limit;
use super::meter::Request;
use super::policy::HeadroomPolicy;
use super::read::Headroom;
use super::sessions::{Home, Sessions};
use super::ticket::Planned;
use crate::clock::Timestamp;
use crate::error::Shown;
use crate::id::ProfileId;
use crate::secret::Secret;

/// The headroom of each profile and model: what providers reported last, less what was sent since. Also the profile
/// that each running session uses.
///
/// The tracker is in memory, beside the store, and writes nothing. `Rotator` has one that its clones share; callers
/// with another client pass one to [`Rotation::headroom`](crate::rotation::Rotation::headroom). It takes about a
/// kilobyte for each profile and model, at most 48 KiB with hundreds of unanswered requests, for at most 64 models of a
/// profile. It remembers the hashes of at most 10,000 pairs of session and model.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use http::HeaderMap;
/// use provider_auth::headroom::HeadroomTracker;
/// use provider_auth::rotation::{Outcome, Rotation, Step};
/// use provider_auth::{AuthProfiles, ProfileSelector, Timestamp};
///
/// let profiles = AuthProfiles::from_json(r#"{"version": 1, "profiles": {
///     "openai:a": {"type": "api_key", "provider": "openai", "key": "sk-a"},
///     "openai:b": {"type": "api_key", "provider": "openai", "key": "sk-b"}}}"#)?;
/// let (selector, tracker) = (Arc::new(ProfileSelector::default()), Arc::new(HeadroomTracker::new()));
/// let call = |now| Rotation::new(Arc::clone(&selector), "openai/gpt-5".parse().unwrap(), now).headroom(Arc::clone(&tracker));
///
/// let now = Timestamp::from_millis(1_700_000_000_000);
/// let mut rotation = call(now);
/// let Step::Attempt(attempt) = rotation.next(&profiles, now) else { panic!("two keys are ready") };
/// assert_eq!(attempt.profile().as_str(), "openai:a");
///
/// // The answer says that this was the last request for now.
/// let mut headers = HeaderMap::new();
/// headers.insert("x-ratelimit-limit-requests", "60".parse()?);
/// headers.insert("x-ratelimit-remaining-requests", "0".parse()?);
/// headers.insert("x-ratelimit-reset-requests", "1m0s".parse()?);
/// attempt.observe(&headers, now);
/// rotation.report(&attempt, Outcome::answered(None), now);
///
/// // The next call goes to the other key. Nothing failed.
/// let Step::Attempt(attempt) = call(now).next(&profiles, now) else { panic!("one key is ready") };
/// assert_eq!(attempt.profile().as_str(), "openai:b");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct HeadroomTracker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    accounts: HashMap<ProfileId, Account>,
    sessions: Sessions,
    /// The number of the last request.
    begun: u64,
}

impl State {
    fn next(&mut self) -> u64 {
        self.begun += 1;
        self.begun
    }
}

/// The headroom of one profile for one model, or of its plan.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ProfileHeadroom {
    /// The id of the profile.
    pub profile: ProfileId,
    /// The model's name at the provider; `None` for the windows of a plan.
    pub model: Option<String>,
    /// The limits, with what was left of each at the time that was passed to [`profiles`](HeadroomTracker::profiles).
    pub limits: Vec<Limit>,
}

/// Writes one line: `openai:a for gpt-5: 59 of 60 requests, full at ...; 12000 of 60000 tokens`.
impl fmt::Display for ProfileHeadroom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.profile)?;
        if let Some(model) = &self.model {
            write!(f, " for {}", Shown::new(model))?;
        }
        for (number, limit) in self.limits.iter().enumerate() {
            write!(f, "{} {limit}", if number == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

impl HeadroomTracker {
    /// Creates an empty tracker.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the headroom of all profiles, ordered by profile and model.
    #[must_use]
    pub fn profiles(&self, now: Timestamp) -> Vec<ProfileHeadroom> {
        let state = self.state();
        let mut all: Vec<ProfileHeadroom> = Vec::new();
        for (profile, account) in &state.accounts {
            all.extend(account.shown(now).filter(|(_, limits)| !limits.is_empty()).map(|(model, limits)| {
                ProfileHeadroom { profile: profile.clone(), model: model.map(str::to_owned), limits }
            }));
        }
        all.sort_by(|a, b| (a.profile.as_str(), &a.model).cmp(&(b.profile.as_str(), &b.model)));
        all
    }

    /// Calls a function with each limit of a profile and the model that it is for; `None` for a plan's.
    pub(super) fn each_gauge(&self, profile: &ProfileId, mut look: impl FnMut(Option<&str>, &Gauge)) {
        if let Some(account) = self.state().accounts.get(profile) {
            account.all().for_each(|(model, gauge)| look(model, gauge));
        }
    }

    /// Forgets the headroom of a profile, for example after its owner has bought more.
    pub fn forget(&self, profile: &ProfileId) {
        self.state().accounts.remove(profile);
    }

    /// Sets aside what a request will use, and returns its number.
    pub(super) fn begin(&self, planned: &Planned<'_>, now: Timestamp) -> u64 {
        let Planned { profile, model, secret, request, is_reserved, .. } = *planned;
        let mut state = self.state();
        let number = state.next();
        let account = state.accounts.entry(profile.clone()).or_default();
        if account.secret.as_ref().zip(secret).is_some_and(|(known, secret)| known != secret) {
            *account = Account::default();
        }
        if account.secret.is_none() {
            account.secret = secret.cloned();
        }
        account.is_told = false;
        account.meter(model).begin(number, request, is_reserved, now);
        number
    }

    /// Notes that a reserved request is being sent, and returns its new number.
    pub(super) fn sent(&self, (profile, model): (&ProfileId, &str), number: u64, now: Timestamp) -> u64 {
        let mut state = self.state();
        let new = state.next();
        if let Some(account) = state.accounts.get_mut(profile) {
            account.meter(model).sent(number, new, now);
        }
        new
    }

    /// Returns what was set aside for a request that was not sent.
    pub(super) fn withdraw(&self, (profile, model): (&ProfileId, &str), number: u64) {
        if let Some(account) = self.state().accounts.get_mut(profile) {
            account.meter(model).withdraw(number);
        }
    }

    /// Reads the headroom from the response to a request.
    pub(super) fn observe(
        &self,
        (profile, model): (&ProfileId, &str),
        number: u64,
        headroom: &Headroom,
        now: Timestamp,
    ) {
        if let Some(account) = self.state().accounts.get_mut(profile) {
            account.observe(number, model, headroom, now);
        }
    }

    /// Returns the state of a profile for a request. `secret` is its current secret, if that is known; `known` is what
    /// the store has.
    pub(crate) fn standing(
        &self,
        (profile, model): (&ProfileId, Option<&str>),
        secret: Option<&Secret>,
        request: Request,
        (policy, known): (&HeadroomPolicy, &Known),
        now: Timestamp,
    ) -> Standing {
        let state = self.state();
        let hinted = |account: Option<&Account>| known.hinted(model, account, now);
        let Some(account) = state.accounts.get(profile) else { return hinted(None) };
        let standing = account.standing(model, request, (policy, known), now);
        // Compared only when it matters, because the comparison takes constant time.
        let is_of_another = || secret.zip(account.secret.as_ref()).is_some_and(|(secret, known)| secret != known);
        if standing.refused.is_some() && is_of_another() { hinted(None) } else { standing.and(hinted(Some(account))) }
    }

    /// Returns the profile that a running session uses, by its [key](super::session_key).
    pub(crate) fn home(&self, session: u64, now: Timestamp) -> Option<ProfileId> {
        self.state().sessions.home(session, now).cloned()
    }

    /// Records the profile that a session uses, and returns what was recorded before.
    pub(super) fn settle(&self, session: u64, home: Home) -> Option<Home> {
        self.state().sessions.settle(session, home)
    }

    /// Restores what was recorded for a session before, unless it has been replaced since.
    pub(super) fn unsettle(&self, session: u64, before: Option<Home>, ours: &Home) {
        self.state().sessions.unsettle(session, before, ours);
    }

    /// Returns `true` on the first call since the profile was used, when it has to be logged that calls leave it.
    #[cfg(feature = "tracing")]
    pub(crate) fn is_news(&self, profile: &ProfileId) -> bool {
        self.state().accounts.get_mut(profile).is_some_and(|account| !std::mem::replace(&mut account.is_told, true))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for HeadroomTracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeadroomTracker").field("profiles", &self.state().accounts.len()).finish_non_exhaustive()
    }
}
