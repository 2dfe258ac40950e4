//! A real HTTP server on loopback that speaks the shape of the Messages API, so that an example needs neither a key nor a
//! network. It answers each request in turn as its script says.

#![expect(
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a server in an example; indexing a JSON value gives null where there is nothing"
)]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};

/// One answer of the script.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "each example uses its own part")]
pub(crate) enum Answer {
    /// A message, with usage counters that follow the cache markers of the request.
    Message,
    /// 429 with this many seconds in `retry-after`.
    RateLimit(u32),
    /// 400 for an account without credit.
    NoCredit,
    /// 401 for a key that was revoked.
    Revoked,
}

/// Starts the server on a free port and gives its URL. It lives as long as the process.
pub(crate) fn start(script: Vec<Answer>) -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        let mut script = script.into_iter();
        for connection in listener.incoming() {
            let Some(answer) = script.next() else { break };
            if let Err(error) = connection.and_then(|connection| serve(connection, answer)) {
                eprintln!("the loopback server stopped: {error}");
                break;
            }
        }
    });
    Ok(url)
}

fn serve(mut connection: TcpStream, answer: Answer) -> io::Result<()> {
    let request = read(&connection)?;
    let (status, headers, body) = reply(&request, answer);
    let body = body.to_string();
    write!(
        connection,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nrequest-id: req_loopback\r\n{headers}content-length: \
         {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )?;
    connection.flush()
}

/// What the server looks at.
struct Request {
    path: String,
    headers: Vec<(String, String)>,
    body: Value,
}

fn read(connection: &TcpStream) -> io::Result<Request> {
    let mut reader = BufReader::new(connection);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.to_owned())),
            None => break,
        }
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    Ok(Request { path, headers, body: serde_json::from_slice(&body).unwrap_or(Value::Null) })
}

fn reply(request: &Request, answer: Answer) -> (&'static str, String, Value) {
    let header = |name: &str| request.headers.iter().filter(|(known, _)| known == name).count();
    let refuse = |kind: &str, message: &str| json!({"type": "error", "error": {"type": kind, "message": message}});
    if request.path != "/v1/messages" {
        return ("404 Not Found", String::new(), refuse("not_found_error", "there is only /v1/messages here"));
    }
    if header("x-api-key") + header("authorization") != 1 {
        let body = refuse("authentication_error", "send exactly one of x-api-key and authorization");
        return ("401 Unauthorized", String::new(), body);
    }
    if header("anthropic-version") != 1 || !request.body["messages"].is_array() {
        return ("400 Bad Request", String::new(), refuse("invalid_request_error", "not a Messages request"));
    }
    match answer {
        Answer::RateLimit(seconds) => {
            let body = refuse("rate_limit_error", "This request would exceed the rate limit of the loopback server.");
            ("429 Too Many Requests", format!("retry-after: {seconds}\r\n"), body)
        }
        Answer::NoCredit => {
            let message = "Your credit balance is too low to access the Anthropic API.";
            ("400 Bad Request", String::new(), refuse("invalid_request_error", message))
        }
        Answer::Revoked => {
            ("401 Unauthorized", String::new(), refuse("authentication_error", "This API key has been revoked."))
        }
        Answer::Message => {
            let marked = request.body.to_string().matches("\"cache_control\"").count();
            // Four characters a token: nobody is billed here.
            let tokens = request.body.to_string().len() / 4;
            let written = if marked > 0 { tokens } else { 0 };
            let body = json!({
                "type": "message",
                "role": "assistant",
                "content": [{"type": "text", "text": "Hello from loopback."}],
                "stop_reason": "end_turn",
                "usage": {
                    "input_tokens": tokens - written,
                    "output_tokens": 6,
                    "cache_creation_input_tokens": written,
                    "cache_read_input_tokens": 0
                }
            });
            ("200 OK", String::new(), body)
        }
    }
}
