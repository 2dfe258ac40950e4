//! The scripted server of the feature `testing`, and its values for tests of other programs.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]
#![cfg(feature = "client")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use provider_auth::failure::TransportError;
use provider_auth::request::EndpointKind;
use provider_auth::testing::{Answer, Server, reply, selection, send_failure, unavailable};
use provider_auth::{
    AuthProfiles, Call, Credential, Endpoint, ErrorKind, Failure, FailureReason, MemoryStore, ProviderId, Reply,
    Rotator, Secret, SendFailure,
};
use serde_json::{Value, json};

use crate::streams::{START, STOP};
use crate::support::rotation::{OPUS, call, keys};
use crate::support::{NOW, at, config, id};

fn rotator(server: &Server, time: Duration) -> Rotator {
    let store = MemoryStore::new(AuthProfiles::from_json(&keys(&["a", "b"]).to_string()).unwrap());
    let endpoint = Endpoint::new(server.url()).unwrap().with_kind(EndpointKind::Anthropic);
    let builder = Rotator::builder(store).config(config("{}")).endpoint(ProviderId::anthropic(), endpoint);
    builder.retries(0).max_time(time).build().unwrap()
}

async fn sent(server: &Server) -> Result<Reply, SendFailure> {
    rotator(server, Duration::from_secs(60)).send(&call(OPUS)).await
}

/// What is said to a request that is written by hand.
fn raw(server: &Server, request: &str) -> String {
    let mut connection = TcpStream::connect(server.address()).unwrap();
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    // What is cut off may end in an error.
    let _ = connection.read_to_string(&mut answer);
    answer
}

#[tokio::test]
async fn answers_come_in_turn_and_none_after_the_last() {
    let limited = Answer::error(429, "rate_limit_error", "slow down").header("retry-after", "60");
    let server = Server::start([limited, Answer::message("Hello")]).unwrap();
    let mut reply = sent(&server).await.unwrap();
    assert_eq!((reply.profile().as_str(), reply.attempts().len()), ("anthropic:b", 2));
    assert!(reply.text().await.unwrap().contains("Hello"));
    let keys: Vec<_> = server.requests().iter().map(|request| request.headers()["x-api-key"].clone()).collect();
    assert_eq!(keys, ["key-a", "key-b"]);

    // It is asked once more, and the end of the script is no reason to try again.
    let failure = sent(&server).await.unwrap_err();
    assert_eq!(failure.attempts().len(), 1);
    assert!(failure.response().unwrap().status() == 501);
    assert_eq!(server.requests().len(), 3);
    let shown = format!("{server:?} {:?}", server.requests());
    assert!(!shown.contains("key-a") && shown.contains("requests: 3"), "{shown}");
}

#[tokio::test]
async fn a_message_is_a_stream_where_the_request_asks_for_one() {
    let body = r#"{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"Hi"}]}"#;
    let limited = Answer::error(429, "rate_limit_error", "slow down");
    let server = Server::start([limited, Answer::message("Hello from the stream")]).unwrap();
    let call = Call::new(OPUS.parse().unwrap()).body(body);
    let mut reply = rotator(&server, Duration::from_secs(60)).send(&call).await.unwrap();
    assert!(reply.is_stream());
    let mut text = String::new();
    while let Some(event) = reply.event().await.unwrap() {
        let event: Value = serde_json::from_str(&event.data).unwrap();
        text.push_str(event["delta"]["text"].as_str().unwrap_or_default());
    }
    assert_eq!((text.as_str(), reply.is_complete()), ("Hello from the stream", true));
    assert!(reply.usage().written() > 0);
    // A refusal is no stream.
    let server = Server::start([Answer::message("Hello")]).unwrap();
    let refused = raw(&server, "POST /v1/messages HTTP/1.1\r\ncontent-length: 15\r\n\r\n{\"stream\":true}");
    assert!(refused.starts_with("HTTP/1.1 401") && refused.contains("content-type: application/json"), "{refused}");
}

