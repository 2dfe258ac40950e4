//! genai: a target for each attempt of a rotation, with the key that is ready.
//!
//!     cargo run --manifest-path examples/adapters/Cargo.toml --bin genai
//!
//! It starts a server on loopback, and needs neither a key nor a network.

#[path = "../loopback.rs"]
mod loopback;

use std::sync::Arc;

use futures::StreamExt as _;
use genai::adapter::AdapterKind;
use genai::chat::{CacheControl, ChatMessage, ChatOptions, ChatRequest, ChatStream, ChatStreamEvent};
use genai::resolver::{AuthData, Endpoint};
use genai::{Client, ModelIden, ServiceTarget, webc};
use loopback::Answer;
use provider_auth::failure::TransportError;
use provider_auth::rotation::{Attempt, AttemptError, AttemptRecord, ErrorResponse};
use provider_auth::{
    AuthProfiles, CacheRetention, Call, Clock as _, Config, CredentialKind, Environment, Error, ErrorKind, Failure,
    FailureClassifier, MemoryStore, ReadOptions, Rotator, SystemClock,
};
use serde_json::json;

/// Returns the server and the key for the request of an attempt.
fn target(config: &Config, attempt: &Attempt) -> Result<ServiceTarget, Error> {
    let model = attempt.model();
    let kind = match model.provider().as_str() {
        "anthropic" => AdapterKind::Anthropic,
        "google" => AdapterKind::Gemini,
        "openai" => AdapterKind::OpenAI,
        _ => return Err(Error::new(ErrorKind::UnsupportedApi, format!("there is no adapter of genai for {model}"))),
    };
    // genai sends every credential as a key, and a token belongs in another header: such a profile is left out.
    if attempt.credential().kind() != CredentialKind::ApiKey {
        return Err(Error::new(ErrorKind::InvalidSecret, format!("{} is not a key", attempt.profile())));
    }
    let base = config.model_base_url(model);
    let base = base.ok_or_else(|| Error::new(ErrorKind::NoEndpoint, format!("no base URL is known for {model}")))?;
    // genai expects the version of the API in it, and a slash at the end.
    let version = if kind == AdapterKind::Anthropic && !base.ends_with("/v1") { "/v1/" } else { "/" };
    Ok(ServiceTarget {
        endpoint: Endpoint::from_owned(format!("{base}{version}")),
        auth: AuthData::Key(attempt.credential().secret().expose().to_owned()),
        model: ModelIden::new(kind, model.model()),
    })
}

/// genai does not expose the body, so it sets the cache breakpoints itself, if the configuration wants any.
fn options(config: &Config, attempt: &Attempt) -> ChatOptions {
    let found = config.cache_retention(attempt.model(), None, attempt.credential().kind(), None);
    match found.retention {
        CacheRetention::None => ChatOptions::default(),
        CacheRetention::Long => ChatOptions::default().with_cache_control(CacheControl::Ephemeral1h),
        _ => ChatOptions::default().with_cache_control(CacheControl::Ephemeral),
    }
}

/// Converts an error of genai into the failure of an attempt.
fn failed(attempt: &Attempt, error: &genai::Error) -> AttemptError {
    let (model, now) = (attempt.model(), SystemClock.now());
    let classifier = FailureClassifier::new(model.provider()).with_model(model.model());
    // A streamed call that was refused has its answer in a boxed error.
    let boxed = match error {
        genai::Error::WebStream { error, .. } => Some(error),
        _ => None,
    };
    if let Some(error) = boxed.and_then(|error| error.downcast_ref::<reqwest::Error>()) {
        return Failure::from(error).into();
    }
    let error = boxed.and_then(|error| error.downcast_ref()).unwrap_or(error);
    let (status, headers, body) = match error {
        genai::Error::HttpError { status, headers, body, .. }
        | genai::Error::WebModelCall {
            webc_error: webc::Error::ResponseFailedStatus { status, headers, body }, ..
        } => (status, headers, body),
        genai::Error::WebModelCall { webc_error: webc::Error::Reqwest(error), .. } => {
            return Failure::from(error).into();
        }
        // Its text contains the provider's, such as an error event of a stream.
        error => return classifier.text(&error.to_string(), now).unwrap_or(TransportError::Body.into()).into(),
    };
    let failure = classifier.response(*status, headers, body.as_bytes(), now);
    AttemptError::from(failure.unwrap_or(TransportError::Body.into())).with_response(ErrorResponse::new(
        *status,
        (**headers).clone(),
        body.as_bytes(),
    ))
}

