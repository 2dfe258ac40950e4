//! Single cases of selection: sessions, locks, models, empty and stale orders.

#![allow(clippy::unwrap_used, reason = "a fixture that fails is a failed test")]

use provider_auth::credential::{Credential, CredentialSource, InlineCredential};
use provider_auth::credential::{ReferenceFailure, Resolved, SecretRef};
use provider_auth::error::DiagnosticCode;
use provider_auth::select::{Receipt, Verdict};
use provider_auth::{
    AuthProfiles, Config, Environment, Error, ErrorKind, FailureReason, ProfileId, ProfileSelector, Query, ReadOptions,
    Secret,
};
use serde_json::{Map, Value, json};

use crate::support::{MINUTE, NOW, SECOND, at, document, id, leading_to, provider};

fn key(secret: &str) -> Value {
    json!({"type": "api_key", "provider": "anthropic", "key": secret})
}

/// A document of these API keys.
fn keys(names: &[&str]) -> AuthProfiles {
    let entries = names.iter().map(|name| ((*name).to_owned(), key("sk-x")));
    document(&json!({"version": 1, "profiles": entries.collect::<Map<_, _>>()}))
}

fn order(profiles: &AuthProfiles) -> Vec<String> {
    let (selector, anthropic) = (ProfileSelector::default(), provider("anthropic"));
    let query = Query::new(&anthropic);
    selector.candidates(profiles, &query, at(NOW)).order().map(ToString::to_string).collect()
}

fn verdict(profiles: &AuthProfiles, query: &Query, name: &str) -> Verdict {
    let selector = ProfileSelector::default();
    let candidates = selector.candidates(profiles, query, at(NOW));
    candidates.iter().find(|candidate| candidate.id.as_str() == name).unwrap().verdict
}

