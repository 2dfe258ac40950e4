//! Which profile is next.

use super::rotation::{Pick, Rotation};
use crate::clock::Timestamp;
#[cfg(feature = "client")]
use crate::credential::Resolved;
use crate::id::{ModelRef, ProfileId, ProviderId};
use crate::profile::AuthProfiles;
use crate::select::{Inline, Query, Selection};

impl Rotation {
    /// Adds what a provider has outside the document, which may be a reference that leads to nothing.
    pub(crate) fn with_inline(mut self, provider: ProviderId, inline: Inline) -> Self {
        self.inline.push((provider, inline));
        self
    }

    /// Sets what the references of profiles lead to, for what is tried from now on.
    #[cfg(feature = "client")]
    pub(crate) fn set_references(&mut self, references: Resolved) {
        self.query = self.query.clone().references(references);
    }

    /// Whether two models are one, whose providers may be two in a configuration with an entry for each spelling.
    pub(super) fn is_same(&self, model: &ModelRef, other: &ModelRef) -> bool {
        model == other && self.selector.is_one(model.provider(), other.provider())
    }

    /// What the provider of a model has, under the very spelling of its name if there are several.
    fn inline_for(&self, model: &ModelRef) -> Option<Inline> {
        let provider = model.provider();
        let exact = self.inline.iter().find(|(name, _)| name == provider && name.written() == provider.written());
        let found = exact.or_else(|| self.inline.iter().find(|(name, _)| name == provider));
        found.map(|(_, credential)| credential.clone())
    }

    pub(super) fn query_for(&self, model: &ModelRef) -> Query {
        self.query.clone().retarget(model)
    }

    pub(super) fn select(
        &self,
        profiles: &AuthProfiles,
        model: &ModelRef,
        profile: &ProfileId,
        now: Timestamp,
    ) -> Option<Selection> {
        self.selector.select(profiles, &self.query_for(model).locked(profile.clone()), now).ok()
    }

    /// The same profile once more, also if it is a credential from outside the document.
    pub(super) fn select_again(
        &self,
        profiles: &AuthProfiles,
        model: &ModelRef,
        profile: &ProfileId,
        now: Timestamp,
    ) -> Option<Selection> {
        self.select(profiles, model, profile, now).or_else(|| {
            let credential = self.inline_for(model)?.ok()?;
            let resolved = self.selector.resolve(profiles, Some(credential), &self.query_for(model), now).ok();
            resolved.filter(|selection| selection.profile == *profile)
        })
    }

    pub(super) fn pick(&self, profiles: &AuthProfiles, model: &ModelRef, now: Timestamp) -> Pick {
        let (selector, query) = (&self.selector, self.query_for(model));
        let candidates = selector.candidates(profiles, &query, now);
        let next = candidates.iter().find(|one| one.verdict.is_ready() && !self.tried.contains(&one.id));
        if let Some(next) = next.map(|next| (*next.id).clone()) {
            // A pick that lost its secret meanwhile is no longer ready.
            let selection = selector.selection(profiles, &query, next, candidates, now);
            return selection.map_or(Pick::Exhausted, |selection| Pick::Found(Box::new(selection)));
        }
        if !self.fresh || candidates.first_ready().is_some() {
            return Pick::Exhausted;
        }
        let refused = match selector.resolve_with(profiles, || self.inline_for(model), &query, now) {
            Ok(selection) if self.tried.contains(&selection.profile) => return Pick::Exhausted,
            Ok(selection) => return Pick::Found(Box::new(selection)),
            Err(error) => error,
        };
        let Some((policy, log)) = &self.probes else { return Pick::Refused(refused) };
        let probe = log.last(model.provider(), |last| {
            let probe = selector.select_or_probe(profiles, &query, policy, *last, now).ok();
            if probe.is_some() {
                *last = Some(now);
            }
            probe
        });
        #[cfg(feature = "tracing")]
        if let Some(probe) = &probe {
            tracing::info!(profile = %probe.profile, "probing a profile that is cooling down");
        }
        probe.map_or(Pick::Refused(refused), |selection| Pick::Found(Box::new(selection)))
    }
}
