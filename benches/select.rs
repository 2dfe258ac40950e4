//! Compares a selection among many profiles with a bare hash join and sort of the same ids.
//!
//! `cargo bench --bench select`

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a benchmark may stop where its own input is wrong"
)]

mod timing;

use std::collections::HashMap;
use std::fmt::Write as _;

use provider_auth::{AuthProfiles, ProfileSelector, ProviderId, Query, Timestamp};

fn main() {
    let anthropic = ProviderId::anthropic();
    let now = Timestamp::from_millis(1_700_000_000_000);
    let selector = ProfileSelector::default();
    timing::head("selection");
    for count in [5, 64, 1_000] {
        let profiles = document(count);
        let ids: Vec<String> = profiles.iter().map(|(id, _)| id.to_string()).collect();
        let last_used: HashMap<String, f64> = ids.iter().enumerate().map(|(n, id)| (id.clone(), stamp(n))).collect();
        let join = || {
            let mut joined: Vec<(&str, f64)> = ids.iter().map(|id| (id.as_str(), last_used[id.as_str()])).collect();
            joined.sort_by(|a, b| a.1.total_cmp(&b.1));
            joined
        };
        let query = Query::new(&anthropic);
        let verdicts = timing::pair(|| selector.candidates(&profiles, &query, now), join);
        timing::row(&format!("{count} profiles, every verdict"), verdicts, "aim: below 3");
        let pick = timing::pair(|| selector.pick(&profiles, &query, now), join);
        timing::row(&format!("{count} profiles, pick only"), pick, "aim: below 1");
        let owned = timing::pair(|| selector.select(&profiles, &query, now).is_ok(), join);
        timing::row(&format!("{count} profiles, selection with all that was skipped"), owned, "");
    }
}

/// Times in no particular order.
fn stamp(n: usize) -> f64 {
    (n.wrapping_mul(2_654_435_761) % 1_000_003) as f64
}

/// A third of the profiles rests, as in a bad hour.
fn document(count: usize) -> AuthProfiles {
    let (mut profiles, mut usage) = (String::new(), String::new());
    for n in 0..count {
        let comma = if n == 0 { "" } else { "," };
        write!(
            profiles,
            r#"{comma}"anthropic:profile-{n}":{{"type":"api_key","provider":"anthropic","key":"sk-ant-api03-{n:040}"}}"#
        )
        .unwrap();
        let until = if n % 3 == 0 { 1_700_000_060_000_u64 } else { 1_600_000_000_000 };
        write!(usage, r#"{comma}"anthropic:profile-{n}":{{"lastUsed":{},"cooldownUntil":{until}}}"#, stamp(n)).unwrap();
    }
    AuthProfiles::from_json(&format!(r#"{{"version":1,"profiles":{{{profiles}}},"usageStats":{{{usage}}}}}"#)).unwrap()
}
