//! Streams of events.

use provider_auth::Reply;
use provider_auth::cache::CacheUsage;
use provider_auth::testing;

use super::{Row, check, many, row};
use crate::support::{NOW, at};

type Shape = fn(usize) -> String;

const SHAPES: [(&str, Shape); 13] = [
    ("events", |n| {
        many(n, |n| format!("event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":{n}}}\n\n"))
    }),
    ("usage", |n| {
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":1}}\n\n".repeat(n)
    }),
    ("errors that are none", |n| "data: {\"error\":null,\"code\":0}\n\n".repeat(n)),
    ("one long line", |n| format!("data: {}\n\n", "x".repeat(n * 20))),
    ("lines of one event", |n| "data: {\n".repeat(n)),
    ("names of one event", |n| "event: x\n".repeat(n)),
    ("comments", |n| ": c\n".repeat(n)),
    ("blank lines", |n| "\n".repeat(n)),
    ("carriage returns", |n| "data: 1\r\r".repeat(n)),
    ("a line without end", |n| "d".repeat(n * 20)),
    ("an object without end", |n| "{\"error\":".repeat(n)),
    ("byte order marks", |n| "\u{feff}data: 1\n\n".repeat(n)),
    ("messages that end", |n| "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n".repeat(n)),
];

fn rows<T: 'static>(name: &'static str, size: usize, run: fn(&str) -> T) -> impl Iterator<Item = Row> {
    SHAPES.into_iter().map(move |(shape, made)| row(&format!("{name}: {shape}"), size, made, move |text| run(text)))
}

fn reply(stream: &str) -> Reply {
    let response = http::Response::builder().header("content-type", "text/event-stream");
    testing::reply("anthropic/m".parse().unwrap(), response.body(stream).unwrap(), at(NOW)).unwrap()
}

/// Runs what is asynchronous and waits for nothing.
fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

#[test]
fn whole() {
    let all = rows("usage of a stream", 300, |text| CacheUsage::from_stream(text.as_bytes())).chain(rows(
        "event of a stream",
        300,
        |text| CacheUsage::default().observe_event(text.as_bytes()),
    ));
    check(&all.collect::<Vec<_>>());
}

#[test]
fn in_pieces() {
    let all = rows("stream", 100, |text| {
        run(async {
            let mut reply = reply(text);
            let mut events = 0;
            while let Ok(Some(_)) = reply.event().await {
                events += 1;
            }
            events
        })
    })
    .chain(rows("reply as text", 100, |text| run(async { reply(text).text().await.map(|text| text.len()) })));
    check(&all.collect::<Vec<_>>());
}
