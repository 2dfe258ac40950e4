//! Which profile is next.

use super::call::Call;
use super::rotator::Rotator;
use super::run::Run;
use super::send::Dead;
use crate::error::{Error, Result};
use crate::id::{ModelRef, ProfileId};
use crate::select::{Query, Selection, Unavailable};

impl Rotator {
    pub(super) fn with_query<T>(&self, call: &Call, model: &ModelRef, look: impl FnOnce(&Query<'_>) -> T) -> T {
        let query = call.query(model);
        match &self.0.resolver {
            Some(resolver) => look(&query.resolver(resolver)),
            None => look(&query),
        }
    }

    /// The next profile for this model; `None` if all that can be tried were.
    pub(super) fn pick(&self, call: &Call, model: &ModelRef, run: &Run) -> Result<Option<Selection>, Box<Dead>> {
        let (profiles, now) = (self.load()?, self.0.clock.now());
        let selector = &self.0.selector;
        self.with_query(call, model, |query| {
            let candidates = selector.candidates(&profiles, query, now);
            let next = candidates.iter().find(|one| one.verdict.is_ready() && run.may_try(&one.id));
            if let Some(next) = next {
                // A pick that lost its secret meanwhile is no longer ready.
                return Ok(selector.select(&profiles, &query.locked(&next.id), now).ok());
            }
            if !run.is_fresh() || candidates.first_ready().is_some() {
                return Ok(None);
            }
            let refused = match selector.resolve(&profiles, &self.0.config, query, now) {
                Ok(selection) => return Ok(Some(selection).filter(|selection| run.may_try(&selection.profile))),
                Err(error) => error,
            };
            let Some(policy) = &self.0.probes else { return Err(dead(refused)) };
            let probe = self.last_probe(model.provider(), |last| {
                let probe = selector.select_or_probe(&profiles, query, policy, *last, now).ok();
                if probe.is_some() {
                    *last = Some(now);
                }
                probe
            });
            #[cfg(feature = "tracing")]
            if let Some(probe) = &probe {
                tracing::info!(profile = %probe.profile, "probing a profile that rests");
            }
            probe.map(Some).ok_or_else(|| dead(refused))
        })
    }

    /// The profile again, with what the store holds of it now.
    pub(super) fn pick_only(&self, call: &Call, model: &ModelRef, profile: &ProfileId) -> Result<Option<Selection>> {
        let profiles = self.load()?;
        Ok(self.with_query(call, model, |query| {
            self.0.selector.select(&profiles, &query.locked(profile), self.0.clock.now()).ok()
        }))
    }
}

/// Nothing could be selected for a model.
fn dead(error: Error) -> Box<Dead> {
    let source = std::error::Error::source(&error);
    let unavailable = source.and_then(|source| source.downcast_ref::<Unavailable>()).cloned();
    Box::new(Dead { error, failure: None, unavailable, next_model: true })
}
