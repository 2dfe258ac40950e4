//! The provider's prompt cache as its documentation describes it (prompt caching page, 2026-09): entries are written at
//! markers, found by looking back, live from the start of a request, are refreshed by hits, and have prices.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};

use serde_json::Value;

pub(crate) const WINDOW: usize = 20;
/// Shorter prefixes are not cached. Tokens; the documented minima are 512 to 4,096.
const MINIMUM: f64 = 1024.0;
pub(crate) const READ: f64 = 0.1;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Life {
    Short,
    Long,
}

impl Life {
    fn seconds(self) -> f64 {
        if self == Self::Long { 3600.0 } else { 300.0 }
    }

    fn price(self) -> f64 {
        if self == Self::Long { 2.0 } else { 1.25 }
    }
}

/// How the provider of a run behaves, and what is asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    /// The lifetime of tools and system.
    pub(crate) prefix: Life,
    /// The lifetime of messages.
    pub(crate) tail: Life,
    /// Whether runs of tool blocks count as one position.
    pub(crate) collapses: bool,
}

impl Host {
    pub(crate) const fn new(prefix: Life, tail: Life, collapses: bool) -> Self {
        Self { prefix, tail, collapses }
    }
}

/// A prompt as the provider sees it: its blocks in order.
#[derive(Clone, Debug)]
pub(crate) struct Prompt {
    pub(crate) blocks: Vec<PromptBlock>,
}

#[derive(Clone, Debug)]
pub(crate) struct PromptBlock {
    pub(crate) path: String,
    /// Hash of everything up to and including this block.
    pub(crate) key: u64,
    /// Tokens up to and including this block.
    pub(crate) tokens: f64,
    /// The look-back position where each block counts, and where neighbours of a run share one.
    positions: [usize; 2],
    pub(crate) kind: String,
    pub(crate) user: bool,
    /// Whether code execution made the call, or the call that it is the result of.
    by_code: bool,
    /// 0 for tools, 1 for system, 2 for messages.
    pub(crate) section: u8,
}

impl PromptBlock {
    pub(crate) fn position(&self, collapses: bool) -> usize {
        self.positions[usize::from(collapses)]
    }

    /// Whether the API lets it carry a marker.
    pub(crate) fn carries(&self) -> bool {
        self.kind != "thinking" && !self.by_code
    }
}

