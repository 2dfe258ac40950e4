//! The proof of a pick, on which its outcome is reported.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::claimed::Claimed;
use crate::clock::Timestamp;
use crate::credential::CredentialKind;
use crate::id::{ProfileId, ProviderId};
use crate::profile::{Profile, Trial, TrialGuard, UsageStats};
use crate::reason::FailureReason;
use crate::secret::Secret;

/// The proof of a pick: which profile was used for which model, and when it was picked.
///
/// The outcome of the request is reported on it, so that it lands on the profile that was really used. One receipt
/// counts once, clones included; a report that fails to be written can be repeated.
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
    /// What the request authenticated with: what its outcome says is about this secret.
    secret: Option<Secret>,
    /// When the window of another program that was known at the pick ends, zero if there was none; `None` for a pick without
    /// the selector.
    announced: Option<f64>,
    /// The window that the request tries, if there is one.
    trial: Option<Arc<Trial>>,
    /// What keeps others from trying it, until the outcome is recorded or is known to be none; only where there is a trial.
    claimed: Option<Claimed>,
    reported: Arc<AtomicBool>,
}

impl Receipt {
    /// A receipt for a profile that was chosen without the selector.
    #[must_use]
    pub fn new(profile: ProfileId, provider: ProviderId, model: Option<&str>, picked_at: Timestamp) -> Self {
        Self::of(profile, provider, model.map(Into::into), picked_at)
    }

    /// As [`new`](Self::new), with a name of the model that is shared.
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

    /// Holds the claim on the trial, clones included, until one of them gives it back or the last one is dropped.
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

    /// Takes the claim into a receipt of its own.
    pub(crate) fn with_claim(&self) -> Option<Self> {
        let claimed = Claimed::default();
        claimed.put(self.unclaimed()?);
        Some(Self { claimed: Some(claimed), ..self.clone() })
    }

    /// Gives the claim back, which may wait for a server.
    pub(crate) fn give_back(&self) {
        if let Some(guard) = self.unclaimed() {
            guard.release();
        }
    }

    /// Holds what another receipt of the same request does.
    pub(crate) fn holding_as(mut self, other: &Self) -> Self {
        self.claimed.clone_from(&other.claimed);
        self
    }

    /// Returns a receipt that holds nothing, to be kept for longer.
    pub(super) fn released(&self) -> Self {
        Self { claimed: None, ..self.clone() }
    }

    /// Returns the window that the request tries: one that has ended since the profile last worked, or still runs.
    #[must_use]
    pub fn trial(&self) -> Option<&Trial> {
        self.trial.as_deref()
    }

    /// Sets what the request authenticates with.
    pub(super) fn with_secret(mut self, secret: &Secret) -> Self {
        self.secret = Some(secret.clone());
        self
    }

    /// Sets what the statistics say at the pick.
    pub(super) fn with_usage(mut self, usage: Option<&UsageStats>) -> Self {
        self.announced = Some(usage.and_then(|usage| usage.blocked.as_ref()).map_or(0.0, |window| window.until));
        self
    }

    /// The end of the announced window that was known at the pick, if the selector made it; zero if there was none.
    pub(super) fn announced(&self) -> Option<f64> {
        self.announced
    }

    /// What the request authenticated with, if that is known.
    pub(super) fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref()
    }

    /// Whether a failure is about a secret that the profile no longer has, so that it says nothing about the new one.
    ///
    /// A refusal always is. An empty account is, unless the secret is the access token of a login, which is refreshed all
    /// the time for one and the same account. Limits and silence are not: they rarely depend on the secret, and a short
    /// cooldown does little harm.
    pub(super) fn is_outdated(&self, profile: Option<&Profile>, reason: FailureReason) -> bool {
        if profile.is_some_and(Profile::is_fenced) {
            // The tokens that were refused are being replaced.
            return reason.is_refusal();
        }
        let now = profile.and_then(Profile::credential);
        let (Some(used), Some(credential)) = (&self.secret, now) else { return false };
        let about_account = reason == FailureReason::Billing && credential.kind() != CredentialKind::OAuth;
        (reason.is_refusal() || about_account) && credential.secret() != used
    }

    /// The profile that was picked.
    #[must_use]
    pub fn profile(&self) -> &ProfileId {
        &self.profile
    }

    /// Its provider.
    #[must_use]
    pub fn provider(&self) -> &ProviderId {
        &self.provider
    }

    /// The model's name at the provider, if the pick was for one.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// When it was picked.
    #[must_use]
    pub fn picked_at(&self) -> Timestamp {
        self.picked_at
    }

    /// Whether its outcome was reported.
    #[must_use]
    pub fn is_reported(&self) -> bool {
        self.reported.load(Ordering::SeqCst)
    }

    /// Runs a report unless one was made; a report that fails leaves the receipt open.
    ///
    /// `Ok(None)` means that it was reported before, or is being reported by another thread.
    pub(crate) fn report<T, E>(&self, report: impl FnOnce() -> Result<T, E>) -> Result<Option<T>, E> {
        let Some(claim) = self.claim() else { return Ok(None) };
        let result = report()?;
        claim.keep();
        self.give_back();
        Ok(Some(result))
    }

    /// Takes the right to report; `None` if another has it, or did so before.
    pub(crate) fn claim(&self) -> Option<Claim> {
        let was_reported = self.reported.swap(true, Ordering::SeqCst);
        (!was_reported).then(|| Claim { reported: Arc::clone(&self.reported), kept: AtomicBool::new(false) })
    }
}

/// The right to report on a receipt, which is open again where nothing came of it, also by a panic.
#[derive(Debug)]
pub(crate) struct Claim {
    reported: Arc<AtomicBool>,
    kept: AtomicBool,
}

impl Claim {
    /// Notes that the report came through.
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
