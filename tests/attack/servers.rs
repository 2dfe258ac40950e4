//! Servers and token endpoints that break every rule of their protocol: each call ends in time with an error that says
//! what happened, and changes nothing without reason.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use provider_auth::clock::ManualClock;
use provider_auth::refresh::{RefreshCoordinator, RefreshTokenGrant};
use provider_auth::{AuthProfileStore as _, Credential, Endpoint, ErrorKind, FailureReason, MemoryStore, ProviderId};
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::rotation::{OPUS, Rig, call, keys, reasons};
use crate::support::server::{Act, After, Server};
use crate::support::{NOW, at, document, id};

/// How long a call may take by its own settings, and with what a machine with other work to do adds.
const BUDGET: Duration = Duration::from_millis(1_500);
const AT_MOST: Duration = Duration::from_secs(8);

const MESSAGE: &str = r#"{"type":"message","role":"assistant","content":[{"type":"text","text":"Hello"}]}"#;
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

fn raw(text: &str, after: After) -> Act {
    Act::raw(&[text.as_bytes()], after)
}

/// A head, and then the same bytes again and again.
fn endless(head: &str, again: &[u8], pace: u64) -> Act {
    Act::raw(&[head.as_bytes(), again], After::Again).paced(Duration::from_millis(pace))
}

/// What a server does, and the reason that it is taken for; none is an answer.
fn servers() -> Vec<(&'static str, Act, Option<FailureReason>)> {
    use FailureReason::{Network, NotFound, RateLimit, ServerError, Timeout, Unknown};
    let whole = format!("{OK}content-length: {}\r\n\r\n{MESSAGE}", MESSAGE.len());
    let gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xcb, 0x48, 0xff, 0];
    let zipped = |status: &str| {
        let head = format!("HTTP/1.1 {status}\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", gzip.len());
        Act::raw(&[head.as_bytes(), &gzip], After::Close)
    };
    let length = |value: &str| raw(&format!("{OK}content-length: {value}\r\n\r\n{MESSAGE}"), After::Close);
    vec![
        ("a head byte by byte", endless("HTTP/1.1 200 OK\r\n", b"x", 30), Some(Timeout)),
        ("a head that stops", raw("HTTP/1.1 200 OK\r\nx-a", After::Silence), Some(Timeout)),
        ("a head without end", endless("HTTP/1.1 200 OK\r\n", &[b'x'; 9_000], 0), Some(Network)),
        ("headers without end", endless("HTTP/1.1 200 OK\r\n", &b"x: y\r\n".repeat(200), 0), Some(Network)),
        ("a head that is cut off", raw("HTTP/1.1 200 OK\r\nx-a", After::Close), Some(Network)),
        ("a slow body", endless(&format!("{OK}content-length: 9000\r\n\r\n"), b" ", 30), Some(Timeout)),
        ("a body that stops", raw(&format!("{OK}content-length: 9000\r\n\r\n{{"), After::Silence), Some(Timeout)),
        ("a slow error", endless("HTTP/1.1 429 No\r\ncontent-length: 9000\r\n\r\n", b" ", 30), Some(RateLimit)),
        ("a slow refusal", endless("HTTP/1.1 500 No\r\ncontent-length: 9000\r\n\r\n", b" ", 30), Some(ServerError)),
        (
            "a redirect without end",
            endless("HTTP/1.1 302 No\r\nlocation: /\r\n\r\n", &[b'x'; 9_000], 0),
            Some(NotFound),
        ),
        ("a slow redirect", endless("HTTP/1.1 302 No\r\nlocation: /\r\n\r\n", b"x", 30), Some(NotFound)),
        ("a negative length", length("-1"), Some(Network)),
        ("a length that is none", length("many"), Some(Network)),
        ("a length beyond all numbers", length("99999999999999999999999"), Some(Network)),
        ("two lengths", length("5\r\ncontent-length: 6"), Some(Network)),
        ("a length twice", length(&format!("{0}\r\ncontent-length: {0}", MESSAGE.len())), None),
        ("a length too short", length("5"), Some(Network)),
        ("a length too long", length("5000"), Some(Network)),
        ("the largest length", length("18446744073709551614"), Some(Network)),
        ("continue without end", endless("", b"HTTP/1.1 100 Continue\r\n\r\n", 1), Some(Timeout)),
        ("early hints without end", endless("", b"HTTP/1.1 103 Hints\r\nlink: x\r\n\r\n", 1), Some(Timeout)),
        ("packed", zipped("200 OK"), None),
        ("a packed error", zipped("429 No"), Some(RateLimit)),
        ("HTTP/0.9", raw(MESSAGE, After::Close), Some(Network)),
        ("HTTP/1.0", raw(&format!("HTTP/1.0 200 OK\r\n\r\n{MESSAGE}"), After::Close), None),
        ("HTTP/7", raw(&whole.replace("/1.1", "/7.0"), After::Close), Some(Network)),
        ("no HTTP", raw("\u{0}\u{1}\u{2}SSH-2.0-x\r\n", After::Silence), Some(Network)),
        ("a zero in a header", raw(&whole.replace("application", "a\u{0}"), After::Close), Some(Network)),
        ("a header of 1 MB", raw(&whole.replace("json", &"x".repeat(1 << 20)), After::Close), Some(Network)),
        (
            "a piece of no size",
            raw(&format!("{OK}transfer-encoding: chunked\r\n\r\nxyz\r\n"), After::Silence),
            Some(Network),
        ),
        (
            "a piece beyond all sizes",
            raw(&format!("{OK}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n"), After::Silence),
            Some(Network),
        ),
        (
            "the largest piece",
            raw(&format!("{OK}transfer-encoding: chunked\r\n\r\nffffffffffffffff\r\nx"), After::Close),
            Some(Network),
        ),
        (
            "two ways to say the length",
            raw(&format!("{OK}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n"), After::Close),
            Some(Network),
        ),
        (
            "switching protocols",
            raw("HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", After::Silence),
            Some(Unknown),
        ),
    ]
}

