//! What a configuration says about profiles, as the selector sees it.

use indexmap::IndexMap;

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
    pub(crate) gateways: Vec<ProviderId>,
}

impl Settings {
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
