//! The default rules compared with a naive model, and properties of every selection.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a fixture that fails is a failed test")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::select;
use provider_auth::select::{Receipt, SelectorRules, Verdict};
use provider_auth::{AuthProfiles, FailureReason, ProfileSelector, Query};
use serde_json::{Map, Value, json};

use crate::support::{DAY, HOUR, MINUTE, NOW, SECOND, YEAR, at, document, id, provider};

/// The naive model of one profile at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Ready { tier: u8, last_used: i64 },
    Resting { until: i64 },
    Unfit,
}

fn windows<'a>(stats: &'a Value, model: Option<&'a str>) -> Vec<i64> {
    let concerns = |scope: Option<&str>| scope.is_none() || model.is_none() || scope == model;
    let mut ends = vec![stats["disabledUntil"].as_i64()];
    if concerns(stats["cooldownModel"].as_str()) {
        ends.push(stats["cooldownUntil"].as_i64());
    }
    let blocked_for = stats["blockedModel"].as_str().filter(|_| stats["blockedScope"] == "model");
    if concerns(blocked_for) {
        ends.push(stats["blockedUntil"].as_i64());
    }
    for (name, window) in stats["modelCooldowns"].as_object().into_iter().flatten() {
        if concerns(Some(name)) {
            ends.push(window["until"].as_i64());
        }
    }
    ends.into_iter().flatten().collect()
}

fn state(store: &Value, id: &str, model: Option<&str>, now: i64) -> State {
    let (profile, stats) = (&store["profiles"][id], &store["usageStats"][id]);
    if profile["provider"] != "anthropic" {
        return State::Unfit;
    }
    let has = |key: &str| profile[key].as_str().is_some_and(|text| !text.trim().is_empty());
    let usable = |key: &str| profile[key].as_str().is_some_and(|text| !text.contains(' '));
    let over = profile["expires"].as_i64().is_some_and(|end| now >= end);
    let invalid = profile["expires"].as_i64().is_some_and(|end| !(1..=8_640_000_000_000_000).contains(&end));
    let is_token = profile["key"].as_str().is_some_and(|key| key.starts_with("sk-ant-oat"));
    let tier = match profile["type"].as_str().unwrap() {
        "oauth" if has("access") && !over => Some(0),
        "oauth" if has("refresh") => Some(1),
        "token" if has("token") && usable("token") && !over && !invalid => Some(2),
        "api_key" if has("key") && usable("key") => Some(if is_token { 2 } else { 3 }),
        _ => None,
    };
    let Some(tier) = tier else { return State::Unfit };
    // Nobody's window is ours here: they are believed, unless the profile was used at a moment that has not come.
    let ahead = stats["lastUsed"].as_i64().is_some_and(|used| used - now > MINUTE);
    let believed = |end: &i64| *end > 0 && now < *end && (*end - now <= DAY + MINUTE || !ahead);
    match windows(stats, model).into_iter().filter(believed).max() {
        Some(until) => State::Resting { until },
        None => State::Ready { tier, last_used: stats["lastUsed"].as_i64().unwrap_or(0) },
    }
}

/// What a selection is asked for.
#[derive(Clone, Debug, Default)]
struct Wish {
    model: Option<&'static str>,
    preferred: Option<&'static str>,
    session: Option<String>,
}

