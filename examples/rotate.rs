//! One call, four keys: one is over its limit, one has no credit, one was revoked, one answers. Then the same loop around
//! other clients: an asynchronous one, and a blocking one.
//!
//!     cargo run --example rotate
//!
//! It starts a server on loopback, and needs neither a key nor a network.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to its reader")]
#![expect(clippy::disallowed_methods, reason = "a program waits with the system's own clock")]

use std::sync::Arc;

use provider_auth::request::EndpointKind;
use provider_auth::rotation::{Attempt, AttemptRecord, BlockingDriver, Rotation};
use provider_auth::select::Candidate;
use provider_auth::testing::{Answer, Server};
use provider_auth::{
    AuthProfileStore, AuthProfiles, Call, Clock, Config, Endpoint, Environment, Failure, FailureReason, MemoryStore,
    ModelRef, ProfileSelector, ProviderId, Query, ReadOptions, Rotator, SystemClock,
};
use serde_json::json;

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    if let Err(error) = run().await {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}

async fn run() -> Outcome {
    // Keys in your own environment are ignored.
    let config = Config::from_json5_str("{}", &ReadOptions::new().environment(Environment::empty()))?;
    let key =
        |name: &str| json!({"type": "api_key", "provider": "anthropic", "key": format!("sk-ant-{name}-is-not-real")});
    let profiles = json!({
        "version": 1,
        "profiles": {
            "anthropic:busy": key("busy"),
            "anthropic:empty": key("empty"),
            "anthropic:old": key("old"),
            "anthropic:spare": key("spare")
        },
        "order": {"anthropic": ["anthropic:busy", "anthropic:empty", "anthropic:old", "anthropic:spare"]}
    });
    let store = Arc::new(MemoryStore::new(AuthProfiles::from_json(&profiles.to_string())?));
    let limited = Answer::error(429, "rate_limit_error", "This request would exceed your rate limit.");
    let no_credit = "Your credit balance is too low to access the Anthropic API.";
    let server = Server::start([
        limited.clone().header("retry-after", "30"),
        Answer::error(400, "invalid_request_error", no_credit),
        Answer::error(401, "authentication_error", "This API key has been revoked."),
        Answer::message("Hello from loopback."),
        limited.header("retry-after", "60"),
    ])?;
    let endpoint = Endpoint::new(server.url())?.with_kind(EndpointKind::Anthropic);

    // To keep keys beyond the process, use `StateDir::store`; for the configured endpoint, leave `endpoint` out.
    let rotator = Rotator::builder(Arc::clone(&store))
        .config(config)
        .client(|| reqwest::Client::builder().user_agent("rotate-example"))
        .endpoint(ProviderId::anthropic(), endpoint)
        .build()?;
    let model: ModelRef = "anthropic/claude-opus-4-5".parse()?;
    let body = json!({"model": model.model(), "max_tokens": 64, "messages": [{"role": "user", "content": "Hello"}]});
    let call = Call::new(model.clone()).json(&body).session("example");

    println!("── The first call");
    let reply = rotator.send(&call).await?;
    show(reply.attempts());
    println!("answered by {} with status {}", reply.profile(), reply.response().status().as_u16());

    println!("\n── What is remembered");
    let (profiles, now) = (store.load()?, SystemClock.now());
    for Candidate { id, verdict, .. } in
        &ProfileSelector::default().candidates(&profiles, &Query::for_model(&model), now)
    {
        let wait = verdict.until().map_or(String::new(), |until| format!(" ({:.0} s)", (until - now).as_secs_f64()));
        println!("  {:<16} {verdict}{wait}", id.as_str());
    }

    println!("\n── The loop around another asynchronous client");
    let openai = AuthProfiles::from_json(
        r#"{"version": 1, "profiles": {
            "openai:one": {"type": "api_key", "provider": "openai", "key": "sk-one-is-not-real"},
            "openai:two": {"type": "api_key", "provider": "openai", "key": "sk-two-is-not-real"}}}"#,
    )?;
    let others = Arc::new(MemoryStore::new(openai));
    let gpt: ModelRef = "openai/gpt-5".parse()?;
    let foreign = Rotator::builder(Arc::clone(&others)).build()?;
    let answered = foreign.run(&Call::new(gpt.clone()), |attempt| async move { ask(&attempt) }).await?;
    show(&answered.attempts);
    println!("answered by {} with {:?}", answered.attempt.profile(), answered.value);

    println!("\n── The loop around a blocking client, with the cooldown recorded above");
    let driver = BlockingDriver::new(&*others, &SystemClock, std::thread::sleep);
    let rotation = Rotation::new(ProfileSelector::default(), gpt, SystemClock.now());
    let answered = driver.run(rotation, ask)?;
    show(&answered.attempts);

    println!("\n── The second call meets a limit on the last key");
    match rotator.send(&call).await {
        Ok(reply) => println!("answered by {}", reply.profile()),
        Err(failure) => {
            show(failure.attempts());
            println!("nobody: {failure}\n  {}", failure.error().help());
            if let Some(at) = failure.retry_at() {
                println!("  worth another try in {:.0} s", (at - SystemClock.now()).as_secs_f64());
            }
        }
    }
    Ok(())
}

/// Stands for another client, which gets a credential and whose errors are classified. This one only pretends to send.
fn ask(attempt: &Attempt) -> Result<&'static str, Failure> {
    match attempt.profile().as_str() {
        "openai:one" => Err(Failure::new(FailureReason::RateLimit)),
        _ => Ok("Hello"),
    }
}

fn show(attempts: &[AttemptRecord]) {
    println!("  {:<16} {:<26} {:<15} {:>6} {:>8}", "profile", "model", "outcome", "status", "duration");
    for attempt in attempts {
        let outcome = attempt.reason().map_or("ok", |reason| reason.as_str());
        let status = attempt.status.map_or(String::new(), |status| status.as_u16().to_string());
        let (profile, model) = (attempt.profile.as_str(), attempt.model.to_string());
        println!("  {profile:<16} {model:<26} {outcome:<15} {status:>6} {:>5} ms", attempt.duration.as_millis());
    }
}
