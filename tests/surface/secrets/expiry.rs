//! Ends that were written in another unit, or that are lengths of time.

use provider_auth::error::DiagnosticCode;
use provider_auth::select::Verdict;
use provider_auth::status::StatusReport;
use provider_auth::{Query, Timestamp};
use serde_json::json;

use crate::support::{at, config, document, provider};

/// 2025-11-13
const NOW: i64 = 1_763_000_000_000;

#[test]
fn a_time_in_another_unit_is_named_wherever_it_is_read() {
    for (expires, word) in [
        (json!(1_790_000_000), "seconds"),
        (json!(1_790_000_000.5), "seconds"),
        (json!(3_600), "a length of time"),
        (json!(86_400), "a length of time"),
        (json!(28_800_000), "a length of time"),
        (json!(31_536_000_000_i64), "a length of time"),
    ] {
        let entry = json!({ "type": "token", "provider": "anthropic", "token": "made-up", "expires": expires });
        let profiles = document(&json!({ "version": 1, "profiles": { "anthropic:a": entry } }));
        let [said] = profiles.diagnostics() else { panic!("{expires}: {:?}", profiles.diagnostics()) };
        assert_eq!(said.code, DiagnosticCode::WrongUnit);
        assert_eq!(said.location.key_path.as_deref(), Some("profiles[\"anthropic:a\"].expires"));
        assert_eq!(said.message, format!("`expires` is read as milliseconds since 1970, but looks like {word}"));
        assert!(said.help.as_ref().is_some_and(|help| help.contains("milliseconds")));

        // It is read as OpenClaw reads it, and the refusal says why that may be wrong.
        let error = config("{}").resolve(&profiles, &Query::new(&provider("anthropic")), at(NOW)).unwrap_err();
        assert!(error.to_string().contains(&format!("its end looks like {word}")), "{error}");
        assert!(error.help().contains("milliseconds"), "{}", error.help());
        let verdict = error.unavailable().unwrap().candidates.first().unwrap().verdict;
        assert!(matches!(verdict, Verdict::Expired { .. }) && verdict.to_string().contains(word), "{verdict}");

        let report = StatusReport::builder(&config("{}"), &profiles).build(at(NOW));
        let shown = report.to_string();
        assert!(!shown.contains(" ago") && shown.contains("time in another unit"), "{shown}");
        assert_eq!(shown.matches(&format!("looks like {word}")).count(), 1, "{shown}");
        let lint = config("{}").lint([&profiles]);
        assert_eq!(lint.iter().filter(|found| found.code == DiagnosticCode::WrongUnit).count(), 1);
    }
}

#[test]
fn of_logins_and_of_times_that_are_far_away_too() {
    let login = json!({ "type": "oauth", "provider": "minimax-portal", "access": "a", "refresh": "r", "expires": 1_790_000_000 });
    let finer = json!({ "type": "token", "provider": "x", "token": "a", "expires": 1_790_000_000_000_000_i64 });
    let finest = json!({ "type": "token", "provider": "x", "token": "a", "expires": 1_790_000_000_000_000_000_i64 });
    let text = json!({ "type": "token", "provider": "x", "token": "a", "expires": "2027-01-01T00:00:00Z" });
    let profiles = document(&json!({ "version": 1, "profiles": { "a": login, "b": finer, "c": finest, "d": text } }));
    let said: Vec<&str> = profiles.diagnostics().iter().map(|said| &*said.message).collect();
    let milliseconds = "`expires` is read as milliseconds since 1970, but looks like";
    assert_eq!(
        said,
        [
            format!("{milliseconds} seconds"),
            format!("{milliseconds} microseconds or nanoseconds"),
            format!("{milliseconds} microseconds or nanoseconds"),
            "`expires` is not a number of milliseconds since 1970".to_owned(),
        ]
    );
    let report = StatusReport::builder(&config("{}"), &profiles).build(Timestamp::from_millis(NOW));
    assert!(!report.to_string().contains(" left"));
}

#[test]
fn real_times_are_not_remarked_on() {
    for expires in [1_000_000_000_000_i64, NOW, 253_402_300_799_999, 8_640_000_000_000_000, 9_007_199_254_740_991] {
        let entry = json!({ "type": "token", "provider": "x", "token": "a", "expires": expires });
        let profiles = document(&json!({ "version": 1, "profiles": { "a": entry } }));
        assert!(profiles.diagnostics().is_empty(), "{expires}");
    }
    // A key has no end.
    let key = json!({ "type": "api_key", "provider": "x", "key": "a", "expires": 3_600 });
    assert!(document(&json!({ "version": 1, "profiles": { "a": key } })).diagnostics().is_empty());
}
