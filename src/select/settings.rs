//! The settings about profiles, as the selector needs them.

use std::fmt;
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use crate::credential::CredentialKind;
use crate::id::{ProfileId, ProviderId};

/// The settings that decide which profiles are used, and in which order.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    /// The listed profiles. A provider with at least one entry uses only listed profiles.
    pub(crate) profiles: Arc<IndexMap<ProfileId, ProfileSettings>>,
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
        profiles: Arc<IndexMap<ProfileId, ProfileSettings>>,
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
    pub(super) fn profiles_of(&self, provider: &ProviderId) -> impl Iterator<Item = (&ProfileId, &ProfileSettings)> {
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

/// Shows of the profiles what the selector uses, and not who they belong to.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let profiles: Vec<_> = self.profiles.iter().map(|(id, entry)| (id, &entry.provider, entry.mode)).collect();
        f.debug_struct("Settings")
            .field("profiles", &profiles)
            .field("order", &self.order)
            .field("split", &self.split)
            .field("gateways", &self.gateways)
            .finish_non_exhaustive()
    }
}

/// The spellings of a profile's mode. Provider settings spell the first one with a dash, which people mix up.
pub(crate) const MODES: &[(&str, ProfileMode)] = &[
    ("api_key", ProfileMode::ApiKey),
    ("oauth", ProfileMode::OAuth),
    ("token", ProfileMode::Token),
    ("aws-sdk", ProfileMode::AwsSdk),
];

/// The kind of credential that an entry of `auth.profiles` declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProfileMode {
    /// `api_key`: an API key.
    ApiKey,
    /// `oauth`: an OAuth credential.
    OAuth,
    /// `token`: a static bearer token.
    Token,
    /// `aws-sdk`: a credential that Amazon's own library finds. It is not stored, and this crate does not use it.
    AwsSdk,
}

impl ProfileMode {
    /// Returns the name in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        MODES.iter().find(|(_, mode)| *mode == self).map_or("", |(name, _)| name)
    }

    /// Returns the kind of credential; `None` for `aws-sdk`, whose secrets are kept elsewhere.
    #[must_use]
    pub fn kind(self) -> Option<CredentialKind> {
        match self {
            Self::ApiKey => Some(CredentialKind::ApiKey),
            Self::OAuth => Some(CredentialKind::OAuth),
            Self::Token => Some(CredentialKind::Token),
            Self::AwsSdk => None,
        }
    }
}

/// An entry of `auth.profiles`, which allows the use of a stored profile. It has no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProfileSettings {
    /// `provider`: the provider of the profile.
    pub provider: ProviderId,
    /// `mode`: the kind of credential. `None` only if lenient reading found an unknown one.
    pub mode: Option<ProfileMode>,
    /// `email`: the account, for display.
    pub email: Option<String>,
    /// `displayName`: the account's name, for display.
    pub display_name: Option<String>,
}
