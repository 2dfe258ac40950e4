//! Setting credentials up: what people paste, what is stored, and what is refused by name.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

use std::time::Duration;

use provider_auth::{
    AuthProfileStore, AuthProfileStoreExt, AuthProfiles, Credential, CredentialKind, ErrorKind, MemoryStore, ProfileId,
    ProfileSelector, ProviderId, RecordOutcome, Secret, setup,
};
use serde_json::json;

use crate::support::{DAY, HOUR, NOW, at, document, id, provider, written};

fn oat(length: usize) -> String {
    format!("sk-ant-oat01-{}", "a".repeat(length - 13))
}

fn refusal<T: std::fmt::Debug>(outcome: provider_auth::Result<T>) -> (ErrorKind, String) {
    let error = outcome.unwrap_err();
    (error.kind(), error.to_string())
}

#[test]
fn tokens_are_cleaned() {
    let token = oat(93);
    let (head, tail) = token.split_at(50);
    for pasted in [
        token.clone(),
        format!("  {token}\n"),
        format!("{head}\r\n   {tail}"),
        format!("\"{token}\""),
        format!(" '{head} {tail}' \n"),
        format!("\u{201c}{token}\u{201d}"),
        format!("`{token}`"),
        format!("\u{feff}{head}\u{200b}{tail}"),
    ] {
        let cleaned = setup::setup_token(&pasted).unwrap();
        assert_eq!(cleaned.secret.expose(), token);
        assert_eq!(cleaned.notes.is_empty(), pasted.trim().len() == token.len(), "{pasted:?}");
        assert!(!format!("{cleaned:?}").contains("aaaa"));
    }
    assert!(setup::setup_token(&oat(80)).is_ok());
    assert!(setup::setup_token(&oat(93).replace("oat01", "oat02")).is_ok());
}

#[test]
fn what_is_not_a_token_is_named() {
    use ErrorKind::{InvalidSecret, WrongSecret};
    let cases = [
        (String::new(), InvalidSecret, "nothing"),
        (" \n\u{200b}\"\" ".to_owned(), InvalidSecret, "nothing"),
        (oat(79), InvalidSecret, "short"),
        (format!("{} {}", oat(40), "a".repeat(39)), InvalidSecret, "short"),
        (oat(93).to_uppercase(), InvalidSecret, "begins with"),
        (oat(93).replace("oat01-", "oat1-"), InvalidSecret, "begins with"),
        (oat(93).replace("oat01-", "oatxx-"), InvalidSecret, "begins with"),
        (format!("export CLAUDE_CODE_OAUTH_TOKEN={}", oat(93)), InvalidSecret, "before"),
        (format!("Bearer {}", oat(93)), InvalidSecret, "before"),
        (format!("{}\u{e9}", oat(93)), InvalidSecret, "characters"),
        (format!("{}#{}", "c".repeat(60), "s".repeat(43)), InvalidSecret, "code#state"),
        (format!("sk-ant-api03-{}", "k".repeat(95)), WrongSecret, "API key"),
        (format!("sk-ant-ort01-{}", "k".repeat(95)), WrongSecret, "refresh token"),
        (format!("sk-ant-admin01-{}", "k".repeat(95)), WrongSecret, "admin"),
        (format!("sk-or-v1-{}", "k".repeat(64)), WrongSecret, "openrouter"),
    ];
    for (pasted, kind, word) in cases {
        let (found, message) = refusal(setup::setup_token(&pasted));
        assert_eq!((found, message.contains(word)), (kind, true), "{message}");
        assert!(!message.contains("kkkk") && !message.contains("aaaa") && !message.contains("cccc"), "{message}");
    }
}

