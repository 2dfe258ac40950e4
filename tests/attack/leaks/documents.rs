//! Secrets in every field of a document of profiles, where they belong and where they do not.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Once};
use std::time::Duration;

use provider_auth::select::{Receipt, SelectorRules};
use provider_auth::{
    AuthProfileStore, AuthProfileStoreExt, AuthProfiles, Credential, Error, ErrorKind, Failure, FailureReason,
    MemoryStore, ProfileSelector, Query, RecordOutcome, Secret,
};

use super::{Heard, cuts, hunt, is_short};
use crate::support::{DAY, NOW, at, id, leading_to, provider};

impl Heard {
    fn document(&mut self, profiles: &AuthProfiles) {
        self.debug(profiles);
        self.debug(&profiles.to_json());
        self.diagnostics(profiles.diagnostics());
        self.debug(&(profiles.dirty_state(), profiles.version(), profiles.len(), profiles.check_writable()));
        for (name, profile) in profiles.iter() {
            self.debug(name);
            self.debug(profile);
            self.debug(&(profile.credential(), profile.secret_ref(), profile.provider(), profile.expires()));
            self.debug(&(profile.kind(), profile.stored_kind(), profile.email(), profile.display_name()));
            self.debug(&profile.credential().map(Credential::secret));
        }
        for (name, stats) in profiles.usage_stats() {
            self.debug(&(name, stats));
        }
        for owner in ["anthropic", "openai"] {
            self.debug(&(profiles.order(&provider(owner)), profiles.last_good(&provider(owner))));
        }
    }

    fn selections(&mut self, profiles: &AuthProfiles) {
        let anthropic = provider("anthropic");
        let names: Vec<_> = profiles.iter().map(|(name, _)| name.clone()).collect();
        // One set of rules and one moment where nobody has more time: they are in few of the texts.
        let (rules, moments) =
            ([SelectorRules::default(), SelectorRules::openclaw_2026_02()], [at(NOW), at(0), at(NOW + DAY)]);
        let most = if is_short() { 1 } else { moments.len() };
        for rules in rules.into_iter().take(most) {
            let selector = ProfileSelector::new(rules);
            self.debug(&selector);
            for now in moments.into_iter().take(most) {
                let plain = Query::new(&anthropic);
                let resolving = plain.clone().references(leading_to(profiles, &self.secret));
                let locked = names.iter().map(|name| resolving.clone().locked(name.clone()));
                for query in [plain, resolving.clone()].into_iter().chain(locked) {
                    self.debug(&query);
                    let candidates = selector.candidates(profiles, &query, now);
                    self.debug(&candidates);
                    for candidate in &candidates {
                        self.display(&candidate.verdict);
                        self.debug(&candidate.verdict);
                    }
                    self.debug(&selector.pick(profiles, &query, now));
                    match selector.select(profiles, &query, now) {
                        Ok(selection) => {
                            self.debug(&selection);
                            self.debug(&(selection.receipt, selection.credential, selection.skipped));
                        }
                        Err(refusal) => {
                            self.debug(&(refusal.reason(), refusal.retry_after()));
                            self.chain(&refusal);
                            self.result(Err::<(), _>(Error::from(refusal)));
                        }
                    }
                }
            }
        }
    }

    fn stores(&mut self, profiles: &AuthProfiles) {
        let store = Arc::new(MemoryStore::new(profiles.clone()));
        self.debug(&store);
        self.debug(&(Arc::clone(&store) as Arc<dyn AuthProfileStore>));
        self.debug(&store.load().unwrap());
        self.debug(&store.lease(&id("p:0"), Duration::ZERO));
        let selector = ProfileSelector::default();
        for name in profiles.iter().map(|(name, _)| name.clone()).chain([id("nobody")]) {
            let receipt = || Receipt::new(name.clone(), provider("anthropic"), Some("opus"), at(NOW));
            self.result(store.record_failure(&selector, &receipt(), &Failure::new(FailureReason::Billing), at(NOW)));
            self.result(store.record_success(&selector, &receipt(), at(NOW)));
            self.result(store.clear_cooldown(&selector, &name));
            self.result(store.set_order(&provider("anthropic"), std::slice::from_ref(&name)));
        }
        self.result(store.update(&mut |_| Err(Error::new(ErrorKind::UpdateFailed, "refused"))));
        self.result(store.update(&mut |draft| store.transact(|_| Ok(())).inspect(|()| draft.committed())));
        self.debug(&store.load().unwrap());
        self.document(&store.load().unwrap());
    }
}

