//! The rules of February 2026 as a naive model: plain JSON and doubles, without state between calls.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a fixture that fails is a failed test")]

use serde_json::{Map, Value, json};

const BLANKS: [char; 15] = [
    '\t', '\n', '\u{b}', '\u{c}', '\r', ' ', '\u{a0}', '\u{1680}', '\u{2028}', '\u{2029}', '\u{202f}', '\u{205f}',
    '\u{3000}', '\u{feff}', '\u{2003}',
];

fn is_blank(value: Option<&Value>) -> bool {
    let blank = |c: char| BLANKS.contains(&c) || ('\u{2000}'..='\u{200a}').contains(&c);
    value.and_then(Value::as_str).is_none_or(|text| text.chars().all(blank))
}

fn normal(name: &str) -> String {
    let name = name.trim().to_lowercase();
    if ["z.ai", "z-ai"].contains(&&*name) { "zai".to_owned() } else { name }
}

fn same_provider(name: &str, wanted: &str) -> bool {
    normal(name) == wanted
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

fn eligible(profile: &Value, configured: Option<&Value>, wanted: &str, now: f64) -> bool {
    let belongs = |entry: &Value| entry["provider"].as_str().is_some_and(|own| same_provider(own, wanted));
    let fits = |entry: &Value| {
        let (mode, kind) = (&entry["mode"], &profile["type"]);
        belongs(entry) && (mode == kind || (mode == "oauth" && kind == "token"))
    };
    if !belongs(profile) || !configured.is_none_or(fits) {
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

/// `config` is the configuration's `auth`, or null.
pub(crate) fn order(store: &Value, config: &Value, wanted: &str, preferred: Option<&str>, now: f64) -> Vec<String> {
    let order_in = |orders: &Value| -> Option<Value> {
        let name = enumerate(orders.as_object()).into_iter().find(|name| same_provider(name, wanted))?;
        Some(orders[name].clone())
    };
    let explicit = order_in(&store["order"]).or_else(|| order_in(&config["order"]));
    let of_provider = |entries: &Value| -> Vec<String> {
        let own = |id: &&str| same_provider(entries[*id]["provider"].as_str().unwrap_or(""), wanted);
        enumerate(entries.as_object()).into_iter().filter(own).map(str::to_owned).collect()
    };
    let base: Vec<String> = match &explicit {
        Some(list) => list.as_array().unwrap().iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        None => Some(of_provider(&config["profiles"]))
            .filter(|ids| !ids.is_empty())
            .unwrap_or_else(|| of_provider(&store["profiles"])),
    };
    let configured = |id: &str| config["profiles"].get(id);
    let mut ids: Vec<&str> = Vec::new();
    for id in base.iter().map(String::as_str) {
        let stored = store["profiles"].get(id);
        let fit = stored.is_some_and(|profile| eligible(profile, configured(id), wanted, now));
        if fit && !ids.contains(&id) {
            ids.push(id);
        }
    }
    let stats = |id: &str| store["usageStats"].get(id).cloned().unwrap_or(Value::Null);
    let rests = |id: &str| unusable_until(&stats(id)).filter(|until| now < *until);
    let (mut cooling, mut ready): (Vec<&str>, Vec<&str>) = ids.into_iter().partition(|id| rests(id).is_some());
    if explicit.is_none_or(|list| list.as_array().unwrap().is_empty()) {
        let tier = |id: &str| match store["profiles"][id]["type"].as_str() {
            Some("oauth") => 0,
            Some("token") => 1,
            _ => 2,
        };
        let used = |id: &str| number(&stats(id), "lastUsed").unwrap_or(0.0);
        ready.sort_by(|a, b| tier(a).cmp(&tier(b)).then(used(a).partial_cmp(&used(b)).unwrap()));
    }
    cooling.sort_by(|a, b| rests(a).partial_cmp(&rests(b)).unwrap());
    let mut all: Vec<String> = ready.into_iter().chain(cooling).map(str::to_owned).collect();
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

pub(crate) fn mark_failure(store: &mut Value, config: &Value, id: &str, reason: &str, now: f64) {
    let owner = store["profiles"][id]["provider"].as_str().unwrap_or("").to_owned();
    if store["profiles"].get(id).is_none() {
        return;
    }
    let settings = &config["cooldowns"];
    let hours = |value: Option<f64>, default: f64| value.filter(|v| *v > 0.0).unwrap_or(default) * 60.0 * 60.0 * 1000.0;
    let window = hours(number(settings, "failureWindowHours"), 24.0);
    let by_provider = &settings["billingBackoffHoursByProvider"];
    let own = enumerate(by_provider.as_object())
        .into_iter()
        .find(|name| same_provider(name, &normal(&owner)))
        .and_then(|name| by_provider[name].as_f64());
    let base = hours(own.or_else(|| number(settings, "billingBackoffHours")), 5.0).max(60_000.0);
    let cap = hours(number(settings, "billingMaxHours"), 24.0).max(base);
    let stats = stats_of(store, id);
    let read = |stats: &Map<String, Value>, key: &str| stats.get(key).and_then(Value::as_f64);
    let fresh = read(stats, "lastFailureAt").is_some_and(|last| last > 0.0 && now - last > window);
    let errors = if fresh { 0.0 } else { read(stats, "errorCount").unwrap_or(0.0) } + 1.0;
    let mut counts = stats.get("failureCounts").and_then(Value::as_object).cloned().unwrap_or_default();
    if fresh {
        counts.clear();
    }
    let own = read(&counts, reason).unwrap_or(0.0) + 1.0;
    counts.insert(reason.to_owned(), json!(own));
    if reason == "billing" {
        let length = (base * 2_f64.powf((own.max(1.0) - 1.0).min(10.0))).min(cap);
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
