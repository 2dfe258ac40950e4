//! The meaning of names of models and providers, release by release.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

use provider_auth::error::DiagnosticCode;
use provider_auth::{Config, ModelRef, ProviderId};

use crate::support::config;

/// A configuration that belongs to a release.
fn of(release: &str, rest: &str) -> Config {
    config(&format!("{{ meta: {{ lastTouchedVersion: '{release}' }}, agents: {{ {rest} }} }}"))
}

#[test]
fn a_name_means_what_it_means_to_the_release() {
    for (name, february, july, september) in [
        ("opus", "anthropic/claude-opus-4-6", "anthropic/claude-opus-4-8", "anthropic/claude-opus-5"),
        ("Sonnet", "anthropic/claude-sonnet-4-5", "anthropic/claude-sonnet-4-5", "anthropic/claude-sonnet-5"),
        ("gpt", "openai/gpt-5.2", "openai/gpt-5.2", "openai/gpt-5.4"),
        ("gpt-mini", "openai/gpt-5-mini", "openai/gpt-5-mini", "openai/gpt-5.4-mini"),
        ("gpt-nano", "anthropic/gpt-nano", "anthropic/gpt-nano", "openai/gpt-5.4-nano"),
        ("gemini", "google/gemini-3-pro-preview", "google/gemini-3-pro-preview", "google/gemini-3.1-pro-preview"),
        (
            "gemini-flash",
            "google/gemini-3-flash-preview",
            "google/gemini-3-flash-preview",
            "google/gemini-3-flash-preview",
        ),
        (
            "gemini-flash-lite",
            "anthropic/gemini-flash-lite",
            "anthropic/gemini-flash-lite",
            "google/gemini-3.1-flash-lite",
        ),
        ("some-model", "anthropic/some-model", "anthropic/some-model", "openai/some-model"),
        ("anthropic/opus-4.6", "anthropic/claude-opus-4-6", "anthropic/claude-opus-4-6", "anthropic/claude-opus-4-6"),
    ] {
        for (release, expected) in [("2026.2.9", february), ("2026.7.1", july), ("2026.9.6", september)] {
            assert_eq!(of(release, "").resolve_model(name).unwrap().to_string(), expected, "{name} in {release}");
        }
    }
}

#[test]
fn a_listed_model_has_the_alias_of_the_release() {
    let models = "defaults: { models: { 'anthropic/claude-opus-5': {}, 'anthropic/claude-opus-4-6': {}, bare: {} } }";
    for (release, aliases, bare) in [
        ("2026.2.9", [None, Some("opus"), None], "anthropic/bare"),
        ("2026.9.6", [Some("opus"), None, None], "openai/bare"),
    ] {
        let config = of(release, models);
        assert_eq!(config.models().map(|(_, alias)| alias).collect::<Vec<_>>(), aliases, "{release}");
        assert!(config.models().any(|(model, _)| model.to_string() == bare), "{release}");
    }
}

#[test]
fn an_alias_that_no_listed_model_has_is_understood_with_a_remark() {
    let places = |config: &Config| {
        let found = config.lint(None).into_iter().filter(|found| found.code == DiagnosticCode::Alias);
        found.map(|found| found.location.key_path.unwrap()).collect::<Vec<_>>()
    };
    let text =
        "defaults: { model: { primary: 'opus', fallbacks: ['openai/x', 'GPT'] } }, entries: { a: { model: 'sonnet' } }";
    let paths = ["agents.defaults.model.primary", "agents.defaults.model.fallbacks[1]", "agents.entries.a.model"];
    assert_eq!(places(&of("2026.9.6", text)), paths);
    assert_eq!(places(&of("2026.2.9", text.split(", entries").next().unwrap())), [""; 0]);
    // A listed model, an alias of the user's own, and the models that OpenClaw lists by itself for API keys.
    for listed in [
        "defaults: { model: 'opus', models: { 'anthropic/claude-opus-5': {} } }",
        "defaults: { model: 'opus', models: { 'openai/x': { alias: 'Opus' } } }",
        "entries: { a: { model: 'opus', models: { 'openai/x': { alias: 'opus' } } } }",
    ] {
        assert_eq!(places(&of("2026.9.6", listed)), [""; 0], "{listed}");
    }
    let seeded = "{ auth: { profiles: { 'anthropic:a': { provider: 'anthropic', mode: 'api_key' } } },
        agents: { defaults: { model: { primary: 'anthropic/claude-opus-5', fallbacks: ['sonnet', 'gemini'] } }, entries: {} } }";
    assert_eq!(places(&config(seeded)), ["agents.defaults.model.fallbacks[1]"]);
}

