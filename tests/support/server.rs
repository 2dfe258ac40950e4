//! A real HTTP server on loopback that does what a test tells it: answer, dawdle, hang, hang up, break off.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the server was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The key or token the request came with.
    pub(crate) fn key(&self) -> &str {
        let bearer = self.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        self.header("x-api-key").or(bearer).unwrap_or("")
    }

    pub(crate) fn model(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        body.get("model").and_then(serde_json::Value::as_str).unwrap_or("").to_owned()
    }
}

/// What the server does with a request.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    status: u16,
    headers: Vec<(String, String)>,
    body: Body,
    delay: Duration,
    pace: Duration,
}

#[derive(Clone, Debug)]
enum Body {
    Whole(String),
    /// Pieces, each sent as it is.
    Pieces(Vec<String>),
    /// Pieces, and then the connection breaks.
    Broken(Vec<String>),
    /// One piece again and again, after some others.
    Endless(Vec<String>, String),
    /// No answer; the connection is closed.
    Dropped,
    /// No answer until the client goes away.
    Hanging,
    /// Bytes instead of an answer, head and all; with the last ones again and again, or with nothing more.
    Raw(Vec<Vec<u8>>, After),
}

/// What follows bytes that are sent as they are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum After {
    /// The connection is closed.
    Close,
    /// Nothing, until the client goes away.
    Silence,
    /// The last bytes, until the client goes away.
    Again,
}

impl Act {
    fn new(status: u16, body: Body) -> Self {
        Self { status, headers: Vec::new(), body, delay: Duration::ZERO, pace: Duration::ZERO }
    }

    pub(crate) fn json(status: u16, body: impl Into<String>) -> Self {
        Self::new(status, Body::Whole(body.into())).header("content-type", "application/json")
    }

    /// A message of the model.
    pub(crate) fn message(text: &str) -> Self {
        let content = serde_json::json!([{"type": "text", "text": text}]);
        Self::json(200, serde_json::json!({"type": "message", "role": "assistant", "content": content}).to_string())
    }

    /// An error in Anthropic's shape.
    pub(crate) fn error(status: u16, kind: &str, message: &str) -> Self {
        let error = serde_json::json!({"type": kind, "message": message});
        Self::json(status, serde_json::json!({"type": "error", "error": error}).to_string())
    }

    pub(crate) fn stream(pieces: &[&str]) -> Self {
        let pieces = pieces.iter().map(|&piece| piece.to_owned()).collect();
        Self::new(200, Body::Pieces(pieces)).header("content-type", "text/event-stream; charset=utf-8")
    }

    /// A body of any type that ends as it should.
    pub(crate) fn typed(kind: &str, pieces: &[&str]) -> Self {
        let pieces = pieces.iter().map(|&piece| piece.to_owned()).collect();
        Self::new(200, Body::Pieces(pieces)).header("content-type", kind)
    }

    pub(crate) fn broken_stream(pieces: &[&str]) -> Self {
        let pieces = pieces.iter().map(|&piece| piece.to_owned()).collect();
        Self::new(200, Body::Broken(pieces)).header("content-type", "text/event-stream")
    }

    /// A whole body that breaks off.
    pub(crate) fn broken(status: u16, start: &str) -> Self {
        Self::new(status, Body::Broken(vec![start.to_owned()])).header("content-type", "application/json")
    }

    pub(crate) fn drop() -> Self {
        Self::new(0, Body::Dropped)
    }

    pub(crate) fn hang() -> Self {
        Self::new(0, Body::Hanging)
    }

