//! The report, as text and as JSON, in situations people get into, compared with stored texts.
//!
//! `UPDATE_GOLDEN=1 cargo test --test surface golden` writes them anew; what changed then shows in the diff.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test reads and writes its own fixtures"
)]

use std::path::PathBuf;

use provider_auth::status::StatusReport;
use provider_auth::{AuthProfiles, Config, Environment, ReadOptions};
use serde_json::{Value, json};

use crate::support::{DAY, HOUR, MINUTE, NOW, at};

struct Situation {
    name: &'static str,
    config: &'static str,
    profiles: Value,
    variables: &'static [(&'static str, &'static str)],
    check: u8,
}

impl Situation {
    fn new(name: &'static str, check: u8, profiles: &Value, usage: &Value) -> Self {
        let profiles = json!({ "version": 1, "profiles": profiles, "usageStats": usage });
        Self { name, config: "{}", profiles, variables: &[], check }
    }

    fn config(self, config: &'static str) -> Self {
        Self { config, ..self }
    }

    fn order(mut self, order: Value) -> Self {
        self.profiles["order"] = order;
        self
    }

    fn variables(self, variables: &'static [(&'static str, &'static str)]) -> Self {
        Self { variables, ..self }
    }

    fn report(&self) -> StatusReport {
        let variables = self.variables;
        let lookup =
            move |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let options = ReadOptions::new().lenient(true).environment(Environment::from_fn(lookup));
        let config = Config::from_json5_str(self.config, &options).unwrap();
        let profiles = AuthProfiles::from_json(&self.profiles.to_string()).unwrap();
        StatusReport::builder(&config, &profiles)
            .agent("main")
            .config_path("/home/user/.openclaw/openclaw.json")
            .agent_dir("/home/user/.openclaw/agents/main/agent")
            .store_path("/home/user/.openclaw/agents/main/agent/auth-profiles.json")
            .home("/home/user")
            .build(at(NOW))
    }
}

/// A key as long as real ones, told apart by its last letter.
fn key(end: char) -> Value {
    json!({ "type": "api_key", "provider": "anthropic", "key": format!("sk-ant-api03-{}{end}", "x".repeat(94)) })
}

fn token(expires: Option<i64>) -> Value {
    let mut token = json!({
        "type": "token", "provider": "anthropic", "token": format!("sk-ant-oat01-{}", "y".repeat(67)),
    });
    if let Some(expires) = expires {
        token["expires"] = expires.into();
    }
    token
}

fn login(expires: i64, refresh: &str) -> Value {
    json!({
        "type": "oauth", "provider": "anthropic", "access": "access-example", "refresh": refresh, "expires": expires,
        "email": "someone@example.com",
    })
}

/// A sign-in that OpenClaw saved to take another's place later.
fn with_setup(mut profile: Value) -> Value {
    profile["setup"] = json!({ "replacement": true, "modelRef": "anthropic/claude-opus-5", "configJson": "{}" });
    profile
}

/// A login that OpenClaw is renewing, or failed to.
fn fenced(failed: &str) -> Value {
    let fence =
        |part: &str| format!("openclaw-oauth-refresh-fence:v1:{}:{failed}{part}:{}", "0".repeat(32), "1".repeat(64));
    let mut login = login(1, &fence("refresh"));
    login["access"] = fence("access").into();
    login["email"] = "me@example.com".into();
    login
}

