//! Nothing that is not understood is lost: random documents with unknown keys at every level, and any one change.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a fixture that fails is a failed test")]

use proptest::prelude::*;
use proptest::sample::select;
use provider_auth::select::{Receipt, SelectorRules};
use provider_auth::{AuthProfiles, Credential, FailureReason, ProfileSelector, Secret};
use serde_json::Value;

use crate::support::{HOUR, NOW, at, id, names, provider, verbatim};

const IDS: [&str; 5] = ["p:a", "p:b", "7", "p:\u{e9} \"q\"", "other:c"];
const PROVIDERS: [&str; 3] = ["anthropic", "Anthropic ", "openai"];
/// Values that a round trip through doubles or through escapes would reword.
const VALUES: [&str; 16] = [
    "123456789012345678901234567890",
    "0.10",
    "1E+2",
    "-0",
    "-0.0",
    "1e400",
    "5e-400",
    "1.0",
    "null",
    "true",
    "\"\"",
    "\"\\u00e9\\n\\\"\"",
    "[]",
    "{}",
    "[1.50,{\"x-deep\":[-0]}]",
    "{ \"x-deep\" : { \"n\" : 1.0000000000000000000001 } }",
];

/// The members of an object as text.
type Members = Vec<(String, String)>;

fn unknown() -> BoxedStrategy<Members> {
    let name = select(vec!["x-1", "x-2", "x-\u{e9}", "x-\n\"\\", "Key", "x-lastUsed"]);
    let member = (name, select(&VALUES[..])).prop_map(|(name, value)| (name.to_owned(), value.to_owned()));
    proptest::collection::vec(member, 0..4)
        .prop_map(|mut members| {
            let mut seen = Vec::new();
            members.retain(|(name, _)| {
                !seen.contains(name) && {
                    seen.push(name.clone());
                    true
                }
            });
            members
        })
        .boxed()
}

fn object(members: &[(String, String)]) -> String {
    let members = members.iter().map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())));
    format!("{{{}}}", members.collect::<Vec<_>>().join(",\n"))
}

/// Known members mixed with unknown ones, in any order.
fn mixed(known: BoxedStrategy<Members>) -> BoxedStrategy<String> {
    (known, unknown())
        .prop_map(|(known, unknown)| known.into_iter().chain(unknown).collect::<Vec<_>>())
        .prop_shuffle()
        .prop_map(|members| object(&members))
        .boxed()
}

fn some_of(members: &'static [(&'static str, &'static str)]) -> BoxedStrategy<Members> {
    proptest::sample::subsequence(members.to_vec(), 0..=members.len())
        .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
        .boxed()
}

fn profile() -> BoxedStrategy<String> {
    let entry = some_of(&[
        ("type", "\"api_key\""),
        ("provider", "\"anthropic\""),
        ("key", "\"sk-\\u0061\""),
        ("token", "\"t\""),
        ("email", "\"e\""),
        ("metadata", "{\"team\": 1.0}"),
        ("displayName", "\"d\""),
        ("expires", "1.0"),
        ("copyToAgents", "[ ]"),
    ]);
    prop_oneof![8 => mixed(entry), 1 => select(&VALUES[..]).prop_map(str::to_owned)].boxed()
}

fn stats() -> BoxedStrategy<String> {
    let entry = some_of(&[
        ("lastUsed", "1.0"),
        ("cooldownUntil", "1700000000001"),
        ("cooldownReason", "\"timeout\""),
        ("disabledUntil", "1e13"),
        ("errorCount", "2"),
        ("failureCounts", "{\"auth\": 1.0}"),
        ("lastFailureAt", "1.70E12"),
        ("lastProbeAt", "5.0"),
        ("cooldownClassification", "\"c\""),
        ("blockedUntil", "3"),
    ]);
    mixed(entry)
}

/// An object with some of these names; each value as the strategy gives it.
fn map(keys: &'static [&'static str], value: fn() -> BoxedStrategy<String>) -> BoxedStrategy<Members> {
    proptest::sample::subsequence(keys.to_vec(), 0..=keys.len())
        .prop_shuffle()
        .prop_flat_map(move |keys| {
            keys.into_iter().map(|key| value().prop_map(move |value| (key.to_owned(), value))).collect::<Vec<_>>()
        })
        .boxed()
}

