//! Strings that are compared with names: keys, types, roles.

/// The length limit of texts that are decoded to compare them with a name. Every name of the API is shorter, even with
/// each of its characters written as a `\u` escape.
const MAX_NAME: usize = 512;

/// A string as it is in the body, quotes included.
#[derive(Clone, Copy, Debug)]
pub(super) struct JsonString<'a>(&'a [u8]);

impl<'a> JsonString<'a> {
    /// Wraps a string with its quotes.
    #[inline]
    pub(super) fn new(quoted: &'a [u8]) -> Self {
        Self(quoted)
    }

    /// Returns the bytes between the quotes, with their escapes.
    #[inline]
    pub(super) fn raw(self) -> &'a [u8] {
        self.0.get(1..self.0.len().saturating_sub(1)).unwrap_or_default()
    }

    /// Calls `look_up` with the text, its escapes resolved where the result could still be a name.
    #[inline]
    pub(super) fn named<T>(self, look_up: impl FnOnce(&[u8]) -> T) -> T {
        let raw = self.raw();
        let is_short = raw.len() < MAX_NAME;
        if is_short && raw.contains(&b'\\') { look_up(&self.decoded()) } else { look_up(raw) }
    }

    #[cold]
    fn decoded(self) -> Vec<u8> {
        serde_json::from_slice::<String>(self.0).map_or_else(|_| Vec::new(), String::into_bytes)
    }
}

/// The keys that matter to the planner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KnownKey {
    AnthropicBeta,
    AnthropicVersion,
    CacheControl,
    Caller,
    Citations,
    Configs,
    Content,
    ContextManagement,
    DefaultConfig,
    DeferLoading,
    Id,
    Messages,
    Role,
    Source,
    System,
    Text,
    ToolUseId,
    Tools,
    Ttl,
    Type,
    Other,
}

impl KnownKey {
    pub(super) fn from_name(name: &[u8]) -> Self {
        match name {
            b"anthropic_beta" => Self::AnthropicBeta,
            b"anthropic_version" => Self::AnthropicVersion,
            b"cache_control" => Self::CacheControl,
            b"citations" => Self::Citations,
            b"context_management" => Self::ContextManagement,
            b"default_config" => Self::DefaultConfig,
            b"defer_loading" => Self::DeferLoading,
            b"messages" => Self::Messages,
            b"tool_use_id" => Self::ToolUseId,
            // In a word, a NUL at the end of the name looks like no byte at all.
            _ if name.len() < 8 && name.last() != Some(&0) => Self::from_short_name(word(name)),
            _ => Self::Other,
        }
    }

    /// Returns the key whose name of fewer than eight bytes is this word, the first byte lowest.
    #[inline]
    pub(super) fn from_short_name(name: u64) -> Self {
        match name {
            CALLER => Self::Caller,
            CONFIGS => Self::Configs,
            CONTENT => Self::Content,
            ID => Self::Id,
            ROLE => Self::Role,
            SOURCE => Self::Source,
            SYSTEM => Self::System,
            TEXT => Self::Text,
            TOOLS => Self::Tools,
            TTL => Self::Ttl,
            TYPE => Self::Type,
            _ => Self::Other,
        }
    }
}

const CALLER: u64 = word(b"caller");
const CONFIGS: u64 = word(b"configs");
const CONTENT: u64 = word(b"content");
const ID: u64 = word(b"id");
const ROLE: u64 = word(b"role");
const SOURCE: u64 = word(b"source");
const SYSTEM: u64 = word(b"system");
const TEXT: u64 = word(b"text");
const TOOLS: u64 = word(b"tools");
const TTL: u64 = word(b"ttl");
const TYPE: u64 = word(b"type");

/// Packs a name of fewer than eight bytes into a word, the first byte lowest.
const fn word(mut name: &[u8]) -> u64 {
    let mut word = 0;
    while let Some((last, rest)) = name.split_last() {
        word = (word << 8) | *last as u64;
        name = rest;
    }
    word
}
