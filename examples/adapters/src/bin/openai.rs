//! `OpenAI`: chat completions through the rotator, with a fallback model.
//!
//!     cargo run --manifest-path examples/adapters/Cargo.toml --bin openai
//!
//! It starts a server on loopback, and needs neither a key nor a network.

#[path = "../loopback.rs"]
mod loopback;

use std::sync::Arc;

use loopback::Answer;
use provider_auth::{
    AuthProfiles, Call, Config, Environment, Error, ErrorKind, MemoryStore, ModelRef, ReadOptions, Reply, Rotator,
};
use serde_json::{Value, json};

/// Creates a call of the chat completions API, at the base URL of the model's provider. Every server that has the API will do.
fn chat(config: &Config, model: ModelRef, body: Value) -> Call {
    let config = config.clone();
    Call::new(model).requests(move |model| {
        let no_base = || Error::new(ErrorKind::NoEndpoint, format!("no base URL is known for {model}"));
        let base = config.model_base_url(model).ok_or_else(no_base)?;
        let mut body = body.clone();
        body["model"] = model.model().into();
        http::Request::post(format!("{base}/chat/completions"))
            .header("content-type", "application/json")
            .body(body.to_string().into_bytes())
            .map_err(|_| Error::new(ErrorKind::InvalidUrl, format!("the base URL for {model} is not one")))
    })
}

fn show(reply: &Reply) {
    for attempt in reply.attempts() {
        println!("  {attempt}");
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let script = vec![Answer::RateLimit(30), Answer::Message, Answer::Message, Answer::Revoked, Answer::Message];
    let server = loopback::start(script)?;
    let url = server.url();
    // Without `baseUrl` it is the provider's own. Your program uses `StateDir::config`.
    let config = json!({"models": {"providers": {
        "openai": {"baseUrl": format!("{url}/v1")}, "mistral": {"baseUrl": format!("{url}/v1")}}}});
    let config = Config::from_json5_str(&config.to_string(), &ReadOptions::new().environment(Environment::empty()))?;
    let profiles = r#"{"version": 1, "profiles": {
        "openai:home": {"type": "api_key", "provider": "openai", "key": "sk-home-is-not-real"},
        "openai:work": {"type": "api_key", "provider": "openai", "key": "sk-work-is-not-real"},
        "mistral:only": {"type": "api_key", "provider": "mistral", "key": "key-is-not-real"}}}"#;
    let store = Arc::new(MemoryStore::new(AuthProfiles::from_json(profiles)?));
    let rotator = Rotator::builder(store).config(config.clone()).build()?;
    let gpt: ModelRef = "openai/gpt-5".parse()?;

    println!("the first call:");
    let body = json!({"messages": [{"role": "user", "content": "Hello"}]});
    let mut reply = rotator.send(&chat(&config, gpt.clone(), body).session("conversation-17")).await?;
    show(&reply);
    println!("{}", reply.json::<Value>().await?["choices"][0]["message"]["content"]);

    println!("the second one, streamed:");
    let body = json!({"messages": [{"role": "user", "content": "Hello again"}],
        "stream": true, "stream_options": {"include_usage": true}});
    let mut reply = rotator.send(&chat(&config, gpt.clone(), body.clone()).session("conversation-17")).await?;
    show(&reply);
    while let Some(event) = reply.event().await? {
        // The stream ends with `[DONE]`, which is not JSON.
        let Ok(chunk) = serde_json::from_str::<Value>(&event.data) else { continue };
        if let Some(text) = chunk["choices"][0]["delta"]["content"].as_str() {
            println!("  {text:?}");
        }
    }
    println!("complete: {}, {:?}", reply.is_complete(), reply.usage());

    println!("the third one, while the other key is revoked:");
    let body = json!({"messages": [{"role": "user", "content": "Hello?"}]});
    let reply = rotator.send(&chat(&config, gpt, body).fallbacks(vec!["mistral/mistral-large".parse()?])).await?;
    show(&reply);
    Ok(())
}