    /// Bytes as they are, head and all.
    pub(crate) fn raw(pieces: &[&[u8]], after: After) -> Self {
        Self::new(0, Body::Raw(pieces.iter().map(|piece| piece.to_vec()).collect(), after))
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// After what there is, the same piece comes until the client goes away.
    pub(crate) fn endless(mut self, piece: &str) -> Self {
        let start = if let Body::Pieces(pieces) = self.body { pieces } else { Vec::new() };
        self.body = Body::Endless(start, piece.to_owned());
        self
    }

    /// Each piece comes this much after the one before.
    pub(crate) fn paced(mut self, pace: Duration) -> Self {
        self.pace = pace;
        self
    }

    /// The head comes this much later.
    pub(crate) fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

type Script = dyn Fn(&Asked) -> Act + Send + Sync;

/// The server. It lives as long as the test's process.
#[derive(Clone)]
pub(crate) struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// A server that decides by the request.
    pub(crate) fn start(script: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { address: listener.local_addr().unwrap(), asked: Arc::default() };
        let (asked, script): (_, Arc<Script>) = (Arc::clone(&server.asked), Arc::new(script));
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (asked, script) = (Arc::clone(&asked), Arc::clone(&script));
                // A client that goes away early is part of the tests.
                std::thread::spawn(move || drop(serve(connection, &asked, &*script)));
            }
        });
        server
    }

    /// A server that answers one request after the other; the last act repeats.
    pub(crate) fn script(acts: Vec<Act>) -> Self {
        let next = Mutex::new(0);
        Self::start(move |_| {
            let mut next = next.lock().unwrap();
            let act = acts.get(*next).or(acts.last()).unwrap().clone();
            *next += 1;
            act
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The keys of the requests in order.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.asked().iter().map(|asked| asked.key().to_owned()).collect()
    }
}

fn serve(mut connection: TcpStream, asked: &Mutex<Vec<Asked>>, script: &Script) -> io::Result<()> {
    let Some(request) = read(&connection)? else { return Ok(()) };
    asked.lock().unwrap().push(request.clone());
    let act = script(&request);
    dawdle(act.delay);
    let mut head = format!("HTTP/1.1 {} Scripted\r\nconnection: close\r\n", act.status);
    for (name, value) in &act.headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    match act.body {
        Body::Dropped => return Ok(()),
        Body::Hanging => {
            let _gone = connection.read(&mut [0]);
            return Ok(());
        }
        Body::Whole(body) => write!(connection, "{head}content-length: {}\r\n\r\n{body}", body.len())?,
        Body::Pieces(pieces) => {
            write!(connection, "{head}transfer-encoding: chunked\r\n\r\n")?;
            send(&mut connection, &pieces, act.pace)?;
            write!(connection, "0\r\n\r\n")?;
        }
        Body::Endless(pieces, again) => {
            write!(connection, "{head}transfer-encoding: chunked\r\n\r\n")?;
            send(&mut connection, &pieces, act.pace)?;
            loop {
                send(&mut connection, std::slice::from_ref(&again), act.pace)?;
            }
        }
        Body::Raw(mut pieces, after) => {
            let last = pieces.pop().unwrap_or_default();
            for piece in &pieces {
                say(&mut connection, piece, act.pace)?;
            }
            say(&mut connection, &last, act.pace)?;
            while let After::Again = after {
                say(&mut connection, &last, act.pace)?;
            }
            if let After::Silence = after {
                let _gone = connection.read(&mut [0]);
            }
        }
        Body::Broken(pieces) => {
            write!(connection, "{head}transfer-encoding: chunked\r\n\r\n")?;
            send(&mut connection, &pieces, act.pace)?;
        }
    }
    connection.flush()
}

fn dawdle(time: Duration) {
    if !time.is_zero() {
        #[allow(clippy::disallowed_methods, reason = "a slow server is slow")]
        std::thread::sleep(time);
    }
}

fn say(connection: &mut TcpStream, bytes: &[u8], pace: Duration) -> io::Result<()> {
    dawdle(pace);
    connection.write_all(bytes)?;
    connection.flush()
}

fn send(connection: &mut TcpStream, pieces: &[String], pace: Duration) -> io::Result<()> {
    for piece in pieces {
        dawdle(pace);
        write!(connection, "{:x}\r\n{piece}\r\n", piece.len())?;
        connection.flush()?;
    }
    Ok(())
}

fn read(connection: &TcpStream) -> io::Result<Option<Asked>> {
    let mut reader = BufReader::new(connection);
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
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
    Ok(Some(Asked { path, headers, body: String::from_utf8_lossy(&body).into_owned() }))
}
