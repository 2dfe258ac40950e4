//! Builds a request and prints it: what would be sent, where the cache breakpoints are, and why others were left out.
//!
//!     echo '{"model":"claude-opus-4-5","max_tokens":9,"messages":[{"role":"user","content":"Hello"}]}' |
//!         cargo run --quiet --example request -- --model anthropic/claude-opus-4-5 --retention long
//!
//! The body is read from standard input. Nothing is sent and no profile is read. The result is one JSON object on standard
//! output; an error is one JSON object with `kind`, `message` and `help` on standard error, with exit status 1.
//!
//! | flag | meaning |
//! | --- | --- |
//! | `--config FILE` | an `openclaw.json`, with the `.env` and the database beside it; default: an empty configuration |
//! | `--model PROVIDER/MODEL` | the model whose settings apply; default: the configuration's primary model |
//! | `--agent ID` | an agent of the configuration; default: its default agent |
//! | `--retention none\|short\|long` | the cache retention of this call; overrides the configuration |
//! | `--auth api-key\|token` | the credential, from `ANTHROPIC_API_KEY` or `ANTHROPIC_OAUTH_TOKEN`, else a made-up one |
//! | `--base-url URL` | another server than the configured one |
//! | `--header 'name: value'` | an additional header; may be repeated |
//! | `--previous FILE` | the `body` that was printed for the session's previous request |

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "an example talks to its reader, and reads the files it is given"
)]

use std::io::{self, Read as _};
use std::path::Path;

use provider_auth::cache::BreakpointNote;
use provider_auth::config::{ProviderApi, ProviderConfig};
use provider_auth::error::Diagnostic;
use provider_auth::{
    AuthProfiles, CacheRetention, Clock as _, Config, Credential, Endpoint, ErrorKind, ModelRef, PreparedRequest,
    ReadOptions, RequestBuilder, Secret, StateDir, SystemClock,
};
use serde_json::{Map, Value, json};

const SHOWN: [&str; 4] = ["accept", "anthropic-beta", "anthropic-version", "content-type"];

fn main() {
    match run() {
        Ok(output) => println!("{output}"),
        Err(failure) => {
            eprintln!("{}", failure.0);
            std::process::exit(1);
        }
    }
}

/// The JSON that is printed on standard error.
struct Failure(Value);

impl From<provider_auth::Error> for Failure {
    fn from(error: provider_auth::Error) -> Self {
        let kind = snake_case(&format!("{:?}", error.kind()));
        // Where there are several problems, they are all named.
        let problems = error.diagnostics().iter().map(|problem| format!("\n{problem}"));
        let message = problems.fold(error.to_string(), |message, problem| message + &problem);
        Self(json!({"kind": kind, "message": message, "help": error.help()}))
    }
}

fn usage(message: impl Into<String>) -> Failure {
    let help = "Flags: --config FILE, --model PROVIDER/MODEL, --agent ID, --retention none|short|long, \
        --auth api-key|token, --base-url URL, --header 'name: value', --previous FILE. The body comes on standard input.";
    Failure(json!({"kind": "usage", "message": message.into(), "help": help}))
}

fn unreadable(what: &str, error: &io::Error) -> Failure {
    let kind = if error.kind() == io::ErrorKind::NotFound { ErrorKind::NotFound } else { ErrorKind::Io };
    provider_auth::Error::new(kind, format!("{what} cannot be read: {}", error.kind())).into()
}

fn snake_case(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

#[derive(Default)]
struct Flags {
    config: Option<String>,
    model: Option<String>,
    agent: Option<String>,
    retention: Option<CacheRetention>,
    token: Option<bool>,
    base_url: Option<String>,
    headers: Vec<(String, String)>,
    previous: Option<String>,
}

impl Flags {
    fn read(mut arguments: impl Iterator<Item = std::ffi::OsString>) -> Result<Self, Failure> {
        let mut flags = Self::default();
        while let Some(flag) = arguments.next() {
            let flag = flag.into_string().map_err(|_| usage("an argument is not UTF-8"))?;
            let mut value = || match arguments.next().map(std::ffi::OsString::into_string) {
                Some(Ok(value)) => Ok(value),
                Some(Err(_)) => Err(usage(format!("the value of {flag} is not UTF-8"))),
                None => Err(usage(format!("{flag} needs a value"))),
            };
            match flag.as_str() {
                "--config" => once(&mut flags.config, &flag, value()?)?,
                "--model" => once(&mut flags.model, &flag, value()?)?,
                "--agent" => once(&mut flags.agent, &flag, value()?)?,
                "--base-url" => once(&mut flags.base_url, &flag, value()?)?,
                "--previous" => once(&mut flags.previous, &flag, value()?)?,
                "--retention" => {
                    let retention = value()?.parse().map_err(|_| usage("--retention is none, short or long"))?;
                    once(&mut flags.retention, &flag, retention)?;
                }
                "--auth" => {
                    let token = match value()?.as_str() {
                        "api-key" => false,
                        "token" => true,
                        _ => return Err(usage("--auth is api-key or token")),
                    };
                    once(&mut flags.token, &flag, token)?;
                }
                "--header" => {
                    let value = value()?;
                    let (name, value) =
                        value.split_once(':').ok_or_else(|| usage("--header is a name, a colon and a value"))?;
                    flags.headers.push((name.trim().to_owned(), value.trim().to_owned()));
                }
                // An unknown flag is not repeated: it may be a secret in the wrong place.
                _ => return Err(usage("there is an argument that is not a flag of this program")),
            }
        }
        Ok(flags)
    }
}

fn once<T>(slot: &mut Option<T>, flag: &str, value: T) -> Result<(), Failure> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(usage(format!("{flag} stands twice"))),
    }
}