#[tokio::test]
async fn streams_come_in_pieces_and_break_where_they_are_cut_off() {
    for (answer, failed) in [
        (Answer::events([START, STOP]), None),
        (Answer::events([START]).pause(Duration::from_millis(1)).piece(STOP), None),
        (Answer::events([START]).cut_off(), Some(TransportError::Body)),
    ] {
        let server = Server::start([answer]).unwrap();
        let mut reply = sent(&server).await.unwrap();
        assert!(reply.is_stream());
        let mut read = Ok(Some(()));
        while let Ok(Some(())) = read {
            read = reply.event().await.map(|event| event.map(drop));
        }
        assert_eq!((read.is_err(), reply.is_complete()), (failed.is_some(), failed.is_none()));
        assert_eq!(reply.failure().and_then(Failure::transport), failed);
    }
}

#[tokio::test]
async fn whole_answers_break_too_and_need_not_come_at_all() {
    for answer in [Answer::new(200).cut_off(), Answer::json(200, "{\"type\":").cut_off()] {
        let server = Server::start([answer]).unwrap();
        assert_eq!(sent(&server).await.unwrap_err().failure().unwrap().reason(), FailureReason::Network);
    }
    let server = Server::start([Answer::silence()]).unwrap();
    let failure = rotator(&server, Duration::from_millis(200)).send(&call(OPUS)).await.unwrap_err();
    assert_eq!(failure.failure().unwrap().reason(), FailureReason::Timeout);
}

#[tokio::test]
async fn a_message_counts_what_is_marked() {
    let server = Server::answering(|_| Answer::message("Hello")).unwrap();
    let reply = sent(&server).await.unwrap();
    let bytes = u64::try_from(server.requests()[0].body().len()).unwrap();
    assert_eq!((reply.usage().written(), reply.usage().total()), (bytes / 4, bytes / 4));
}

#[tokio::test]
async fn a_message_reads_what_an_earlier_one_to_the_same_key_wrote() {
    let server = Server::answering(|_| Answer::message("Hello")).unwrap();
    let send = |key: &'static str, text: String| {
        let endpoint = Endpoint::new(server.url()).unwrap().with_kind(EndpointKind::Anthropic);
        let profile = json!({"type": "api_key", "provider": "anthropic", "key": key});
        let document = json!({"version": 1, "profiles": {"anthropic:a": profile}});
        let store = MemoryStore::new(AuthProfiles::from_json(&document.to_string()).unwrap());
        let rotator = Rotator::builder(store).endpoint(ProviderId::anthropic(), endpoint).build().unwrap();
        async move {
            let reply = rotator.send(&Call::new(OPUS.parse().unwrap()).body(text)).await.unwrap();
            let (usage, read) = (reply.usage(), reply.usage().read.unwrap());
            (read, usage.total() - read - usage.written())
        }
    };
    let user = |text: &str| json!({"role": "user", "content": text});
    let body = |system: &str, messages: &[Value]| {
        json!({"model": "m", "max_tokens": 9, "system": system, "messages": messages}).to_string()
    };
    let system = "s".repeat(400);
    let said = json!({"role": "assistant", "content": "yes"});
    let turns = [user("one"), said, user("two")];
    assert_eq!(send("made-up-a", body(&system, &turns[..1])).await, (0, 0));
    // The markers have moved on, which changes nothing of what was written.
    let (read, uncached) = send("made-up-a", body(&system, &turns)).await;
    assert!((100..150).contains(&read) && uncached == 0, "{read} {uncached}");
    let (again, _) = send("made-up-a", body(&system, &[user("other")])).await;
    assert!((100..read).contains(&again), "{again} {read}");
    assert_eq!(send("made-up-a", body("other", &turns)).await.0, 0);
    assert_eq!(send("made-up-b", body(&system, &turns)).await.0, 0);
}

#[test]
fn a_message_is_for_requests_of_the_messages_api() {
    let server = Server::answering(|_| Answer::message("Hello")).unwrap();
    let key = "x-api-key: sk-a\r\nanthropic-version: 2023-06-01\r\n";
    for (path, headers, status) in [
        ("/v1/messages?beta=true", key.to_owned(), 200),
        ("/v1/complete", key.to_owned(), 404),
        ("/v1/messages", "anthropic-version: 2023-06-01\r\n".to_owned(), 401),
        ("/v1/messages", format!("{key}authorization: Bearer b\r\n"), 401),
        ("/v1/messages", "x-api-key: sk-a\r\n".to_owned(), 400),
    ] {
        let body = r#"{"messages":[]}"#;
        let head = format!("POST {path} HTTP/1.1\r\n{headers}content-length: {}\r\n\r\n", body.len());
        let answer = raw(&server, &(head + body));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path} {headers}: {answer}");
    }
}

