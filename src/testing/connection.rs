//! One connection of the scripted server, with one request and its answer.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue, Request};

use super::answer::{Answer, End, Step};
use super::cache::Cache;
use super::message::message;
use super::server::Script;

/// Parts of the names of headers that authenticate; the names are in lower case here.
const SECRETS: [&str; 5] = ["auth", "key", "token", "cookie", "secret"];

/// Answers the request of a connection.
pub(super) fn serve(
    mut connection: TcpStream,
    requests: &Mutex<Vec<Request<Vec<u8>>>>,
    script: &Script,
    cache: &Cache,
) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let Some(request) = read(&connection)? else { return Ok(()) };
    requests.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
    let answer = fitted(script(&request), &request, cache);
    send(&mut connection, &answer)?;
    if answer.end == End::Silent {
        // It ends when the client closes the connection.
        io::copy(&mut connection, &mut io::sink())?;
    }
    Ok(())
}

/// Returns the answer with every message created.
fn fitted(mut answer: Answer, request: &Request<Vec<u8>>, cache: &Cache) -> Answer {
    let mut steps = Vec::new();
    for step in std::mem::take(&mut answer.steps) {
        let Step::Message(text) = step else {
            steps.push(step);
            continue;
        };
        let message = message(request, &text, cache);
        answer.status = message.status;
        steps.extend(message.pieces.into_iter().map(Step::Piece));
        if message.is_stream {
            answer.is_chunked = true;
            let kind = answer.headers.iter_mut().find(|(name, _)| name == CONTENT_TYPE.as_str());
            if let Some((_, kind)) = kind {
                "text/event-stream".clone_into(kind);
            }
        }
    }
    Answer { steps, ..answer }
}

fn send(connection: &mut TcpStream, answer: &Answer) -> io::Result<()> {
    let mut is_headless = true;
    for step in &answer.steps {
        match step {
            Step::Pause(time) => wait(*time),
            Step::Piece(piece) => {
                if std::mem::take(&mut is_headless) {
                    head(connection, answer)?;
                }
                if !answer.is_chunked {
                    connection.write_all(piece)?;
                } else if !piece.is_empty() {
                    // An empty chunk is the end.
                    let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
                    connection.write_all(&chunk)?;
                }
                connection.flush()?;
            }
            // It was turned into a piece before.
            Step::Message(_) => {}
        }
    }
    if answer.end == End::Whole {
        if is_headless {
            head(connection, answer)?;
        }
        if answer.is_chunked {
            connection.write_all(b"0\r\n\r\n")?;
        }
    }
    connection.flush()
}

fn head(connection: &mut TcpStream, answer: &Answer) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {} Scripted\r\nconnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    if answer.is_chunked {
        head.push_str("transfer-encoding: chunked\r\n\r\n");
    } else {
        let length = |step: &Step| if let Step::Piece(piece) = step { piece.len() } else { 0 };
        let length: usize = answer.steps.iter().map(length).sum();
        head.extend(["content-length: ", &length.to_string(), "\r\n\r\n"]);
    }
    connection.write_all(head.as_bytes())
}

#[expect(clippy::disallowed_methods, reason = "the script asks for a pause")]
fn wait(time: Duration) {
    thread::sleep(time);
}

/// Reads a request; `None` if the client closed the connection before it was complete.
fn read(connection: &TcpStream) -> io::Result<Option<Request<Vec<u8>>>> {
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what);
    let mut reader = BufReader::new(connection);
    let line = line(&mut reader)?;
    let mut words = line.split(' ');
    let (Some(method), Some(target)) = (words.next().filter(|word| !word.is_empty()), words.next()) else {
        return Ok(None);
    };
    let mut request = Request::builder().method(method).uri(target).body(Vec::new()).map_err(|_| invalid("line"))?;
    loop {
        let line = self::line(&mut reader)?;
        let Some((name, value)) = line.split_once(':') else { break };
        let (name, value) = (name.parse::<HeaderName>(), HeaderValue::from_str(value.trim()));
        let (Ok(name), Ok(mut value)) = (name, value) else { return Err(invalid("header")) };
        value.set_sensitive(SECRETS.iter().any(|part| name.as_str().contains(part)));
        // Headers beyond the capacity of the map are dropped.
        let _ = request.headers_mut().try_append(name, value);
    }
    let header = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    if header(EXPECT).is_some() {
        let mut writer = connection;
        writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let length = header(CONTENT_LENGTH).and_then(|value| value.parse().ok()).unwrap_or(0);
    let is_chunked = header(TRANSFER_ENCODING).is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
    let body = request.body_mut();
    if !is_chunked {
        return Ok(take(&mut reader, length, body)?.then_some(request));
    }
    loop {
        let line = self::line(&mut reader)?;
        let size = u64::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16);
        let size = size.map_err(|_| invalid("chunk"))?;
        let is_whole = take(&mut reader, size, body)?;
        // Reads the line end after a chunk, or the trailers and the empty line after them.
        while size == 0 && !self::line(&mut reader)?.is_empty() {}
        if size == 0 || !is_whole {
            return Ok(is_whole.then_some(request));
        }
        self::line(&mut reader)?;
    }
}

/// Returns the next line without its end.
fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

/// Reads a number of bytes; `false` if there are fewer.
fn take(reader: &mut impl BufRead, length: u64, body: &mut Vec<u8>) -> io::Result<bool> {
    Ok(reader.by_ref().take(length).read_to_end(body)? as u64 == length)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;

    use crate::testing::{Answer, Server};

    #[test]
    fn what_authenticates_is_not_shown() {
        let server = Server::start([Answer::message("Hello")]).unwrap();
        let mut connection = TcpStream::connect(server.address()).unwrap();
        let secret = ["Proxy-Authorization", "X-Api-Key", "X-Token", "Cookie", "X-Client-Secret"];
        let headers: String = secret.iter().map(|name| [name, ": made-up\r\n"].concat()).collect();
        connection.write_all(["GET / HTTP/1.1\r\n", &headers, "x-team: blue\r\n\r\n"].concat().as_bytes()).unwrap();
        connection.read_to_end(&mut Vec::new()).unwrap();
        let shown = format!("{:?}", server.requests());
        assert!(!shown.contains("made-up") && shown.contains("blue"), "{shown}");
    }
}