impl Prompt {
    /// With `images_lose`, an image more or less loses the messages' part of the cache wherever it stands, as the
    /// documentation has it; otherwise what stands before it is kept.
    pub(crate) fn read(body: &Value, images_lose: bool) -> Self {
        let cleared = body.get("context_management").map(|_| {
            let mut body = body.clone();
            clear_tool_uses(&mut body);
            body
        });
        let body = cleared.as_ref().unwrap_or(body);
        let mut found: Vec<(String, Cow<'_, Value>, bool, u8)> = Vec::new();
        for (index, tool) in list(body.get("tools")).into_iter().enumerate() {
            found.push((format!("/tools/{index}"), tool, false, 0));
        }
        for (index, block) in list(body.get("system")).into_iter().enumerate() {
            found.push((format!("/system/{index}"), block, false, 1));
        }
        for (number, message) in body["messages"].as_array().into_iter().flatten().enumerate() {
            for (index, block) in list(message.get("content")).into_iter().enumerate() {
                found.push((format!("/messages/{number}/content/{index}"), block, message["role"] == "user", 2));
            }
        }
        // What stands before the last compaction is not read.
        if let Some(first) = found.iter().rposition(|(_, block, ..)| block["type"] == "compaction") {
            let head = found.iter().filter(|(.., section)| *section < 2).count();
            found.drain(head..first);
        }
        let mut by_code: Vec<Value> = Vec::new();
        let texts: Vec<String> = found.iter().map(|(_, block, ..)| block.to_string()).collect();
        let images = texts.iter().map(|text| text.matches(r#""type":"image""#).count());
        let images = if images_lose { images.sum::<usize>() } else { 0 };
        let (mut hasher, mut tokens, mut positions) = (DefaultHasher::new(), 0.0, [0, 0]);
        let mut before: Option<(String, u8)> = None;
        let mut blocks = Vec::new();
        for ((path, block, user, section), text) in found.into_iter().zip(texts) {
            if section == 2 && before.as_ref().is_none_or(|(_, section)| *section < 2) {
                images.hash(&mut hasher);
            }
            (&text, user, section).hash(&mut hasher);
            tokens += count(&text);
            let kind = block["type"].as_str().unwrap_or("tool").to_owned();
            let run = kind == "tool_use" || kind == "tool_result";
            let joined = run && before.as_ref().is_some_and(|(last, _)| *last == kind);
            positions = [positions[0] + 1, positions[1] + usize::from(!joined)];
            before = Some((kind.clone(), section));
            let called = block["caller"]["type"].as_str().is_some_and(|caller| caller.starts_with("code_execution"));
            if called {
                by_code.push(block["id"].clone());
            }
            let by_code = called || kind == "tool_result" && by_code.contains(&block["tool_use_id"]);
            blocks.push(PromptBlock { path, key: hasher.finish(), tokens, positions, kind, user, by_code, section });
        }
        Self { blocks }
    }

    pub(crate) fn tokens(&self) -> f64 {
        self.blocks.last().map_or(0.0, |block| block.tokens)
    }
}

/// The blocks of a member of the body: a text is one.
fn list(value: Option<&Value>) -> Vec<Cow<'_, Value>> {
    match value {
        Some(Value::String(text)) => vec![Cow::Owned(serde_json::json!({"type": "text", "text": text}))],
        Some(Value::Array(blocks)) => blocks.iter().map(Cow::Borrowed).collect(),
        _ => Vec::new(),
    }
}

/// Replaces the results of old tool uses, and the inputs of their calls if that is asked for, as the API does before it
/// reads the prompt (context editing page, 2026-09). It looks at the whole history with each request.
pub(crate) fn clear_tool_uses(body: &mut Value) {
    let edits = body["context_management"]["edits"].as_array().cloned().unwrap_or_default();
    for edit in edits.iter().filter(|edit| edit["type"] == "clear_tool_uses_20250919") {
        let count = |part: &str| {
            let is_uses = edit[part]["type"] == "tool_uses";
            is_uses.then(|| usize::try_from(edit[part]["value"].as_u64().expect("a number")).expect("a small one"))
        };
        let blocks = || {
            let messages = body["messages"].as_array().into_iter().flatten();
            messages.flat_map(|message| message["content"].as_array().into_iter().flatten())
        };
        let uses: Vec<Value> =
            blocks().filter(|block| block["type"] == "tool_use").map(|block| block["id"].clone()).collect();
        if count("trigger").is_some_and(|trigger| uses.len() <= trigger) {
            continue;
        }
        let cleared = &uses[..uses.len().saturating_sub(count("keep").expect("tool uses"))];
        let messages = body["messages"].as_array_mut().into_iter().flatten();
        for block in messages.flat_map(|message| message["content"].as_array_mut().into_iter().flatten()) {
            if cleared.contains(&block["tool_use_id"]) {
                block["content"] = "[cleared]".into();
            }
            if edit["clear_tool_inputs"] == true && cleared.contains(&block["id"]) {
                block["input"] = serde_json::json!({});
            }
        }
    }
}

/// Tokens of a block. The traces write a capital letter for two tokens of prose, so that sessions of a real size stay
/// quick to scan; of the rest, four bytes are a token.
fn count(text: &str) -> f64 {
    let prose = text.bytes().filter(u8::is_ascii_uppercase).count();
    prose as f64 * 2.0 + (text.len() - prose) as f64 / 4.0
}

/// Markers of one request: the block and the lifetime, in prompt order.
pub(crate) type Markers = Vec<(usize, Life)>;

/// The keys are hashes already.
#[derive(Clone, Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are u64");
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

/// What the provider holds: until when, and for how long after a hit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cache {
    entries: HashMap<u64, (f64, Life), BuildHasherDefault<AsIs>>,
}

impl Cache {
    /// Serves a request that starts at `now` (seconds). The cost is in uncached input tokens.
    pub(crate) fn serve(&mut self, prompt: &Prompt, markers: &[(usize, Life)], now: f64, collapses: bool) -> f64 {
        self.entries.retain(|_, (until, _)| *until > now);
        let long_enough = |(index, _): &&(usize, Life)| prompt.blocks[*index].tokens >= MINIMUM;
        let markers: Vec<(usize, Life)> = markers.iter().filter(long_enough).copied().collect();
        let position = |index: usize| prompt.blocks[index].position(collapses);
        let mut read = None;
        for (marker, _) in &markers {
            let window = (0..=*marker).rev().take_while(|index| position(*marker) - position(*index) < WINDOW);
            for index in window {
                if let Some((until, life)) = self.entries.get_mut(&prompt.blocks[index].key) {
                    *until = now + life.seconds();
                    read = read.max(Some(index));
                    break;
                }
            }
        }
        let upto = |index: Option<usize>| index.map_or(0.0, |index| prompt.blocks[index].tokens);
        let last = |wanted: Option<Life>| {
            let found = markers.iter().rev().find(|(_, life)| wanted.is_none_or(|wanted| *life == wanted));
            found.map(|(index, _)| *index)
        };
        let (a, b, c) = (upto(read), upto(last(Some(Life::Long))), upto(last(None)));
        let (b, c) = (b.max(a), c.max(a));
        for (index, life) in markers {
            let until = now + life.seconds();
            let entry = self.entries.entry(prompt.blocks[index].key).or_insert((until, life));
            *entry = (entry.0.max(until), entry.1.max(life));
        }
        let (long, short) = (b - a, c - b.min(c));
        a * READ + long * Life::Long.price() + short * Life::Short.price() + (prompt.tokens() - c.max(b))
    }

    /// Forgets what is not in the list.
    pub(crate) fn keep(&mut self, wanted: impl Fn(u64) -> bool) {
        self.entries.retain(|key, _| wanted(*key));
    }

    /// Forgets what another entry makes superfluous: one that is longer, held as long, and of use to the same requests.
    /// `about` tells these requests and the length.
    pub(crate) fn reduce(&mut self, about: impl Fn(u64) -> (u64, f64)) {
        let all: Vec<_> = self.entries.iter().map(|(key, held)| (*key, *held, about(*key))).collect();
        self.entries.retain(|key, held| {
            let (uses, tokens) = about(*key);
            let better = |(other, (until, life), (others, longer)): &(u64, (f64, Life), (u64, f64))| {
                other != key && *others == uses && *longer > tokens && *until >= held.0 && *life >= held.1
            };
            !all.iter().any(better)
        });
    }

    pub(crate) fn holds(&self, key: u64, now: f64) -> bool {
        self.entries.get(&key).is_some_and(|(until, _)| *until > now)
    }

    /// Whether it holds all that another one holds, and each as long.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        other.entries.iter().all(|(key, (until, life))| {
            self.entries.get(key).is_some_and(|(mine, for_life)| mine >= until && for_life >= life)
        })
    }
}
