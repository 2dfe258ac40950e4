//! The choice of the next profile.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::attempt::Attempt;
use super::rotation::Rotation;
use crate::clock::Timestamp;
use crate::credential::{Access, CredentialSource, Resolved};
use crate::error::{Error, Result};
use crate::headroom::Ticket;
use crate::id::{ModelRef, ProfileId, ProviderId};
use crate::profile::AuthProfiles;
use crate::select::{Inline, Query, Selection};

/// The result of looking for the next profile.
pub(super) enum Pick {
    Found(Box<Selection>),
    /// Every profile lacks headroom; one of them has enough after this time.
    Later(Duration),
    /// Every usable profile was tried.
    Exhausted,
    Refused(Error),
}

/// The inputs beside the document.
#[derive(Debug, Default)]
pub(super) struct Outside {
    /// Credentials by provider.
    pub(super) inline: Vec<(ProviderId, Inline)>,
    models: Vec<Configured>,
    /// Providers whose endpoint takes no credential.
    keyless: Vec<ProviderId>,
    /// `true` if the store's server could not be reached, or refused the last write.
    store_away: bool,
    /// `true` if the driver reports when it sends an attempt.
    pub(super) reserves: bool,
}

/// The configuration of a model: a credential, and the access to its endpoint.
#[derive(Debug)]
struct Configured {
    model: ModelRef,
    inline: Option<Inline>,
    access: Arc<Access>,
}

impl Rotation {
    /// Adds a model's configuration from outside the document. The credential may be a reference that leads to nothing.
    pub(crate) fn add_outside(&mut self, model: ModelRef, inline: Option<Inline>, access: Arc<Access>) {
        self.outside.models.push(Configured { model, inline, access });
    }

    /// Adds the models that are not in the list yet.
    pub(super) fn add_models(&mut self, models: impl IntoIterator<Item = ModelRef>) {
        let mut models = models.into_iter().peekable();
        if models.peek().is_none() {
            return;
        }
        let mut places: HashMap<ModelRef, Vec<usize>> = HashMap::new();
        for (place, model) in self.models.iter().enumerate() {
            places.entry(model.clone()).or_default().push(place);
        }
        for model in models {
            // The candidates differ at most in the spelling of their provider.
            let alike = places.entry(model.clone()).or_default();
            let mut known = alike.iter().filter_map(|place| self.models.get(*place));
            if !known.any(|other| self.is_same(other, &model)) {
                alike.push(self.models.len());
                self.models.push(model);
            }
        }
    }

    /// Declares that no credential of a provider is sent, so that none is looked for.
    #[cfg(feature = "client")]
    pub(crate) fn with_keyless(mut self, provider: ProviderId) -> Self {
        self.outside.keyless.push(provider);
        self
    }

    /// Sets whether the server that stores the profiles [is away](crate::AuthProfileStore::is_away), for the following
    /// attempts.
    pub fn set_store_away(&mut self, store_away: bool) {
        self.outside.store_away = store_away;
    }

    fn configured(&self, model: &ModelRef) -> Option<&Configured> {
        let provider = model.provider();
        spelt(&self.outside.models, provider, |configured| {
            Some(configured.model.provider()).filter(|_| configured.model == *model)
        })
    }

    /// Returns the credential to use if no stored profile can serve.
    fn inline_for(&self, model: &ModelRef) -> Option<Inline> {
        let configured = self.configured(model).and_then(|configured| configured.inline.clone());
        // A credential from the caller is better than none.
        let is_none = matches!(&configured, Some(Ok(found)) if found.source == CredentialSource::NotNeeded);
        let given = spelt(&self.outside.inline, model.provider(), |(provider, _)| Some(provider));
        let given = given.map(|(_, inline)| inline.clone());
        if is_none { given.or(configured) } else { configured.or(given) }
    }

    /// Creates the attempt for a selection, with the access to the model's endpoint.
    pub(super) fn attempt(&self, model: ModelRef, selection: Selection, timeout: Duration, now: Timestamp) -> Attempt {
        let ticket = self.ticket(&model, &selection, now);
        self.ticketed(model, selection, (timeout, now), ticket)
    }

