//! The rules of February 2026 compared with a naive model of that version: the same order and the same statistics, to
//! the millisecond, for any well-typed document, any sequence of events and any clock.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a fixture that fails is a failed test")]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "the model's moments are doubles")]

use proptest::prelude::*;
use proptest::sample::select;
use provider_auth::select::{Receipt, SelectorRules};
use provider_auth::{Config, FailureReason, ProfileSelector, Query};
use serde_json::{Map, Value, json};

use crate::february;
use crate::support::{DAY, HOUR, MINUTE, NOW, SECOND, YEAR, at, document, exact, id, options, provider, written};

const IDS: [&str; 12] = [
    "anthropic:a",
    "10",
    "anthropic:b",
    "2",
    "zai:a",
    "007",
    "anthropic:c",
    "4294967295",
    "0",
    "zai:b",
    "4294967294",
    "-1",
];
const PROVIDERS: [&str; 7] = ["anthropic", "anthropic", "Anthropic", " ANTHROPIC ", "zai", "z.ai", "Z-AI"];
/// The reasons that version knew.
const REASONS: [&str; 6] = ["auth", "format", "rate_limit", "billing", "timeout", "unknown"];
const SECRETS: [&str; 12] = [
    "sk-a",
    "sk-b",
    "sk-ant-oat01-x",
    "two words",
    "br\noken",
    "",
    "  ",
    "\u{feff}\u{a0}",
    "\u{85}",
    "\n\u{2028}",
    "\u{200b}",
    "\u{3000}\u{2003}\u{1680}",
];

fn secret() -> impl Strategy<Value = &'static str> {
    prop_oneof![2 => Just("sk-ok"), 1 => select(&SECRETS[..])]
}

/// Any finite number, most of them near the places where rules change.
fn number() -> BoxedStrategy<Value> {
    let near = (select(vec![0, SECOND, MINUTE, HOUR, DAY, YEAR]), -3_i64..4, -2_i64..3);
    prop_oneof![
        4 => near.prop_map(|(unit, times, off)| json!(NOW + unit * times + off)),
        3 => (-3_i64..15).prop_map(|n| json!(n)),
        2 => (-40_i64..60).prop_map(|n| json!(n as f64 / 8.0)),
        1 => (-20_i64..20).prop_map(|n| json!(NOW as f64 + n as f64 / 4.0)),
        1 => select(vec![0.0, -0.0, 1e300, -1e300, f64::MAX, f64::MIN, 5e-324, 8.64e15, 9.007_199_254_740_993e15, 1e16])
            .prop_map(|n| json!(n)),
    ]
    .boxed()
}

/// An object with some of these members.
fn object(members: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let members: Vec<_> =
        members.into_iter().map(|(key, value)| proptest::option::of(value.prop_map(move |v| (key, v)))).collect();
    members.prop_map(|some| some.into_iter().flatten().map(|(key, value)| (key.to_owned(), value)).collect()).boxed()
}

fn profile() -> impl Strategy<Value = Value> {
    let extra = object(vec![
        ("email", Just(json!("user@example.com")).boxed()),
        ("x-later", number()),
        ("keyRef", Just(json!({"source": "env", "provider": "default", "id": "KEY"})).boxed()),
    ]);
    let kinds = select(vec!["api_key", "token", "oauth"]);
    (kinds, select(&PROVIDERS[..]), secret(), secret(), proptest::option::of(number()), extra).prop_map(
        |(kind, provider, first, second, expires, extra)| {
            let mut entry = match kind {
                "api_key" => json!({"type": kind, "provider": provider, "key": first}),
                "token" => json!({"type": kind, "provider": provider, "token": first}),
                _ => json!({"type": kind, "provider": provider, "access": first, "refresh": second}),
            };
            let entry_map = entry.as_object_mut().unwrap();
            if kind == "oauth" || expires.is_some() {
                entry_map.insert("expires".to_owned(), expires.unwrap_or_else(|| json!(NOW)));
            }
            entry_map.extend(extra.as_object().unwrap().clone());
            entry
        },
    )
}

fn stats() -> BoxedStrategy<Value> {
    let counts = object(REASONS.iter().map(|reason| (*reason, number())).collect());
    let model = Just(json!({"m": {"until": NOW + YEAR, "since": NOW, "reason": "rate_limit"}})).boxed();
    object(vec![
        ("lastUsed", number()),
        ("cooldownUntil", number()),
        ("disabledUntil", number()),
        ("disabledReason", Just(json!("billing")).boxed()),
        ("errorCount", number()),
        ("failureCounts", counts),
        ("lastFailureAt", number()),
        ("cooldownReason", Just(json!("rate_limit")).boxed()),
        ("cooldownModel", Just(json!("m")).boxed()),
        ("blockedUntil", number()),
        ("modelCooldowns", model),
        ("successPickedAt", Just(json!({"": NOW, "m": NOW + YEAR})).boxed()),
        ("later", Just(json!({"kept": [1, null]})).boxed()),
    ])
}