#[test]
fn taking_a_profile_away_moves_only_its_own_sessions() {
    let names: Vec<String> = (0..10).map(|n| format!("anthropic:{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (selector, anthropic) = (ProfileSelector::default(), provider("anthropic"));
    let sessions: Vec<String> = (0..10_000).map(|n| format!("session-{n}")).collect();
    let home = |profiles: &AuthProfiles, session: &str| -> ProfileId {
        selector.pick(profiles, &Query::new(&anthropic).session(session), at(NOW)).unwrap().clone()
    };
    let mut profiles = keys(&names);
    let before: Vec<ProfileId> = sessions.iter().map(|session| home(&profiles, session)).collect();
    for name in &names {
        let own = before.iter().filter(|home| home.as_str() == *name).count();
        assert!((800..1_200).contains(&own), "{name} serves {own} of 10,000 sessions");
    }
    let gone = id("anthropic:3");
    assert!(profiles.remove(&gone));
    for (session, old) in sessions.iter().zip(&before) {
        let new = home(&profiles, session);
        assert_ne!(new, gone);
        assert!(new == *old || *old == gone, "{session} moved from {old} to {new}");
    }
    let credential = Credential::api_key(Secret::new("sk-x"));
    profiles.upsert(&gone, &anthropic, &credential, None).unwrap();
    let after: Vec<ProfileId> = sessions.iter().map(|session| home(&profiles, session)).collect();
    assert_eq!(after, before);
}

#[test]
fn a_session_leaves_its_account_only_while_that_rests_and_ignores_last_use() {
    let (selector, anthropic) = (ProfileSelector::default(), provider("anthropic"));
    let mut profiles = keys(&["a:1", "a:2", "a:3"]);
    let query = Query::new(&anthropic).session("conversation-17");
    let home = selector.pick(&profiles, &query, at(NOW)).unwrap().clone();
    let receipt = || Receipt::new(home.clone(), anthropic.clone(), None, at(NOW));
    selector.record_success(&mut profiles, &receipt(), at(NOW)).unwrap();
    assert_eq!(selector.pick(&profiles, &query, at(NOW + 1)), Some(&home));
    selector.record_failure(&mut profiles, &receipt(), FailureReason::Auth, None, at(NOW)).unwrap();
    assert_ne!(selector.pick(&profiles, &query, at(NOW + 29 * SECOND)), Some(&home));
    assert_eq!(selector.pick(&profiles, &query, at(NOW + 30 * SECOND)), Some(&home));
}

#[test]
fn an_explicit_order_switches_sessions_off() {
    let (selector, anthropic) = (ProfileSelector::default(), provider("anthropic"));
    let mut profiles = keys(&["a:1", "a:2", "a:3"]);
    profiles.set_order(&anthropic, &[id("a:2"), id("a:3"), id("a:1")]).unwrap();
    for session in 0..100 {
        let session = session.to_string();
        let query = Query::new(&anthropic).session(&session);
        assert_eq!(selector.pick(&profiles, &query, at(NOW)), Some(&id("a:2")));
        let listed: Vec<String> =
            selector.candidates(&profiles, &query, at(NOW)).order().map(ToString::to_string).collect();
        assert_eq!(listed, ["a:2", "a:3", "a:1"]);
    }
}

#[test]
fn a_session_never_leaves_the_best_tier() {
    let login =
        json!({"type": "oauth", "provider": "anthropic", "access": "x", "refresh": "y", "expires": NOW + MINUTE});
    let profiles = document(&json!({"profiles": {"a:1": key("k"), "a:login": login, "a:2": key("k")}}));
    let (selector, anthropic) = (ProfileSelector::default(), provider("anthropic"));
    for session in 0..100 {
        let session = session.to_string();
        let query = Query::new(&anthropic).session(&session);
        assert_eq!(selector.pick(&profiles, &query, at(NOW)), Some(&id("a:login")));
    }
}

#[test]
fn a_pick_follows_every_change_of_the_document_it_was_made_of_before() {
    let (selector, anthropic) = (ProfileSelector::default(), provider("anthropic"));
    let query = Query::new(&anthropic);
    let mut profiles = keys(&["a:1", "a:2", "a:3"]);
    let picked = |profiles: &AuthProfiles, now: i64| selector.pick(profiles, &query, at(now)).unwrap().clone();
    for (turn, expected) in ["a:1", "a:2", "a:3", "a:1", "a:2"].into_iter().enumerate() {
        let now = NOW + i64::try_from(turn).unwrap() * SECOND;
        assert_eq!(picked(&profiles, now), id(expected));
        let receipt = selector.select(&profiles, &query, at(now)).unwrap().receipt;
        let before = profiles.clone();
        selector.record_success(&mut profiles, &receipt, at(now)).unwrap();
        assert_eq!(picked(&before, now), id(expected), "a copy has an order of its own");
    }
    let now = NOW + MINUTE;
    assert!(profiles.remove(&id("a:3")));
    assert_eq!(picked(&profiles, now), id("a:1"));
    let login = Credential::oauth(Secret::new("x"), Some(Secret::new("y")), Some(at(now + MINUTE)));
    profiles.upsert(&id("a:login"), &anthropic, &login, None).unwrap();
    assert_eq!(picked(&profiles, now), id("a:login"));
    // The login is over, and has to be refreshed; a live one precedes it.
    profiles
        .upsert(&id("a:live"), &anthropic, &Credential::oauth(Secret::new("v"), Some(Secret::new("w")), None), None)
        .unwrap();
    assert_eq!(picked(&profiles, now), id("a:login"));
    assert_eq!(picked(&profiles, now + MINUTE), id("a:live"));
}

#[test]
fn the_order_of_kinds() {
    let login = |access: &str, expires: i64| json!({"type": "oauth", "provider": "anthropic", "access": access, "refresh": "r", "expires": expires});
    let profiles = document(&json!({"profiles": {
        "key": key("sk-x"),
        "mislabelled": key("sk-ant-oat01-x"),
        "token": {"type": "token", "provider": "anthropic", "token": "t", "expires": NOW + 1},
        "no-access": login("", NOW + MINUTE),
        "over": login("x", NOW),
        "live": login("x", NOW + 1),
    }}));
    assert_eq!(order(&profiles), ["live", "no-access", "over", "mislabelled", "token", "key"]);
}

#[test]
fn an_empty_order_selects_nothing_and_says_so() {
    let profiles = document(&json!({"profiles": {"a:1": key("sk-x")}, "order": {"anthropic": []}}));
    let (selector, anthropic) = (ProfileSelector::default(), provider("anthropic"));
    let refusal = selector.select(&profiles, &Query::new(&anthropic), at(NOW)).unwrap_err();
    assert_eq!(refusal.candidates.len(), 1);
    assert!(refusal.candidates.iter().all(|candidate| candidate.verdict == Verdict::ExcludedByOrder));
    assert_eq!((refusal.retry_at, refusal.reason()), (None, None));
    assert_eq!(Error::from(refusal).kind(), ErrorKind::Unavailable);
}

#[test]
fn an_order_of_lost_profiles_is_repaired_with_a_diagnostic() {
    let mut store = json!({"profiles": {"a:1": key("sk-x"), "a:2": key("sk-x")}, "order": {"Anthropic": ["a:gone"]}});
    let (selector, anthropic) = (ProfileSelector::default(), provider("anthropic"));
    let query = Query::new(&anthropic);
    let profiles = document(&store);
    let candidates = selector.candidates(&profiles, &query, at(NOW));
    assert_eq!(order(&profiles), ["a:1", "a:2"]);
    assert!(candidates.diagnostics().iter().any(|diagnostic| diagnostic.code == DiagnosticCode::RepairedOrder));
    assert_eq!(verdict(&profiles, &query, "a:gone"), Verdict::Missing);

    store["order"] = json!({"Anthropic": ["a:gone", "a:2"]});
    let profiles = document(&store);
    assert_eq!(order(&profiles), ["a:2"], "one profile of the order exists, so it stands");
    assert!(selector.candidates(&profiles, &query, at(NOW)).diagnostics().is_empty());
    assert_eq!(verdict(&profiles, &query, "a:1"), Verdict::ExcludedByOrder);
}

#[test]
fn a_configured_order_of_lost_profiles_is_not_repaired_and_the_refusal_names_them() {
    let profiles = keys(&["a:1"]);
    let config = "{ auth: { order: { anthropic: ['a:gone'] } } }";
    let config = Config::from_json5_str(config, &ReadOptions::new()).unwrap();
    let query = Query::new(&provider("anthropic"));
    assert_eq!(config.selector().pick(&profiles, &query, at(NOW)), None);
    let refusal = config.selector().select(&profiles, &query, at(NOW)).unwrap_err();
    let verdicts: Vec<_> = refusal.candidates.iter().map(|one| (one.id.as_str(), one.verdict)).collect();
    assert_eq!(verdicts, [("a:gone", Verdict::Missing), ("a:1", Verdict::ExcludedByOrder)]);
    let help = Error::from(refusal).help().to_owned();
    assert!(help.contains("`auth.order`"), "{help}");
}

#[test]
fn the_help_for_a_provider_without_a_key_names_its_variable() {
    let options = ReadOptions::new().environment(Environment::empty());
    let config = Config::from_json5_str("{}", &options).unwrap();
    for (name, variable) in [("anthropic", "`ANTHROPIC_API_KEY`"), ("openai", "`OPENAI_API_KEY`")] {
        let error = config.resolve(&AuthProfiles::new(), &Query::new(&provider(name)), at(NOW)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MissingApiKey);
        assert!(error.help().contains(variable), "{}", error.help());
    }
}

#[test]
fn a_model_at_rest_leaves_the_others_of_its_profile() {
    let (selector, anthropic) = (ProfileSelector::default(), provider("anthropic"));
    let mut profiles = keys(&["a:1"]);
    let receipt = |model| Receipt::new(id("a:1"), provider("anthropic"), Some(model), at(NOW));
    selector.record_failure(&mut profiles, &receipt("opus"), FailureReason::RateLimit, None, at(NOW)).unwrap();
    let query = Query::new(&anthropic);
    assert!(matches!(
        verdict(&profiles, &query.clone().model("opus"), "a:1"),
        Verdict::Cooling { model_only: true, .. }
    ));
    assert_eq!(verdict(&profiles, &query.clone().model("sonnet"), "a:1"), Verdict::Ready);
    assert!(verdict(&profiles, &query, "a:1").is_cooling_down(), "without a model every window counts");

    selector.record_failure(&mut profiles, &receipt("sonnet"), FailureReason::Timeout, None, at(NOW)).unwrap();
    for (model, rests) in [("opus", true), ("sonnet", true), ("haiku", false)] {
        assert_eq!(verdict(&profiles, &query.clone().model(model), "a:1").is_cooling_down(), rests, "{model}");
    }
    selector.record_failure(&mut profiles, &receipt("haiku"), FailureReason::Auth, None, at(NOW)).unwrap();
    assert!(
        verdict(&profiles, &query.clone().model("gpt"), "a:1").is_cooling_down(),
        "auth concerns the whole profile"
    );
}

#[test]
fn a_locked_profile_is_never_replaced() {
    let (selector, anthropic) = (ProfileSelector::default(), provider("anthropic"));
    let profiles = document(&json!({
        "profiles": {
            "a:1": key("sk-x"), "a:2": key("sk-x"), "a:blank": key(" "),
            "openai:1": {"type": "api_key", "provider": "openai", "key": "sk-o"},
        },
        "order": {"anthropic": ["a:1"]},
        "usageStats": {"a:1": {"cooldownUntil": NOW + MINUTE}},
    }));
    let ask = |name: &str| selector.select(&profiles, &Query::new(&anthropic).locked(id(name)), at(NOW));
    assert_eq!(ask("a:2").unwrap().profile.as_str(), "a:2", "a lock reaches what the order leaves out");
    for (name, kind) in [
        ("a:1", ErrorKind::Unavailable),
        ("a:blank", ErrorKind::MissingCredentials),
        ("a:none", ErrorKind::MissingCredentials),
        ("openai:1", ErrorKind::ProfileNotConfigured),
    ] {
        let refusal = ask(name).unwrap_err();
        assert_eq!(refusal.locked.as_ref().map(ProfileId::as_str), Some(name));
        let others: Vec<_> = refusal.candidates.iter().filter(|other| other.id.as_str() != name).collect();
        assert!(others.iter().all(|other| other.verdict == Verdict::NotRequested));
        assert_eq!(Error::from(refusal).kind(), kind, "{name}");
    }
    let cooling = ask("a:1").unwrap_err();
    assert_eq!(cooling.retry_at, Some(at(NOW + MINUTE)), "the wait is that of the locked profile");
}

#[test]
fn a_preferred_profile_that_rests_leads_the_order_but_is_not_chosen() {
    let (selector, anthropic, wanted) = (ProfileSelector::default(), provider("anthropic"), id("a:2"));
    let profiles = document(&json!({
        "profiles": {"a:1": key("sk-x"), "a:2": key("sk-x")},
        "usageStats": {"a:2": {"cooldownUntil": NOW + MINUTE}},
    }));
    let query = Query::new(&anthropic).preferred(wanted.clone());
    let candidates = selector.candidates(&profiles, &query, at(NOW));
    assert_eq!(candidates.order().next(), Some(&wanted));
    assert_eq!(selector.select(&profiles, &query, at(NOW)).unwrap().profile.as_str(), "a:1");
}

#[test]
fn a_reference_has_to_be_resolved() {
    let reference = json!({"source": "env", "provider": "default", "id": "KEY"});
    let profiles =
        document(&json!({"profiles": {"a:ref": {"type": "api_key", "provider": "anthropic", "keyRef": reference}}}));
    let (selector, anthropic) = (ProfileSelector::default(), provider("anthropic"));
    let query = Query::new(&anthropic);
    let unresolved = |query: &Query| match verdict(&profiles, query, "a:ref") {
        Verdict::UnresolvedReference { reason, .. } => Some(reason),
        _ => None,
    };
    assert_eq!(unresolved(&query), Some(ReferenceFailure::NotLookedUp));
    let found: Resolved =
        [(SecretRef::new("env", "default", "KEY"), Ok(Secret::new(" sk-found\n")))].into_iter().collect();
    let selection = selector.select(&profiles, &query.clone().references(found), at(NOW)).unwrap();
    assert_eq!(selection.credential.secret().expose(), "sk-found");
    let failed: Resolved =
        [(SecretRef::new("env", "default", "KEY"), Err(ReferenceFailure::Denied))].into_iter().collect();
    assert_eq!(unresolved(&query.clone().references(failed)), Some(ReferenceFailure::Denied));
    let damaged = query.references(leading_to(&profiles, "sk found"));
    assert_eq!(verdict(&profiles, &damaged, "a:ref"), Verdict::UnusableSecret);
}

#[test]
fn a_refusal_says_which_reason_and_when() {
    let mut profiles = keys(&["a:1", "a:2", "a:3"]);
    let (selector, anthropic) = (ProfileSelector::default(), provider("anthropic"));
    for (name, reason) in
        [("a:1", FailureReason::RateLimit), ("a:2", FailureReason::RateLimit), ("a:3", FailureReason::Billing)]
    {
        let receipt = Receipt::new(id(name), anthropic.clone(), None, at(NOW));
        selector.record_failure(&mut profiles, &receipt, reason, None, at(NOW)).unwrap();
    }
    let refusal = selector.select(&profiles, &Query::new(&anthropic), at(NOW)).unwrap_err();
    assert_eq!(refusal.reason(), Some(FailureReason::RateLimit));
    assert_eq!(refusal.retry_at, Some(at(NOW + 30 * SECOND)));
    let none = selector.select(&AuthProfiles::new(), &Query::new(&anthropic), at(NOW)).unwrap_err();
    assert_eq!(Error::from(none).kind(), ErrorKind::MissingApiKey);
}

#[test]
fn excluded_profiles_are_left_out_and_nothing_from_outside_takes_their_place() {
    let key = |key: &str| json!({"type": "api_key", "provider": "openai", "key": key});
    let document = json!({"version": 1, "profiles": {"openai:a": key("k-a"), "openai:b": key("k-b")}});
    let profiles = AuthProfiles::from_json(&document.to_string()).unwrap();
    let (selector, openai) = (ProfileSelector::default(), provider("openai"));
    let query = || Query::new(&openai);

    assert_eq!(selector.pick(&profiles, &query().excluding([id("openai:a")]), at(NOW)), Some(&id("openai:b")));
    // Also where it is preferred, and with a session that would choose it.
    let preferred = query().preferred(id("openai:a")).excluding([id("openai:a")]);
    assert_eq!(selector.select(&profiles, &preferred, at(NOW)).unwrap().profile, id("openai:b"));
    for session in 0..20 {
        let query = query().session(session.to_string()).excluding([id("openai:b")]);
        assert_eq!(selector.select(&profiles, &query, at(NOW)).unwrap().profile, id("openai:a"));
    }
    let none = query().excluding([id("openai:a")]).excluding([id("openai:b"), id("openai:gone")]);
    let refusal = selector.select(&profiles, &none, at(NOW)).unwrap_err();
    assert_eq!(refusal.candidates.iter().map(|one| one.verdict).collect::<Vec<_>>(), [Verdict::NotRequested; 2]);
    assert_eq!(refusal.retry_at, None, "waiting does not bring back what the caller left out");

    let inline = InlineCredential::new(Credential::api_key(Secret::new("k-env")), CredentialSource::Caller);
    let error = selector.resolve(&profiles, Some(inline.clone()), &none, at(NOW)).unwrap_err();
    assert!(error.to_string().contains("openai:a was not requested"), "{error}");
    let alone = query().excluding([id("inline-api-key:openai")]);
    let empty = AuthProfiles::new();
    assert!(selector.resolve(&empty, Some(inline.clone()), &alone, at(NOW)).is_err());
    assert!(selector.resolve(&empty, Some(inline), &query(), at(NOW)).is_ok());
}