/// The usable and profiles in cooldown in order, and the set of all that are considered.
fn expected(store: &Value, wish: &Wish, now: i64) -> (Vec<String>, BTreeSet<String>) {
    let stored: Vec<&str> = store["profiles"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, profile)| profile["provider"] == "anthropic")
        .map(|(id, _)| id.as_str())
        .collect();
    let explicit: Option<Vec<&str>> =
        store["order"]["anthropic"].as_array().map(|list| list.iter().filter_map(Value::as_str).collect());
    let considered = explicit.iter().flatten().chain(&stored).map(|id| (*id).to_owned()).collect();
    let exists = |id: &&str| store["profiles"].get(*id).is_some();
    let repaired = explicit.as_ref().is_some_and(|list| !list.is_empty() && !list.iter().any(exists));
    let explicit = explicit.filter(|_| !repaired);
    let ordered = explicit.is_some();
    let mut ids: Vec<&str> = Vec::new();
    for id in explicit.unwrap_or(stored) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let judged: Vec<(&str, State)> = ids.iter().map(|id| (*id, state(store, id, wish.model, now))).collect();
    let mut ready: Vec<(u8, i64, &str)> = Vec::new();
    let mut cooling: Vec<(i64, &str)> = Vec::new();
    for (id, state) in judged {
        match state {
            State::Ready { tier, last_used } => ready.push((tier, last_used, id)),
            State::Resting { until } => cooling.push((until, id)),
            State::Unfit => {}
        }
    }
    cooling.sort_by_key(|(until, _)| *until);
    if !ordered {
        ready.sort_by_key(|(tier, used, _)| (*tier, *used));
    }
    let mut order: Vec<String> = ready.iter().map(|(_, _, id)| (*id).to_owned()).collect();
    if let (Some(session), Some(best), false) = (&wish.session, ready.first().map(|first| first.0), ordered) {
        let tier = ready.iter().filter(|(tier, _, _)| *tier == best);
        let mine = tier.map(|(_, _, id)| (weight(session, id), *id)).max().unwrap().1;
        order.retain(|id| id != mine);
        order.insert(0, mine.to_owned());
    }
    order.extend(cooling.iter().map(|(_, id)| (*id).to_owned()));
    if let Some(preferred) = wish.preferred.filter(|preferred| order.iter().any(|id| id == preferred)) {
        order.retain(|id| id != preferred);
        order.insert(0, preferred.to_owned());
    }
    (order, considered)
}

/// SipHash-2-4 with a zero key over session, zero byte and profile, from another implementation.
#[allow(deprecated, reason = "the standard library's own SipHash-2-4 is still there, and is independent")]
fn weight(session: &str, profile: &str) -> u64 {
    use std::hash::{Hasher, SipHasher};
    let mut hasher = SipHasher::new();
    hasher.write(format!("{session}\0{profile}").as_bytes());
    hasher.finish()
}

const IDS: [&str; 8] = ["a:1", "a:2", "a:3", "a:4", "a:5", "a:6", "a:7", "10"];
const MODELS: [&str; 3] = ["opus", "sonnet", "haiku"];

fn moment() -> impl Strategy<Value = i64> {
    let unit = select(vec![SECOND, MINUTE, HOUR, DAY]);
    prop_oneof![
        6 => (unit, -2_i64..3, -1_i64..2).prop_map(|(unit, times, off)| NOW + unit * times + off),
        1 => select(vec![0, -1, NOW, NOW + YEAR, NOW - YEAR]),
    ]
}

fn profile() -> BoxedStrategy<Value> {
    let text = || select(vec!["sk-1", "sk-2", "sk-3", "  ", "", "two words", "sk-ant-oat01-t"]);
    let login = || select(vec!["access", "other", "", " \n"]);
    let end = || proptest::option::of(moment());
    let owner = prop_oneof![6 => Just("anthropic"), 1 => Just("openai")];
    let entry = prop_oneof![
        text().prop_map(|key| json!({"type": "api_key", "key": key})),
        (text(), end()).prop_map(|(token, end)| with(json!({"type": "token", "token": token}), "expires", end)),
        (login(), login(), end().prop_map(|end| end.filter(|end| *end > 0))).prop_map(|(access, refresh, end)| {
            with(json!({"type": "oauth", "access": access, "refresh": refresh}), "expires", end)
        }),
    ];
    (owner, entry).prop_map(|(owner, entry)| with(entry, "provider", Some(owner))).boxed()
}

fn with<T: Into<Value>>(mut object: Value, key: &str, value: Option<T>) -> Value {
    if let Some(value) = value {
        object[key] = value.into();
    }
    object
}

fn stats() -> BoxedStrategy<Value> {
    let end = || proptest::option::weighted(0.4, moment());
    let model = || proptest::option::of(select(&MODELS[..]));
    let used = proptest::option::of(prop_oneof![0_i64..4, moment()]);
    (used, end(), end(), end(), end(), model(), model(), model())
        .prop_map(|(used, cooldown, disabled, blocked, own, cooldown_model, blocked_model, own_model)| {
            let stats = with(with(json!({}), "lastUsed", used), "cooldownUntil", cooldown);
            let stats = with(with(stats, "disabledUntil", disabled), "cooldownModel", cooldown_model);
            let stats = with(with(stats, "blockedUntil", blocked), "blockedModel", blocked_model);
            let stats = with(stats, "blockedScope", blocked_model.map(|_| "model"));
            match (own, own_model) {
                (Some(until), Some(model)) => with(stats, "modelCooldowns", Some(json!({model: {"until": until}}))),
                _ => stats,
            }
        })
        .boxed()
}

