//! Profiles that OpenClaw holds back: a saved sign-in that is not active, an OAuth credential that is being refreshed,
//! a personal account.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it fails")]

use provider_auth::credential::ReferenceFailure;
use provider_auth::credential::{CredentialSource, InlineCredential, Tokens};
use provider_auth::profile::DirtyState;
use provider_auth::select::{Receipt, SelectorRules, Verdict};
use provider_auth::{
    AuthProfileStore, AuthProfileStoreExt, AuthProfiles, Config, Credential, Environment, ErrorKind, Failure,
    FailureReason, MemoryStore, ProfileSelector, Query, ReadOptions, RecordOutcome, Secret, setup,
};
use serde_json::{Value, json};

use crate::support::{HOUR, NOW, at, document, id, leading_to, provider, written};

/// What OpenClaw 2026.9.6 writes in the place of a token while it renews the login.
fn fence(part: &str) -> String {
    format!("openclaw-oauth-refresh-fence:v1:{}:{part}:{}", "0".repeat(32), "1".repeat(64))
}

fn fenced(failed: &str) -> Value {
    json!({"type": "oauth", "provider": "anthropic", "email": "me@example.com", "expires": 1,
        "access": fence(&format!("{failed}access")), "refresh": fence(&format!("{failed}refresh"))})
}

fn inactive() -> Value {
    json!({"type": "api_key", "provider": "anthropic", "key": "sk-new",
        "setup": {"replacement": true, "modelRef": "anthropic/claude-opus-5", "configJson": "{}"}})
}

fn key() -> Value {
    json!({"type": "api_key", "provider": "anthropic", "key": "sk-1"})
}

