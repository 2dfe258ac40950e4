//! What the configuration says of order, profiles and cooldowns.

use std::time::Duration;

use super::order::{ConfiguredProfile, Mode, Settings};
use super::rules::{CooldownPolicy, Ladder};
use super::selector::ProfileSelector;
use crate::config::{Config, CooldownSettings};

const HOUR: f64 = 3_600.0;
const MINUTE: f64 = 60.0;

/// No configured base is shorter than this, in seconds; the reference has the same floor.
const SHORTEST_BASE: f64 = 60.0;

impl ProfileSelector {
    /// The same selector with `auth.order`, `auth.profiles` and `auth.cooldowns` of a configuration.
    ///
    /// An entry of `auth.profiles` for a provider makes the configuration the list of that provider's profiles, as in
    /// the reference. Cooldown settings override the rules this selector has.
    #[must_use]
    pub fn with_config(mut self, config: &Config) -> Self {
        let profiles = config.auth_profiles().map(|(id, entry)| {
            let mode = match entry.mode {
                Some(mode) => mode.kind().map_or(Mode::Foreign, Mode::Only),
                // Lenient reading has reported it; it must not take the profile out of use.
                None => Mode::Any,
            };
            (id.clone(), ConfiguredProfile { provider: entry.provider.clone(), mode })
        });
        let order = config.auth_orders().map(|(provider, ids)| (provider.clone(), ids.to_vec()));
        self.settings = Settings { profiles: profiles.collect(), order: order.collect() };
        self.rules.cooldown.configure(config.cooldowns());
        self
    }
}

impl CooldownPolicy {
    fn configure(&mut self, settings: &CooldownSettings) {
        self.billing.configure(settings.billing_backoff_hours.map(hours), settings.billing_max_hours.map(hours));
        let minutes = |minutes: f64| seconds(minutes * MINUTE);
        let (base, cap) = (settings.auth_permanent_backoff_minutes, settings.auth_permanent_max_minutes);
        self.auth_permanent.configure(base.map(minutes), cap.map(minutes));
        if let Some(window) = settings.failure_window_hours {
            self.failure_window = hours(window);
        }
        for (provider, base) in &settings.billing_backoff_hours_by_provider {
            self.billing_base_by_provider.retain(|(known, _)| known != provider);
            self.billing_base_by_provider.push((provider.clone(), hours(*base).max(seconds(SHORTEST_BASE))));
        }
    }
}

impl Ladder {
    fn configure(&mut self, new_base: Option<Duration>, new_cap: Option<Duration>) {
        if let Self::Growing { base, cap, .. } = self {
            if let Some(new) = new_base {
                *base = new.max(seconds(SHORTEST_BASE));
            }
            *cap = new_cap.unwrap_or(*cap);
        }
    }
}

fn hours(hours: f64) -> Duration {
    seconds(hours * HOUR)
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}