/// Every place of a document that may hold a secret; `@` stands for one.
const DOCUMENTS: [&str; 6] = [
    // Where they belong.
    r#"{"profiles": {
        "p:0": {"type": "api_key", "provider": "anthropic", "key": "@"},
        "p:1": {"type": "api_key", "provider": "anthropic", "apiKey": "@"},
        "p:2": {"mode": "api_key", "provider": "anthropic", "api_key": "@"},
        "p:3": {"type": "token", "provider": "anthropic", "token": "@", "expires": 1},
        "p:4": {"type": "oauth", "provider": "anthropic", "access": "@", "refresh": "@", "expires": 1700000000001},
        "p:5": {"type": "oauth", "provider": "anthropic", "access": "", "refresh": "@"},
        "p:6": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-oat01-@"},
        "p:7": {"type": "api_key", "provider": "anthropic", "key": "@", "apiKey": "@", "api_key": "@", "keyRef": "@"}
    }, "usageStats": {"p:0": {"cooldownUntil": 1700000000001, "cooldownReason": "billing"}, "p:1": {"disabledUntil": 1700000000001}}}"#,
    // Damaged ones.
    r#"{"profiles": {
        "p:0": {"type": "api_key", "provider": "anthropic", "key": " @\n@ "},
        "p:1": {"type": "token", "provider": "anthropic", "token": "@ \u0007 @"},
        "p:2": {"type": "token", "provider": "anthropic", "token": "\u00e9@", "expires": "@"},
        "p:3": {"type": "oauth", "provider": "anthropic", "access": "@ @", "refresh": " \n", "expires": "@"}
    }}"#,
    // In members of the wrong type, and in unknown ones.
    r#"{"x-top": "@", "x-deep": [{"key": "@"}], "profiles": {
        "p:0": {"type": "api_key", "provider": "anthropic", "key": ["@"], "x": "@", "metadata": {"@": "@"}},
        "p:1": {"type": "api_key", "provider": "anthropic", "key": {"source": "env", "id": "X", "value": "@"}},
        "p:2": {"type": "token", "provider": "anthropic", "token": {"@": "@"}, "tokenRef": ["@"]},
        "p:3": {"type": "oauth", "provider": "anthropic", "access": ["@"], "refresh": {"@": 1}, "clientSecret": "@"},
        "p:4": {"type": "token", "provider": "anthropic", "access": "@", "refresh": "@", "key": "@"}
    }}"#,
    // In entries nobody understands.
    r#"{"profiles": {
        "p:0": {"type": "entangled", "provider": "anthropic", "key": "@", "blob": {"access": "@"}},
        "p:1": {"provider": "anthropic", "key": "@", "token": "@"},
        "p:2": {"type": "api_key", "key": "@"},
        "p:3": "@",
        "p:4": ["@"],
        "p:5": {"type": "@", "provider": "anthropic"},
        "p:6": {"type": ["@"], "mode": "@", "provider": "anthropic"}
    }, "version": "@"}"#,
    // In sections of the wrong type.
    r#"{"profiles": {"p:0": {"type": "api_key", "provider": "anthropic", "key": "@"}},
        "order": "@", "lastGood": ["@"], "usageStats": "@"}"#,
    r#"{"profiles": {"p:0": {"type": "api_key", "provider": "anthropic", "key": "@"}},
        "order": {"anthropic": {"@": "@"}}, "lastGood": {"anthropic": ["@"]},
        "usageStats": {"p:0": {"lastUsed": "@", "x": "@", "failureCounts": {"auth": "@"}, "cooldownReason": "@"}, "p:1": "@"}}"#,
];

pub(super) fn stored(heard: &mut Heard) {
    let secret = heard.secret.clone();
    for document in DOCUMENTS {
        let profiles = AuthProfiles::from_json(&document.replace('@', &heard.written())).unwrap();
        heard.document(&profiles);
        heard.selections(&profiles);
        heard.stores(&profiles);
        let mut changed = profiles.clone();
        for (name, _) in profiles.iter() {
            for credential in [
                Credential::api_key(Secret::new(secret.as_str())),
                Credential::token(Secret::new(format!("{secret} {secret}\n")), Some(at(5))),
                Credential::oauth(Secret::new(secret.as_str()), Some(Secret::new(secret.as_str())), None),
            ] {
                heard.debug(&credential);
                heard.result(changed.upsert(name, &provider("anthropic"), &credential, None));
            }
            changed.set_last_good(name);
        }
        heard.document(&changed);
        assert!(heard.hears(changed.to_json().expose()).is_some(), "the hunt is blind");
    }
}

#[test]
fn no_secret_of_a_document_is_in_any_text() {
    hunt("documents", 500, stored);
}

#[test]
fn no_refusal_to_read_a_document_repeats_what_was_read() {
    hunt("damaged documents", 100, |heard| {
        let whole = DOCUMENTS[0].replace('@', "~").into_bytes();
        for at in cuts(whole.len(), heard.kind) {
            // Cut off there, or with one byte that is another.
            let mut bent = whole.clone();
            bent[at] = b'\\';
            for damaged in [&whole[..at], &bent[..]] {
                let damaged = String::from_utf8_lossy(damaged).replace('~', &heard.written());
                if let Err(error) = AuthProfiles::from_json(&damaged) {
                    heard.error(&error);
                }
            }
        }
        for broken in [
            "@",
            "\"@\"",
            "[\"@\"]",
            "{\"@\"}",
            "{\"profiles\":\"@\"}",
            "{\"profiles\":{\"p\":@}}",
            "{\"profiles\":{}}@",
            "{\"profiles\":{\"p\":{\"key\":\"@\",\"key\":\"@\"}}}",
            "{\"profiles\":{\"p\":{\"key\":\"@\u{7}\"}}}",
            "{\"profiles\":{\"p\":{\"key\":\"@\\q\"}}}",
            "{\"profiles\":{\"p\":{\"key\":1e@}}}",
        ] {
            for secret in [heard.secret.clone(), heard.written()] {
                heard.result(AuthProfiles::from_json(&broken.replace('@', &secret)).map(drop));
            }
        }
    });
}

#[test]
fn a_failed_comparison_shows_no_secret() {
    hunt("comparisons", 1, |heard| {
        let own = Credential::api_key(Secret::new(heard.secret.as_str()));
        let message = panic_message(|| assert_eq!(own, Credential::api_key(Secret::new("another"))));
        assert!(message.contains("redacted"));
        heard.text(&message);
    });
}

/// What a panic says, without printing it. Panics of other threads are printed as ever: they are of other tests.
fn panic_message(work: impl FnOnce()) -> String {
    thread_local!(static QUIET: Cell<bool> = const { Cell::new(false) });
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                hook(panic);
            }
        }));
    });
    QUIET.set(true);
    let panic = catch_unwind(AssertUnwindSafe(work));
    QUIET.set(false);
    *panic.unwrap_err().downcast::<String>().unwrap()
}