fn credentials() -> Vec<Situation> {
    let none = json!({});
    vec![
        Situation::new("nothing", 1, &none, &none),
        Situation::new("one-key", 0, &json!({ "anthropic:default": key('a') }), &none),
        Situation::new(
            "short-key",
            0,
            &json!({ "anthropic:default": { "type": "api_key", "provider": "anthropic", "key": "abc123" } }),
            &none,
        ),
        Situation::new("token-without-end", 0, &json!({ "anthropic:manual": token(None) }), &none),
        Situation::new("token-expiring", 2, &json!({ "anthropic:manual": token(Some(NOW + 5 * HOUR)) }), &none),
        Situation::new("token-expired", 1, &json!({ "anthropic:manual": token(Some(NOW - 3 * DAY)) }), &none),
        Situation::new("token-invalid-expiry", 1, &json!({ "anthropic:manual": token(Some(0)) }), &none),
        Situation::new("login-refreshable", 0, &json!({ "anthropic:me": login(NOW - HOUR, "refresh") }), &none),
        Situation::new("login-lost", 1, &json!({ "anthropic:me": login(NOW - HOUR, "") }), &none),
        Situation::new(
            "held-back",
            0,
            &json!({
                "anthropic:manual": key('a'),
                "anthropic:new": with_setup(key('b')),
                "anthropic:me@example.com": fenced(""),
            }),
            &none,
        ),
        Situation::new("renewal-failed", 1, &json!({ "anthropic:me": fenced("failed:") }), &none),
        Situation::new("renewing", 0, &json!({ "anthropic:me": fenced("") }), &none),
        Situation::new("not-active", 1, &json!({ "anthropic:new": with_setup(key('b')) }), &none),
        Situation::new(
            "blank-key",
            1,
            &json!({ "anthropic:default": { "type": "api_key", "provider": "anthropic", "key": " " } }),
            &none,
        ),
        Situation::new(
            "key-elsewhere",
            0,
            &json!({ "anthropic:default": {
                "type": "api_key", "provider": "anthropic",
                "keyRef": { "source": "env", "provider": "default", "id": "THE_KEY" },
            } }),
            &none,
        ),
        Situation::new(
            "token-as-key",
            0,
            &json!({ "anthropic:default": {
                "type": "api_key", "provider": "anthropic", "key": format!("sk-ant-oat01-{}", "z".repeat(67)),
            } }),
            &none,
        ),
        Situation::new(
            "unknown-kind",
            1,
            &json!({ "anthropic:new": { "type": "passkey", "provider": "anthropic", "blob": "secret-blob" } }),
            &none,
        ),
    ]
}

