//! What several tests need: exact JSON, and short ways to make documents, names and moments.

#![allow(dead_code, clippy::unwrap_used, reason = "each room uses its own part; a fixture that fails is a failed test")]

pub(crate) mod forged;
pub(crate) mod rotation;
pub(crate) mod server;
pub(crate) mod traced;

use std::collections::BTreeMap;

use provider_auth::credential::Resolved;
use provider_auth::{AuthProfiles, Config, Environment, ProfileId, ProviderId, ReadOptions, Secret, Timestamp};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

/// 2023-11-14T22:13:20Z: the moment around which most tests play.
pub(crate) const NOW: i64 = 1_700_000_000_000;
pub(crate) const SECOND: i64 = 1_000;
pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 3_600_000;
pub(crate) const DAY: i64 = 86_400_000;
pub(crate) const YEAR: i64 = 365 * DAY;

pub(crate) fn id(name: &str) -> ProfileId {
    ProfileId::new(name).unwrap()
}

pub(crate) fn provider(name: &str) -> ProviderId {
    ProviderId::new(name).unwrap()
}

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub(crate) fn document(json: &Value) -> AuthProfiles {
    AuthProfiles::from_json(&json.to_string()).unwrap()
}

/// What references lead to where every one of a document leads to the same text.
pub(crate) fn leading_to(profiles: &AuthProfiles, text: &str) -> Resolved {
    profiles.references().map(|reference| (reference.clone(), Ok(Secret::new(text)))).collect()
}

/// Without the environment of this machine.
pub(crate) fn options() -> ReadOptions {
    ReadOptions::new().environment(Environment::empty())
}

pub(crate) fn config(text: &str) -> Config {
    Config::from_json5_str(text, &options()).unwrap()
}

/// The document's text as a tree, its numbers exactly as a double.
pub(crate) fn written(profiles: &AuthProfiles) -> Value {
    exact(profiles.to_json().expose())
}

/// Reads JSON with every number as the nearest double, which the parser's own fast path does not promise.
pub(crate) fn exact(text: &str) -> Value {
    let text = text.trim();
    match text.as_bytes().first() {
        Some(b'{') => {
            let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).unwrap();
            Value::Object(members.into_iter().map(|(key, value)| (key, exact(value.get()))).collect())
        }
        Some(b'[') => {
            let members: Vec<Box<RawValue>> = serde_json::from_str(text).unwrap();
            Value::Array(members.iter().map(|value| exact(value.get())).collect())
        }
        Some(b'-' | b'0'..=b'9') => Number::from_f64(text.parse().unwrap()).map_or(Value::Null, Value::Number),
        _ => serde_json::from_str(text).unwrap(),
    }
}

/// The same tree with every number as its text and every object as sorted pairs: equal only if nothing was reworded.
pub(crate) fn verbatim(text: &str) -> Value {
    let text = text.trim();
    match text.as_bytes().first() {
        Some(b'{') => {
            let members: indexed::Members = serde_json::from_str(text).unwrap();
            Value::Object(members.0.into_iter().map(|(key, value)| (key, verbatim(value.get()))).collect())
        }
        Some(b'[') => {
            let members: Vec<Box<RawValue>> = serde_json::from_str(text).unwrap();
            Value::Array(members.iter().map(|value| verbatim(value.get())).collect())
        }
        Some(b'-' | b'0'..=b'9') => Value::String(format!("number {text}")),
        _ => serde_json::from_str(text).unwrap(),
    }
}

mod indexed {
    use super::RawValue;

    /// Members in file order.
    pub(crate) struct Members(pub(crate) Vec<(String, Box<RawValue>)>);

    impl<'de> serde::Deserialize<'de> for Members {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = Members;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }
                fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                    let mut members = Vec::new();
                    while let Some(member) = map.next_entry()? {
                        members.push(member);
                    }
                    Ok(Members(members))
                }
            }
            deserializer.deserialize_map(Visitor)
        }
    }
}

/// The names of an object's members in file order.
pub(crate) fn names(value: &Value) -> Vec<&str> {
    value.as_object().map(Map::keys).into_iter().flatten().map(String::as_str).collect()
}
