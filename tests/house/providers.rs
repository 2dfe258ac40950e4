//! What the table of providers says of the wire.

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
