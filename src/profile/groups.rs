//! The profiles and the order of each provider.

use std::collections::HashMap;
use std::sync::Arc;

use super::document::{AuthProfiles, Entry};
use crate::credential::CredentialKind;
use crate::id::{ProfileId, ProviderId};

/// The positions of a document's profiles and orders, by provider.
pub(super) struct Groups {
    profiles: HashMap<ProviderId, Vec<usize>>,
    orders: HashMap<ProviderId, usize>,
}

/// The positions of each provider's profiles: OAuth credentials first, then tokens, then the others, each by last use.
/// Sorted by provider, because a binary search among a few providers is faster than a hash.
pub(super) type ByUse = Vec<(ProviderId, Vec<usize>)>;

impl AuthProfiles {
    /// Returns the profiles of a provider: OAuth credentials first, then tokens, then the others, each by last use,
    /// then in file order. Sorted once per state of the document.
    pub(crate) fn entries_by_use(&self, provider: &ProviderId) -> impl Iterator<Item = Entry<'_>> {
        let sorted = self.links.by_use.get_or_init(|| {
            let mut sorted: HashMap<ProviderId, Vec<usize>> = HashMap::new();
            for (place, profile) in self.profiles.values().enumerate() {
                sorted.entry(profile.provider().clone()).or_default().push(place);
            }
            for places in sorted.values_mut() {
                let key = |place: &usize| {
                    let entry = self.entry_at(*place);
                    let class = match entry.and_then(|entry| entry.profile.kind()) {
                        Some(CredentialKind::OAuth) => 0,
                        Some(CredentialKind::Token) => 1,
                        _ => 2,
                    };
                    // Zero is added because `total_cmp` tells the two zeros apart.
                    (class, entry.and_then(|entry| entry.usage?.last_used).unwrap_or(0.0) + 0.0)
                };
                places.sort_by(|a, b| {
                    let ((class, used), (other, other_used)) = (key(a), key(b));
                    class.cmp(&other).then_with(|| used.total_cmp(&other_used))
                });
            }
            let mut sorted: ByUse = sorted.into_iter().collect();
            sorted.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
            Arc::new(sorted)
        });
        let found = sorted.binary_search_by(|(own, _)| own.cmp(provider)).ok().and_then(|at| sorted.get(at));
        found.into_iter().flat_map(|(_, places)| places).filter_map(|place| self.entry_at(*place))
    }

    /// Groups the profiles by provider, for callers that ask for one provider after the other. A single question is
    /// faster without it.
    pub(crate) fn group(&self) {
        self.links.groups.get_or_init(|| {
            let (mut profiles, mut orders) = (HashMap::<_, Vec<usize>>::new(), HashMap::new());
            for (place, profile) in self.profiles.values().enumerate() {
                profiles.entry(profile.provider().clone()).or_default().push(place);
            }
            for (place, (name, list)) in self.order.iter().enumerate() {
                if list.is_some() {
                    orders.entry(ProviderId::normalized(name)).or_insert(place);
                }
            }
            Arc::new(Groups { profiles, orders })
        });
    }

    pub(crate) fn entries_of<'a>(&'a self, provider: &'a ProviderId) -> impl Iterator<Item = Entry<'a>> {
        let groups = self.links.groups.get();
        let places = groups.and_then(|groups| groups.profiles.get(provider)).into_iter().flatten();
        let all = groups.is_none().then(|| self.entries().filter(move |entry| entry.profile.provider() == provider));
        places.filter_map(|place| self.entry_at(*place)).chain(all.into_iter().flatten())
    }

    /// Returns the number of a provider's profiles, if they were [grouped](Self::group).
    pub(crate) fn count_of(&self, provider: &ProviderId) -> Option<usize> {
        Some(self.links.groups.get()?.profiles.get(provider).map_or(0, Vec::len))
    }

    /// Returns the order set for a provider; an empty list selects nothing on purpose.
    #[must_use]
    pub fn order(&self, provider: &ProviderId) -> Option<&[ProfileId]> {
        if let Some(groups) = self.links.groups.get() {
            return self.order.at(*groups.orders.get(provider)?)?.as_deref();
        }
        let is_named = |name: &str| name == provider.as_str() || ProviderId::normalized(name) == *provider;
        self.order.iter().find(|(name, list)| list.is_some() && is_named(name))?.1.as_deref()
    }

    pub(crate) fn without_orders(&self) -> Self {
        let (mut copy, links) = (self.clone(), super::document::Links::default());
        (copy.order, copy.links) = (super::section::Section::default(), links);
        copy
    }
}