    /// Creates the attempt for a selection whose request is registered already.
    pub(super) fn ticketed(
        &self,
        model: ModelRef,
        mut selection: Selection,
        times: (Duration, Timestamp),
        ticket: Option<Arc<Ticket>>,
    ) -> Attempt {
        if let Some(configured) = self.configured(&model) {
            selection.access = Arc::clone(&configured.access);
        }
        Attempt::new(model, selection, times, self.outside.store_away, ticket)
    }

    /// Returns the selection without a credential, if the endpoint takes none.
    fn keyless(&self, profiles: &AuthProfiles, model: &ModelRef, now: Timestamp) -> Option<Result<Selection>> {
        let is_keyless = self.outside.keyless.contains(model.provider());
        is_keyless.then(|| self.selector.without_credential(profiles, &self.query_for(model), now))
    }

    /// Sets the secrets that the profiles' references lead to, for the following attempts.
    pub(crate) fn set_references(&mut self, references: Resolved) {
        self.query.set_references(references);
    }

    /// Returns `true` if two models are the same one. A configuration with an entry per spelling can have two providers
    /// for it.
    pub(super) fn is_same(&self, model: &ModelRef, other: &ModelRef) -> bool {
        model == other && self.selector.is_one(model.provider(), other.provider())
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

    /// Selects the same profile again, even if it is a credential from outside the document.
    pub(super) fn select_again(
        &self,
        profiles: &AuthProfiles,
        model: &ModelRef,
        profile: &ProfileId,
        now: Timestamp,
    ) -> Option<Selection> {
        if let Some(selection) = self.keyless(profiles, model, now) {
            return selection.ok().filter(|selection| selection.profile == *profile);
        }
        self.select(profiles, model, profile, now).or_else(|| {
            let credential = self.inline_for(model)?.ok()?;
            let resolved = self.selector.resolve(profiles, Some(credential), &self.query_for(model), now).ok();
            resolved.filter(|selection| selection.profile == *profile)
        })
    }

    pub(super) fn pick(&mut self, profiles: &AuthProfiles, model: &ModelRef, now: Timestamp) -> Pick {
        let (selector, query) = (Arc::clone(&self.selector), self.query_for(model));
        match self.keyless(profiles, model, now) {
            Some(Ok(selection)) if self.tried.contains(&selection.profile) => return Pick::Exhausted,
            Some(Ok(selection)) => return Pick::Found(Box::new(selection)),
            Some(Err(_)) if !self.fresh => return Pick::Exhausted,
            Some(Err(error)) => return Pick::Refused(error),
            None => {}
        }
        let candidates = selector.candidates(profiles, &query, now);
        if let Some(pause) = self.patience(profiles, &query, &candidates, now) {
            return Pick::Later(pause);
        }
        let next = candidates.iter().find(|one| one.verdict.is_ready() && !self.tried.contains(&one.id));
        if let Some(next) = next.map(|next| (*next.id).clone()) {
            // A picked profile whose secret is gone meanwhile is no longer ready.
            let selection = selector.selection(profiles, &query, next, candidates, now);
            return selection.map_or(Pick::Exhausted, |selection| Pick::Found(Box::new(selection)));
        }
        if let Some(pause) = self.refill(candidates.iter(), now) {
            return Pick::Later(pause);
        }
        if !self.fresh || candidates.first_ready().is_some() {
            return Pick::Exhausted;
        }
        let refused = match selector.resolve_with(profiles, || self.inline_for(model), &query, now) {
            Ok(selection) if self.tried.contains(&selection.profile) => return Pick::Exhausted,
            Ok(selection) => return Pick::Found(Box::new(selection)),
            Err(error) => error,
        };
        let considered = refused.unavailable().into_iter().flat_map(|unavailable| &unavailable.candidates);
        if let Some(pause) = self.refill(considered, now) {
            return Pick::Later(pause);
        }
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

/// Returns the entry under the exact spelling of a provider's name, or else under another spelling.
fn spelt<'a, T>(
    entries: &'a [T],
    provider: &ProviderId,
    name: impl Fn(&'a T) -> Option<&'a ProviderId>,
) -> Option<&'a T> {
    let exact = |entry: &&'a T| name(entry).is_some_and(|name| name.written() == provider.written());
    let alias = |entry: &&'a T| name(entry).is_some_and(|name| name == provider);
    entries.iter().find(exact).or_else(|| entries.iter().find(alias))
}
