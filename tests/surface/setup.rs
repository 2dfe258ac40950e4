//! Setting credentials up: what people paste, what is stored, and what is refused by name.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it fails")]

use std::time::Duration;

use provider_auth::setup::{Placement, Saved};
use provider_auth::{
    AuthProfileStore, AuthProfileStoreExt, AuthProfiles, Config, Credential, CredentialKind, ErrorKind, MemoryStore,
    ProfileId, ProfileSelector, ProviderId, Query, RecordOutcome, Secret, setup,
};
use serde_json::json;

use crate::support::{DAY, HOUR, NOW, at, config, document, id, provider, written};

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
        format!("export CLAUDE_CODE_OAUTH_TOKEN={token}"),
        format!("Bearer {token}"),
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
        (format!("my token: {}", oat(93)), InvalidSecret, "before"),
        ("<your-setup-token>".to_owned(), InvalidSecret, "placeholder"),
        ("$CLAUDE_CODE_OAUTH_TOKEN".to_owned(), InvalidSecret, "variable"),
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

fn any() -> ProfileSelector {
    ProfileSelector::default()
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
        let saved = setup::save_key(&store, &any(), &id("anthropic:a"), &provider("anthropic"), &pasted, None).unwrap();
        assert!(saved.replaced && saved.is_in_rotation());
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
    let save = |name, end| setup::save_token(&store, &any(), &id(name), &provider("anthropic"), &pasted, end).unwrap();
    assert!(save("anthropic:a", Some(expires)).replaced);
    assert!(!save("anthropic:manual", None).replaced);
    let profiles = store.load().unwrap();
    let (replaced, new) = (profiles.get("anthropic:a").unwrap(), profiles.get("anthropic:manual").unwrap());
    assert_eq!((replaced.kind(), replaced.expires()), (Some(CredentialKind::Token), Some(at(NOW + 365 * DAY))));
    assert_eq!((new.kind(), new.expires()), (Some(CredentialKind::Token), None));
    assert_eq!(written(&profiles)["profiles"]["anthropic:a"].get("key"), None);
}

