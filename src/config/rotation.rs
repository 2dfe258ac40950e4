//! Creates rotations according to the configuration.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::config::Config;
use crate::credential::Access;
use crate::id::ModelRef;
use crate::rotation::{Rotation, RotationLimits};

impl Config {
    /// Starts a call to a model by an agent, with the selector of this configuration, the agent's fallback models, the
    /// limits of `auth.cooldowns`, and the inline credentials of the models' providers.
    ///
    /// A fallback whose name cannot be resolved is left out; [`lint`](Self::lint) reports it. `None` as agent means the
    /// defaults.
    #[must_use]
    pub fn rotation(&self, model: ModelRef, agent: Option<&str>, now: Timestamp) -> Rotation {
        let fallbacks = self.fallback_models(agent).iter().filter_map(|name| self.resolve_model_for(name, agent).ok());
        self.rotation_with(model, fallbacks, self.limits(RotationLimits::default()), now)
    }

    /// Starts a call like [`rotation`](Self::rotation), with the caller's fallbacks and limits.
    pub(crate) fn rotation_with(
        &self,
        model: ModelRef,
        fallbacks: impl IntoIterator<Item = ModelRef>,
        limits: RotationLimits,
        now: Timestamp,
    ) -> Rotation {
        let rotation = Rotation::new(Arc::clone(&self.selector), model, now);
        let mut rotation = rotation.fallbacks(fallbacks).limits(limits);
        rotation.set_references(self.references.clone());
        for model in rotation.models().to_vec() {
            let inline = self.inline(model.provider(), Some(model.model()));
            let is_unset = self.provider(model.provider()).is_none();
            let access = if is_unset { Access::unset() } else { Arc::new(self.model_access(&model)) };
            rotation.add_outside(model, inline, access);
        }
        rotation
    }

    /// Applies `auth.cooldowns` to the limits of a call.
    pub(crate) fn limits(&self, mut limits: RotationLimits) -> RotationLimits {
        let settings = self.cooldowns();
        limits.overloaded_rotations = settings.overloaded_profile_rotations.unwrap_or(limits.overloaded_rotations);
        limits.rate_limited_rotations = settings.rate_limited_profile_rotations.or(limits.rate_limited_rotations);
        if let Some(millis) = settings.overloaded_backoff_ms {
            limits.overloaded_pause = Duration::from_millis(millis.into());
        }
        limits
    }
}
