//! The fitness of a credential, apart from its profile's cooldowns.

use super::rules::SelectorRules;
use super::verdict::Verdict;
use crate::credential::{CredentialKind, Doubt, Implausible};
use crate::profile::{Expiry, Hold, Profile, SecretState, timestamp};

impl SelectorRules {
    /// Returns the reason not to send a text as a secret, if these rules refuse it.
    pub(crate) fn refuses(&self, doubt: Doubt, is_gateway: bool) -> Option<Implausible> {
        doubt.at(is_gateway).filter(|_| self.refuse_implausible)
    }

    /// Returns the moment from which the profile is unusable for good, if there is one. An OAuth credential that can be
    /// refreshed outlives its access token; OpenClaw lets every one do so.
    pub(super) fn end(&self, profile: &Profile) -> Option<f64> {
        let kind = if self.inspect_secret { profile.kind() } else { profile.stored_kind() };
        let ends = match kind? {
            CredentialKind::Token => true,
            CredentialKind::OAuth => self.strict_expiry && !profile.is_refreshable(),
            CredentialKind::ApiKey | CredentialKind::None => false,
        };
        match profile.expiry() {
            Expiry::At(at) if ends => Some(at),
            // A finite number beyond JavaScript's range of dates can still be compared.
            Expiry::Invalid(Some(at)) if ends && at.is_finite() && at > 0.0 => Some(at),
            _ => None,
        }
    }

    /// Returns the verdict on the credential, without its windows. `elsewhere` resolves the profile's reference, and
    /// `is_gateway` is `true` if requests go to a host other than the provider's own.
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
        // OpenClaw of February 2026 did not know references, and used the secret beside one.
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
