//! The record of a pick, on which the outcome is reported.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::claimed::Claimed;
use crate::clock::Timestamp;
use crate::credential::CredentialKind;
use crate::id::{ProfileId, ProviderId};
use crate::profile::{Profile, Trial, TrialGuard, UsageStats};
use crate::reason::FailureReason;
use crate::secret::Secret;

/// The record of a pick: the profile, the model and the time.
///
/// The outcome of the request is reported on the receipt, so that it is recorded for the profile that was used. A
/// receipt counts once, clones included; a report that could not be written can be repeated.
///
/// # Examples
///
/// ```
/// use provider_auth::{ProfileId, ProviderId, Timestamp};
/// use provider_auth::select::Receipt;
///
/// let profile = ProfileId::new("anthropic:default")?;
/// let receipt = Receipt::new(profile, ProviderId::anthropic(), Some("claude-opus-4-5"), Timestamp::from_millis(1_000));
/// assert_eq!(receipt.picked_at(), Timestamp::from_millis(1_000));
/// # Ok::<(), provider_auth::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Receipt {
    profile: ProfileId,
    provider: ProviderId,
    model: Option<Arc<str>>,
    picked_at: Timestamp,
    /// The secret that the request authenticated with, which its outcome is about.
    secret: Option<Secret>,
    /// The end of another program's window known at the pick, zero if there was none; `None` for a pick without the
    /// selector.
    announced: Option<f64>,
    /// The window that the request tries, if any.
    trial: Option<Arc<Trial>>,
    /// What keeps others from trying that window until the outcome is recorded or known to be none; `Some` only with a
    /// trial.
    claimed: Option<Claimed>,
    reported: Arc<AtomicBool>,
}

impl Receipt {
    /// Creates a receipt for a profile that was chosen without the selector.
    #[must_use]
    pub fn new(profile: ProfileId, provider: ProviderId, model: Option<&str>, picked_at: Timestamp) -> Self {
        Self::of(profile, provider, model.map(Into::into), picked_at)
    }

    /// Creates a receipt with a shared model name; see [`new`](Self::new).
    pub(super) fn of(profile: ProfileId, provider: ProviderId, model: Option<Arc<str>>, picked_at: Timestamp) -> Self {
        let reported = Arc::new(AtomicBool::new(false));
        let (secret, announced, trial, claimed) = (None, None, None, None);
        Self { profile, provider, model, picked_at, secret, announced, trial, claimed, reported }
    }

    /// Sets the window that the request tries.
    pub(super) fn with_trial(mut self, trial: Option<Trial>) -> Self {
        self.claimed = trial.as_ref().map(|_| Claimed::default());
        self.trial = trial.map(Arc::new);
        self
    }

    /// Holds the claim on the trial, with all clones, until one of them releases it or the last one is dropped.
    pub(crate) fn hold(&self, guard: Box<dyn TrialGuard>) {
        if let Some(claimed) = &self.claimed {
            claimed.put(guard);
        }
    }

    /// Returns `true` if the trial is claimed for this request.
    pub(crate) fn is_claimed(&self) -> bool {
        self.claimed.as_ref().is_some_and(Claimed::is_held)
    }

    /// Takes the claim from this receipt and its clones.
    pub(crate) fn unclaimed(&self) -> Option<Box<dyn TrialGuard>> {
        self.claimed.as_ref()?.take()
    }

    /// Moves the claim into a separate receipt.
    pub(crate) fn with_claim(&self) -> Option<Self> {
        let claimed = Claimed::default();
        claimed.put(self.unclaimed()?);
        Some(Self { claimed: Some(claimed), ..self.clone() })
    }

    /// Releases the claim, which may wait for a server.
    pub(crate) fn give_back(&self) {
        if let Some(guard) = self.unclaimed() {
            guard.release();
        }
    }

    /// Shares the claim of another receipt of the same request.
    pub(crate) fn holding_as(mut self, other: &Self) -> Self {
        self.claimed.clone_from(&other.claimed);
        self
    }