#[test]
fn requests_are_read_however_their_body_comes() {
    let server = Server::answering(|_| Answer::new(204)).unwrap();
    raw(&server, "GET /a?b=c HTTP/1.1\r\nx: 1\r\nx: 2\r\n\r\n");
    raw(&server, "PUT / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\nt: u\r\n\r\n");
    // Half of one is none.
    let mut gone = TcpStream::connect(server.address()).unwrap();
    gone.write_all(b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\nabc").unwrap();
    drop(gone);
    let requests = server.requests();
    let shown: Vec<_> =
        requests.iter().map(|it| (it.method().as_str(), it.uri().to_string(), &it.body()[..])).collect();
    assert_eq!(shown, [("GET", "/a?b=c".to_owned(), &b""[..]), ("PUT", "/".to_owned(), b"abc")]);
    assert_eq!(requests[0].headers().get_all("x").iter().count(), 2);

    let (address, clone) = (server.address(), server.clone());
    drop(server);
    assert!(TcpStream::connect(address).is_ok(), "a clone is the same server");
    drop(clone);
    // The thread that listens is told, and closes the port a moment later.
    let refused = (0..1_000).any(|_| {
        std::thread::yield_now();
        TcpStream::connect(address).is_err()
    });
    assert!(refused, "it goes on");
}

#[tokio::test]
async fn values_are_what_the_crate_makes_of_the_case() {
    let (now, anthropic) = (at(NOW), ProviderId::anthropic());
    let key = Credential::api_key(Secret::new("sk-ant-a"));
    let chosen = selection(&id("anthropic:a"), &anthropic, &key, now).unwrap();
    assert_eq!((chosen.profile.as_str(), chosen.receipt.picked_at()), ("anthropic:a", now));
    let blank = Credential::api_key(Secret::new(""));
    assert!(selection(&id("anthropic:a"), &anthropic, &blank, now).is_err());

    let failed = |reason| (id("anthropic:a"), Failure::new(reason));
    let refusal = unavailable(&anthropic, [failed(FailureReason::RateLimit)], now).unwrap();
    assert_eq!(refusal.reason(), Some(FailureReason::RateLimit));
    assert_eq!(refusal.retry_after(), Some(Duration::from_secs(30)));
    assert!(unavailable(&anthropic, [failed(FailureReason::Overloaded)], now).is_none());
    assert!(unavailable(&anthropic, [], now).unwrap().candidates.is_empty());

    let model = || OPUS.parse().unwrap();
    let limited = || Failure::new(FailureReason::RateLimit);
    let failure = send_failure(model(), [limited(), limited(), Failure::new(FailureReason::AuthPermanent)], now);
    assert_eq!((failure.kind(), failure.attempts().len()), (ErrorKind::Unauthorized, 3));
    assert_eq!(failure.unavailable().unwrap().candidates.len(), 3);
    let failure = send_failure(model(), [Failure::new(FailureReason::Format), limited()], now);
    assert_eq!((failure.kind(), failure.attempts().len()), (ErrorKind::RequestRefused, 1));
    assert_eq!(send_failure(model(), [], now).kind(), ErrorKind::MissingApiKey);

    let events = http::Response::builder().header("content-type", "text/event-stream");
    let mut stream = reply(model(), events.body(format!("{START}{STOP}")).unwrap(), now).unwrap();
    assert!(stream.is_stream() && !stream.is_complete());
    while stream.event().await.unwrap().is_some() {}
    assert!(stream.is_complete());
    let mut whole = reply(model(), http::Response::new("Hello"), now).unwrap();
    assert_eq!((whole.text().await.unwrap().as_str(), whole.attempts().len()), ("Hello", 1));
}
