//! The leak hunter: random secrets in every place where a document may hold one, and every text the crate can make.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a fixture that fails is a failed test"
)]

use std::cell::Cell;
use std::error::Error as StdError;
use std::fmt::{Debug, Display, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Once};
use std::time::Duration;

use proptest::prelude::*;
use provider_auth::select::{Receipt, SelectorRules};
use provider_auth::{
    AuthProfileStore, AuthProfileStoreExt, AuthProfiles, Credential, Error, ErrorKind, Failure, FailureReason,
    MemoryStore, ProfileSelector, Query, RecordOutcome, Secret,
};

use crate::support::{DAY, NOW, at, id, leading_to, provider};

/// Everything that was shown, in one text.
#[derive(Default)]
struct Shown(String);

impl Shown {
    fn debug(&mut self, value: &dyn Debug) {
        writeln!(self.0, "{value:?}\n{value:#?}").unwrap();
    }

    fn display(&mut self, value: &dyn Display) {
        writeln!(self.0, "{value}\n{value:#}").unwrap();
    }

    /// An error with all its causes.
    fn error(&mut self, error: &(dyn StdError + 'static)) {
        self.debug(&error);
        self.display(&error);
        if let Some(source) = error.source() {
            self.error(source);
        }
    }

    fn result<T: Debug>(&mut self, result: Result<T, Error>) {
        self.debug(&result);
        if let Err(error) = result {
            self.display(&error.help());
            self.debug(&error.location());
            self.debug(&error.diagnostics());
            error.diagnostics().iter().for_each(|diagnostic| self.display(diagnostic));
            self.error(&error);
        }
    }

    fn document(&mut self, profiles: &AuthProfiles) {
        self.debug(profiles);
        self.debug(&profiles.to_json());
        self.debug(&profiles.diagnostics());
        profiles.diagnostics().iter().for_each(|diagnostic| self.display(diagnostic));
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

    fn selections(&mut self, profiles: &AuthProfiles, secret: &str) {
        let anthropic = provider("anthropic");
        let names: Vec<_> = profiles.iter().map(|(name, _)| name.clone()).collect();
        for rules in [SelectorRules::default(), SelectorRules::openclaw_2026_02()] {
            let selector = ProfileSelector::new(rules);
            self.debug(&selector);
            for now in [at(0), at(NOW), at(NOW + DAY)] {
                let plain = Query::new(&anthropic);
                let resolving = plain.clone().references(leading_to(profiles, secret));
                let locked = names.iter().map(|name| resolving.clone().locked(name.clone()));
                for query in [plain, resolving.clone()].into_iter().chain(locked) {
                    self.debug(&query);
                    let candidates = selector.candidates(profiles, &query, now);
                    self.debug(&candidates);
                    for candidate in &candidates {
                        self.display(&candidate.verdict);
                        self.debug(&candidate.clone().into_owned());
                    }
                    self.debug(&selector.pick(profiles, &query, now));
                    match selector.select(profiles, &query, now) {
                        Ok(selection) => {
                            self.debug(&selection);
                            self.debug(&(selection.receipt, selection.credential, selection.skipped));
                        }
                        Err(refusal) => {
                            self.debug(&(refusal.reason(), refusal.retry_after()));
                            self.error(&refusal);
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

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(6) })]

    #[test]
    fn no_secret_is_in_any_text(secret in "[A-Za-z0-9_-]{40}") {
        for document in DOCUMENTS {
            let text = document.replace('@', &secret);
            let mut shown = Shown::default();
            let profiles = AuthProfiles::from_json(&text).unwrap();
            shown.document(&profiles);
            shown.selections(&profiles, &secret);
            shown.stores(&profiles);
            let mut changed = profiles.clone();
            for (name, _) in profiles.iter() {
                for credential in [
                    Credential::api_key(Secret::new(secret.as_str())),
                    Credential::token(Secret::new(format!("{secret} {secret}\n")), Some(at(5))),
                    Credential::oauth(Secret::new(secret.as_str()), Some(Secret::new(secret.as_str())), None),
                ] {
                    shown.debug(&credential);
                    shown.result(changed.upsert(name, &provider("anthropic"), &credential, None));
                }
                changed.set_last_good(name);
            }
            shown.document(&changed);
            prop_assert!(changed.to_json().expose().contains(&secret), "the hunt is blind");
            prop_assert!(!shown.0.contains(&secret), "leaked: {}", around(&shown.0, &secret));
        }
    }

    #[test]
    fn no_refusal_to_read_repeats_what_was_read(secret in "[A-Za-z0-9_-]{40}") {
        let mut shown = Shown::default();
        let whole = DOCUMENTS[0].replace('@', &secret);
        for end in (0..whole.len()).step_by(7) {
            shown.result(AuthProfiles::from_json(&whole[..end]).map(drop));
        }
        for broken in [
            "@", "\"@\"", "[\"@\"]", "{\"@\"}", "{\"profiles\":\"@\"}", "{\"profiles\":{\"p\":@}}", "{\"profiles\":{}}@",
            "{\"profiles\":{\"p\":{\"key\":\"@\",\"key\":\"@\"}}}", "{\"profiles\":{\"p\":{\"key\":\"@\u{7}\"}}}",
            "{\"profiles\":{\"p\":{\"key\":\"@\\q\"}}}", "{\"profiles\":{\"p\":{\"key\":1e@}}}",
        ] {
            shown.result(AuthProfiles::from_json(&broken.replace('@', &secret)).map(drop));
        }
        prop_assert!(shown.0.contains("Error"), "nothing was refused");
        prop_assert!(!shown.0.contains(&secret), "leaked: {}", around(&shown.0, &secret));
    }

    #[test]
    fn a_failed_comparison_shows_no_secret(secret in "[A-Za-z0-9_-]{40}") {
        let message = panic_message(|| {
            let own = Credential::api_key(Secret::new(secret.as_str()));
            assert_eq!(own, Credential::api_key(Secret::new("another")));
        });
        prop_assert!(message.contains("redacted") && !message.contains(&secret));
    }
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

/// The neighbourhood of a leak, without the secret.
fn around(text: &str, secret: &str) -> String {
    let at = text.find(secret).unwrap_or(0);
    text.chars()
        .skip(text[..at].chars().count().saturating_sub(200))
        .take(400)
        .collect::<String>()
        .replace(secret, "<secret>")
}