/// The remarks on names, with what to do about them.
fn remarks(release: &str, rest: &str) -> Vec<String> {
    let found = of(release, rest).lint(None).into_iter().filter(|found| found.code == DiagnosticCode::Alias);
    found.map(|found| format!("{}: {}", found.message, found.help.unwrap())).collect()
}

#[test]
fn names_for_small_tasks_and_in_a_policy_are_looked_at_too() {
    for (rest, words) in [
        ("defaults: { utilityModel: 'sonnet' }", Some("takes it for a model of OpenAI")),
        ("entries: { w: { utilityModel: 'sonnet' } }", Some("takes it for a model of OpenAI")),
        ("defaults: { utilityModel: '' }", None),
        ("defaults: { utilityModel: 'openai/gpt-5.4' }", None),
        ("defaults: { modelPolicy: { allow: ['gpt'] } }", Some("refuses a policy with it")),
        ("entries: { w: { modelPolicy: { allow: ['gpt'] } } }", Some("refuses a policy with it")),
        ("defaults: { modelPolicy: { allow: ['gpt-5.4'] } }", Some("write `provider/model`")),
        ("defaults: { modelPolicy: { allow: ['openai/*', 'anthropic/claude-opus-5'] } }", None),
        ("defaults: { models: { 'openai/gpt-5.4': {} }, modelPolicy: { allow: ['gpt'] } }", None),
    ] {
        let found = remarks("2026.9.6", rest);
        assert_eq!(found.len(), usize::from(words.is_some()), "{rest}: {found:?}");
        assert!(words.is_none_or(|words| found[0].contains(words)), "{rest}: {found:?}");
    }
}

#[test]
fn a_misspelt_alias_is_asked_about_and_a_models_name_is_not() {
    for (release, rest, words) in [
        ("2026.9.6", "defaults: { model: 'opuss' }", Some("OpenAI: did you mean `opus`?")),
        ("2026.2.9", "defaults: { model: 'opuss' }", Some("Anthropic: did you mean `opus`?")),
        ("2026.9.6", "defaults: { model: { primary: 'a/b', fallbacks: ['sonet'] } }", Some("`sonnet`")),
        ("2026.9.6", "defaults: { utilityModel: 'gemni' }", Some("`gemini`")),
        ("2026.9.6", "defaults: { model: 'writre', models: { 'a/b': { alias: 'writer' } } }", Some("`writer`")),
        ("2026.9.6", "defaults: { modelPolicy: { allow: ['opuss'] } }", Some("`opus`")),
        ("2026.9.6", "defaults: { model: 'gpt-5-mini' }", None),
        ("2026.9.6", "defaults: { model: 'gpt-5.4' }", None),
        ("2026.2.9", "defaults: { model: 'claude-opus-4-6' }", None),
        ("2026.2.9", "defaults: { model: 'opus' }", None),
        ("2026.9.6", "defaults: { model: 'x/opuss' }", None),
    ] {
        let found = remarks(release, rest);
        assert_eq!(found.len(), usize::from(words.is_some()), "{rest}: {found:?}");
        assert!(words.is_none_or(|words| found[0].contains(words)), "{rest}: {found:?}");
    }
}

#[test]
fn a_model_that_is_listed_with_another_alias_is_not_to_be_listed_again() {
    let found =
        remarks("2026.9.6", "defaults: { model: 'opus', models: { 'anthropic/claude-opus-5': { alias: 'big' } } }");
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("write `big`") && !found[0].contains("list the model"), "{found:?}");
    let found =
        remarks("2026.9.6", "defaults: { model: 'opus', models: { 'anthropic/claude-opus-5': { alias: '' } } }");
    assert!(found[0].contains("listed without an alias"), "{found:?}");
}

#[test]
fn an_agent_gives_names_of_its_own() {
    let config = of(
        "2026.9.6",
        "defaults: { models: { 'p/a': { alias: 'big' } } }, entries: { work: { models: { 'p/b': { alias: 'Big' } } } }",
    );
    let resolved = |agent| config.resolve_model_for("big", agent).unwrap().to_string();
    assert_eq!(
        (resolved(None), resolved(Some("work")), resolved(Some("other"))),
        ("p/a".into(), "p/b".into(), "p/a".into())
    );
}