    /// Returns a receipt without the claim, to be kept for longer.
    pub(super) fn released(&self) -> Self {
        Self { claimed: None, ..self.clone() }
    }

    /// Returns the window that the request tries: one that has ended since the profile's last success, or is still
    /// running.
    #[must_use]
    pub fn trial(&self) -> Option<&Trial> {
        self.trial.as_deref()
    }

    /// Sets the secret that the request authenticates with.
    pub(super) fn with_secret(mut self, secret: &Secret) -> Self {
        self.secret = Some(secret.clone());
        self
    }

    /// Sets the statistics at the pick.
    pub(super) fn with_usage(mut self, usage: Option<&UsageStats>) -> Self {
        self.announced = Some(usage.and_then(|usage| usage.blocked.as_ref()).map_or(0.0, |window| window.until));
        self
    }

    /// Returns the end of the announced window known at the pick, zero if there was none; `None` for a pick without the
    /// selector.
    pub(super) fn announced(&self) -> Option<f64> {
        self.announced
    }

    /// Returns the secret that the request authenticated with, if known.
    pub(super) fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref()
    }

    /// Returns `true` if a failure is about a secret that the profile no longer has, and so does not concern the new
    /// one.
    ///
    /// That holds for every refusal. It holds for an empty account unless the secret is the access token of an OAuth
    /// credential, which is refreshed all the time for the same account. Rate limits and timeouts rarely depend on the
    /// secret, and a short cooldown does little harm, so they count.
    pub(super) fn is_outdated(&self, profile: Option<&Profile>, reason: FailureReason) -> bool {
        if profile.is_some_and(Profile::is_fenced) {
            // The refused tokens are being replaced.
            return reason.is_refusal();
        }
        let now = profile.and_then(Profile::credential);
        let (Some(used), Some(credential)) = (&self.secret, now) else { return false };
        let about_account = reason == FailureReason::Billing && credential.kind() != CredentialKind::OAuth;
        (reason.is_refusal() || about_account) && credential.secret() != used
    }

    /// Returns the id of the profile that was picked.
    #[must_use]
    pub fn profile(&self) -> &ProfileId {
        &self.profile
    }

    /// Returns the provider of the profile.
    #[must_use]
    pub fn provider(&self) -> &ProviderId {
        &self.provider
    }

    /// Returns the model's name at the provider, if the pick was for a model.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// Returns when the profile was picked.
    #[must_use]
    pub fn picked_at(&self) -> Timestamp {
        self.picked_at
    }

    /// Returns `true` if the outcome was reported.
    #[must_use]
    pub fn is_reported(&self) -> bool {
        self.reported.load(Ordering::SeqCst)
    }

    /// Runs a report unless one was made before. A report that fails leaves the receipt open.
    ///
    /// Returns `Ok(None)` if it was reported before or another thread is reporting it.
    pub(crate) fn report<T, E>(&self, report: impl FnOnce() -> Result<T, E>) -> Result<Option<T>, E> {
        let Some(claim) = self.claim() else { return Ok(None) };
        let result = report()?;
        claim.keep();
        self.give_back();
        Ok(Some(result))
    }

    /// Takes the right to report; `None` if it is taken or used.
    pub(crate) fn claim(&self) -> Option<Claim> {
        let was_reported = self.reported.swap(true, Ordering::SeqCst);
        (!was_reported).then(|| Claim { reported: Arc::clone(&self.reported), kept: AtomicBool::new(false) })
    }
}

/// The right to report on a receipt. The receipt is open again if the report failed or panicked.
#[derive(Debug)]
pub(crate) struct Claim {
    reported: Arc<AtomicBool>,
    kept: AtomicBool,
}

impl Claim {
    /// Marks the report as done.
    pub(crate) fn keep(&self) {
        self.kept.store(true, Ordering::SeqCst);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.kept.load(Ordering::SeqCst) {
            self.reported.store(false, Ordering::SeqCst);
        }
    }
}
