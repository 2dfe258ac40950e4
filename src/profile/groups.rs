//! Which profiles, and which order, are a provider's.

use std::collections::HashMap;
use std::sync::Arc;

use super::document::{AuthProfiles, Entry};
use crate::id::{ProfileId, ProviderId};

/// The places of a document's profiles and orders, by provider.
pub(super) struct Groups {
    profiles: HashMap<ProviderId, Vec<usize>>,
    orders: HashMap<ProviderId, usize>,
}

impl AuthProfiles {
    /// Finds out which profiles are whose, for those who will ask for one provider after the other. A single question is
    /// answered sooner without it.
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

    /// The profiles of a provider, in the order of the document.
    pub(crate) fn entries_of<'a>(&'a self, provider: &'a ProviderId) -> impl Iterator<Item = Entry<'a>> {
        let groups = self.links.groups.get();
        let places = groups.and_then(|groups| groups.profiles.get(provider)).into_iter().flatten();
        let all = groups.is_none().then(|| self.entries().filter(move |entry| entry.profile.provider() == provider));
        places.filter_map(|place| self.entry_at(*place)).chain(all.into_iter().flatten())
    }

    /// How many profiles a provider has, if that was [found out](Self::group).
    pub(crate) fn count_of(&self, provider: &ProviderId) -> Option<usize> {
        Some(self.links.groups.get()?.profiles.get(provider).map_or(0, Vec::len))
    }

    /// Returns the order set for a provider; `Some` of an empty list selects nothing on purpose.
    #[must_use]
    pub fn order(&self, provider: &ProviderId) -> Option<&[ProfileId]> {
        if let Some(groups) = self.links.groups.get() {
            return self.order.at(*groups.orders.get(provider)?)?.as_deref();
        }
        let is_named = |name: &str| ProviderId::normalized(name) == *provider;
        self.order.iter().find(|(name, list)| list.is_some() && is_named(name))?.1.as_deref()
    }

    /// Returns these profiles without any order.
    pub(crate) fn without_orders(&self) -> Self {
        let (mut copy, links) = (self.clone(), super::document::Links::default());
        (copy.order, copy.links) = (super::section::Section::default(), links);
        copy
    }
}