#[test]
fn which_models_are_allowed() {
    let model = |name: &str| name.parse::<ModelRef>().unwrap();
    for (rest, agent, allowed, refused) in [
        ("", None, &["a/b"][..], &[][..]),
        (
            "defaults: { modelPolicy: { allow: ['a/b', 'c/*', 'd/e/*'] } }",
            None,
            &["a/b", "c/x", "c/x/y", "d/e/f"],
            &["a/c", "d/x", "cc/x"],
        ),
        ("defaults: { modelPolicy: { allow: [] } }", None, &["a/b"], &[]),
        ("defaults: { modelPolicy: { allow: ['a/'] } }", None, &[], &["a/b"]),
        ("defaults: { modelPolicy: { allow: ['Z.AI/*'] } }", None, &["z.ai/m"], &["a/b", "zai/m", "z-ai/m"]),
        (
            "defaults: { models: { 'a/b': { alias: 'one' } }, modelPolicy: { allow: ['ONE'] } }",
            None,
            &["a/b"],
            &["a/c"],
        ),
        // Before there was a policy, the list was one; an empty policy takes its place.
        ("defaults: { models: { 'a/b': {}, 'c/*': {} } }", None, &["a/b", "c/d"], &["a/c"]),
        ("defaults: { models: { 'a/b': {} }, modelPolicy: {} }", None, &["a/c"], &[]),
        (
            "defaults: { modelPolicy: { allow: ['a/b'] } }, entries: { w: { modelPolicy: { allow: ['c/d'] } } }",
            Some("w"),
            &["c/d"],
            &["a/b"],
        ),
        (
            "defaults: { modelPolicy: { allow: ['a/b'] } }, entries: { w: { modelPolicy: {} } }",
            Some("w"),
            &["a/b"],
            &["c/d"],
        ),
    ] {
        let config = of("2026.9.6", rest);
        for name in allowed {
            assert!(config.is_allowed(&model(name), agent), "{rest}: {name}");
        }
        for name in refused {
            assert!(!config.is_allowed(&model(name), agent), "{rest}: {name}");
        }
    }
    let moved = config(
        "{ meta: { migrations: { modelPolicyAllowlist: true } }, agents: { defaults: { models: { 'a/b': {} } } } }",
    );
    assert!(moved.is_allowed(&model("a/c"), None));
}

#[test]
fn the_model_for_small_tasks() {
    for (release, rest, agent, expected) in [
        ("2026.2.9", "defaults: { model: 'anthropic/m' }", None, None),
        ("2026.9.6", "defaults: { model: 'anthropic/m' }", None, Some("anthropic/claude-haiku-4-5")),
        ("2026.9.6", "", None, Some("openai/gpt-5.6-luna")),
        ("2026.9.6", "defaults: { model: 'groq/m' }", None, None),
        ("2026.9.6", "defaults: { utilityModel: 'a/b' }", None, Some("a/b")),
        ("2026.9.6", "defaults: { utilityModel: 'a/b' }, entries: { w: { utilityModel: ' ' } }", Some("w"), None),
        ("2026.9.6", "defaults: { utilityModel: '' }, entries: { w: { utilityModel: 'c/d' } }", Some("w"), Some("c/d")),
    ] {
        assert_eq!(of(release, rest).utility_model(agent).as_deref(), expected, "{release}: {rest}");
    }
}

#[test]
fn a_provider_is_one_however_it_is_spelt_and_keeps_its_spelling() {
    for (text, name, written) in
        [(" Z.AI", "zai", "z.ai"), ("bedrock", "amazon-bedrock", "bedrock"), ("OpenAI ", "openai", "openai")]
    {
        let provider = ProviderId::new(text).unwrap();
        assert_eq!((provider.as_str(), provider.written()), (name, written));
        assert_eq!(provider, ProviderId::new(name).unwrap());
        let map: std::collections::HashSet<ProviderId> = [provider.clone(), ProviderId::new(name).unwrap()].into();
        assert_eq!(map.len(), 1);
        let model = ModelRef::new(provider, "m").unwrap();
        assert_eq!((model.to_string(), model.written()), (format!("{name}/m"), format!("{written}/m")));
    }
}