#[test]
fn what_is_not_a_key_is_named() {
    use ErrorKind::{InvalidSecret, WrongSecret};
    let anthropic = provider("anthropic");
    assert_eq!(setup::api_key(&anthropic, " 'sk-ant-\n1' ").unwrap().secret.expose(), "sk-ant-1");
    for (pasted, kind, word) in [
        ("", InvalidSecret, "nothing"),
        ("two words", InvalidSecret, "spaces"),
        ("code#state", InvalidSecret, "code#state"),
        ("sk-ant-oat01-x", WrongSecret, "setup-token"),
        ("sk-ant-api01-x", WrongSecret, "admin"),
        ("sk-proj-x", WrongSecret, "openai"),
        ("AIzaX", WrongSecret, "google"),
        ("wrkspc_1", WrongSecret, "workspace"),
    ] {
        let (found, message) = refusal(setup::api_key(&anthropic, pasted));
        assert_eq!((found, message.contains(word)), (kind, true), "{pasted}: {message}");
    }
    // A gateway's own keys have a form of their own, and some gateways take the provider's.
    for pasted in ["sk-ant-api03-x", "anything#at-all"] {
        assert!(setup::api_key(&provider("litellm"), pasted).is_ok());
    }
    assert_eq!(refusal(setup::api_key(&provider("openai"), "sk-ant-api03-x")).0, WrongSecret);
    assert_eq!(setup::token(&provider("github-copilot"), " ghu_example ").unwrap().secret.expose(), "ghu_example");
    assert_eq!(refusal(setup::token(&provider("github-copilot"), &oat(93))).0, WrongSecret);
}

#[test]
fn lifetimes() {
    for (text, seconds) in [
        ("365d", 31_536_000.0),
        ("365", 31_536_000.0),
        (" 12H ", 43_200.0),
        ("90m", 5_400.0),
        ("30s", 30.0),
        ("1500ms", 1.5),
        ("1.5d", 129_600.0),
        ("0.5", 43_200.0),
    ] {
        assert_eq!(setup::lifetime(text).unwrap(), Duration::from_secs_f64(seconds), "{text}");
    }
    for text in
        ["", "d", "0", "0d", "-1d", "+1d", "1e3", "NaN", "inf", "1y", "1 d", "1..2", "soon", "999999999999999999d"]
    {
        assert_eq!(setup::lifetime(text).unwrap_err().kind(), ErrorKind::InvalidLifetime, "{text}");
    }
}

fn store() -> MemoryStore {
    MemoryStore::new(document(&json!({
        "version": 1,
        "profiles": {
            "anthropic:a": { "type": "api_key", "provider": "anthropic", "key": "sk-ant-a", "email": "a@example.com" },
            "anthropic:b": { "type": "api_key", "provider": "anthropic", "key": "sk-ant-b" },
            "openai:a": { "type": "api_key", "provider": "openai", "key": "sk-a" },
        },
        "order": { "anthropic": ["anthropic:b", "anthropic:a"] },
        "lastGood": { "anthropic": "anthropic:b" },
        "usageStats": {
            "anthropic:a": { "lastUsed": NOW - DAY, "cooldownUntil": NOW + HOUR, "errorCount": 3 },
            "anthropic:b": { "disabledUntil": NOW + HOUR, "disabledReason": "billing", "failureCounts": { "billing": 1 } },
        },
    })))
}

#[test]
fn a_new_login_ends_the_cooldowns_even_with_the_same_secret() {
    for key in ["sk-ant-a", "sk-ant-new"] {
        let store = store();
        let pasted = setup::api_key(&provider("anthropic"), key).unwrap();
        assert!(setup::save_key(&store, &id("anthropic:a"), &provider("anthropic"), &pasted, None).unwrap());
        let document = written(&store.load().unwrap());
        assert_eq!(document["profiles"]["anthropic:a"]["key"], json!(key));
        assert_eq!(document["profiles"]["anthropic:a"]["email"], json!("a@example.com"));
        let usage = &document["usageStats"]["anthropic:a"];
        assert_eq!(usage.get("cooldownUntil"), None);
        assert_eq!(store.load().unwrap().usage("anthropic:a").unwrap().last_used(), Some(at(NOW - DAY)));
        assert_eq!(document["usageStats"]["anthropic:b"]["disabledReason"], json!("billing"));
    }
}

#[test]
fn a_token_takes_the_place_of_a_key() {
    let store = store();
    let pasted = setup::token(&provider("anthropic"), &oat(93)).unwrap();
    let expires = at(NOW) + setup::lifetime("365d").unwrap();
    assert!(setup::save_token(&store, &id("anthropic:a"), &provider("anthropic"), &pasted, Some(expires)).unwrap());
    assert!(!setup::save_token(&store, &id("anthropic:manual"), &provider("anthropic"), &pasted, None).unwrap());
    let profiles = store.load().unwrap();
    let (replaced, new) = (profiles.get("anthropic:a").unwrap(), profiles.get("anthropic:manual").unwrap());
    assert_eq!((replaced.kind(), replaced.expires()), (Some(CredentialKind::Token), Some(at(NOW + 365 * DAY))));
    assert_eq!((new.kind(), new.expires()), (Some(CredentialKind::Token), None));
    assert_eq!(written(&profiles)["profiles"]["anthropic:a"].get("key"), None);
}