/// Every profile that is held back, with its verdict.
fn held() -> [(&'static str, Value, Verdict); 7] {
    let mut only_access = fenced("");
    only_access["refresh"] = json!("r-1");
    let mut only_refresh = fenced("");
    only_refresh["access"] = json!("a-1");
    let mut of_later = fenced("");
    of_later["access"] = json!("openclaw-oauth-refresh-fence:v2:anything");
    [
        ("anthropic:held", inactive(), Verdict::SetupInactive),
        ("anthropic:held", fenced(""), Verdict::Refreshing),
        ("anthropic:held", only_access, Verdict::Refreshing),
        ("anthropic:held", only_refresh, Verdict::Refreshing),
        ("anthropic:held", of_later, Verdict::Refreshing),
        ("anthropic:held", fenced("failed:"), Verdict::RefreshFailed),
        ("personal:0:1", key(), Verdict::PersonalAccount),
    ]
}

fn with(name: &str, profile: &Value) -> AuthProfiles {
    let mut profiles = json!({});
    profiles[name] = profile.clone();
    profiles["anthropic:z"] = key();
    document(&json!({"version": 1, "profiles": profiles}))
}

fn selectors() -> [ProfileSelector; 2] {
    [SelectorRules::default(), SelectorRules::openclaw_2026_02()].map(ProfileSelector::new)
}

#[test]
fn none_of_them_is_ever_selected() {
    for (name, profile, verdict) in held() {
        let profiles = with(name, &profile);
        let query = || Query::new(&provider("anthropic"));
        let mut ordered = profiles.clone();
        ordered.set_order(&provider("anthropic"), &[id(name), id("anthropic:z")]).unwrap();
        for selector in selectors() {
            for (profiles, query) in [
                (&profiles, query()),
                (&profiles, query().preferred(id(name))),
                (&profiles, query().session("any")),
                (&ordered, query()),
                (&ordered, query().preferred(id(name))),
            ] {
                let selection = selector.select(profiles, &query, at(NOW)).unwrap();
                assert_eq!(selection.profile.as_str(), "anthropic:z", "{name} {verdict}");
                assert_eq!(selector.pick(profiles, &query, at(NOW)), Some(&id("anthropic:z")));
                let own = selection.skipped.iter().find(|other| other.id.as_str() == name).unwrap();
                assert_eq!((own.verdict, own.retry_at), (verdict, None));
                let candidates = selector.candidates(profiles, &query, at(NOW));
                assert!(candidates.order().all(|id| id.as_str() != name), "it is not in rotation");
            }
            let pinned = selector.select(&profiles, &query().locked(id(name)), at(NOW)).unwrap_err();
            assert!(pinned.to_string().contains(&verdict.to_string()), "{pinned}");
        }
    }
}

#[test]
fn configured_profiles_are_held_back_too() {
    for (name, profile, verdict) in held() {
        let mode = if profile["type"] == "oauth" { "oauth" } else { "api_key" };
        let text = format!("{{ auth: {{ profiles: {{ '{name}': {{ provider: 'anthropic', mode: '{mode}' }} }} }} }}");
        let config = Config::from_json5_str(&text, &ReadOptions::new().environment(Environment::empty())).unwrap();
        let profiles = with(name, &profile);
        let refused = config.selector().select(&profiles, &Query::new(&provider("anthropic")), at(NOW)).unwrap_err();
        assert_eq!(refused.candidates[0].verdict, verdict);
    }
}

#[test]
fn a_credential_of_the_environment_serves_where_nothing_else_does() {
    for (name, profile, _) in held() {
        let mut profiles = with(name, &profile);
        profiles.remove(&id("anthropic:z"));
        let inline = InlineCredential::new(Credential::api_key(Secret::new("sk-env")), CredentialSource::Caller);
        let query = Query::new(&provider("anthropic"));
        let selection = ProfileSelector::default().resolve(&profiles, Some(inline), &query, at(NOW)).unwrap();
        assert_eq!(selection.source, CredentialSource::Caller);
    }
}

#[test]
fn a_setup_that_replaces_nothing_is_normal() {
    for setup in [json!({"replacement": false}), json!({}), json!({"replacement": "true"}), json!(null), json!(true)] {
        let mut profile = inactive();
        profile["setup"] = setup;
        let profiles = with("anthropic:a", &profile);
        let query = Query::new(&provider("anthropic"));
        assert_eq!(ProfileSelector::default().pick(&profiles, &query, at(NOW)), Some(&id("anthropic:a")));
    }
}

#[test]
fn the_words_say_who_is_at_work_and_what_to_do() {
    assert!(Verdict::Refreshing.to_string().contains("being refreshed by OpenClaw"));
    assert!(Verdict::RefreshFailed.to_string().contains("sign in again"));
    assert!(Verdict::SetupInactive.to_string().contains("models auth activate"));
    let codes = held().map(|(_, _, verdict)| verdict.code());
    assert_eq!(codes[0], "setup_inactive");
    assert_eq!((codes[1], codes[5], codes[6]), ("refreshing", "refresh_failed", "personal_account"));
    // A login that is being renewed is back within seconds: that is worth another try.
    let mut profiles = with("anthropic:held", &fenced(""));
    profiles.remove(&id("anthropic:z"));
    for query in [Query::new(&provider("anthropic")), Query::new(&provider("anthropic")).locked(id("anthropic:held"))] {
        let refusal = ProfileSelector::default().select(&profiles, &query, at(NOW)).unwrap_err();
        let error = provider_auth::Error::from(refusal);
        assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Unavailable, true));
    }
}

#[test]
fn a_placeholder_is_nobodys_credential() {
    let profiles = with("anthropic:held", &fenced(""));
    assert_eq!(profiles.get("anthropic:held").unwrap().credential(), None);
    assert_eq!(profiles.get("anthropic:held").unwrap().expires(), None);
    let mut profiles = AuthProfiles::new();
    let redacted = "__OPENCLAW_REDACTED__".to_owned();
    for text in [redacted.clone(), fence("access"), fence("failed:access"), format!(" {redacted}\n")] {
        for credential in [
            Credential::api_key(Secret::new(text.clone())),
            Credential::token(Secret::new(text.clone()), None),
            Credential::oauth(Secret::new(text.clone()), None, None),
            Credential::oauth(Secret::new("a"), Some(Secret::new(text.clone())), None),
        ] {
            let refused = profiles.upsert(&id("anthropic:a"), &provider("anthropic"), &credential, None);
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidSecret);
        }
        assert_eq!(setup::api_key(&provider("x"), &text).unwrap_err().kind(), ErrorKind::InvalidSecret);
        assert_eq!(setup::token(&provider("x"), &text).unwrap_err().kind(), ErrorKind::InvalidSecret);
    }
    // Nor does a reference lead to one.
    let reference =
        json!({"type": "api_key", "provider": "x", "keyRef": {"source": "env", "provider": "d", "id": "K"}});
    let profiles = document(&json!({"version": 1, "profiles": {"x:a": reference}}));
    let query = Query::new(&provider("x")).references(leading_to(&profiles, "__OPENCLAW_REDACTED__"));
    let refusal = ProfileSelector::default().select(&profiles, &query, at(NOW)).unwrap_err();
    let verdict = refusal.candidates[0].verdict;
    assert!(
        matches!(verdict, Verdict::UnresolvedReference { reason: ReferenceFailure::Placeholder, .. }),
        "{verdict:?}"
    );
}

