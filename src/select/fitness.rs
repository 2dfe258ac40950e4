//! What a credential itself says of whether it can be used, its cooldowns aside.

use super::rules::SelectorRules;
use super::verdict::Verdict;
use crate::credential::{CredentialKind, Doubt, Implausible};
use crate::profile::{Expiry, Hold, Profile, SecretState, timestamp};

impl SelectorRules {
    /// Why a text is not sent as a secret, if these rules refuse it.
    pub(crate) fn refuses(&self, doubt: Doubt, is_gateway: bool) -> Option<Implausible> {
        doubt.at(is_gateway).filter(|_| self.refuse_implausible)
    }

    /// When the profile ends for good, if it does: a login that can be refreshed outlives its access token, and
    /// OpenClaw lets every login do so.
    pub(super) fn end(&self, profile: &Profile) -> Option<f64> {
        let kind = if self.inspect_secret { profile.kind() } else { profile.stored_kind() };
        let ends = match kind? {
            CredentialKind::Token => true,
            CredentialKind::OAuth => self.strict_expiry && !profile.is_refreshable(),
            CredentialKind::ApiKey | CredentialKind::None => false,
        };
        match profile.expiry() {
            Expiry::At(at) if ends => Some(at),
            // A finite number that is too large to be a moment in JavaScript is still a number to compare with.
            Expiry::Invalid(Some(at)) if ends && at.is_finite() && at > 0.0 => Some(at),
            _ => None,
        }
    }

    /// What the credential itself says, its windows aside. `elsewhere` tells what its reference leads to, and `is_gateway`
    /// whether its requests do not go to a host of the provider's own.
    pub(super) fn fitness(
        &self,
        profile: &Profile,
        is_gateway: bool,
        now: f64,
        elsewhere: impl Fn(&Profile) -> Verdict,
    ) -> Verdict {
        match profile.hold() {
            Some(Hold::Inactive) => return Verdict::SetupInactive,
            Some(Hold::Refreshing) => return Verdict::Refreshing,
            Some(Hold::RefreshFailed) => return Verdict::RefreshFailed,
            None => {}
        }
        let Some(kind) = profile.kind() else { return Verdict::UnknownKind };
        let kind = if self.inspect_secret { kind } else { profile.stored_kind().unwrap_or(kind) };
        let invalid = matches!(profile.expiry(), Expiry::Invalid(_));
        if invalid && self.strict_expiry && kind == CredentialKind::Token {
            return Verdict::InvalidExpiry;
        }
        if let Some(at) = self.end(profile).filter(|at| now >= *at) {
            return Verdict::Expired { at: timestamp(at) };
        }
        // OpenClaw of February 2026 knew no references, and went by the secret beside one.
        let beside = profile.beside_reference().filter(|_| !self.inspect_secret);
        let beside = beside.map(|credential| SecretState::of(profile.provider(), credential));
        let state = beside.unwrap_or(profile.secret_state());
        if let SecretState::Implausible { doubt, .. } = state
            && let Some(reason) = self.refuses(doubt, is_gateway)
        {
            return Verdict::ImplausibleSecret { reason };
        }
        match state {
            SecretState::Unusable | SecretState::Implausible { fits: false, .. } if self.inspect_secret => {
                Verdict::UnusableSecret
            }
            SecretState::Good | SecretState::Unusable | SecretState::Implausible { .. } | SecretState::Refreshable => {
                Verdict::Ready
            }
            SecretState::Blank => Verdict::MissingSecret,
            SecretState::Elsewhere => elsewhere(profile),
        }
    }
}