fn store() -> BoxedStrategy<Value> {
    let ids = || proptest::sample::subsequence(IDS.to_vec(), 0..=IDS.len()).prop_shuffle();
    let profiles = ids().prop_flat_map(|ids| {
        let entries = ids.into_iter().map(|id| profile().prop_map(move |entry| (id.to_owned(), entry)));
        entries.collect::<Vec<_>>().prop_map(|entries| entries.into_iter().collect::<Map<_, _>>())
    });
    let usage = IDS.map(|id| proptest::option::of(stats()).prop_map(move |stats| (id.to_owned(), stats)));
    let names = [&IDS[..], &["a:gone"]].concat();
    let order = prop_oneof![
        4 => Just(None),
        2 => proptest::collection::vec(select(names), 0..8).prop_map(Some),
        1 => Just(Some(vec!["a:gone", "a:lost"])),
    ];
    (profiles, usage, order)
        .prop_map(|(profiles, usage, order)| {
            let usage: Map<String, Value> = usage.into_iter().filter_map(|(id, stats)| Some((id, stats?))).collect();
            let store = json!({"version": 1, "profiles": profiles, "usageStats": usage});
            with(store, "order", order.map(|list| json!({"anthropic": list})))
        })
        .boxed()
}

fn wish() -> impl Strategy<Value = Wish> {
    let session = proptest::option::of("[a-z]{1,3}");
    (proptest::option::of(select(&MODELS[..])), proptest::option::of(select(&IDS[..])), session)
        .prop_map(|(model, preferred, session)| Wish { model, preferred, session })
}

fn ask<T>(wish: &Wish, then: impl FnOnce(&Query) -> T) -> T {
    let mut query = Query::new(&provider("anthropic"));
    if let Some(model) = wish.model {
        query = query.model(model);
    }
    if let Some(preferred) = wish.preferred {
        query = query.preferred(id(preferred));
    }
    if let Some(session) = &wish.session {
        query = query.session(session);
    }
    then(&query)
}

fn cases() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn the_order_is_that_of_the_model_and_nothing_is_left_out(store in store(), wish in wish(), now in moment()) {
        let (selector, profiles) = (ProfileSelector::default(), document(&store));
        let (order, considered) = expected(&store, &wish, now);
        ask(&wish, |query| {
            let candidates = selector.candidates(&profiles, query, at(now));
            let ours: Vec<String> = candidates.order().map(ToString::to_string).collect();
            prop_assert_eq!(&ours, &order);
            let all: BTreeSet<String> = candidates.iter().map(|candidate| candidate.id.to_string()).collect();
            prop_assert_eq!(all.len(), candidates.len(), "a candidate is named twice");
            prop_assert_eq!(&all, &considered);

            let first = order.iter().find(|id| matches!(state(&store, id, wish.model, now), State::Ready { .. }));
            let picked = selector.pick(&profiles, query, at(now)).map(ToString::to_string);
            prop_assert_eq!(picked.as_ref(), first);
            match selector.select(&profiles, query, at(now)) {
                Ok(selection) => {
                    prop_assert_eq!(Some(&selection.profile.to_string()), first);
                    prop_assert_eq!(selection.receipt.profile(), &selection.profile);
                    let mut union: BTreeSet<String> = selection.skipped.iter().map(|other| other.id.to_string()).collect();
                    prop_assert!(union.insert(selection.profile.to_string()), "the chosen one is among the skipped");
                    prop_assert_eq!(&union, &considered);
                }
                Err(refusal) => {
                    prop_assert_eq!(None, first, "refused although a profile is ready: {:?}", refusal);
                    let named: BTreeSet<String> = refusal.candidates.iter().map(|other| other.id.to_string()).collect();
                    prop_assert_eq!(&named, &considered);
                }
            }
            let again = selector.candidates(&profiles, query, at(now));
            prop_assert_eq!(&again, &candidates, "the same question has two answers");
            Ok(())
        })?;
    }

    #[test]
    fn no_resting_profile_is_chosen_while_one_is_ready(store in store(), wish in wish(), now in moment()) {
        let profiles = document(&store);
        let rules = [SelectorRules::default(), SelectorRules::openclaw_2026_02()];
        for (n, selector) in rules.into_iter().map(ProfileSelector::new).enumerate() {
            ask(&wish, |query| {
                for moment in [now, now - YEAR, now + YEAR, now + DAY] {
                    let candidates = selector.candidates(&profiles, query, at(moment));
                    let ready = candidates.iter().find(|candidate| candidate.verdict == Verdict::Ready);
                    let chosen = selector.select(&profiles, query, at(moment)).ok().map(|selection| selection.profile);
                    prop_assert_eq!(chosen.is_some(), ready.is_some());
                    prop_assert_eq!(selector.pick(&profiles, query, at(moment)), chosen.as_ref());
                    if let Some(chosen) = chosen.filter(|_| n == 0) {
                        let own = state(&store, chosen.as_str(), wish.model, moment);
                        prop_assert!(matches!(own, State::Ready { .. }), "{} is {:?}", chosen, own);
                    }
                }
                Ok(())
            })?;
        }
    }

    #[test]
    fn the_wait_that_is_named_is_the_true_one(store in store(), wish in wish(), now in moment()) {
        let (selector, profiles) = (ProfileSelector::default(), document(&store));
        // Long windows beside stamps that lie ahead are the trace of another clock; they are not the subject here.
        let usage = store["usageStats"].as_object().unwrap();
        let latest = usage.values().filter_map(|stats| stats["lastUsed"].as_i64()).max();
        let now = latest.map_or(now, |used| now.max(used));
        ask(&wish, |query| {
            let Err(refusal) = selector.select(&profiles, query, at(now)) else { return Ok(()) };
            let Some(retry_at) = refusal.retry_at else {
                for later in [now + SECOND, now + HOUR, now + DAY, now + YEAR] {
                    prop_assert!(selector.select(&profiles, query, at(later)).is_err(), "waiting helps, but none is named");
                }
                return Ok(());
            };
            prop_assert!(retry_at > at(now));
            prop_assert_eq!(refusal.retry_after(), Some(retry_at - at(now)));
            for earlier in [now + 1, i64::midpoint(now, retry_at.as_millis()), retry_at.as_millis() - 1] {
                if earlier < retry_at.as_millis() {
                    let still = selector.select(&profiles, query, at(earlier)).unwrap_err();
                    prop_assert!(still.retry_after() <= refusal.retry_after(), "the wait grows while the clock runs");
                }
            }
            prop_assert!(selector.select(&profiles, query, retry_at).is_ok(), "nothing is ready at {:?}", retry_at);
            Ok(())
        })?;
    }
}