#[test]
fn a_refusal_of_tokens_that_are_being_replaced_says_nothing() {
    let login = json!({"type": "oauth", "provider": "anthropic", "access": "a-1", "refresh": "r-1"});
    let profiles = document(&json!({"version": 1, "profiles": {"anthropic:me": login}}));
    let (selector, query) = (ProfileSelector::default(), Query::new(&provider("anthropic")));
    for (reason, counts) in [(FailureReason::Auth, false), (FailureReason::RateLimit, true)] {
        let receipt = selector.select(&profiles, &query, at(NOW)).unwrap().receipt;
        let mut now = document(&json!({"version": 1, "profiles": {"anthropic:me": fenced("")}}));
        selector.record_failure(&mut now, &receipt, reason, None, at(NOW + 1)).unwrap();
        assert_eq!(now.usage("anthropic:me").is_some(), counts, "{reason}");
    }
}

#[test]
fn a_refresh_writes_over_nothing_that_is_held_back() {
    let tokens = Tokens::new(Secret::new("a-2")).refresh(Secret::new("r-2"));
    let mut waiting = json!({"type": "oauth", "provider": "anthropic", "access": "a-1", "refresh": "r-1"});
    waiting["setup"] = json!({"replacement": true});
    for (profile, spent) in [
        (fenced(""), "r-1".to_owned()),
        (fenced(""), fence("refresh")),
        (fenced("failed:"), fence("failed:refresh")),
        (waiting, "r-1".to_owned()),
    ] {
        let mut profiles = with("anthropic:held", &profile);
        assert!(!profiles.apply_refresh(&id("anthropic:held"), &Secret::new(spent), &tokens, None).unwrap());
        assert_eq!(profiles.dirty_state(), DirtyState::None);
    }
}

#[test]
fn a_new_secret_by_its_owners_word_is_for_use_now() {
    for profile in [inactive(), fenced(""), fenced("failed:")] {
        let store = MemoryStore::new(with("anthropic:held", &profile));
        let pasted = Credential::api_key(Secret::new("sk-pasted"));
        store.upsert(&id("anthropic:held"), &provider("anthropic"), &pasted, None).unwrap();
        let profiles = store.load().unwrap();
        let entry = &written(&profiles)["profiles"]["anthropic:held"];
        assert_eq!((entry.get("setup"), entry.get("access"), entry.get("refresh")), (None, None, None));
        let query = Query::new(&provider("anthropic")).preferred(id("anthropic:held"));
        assert_eq!(ProfileSelector::default().pick(&profiles, &query, at(NOW)), Some(&id("anthropic:held")));
    }
    // A setup that keeps nothing back is somebody's note, and stays.
    let mut profile = inactive();
    profile["setup"] = json!({"replacement": false, "modelRef": "m"});
    let mut profiles = with("anthropic:a", &profile);
    let pasted = Credential::api_key(Secret::new("sk-pasted"));
    profiles.upsert(&id("anthropic:a"), &provider("anthropic"), &pasted, None).unwrap();
    assert_eq!(written(&profiles)["profiles"]["anthropic:a"]["setup"]["modelRef"], json!("m"));
}

