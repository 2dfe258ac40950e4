//! Classifies answers of providers: JSON lines on standard input, JSON lines on standard output.
//!
//! ```sh
//! echo '{"provider": "anthropic", "kind": "response", "status": 429, "headers": {"retry-after": "30"}, "body": ""}' |
//!     cargo run --example answer
//! ```
//!
//! Input: one object per line. All members but `kind` are optional:
//!
//! - `kind`: `response`, `event` (one event of a stream) or `text` (an error message);
//! - `status` and `headers` of a response; `event`: the name of the event;
//! - `body`: a string, or an object, which is serialised;
//! - `provider`: whose codes apply (default: those of all providers); `model`: the model of the request;
//! - `names`: words of the caller, such as the names of its tools, to ignore; `now`: milliseconds since 1970.
//!
//! A byte order mark, CRLF and invalid UTF-8 are accepted. Blank lines are skipped, and counted as lines.
//!
//! Output: one line for each. `null` means no failure; otherwise it has the reason, the blame, the server's deadline, whether
//! and when the same profile is worth a retry, whether another profile is, and what to do. A line that cannot be read becomes
//! `{"error": "...", "line": n}`, and the exit status is 1.

#![expect(clippy::print_stderr, reason = "an example talks to its reader")]

use std::io::{self, BufRead as _, Write as _};
use std::process::ExitCode;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use provider_auth::failure::{Blame, RetryBackoff};
use provider_auth::{Clock as _, Failure, FailureClassifier, ProviderId, SystemClock, Timestamp};
use serde_json::{Value, json};

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Answers every line; returns `true` if all could be read.
fn run() -> io::Result<bool> {
    // Standard output is flushed line by line, for a caller that asks one question at a time.
    let (input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut all_read = true;
    for (line, n) in input.split(b'\n').zip(1_u64..) {
        let line = String::from_utf8_lossy(&line?).into_owned();
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() {
            continue;
        }
        let told = answer(line).unwrap_or_else(|error| {
            all_read = false;
            json!({ "error": error, "line": n })
        });
        writeln!(output, "{told}")?;
    }
    output.flush()?;
    Ok(all_read)
}

fn answer(line: &str) -> Result<Value, String> {
    let asked: Value = serde_json::from_str(line).map_err(|error| format!("this is no JSON: {error}"))?;
    let asked = asked.as_object().ok_or("a line is an object")?;
    let text = |name: &str| match asked.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(format!("`{name}` is a string")),
    };
    let now = match asked.get("now") {
        None | Some(Value::Null) => SystemClock.now(),
        Some(now) => Timestamp::from_millis(now.as_i64().ok_or("`now` is a number of milliseconds")?),
    };
    let mut classifier = match text("provider")?.filter(|provider| !provider.trim().is_empty()) {
        Some(provider) => FailureClassifier::new(&ProviderId::new(provider).map_err(|error| error.to_string())?),
        None => FailureClassifier::for_any_provider(),
    };
    if let Some(model) = text("model")? {
        classifier = classifier.with_model(model);
    }
    if let Some(names) = asked.get("names").filter(|names| !names.is_null()) {
        let names = names.as_array().ok_or("`names` is an array of strings")?;
        let names: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
        classifier = classifier.with_caller_words(names.ok_or("`names` is an array of strings")?);
    }
    let body = match asked.get("body") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(body)) => body.clone(),
        Some(body) => body.to_string(),
    };
    let failure = match text("kind")?.ok_or("`kind` is missing")? {
        "response" => {
            let status = asked.get("status").and_then(Value::as_u64).ok_or("a response has a `status`")?;
            let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
            classifier.response(
                status.ok_or("`status` is no HTTP status")?,
                &headers(asked.get("headers"))?,
                body.as_bytes(),
                now,
            )
        }
        "event" => classifier.event(text("event")?.unwrap_or_default(), body.as_bytes(), now),
        "text" => classifier.text(&body, now),
        other => return Err(format!("`kind` is response, event or text, not {other}")),
    };
    Ok(failure.map_or(Value::Null, |failure| told(&failure, now)))
}

fn headers(given: Option<&Value>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let Some(given) = given.filter(|given| !given.is_null()) else { return Ok(headers) };
    for (name, value) in given.as_object().ok_or("`headers` is an object")? {
        let value = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        let name = HeaderName::try_from(name).map_err(|_| format!("`{name}` is no name of a header"))?;
        let value =
            HeaderValue::try_from(value).map_err(|_| format!("the value of `{name}` is no value of a header"))?;
        headers.append(name, value);
    }
    Ok(headers)
}

fn told(failure: &Failure, now: Timestamp) -> Value {
    let blame = match failure.blame() {
        Blame::Profile => "profile",
        Blame::Model => "model",
        Blame::Provider => "provider",
        Blame::Request => "request",
        _ => "nobody",
    };
    let retry = failure.retry_after(now, &RetryBackoff::default(), 0, 0.0);
    json!({
        "reason": failure.reason().as_str(),
        "blame": blame,
        "deadline": failure.deadline().map(Timestamp::as_millis),
        "retry_same": failure.can_retry(),
        "retry_after_ms": retry.map(|retry| u64::try_from(retry.as_millis()).unwrap_or(u64::MAX)),
        "rotate": failure.can_rotate(),
        "help": failure.help(),
    })
}
