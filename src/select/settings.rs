//! What a configuration says about profiles, as the selector sees it.

use indexmap::{IndexMap, IndexSet};

use crate::credential::CredentialKind;
use crate::id::{ProfileId, ProviderId};

/// The settings that decide which profiles are used, and in which order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// The profiles that are listed. A provider with one entry here uses no profile that is not listed.
    pub(crate) profiles: IndexMap<ProfileId, ConfiguredProfile>,
    /// The order of each provider that has one. An empty list selects nothing.
    pub(crate) order: Vec<(ProviderId, Vec<ProfileId>)>,
    /// Providers each spelling of which is a provider of its own.
    pub(crate) split: Vec<ProviderId>,
    /// The providers whose requests do not go to a host of their own.
    pub(crate) gateways: IndexSet<ProviderId>,
    /// The places of each provider's in `profiles` and in `order`.
    places: IndexMap<ProviderId, (Vec<usize>, Vec<usize>)>,
}

impl Settings {
    pub(crate) fn new(
        profiles: IndexMap<ProfileId, ConfiguredProfile>,
        order: Vec<(ProviderId, Vec<ProfileId>)>,
    ) -> Self {
        let mut places: IndexMap<ProviderId, (Vec<usize>, Vec<usize>)> = IndexMap::new();
        for (place, entry) in profiles.values().enumerate() {
            places.entry(entry.provider.clone()).or_default().0.push(place);
        }
        for (place, (provider, _)) in order.iter().enumerate() {
            places.entry(provider.clone()).or_default().1.push(place);
        }
        Self { profiles, order, places, ..Self::default() }
    }

    /// The configured profiles of a provider, in whichever spelling.
    pub(super) fn profiles_of(&self, provider: &ProviderId) -> impl Iterator<Item = (&ProfileId, &ConfiguredProfile)> {
        let places = self.places.get(provider).into_iter().flat_map(|(profiles, _)| profiles);
        places.filter_map(|place| self.profiles.get_index(*place))
    }

    /// The configured orders of a provider, in whichever spelling.
    pub(super) fn orders_of(&self, provider: &ProviderId) -> impl Iterator<Item = &(ProviderId, Vec<ProfileId>)> {
        let places = self.places.get(provider).into_iter().flat_map(|(_, orders)| orders);
        places.filter_map(|place| self.order.get(*place))
    }

    /// Whether only the very spelling of this name counts.
    pub(super) fn is_split(&self, provider: &ProviderId) -> bool {
        self.split.contains(provider)
    }

    /// Whether two names are of one provider.
    pub(crate) fn is_one(&self, provider: &ProviderId, other: &ProviderId) -> bool {
        provider == other
            && (self.split.is_empty() || provider.written() == other.written() || !self.is_split(provider))
    }
}

/// One profile that is listed.
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
    /// One that no stored credential has.
    Foreign,
}
