//! Names of providers and models.

use provider_auth::{ErrorKind, ModelRef, ProviderId};

#[test]
fn a_provider_has_one_name_however_it_is_written() {
    for (written, expected) in [
        ("Anthropic", "anthropic"),
        ("  OpenAI  ", "openai"),
        ("Z.ai", "zai"),
        ("z-ai", "zai"),
        ("opencode-zen", "opencode"),
        ("qwen", "qwen"),
        ("qwencloud", "qwen"),
        ("ModelStudio", "qwen"),
        ("qwen-portal", "qwen-portal"),
        ("kimi-code", "kimi"),
        ("kimi-coding", "kimi"),
        ("bedrock", "amazon-bedrock"),
        ("aws-bedrock", "amazon-bedrock"),
        ("amazon-bedrock", "amazon-bedrock"),
        ("doubao", "volcengine"),
        ("bytedance", "volcengine"),
        ("opencode-go-auth", "opencode-go"),
        ("openai-codex", "openai-codex"),
    ] {
        assert_eq!(ProviderId::new(written).map(|id| id.to_string()).ok().as_deref(), Some(expected), "{written}");
    }
    assert_eq!(ProviderId::new(" \n").map_err(|error| error.kind()), Err(ErrorKind::InvalidId));
}

#[test]
fn a_model_is_split_at_the_first_slash() {
    let openai = ProviderId::new("openai").expect("a name");
    for (written, expected) in [
        ("gpt-5", Some("openai/gpt-5")),
        ("Anthropic/claude-opus-4-5", Some("anthropic/claude-opus-4-5")),
        ("openrouter/anthropic/claude-opus-4-5", Some("openrouter/anthropic/claude-opus-4-5")),
        ("z.ai/GLM", Some("zai/GLM")),
        ("", None),
        ("anthropic/", None),
        ("/model", None),
    ] {
        let found = ModelRef::parse(written, &openai).map(|model| model.to_string());
        assert_eq!(found.ok().as_deref(), expected, "{written}");
    }
}