#[test]
fn personal_accounts_are_kept_and_never_written() {
    let store = MemoryStore::new(with("personal:0:1", &key()));
    for name in ["personal:0:1", "personal:new"] {
        let pasted = Credential::api_key(Secret::new("sk-pasted"));
        let refused = store.upsert(&id(name), &provider("anthropic"), &pasted, None).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidId);
        assert!(refused.help().contains("another name"), "{}", refused.help());
    }
    let other = Credential::api_key(Secret::new("sk-other"));
    store.upsert(&id("anthropic:other"), &provider("anthropic"), &other, None).unwrap();
    assert_eq!(written(&store.load().unwrap())["profiles"]["personal:0:1"], key());
}

/// Whoever has a name in the hand and not a pick by the selector comes no further.
#[test]
fn nothing_that_is_called_by_name_writes_a_personal_account() {
    let me = "personal:0:1";
    let login = json!({"type": "oauth", "provider": "anthropic", "access": "a-1", "refresh": "r-1", "expires": 1});
    let text = json!({"version": 1, "profiles": {me: login, "anthropic:a": key()}, "order": {"anthropic": [me]},
        "lastGood": {"anthropic": "anthropic:a"},
        "usageStats": {me: {"cooldownUntil": NOW + HOUR, "cooldownReason": "rate_limit", "errorCount": 1}}});
    let before = document(&text);
    let store = MemoryStore::new(before.clone());
    let (me, anthropic, selector) = (id(me), provider("anthropic"), ProfileSelector::default());
    let refused = |error: provider_auth::Error| {
        assert_eq!(error.kind(), ErrorKind::InvalidId, "{error}");
        assert!(error.to_string().contains("personal accounts") && error.help().contains("OpenClaw itself"), "{error}");
    };
    refused(store.remove(&me).unwrap_err());
    refused(store.set_order(&anthropic, &[id("anthropic:a"), me.clone()]).unwrap_err());
    refused(store.clear_cooldown(&selector, &me).unwrap_err());
    let spend = |profiles: &mut AuthProfiles| {
        profiles.apply_refresh(&me, &Secret::new("r-1"), &Tokens::new(Secret::new("a-2")), None)
    };
    assert!(!store.transact(spend).unwrap());
    assert!(!store.transact(|profiles| Ok(profiles.remove(&me))).unwrap());
    let receipt = Receipt::new(me.clone(), anthropic.clone(), None, at(NOW));
    store.record_failure(&selector, &receipt, &Failure::new(FailureReason::Auth), at(NOW + 1)).unwrap();
    let receipt = Receipt::new(me.clone(), anthropic.clone(), None, at(NOW));
    store.record_success(&selector, &receipt, at(NOW + 1)).unwrap();
    assert_eq!(store.load().unwrap().to_json().expose(), before.to_json().expose());
    // An order that has one is still the user's to end or to write without it.
    assert_eq!(store.set_order(&anthropic, &[id("anthropic:a")]).unwrap(), [id("anthropic:a")]);
}

#[test]
fn a_reference_wins_over_the_secret_beside_it() {
    let reference = json!({"source": "env", "provider": "default", "id": "THE_KEY"});
    let query = || Query::new(&provider("anthropic"));
    for (kind, member) in [("api_key", "key"), ("token", "token")] {
        let mut profile = json!({"type": kind, "provider": "anthropic"});
        profile[member] = json!("sk-beside");
        profile[format!("{member}Ref")] = reference.clone();
        let profiles = document(&json!({"version": 1, "profiles": {"anthropic:a": profile}}));
        assert_eq!(profiles.diagnostics().len(), 1);
        assert_eq!(profiles.get("anthropic:a").unwrap().credential(), None);
        let [today, february] = selectors();
        let found = query().references(leading_to(&profiles, "sk-found"));
        let selection = today.select(&profiles, &found, at(NOW)).unwrap();
        assert_eq!(selection.credential.secret().expose(), "sk-found");
        let refusal = today.select(&profiles, &query(), at(NOW)).unwrap_err();
        let verdict = refusal.candidates[0].verdict;
        assert!(
            matches!(verdict, Verdict::UnresolvedReference { reason: ReferenceFailure::NotLookedUp, .. }),
            "{verdict:?}"
        );
        // OpenClaw of February 2026 knew no references.
        let selection = february.select(&profiles, &found, at(NOW)).unwrap();
        assert_eq!(selection.credential.secret().expose(), "sk-beside");
    }
}
