//! Damaged files: credentials and configuration.

use provider_auth::{AuthProfiles, Config, Credential, ModelRef, ProfileSelector, ProviderId, Query, Secret};

use crate::driver::attack;
use crate::support::{NOW, at, id, options};

const WORDS: [&str; 24] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\u0000",
    "\\ud800",
    "null",
    "1e400",
    "-0",
    "9007199254740993",
    "\"profiles\"",
    "\"order\"",
    "\"usageStats\"",
    "\"cooldownUntil\"",
    "\"type\":\"token\"",
    "${X}",
    "$include",
    "//",
    "/*",
    "\u{feff}",
    "\u{202e}",
];

const PROFILES: [&str; 2] = [
    r#"{"version":1,"x":1e2,"profiles":{"anthropic:a":{"type":"api_key","provider":"anthropic","key":"made-up-a","x":[1]},"anthropic:b":{"type":"token","provider":"anthropic","token":"made-up-b","expires":1800000000000},"c":{"type":"oauth","provider":"anthropic","access":"a","refresh":"r","expires":1}},"order":{"anthropic":["anthropic:b","c"]},"lastGood":{"anthropic":"c"},"usageStats":{"anthropic:a":{"lastUsed":1699999999999,"cooldownUntil":1700000060000,"errorCount":2,"failureCounts":{"rate_limit":2}}}}"#,
    r#"{"version": 1, "profiles": {"anthropic:a": {"mode": "api_key", "provider": "anthropic", "apiKey": " made-up "}, "o:a": {"type": "api_key", "provider": "o", "keyRef": {"source": "env", "id": "X"}}}}"#,
];

#[test]
fn profiles_are_kept_and_each_is_chosen_or_skipped() {
    let anthropic = ProviderId::anthropic();
    attack("profiles", &PROFILES, &WORDS, |input, random| {
        let text = String::from_utf8_lossy(input);
        let Ok(mut profiles) = AuthProfiles::from_json(&text) else { return };
        assert_eq!(profiles.to_json().expose(), text, "unchanged text comes back");
        let (selector, query) = (ProfileSelector::default(), Query::new(&anthropic).model("m"));
        let candidates = selector.candidates(&profiles, &query, at(NOW)).len();
        let seen = match selector.select(&profiles, &query, at(NOW)) {
            Ok(selection) => 1 + selection.skipped.len(),
            Err(refusal) => refusal.candidates.len(),
        };
        assert_eq!(seen, candidates, "chosen and skipped are every candidate");
        let name = random.of(&["anthropic:a", "c", "new"]);
        if profiles.upsert(&id(name), &anthropic, &Credential::api_key(Secret::new("made-up-new")), None).is_err() {
            return;
        }
        let written = profiles.to_json();
        let again = AuthProfiles::from_json(written.expose()).expect("what is written can be read");
        assert_eq!(again.len(), profiles.len());
        let key = again.get(name).and_then(|profile| profile.credential()).map(|key| key.secret().expose().to_owned());
        assert_eq!(key.as_deref(), Some("made-up-new"));
    });
}

const CONFIGURATIONS: [&str; 2] = [
    r#"{ // a comment
      agents: { defaults: { model: { primary: "anthropic/claude-opus-4-5", fallbacks: ["opus", "x/y"] }, models: { "x/y": { alias: "z", params: { cacheRetention: "long" } } } }, list: [{ id: "main", model: "sonnet" }] },
      auth: { profiles: { "anthropic:a": { provider: "anthropic", mode: "api_key" } }, order: { anthropic: ["anthropic:a"] }, cooldowns: { billingBackoffHours: 5 } },
      models: { providers: { x: { baseUrl: "https://x.example.com", api: "anthropic-messages", apiKey: "${KEY}", headers: { "x-a": "b" }, models: [{ id: "y" }] } } },
      env: { KEY: "made-up", vars: { OTHER: 'made-up' } }, }"#,
    r#"{"meta":{"lastTouchedVersion":"2026.9.6"},"secrets":{"providers":{"default":{"source":"env"}}},"gateway":{"port":1},"agents":{"defaults":{"modelPolicy":{"allow":["x/*"]}}}}"#,
];

#[test]
fn a_configuration_is_read_or_refused_and_lenient_reading_says_why() {
    attack("configuration", &CONFIGURATIONS, &WORDS, |input, _| {
        let text = String::from_utf8_lossy(input);
        let strict = Config::from_json5_str(&text, &options());
        let lenient = Config::from_json5_str(&text, &options().lenient(true));
        match (&strict, &lenient) {
            (Ok(_), lenient) => assert!(lenient.is_ok(), "what is read strictly is read leniently"),
            (Err(_), Ok(lenient)) => assert!(!lenient.diagnostics().is_empty(), "nothing is said"),
            (Err(_), Err(_)) => {}
        }
        let Ok(config) = lenient else { return };
        config.lint(None).iter().for_each(|found| assert!(!found.to_string().contains("made-up"), "{found}"));
        for name in ["opus", "x/y", "z"] {
            let Ok(model) = config.resolve_model(name) else { continue };
            assert_eq!(model.name().parse::<ModelRef>().ok(), Some(model));
        }
    });
}