fn circumstances() -> Vec<Situation> {
    let none = json!({});
    let two = json!({ "anthropic:a": key('a'), "anthropic:b": key('b') });
    let cooling = json!({ "cooldownUntil": NOW + 5 * MINUTE, "cooldownReason": "rate_limit", "lastUsed": NOW - HOUR });
    let disabled = json!({ "disabledUntil": NOW + 5 * HOUR, "disabledReason": "billing", "errorCount": 1 });
    vec![
        Situation::new("one-cooling", 0, &two, &json!({ "anthropic:a": cooling })),
        Situation::new("all-cooling", 0, &two, &json!({ "anthropic:a": disabled, "anthropic:b": cooling })),
        Situation::new(
            "both-lanes",
            0,
            &two,
            &json!({ "anthropic:a": {
                "cooldownUntil": NOW + 8 * HOUR, "disabledUntil": NOW + 2 * HOUR, "disabledReason": "billing",
            } }),
        ),
        Situation::new(
            "stale-reason",
            0,
            &two,
            &json!({ "anthropic:a": {
                "cooldownUntil": NOW + MINUTE, "disabledUntil": NOW - HOUR, "disabledReason": "billing",
            } }),
        ),
        Situation::new(
            "window-too-long",
            0,
            &two,
            &json!({ "anthropic:b": { "disabledUntil": NOW + 90 * DAY, "disabledSince": NOW + 89 * DAY } }),
        ),
        Situation::new(
            "weekly-limit",
            0,
            &two,
            &json!({ "anthropic:a": { "lastUsed": NOW - HOUR, "blockedUntil": NOW + 5 * DAY, "blockedSource": "wham",
                "blockedReason": "subscription_limit", "lastFailureAt": NOW - HOUR } }),
        ),
        Situation::new("ghost-statistics", 0, &two, &json!({ "ghost:x": { "cooldownUntil": NOW + 5 } })),
        Situation::new("in-order", 0, &two, &none).order(json!({ "anthropic": ["anthropic:b"] })),
        Situation::new("order-of-ghosts", 0, &two, &none).order(json!({ "anthropic": ["anthropic:old"] })),
        Situation::new("order-empty", 0, &two, &none)
            .config("{ auth: { order: { anthropic: [] } } }"),
        Situation::new("config-allows-one", 0, &two, &none)
            .config("{ auth: { profiles: { 'anthropic:b': { provider: 'anthropic', mode: 'api_key' } } } }"),
        Situation::new("mode-mismatch", 0, &two, &none).config(
            "{ auth: { profiles: {
                'anthropic:a': { provider: 'anthropic', mode: 'token' },
                'anthropic:b': { provider: 'anthropic', mode: 'api_key', email: 'b@example.com' } } } }",
        ),
        Situation::new("environment", 0, &none, &none)
            .variables(&[("ANTHROPIC_API_KEY", "sk-ant-api03-environment-key")]),
        Situation::new("environment-login", 0, &none, &none)
            .variables(&[("ANTHROPIC_OAUTH_TOKEN", "sk-ant-oat01-environment-token")]),
        Situation::new("environment-under-expired", 1, &json!({ "anthropic:manual": token(Some(NOW - DAY)) }), &none)
            .variables(&[("ANTHROPIC_API_KEY", "sk-ant-api03-environment-key")]),
        Situation::new("config-key", 0, &none, &none).config(
            "{ models: { providers: { Anthropic: { baseUrl: 'https://api.anthropic.com', apiKey: 'sk-ant-configured-key' } } } }",
        ),
        Situation::new("config-env-block", 0, &none, &none)
            .config("{ env: { shellEnv: { enabled: true }, vars: { ANTHROPIC_API_KEY: 'sk-ant-from-the-block' } } }"),
        Situation::new(
            "many-providers",
            1,
            &json!({
                "zai:default": { "type": "api_key", "provider": "z.ai", "key": "zai-key-0123456789" },
                "anthropic:b-2": token(Some(NOW + 300 * DAY)),
                "anthropic:b_1": key('b'),
                "anthropic:me": login(NOW + 2 * HOUR, "refresh"),
            }),
            &json!({ "anthropic:me": { "lastUsed": NOW - 2 * DAY } }),
        )
        .config(
            "{ agents: {
                defaults: {
                    model: { primary: 'Opus', fallbacks: ['openai/gpt-5', 'zai/glm-4.6'] },
                    imageModel: 'google/gemini-3-pro',
                    models: { 'anthropic/claude-opus-4-5': { alias: 'Opus' }, 'groq/llama': {} } },
                list: [{ id: 'main', model: { primary: 'zai/glm-4.6' } }] } }",
        )
        .variables(&[("OPENAI_API_KEY", "sk-proj-environment")]),
        Situation::new("problems", 0, &json!({ "anthropic:default": key('a') }), &none)
            .config("{ auth: { cooldowns: { billingMaxHours: 'a day' }, ordr: {} } }"),
    ]
}

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/status").join(name)
}

