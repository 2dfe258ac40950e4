//! ureq: a rotation around a blocking client, on the calling thread.
//!
//!     cargo run --manifest-path examples/adapters/Cargo.toml --bin ureq
//!
//! It starts a server on loopback, and needs neither a key nor a network nor a runtime.

#[path = "../loopback.rs"]
mod loopback;

use std::io::{BufRead as _, BufReader, ErrorKind};

use loopback::Answer;
use provider_auth::cache::CacheUsage;
use provider_auth::failure::TransportError;
use provider_auth::rotation::{Attempt, AttemptError, BlockingDriver, ErrorResponse};
use provider_auth::{
    AuthProfiles, Clock as _, Config, Endpoint, Environment, Failure, FailureClassifier, MemoryStore, ModelRef,
    ProfileId, Query, ReadOptions, RecordOutcome as _, RequestBuilder, SystemClock,
};
use serde_json::{Value, json};
use ureq::{Agent, Body, Error};

/// A whole answer, or the head of a stream.
enum Reply {
    Whole(Vec<u8>),
    Stream(Body),
}

/// The last body of a conversation, and the profile whose cache knows it. An agent keeps one for each conversation.
type Sent = (ProfileId, Vec<u8>);

/// Sends a body with the profile of an attempt, and replaces `last` by what was sent.
fn ask(
    agent: &Agent,
    config: &Config,
    attempt: &Attempt,
    body: &Value,
    last: &mut Option<Sent>,
) -> Result<Reply, AttemptError> {
    let (model, endpoint) = (attempt.model(), Endpoint::for_model(config, attempt.model())?);
    let builder = RequestBuilder::for_selection(&endpoint, attempt.selection()).configured(config, model, None, None);
    let prepared = match last.as_ref().filter(|(profile, _)| profile == attempt.profile()) {
        Some((_, previous)) => builder.previous(previous).json(body).build()?,
        None => builder.json(body).build()?,
    };
    let sent = (attempt.profile().clone(), prepared.body().to_vec());
    let request = http::Request::from(prepared);
    let request = agent.configure_request(request).timeout_global(Some(attempt.timeout())).build();
    let (head, mut body) = agent.run(request).map_err(|error| Failure::from(transport(&error)))?.into_parts();
    if head.status.is_success() && body.mime_type() == Some("text/event-stream") {
        *last = Some(sent);
        return Ok(Reply::Stream(body));
    }
    let body = body.read_to_vec().map_err(|error| Failure::from(transport(&error)))?;
    let classifier = FailureClassifier::new(model.provider()).with_model(model.model());
    if let Some(failure) = classifier.response(head.status, &head.headers, &body, SystemClock.now()) {
        return Err(AttemptError::from(failure).with_response(ErrorResponse::new(head.status, head.headers, &body)));
    }
    *last = Some(sent);
    Ok(Reply::Whole(body))
}

fn transport(error: &Error) -> TransportError {
    match error {
        Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => TransportError::ConnectTimedOut,
        Error::Timeout(_) => TransportError::TimedOut,
        Error::HostNotFound => TransportError::Dns,
        Error::ConnectionFailed => TransportError::Connect,
        Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused => TransportError::Connect,
        Error::Tls(_) => TransportError::Tls,
        Error::TlsRequired => TransportError::NoTls,
        Error::ConnectProxyFailed(_) | Error::InvalidProxyUrl => TransportError::Proxy,
        Error::Http(_) | Error::BadUri(_) => TransportError::Request,
        _ => TransportError::Reset,
    }
}

/// Prints an answer, a streamed one as it arrives, and returns its text and its cache usage.
fn print(model: &ModelRef, reply: Reply) -> Result<(String, CacheUsage), Failure> {
    let (classifier, mut usage) = (FailureClassifier::new(model.provider()), CacheUsage::default());
    let mut text = String::new();
    let stream = match reply {
        Reply::Stream(stream) => stream,
        Reply::Whole(body) => {
            let answer: Value = serde_json::from_slice(&body).map_err(|_| TransportError::Body)?;
            text.push_str(answer["content"][0]["text"].as_str().unwrap_or_default());
            println!("  {text:?}");
            return Ok((text, CacheUsage::from_reply(&body).unwrap_or_default()));
        }
    };
    for line in BufReader::new(stream.into_reader()).lines() {
        let line = line.map_err(|_| TransportError::Body)?;
        let Some(data) = line.strip_prefix("data:") else { continue };
        if let Some(failure) = classifier.event("", data.as_bytes(), SystemClock.now()) {
            return Err(failure);
        }
        // Data that cannot be read is ignored.
        let _ = usage.observe_event(data.as_bytes());
        let event: Value = serde_json::from_str(data).map_err(|_| TransportError::Body)?;
        match event["type"].as_str() {
            Some("content_block_delta") => {
                let piece = event["delta"]["text"].as_str().unwrap_or_default();
                println!("  {piece:?}");
                text.push_str(piece);
            }
            Some("message_stop") => return Ok((text, usage)),
            _ => {}
        }
    }
    Err(TransportError::Body.into())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = loopback::start(vec![Answer::RateLimit(30), Answer::Message, Answer::Message])?;
    let url = server.url();
    // Without `baseUrl` it is the provider's own. Your program uses `StateDir::config`.
    let config = json!({"models": {"providers": {"anthropic": {"baseUrl": url}}}}).to_string();
    let config = Config::from_json5_str(&config, &ReadOptions::new().environment(Environment::empty()))?;
    let store = MemoryStore::new(AuthProfiles::from_json(
        r#"{"version": 1, "profiles": {
            "anthropic:home": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-home-is-not-real"},
            "anthropic:work": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-work-is-not-real"}}}"#,
    )?);
    // An error status is an answer here, and a redirect would carry the key to another host.
    let agent = Agent::new_with_config(Agent::config_builder().http_status_as_error(false).max_redirects(0).build());
    let driver = BlockingDriver::new(&store, &SystemClock, std::thread::sleep);
    let model: ModelRef = "anthropic/claude-opus-4-5".parse()?;
    let rotation = || {
        let query = Query::for_model(&model).session("conversation-17");
        config.rotation(model.clone(), None, SystemClock.now()).query(query)
    };
    let (mut messages, mut last) = (Vec::new(), None);
    for (title, text, stream) in
        [("the first call:", "Hello", false), ("the second one, streamed:", "Hello again", true)]
    {
        println!("{title}");
        messages.push(json!({"role": "user", "content": text}));
        let body = json!({"model": model.model(), "max_tokens": 64, "stream": stream, "messages": messages});
        let send = |attempt: &Attempt| ask(&agent, &config, attempt, &body, &mut last);
        let answered = driver.run_streamed(rotation(), send)?;
        for attempt in &answered.attempts {
            println!("  {attempt}");
        }
        // An answer that has only begun is no success yet.
        let (receipt, selector) = (answered.attempt.receipt(), config.selector());
        match print(&model, answered.value) {
            Ok((text, usage)) => {
                messages.push(json!({"role": "assistant", "content": text}));
                store.record_success(selector, receipt, SystemClock.now())?;
                println!("{usage:?}");
            }
            Err(failure) => {
                store.record_failure(selector, receipt, &failure, SystemClock.now())?;
                return Err(failure.into_error().into());
            }
        }
    }
    Ok(())
}
