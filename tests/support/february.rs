//! The rules of February 2026 as a naive model: plain JSON and doubles, nothing remembered between calls.

use serde_json::{Map, Value, json};

const BLANKS: [char; 15] = [
    '\t', '\n', '\u{b}', '\u{c}', '\r', ' ', '\u{a0}', '\u{1680}', '\u{2028}', '\u{2029}', '\u{202f}', '\u{205f}',
    '\u{3000}', '\u{feff}', '\u{2003}',
];

fn is_blank(value: Option<&Value>) -> bool {
    let blank = |c: char| BLANKS.contains(&c) || ('\u{2000}'..='\u{200a}').contains(&c);
    value.and_then(Value::as_str).is_none_or(|text| text.chars().all(blank))
}

fn same_provider(name: &str, wanted: &str) -> bool {
    let name = name.trim().to_lowercase();
    let name = if ["z.ai", "z-ai"].contains(&&*name) { "zai" } else { &name };
    name == wanted
}

/// The names of an object in the order in which JavaScript enumerates them.
pub(crate) fn enumerate(object: Option<&Map<String, Value>>) -> Vec<&str> {
    let names: Vec<&str> = object.into_iter().flat_map(|object| object.keys()).map(String::as_str).collect();
    let index = |name: &&str| name.parse::<u64>().ok().filter(|n| *n < 4_294_967_295 && n.to_string() == **name);
    let mut indices: Vec<&str> = names.iter().copied().filter(|name| index(name).is_some()).collect();
    indices.sort_by_key(index);
    indices.into_iter().chain(names.iter().copied().filter(|name| index(name).is_none())).collect()
}

pub(crate) fn number(stats: &Value, key: &str) -> Option<f64> {
    stats.get(key).and_then(Value::as_f64)
}

/// When the profile can be used again; both windows must be over.
pub(crate) fn unusable_until(stats: &Value) -> Option<f64> {
    let ends = ["cooldownUntil", "disabledUntil"].into_iter().filter_map(|key| number(stats, key));
    ends.filter(|end| *end > 0.0).fold(None, |last: Option<f64>, end| Some(last.map_or(end, |last| last.max(end))))
}

fn eligible(profile: &Value, wanted: &str, now: f64) -> bool {
    if !profile["provider"].as_str().is_some_and(|own| same_provider(own, wanted)) {
        return false;
    }
    match profile["type"].as_str() {
        Some("api_key") => !is_blank(profile.get("key")),
        Some("token") => {
            let over = number(profile, "expires").is_some_and(|end| end > 0.0 && now >= end);
            !is_blank(profile.get("token")) && !over
        }
        Some("oauth") => !is_blank(profile.get("access")) || !is_blank(profile.get("refresh")),
        _ => false,
    }
}

pub(crate) fn order(store: &Value, wanted: &str, preferred: Option<&str>, now: f64) -> Vec<String> {
    let orders = store["order"].as_object();
    let explicit = enumerate(orders).into_iter().find(|name| same_provider(name, wanted));
    let explicit = explicit.and_then(|name| store["order"][name].as_array());
    let base: Vec<&str> = match explicit {
        Some(list) => list.iter().filter_map(Value::as_str).collect(),
        None => enumerate(store["profiles"].as_object())
            .into_iter()
            .filter(|id| same_provider(store["profiles"][*id]["provider"].as_str().unwrap_or(""), wanted))
            .collect(),
    };
    let mut ids: Vec<&str> = Vec::new();
    for id in base {
        let fit = store["profiles"].get(id).is_some_and(|profile| eligible(profile, wanted, now));
        if fit && !ids.contains(&id) {
            ids.push(id);
        }
    }
    let stats = |id: &str| store["usageStats"].get(id).cloned().unwrap_or(Value::Null);
    let rests = |id: &str| unusable_until(&stats(id)).filter(|until| now < *until);
    let (mut resting, mut ready): (Vec<&str>, Vec<&str>) = ids.into_iter().partition(|id| rests(id).is_some());
    if explicit.is_none() {
        let tier = |id: &str| match store["profiles"][id]["type"].as_str() {
            Some("oauth") => 0,
            Some("token") => 1,
            _ => 2,
        };
        let used = |id: &str| number(&stats(id), "lastUsed").unwrap_or(0.0);
        ready.sort_by(|a, b| tier(a).cmp(&tier(b)).then(used(a).partial_cmp(&used(b)).unwrap()));
    }
    resting.sort_by(|a, b| rests(a).partial_cmp(&rests(b)).unwrap());
    let mut all: Vec<String> = ready.into_iter().chain(resting).map(str::to_owned).collect();
    if let Some(preferred) = preferred.filter(|preferred| all.iter().any(|id| id == preferred)) {
        all.retain(|id| id != preferred);
        all.insert(0, preferred.to_owned());
    }
    all
}

fn stats_of<'a>(store: &'a mut Value, id: &str) -> &'a mut Map<String, Value> {
    let stats = store.as_object_mut().unwrap().entry("usageStats").or_insert_with(|| json!({}));
    stats.as_object_mut().unwrap().entry(id).or_insert_with(|| json!({})).as_object_mut().unwrap()
}

pub(crate) fn mark_used(store: &mut Value, id: &str, now: f64) {
    if store["profiles"].get(id).is_none() {
        return;
    }
    let stats = stats_of(store, id);
    stats.retain(|key, _| !["cooldownUntil", "disabledUntil", "disabledReason", "failureCounts"].contains(&&**key));
    stats.insert("lastUsed".to_owned(), json!(now));
    stats.insert("errorCount".to_owned(), json!(0.0));
}

pub(crate) fn mark_failure(store: &mut Value, id: &str, reason: &str, now: f64) {
    if store["profiles"].get(id).is_none() {
        return;
    }
    let stats = stats_of(store, id);
    let read = |stats: &Map<String, Value>, key: &str| stats.get(key).and_then(Value::as_f64);
    let fresh = read(stats, "lastFailureAt").is_some_and(|last| last > 0.0 && now - last > 86_400_000.0);
    let errors = if fresh { 0.0 } else { read(stats, "errorCount").unwrap_or(0.0) } + 1.0;
    let mut counts = stats.get("failureCounts").and_then(Value::as_object).cloned().unwrap_or_default();
    if fresh {
        counts.clear();
    }
    let own = read(&counts, reason).unwrap_or(0.0) + 1.0;
    counts.insert(reason.to_owned(), json!(own));
    if reason == "billing" {
        let length = (18_000_000.0 * 2_f64.powf((own.max(1.0) - 1.0).min(10.0))).min(86_400_000.0);
        stats.insert("disabledUntil".to_owned(), json!(now + length));
        stats.insert("disabledReason".to_owned(), json!("billing"));
    } else {
        let length = (60_000.0 * 5_f64.powf((errors.max(1.0) - 1.0).min(3.0))).min(3_600_000.0);
        stats.insert("cooldownUntil".to_owned(), json!(now + length));
    }
    stats.insert("errorCount".to_owned(), json!(errors));
    stats.insert("failureCounts".to_owned(), Value::Object(counts));
    stats.insert("lastFailureAt".to_owned(), json!(now));
}

pub(crate) fn clear(store: &mut Value, id: &str) {
    if store["usageStats"].get(id).is_some() {
        let stats = stats_of(store, id);
        stats.remove("cooldownUntil");
        stats.insert("errorCount".to_owned(), json!(0.0));
    }
}