fn store() -> impl Strategy<Value = Value> {
    let some_ids = proptest::sample::subsequence(IDS.to_vec(), 0..IDS.len()).prop_shuffle();
    let profiles = some_ids.prop_flat_map(|ids| {
        let entries: Vec<_> =
            ids.into_iter().map(|id| profile().prop_map(move |entry| (id.to_owned(), entry))).collect();
        entries.prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<_, _>>()))
    });
    let list = proptest::collection::vec(select(&IDS[..]), 0..8).prop_map(|ids| json!(ids)).boxed();
    let orders = object(PROVIDERS[1..].iter().map(|name| (*name, list.clone())).collect());
    let usage = object(IDS.iter().map(|id| (*id, stats())).collect());
    let absent = || Just(Value::Null);
    (profiles, prop_oneof![2 => absent().boxed(), 1 => orders], prop_oneof![1 => absent().boxed(), 4 => usage])
        .prop_map(|(profiles, order, usage)| {
            let mut store = json!({"version": 1, "profiles": profiles, "lastGood": {"anthropic": "anthropic:b"}});
            for (key, value) in [("order", order), ("usageStats", usage)] {
                if !value.is_null() {
                    store[key] = value;
                }
            }
            store
        })
}

/// One step: how the clock moves, whom it concerns, and what happens.
#[derive(Clone, Debug)]
struct Step {
    jump: i64,
    aim: Aim,
    id: &'static str,
    event: Event,
}

/// The moments at which rules change, to which the clock is often set.
#[derive(Clone, Copy, Debug)]
enum Aim {
    Free,
    WindowEnd,
    FailureForgotten,
    TokenEnd,
}

impl Aim {
    fn moment(self, model: &Value, id: &str) -> Option<i64> {
        let stats = model["usageStats"].get(id);
        let moment = match self {
            Self::Free => None,
            Self::WindowEnd => stats.and_then(february::unusable_until),
            Self::FailureForgotten => {
                stats.and_then(|stats| february::number(stats, "lastFailureAt")).map(|last| last + DAY as f64)
            }
            Self::TokenEnd => model["profiles"].get(id).and_then(|profile| february::number(profile, "expires")),
        };
        moment.filter(|moment| moment.abs() < 9e15).map(|moment| moment as i64)
    }
}

#[derive(Clone, Debug)]
enum Event {
    Success,
    Failure(&'static str),
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    let jump = (select(vec![0, 1, SECOND, MINUTE, HOUR, DAY, YEAR]), -2_i64..4, -1_i64..2);
    let event = prop_oneof![
        2 => Just(Event::Success),
        6 => select(&REASONS[..]).prop_map(Event::Failure),
        1 => Just(Event::Clear),
    ];
    let aim = select(vec![Aim::Free, Aim::Free, Aim::Free, Aim::WindowEnd, Aim::FailureForgotten, Aim::TokenEnd]);
    let whom = prop_oneof![4 => select(&IDS[..]), 2 => Just("anthropic:a"), 1 => Just("anthropic:ghost")];
    (jump, aim, whom, event).prop_map(|((unit, times, off), aim, id, event)| Step {
        jump: unit * times + off,
        aim,
        id,
        event,
    })
}

/// The configuration's `auth`, or null for none.
fn auth() -> impl Strategy<Value = Value> {
    let mode = select(vec!["api_key", "token", "oauth", "aws-sdk"]);
    let entry = (select(&PROVIDERS[..]), mode).prop_map(|(provider, mode)| json!({"provider": provider, "mode": mode}));
    let some_ids = proptest::sample::subsequence(IDS.to_vec(), 0..5).prop_shuffle();
    let profiles = some_ids.prop_flat_map(move |ids| {
        let entries: Vec<_> = ids.into_iter().map(|id| entry.clone().prop_map(move |e| (id.to_owned(), e))).collect();
        entries.prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<_, _>>()))
    });
    let list = proptest::collection::vec(select(&IDS[..]), 0..6).prop_map(|ids| json!(ids)).boxed();
    let order = object(vec![("anthropic", list.clone()), ("Z.AI", list)]);
    let hours = || select(vec![0.001, 0.5, 1.0, 5.0, 23.0, 30.0, 0.333, 100.0]).prop_map(|hours| json!(hours)).boxed();
    let by_provider = object(vec![("Anthropic", hours()), ("zai", hours())]);
    let cooldowns = object(vec![
        ("billingBackoffHours", hours()),
        ("billingBackoffHoursByProvider", by_provider),
        ("billingMaxHours", hours()),
        ("failureWindowHours", hours()),
    ]);
    let parts = vec![("profiles", profiles.boxed()), ("order", order), ("cooldowns", cooldowns)];
    prop_oneof![1 => Just(Value::Null).boxed(), 3 => object(parts)]
}

