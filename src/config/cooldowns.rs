//! The block `auth.cooldowns`: cooldowns of failed profiles.

use crate::config::keys;
use crate::config::reader::Reader;
use crate::error::DiagnosticCode;
use crate::id::ProviderId;
use crate::syntax::Node;

/// The settings of `auth.cooldowns` that are set. The selector's rules have the defaults.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct CooldownSettings {
    /// `billingBackoffHours`: the first billing window in hours, greater than zero.
    pub billing_backoff_hours: Option<f64>,
    /// `billingBackoffHoursByProvider`: the first billing window of single providers in hours, in the order of the
    /// file, each provider once.
    pub billing_backoff_hours_by_provider: Vec<(ProviderId, f64)>,
    /// `billingMaxHours`: the longest billing window in hours, greater than zero.
    pub billing_max_hours: Option<f64>,
    /// `failureWindowHours`: the time without a failure in hours after which the counters start again, greater than
    /// zero.
    pub failure_window_hours: Option<f64>,
    /// `authPermanentBackoffMinutes`: the first window after a permanent refusal in minutes, greater than zero.
    pub auth_permanent_backoff_minutes: Option<f64>,
    /// `authPermanentMaxMinutes`: the longest window after permanent refusals in minutes, greater than zero.
    pub auth_permanent_max_minutes: Option<f64>,
    /// `overloadedProfileRotations`: the number of further profiles to try when the provider is overloaded.
    pub overloaded_profile_rotations: Option<u32>,
    /// `overloadedBackoffMs`: the wait before trying such a profile, in milliseconds.
    pub overloaded_backoff_ms: Option<u32>,
    /// `rateLimitedProfileRotations`: the number of further profiles to try after a rate limit.
    pub rate_limited_profile_rotations: Option<u32>,
}

impl CooldownSettings {
    /// Returns the first billing window of this provider in hours: its own, otherwise the general one.
    #[must_use]
    pub fn billing_backoff_hours_for(&self, provider: &ProviderId) -> Option<f64> {
        let own = self.billing_backoff_hours_by_provider.iter().find(|(known, _)| known == provider);
        own.map(|(_, hours)| *hours).or(self.billing_backoff_hours)
    }

    pub(super) fn read<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Self {
        let mut settings = Self::default();
        reader.object(node, &keys::COOLDOWNS, |reader, member| {
            let node = &member.node;
            match member.key.as_ref() {
                "billingBackoffHours" => settings.billing_backoff_hours = reader.positive(node),
                "billingMaxHours" => settings.billing_max_hours = reader.positive(node),
                "failureWindowHours" => settings.failure_window_hours = reader.positive(node),
                "authPermanentBackoffMinutes" => settings.auth_permanent_backoff_minutes = reader.positive(node),
                "authPermanentMaxMinutes" => settings.auth_permanent_max_minutes = reader.positive(node),
                "overloadedProfileRotations" => settings.overloaded_profile_rotations = reader.whole(node),
                "overloadedBackoffMs" => settings.overloaded_backoff_ms = reader.whole(node),
                "rateLimitedProfileRotations" => settings.rate_limited_profile_rotations = reader.whole(node),
                _ => settings.billing_backoff_hours_by_provider = by_provider(reader, node),
            }
        });
        settings
    }
}

fn by_provider<'n>(reader: &mut Reader<'n>, node: &'n Node<'n>) -> Vec<(ProviderId, f64)> {
    let mut hours = indexmap::IndexMap::new();
    reader.entries(node, |reader, member| {
        let Some(value) = reader.positive(&member.node) else { return };
        let provider = ProviderId::normalized(&member.key);
        if hours.contains_key(&provider) {
            reader.warn(DiagnosticCode::Conflict, member.key_at, "an earlier entry is for the same provider and wins");
        } else {
            hours.insert(provider, value);
        }
    });
    hours.into_iter().collect()
}
