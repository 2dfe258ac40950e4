//! Streams and bodies as the caller reads them: their end, their errors, their size.

#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]
#![cfg(feature = "client")]

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use futures_core::Stream as _;
use provider_auth::{ErrorKind, FailureReason, Reply};

use crate::support::rotation::{OPUS, Rig, keys};
use crate::support::server::{Act, Server};

pub(crate) const START: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":1,\"cache_read_input_tokens\":9}}}\n\n";
pub(crate) const DELTA: &str = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\"}\n\n";
pub(crate) const STOP: &str = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
pub(crate) const LIMITED: &str =
    "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"hunter\"}}\n\n";

pub(crate) async fn stream(pieces: &[&str]) -> (Rig, Reply) {
    sent(Act::stream(pieces)).await
}

pub(crate) async fn sent(act: Act) -> (Rig, Reply) {
    let rig = Rig::new(Server::script(vec![act]), &keys(&["a"]));
    let reply = rig.send(OPUS).await.unwrap();
    (rig, reply)
}

/// The names of the events, and how they ended.
pub(crate) async fn events(reply: &mut Reply) -> (Vec<String>, Option<ErrorKind>) {
    let mut names = Vec::new();
    loop {
        match reply.event().await {
            Ok(Some(event)) => names.push(event.name),
            Ok(None) => return (names, None),
            Err(error) => return (names, Some(error.kind())),
        }
    }
}

