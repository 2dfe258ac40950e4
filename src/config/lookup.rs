//! Accessors for checks of the whole configuration: locations, and which settings apply where.

use std::collections::HashSet;

use crate::config::Config;
use crate::credential::CredentialKind;
use crate::error::Location;
use crate::id::{ModelRef, ProfileId, ProviderId};

impl Config {
    /// Returns the location of the entry of `auth.profiles` with this id.
    pub(crate) fn place_of_profile(&self, id: &ProfileId) -> Location {
        let index = self.auth.profiles.get_index_of(id);
        index.and_then(|index| self.auth.places.get(index)).cloned().unwrap_or_default()
    }

    /// Returns every entry of `auth.order` with its location.
    pub(crate) fn placed_orders(&self) -> impl Iterator<Item = (&ProviderId, &ProfileId, &Location)> {
        self.auth.order.iter().flat_map(|(provider, order)| {
            order.ids.iter().zip(&order.places).map(move |(id, place)| (provider, id, place))
        })
    }

    /// Returns the alias that a model has without being listed, unless another model has it.
    pub(crate) fn implied_alias(&self, model: &ModelRef) -> Option<&'static str> {
        let taken = |alias: &str| self.models().filter_map(|(_, own)| own).any(|own| own.eq_ignore_ascii_case(alias));
        self.release().alias_of(model).filter(|alias| !taken(alias))
    }

    /// Returns the locations of the layers of parameters that set a retention with both keys.
    pub(crate) fn double_retentions(&self) -> impl Iterator<Item = &Location> {
        self.agents.layers().filter(|params| params.says_it_twice()).map(|params| &params.location)
    }

    /// Returns the locations of all retention settings that have no effect for a subscription of these providers, each
    /// once.
    pub(crate) fn ignored_retentions(&self, is_subscription: impl Fn(&ProviderId) -> bool) -> Vec<&Location> {
        let agents = std::iter::once(None).chain(self.agents.ids().map(Some));
        let (mut found, mut seen) = (Vec::new(), HashSet::new());
        for agent in agents {
            let primary = self.primary_model(agent).and_then(|name| self.resolve_model_for(name, agent).ok());
            // Settings of common models are the same for every agent, unless the agent sets one for all its models.
            let own = agent.map(|id| self.agents.agent(Some(id)).into_iter().flat_map(|agent| agent.models.iter()));
            let own = own.into_iter().flatten().map(|(model, _)| model);
            let common = || self.models().map(|(model, _)| model).filter(|model| is_subscription(model.provider()));
            let first = common().take(if agent.is_some() { 1 } else { usize::MAX });
            let models: Vec<&ModelRef> =
                own.chain(&primary).filter(|model| is_subscription(model.provider())).collect();
            for model in models.into_iter().chain(first) {
                let resolved = self.cache_retention(model, agent, CredentialKind::Token, None);
                if resolved.ignored.is_none() {
                    continue;
                }
                let mut layers = self.agents.layers_for(model, agent);
                let place = layers.find(|(layer, _)| *layer == resolved.layer).map(|(_, params)| &params.location);
                found.extend(place.filter(|place| seen.insert(*place)));
            }
        }
        found
    }
}