const REASONS: [FailureReason; 12] = [
    FailureReason::Auth,
    FailureReason::AuthPermanent,
    FailureReason::SessionExpired,
    FailureReason::Billing,
    FailureReason::RateLimit,
    FailureReason::Timeout,
    FailureReason::ModelNotFound,
    FailureReason::Overloaded,
    FailureReason::ServerError,
    FailureReason::Format,
    FailureReason::ContextOverflow,
    FailureReason::Unknown,
];

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn no_clock_and_no_deadline_locks_a_profile_longer_than_the_cap(
        events in proptest::collection::vec(
            (select(&REASONS[..]), select(vec![-YEAR, -DAY, -1, 0, MINUTE, HOUR, DAY, YEAR]), 0_usize..4,
             proptest::option::of(select(vec![-YEAR, MINUTE, DAY, YEAR, 200 * YEAR]))), 1..15),
    ) {
        let selector = ProfileSelector::default();
        let cap = selector.rules().cooldown.cap();
        let mut profiles = keys(1);
        let mut now = NOW;
        for (reason, jump, model, deadline) in events {
            now += jump;
            let receipt = Receipt::new(id("a:0"), provider("anthropic"), MODELS.get(model).copied(), at(now));
            selector.record_failure(&mut profiles, &receipt, reason, deadline.map(|after| at(now + after)), at(now)).unwrap();
            for moment in [now, now - YEAR, now + YEAR, now - 10 * YEAR] {
                for model in [None, Some(MODELS[0]), Some(MODELS[1])] {
                    let anthropic = provider("anthropic");
                    let mut query = Query::new(&anthropic);
                    if let Some(model) = model {
                        query = query.model(model);
                    }
                    let wait = selector.select(&profiles, &query, at(moment)).err().and_then(|refusal| refusal.retry_after());
                    prop_assert!(wait.unwrap_or_default() <= cap, "locked for {:?}", wait);
                }
            }
        }
    }
}

/// A document of this many API keys `a:0`, `a:1`, ...
fn keys(count: usize) -> AuthProfiles {
    let entries =
        (0..count).map(|n| (format!("a:{n}"), json!({"type": "api_key", "provider": "anthropic", "key": "sk"})));
    document(&json!({"version": 1, "profiles": entries.collect::<Map<_, _>>()}))
}