#[test]
fn a_token_ends_no_later_than_its_file_can_say() {
    let (store, pasted) = (store(), setup::token(&provider("anthropic"), &oat(93)).unwrap());
    let save =
        |end| setup::save_token(&store, &any(), &id("anthropic:late"), &provider("anthropic"), &pasted, Some(end));
    let refused = save(at(NOW) + setup::lifetime("100000000d").unwrap());
    assert_eq!(refusal(refused).0, ErrorKind::InvalidLifetime);
    assert!(store.load().unwrap().get("anthropic:late").is_none());
    assert!(!save(at(8_640_000_000_000_000)).unwrap().replaced);
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

/// A configuration, the profile that is stored beside `anthropic:default` (a key) and `anthropic:me` (a login), and what is
/// said of it: why it is left out, and the order that helps.
type Case = (&'static str, &'static str, Option<(&'static str, Option<&'static [&'static str]>)>);

/// As onboarding of OpenClaw 2026.9.6 writes it.
const ONBOARDED: &str = "{ auth: { profiles: { 'anthropic:default': { provider: 'anthropic', mode: 'api_key' } } } }";

fn placed(configuration: &str, name: &str, order: Option<&[&str]>) -> (MemoryStore, Config, Saved) {
    let config = config(configuration);
    let mut profiles = document(&json!({ "version": 1, "profiles": {
        "anthropic:default": { "type": "api_key", "provider": "anthropic", "key": "sk-ant-a" },
        "anthropic:me": { "type": "oauth", "provider": "anthropic", "access": "a", "refresh": "r" },
    } }));
    if let Some(order) = order {
        profiles.set_order(&provider("anthropic"), &order.iter().map(|name| id(name)).collect::<Vec<_>>()).unwrap();
    }
    let (store, anthropic) = (MemoryStore::new(profiles), provider("anthropic"));
    let pasted = setup::api_key(&anthropic, "sk-ant-new").unwrap();
    let saved = setup::save_key(&store, config.selector(), &id(name), &anthropic, &pasted, None).unwrap();
    (store, config, saved)
}

#[test]
fn a_profile_that_is_stored_says_whether_it_will_be_used() {
    let orders = "{ auth: { order: { anthropic: ['anthropic:me', 'anthropic:gone', 'anthropic:default'] } } }";
    let cases: [Case; 9] = [
        ("{}", "anthropic:new", None),
        (ONBOARDED, "anthropic:default", None),
        (ONBOARDED, "anthropic:new", Some(("not_configured", Some(&["anthropic:default", "anthropic:new"])))),
        (
            orders,
            "anthropic:new",
            Some(("excluded_by_auth_order", Some(&["anthropic:me", "anthropic:default", "anthropic:new"]))),
        ),
        (
            "{ auth: { order: { anthropic: [] } } }",
            "anthropic:new",
            Some(("excluded_by_auth_order", Some(&["anthropic:new"]))),
        ),
        // None of the listed ones exists: the stored ones serve.
        (
            "{ auth: { profiles: { 'anthropic:gone': { provider: 'anthropic', mode: 'token' } } } }",
            "anthropic:new",
            None,
        ),
        (
            "{ auth: { profiles: { 'anthropic:default': { provider: 'anthropic', mode: 'token' } } } }",
            "anthropic:default",
            Some(("mode_mismatch", None)),
        ),
        (
            "{ auth: { profiles: { 'anthropic:new': { provider: 'openai', mode: 'api_key' } } } }",
            "anthropic:new",
            Some(("provider_mismatch", None)),
        ),
        (
            "{ auth: { profiles: { 'anthropic:new': { provider: 'openai', mode: 'api_key' },
                'anthropic:default': { provider: 'anthropic', mode: 'api_key' } } } }",
            "anthropic:new",
            Some(("provider_mismatch", None)),
        ),
    ];
    for (configuration, name, expected) in cases {
        let (store, config, saved) = placed(configuration, name, None);
        assert_eq!((saved.profile.as_str(), saved.replaced), (name, name == "anthropic:default"));
        assert_eq!((saved.is_in_rotation(), saved.help().is_none()), (expected.is_none(), expected.is_none()));
        let query = || Query::new(&provider("anthropic"));
        let in_rotation = |profiles: &AuthProfiles| {
            config.selector().candidates(profiles, &query(), at(NOW)).order().any(|other| other.as_str() == name)
        };
        assert_eq!(in_rotation(&store.load().unwrap()), expected.is_none(), "{configuration}: the selector agrees");
        let Placement::LeftOut { verdict, order, .. } = &saved.placement else { continue };
        let ids = order.as_ref().map(|order| order.iter().map(ProfileId::as_str).collect::<Vec<_>>());
        assert_eq!((verdict.code(), ids.as_deref()), expected.unwrap(), "{configuration}");
        let help = saved.help().unwrap();
        assert!(help.contains(name) && !help.contains("set_order"), "{help}");
        if let Some(order) = order {
            assert!(help.contains(&format!("models auth order set --provider anthropic {}", ids.unwrap().join(" "))));
            store.set_order(&provider("anthropic"), order).unwrap();
            assert!(in_rotation(&store.load().unwrap()), "{configuration}: the order that is named helps");
        }
    }
}

#[test]
fn a_stored_order_leaves_a_new_profile_out_as_well() {
    let (store, config, saved) = placed(ONBOARDED, "anthropic:new", Some(&["anthropic:me", "anthropic:default"]));
    let Placement::LeftOut { verdict, order: Some(order), .. } = &saved.placement else { panic!("{saved:?}") };
    assert_eq!(verdict.code(), "excluded_by_auth_order");
    assert_eq!(order[..], ["anthropic:me", "anthropic:default", "anthropic:new"].map(id));
    store.set_order(&provider("anthropic"), order).unwrap();
    let pasted = setup::api_key(&provider("anthropic"), "sk-ant-newer").unwrap();
    let again = setup::save_key(&store, config.selector(), &id("anthropic:new"), &provider("anthropic"), &pasted, None)
        .unwrap();
    assert!(again.replaced && again.is_in_rotation());
}

#[test]
fn the_command_can_be_pasted_into_a_shell() {
    let (_, _, saved) = placed(ONBOARDED, "anthropic:it's mine", None);
    let help = saved.help().unwrap();
    assert!(help.contains(r"anthropic:default 'anthropic:it'\''s mine'`"), "{help}");
    let (_, _, saved) = placed(ONBOARDED, "anthropic:me@example.com", None);
    assert!(saved.help().unwrap().contains("anthropic:default anthropic:me@example.com`"));
}

#[test]
fn personal_accounts_are_refused() {
    let (store, anthropic) = (store(), provider("anthropic"));
    let pasted = setup::api_key(&anthropic, "sk-ant-a").unwrap();
    let refused = setup::save_key(&store, &any(), &id("personal:0:1"), &anthropic, &pasted, None).map(drop);
    assert_eq!(refusal(refused).0, ErrorKind::InvalidId);
    assert!(store.load().unwrap().get("personal:0:1").is_none());
}

#[test]
fn a_provider_that_is_probably_misspelled_is_told_and_stored() {
    let saved = |name: &str, selector: &ProfileSelector| {
        let (store, provider) = (MemoryStore::default(), provider(name));
        let key = setup::api_key(&provider, "made-up-key-of-a-test").unwrap();
        let id = setup::profile_id(&provider, None, CredentialKind::ApiKey).unwrap();
        let saved = setup::save_key(&store, selector, &id, &provider, &key, None).unwrap();
        assert_eq!((store.load().unwrap().len(), saved.is_in_rotation()), (1, true), "{name}");
        assert_eq!(saved.meant.is_some(), saved.diagnostic().is_some(), "{name}");
        saved
    };
    for (name, meant) in [
        ("antropic", Some("anthropic")),
        ("Anthropic-", Some("anthropic")),
        ("open-ai", Some("openai")),
        ("opnerouter", Some("openrouter")),
        ("anthropic", None),
        ("z.ai", None),
        ("my-gateway", None),
        ("xyz", None),
    ] {
        let found = saved(name, &any()).meant;
        assert_eq!(found.as_ref().map(ProviderId::as_str), meant, "{name}");
    }
    let text = saved("antropic", &any()).diagnostic().unwrap().to_string();
    let told = "warning: the provider \"antropic\" is neither known nor configured; if you mean `anthropic`, store the secret \
                under that name and remove antropic:default";
    assert_eq!(text, told);
    // A server of that name makes it a provider like any other.
    let gateway = config("{ models: { providers: { antropic: { baseUrl: 'https://llm.example.com', models: [] } } } }");
    assert_eq!(saved("antropic", gateway.selector()).meant, None);
}