fn compare(name: &str, found: &str) -> Option<String> {
    let path = golden(name);
    if std::env::var("UPDATE_GOLDEN").is_ok() {
        std::fs::write(path, found).unwrap();
        return None;
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    // Paths were put down with the separators of Unix.
    let same = if cfg!(windows) { stored == found.replace(r"\\", "/").replace(r"~\", "~/") } else { stored == found };
    (!same).then(|| format!("{name}:\n--- stored\n{stored}--- found\n{found}"))
}

#[test]
fn reports_are_as_stored() {
    let situations: Vec<Situation> = credentials().into_iter().chain(circumstances()).collect();
    assert!(situations.len() >= 12);
    let differences = situations.iter().flat_map(|situation| {
        let report = situation.report();
        let (text, json) = (format!("{report}\n"), report.to_json());
        for secret in ["xxxxxxxxx", "yyyyyyyyy", "zzzzzzzzz", "access-example", "secret-blob", "abc123", "environment-"]
        {
            assert!(!text.contains(secret) && !json.contains(secret), "{}: {secret}", situation.name);
            assert!(!format!("{report:?}").contains(secret), "{}: {secret}", situation.name);
        }
        assert_eq!(report.check(), situation.check, "{}", situation.name);
        [compare(&format!("{}.txt", situation.name), &text), compare(&format!("{}.json", situation.name), &json)]
    });
    let differences: Vec<String> = differences.flatten().collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn colour_only_where_it_is_asked_for() {
    let situation = &circumstances()[1];
    let (plain, colored) = (situation.report().to_string(), situation.report().colored());
    assert!(!plain.contains('\u{1b}'));
    assert!(colored.contains("\u{1b}[33m"));
    let mut stripped = String::new();
    let mut parts = colored.split('\u{1b}');
    stripped.push_str(parts.next().unwrap());
    parts.for_each(|part| stripped.push_str(part.split_once('m').unwrap().1));
    assert_eq!(stripped, plain);
}

#[test]
fn less_than_a_minute_is_told_in_seconds() {
    let usage = |ago| json!({ "anthropic:a": { "lastUsed": NOW - ago } });
    for (ago, shown) in [(0, " 0s ago"), (59_999, " 59s ago"), (60_000, " 1m ago"), (90_000, " 2m ago")] {
        let report = Situation::new("used", 0, &json!({ "anthropic:a": key('a') }), &usage(ago)).report();
        assert!(report.to_string().contains(shown), "{ago}");
    }
}

#[test]
fn names_cannot_steer_a_terminal() {
    let profiles = json!({ "anthropic:\u{1b}[2J\n": key('a') });
    let text = Situation::new("hostile", 0, &profiles, &json!({})).report().to_string();
    assert!(!text.contains('\u{1b}'));
    assert_eq!(text.lines().filter(|line| line.contains("[2J")).count(), 2);
}

#[test]
fn used_now_is_what_the_selector_resolves() {
    use provider_auth::Query;
    for situation in credentials().into_iter().chain(circumstances()) {
        let variables = situation.variables;
        let lookup = move |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        let options = ReadOptions::new().lenient(true).environment(Environment::from_fn(lookup));
        let config = Config::from_json5_str(situation.config, &options).unwrap();
        let profiles = AuthProfiles::from_json(&situation.profiles.to_string()).unwrap();
        for status in situation.report().providers {
            let resolved = config.resolve(&profiles, &Query::new(&status.provider), at(NOW));
            assert_eq!(status.used, resolved.ok().map(|selection| selection.profile), "{}", situation.name);
        }
    }
}

/// What OpenClaw 2026.9.6 printed for the profiles of the situation `held-back`, in the members that this crate has too.
#[test]
fn held_back_profiles_are_shown_as_openclaw_shows_them() {
    let situation = credentials().into_iter().find(|situation| situation.name == "held-back").unwrap();
    let report: Value = serde_json::from_str(&situation.report().to_json()).unwrap();
    let row = |id: &str, kind: &str, status: &str, label: &str| json!({ "profileId": id, "provider": "anthropic", "type": kind, "status": status, "source": "store", "label": label });
    let mut login = row("anthropic:me@example.com", "oauth", "expired", "anthropic:me@example.com (me@example.com)");
    login["reasonCode"] = "expired".into();
    let mut new = row("anthropic:new", "api_key", "missing", "anthropic:new (saved, inactive)");
    new["reasonCode"] = "setup_inactive".into();
    let expected = [row("anthropic:manual", "api_key", "static", "anthropic:manual"), login, new];
    let mut shown = report["auth"]["oauth"]["profiles"].clone();
    for row in shown.as_array_mut().unwrap() {
        row.as_object_mut().unwrap().remove("refreshable");
    }
    assert_eq!(shown, json!(expected));
    assert_eq!(report["auth"]["oauth"]["providers"][0]["status"], "static");
    assert_eq!(report["auth"]["providers"][0]["used"], "anthropic:manual");
    assert_eq!(report["auth"]["missingProvidersInUse"], json!([]));
    assert_eq!(situation.report().check(), 0);
}