#[tokio::test]
async fn a_complete_stream_says_so_and_what_it_cost() {
    let (rig, mut reply) = stream(&[START, DELTA, STOP]).await;
    assert!(reply.is_stream() && !reply.is_complete() && reply.usage().total() == 0);
    let first = reply.event().await.unwrap().unwrap();
    assert_eq!(first.name, "message_start");
    assert!(first.data.starts_with(r#"{"type":"message_start","#) && first.data.ends_with('}'));
    assert!(!format!("{first:?}").contains("message"));
    assert_eq!(events(&mut reply).await, (vec!["content_block_delta".to_owned(), "message_stop".to_owned()], None));
    assert!(reply.is_complete() && reply.failure().is_none() && reply.receipt().is_reported());
    assert_eq!(reply.usage().hit_ratio(), Some(0.9));
    assert!(rig.stats("a").last_used().is_some());
    assert!(reply.event().await.unwrap().is_none() && reply.chunk().await.unwrap().is_none());

    let (_, mut reply) = stream(&[START, STOP]).await;
    assert_eq!(reply.text().await.unwrap(), format!("{START}{STOP}"));
    assert!(reply.is_complete() && reply.usage().total() == 10);
}

#[tokio::test]
async fn a_reply_is_a_stream_of_bytes() {
    fn shared<T: Send + Sync + Unpin>(value: T) -> T {
        value
    }
    let (rig, reply) = stream(&[START, STOP]).await;
    let (mut reply, mut body) = (shared(reply), Vec::new());
    while let Some(piece) = poll_fn(|context| Pin::new(&mut reply).poll_next(context)).await {
        body.extend(piece.unwrap());
    }
    assert_eq!(String::from_utf8(body).unwrap(), format!("{START}{STOP}"));
    assert!(rig.stats("a").last_used().is_some());
}

#[tokio::test]
async fn futures_that_are_dropped_lose_nothing() {
    let act = || Act::stream(&[START, DELTA, DELTA, STOP]).paced(Duration::from_millis(20));
    let (_, mut reply) = sent(act()).await;
    let (mut body, mut dropped) = (Vec::new(), 0);
    loop {
        match tokio::time::timeout(Duration::from_millis(1), reply.chunk()).await {
            Ok(piece) => match piece.unwrap() {
                Some(piece) => body.extend(piece),
                None => break,
            },
            Err(_) => dropped += 1,
        }
    }
    assert_eq!(String::from_utf8(body).unwrap(), format!("{START}{DELTA}{DELTA}{STOP}"));
    let (_, mut reply) = sent(act()).await;
    let mut count = 0;
    loop {
        match tokio::time::timeout(Duration::from_millis(1), reply.event()).await {
            Ok(event) if event.as_ref().unwrap().is_none() => break,
            Ok(_) => count += 1,
            Err(_) => dropped += 1,
        }
    }
    assert!(count == 4 && dropped > 0 && reply.is_complete(), "{count} events, {dropped} dropped");
}

#[tokio::test]
async fn a_whole_answer_is_read_as_what_it_is() {
    let answer = r#"{"type":"message","content":[],"usage":{"input_tokens":1,"cache_read_input_tokens":3}}"#;
    let (_, mut reply) = sent(Act::json(200, answer)).await;
    assert!(reply.is_complete() && !reply.is_stream() && reply.event().await.unwrap().is_none());
    assert_eq!(reply.json::<serde_json::Value>().await.unwrap()["type"], "message");
    assert_eq!(reply.usage().hit_ratio(), Some(0.75));
    let again = reply.json::<serde_json::Value>().await.unwrap_err();
    assert!(again.kind() == ErrorKind::Syntax && again.to_string().contains("was read before"), "{again}");
    assert_eq!(reply.bytes().await.unwrap().len(), 0);
    let (_, mut reply) = sent(Act::json(200, answer)).await;
    assert_eq!(reply.text().await.unwrap(), answer);
    let (_, mut reply) = sent(Act::json(204, "")).await;
    assert!(reply.text().await.unwrap().is_empty() && reply.usage().hit_ratio().is_none());
}

#[tokio::test]
async fn the_usage_of_any_api_means_the_same_in_a_body_and_in_a_stream() {
    let responses = r#"{"usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":9}}}"#;
    let chat = r#"{"choices":[],"usage":{"prompt_tokens":10,"prompt_tokens_details":{"cached_tokens":9}}}"#;
    let gemini = r#"{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":10,"cachedContentTokenCount":9}}"#;
    let early = r#"{"candidates":[{"content":{}}],"usageMetadata":{"promptTokenCount":10}}"#;
    let moonshot = r#"{"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"cached_tokens":9}}"#;
    let of_choice = r#"{"choices":[{"finish_reason":"stop","usage":{"prompt_tokens":10,"cached_tokens":9}}]}"#;
    let groq = r#"{"choices":[{"finish_reason":"stop"}],"x_groq":{"usage":{"prompt_tokens":10,"prompt_tokens_details":{"cached_tokens":9}}}}"#;
    let messages = r#"{"type":"message","usage":{"input_tokens":1,"cache_read_input_tokens":9}}"#;
    // What a gateway says first may be an estimate.
    let estimate = r#"{"type":"message_start","message":{"usage":{"input_tokens":10,"cache_read_input_tokens":0}}}"#;
    let counted = r#"{"type":"message_delta","usage":{"input_tokens":1,"cache_read_input_tokens":9}}"#;
    let stop = r#"{"type":"message_stop"}"#.to_owned();
    for (body, events) in [
        (moonshot, vec![of_choice.to_owned()]),
        (groq, vec![groq.to_owned()]),
        (messages, vec![estimate.to_owned(), counted.to_owned(), stop]),
        (responses, vec![format!(r#"{{"type":"response.completed","response":{responses}}}"#)]),
        (chat, vec![r#"{"choices":[{"finish_reason":"stop"}],"usage":null}"#.to_owned(), chat.to_owned()]),
        (gemini, vec![early.to_owned(), gemini.to_owned()]),
    ] {
        let (_, reply) = sent(Act::json(200, body)).await;
        let expected = (Some(1), Some(9), 10);
        let counters = |reply: &Reply| (reply.usage().uncached, reply.usage().read, reply.usage().total());
        assert_eq!(counters(&reply), expected, "{body}");
        let pieces: Vec<_> = events.iter().map(|event| format!("data: {event}\n\n")).collect();
        let (_, mut reply) = stream(&pieces.iter().map(String::as_str).collect::<Vec<_>>()).await;
        reply.bytes().await.unwrap();
        assert!(reply.is_complete() && counters(&reply) == expected, "{events:?} {:?}", reply.usage());
    }
}

#[tokio::test]
async fn an_answer_without_end_is_an_error_and_no_failure_of_the_profile() {
    let small = |act| {
        let server = Server::script(vec![act, Act::message("Hello")]);
        Rig::with(server, &keys(&["a", "b"]), |builder| builder.retries(2).max_body(1 << 20))
    };
    let piece = "x".repeat(64 << 10);
    let rig = small(Act::json(200, "").endless(&piece));
    let before = rig.text();
    let failure = rig.send(OPUS).await.unwrap_err();
    assert_eq!((failure.kind(), rig.server.asked().len()), (ErrorKind::TooLarge, 1));
    assert_eq!(failure.attempts().len(), 1);
    assert_eq!(failure.attempts()[0].status.map(|status| status.as_u16()), Some(200));
    assert!(failure.retry_at().is_none() && rig.text() == before);

    // With events, with one that has no end, and with comments.
    for piece in [DELTA.repeat(1_000), piece, ": go on\n\n".repeat(9_000)] {
        let rig = small(Act::stream(&[]).endless(&piece));
        let before = rig.text();
        let mut reply = rig.send(OPUS).await.unwrap();
        let (_, error) = events(&mut reply).await;
        assert_eq!(error, Some(ErrorKind::TooLarge));
        assert!(!reply.is_complete() && reply.failure().is_some() && rig.text() == before);
    }
    let rig = small(Act::stream(&[STOP]).endless(&": go on\n\n".repeat(1_000)));
    let mut reply = rig.send(OPUS).await.unwrap();
    assert!(reply.bytes().await.unwrap().len() <= 1 << 20 && reply.is_complete());
}

#[tokio::test]
async fn an_event_may_be_as_large_as_the_answer() {
    let data = format!(r#"{{"type":"response.completed","response":{{"output":"{}"}}}}"#, "x".repeat(2 << 20));
    let (_, mut reply) = stream(&[&format!("event: response.completed\ndata: {data}\n\n")]).await;
    assert_eq!(reply.event().await.unwrap().unwrap().data.len(), data.len());
    assert!(reply.is_complete());
}

#[tokio::test]
async fn a_stream_that_stalls_after_its_head_ends_with_the_read_timeout() {
    let stalled = || Server::script(vec![Act::stream(&[START, STOP]).paced(Duration::from_secs(3))]);
    let rig = Rig::with(stalled(), &keys(&["a"]), |builder| {
        builder.client(|| reqwest::Client::builder().read_timeout(Duration::from_millis(500)))
    });
    let mut reply = rig.send(OPUS).await.unwrap();
    assert_eq!(events(&mut reply).await, (Vec::new(), Some(ErrorKind::ProviderFailed)));
    assert!(!reply.is_complete() && rig.count("a", FailureReason::Timeout) == 1);
}

/// With the clock of the timers standing still, they run out as soon as nothing else is to be done.
#[tokio::test]
async fn no_stream_is_waited_for_without_end() {
    let server = Server::script(vec![Act::stream(&[]).endless(STOP).paced(Duration::from_secs(3_600))]);
    let mut reply = Rig::new(server, &keys(&["a"])).send(OPUS).await.unwrap();
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    assert_eq!(events(&mut reply).await, (Vec::new(), Some(ErrorKind::ProviderFailed)));
    assert_eq!(begun.elapsed().as_secs(), 600);
}