fn list() -> BoxedStrategy<String> {
    select(vec!["[\"p:a\", \"p:b\"]", "[\"7\"]", "[]", "[1.0, \"p:a\" , null]", "\"nope\"", "1e400"])
        .prop_map(str::to_owned)
        .boxed()
}

fn good() -> BoxedStrategy<String> {
    select(vec!["\"p:a\"", "\"gone\"", "1.0", "{}"]).prop_map(str::to_owned).boxed()
}

fn document() -> BoxedStrategy<String> {
    let whole = |members: BoxedStrategy<Members>| members.prop_map(|members| object(&members)).boxed();
    let sections = (
        whole(map(&IDS, profile)),
        proptest::option::of(whole(map(&["anthropic", "OpenAI", "x-later"], list))),
        proptest::option::of(whole(map(&["Anthropic", "openai", "x-later"], good))),
        proptest::option::of(whole(map(&["p:a", "p:b", "7", "gone"], stats))),
        proptest::option::of(select(vec!["1", "1.0", "0"])),
    );
    let known = sections.prop_map(|(profiles, order, good, usage, version)| {
        let named =
            [("order", order), ("lastGood", good), ("usageStats", usage), ("version", version.map(str::to_owned))];
        let mut members = vec![("profiles".to_owned(), profiles)];
        members.extend(named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        members
    });
    mixed(known.boxed())
}

#[derive(Clone, Debug)]
enum Change {
    Upsert(&'static str, &'static str, Option<&'static str>),
    Remove(&'static str),
    SetOrder(&'static str, Vec<&'static str>),
    Success(&'static str),
    Failure(&'static str, FailureReason, Option<i64>),
    Clear(&'static str),
    Good(&'static str),
}

fn change() -> BoxedStrategy<Change> {
    let whom = || select(&IDS[..]);
    let reasons: Vec<FailureReason> = FailureReason::all().collect();
    prop_oneof![
        (whom(), select(&PROVIDERS[..]), proptest::option::of(Just("new@e")))
            .prop_map(|(id, p, e)| Change::Upsert(id, p, e)),
        whom().prop_map(Change::Remove),
        (select(&PROVIDERS[..]), proptest::collection::vec(whom(), 0..3)).prop_map(|(p, ids)| Change::SetOrder(p, ids)),
        whom().prop_map(Change::Success),
        (whom(), select(reasons), proptest::option::of(Just(NOW + HOUR)))
            .prop_map(|(id, r, d)| Change::Failure(id, r, d)),
        whom().prop_map(Change::Clear),
        whom().prop_map(Change::Good),
    ]
    .boxed()
}

fn apply(profiles: &mut AuthProfiles, selector: &ProfileSelector, change: &Change) {
    let receipt = |name: &str| Receipt::new(id(name), provider("anthropic"), Some("m"), at(NOW - 1));
    match change {
        Change::Upsert(name, owner, email) => {
            let credential = Credential::oauth(Secret::new("access"), Some(Secret::new("refresh")), Some(at(NOW)));
            profiles.upsert(&id(name), &provider(owner), &credential, *email).unwrap();
        }
        Change::Remove(name) => _ = profiles.remove(&id(name)),
        Change::SetOrder(owner, ids) => {
            let ids: Vec<_> = ids.iter().map(|name| id(name)).collect();
            profiles.set_order(&provider(owner), &ids).unwrap();
        }
        Change::Success(name) => selector.record_success(profiles, &receipt(name), at(NOW)).unwrap(),
        Change::Failure(name, reason, deadline) => {
            selector.record_failure(profiles, &receipt(name), *reason, deadline.map(at), at(NOW)).unwrap();
        }
        Change::Clear(name) => drop(selector.clear_cooldown(profiles, &id(name)).unwrap()),
        Change::Good(name) => profiles.set_last_good(&id(name)),
    }
}

/// The members of an object that are in the way of no rule.
fn unknown_members(object: &Value) -> Vec<(&str, &Value)> {
    let own =
        ["x-", "Key", "email", "metadata", "displayName", "copyToAgents", "lastProbeAt", "cooldownClassification"];
    let members = object.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value));
    members.filter(|(name, _)| own.iter().any(|own| name.starts_with(own))).collect()
}

/// Whether a map of entries lost, reworded or moved anything but the entries that the change is about.
fn same_but(before: &Value, after: &Value, about: &[String]) -> Result<(), TestCaseError> {
    let others = |value: &Value| -> Vec<(String, Value)> {
        let members = value.as_object().into_iter().flatten();
        members.filter(|(name, _)| !about.contains(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    prop_assert_eq!(others(after), others(before));
    let places = |value: &Value, other: &Value| -> Vec<String> {
        names(value).into_iter().filter(|name| other.get(*name).is_some()).map(str::to_owned).collect()
    };
    prop_assert_eq!(places(after, before), places(before, after), "members changed places");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_one_change_keeps_every_unknown_key(text in document(), change in change(), old_rules in any::<bool>()) {
        let rules = if old_rules { SelectorRules::openclaw_2026_02() } else { SelectorRules::default() };
        let selector = ProfileSelector::new(rules);
        let mut profiles = AuthProfiles::from_json(&text).unwrap();
        prop_assert!(profiles.to_json().expose() == text, "a document that was not changed was reworded");
        apply(&mut profiles, &selector, &change);
        let written = profiles.to_json();
        let (before, after) = (verbatim(&text), verbatim(written.expose()));

        let mut own = ["profiles", "order", "lastGood", "usageStats"].map(str::to_owned).to_vec();
        if before.get("version").is_none() {
            own.push("version".to_owned());
        }
        same_but(&before, &after, &own)?;
        let (whom, owner) = match &change {
            Change::Upsert(name, ..) | Change::Remove(name) | Change::Success(name) | Change::Failure(name, ..)
            | Change::Clear(name) | Change::Good(name) => (*name, ""),
            Change::SetOrder(owner, _) => ("", *owner),
        };
        let removed = matches!(change, Change::Remove(_));
        let credential = matches!(change, Change::Upsert(..) | Change::Remove(_));
        let about = |yes: bool, name: &str| if yes { vec![name.to_owned()] } else { vec![] };
        same_but(&before["profiles"], &after["profiles"], &about(credential, whom))?;
        same_but(&before["usageStats"], &after["usageStats"], &about(!whom.is_empty(), whom))?;
        for section in ["profiles", "usageStats"] {
            if let (Some(old), Some(new)) = (before[section].get(whom), after[section].get(whom)) {
                let changed_email = matches!(change, Change::Upsert(_, _, Some(_)));
                let keep = |members: Vec<(&str, &Value)>| -> Vec<(String, Value)> {
                    let kept = members.into_iter().filter(|(name, _)| !(changed_email && *name == "email"));
                    kept.map(|(name, value)| (name.to_owned(), value.clone())).collect()
                };
                prop_assert_eq!(keep(unknown_members(new)), keep(unknown_members(old)), "{} of {}", section, whom);
            } else {
                prop_assert!(removed || before[section].get(whom).is_none(), "the entry of {} was lost", whom);
            }
        }
        // A removal takes its name out of every list; everything else touches one provider's entry at most.
        let mentions: Vec<String> = names(&before["order"]).into_iter().filter(|name| {
            before["order"][*name].as_array().is_some_and(|list| removed && list.contains(&Value::from(whom)))
                || name.trim().to_lowercase() == owner.trim().to_lowercase()
        }).map(str::to_owned).collect();
        let mentions = [mentions, about(!owner.is_empty(), &owner.trim().to_lowercase())].concat();
        same_but(&before["order"], &after["order"], &mentions)?;
        let mut good: Vec<String> = ["Anthropic", "anthropic", "openai"].map(str::to_owned).to_vec();
        if removed && before["lastGood"]["x-later"] == whom {
            good.push("x-later".to_owned());
        }
        same_but(&before["lastGood"], &after["lastGood"], if whom.is_empty() { &[] } else { &good })?;

        let again = AuthProfiles::from_json(written.expose()).unwrap();
        prop_assert_eq!(again.len(), profiles.len());
        prop_assert_eq!(again.usage_stats().collect::<Vec<_>>(), profiles.usage_stats().collect::<Vec<_>>());
    }
}
