//! A real HTTP server on loopback that speaks the shape of the Messages API and of OpenAI's chat completions, so that an
//! example needs neither a key nor a network. It answers each request in turn as its script says.

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
    /// A message, with usage counters that follow the cache markers of the request; a stream if it asks for one.
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
    let is_stream = status == "200 OK" && request.body["stream"] == true;
    let (kind, body) = if is_stream {
        ("text/event-stream", events(&body, request.is_chat()))
    } else {
        ("application/json", body.to_string())
    };
    write!(
        connection,
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\nrequest-id: req_loopback\r\n{headers}content-length: \
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

impl Request {
    /// Whether it asks for a chat completion.
    fn is_chat(&self) -> bool {
        self.path == "/v1/chat/completions"
    }
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
    if request.path != "/v1/messages" && !request.is_chat() {
        return ("404 Not Found", String::new(), refuse("not_found_error", "there is only /v1/messages here"));
    }
    if header("x-api-key") + header("authorization") != 1 {
        let body = refuse("authentication_error", "send exactly one of x-api-key and authorization");
        return ("401 Unauthorized", String::new(), body);
    }
    if header("anthropic-version") != usize::from(!request.is_chat()) || !request.body["messages"].is_array() {
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
        Answer::Message if request.is_chat() => {
            let message = json!({"role": "assistant", "content": "Hello from loopback."});
            let body = json!({
                "id": "chatcmpl-loopback",
                "object": "chat.completion",
                "model": request.body["model"],
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": request.body.to_string().len() / 4, "completion_tokens": 6}
            });
            ("200 OK", String::new(), body)
        }
        Answer::Message => {
            let marked = request.body.to_string().matches("\"cache_control\"").count();
            // Four characters a token: nobody is billed here.
            let tokens = request.body.to_string().len() / 4;
            let written = if marked > 0 { tokens } else { 0 };
            let body = json!({
                "id": "msg_loopback",
                "type": "message",
                "role": "assistant",
                "model": request.body["model"],
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

/// The answer as the events of a stream.
fn events(answer: &Value, is_chat: bool) -> String {
    let event = |data: Value| match data["type"].as_str() {
        Some(name) => format!("event: {name}\ndata: {data}\n\n"),
        None => format!("data: {data}\n\n"),
    };
    let pieces = ["Hello ", "from loopback."];
    let (before, after): (Vec<Value>, Vec<Value>) = if is_chat {
        let chunk = |choices: Value, usage: &Value| {
            json!({"id": answer["id"], "object": "chat.completion.chunk", "model": answer["model"],
                "choices": choices, "usage": usage})
        };
        let says = |text| chunk(json!([{"index": 0, "delta": {"content": text}}]), &Value::Null);
        let end = chunk(json!([{"index": 0, "delta": {}, "finish_reason": "stop"}]), &Value::Null);
        (pieces.map(says).to_vec(), vec![end, chunk(json!([]), &answer["usage"])])
    } else {
        let mut begun = answer.clone();
        begun["content"] = json!([]);
        let block = json!({"type": "text", "text": ""});
        let says =
            |text| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}});
        let mut before = vec![
            json!({"type": "message_start", "message": begun}),
            json!({"type": "content_block_start", "index": 0, "content_block": block}),
        ];
        before.extend(pieces.map(says));
        let delta = json!({"stop_reason": "end_turn"});
        let after = [
            json!({"type": "content_block_stop", "index": 0}),
            json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 6}}),
            json!({"type": "message_stop"}),
        ];
        (before, after.to_vec())
    };
    let end = if is_chat { "data: [DONE]\n\n" } else { "" };
    before.into_iter().chain(after).map(event).chain([end.to_owned()]).collect()
}
