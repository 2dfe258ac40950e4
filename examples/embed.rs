//! A minimal agent: a state directory, a rotator that sends, and what the prompt cache saved.
//!
//!     cargo run --example embed                                             # on loopback, without a key or a network
//!     cargo run --features rustls --example embed -- STATE_DIR "a question" # a real agent: needs a key
//!
//! Copy it into your agent. Only `demonstrate`, at the end, is for the demonstration. A real server needs TLS: this crate's
//! feature `rustls`, or a TLS feature of reqwest in your own `Cargo.toml`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to its reader")]
#![allow(clippy::indexing_slicing, reason = "what a JSON value does not have is null")]

use std::io::Write as _;
use std::path::{Path, PathBuf};

use provider_auth::request::EndpointKind;
use provider_auth::testing::{Answer, Server};
use provider_auth::{
    Call, CredentialKind, Endpoint, FileStore, ModelRef, ProfileSelector, ProviderId, Rotator, StateDir, setup,
};
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// What an agent keeps for its whole life. The rotator is cheap to clone, and clones share everything.
struct Agent {
    rotator: Rotator,
    model: ModelRef,
    messages: Vec<Value>,
}

impl Agent {
    /// The agent "main" of a state directory.
    fn new(state: &Path, endpoint: Option<Endpoint>) -> Outcome<Self> {
        // A missing file is an empty configuration; a file with mistakes is an error with help.
        let state = StateDir::at(state);
        let config = state.config()?;
        let model = config.resolve_model(config.primary_model(Some("main")).unwrap_or("anthropic/claude-opus-4-5"))?;
        // The profiles, shared with every other program that uses this directory.
        let mut rotator = Rotator::builder(state.store("main")?).config(config).references(state.references());
        if let Some(endpoint) = endpoint {
            rotator = rotator.endpoint(ProviderId::anthropic(), endpoint); // instead of the configured one
        }
        Ok(Self { rotator: rotator.build()?, model, messages: Vec::new() })
    }

    /// Asks a question, and prints the answer while it comes, from whichever profile can send it.
    async fn ask(&mut self, question: &str) -> Outcome<()> {
        self.messages.push(json!({ "role": "user", "content": question }));
        let answer = self.answer().await;
        match &answer {
            Ok(text) if !text.is_empty() => self.messages.push(json!({ "role": "assistant", "content": text })),
            _ => drop(self.messages.pop()), // without an answer, the question is no part of the conversation
        }
        answer.map(drop)
    }

    async fn answer(&self) -> Outcome<String> {
        let (model, system) = (self.model.model(), "You are a helpful assistant. Answer in one or two sentences.");
        let body = json!({ "model": model, "max_tokens": 1024, "stream": true, "system": system,
            "messages": self.messages });
        // The session keeps the conversation on one account, whose prompt cache is warm. Breakpoints are added.
        let call = Call::new(self.model.clone()).agent("main").session("conversation-1").json(&body);
        let mut reply = self.rotator.send(&call).await.inspect_err(|failure| {
            // Every profile that was tried, and why it failed.
            for attempt in failure.attempts() {
                eprintln!("  {}: {:?}", attempt.profile, attempt.reason());
            }
            eprintln!("  help: {}", failure.error().help());
        })?;
        let mut answer = String::new();
        while let Some(event) = reply.event().await? {
            let event: Value = serde_json::from_str(&event.data)?;
            let text = event["delta"]["text"].as_str().unwrap_or_default();
            print!("{text}");
            std::io::stdout().flush()?;
            answer.push_str(text);
        }
        println!();
        // What the cache saved: tokens that were read cost a tenth or less.
        let usage = reply.usage();
        let ratio = usage.hit_ratio().map_or("no tokens".to_owned(), |ratio| format!("{:.0} % read", ratio * 100.0));
        eprintln!("  [{}] of {} input tokens {ratio} from the cache", reply.profile(), usage.total());
        Ok(answer)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((state, questions)) = arguments.split_first() else { return demonstrate().await };
    let mut agent = Agent::new(&PathBuf::from(state), None)?;
    for question in questions {
        agent.ask(question).await?;
    }
    Ok(())
}

/// Runs the same agent in a temporary directory, with two made-up keys and a server on loopback.
async fn demonstrate() -> Outcome<()> {
    let state = tempfile::tempdir()?;
    let (store, anthropic) = (FileStore::builder().agent(state.path(), "main").build()?, ProviderId::anthropic());
    for name in ["busy", "spare"] {
        let key = setup::api_key(&anthropic, &format!("sk-ant-api03-{name}-is-not-real"))?;
        let id = setup::profile_id(&anthropic, Some(name), CredentialKind::ApiKey)?;
        setup::save_key(&store, &ProfileSelector::default(), &id, &anthropic, &key, None)?;
    }
    let server = Server::start([
        Answer::error(429, "rate_limit_error", "slow down").header("retry-after", "30"),
        Answer::message("Hello from loopback."),
        Answer::message("Hello again."),
    ])?;
    let endpoint = Endpoint::new(server.url())?.with_kind(EndpointKind::Anthropic);
    let mut agent = Agent::new(state.path(), Some(endpoint))?;
    for question in ["Hello?", "And again?"] {
        print!("{question} ");
        agent.ask(question).await?;
    }
    Ok(())
}