fn check(
    selector: &ProfileSelector,
    profiles: &provider_auth::AuthProfiles,
    (model, config): (&Value, &Value),
    preferred: &str,
    now: i64,
) -> Result<(), TestCaseError> {
    for wanted in ["anthropic", "zai"] {
        for preferred in [None, Some(preferred)] {
            let mut query = Query::new(&provider(wanted));
            if let Some(front) = preferred {
                query = query.preferred(id(front));
            }
            let candidates = selector.candidates(profiles, &query, at(now));
            let ours: Vec<&str> = candidates.order().map(provider_auth::ProfileId::as_str).collect();
            prop_assert_eq!(
                ours,
                february::order(model, config, wanted, preferred, now as f64),
                "order of {} at {}",
                wanted,
                now
            );
        }
    }
    let ours = written(profiles);
    prop_assert_eq!(&ours["usageStats"], &model["usageStats"], "statistics at {}", now);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_and_statistics_equal_those_of_february_2026(
        store in store(),
        config in auth(),
        steps in proptest::collection::vec(step(), 1..12),
        preferred in select(&IDS[..]),
    ) {
        let text = json!({"auth": if config.is_null() { json!({}) } else { config.clone() }}).to_string();
        let read = Config::from_json5_str(&text, &options()).unwrap();
        let read = read.with_rules(SelectorRules::openclaw_2026_02());
        let selector = read.selector();
        let mut profiles = document(&store);
        let mut model = exact(&store.to_string());
        // The exact reading sorts names; the model needs them as the file has them.
        model["profiles"] = store["profiles"].clone();
        model["order"] = store["order"].clone();
        let mut now = NOW;
        check(selector, &profiles, (&model, &config), preferred, now)?;
        for step in steps {
            now = match step.aim.moment(&model, step.id) {
                Some(moment) => moment + step.jump.signum(),
                None => now + step.jump,
            };
            check(selector, &profiles, (&model, &config), preferred, now)?;
            let owner = model["profiles"][step.id]["provider"].as_str().unwrap_or("anthropic").to_owned();
            let receipt = Receipt::new(id(step.id), provider(&owner), None, at(now));
            match step.event {
                Event::Success => {
                    selector.record_success(&mut profiles, &receipt, at(now)).unwrap();
                    february::mark_used(&mut model, step.id, now as f64);
                }
                Event::Failure(reason) => {
                    let named = FailureReason::from_name(reason).unwrap();
                    selector.record_failure(&mut profiles, &receipt, named, None, at(now)).unwrap();
                    february::mark_failure(&mut model, &config, step.id, reason, now as f64);
                }
                Event::Clear => {
                    selector.clear_cooldown(&mut profiles, &id(step.id)).unwrap();
                    february::clear(&mut model, step.id);
                }
            }
            check(selector, &profiles, (&model, &config), preferred, now)?;
        }
    }
}

#[test]
fn the_model_itself_keeps_the_documented_figures() {
    let mut store = json!({"profiles": {"a": {"type": "api_key", "provider": "anthropic", "key": "k"}}});
    for (failure, minutes) in [1.0, 5.0, 25.0, 60.0, 60.0].into_iter().enumerate() {
        let now = 1e12 + failure as f64;
        february::mark_failure(&mut store, &Value::Null, "a", "rate_limit", now);
        assert_eq!(store["usageStats"]["a"]["cooldownUntil"], json!(now + minutes * 60_000.0));
    }
    for hours in [5.0, 10.0, 20.0, 24.0, 24.0] {
        february::mark_failure(&mut store, &Value::Null, "a", "billing", 1e12);
        assert_eq!(store["usageStats"]["a"]["disabledUntil"], json!(1e12 + hours * 3_600_000.0));
    }
    assert_eq!(store["usageStats"]["a"]["errorCount"], json!(10.0));
    assert_eq!(february::enumerate(json!({"b": 0, "10": 0, "2": 0, "02": 0}).as_object()), ["2", "10", "b", "02"]);
}
