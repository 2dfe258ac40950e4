//! The prompt cache of the scripted server, as far as the counters of its messages show it.

use std::sync::{Mutex, PoisonError};

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

/// The prompts of all messages that wrote to the cache.
#[derive(Default)]
pub(super) struct Cache(Mutex<Vec<Prompt>>);

#[derive(PartialEq)]
struct Prompt {
    credential: Option<HeaderValue>,
    /// Tools, system prompt and messages, without markers.
    parts: Vec<String>,
}

impl Cache {
    /// Returns how many bytes at the beginning of a prompt are those of an earlier one with the same credential, and
    /// adds the prompt.
    pub(super) fn read(&self, headers: &HeaderMap, body: &Value) -> usize {
        let credential = headers.get("x-api-key").or_else(|| headers.get(AUTHORIZATION)).cloned();
        let prompt = Prompt { credential, parts: parts(body) };
        let mut earlier = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = earlier.iter().filter(|known| known.credential == prompt.credential);
        let common = |known: &Prompt| {
            let same = known.parts.iter().zip(&prompt.parts).take_while(|(known, new)| known == new);
            same.map(|(part, _)| part.len()).sum()
        };
        let read = same.map(common).max().unwrap_or(0);
        if !earlier.contains(&prompt) {
            earlier.push(prompt);
        }
        read
    }
}

fn parts(body: &Value) -> Vec<String> {
    let part = |name: &str| body.get(name).cloned().unwrap_or_default();
    let items = |name: &str| if let Value::Array(items) = part(name) { items } else { Vec::new() };
    let parts = items("tools").into_iter().chain([blocks(part("system"))]).chain(items("messages"));
    parts.map(|part| plain(part).to_string()).collect()
}

/// Removes the markers, and writes all contents as blocks, because a text has to become a block to be marked.
fn plain(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().filter(|(name, _)| name != "cache_control");
            let value = |name: &str, value| plain(if name == "content" { blocks(value) } else { value });
            members.map(|(name, member)| (name.clone(), value(&name, member))).collect()
        }
        Value::Array(items) => items.into_iter().map(plain).collect(),
        other => other,
    }
}

fn blocks(content: Value) -> Value {
    if content.is_string() { json!([{"type": "text", "text": content}]) } else { content }
}