/// Begins a streamed call. genai sends nothing until it is polled, so the attempt is answered with the first piece.
async fn begun(
    client: &Client,
    config: &Config,
    attempt: &Attempt,
    chat: ChatRequest,
) -> Result<(ChatStreamEvent, ChatStream), AttemptError> {
    let failed = |error| failed(attempt, &error);
    let (target, options) = (target(config, attempt)?, options(config, attempt));
    let mut stream = client.exec_chat_stream(target, chat, Some(&options)).await.map_err(failed)?.stream;
    loop {
        match stream.next().await {
            Some(Ok(ChatStreamEvent::Start)) => {}
            Some(Ok(first)) => return Ok((first, stream)),
            Some(Err(error)) => return Err(failed(error)),
            None => return Err(Failure::from(TransportError::Body).into()),
        }
    }
}

fn show(attempts: &[AttemptRecord]) {
    for attempt in attempts {
        println!("  {attempt}");
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let script = [Answer::RateLimit(30), Answer::Message, Answer::Message, Answer::Revoked];
    let server = loopback::start(script.to_vec())?;
    let url = server.url();
    // Without `baseUrl` it is the provider's own. Your program uses `StateDir::config`.
    let config = json!({"models": {"providers": {"anthropic": {"baseUrl": url}}}}).to_string();
    let config = &Config::from_json5_str(&config, &ReadOptions::new().environment(Environment::empty()))?;
    let profiles = r#"{"version": 1, "profiles": {
        "anthropic:home": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-home-is-not-real"},
        "anthropic:work": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-work-is-not-real"}}}"#;
    let store = Arc::new(MemoryStore::new(AuthProfiles::from_json(profiles)?));
    let rotator = Rotator::builder(store).config(config.clone()).build()?;
    // A redirect would carry the key to another host.
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let client = &Client::builder().with_reqwest(http).build()?;
    let call = Call::new("anthropic/claude-opus-4-5".parse()?).session("conversation-17");
    let chat = |text: &str| ChatRequest::new(vec![ChatMessage::user(text)]).with_system("Be brief.");

    println!("the first call:");
    let answered = rotator.run(&call, |attempt| async move {
        let answer = client.exec_chat(target(config, &attempt)?, chat("Hello"), Some(&options(config, &attempt))).await;
        answer.map_err(|error| failed(&attempt, &error))
    });
    let answered = answered.await?;
    show(&answered.attempts);
    let written = answered.value.usage.prompt_tokens_details.and_then(|details| details.cache_creation_tokens);
    println!("{:?} ({written:?} tokens written to the cache)", answered.value.content.joined_texts());

    println!("the second one, streamed:");
    let streamed = || {
        rotator.run_streamed(&call, |attempt| async move { begun(client, config, &attempt, chat("Hello again")).await })
    };
    let answered = streamed().await?;
    show(&answered.attempts);
    let (attempt, (first, rest)) = (answered.attempt, answered.value);
    let mut pieces = futures::stream::iter([Ok(first)]).chain(rest);
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(ChatStreamEvent::Chunk(piece)) => println!("  {:?}", piece.content),
            Ok(ChatStreamEvent::End(_)) => rotator.finish(attempt.receipt()).await?,
            Ok(_) => {}
            Err(error) => {
                if let AttemptError::Failed { failure, .. } = failed(&attempt, &error) {
                    rotator.fail(attempt.receipt(), &failure).await?;
                }
                return Err(error.into());
            }
        }
    }

    println!("the third one, with a key that was revoked since:");
    let failure = streamed().await.map(drop).unwrap_err();
    show(failure.attempts());
    println!("{failure}");
    Ok(())
}