fn run() -> Result<Value, Failure> {
    let flags = Flags::read(std::env::args_os().skip(1))?;
    let config = match &flags.config {
        Some(path) => configuration(path.as_ref())?,
        None => Config::from_json5_str("{}", &ReadOptions::new())?,
    };
    let agent = Some(flags.agent.as_deref().unwrap_or(config.default_agent()));
    let model = match flags.model.as_deref().or_else(|| config.primary_model(agent)) {
        Some(name) => config.resolve_model_for(name, agent)?,
        None => return Err(usage("there is no model: neither --model nor a primary model in the configuration")),
    };
    let endpoint = endpoint(&config, &model, flags.base_url.as_deref())?;
    let credential = credential(flags.token.unwrap_or(false));
    let previous = match &flags.previous {
        Some(path) => Some(std::fs::read(path).map_err(|error| unreadable("the previous body", &error))?),
        None => None,
    };
    let mut body = Vec::new();
    io::stdin().lock().read_to_end(&mut body).map_err(|error| unreadable("standard input", &error))?;

    let mut builder =
        RequestBuilder::new(&endpoint, &credential).configured(&config, &model, agent, flags.retention).body(body);
    if let Some(previous) = &previous {
        builder = builder.previous(previous);
    }
    for (name, value) in flags.headers {
        builder = builder.header(name, Secret::new(value));
    }
    Ok(shown(&builder.build()?, config.diagnostics()))
}

/// The configuration with what surrounds it: the `.env` of its directory, and the secrets that it refers to.
fn configuration(path: &Path) -> Result<Config, Failure> {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let state = StateDir::at(directory).with_config_path(path);
    let config = state.config()?;
    let references = state.references().resolve(&AuthProfiles::new(), &config, SystemClock.now());
    Ok(config.with_references(references))
}

/// The configured endpoint, or the one at another URL with the configured headers.
fn endpoint(config: &Config, model: &ModelRef, base_url: Option<&str>) -> Result<Endpoint, Failure> {
    let Some(base_url) = base_url else { return Ok(Endpoint::for_model(config, model)?) };
    let api = config.provider(model.provider()).and_then(ProviderConfig::api);
    let speaks = api.is_none_or(|api| api == ProviderApi::AnthropicMessages);
    match Endpoint::for_model(config, model) {
        Ok(endpoint) => Ok(endpoint.with_base_url(base_url)?),
        // A provider that is not configured, or whose configured URL is wrong, is what the flag is for.
        Err(_) if speaks => Ok(Endpoint::new(base_url)?),
        Err(error) => Err(error.into()),
    }
}

fn credential(token: bool) -> Credential {
    let variable = if token { "ANTHROPIC_OAUTH_TOKEN" } else { "ANTHROPIC_API_KEY" };
    let found = std::env::var(variable).ok().filter(|value| !value.trim().is_empty());
    let secret = Secret::cleaned(&found.unwrap_or_else(|| "placeholder".to_owned()));
    if token { Credential::token(secret, None) } else { Credential::api_key(secret) }
}

fn shown(request: &PreparedRequest, diagnostics: &[Diagnostic]) -> Value {
    let mut headers: Vec<_> = request.headers().iter().collect();
    headers.sort_by_key(|(name, _)| name.as_str());
    let headers: Map<String, Value> = headers
        .into_iter()
        .map(|(name, value)| {
            let value = value.to_str().ok().filter(|_| SHOWN.contains(&name.as_str()));
            (name.as_str().to_owned(), Value::from(value.unwrap_or("[redacted]")))
        })
        .collect();
    let plan = request.plan();
    let markers = plan.breakpoints().iter().map(|marker| json!({"path": marker.path(), "ttl": marker.ttl.as_str()}));
    let notes = diagnostics.iter().chain(request.notes()).map(Diagnostic::to_string);
    let notes = notes.chain(plan.notes().iter().map(BreakpointNote::to_string));
    json!({
        "method": request.method().as_str(),
        "url": request.uri().to_string(),
        "headers": headers,
        "body": String::from_utf8_lossy(request.body()),
        "markers": markers.collect::<Vec<_>>(),
        "notes": notes.collect::<Vec<_>>(),
    })
}
