//! The refusal names every profile, the reason that it cannot be used, and the time left.

use provider_auth::select::Unavailable;
use provider_auth::{AuthProfiles, Error, ErrorKind, ProfileId, ProfileSelector, ProviderId, Query};
use serde_json::{Value, json};

use crate::support::{HOUR, NOW, at, document};

const LEAD: &str = "No available auth profile for anthropic (all in cooldown or unavailable): ";

fn key(secret: &str) -> Value {
    json!({"type": "api_key", "provider": "anthropic", "key": secret})
}

fn refusal(profiles: &AuthProfiles, locked: Option<&str>) -> Unavailable {
    let query = Query::new(&ProviderId::anthropic()).model("opus");
    let query = locked.iter().fold(query, |query, id| query.locked(ProfileId::new(id).unwrap()));
    ProfileSelector::default().select(profiles, &query, at(NOW)).unwrap_err()
}

fn several() -> AuthProfiles {
    document(&json!({
        "version": 1,
        "profiles": {
            "anthropic:a": key("sk-a"), "anthropic:b": key("sk-b"), "anthropic:c": key(" "), "anthropic:d": key("sk-d"),
            "anthropic:e": {"type": "token", "provider": "anthropic", "token": "t", "expires": NOW - HOUR},
            "anthropic:f": {"type": "token", "provider": "anthropic", "token": "t", "expires": NOW + HOUR},
            "openai:a": {"type": "api_key", "provider": "openai", "key": "sk-o"},
        },
        "usageStats": {
            "anthropic:a": {"cooldownUntil": NOW + 30_000, "cooldownReason": "rate_limit"},
            "anthropic:b": {"disabledUntil": NOW + 598_000, "disabledReason": "billing"},
            "anthropic:d": {"cooldownUntil": NOW + 90_000, "cooldownReason": "timeout", "cooldownModel": "opus"},
            "anthropic:f": {"cooldownUntil": NOW + 2 * HOUR, "cooldownReason": "auth"},
        },
    }))
}

#[test]
fn each_profile_is_named_with_its_reason_and_time() {
    let refusal = refusal(&several(), None);
    let text = format!(
        "{LEAD}anthropic:a is cooling down (rate_limit) for 30 s; \
         anthropic:d is cooling down (timeout, this model only) for 1 min 30 s; \
         anthropic:b is disabled (billing) for 9 min 58 s; \
         anthropic:f is cooling down (auth) for 2 h, and expires before that; \
         anthropic:c has no secret; anthropic:e has expired"
    );
    assert_eq!(refusal.to_string(), text);
    let error = Error::from(refusal.clone());
    assert_eq!(error.to_string(), text);
    assert_eq!(error.unavailable(), Some(&refusal));
    assert!(std::error::Error::source(&error).is_none(), "the refusal is the error, not its cause");
}

#[test]
fn of_a_profile_that_was_asked_for_only_that_one() {
    for (locked, kind, text) in [
        (
            "anthropic:a",
            ErrorKind::Unavailable,
            "Auth profile \"anthropic:a\" cannot be used for anthropic now: it is cooling down (rate_limit) for 30 s",
        ),
        (
            "anthropic:c",
            ErrorKind::MissingCredentials,
            "No credentials found for profile \"anthropic:c\": it has no secret",
        ),
        (
            "anthropic:z",
            ErrorKind::MissingCredentials,
            "No credentials found for profile \"anthropic:z\": it does not exist",
        ),
        (
            "openai:a",
            ErrorKind::ProfileNotConfigured,
            "Auth profile \"openai:a\" is not configured for anthropic: it belongs to another provider",
        ),
    ] {
        let refusal = refusal(&several(), Some(locked));
        assert_eq!(refusal.to_string(), text);
        let error = Error::from(refusal);
        assert_eq!((error.kind(), error.to_string().as_str()), (kind, text));
    }
    assert_eq!(refusal(&AuthProfiles::new(), None).to_string(), "No API key found for provider \"anthropic\"");
}

#[test]
fn every_profile_of_the_list_is_named_and_others_as_far_as_there_is_room() {
    let blank = |n: usize| format!("anthropic:{n:02} has no secret");
    let outside = |n: usize| format!("anthropic:{n:02} is not in the order");
    for (ordered, named) in [(20, 20), (10, 10), (8, 8), (3, 8)] {
        let entries = (0..20).map(|n| (format!("anthropic:{n:02}"), key(" ")));
        let profiles: Value = entries.collect::<serde_json::Map<_, _>>().into();
        let order: Vec<String> = (0..ordered).map(|n| format!("anthropic:{n:02}")).collect();
        let many = document(&json!({"version": 1, "profiles": profiles, "order": {"anthropic": order}}));
        let names = (0..named).map(|n| if n < ordered { blank(n) } else { outside(n) }).collect::<Vec<_>>().join("; ");
        let rest = if named < 20 { format!("; and {} more", 20 - named) } else { String::new() };
        assert_eq!(refusal(&many, None).to_string(), format!("{LEAD}{names}{rest}"));
    }
}

#[test]
fn the_line_stays_a_line() {
    let forged = document(&json!({"version": 1, "profiles": {"a\nerror: b": key(" ")}}));
    assert_eq!(refusal(&forged, None).to_string(), format!("{LEAD}a\\nerror: b has no secret"));
}

#[test]
fn the_readme_shows_a_true_refusal() {
    let profiles = document(&json!({
        "version": 1,
        "profiles": {"anthropic:a": key("sk-a"), "anthropic:b": key(" ")},
        "usageStats": {"anthropic:a": {"cooldownUntil": NOW + 30_000, "cooldownReason": "rate_limit", "cooldownModel": "opus"}},
    }));
    let text = Error::from(refusal(&profiles, None)).to_string();
    assert!(include_str!("../../../README.md").contains(&text), "{text}");
}
