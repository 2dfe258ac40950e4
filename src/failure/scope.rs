//! Which provider's dialect an answer is read in.

use crate::id::ProviderId;

/// The providers whose words differ from the others'. Most rules hold for all: a proxy passes on what it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// A rule for every provider, or a provider without words of its own.
    Any,
    Anthropic,
    OpenRouter,
    /// Alibaba's model studio, whose throttle speaks of an insufficient quota.
    Qwen,
}

const NAMES: [(&str, Scope); 7] = [
    ("anthropic", Scope::Anthropic),
    ("claude", Scope::Anthropic),
    ("openrouter", Scope::OpenRouter),
    ("kilocode", Scope::OpenRouter),
    ("qwen", Scope::Qwen),
    ("dashscope", Scope::Qwen),
    ("alibaba", Scope::Qwen),
];

impl Scope {
    pub(super) fn of(provider: &ProviderId) -> Self {
        let name = provider.as_str();
        NAMES.iter().find(|(known, _)| *known == name).map_or(Self::Any, |(_, scope)| *scope)
    }

    /// Whether a rule of this scope holds for an answer of that one.
    pub(super) fn covers(self, answer: Self) -> bool {
        self == Self::Any || self == answer
    }
}
