//! Which profile is next.

use super::call::Call;
use super::rotator::Rotator;
use super::run::Run;
use super::send::ModelFailure;
use crate::error::{Error, Result};
use crate::id::{ModelRef, ProfileId};
use crate::select::{Query, Selection};

impl Rotator {
    pub(super) fn query(&self, call: &Call, model: &ModelRef) -> Query {
        call.query(model).with_resolver(self.0.resolver.clone())
    }

    /// The next profile for this model; `None` if all that can be tried were.
    pub(super) fn pick(
        &self,
        call: &Call,
        model: &ModelRef,
        run: &Run,
    ) -> Result<Option<Selection>, Box<ModelFailure>> {
        let (profiles, now) = (self.load()?, self.0.clock.now());
        let (config, selector) = (&self.0.config, self.0.config.selector());
        let query = self.query(call, model);
        let candidates = selector.candidates(&profiles, &query, now);
        let next = candidates.iter().find(|one| one.verdict.is_ready() && run.may_try(&one.id));
        if let Some(next) = next {
            // A pick that lost its secret meanwhile is no longer ready.
            let locked = query.clone().locked(next.id.clone().into_owned());
            return Ok(selector.select(&profiles, &locked, now).ok());
        }
        if !run.is_fresh() || candidates.first_ready().is_some() {
            return Ok(None);
        }
        let refused = match config.resolve(&profiles, &query, now) {
            Ok(selection) => return Ok(Some(selection).filter(|selection| run.may_try(&selection.profile))),
            Err(error) => error,
        };
        let Some(policy) = &self.0.probes else { return Err(unselected(refused)) };
        let probe = self.last_probe(model.provider(), |last| {
            let probe = selector.select_or_probe(&profiles, &query, policy, *last, now).ok();
            if probe.is_some() {
                *last = Some(now);
            }
            probe
        });
        #[cfg(feature = "tracing")]
        if let Some(probe) = &probe {
            tracing::info!(profile = %probe.profile, "probing a profile that is cooling down");
        }
        probe.map(Some).ok_or_else(|| unselected(refused))
    }

    /// The profile again, with what the store holds of it now.
    pub(super) fn pick_only(&self, call: &Call, model: &ModelRef, profile: &ProfileId) -> Result<Option<Selection>> {
        let profiles = self.load()?;
        let query = self.query(call, model).locked(profile.clone());
        Ok(self.0.config.selector().select(&profiles, &query, self.0.clock.now()).ok())
    }
}

/// Nothing could be selected for a model.
fn unselected(error: Error) -> Box<ModelFailure> {
    let unavailable = error.unavailable().cloned();
    Box::new(ModelFailure { error, failure: None, unavailable, next_model: true })
}
