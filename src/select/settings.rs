//! The settings about profiles, as the selector needs them.

use indexmap::{IndexMap, IndexSet};

use crate::credential::CredentialKind;
use crate::id::{ProfileId, ProviderId};

/// The settings that decide which profiles are used, and in which order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// The listed profiles. A provider with at least one entry uses only listed profiles.
    pub(crate) profiles: IndexMap<ProfileId, ConfiguredProfile>,
    /// The configured order of each provider. An empty list selects nothing.
    pub(crate) order: Vec<(ProviderId, Vec<ProfileId>)>,
    /// Providers whose spellings count as different providers.
    pub(crate) split: Vec<ProviderId>,
    /// The providers whose requests go to a host other than their own.
    pub(crate) gateways: IndexSet<ProviderId>,
    /// The indices of each provider's entries in `profiles` and in `order`.
    places: IndexMap<ProviderId, (Vec<usize>, Vec<usize>)>,
}

impl Settings {
    pub(crate) fn new(
        profiles: IndexMap<ProfileId, ConfiguredProfile>,
        order: Vec<(ProviderId, Vec<ProfileId>)>,
    ) -> Self {
        let mut places: IndexMap<ProviderId, (Vec<usize>, Vec<usize>)> = IndexMap::new();
        for (place, entry) in profiles.values().enumerate() {
            // Most profiles are of the same provider as the one before.
            match places.last_mut().filter(|(last, _)| **last == entry.provider) {
                Some((_, (own, _))) => own.push(place),
                None => places.entry(entry.provider.clone()).or_default().0.push(place),
            }
        }
        for (place, (provider, _)) in order.iter().enumerate() {
            places.entry(provider.clone()).or_default().1.push(place);
        }
        Self { profiles, order, places, ..Self::default() }
    }

    /// Returns `true` if the configuration names no profile and no order of this provider, in any spelling.
    pub(super) fn has_none_of(&self, provider: &ProviderId) -> bool {
        !self.places.contains_key(provider)
    }

    /// Returns the configured profiles of a provider, in any spelling.
    pub(super) fn profiles_of(&self, provider: &ProviderId) -> impl Iterator<Item = (&ProfileId, &ConfiguredProfile)> {
        let places = self.places.get(provider).into_iter().flat_map(|(profiles, _)| profiles);
        places.filter_map(|place| self.profiles.get_index(*place))
    }

    /// Returns the configured orders of a provider, in any spelling.
    pub(super) fn orders_of(&self, provider: &ProviderId) -> impl Iterator<Item = &(ProviderId, Vec<ProfileId>)> {
        let places = self.places.get(provider).into_iter().flat_map(|(_, orders)| orders);
        places.filter_map(|place| self.order.get(*place))
    }

    /// Returns `true` if only the exact spelling of this name counts.
    pub(super) fn is_split(&self, provider: &ProviderId) -> bool {
        self.split.contains(provider)
    }

    /// Returns `true` if two names denote the same provider.
    pub(crate) fn is_one(&self, provider: &ProviderId, other: &ProviderId) -> bool {
        provider == other
            && (self.split.is_empty() || provider.written() == other.written() || !self.is_split(provider))
    }
}

/// One listed profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConfiguredProfile {
    pub(crate) provider: ProviderId,
    pub(crate) kind: ExpectedKind,
}

/// The kind of credential a listed profile is expected to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExpectedKind {
    Any,
    Only(CredentialKind),
    /// A kind that no stored credential has.
    Foreign,
}
