//! The table of providers, compared with requests.

use provider_auth::providers::Provider;
use provider_auth::request::EndpointKind;
use provider_auth::{Credential, Endpoint, RequestBuilder, Secret};

#[test]
fn a_header_is_said_where_the_public_api_is_known() {
    const BEARER: &str = "authorization";
    let expected = [
        ("anthropic", "x-api-key", "https://api.anthropic.com"),
        ("cerebras", BEARER, "https://api.cerebras.ai/v1"),
        ("chutes", BEARER, "https://llm.chutes.ai/v1"),
        ("deepseek", BEARER, "https://api.deepseek.com"),
        ("google", "x-goog-api-key", "https://generativelanguage.googleapis.com"),
        ("groq", BEARER, "https://api.groq.com/openai/v1"),
        ("huggingface", BEARER, "https://router.huggingface.co/v1"),
        ("mistral", BEARER, "https://api.mistral.ai/v1"),
        ("moonshot", BEARER, "https://api.moonshot.ai/v1"),
        ("nvidia", BEARER, "https://integrate.api.nvidia.com/v1"),
        ("ollama", BEARER, "http://127.0.0.1:11434/v1"),
        ("openai", BEARER, "https://api.openai.com/v1"),
        ("openrouter", BEARER, "https://openrouter.ai/api/v1"),
        ("qianfan", BEARER, "https://qianfan.baidubce.com/v2"),
        ("together", BEARER, "https://api.together.xyz/v1"),
        ("venice", BEARER, "https://api.venice.ai/api/v1"),
        ("vercel-ai-gateway", BEARER, "https://ai-gateway.vercel.sh/v1"),
        ("voyage", BEARER, "https://api.voyageai.com/v1"),
        ("xai", BEARER, "https://api.x.ai/v1"),
        ("zai", BEARER, "https://api.z.ai/api/paas/v4"),
    ];
    let known = Provider::all().filter_map(|row| Some((row.id(), row.auth_header()?, row.base_url()?)));
    assert_eq!(known.collect::<Vec<_>>(), expected);
    for row in Provider::all() {
        assert_eq!(row.auth_header().is_some(), row.base_url().is_some(), "{}", row.id());
        assert!(
            row.base_url().is_none_or(|url| url.parse::<http::Uri>().is_ok() && !url.ends_with('/')),
            "{}",
            row.id()
        );
    }
}

#[test]
fn a_configured_base_url_comes_before_the_one_of_the_row() {
    let text = "{ models: { providers: {
        OpenAI: { baseUrl: 'https://gateway.example.com/openai/v1/' }, groq: { apiKey: 'k' }, mine: { baseUrl: 'https://mine.example.com' } } } }";
    let config = crate::support::config(text);
    for (provider, url) in [
        ("openai", Some("https://gateway.example.com/openai/v1")),
        ("groq", Some("https://api.groq.com/openai/v1")),
        ("xai", Some("https://api.x.ai/v1")),
        ("mine", Some("https://mine.example.com")),
        // Each customer has a URL of their own, or the provider is not known.
        ("amazon-bedrock", None),
        ("nobody", None),
    ] {
        assert_eq!(config.base_url(&crate::support::provider(provider)), url, "{provider}");
    }
    for row in Provider::all() {
        assert_eq!(crate::support::config("{}").base_url(&crate::support::provider(row.id())), row.base_url());
    }
}

#[test]
fn a_row_is_found_however_its_name_is_written() {
    for (written, id) in [(" Z.AI\n", Some("zai")), ("bedrock", Some("amazon-bedrock")), ("", None), ("nobody", None)] {
        assert_eq!(Provider::find(written).map(Provider::id), id, "{written}");
    }
}

#[test]
fn requests_go_where_the_row_of_anthropic_says() {
    let row = Provider::find("anthropic").unwrap();
    let (at, base) = (Endpoint::anthropic(), Endpoint::new(row.base_url().unwrap()).unwrap());
    assert_eq!((at.uri(), base.kind()), (base.uri(), EndpointKind::Anthropic));
    let request = RequestBuilder::new(&at, &Credential::api_key(Secret::new("k")))
        .body(r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Hello"}]}"#)
        .build()
        .unwrap();
    assert_eq!(request.headers()[row.auth_header().unwrap()], "k");
}
