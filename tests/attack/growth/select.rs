//! Selecting a profile, and continuing after failures.

use std::sync::Arc;

use provider_auth::failure::FailureReason;
use provider_auth::references::ReferenceResolver;
use provider_auth::rotation::{Rotation, Step};
use provider_auth::select::{ProbePolicy, SelectorRules};
use provider_auth::{AuthProfiles, Error, Failure, ModelRef, ProfileId, ProfileSelector, Query};

use super::profiles::{document, each_its_provider, one_provider, referring, windows};
use super::{check, many, rest, row};
use crate::support::{NOW, at, config, id, leading_to, provider};

fn held(units: usize) -> AuthProfiles {
    document(&one_provider(units))
}

/// Every profile by name, and as many that are none.
fn ids(units: usize) -> Vec<ProfileId> {
    (0..units * 2).map(|n| id(&format!("p0:{n}"))).collect()
}

fn query() -> Query {
    Query::new(&provider("p0")).model("m")
}

fn choose(found: &AuthProfiles) -> (usize, bool) {
    let (selector, query) = (ProfileSelector::default(), query());
    let candidates = selector
        .candidates(found, &query, at(NOW))
        .iter()
        .map(|one| one.clone().into_owned())
        .collect::<Vec<_>>()
        .len();
    (candidates, selector.select(found, &query, at(NOW)).is_ok())
}

fn rotation(model: ModelRef) -> Rotation {
    Rotation::new(Arc::new(ProfileSelector::default()), model, at(NOW))
}

#[test]
fn choosing() {
    check(&[
        row("select: all resting", 100, held, choose),
        row("select: orders and other providers", 200, |n| document(&each_its_provider(n)), choose),
        row(
            "select: an order of names that are none",
            300,
            |n| {
                document(&format!(
                    r#"{{"profiles":{{"p0:0":{{"type":"api_key","provider":"p0","key":"key-for-a-test"}}}},"order":{{"p0":[{}]}}}}"#,
                    rest(&many(n, |n| format!(r#","p0:{}""#, n + 1)))
                ))
            },
            choose,
        ),
        row(
            "select: spellings of the provider in the order",
            200,
            |n| {
                let names = many(n, |n| format!(r#","{}p0{}":["p0:0"]"#, " ".repeat(n % 60), " ".repeat(n / 60)));
                document(&format!(r#"{{"profiles":{{}},"order":{{{}}}}}"#, rest(&names)))
            },
            choose,
        ),
        row("select: the rules of old", 100, held, |found| {
            let selector = ProfileSelector::new(SelectorRules::openclaw_2026_02());
            selector.select(found, &query(), at(NOW)).is_ok()
        }),
        row(
            "select: all left out",
            100,
            |n| (held(n), ids(n)),
            |(found, ids)| {
                ProfileSelector::default().select(found, &query().excluding(ids.iter().cloned()), at(NOW)).is_ok()
            },
        ),
        row("select: a session", 100, held, |found| {
            ProfileSelector::default().pick(found, &query().session("s"), at(NOW + 3_600_000)).is_some()
        }),
        row(
            "select: a long session and model",
            10_000,
            |n| (held(3), "s".repeat(n)),
            |(found, text)| {
                let query = query().session(text.as_str()).model(text.as_str());
                ProfileSelector::default().pick(found, &query, at(NOW)).is_some()
            },
        ),
        row("select: a preferred and a locked one", 100, held, |found| {
            let (selector, query) = (ProfileSelector::default(), query().preferred(id("p0:none")));
            let preferred = selector.select(found, &query, at(NOW)).is_ok();
            (preferred, selector.select(found, &query.locked(id("p0:1")), at(NOW)).is_ok())
        }),
        row("select: a probe", 100, held, |found| {
            let policy = ProbePolicy::default();
            ProfileSelector::default().select_or_probe(found, &query(), &policy, None, at(NOW)).is_ok()
        }),
        row("select: windows of many models", 300, |n| document(&windows(n)), choose),
        row(
            "select: an order and profiles of the configuration",
            100,
            |n| {
                let entries = many(n, |n| format!("'p0:{n}':{{provider:'p0',mode:'api_key'}},"));
                let order = many(n * 2, |n| format!("'p0:{}',", n / 2));
                (held(n), config(&format!("{{auth:{{profiles:{{{entries}}},order:{{p0:[{order}]}}}}}}")))
            },
            |(found, config)| config.resolve(found, &query(), at(NOW)).is_ok(),
        ),
        row(
            "select: references",
            100,
            |n| {
                let found = document(&referring(n));
                let resolved = leading_to(&found, "key-for-a-test");
                (found, resolved)
            },
            |(found, resolved)| {
                ProfileSelector::default().select(found, &query().references(resolved.clone()), at(NOW)).is_ok()
            },
        ),
        row(
            "references: looked up",
            100,
            |n| (document(&referring(n)), config("{}")),
            |(found, config)| {
                let resolver = ReferenceResolver::new();
                let first = resolver.resolve(found, config, at(NOW)).failures().count();
                (first, format!("{:?}", resolver.resolve(found, config, at(NOW))))
            },
        ),
    ]);
}

#[test]
fn going_on() {
    check(&[
        row(
            "rotation: models of which none serves",
            100,
            |n| (0..n).map(|n| format!("p{n}/m").parse().unwrap()).collect::<Vec<ModelRef>>(),
            |models| match rotation(models[0].clone()).fallbacks(models.clone()).next(&AuthProfiles::new(), at(NOW)) {
                Step::End(end) => format!("{end} {end:?} {}", end.unserved().len()),
                step => format!("no profile is there: {step:?}"),
            },
        ),
        row(
            "rotation: one model again and again",
            500,
            |n| vec!["p0/m".parse::<ModelRef>().unwrap(); n],
            |models| rotation(models[0].clone()).fallbacks(models.clone()).models().len(),
        ),
        row("rotation: a failure among many profiles", 100, held, |found| {
            let later = at(NOW + 3_600_000);
            let mut rotation = rotation("p0/m".parse().unwrap());
            let Step::Attempt(attempt) = rotation.next(found, later) else { return None };
            rotation.report(&attempt, Failure::new(FailureReason::RateLimit).into(), later)
        }),
        row(
            "unavailable: shown",
            100,
            |n| ProfileSelector::default().select(&held(n), &query(), at(NOW)).unwrap_err(),
            |refused| {
                let error = Error::from(refused.clone());
                (refused.to_string(), format!("{refused:?}"), format!("{error} {error:?} {}", error.help()))
            },
        ),
    ]);
}
