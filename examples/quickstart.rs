//! All steps of a request: read the configuration, choose a credential, build and send the request, record the outcome.
//!
//!     cargo run --example quickstart                              # with temporary files
//!     cargo run --example quickstart -- openclaw.json STATE_DIR   # with yours, which are not written
//!
//! It starts a server on loopback, and needs neither a key nor a network. Your keys do not leave the machine.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "an example talks to its reader, and reads and writes files of its own"
)]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use provider_auth::cache::CacheUsage;
use provider_auth::request::EndpointKind;
use provider_auth::select::Candidate;
use provider_auth::testing::{Answer, Server};
use provider_auth::{
    AuthProfileStore, AuthProfiles, Call, Clock, Config, Endpoint, FailureClassifier, MemoryStore, ModelRef,
    PreparedRequest, ProfileSelector, Query, ReadOptions, RecordOutcome, RequestBuilder, Rotator, Selection,
    SystemClock,
};
use serde_json::{Value, json};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const CONFIG: &str = r#"{
  // As users of OpenClaw write it: comments, trailing commas, a legacy key.
  auth: { order: { anthropic: ["anthropic:work", "anthropic:home", "anthropic:subscription"] } },
  agents: { defaults: {
    model: { primary: "anthropic/claude-opus-4-5" },
    models: { "anthropic/claude-opus-4-5": { params: { cacheControlTtl: "1h" } } },
  } },
}"#;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    if let Err(error) = run().await {
        eprintln!("error: {error}");
        if let Some(error) = error.downcast_ref::<provider_auth::Error>() {
            if let Some(wait) = error.retry_after() {
                eprintln!("the first of them can be used again in {} s", wait.as_secs());
            }
            error.diagnostics().iter().for_each(|diagnostic| eprintln!("  {diagnostic}"));
            eprintln!("help: {}", error.help());
        }
        std::process::exit(1);
    }
}

async fn run() -> Outcome {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let own = tempfile::tempdir()?;
    let config_path = arguments.next().map_or_else(|| write_config(own.path()), Ok)?;
    let profiles = match arguments.next() {
        Some(state_dir) => read_profiles(&state_dir)?,
        None => AuthProfiles::from_json(&fs::read_to_string(write_profiles(own.path())?)?)?,
    };

    heading("1. Configuration");
    let config = Config::from_path(&config_path, &ReadOptions::new())?;
    println!("read {}", config_path.display());
    for diagnostic in config.diagnostics().iter().chain(profiles.diagnostics()) {
        println!("  {diagnostic}");
    }
    let model: ModelRef = config.resolve_model(config.primary_model(None).unwrap_or("claude-opus-4-5"))?;
    println!("model: {model}");

    heading("2. The credential to use now");
    let clock = SystemClock;
    let store = Arc::new(MemoryStore::new(profiles));
    let selector = config.selector();
    let query = Query::for_model(&model).session("quickstart");
    show_candidates(&store, selector, &query, &clock)?;
    let selection = config.resolve(&*store.load()?, &query, clock.now())?;
    show_choice(&selection, config.auth_order(model.provider()).is_some());

    heading("3. The request");
    let server = Server::start([
        Answer::message("Hello from loopback."),
        Answer::error(429, "rate_limit_error", "This request would exceed your rate limit.")
            .header("retry-after", "20"),
        Answer::message("Hello again."),
    ])?;
    // A gateway is set up the same way; `Endpoint::for_model(&config, &model)` is the configured endpoint.
    let endpoint = Endpoint::new(server.url())?.with_kind(EndpointKind::Anthropic);
    let request = prepare(&endpoint, &selection, &config, &model, &conversation(&model, 1))?;
    show_request(&request);

    heading("4. The reply");
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build()?;
    let reply = client.execute(reqwest::Request::try_from(request)?).await?;
    let (status, headers, body) = (reply.status(), reply.headers().clone(), reply.bytes().await?);
    match FailureClassifier::new(model.provider()).response(status, &headers, &body, clock.now()) {
        None => store.record_success(selector, &selection.receipt, clock.now())?,
        Some(failure) => store.record_failure(selector, &selection.receipt, &failure, clock.now())?,
    }
    println!("status {}; {}", status.as_u16(), usage(&body));

    heading("5. The next turn meets a rate limit");
    // The same steps in one call, which also tries the next profile.
    let rotator = Rotator::builder(Arc::clone(&store))
        .config(config.clone())
        .endpoint(model.provider().clone(), endpoint.clone())
        .build()?;
    let call = Call::new(model.clone()).json(&conversation(&model, 2)).session("quickstart");
    let attempts = match rotator.send(&call).await {
        Ok(reply) => reply.attempts().to_vec(),
        Err(failure) => failure.attempts().to_vec(),
    };
    for attempt in &attempts {
        let (status, reason) = (attempt.status.map_or(0, |status| status.as_u16()), attempt.reason());
        println!(
            "  {:<26} status {status}  {}",
            attempt.profile.as_str(),
            reason.map_or("ok", |reason| reason.as_str())
        );
    }
    if let Some(usage) = store.load()?.usage(selection.profile.as_str()) {
        let json: Value = serde_json::from_str(&usage.to_json())?;
        println!("statistics of {} now:\n{json:#}", selection.profile);
    }

    heading("6. The turn after that");
    show_candidates(&store, selector, &query, &clock)?;
    match config.resolve(&*store.load()?, &query, clock.now()) {
        Ok(selection) => {
            show_choice(&selection, config.auth_order(model.provider()).is_some());
            show_request(&prepare(&endpoint, &selection, &config, &model, &conversation(&model, 3))?);
        }
        Err(error) => println!("nobody: {error}\n  {}", error.help()),
    }
    Ok(())
}