/// A server whose connections end with a reset: it leaves what it was sent unread.
fn resetting() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let _begun = connection.read(&mut [0]);
            let _said = connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{");
        }
    });
    url
}

#[test]
fn every_call_ends_in_its_time_and_says_what_it_was() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (start, mut calls) = (Instant::now(), JoinSet::new());
    let reset = ("a reset", Act::drop(), Some(FailureReason::Network));
    let rows: Vec<_> = servers().into_iter().chain([reset]).collect();
    let count = rows.len();
    let faults: Vec<String> = runtime.block_on(async {
        for (name, act, expected) in rows {
            let url = (name == "a reset").then(resetting);
            let rig = Rig::with(Server::script(vec![act]), &keys(&["a"]), |builder| {
                let builder = builder.max_time(BUDGET).max_attempts(1);
                match url {
                    Some(url) => builder.endpoint(ProviderId::anthropic(), Endpoint::new(&url).unwrap()),
                    None => builder,
                }
            });
            calls.spawn(async move {
                let begun = Instant::now();
                let found = match rig.rotator.send(&call(OPUS)).await {
                    Ok(reply) => reasons(reply.attempts()),
                    Err(failure) => {
                        let kept = failure.response().map_or(0, |answer| answer.unredacted_body().len());
                        assert!(kept <= 256 << 10, "{name}: {kept} bytes are kept");
                        reasons(failure.attempts())
                    }
                };
                let (took, is_kept) = (begun.elapsed(), rig.text().contains("key-a"));
                let is_told = found == [expected];
                (!is_told || took > AT_MOST || !is_kept).then(|| format!("{name}: {found:?} after {took:?}"))
            });
        }
        calls.join_all().await.into_iter().flatten().collect()
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    println!("{count} hostile servers in {:?}", start.elapsed());
}

/// What comes of a refresh: an error, or new tokens that last so many milliseconds.
type Renewed = Result<Option<i64>, ErrorKind>;

/// What a token endpoint does, and what comes of it.
fn token_endpoints() -> Vec<(&'static str, Act, Renewed)> {
    let failed = || Err(ErrorKind::RefreshFailed);
    let json = |text: &str| Act::json(200, text);
    let lifetime =
        |value: &str| json(&format!(r#"{{"access_token":"a-2","refresh_token":"r-2","expires_in":{value}}}"#));
    vec![
        ("silence", Act::hang(), failed()),
        ("a slow head", endless("HTTP/1.1 200 OK\r\n", b"x", 30), failed()),
        ("a slow body", endless(&format!("{OK}content-length: 900\r\n\r\n"), b" ", 30), failed()),
        ("a body without end", json("").endless(&" ".repeat(9_000)), failed()),
        ("continue without end", endless("", b"HTTP/1.1 100 Continue\r\n\r\n", 1), failed()),
        ("no HTTP", raw("garbage\r\n\r\n", After::Close), failed()),
        ("not UTF-8", Act::raw(&[OK.as_bytes(), b"\r\n{\"access_token\":\"\xff\xfe\"}"], After::Close), failed()),
        ("1 MB", json(&format!(r#"{{"access_token":"{}"}}"#, "a".repeat(1 << 20))), failed()),
        ("deep", json(&"[".repeat(60_000)), failed()),
        ("a zero in the token", json(r#"{"access_token":"a\u0000b"}"#), failed()),
        ("no text", json(r#"{"access_token":["a-2"]}"#), failed()),
        ("no header", json(r#"{"access_token":"a\u0007"}"#), failed()),
        ("no ASCII", json("{\"access_token\":\"\u{202e}\u{e4}\"}"), failed()),
        ("for ever", lifetime("1e300"), Ok(None)),
        ("longer than a number", lifetime("1e999"), failed()),
        ("longer than the calendar", lifetime("1e18"), Ok(None)),
        ("a negative time", lifetime("-3600"), Ok(None)),
        ("no time", lifetime("0"), Ok(None)),
        ("no number", lifetime("\"NaN\""), Ok(None)),
        ("infinite", lifetime("\"inf\""), Ok(None)),
        ("an object", lifetime("{}"), Ok(None)),
        ("an hour", lifetime("3600"), Ok(Some(3_600_000))),
    ]
}

#[test]
fn no_token_endpoint_costs_a_login_or_more_than_a_request() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (start, mut refreshes) = (Instant::now(), JoinSet::new());
    let rows = token_endpoints();
    let count = rows.len();
    let faults: Vec<String> = runtime.block_on(async {
        for (name, act, expected) in rows {
            let login = json!({"type": "oauth", "provider": "anthropic", "access": "a-1", "refresh": "r-1", "expires": NOW - 1});
            let stored = document(&json!({"version": 1, "profiles": {"anthropic:me": login}}));
            let (server, store) = (Server::script(vec![act]), Arc::new(MemoryStore::new(stored.clone())));
            let grant = RefreshTokenGrant::new(&server.url(), "client", reqwest::Client::builder()).unwrap();
            let coordinator = RefreshCoordinator::new(Arc::clone(&store) as _, Arc::new(grant))
                .clock(Arc::new(ManualClock::new(at(NOW))))
                .timeout(BUDGET);
            refreshes.spawn(async move {
                let begun = Instant::now();
                let outcome = coordinator.refresh_if_needed(&id("anthropic:me")).await;
                let (took, after) = (begun.elapsed(), store.load().unwrap());
                let profile = after.get("anthropic:me").unwrap();
                let access = profile.credential().map(|credential| credential.secret().expose().to_owned());
                let lasts = profile.expires().map(|until| until.as_millis() - NOW);
                let found = outcome.map(|_| lasts).map_err(|error| error.kind());
                let is_kept = match expected {
                    Ok(_) => access.as_deref() == Some("a-2") && profile.credential().is_some_and(renews),
                    Err(_) => after.to_json() == stored.to_json(),
                };
                let is_told = found == expected && server.asked().len() == 1;
                (!is_told || took > AT_MOST || !is_kept)
                    .then(|| format!("{name}: {found:?} after {took:?}, {} requests, {is_kept}", server.asked().len()))
            });
        }
        refreshes.join_all().await.into_iter().flatten().collect()
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    println!("{count} token endpoints in {:?}", start.elapsed());
}

fn renews(credential: &Credential) -> bool {
    matches!(credential, Credential::OAuth { refresh: Some(refresh), .. } if refresh.expose() == "r-2")
}
