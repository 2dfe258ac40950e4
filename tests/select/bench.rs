//! A test bench for one profile, with failures and successes as input, cooldowns and counts as output.

#![allow(clippy::unwrap_used, reason = "a fixture that fails is a failed test")]

use provider_auth::profile::UsageStats;
use provider_auth::select::{Receipt, Verdict};
use provider_auth::{AuthProfiles, Credential, FailureReason, ProfileSelector, Query, Secret};
use serde_json::{Value, json};

use crate::support::{at, id, provider};

pub(crate) const ID: &str = "anthropic:a";

/// One profile, and what happens to it.
pub(crate) struct Bench {
    pub(crate) selector: ProfileSelector,
    pub(crate) profiles: AuthProfiles,
}

pub(crate) fn key(text: &str) -> Credential {
    Credential::api_key(Secret::new(text))
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with_stats(&json!({}))
    }

    pub(crate) fn with_stats(stats: &Value) -> Self {
        Self::with_text(&stats.to_string())
    }

    pub(crate) fn with_text(stats: &str) -> Self {
        let text = format!(
            r#"{{"version":1,"profiles":{{"{ID}":{{"type":"api_key","provider":"anthropic","key":"sk-old"}}}},"usageStats":{{"{ID}":{stats}}}}}"#
        );
        Self { selector: ProfileSelector::default(), profiles: AuthProfiles::from_json(&text).unwrap() }
    }

    pub(crate) fn fail_full(
        &mut self,
        reason: FailureReason,
        model: Option<&str>,
        picked: i64,
        deadline: Option<i64>,
        now: i64,
    ) {
        let receipt = Receipt::new(id(ID), provider("anthropic"), model, at(picked));
        self.selector.record_failure(&mut self.profiles, &receipt, reason, deadline.map(at), at(now)).unwrap();
    }

    /// A failure of a request that was picked a millisecond ago.
    pub(crate) fn fail(&mut self, reason: FailureReason, now: i64) {
        self.fail_full(reason, None, now - 1, None, now);
    }

    pub(crate) fn succeed(&mut self, model: Option<&str>, picked: i64, now: i64) {
        let receipt = Receipt::new(id(ID), provider("anthropic"), model, at(picked));
        self.selector.record_success(&mut self.profiles, &receipt, at(now)).unwrap();
    }

    pub(crate) fn stats(&self) -> UsageStats {
        self.profiles.usage(ID).cloned().unwrap_or_default()
    }

    pub(crate) fn count(&self, reason: FailureReason) -> i64 {
        #[allow(clippy::cast_possible_truncation, reason = "counts of a test are small")]
        let count = self.stats().failure_count(reason) as i64;
        count
    }

    pub(crate) fn verdict(&self, model: Option<&str>, now: i64) -> Verdict {
        let anthropic = provider("anthropic");
        let mut query = Query::new(&anthropic);
        if let Some(model) = model {
            query = query.model(model);
        }
        let candidates = self.selector.candidates(&self.profiles, &query, at(now));
        candidates.iter().next().unwrap().verdict
    }

    /// The rest that is left, in milliseconds.
    pub(crate) fn rest(&self, model: Option<&str>, now: i64) -> i64 {
        self.verdict(model, now).until().map_or(0, |until| until.as_millis() - now)
    }

    pub(crate) fn text(&self) -> String {
        self.profiles.to_json().expose().to_owned()
    }
}