fn prepare(
    endpoint: &Endpoint,
    selection: &Selection,
    config: &Config,
    model: &ModelRef,
    body: &Value,
) -> provider_auth::Result<PreparedRequest> {
    RequestBuilder::for_selection(endpoint, selection).configured(config, model, None, None).json(body).build()
}

fn conversation(model: &ModelRef, turns: usize) -> Value {
    let mut messages = vec![json!({"role": "user", "content": "What does a cache marker cost?"})];
    for _ in 1..turns {
        messages.push(json!({"role": "assistant", "content": "Nothing; only tokens written or read are billed."}));
        messages.push(json!({"role": "user", "content": "And how long does it last?"}));
    }
    json!({
        "model": model.model(),
        "max_tokens": 256,
        "tools": [{"name": "search", "description": "Search the docs", "input_schema": {"type": "object"}}],
        "system": "You answer questions about prompt caching, briefly.",
        "messages": messages,
    })
}

fn show_candidates(
    store: &MemoryStore,
    selector: &ProfileSelector,
    query: &Query,
    clock: &impl Clock,
) -> provider_auth::Result<()> {
    let (profiles, now) = (store.load()?, clock.now());
    let candidates = selector.candidates(&profiles, query, now);
    println!("  {:<26} {:<9} {:>7}  verdict", "profile", "kind", "wait");
    for Candidate { id, kind, verdict, .. } in &candidates {
        let wait = verdict.until().map_or(String::new(), |until| format!("{:.0} s", (until - now).as_secs_f64()));
        println!("  {:<26} {:<9} {wait:>7}  {verdict}", id.as_str(), kind.map_or("?", |kind| kind.as_str()));
    }
    candidates.diagnostics().iter().for_each(|diagnostic| println!("  {diagnostic}"));
    Ok(())
}

fn show_choice(selection: &Selection, ordered: bool) {
    let (kind, source) = (selection.credential.kind(), &selection.source);
    println!("chosen: {}, a credential of kind {kind} from {source}", selection.profile);
    let (ready, unfit): (Vec<_>, Vec<_>) = selection.skipped.iter().partition(|skipped| skipped.verdict.is_ready());
    let rule = if ordered {
        "it is the first in the order"
    } else {
        "its kind comes first, and it is the least recently used"
    };
    match (ready.len(), unfit.len()) {
        (0, 0) => println!("  why: it is the only one"),
        (0, unfit) => println!("  why: the other {unfit} cannot be used now"),
        (ready, unfit) => println!("  why: {rule}; {ready} more could be used, {unfit} not"),
    }
    if selection.needs_refresh() {
        println!("  its access token has expired: refresh it before it is sent");
    }
}

fn show_request(request: &PreparedRequest) {
    println!("{} {}", request.method(), request.uri());
    let names: Vec<_> = request.headers().keys().map(http::HeaderName::as_str).collect();
    println!("  headers: {}", names.join(", "));
    let betas = request.headers().get("anthropic-beta").and_then(|value| value.to_str().ok());
    println!("  betas:   {}", betas.unwrap_or("none"));
    for marker in request.plan().breakpoints() {
        println!("  marker:  {} at {}", marker.ttl, marker.path());
    }
    request.notes().iter().for_each(|note| println!("  {note}"));
    println!("  body:    {} bytes", request.body().len());
}

fn usage(reply: &[u8]) -> String {
    let Ok(usage) = CacheUsage::from_reply(reply) else { return "no usage counters".to_owned() };
    let hits = usage.hit_ratio().unwrap_or(0.0) * 100.0;
    format!("cache written {} tokens, of {} in all; {hits:.0} % of them were hits", usage.written(), usage.total())
}

/// Reads the profiles of a state directory, or of the directory of one agent in it.
fn read_profiles(state_dir: &Path) -> Outcome<AuthProfiles> {
    let places = [state_dir.join("auth-profiles.json"), state_dir.join("agents/main/agent/auth-profiles.json")];
    let Some(path) = places.iter().find(|path| path.exists()) else {
        return Err(format!("{} holds no auth-profiles.json", state_dir.display()).into());
    };
    Ok(AuthProfiles::from_json(&fs::read_to_string(path)?).map_err(|error| error.with_path(path))?)
}

fn write_config(directory: &Path) -> std::io::Result<PathBuf> {
    let path = directory.join("openclaw.json");
    fs::write(&path, CONFIG)?;
    Ok(path)
}

/// One key that is cooling down, one healthy key, one setup-token. None of them is real.
fn write_profiles(directory: &Path) -> std::io::Result<PathBuf> {
    let soon = (SystemClock.now() + Duration::from_secs(45)).as_millis();
    let profiles = json!({
        "version": 1,
        "profiles": {
            "anthropic:work": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-api03-work-is-not-real"},
            "anthropic:home": {"type": "api_key", "provider": "anthropic", "key": "sk-ant-api03-home-is-not-real"},
            "anthropic:subscription": {"type": "token", "provider": "anthropic", "token": "sk-ant-oat01-is-not-real"}
        },
        "usageStats": {"anthropic:work": {"cooldownUntil": soon, "errorCount": 1, "failureCounts": {"auth": 1}}}
    });
    let path = directory.join("auth-profiles.json");
    fs::write(&path, serde_json::to_string_pretty(&profiles)?)?;
    Ok(path)
}

fn heading(text: &str) {
    println!("\n── {text} {}", "─".repeat(70_usize.saturating_sub(text.len())));
}
