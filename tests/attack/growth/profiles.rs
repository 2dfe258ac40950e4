//! Documents of credential profiles, and changes to them.

use provider_auth::failure::FailureReason;
use provider_auth::select::Receipt;
use provider_auth::store::{CopyScope, copy_profiles};
use provider_auth::{AuthProfileStoreExt, AuthProfiles, Credential, MemoryStore, ProfileId, ProfileSelector, Secret};

use super::{check, many, rest, row};
use crate::support::{NOW, at, id, provider};

/// So many profiles of one provider, all in its order twice, each with statistics.
pub(super) fn one_provider(units: usize) -> String {
    of_providers(units, 1)
}

/// So many profiles, each of a provider of its own.
pub(super) fn each_its_provider(units: usize) -> String {
    of_providers(units, usize::MAX)
}

fn of_providers(units: usize, providers: usize) -> String {
    let name = |n: usize| format!("p{}", n % providers);
    let profiles = many(units, |n| {
        format!(r#","{}:{n}":{{"type":"api_key","provider":"{}","key":"key-number-{n}","x{n}":1}}"#, name(n), name(n))
    });
    let order = if providers == 1 {
        format!(r#","p0":["none"{}]"#, many(units * 2, |n| format!(r#","p0:{}""#, n / 2)))
    } else {
        many(units, |n| format!(r#","p{n}":["p{n}:{n}","p{n}:{n}","none"]"#))
    };
    let usage = many(units, |n| {
        format!(r#","{}:{n}":{{"lastUsed":{NOW},"errorCount":1,"cooldownUntil":{},"u{n}":0}}"#, name(n), NOW + 60_000)
    });
    let last = many(units, |n| format!(r#","p{n}":"p{n}:{n}""#));
    format!(
        r#"{{"version":1,"profiles":{{{}}},"order":{{{}}},"lastGood":{{{}}},"usageStats":{{{}}}}}"#,
        rest(&profiles),
        rest(&order),
        rest(&last),
        rest(&usage)
    )
}

/// So many profiles whose key is a reference to a variable.
pub(super) fn referring(units: usize) -> String {
    let reference = |n| format!(r#"{{"source":"env","provider":"default","id":"V{n}"}}"#);
    let entry = |n| format!(r#","p0:{n}":{{"type":"api_key","provider":"p0","keyRef":{}}}"#, reference(n));
    format!(r#"{{"profiles":{{{}}}}}"#, rest(&many(units, entry)))
}

/// So many profiles with a placeholder for a key, each of a provider of its own.
pub(super) fn implausible(units: usize) -> String {
    let entry = |n| format!(r#","p{n}:a":{{"type":"api_key","provider":"p{n}","key":"<your-key-here>"}}"#);
    format!(r#"{{"profiles":{{{}}}}}"#, rest(&many(units, entry)))
}

/// One profile that rests for so many models.
pub(super) fn windows(units: usize) -> String {
    let window = |n| format!(r#","model-{n}":{{"until":{},"reason":"rate_limit"}}"#, NOW + 1_000);
    let counts = many(units, |n| format!(r#","r{n}":1"#));
    format!(
        r#"{{"profiles":{{"p0:0":{{"type":"api_key","provider":"p0","key":"key-for-a-test"}}}},"usageStats":{{"p0:0":{{"modelCooldowns":{{{}}},"failureCounts":{{{}}}}}}}}}"#,
        rest(&many(units, window)),
        rest(&counts)
    )
}

pub(super) fn document(text: &str) -> AuthProfiles {
    AuthProfiles::from_json(text).unwrap()
}

fn read(text: &String) -> Result<AuthProfiles, provider_auth::Error> {
    AuthProfiles::from_json(text)
}

fn ids(units: usize) -> Vec<ProfileId> {
    (0..units).map(|n| id(&format!("p0:{n}"))).collect()
}

fn key() -> Credential {
    Credential::api_key(Secret::new("key-for-a-test"))
}

#[test]
fn reading() {
    let shaped = |open: &'static str, unit: &'static str, close: &'static str| {
        move |units| format!("{open}{}{close}", unit.repeat(units))
    };
    check(&[
        row("profiles: of one provider", 40, one_provider, read),
        row("profiles: of many providers", 40, each_its_provider, read),
        row(
            "profiles: unknown kinds",
            120,
            |n| {
                format!(
                    r#"{{"profiles":{{{}}}}}"#,
                    rest(&many(n, |n| format!(r#","a:{n}":{{"type":"t{n}","provider":"a"}}"#)))
                )
            },
            read,
        ),
        row(
            "profiles: no objects",
            120,
            |n| format!(r#"{{"profiles":{{{}}}}}"#, rest(&many(n, |n| format!(r#","a:{n}":{n}"#)))),
            read,
        ),
        row("profiles: unknown keys", 200, |n| format!("{{{}}}", rest(&many(n, |n| format!(r#","k{n}":{n}"#)))), read),
        row(
            "profiles: unknown keys of one profile",
            200,
            |n| {
                let keys = many(n, |n| format!(r#","k{n}":{n}"#));
                format!(r#"{{"profiles":{{"a:b":{{"type":"api_key","provider":"a","key":"key-for-a-test"{keys}}}}}}}"#)
            },
            read,
        ),
        row("profiles: windows of one profile", 200, windows, read),
        row(
            "profiles: one name in many cases",
            80,
            |n| {
                format!(
                    r#"{{"profiles":{{}},"order":{{{}}},"lastGood":{{{}}}}}"#,
                    rest(&many(n, |n| format!(r#","{}a":["a:b"]"#, " ".repeat(n % 40)).replace("     ", "\\t"))),
                    rest(&many(n, |n| format!(r#","a{}":"a:b""#, " ".repeat(n % 40))))
                )
            },
            read,
        ),
        row(
            "profiles: an order of names that are none",
            200,
            |n| format!(r#"{{"profiles":{{}},"order":{{"a":[{}""]}}}}"#, "7,\"\",".repeat(n)),
            read,
        ),
        row(
            "profiles: long texts",
            4_000,
            |n| {
                let text = "\\u00e4".repeat(n);
                format!(r#"{{"profiles":{{"a:{text}":{{"type":"api_key","provider":"{text}","key":"{text}"}}}}}}"#)
            },
            read,
        ),
        row(
            "profiles: secrets to clean",
            80,
            |n| {
                let entry = |n| {
                    format!(
                        r#","a:{n}":{{"type":"token","provider":"a","token":" \"Bearer abc def-{n}\"\n","expires":{n}}}"#
                    )
                };
                format!(r#"{{"profiles":{{{}}}}}"#, rest(&many(n, entry)))
            },
            read,
        ),
        row("profiles: references", 80, referring, |text| read(text).map(|found| found.references().count())),
        row(
            "profiles: deep again and again",
            20,
            |n| {
                format!(
                    r#"{{"profiles":{{}},"x":[0{}]}}"#,
                    many(n, |_| format!(",{}{}", "[".repeat(90), "]".repeat(90)))
                )
            },
            read,
        ),
        row("profiles: deep without end", 2_000, shaped("", r#"{"a":"#, ""), read),
        row("profiles: one key twice", 200, |n| format!(r#"{{{}"k0":1}}"#, many(n, |n| format!(r#""k{n}":1,"#))), read),
        row("profiles: white space", 8_000, shaped("{", " \r\n\t", "}"), read),
    ]);
}

#[test]
fn changing() {
    let both = |units| (document(&one_provider(units)), ids(units));
    check(&[
        row("profiles: written", 40, |n| document(&one_provider(n)), AuthProfiles::to_json),
        row("profiles: debug", 40, |n| document(&one_provider(n)), |found| format!("{found:?}")),
        row(
            "profiles: shown diagnostics",
            80,
            |n| document(&format!(r#"{{"profiles":{{{}}}}}"#, rest(&many(n, |n| format!(r#","a:{n}":{n}"#))))),
            |found| found.diagnostics().iter().map(ToString::to_string).collect::<String>(),
        ),
        row("profiles: stored one by one", 40, ids, |ids| {
            let mut found = AuthProfiles::new();
            ids.iter().filter(|id| found.upsert(id, &provider("p0"), &key(), None).is_ok()).count()
        }),
        row("profiles: replaced one by one", 40, both, |(found, ids)| {
            let mut found = found.clone();
            ids.iter().filter(|id| found.upsert(id, &provider("p0"), &key(), None).is_ok()).count()
        }),
        row("profiles: an order set", 200, both, |(found, ids)| {
            let (mut found, ids) = (found.clone(), [ids.as_slice(), ids].concat());
            found.set_order(&provider("p0"), &ids).map(|()| found.to_json())
        }),
        row("profiles: good ones set one by one", 20, both, |(found, ids)| {
            let mut found = found.clone();
            ids.iter().for_each(|id| found.set_last_good(id));
            found
        }),
        row(
            "profiles: an order among many set",
            40,
            |n| document(&each_its_provider(n)),
            |found| {
                let mut found = found.clone();
                found.set_order(&provider("p1"), &[]).map(|()| found)
            },
        ),
        row("profiles: one removed", 80, both, |(found, ids)| {
            let mut found = found.clone();
            ids.first().map(|id| found.remove(id))
        }),
        row("profiles: failures recorded one by one", 20, both, |(found, ids)| {
            let (mut found, selector) = (found.clone(), ProfileSelector::default());
            for id in ids {
                let receipt = Receipt::new(id.clone(), provider("p0"), Some("m"), at(NOW));
                selector.record_failure(&mut found, &receipt, FailureReason::RateLimit, None, at(NOW)).unwrap();
                let receipt = Receipt::new(id.clone(), provider("p0"), Some("m"), at(NOW));
                selector.record_success(&mut found, &receipt, at(NOW)).unwrap();
                selector.clear_cooldown(&mut found, id).unwrap();
            }
            found
        }),
        row(
            "profiles: a failure of one of many models",
            120,
            |n| document(&windows(n)),
            |found| {
                let mut found = found.clone();
                let receipt = Receipt::new(id("p0:0"), provider("p0"), Some("m"), at(NOW));
                ProfileSelector::default().record_failure(&mut found, &receipt, FailureReason::RateLimit, None, at(NOW))
            },
        ),
        row("profiles: copied to another store", 40, both, |(found, _)| {
            let to = MemoryStore::new(AuthProfiles::new());
            copy_profiles(&MemoryStore::new(found.clone()), &to, CopyScope::default())
        }),
        row("profiles: an order set in a store", 120, both, |(found, ids)| {
            MemoryStore::new(found.clone()).set_order(&provider("p0"), ids)
        }),
    ]);
}