#[test]
fn a_token_ends_no_later_than_its_file_can_say() {
    let (store, pasted) = (store(), setup::token(&provider("anthropic"), &oat(93)).unwrap());
    let save = |end| setup::save_token(&store, &id("anthropic:late"), &provider("anthropic"), &pasted, Some(end));
    let refused = save(at(NOW) + setup::lifetime("100000000d").unwrap());
    assert_eq!(refusal(refused).0, ErrorKind::InvalidLifetime);
    assert!(store.load().unwrap().get("anthropic:late").is_none());
    assert!(!save(at(8_640_000_000_000_000)).unwrap());
}

fn order(store: &impl AuthProfileStore, provider: &ProviderId) -> Option<Vec<ProfileId>> {
    store.load().unwrap().order(provider).map(<[_]>::to_vec)
}

#[test]
fn orders() {
    let (store, anthropic) = (store(), provider("Anthropic"));
    assert_eq!(order(&store, &anthropic).unwrap(), [id("anthropic:b"), id("anthropic:a")]);
    let set = store.set_order(&anthropic, &[id("anthropic:a"), id("anthropic:a")]).unwrap();
    assert_eq!(set, [id("anthropic:a")]);
    for (ids, kind, name) in [
        (vec![], ErrorKind::InvalidId, "at least one"),
        (vec![id("anthropic:a"), id("anthropic:z")], ErrorKind::UnknownProfile, "anthropic:z"),
        (vec![id("openai:a")], ErrorKind::ProfileNotConfigured, "openai:a"),
    ] {
        let (found, message) = refusal(store.set_order(&anthropic, &ids));
        assert_eq!((found, message.contains(name)), (kind, true), "{message}");
        assert_eq!(order(&store, &anthropic).unwrap(), [id("anthropic:a")]);
    }
    assert!(store.set_order(&anthropic, &[]).unwrap_err().help().contains("clear the order"));
    assert!(store.clear_order(&anthropic).unwrap());
    assert!(!store.clear_order(&anthropic).unwrap());
    assert_eq!(order(&store, &anthropic), None);
    assert_eq!(written(&store.load().unwrap()).get("order"), None);
}

#[test]
fn removing_leaves_no_trace() {
    let store = store();
    store.remove(&id("anthropic:b")).unwrap();
    let document = store.load().unwrap().to_json();
    assert!(!document.expose().contains("anthropic:b"));
    assert!(document.expose().contains("anthropic:a"));
    let (kind, message) = refusal(store.remove(&id("anthropic:b")));
    assert_eq!((kind, message.contains("anthropic:b")), (ErrorKind::UnknownProfile, true));
}

#[test]
fn cooldowns_are_cleared_by_name() {
    let store = store();
    assert!(store.clear_cooldown(&ProfileSelector::default(), &id("anthropic:b")).unwrap());
    assert_eq!(store.load().unwrap().usage("anthropic:b").unwrap().disabled_until(), None);
    assert!(!store.clear_cooldown(&ProfileSelector::default(), &id("openai:a")).unwrap());
    assert_eq!(refusal(store.clear_cooldown(&ProfileSelector::default(), &id("ghost"))).0, ErrorKind::UnknownProfile);
}

#[test]
fn every_function_takes_a_boxed_store() {
    let store: Box<dyn AuthProfileStore> = Box::new(MemoryStore::new(AuthProfiles::new()));
    let secret = Credential::api_key(Secret::new("sk-ant-a"));
    store.upsert(&id("anthropic:a"), &provider("anthropic"), &secret, None).unwrap();
    store.set_order(&provider("anthropic"), &[id("anthropic:a")]).unwrap();
    store.remove(&id("anthropic:a")).unwrap();
    assert_eq!(order(&store, &provider("anthropic")), None);
}
