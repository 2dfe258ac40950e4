//! Failed answers: bodies, headers, texts about waiting.

use http::{HeaderMap, StatusCode};
use provider_auth::FailureClassifier;

use super::{Row, check, many, row};
use crate::support::{NOW, at, provider};

type Shape = fn(usize) -> String;

const SHAPES: [(&str, Shape); 21] = [
    ("letters", |n| "error".repeat(n)),
    ("blanks", |n| " \n".repeat(n)),
    ("brackets", |n| "[".repeat(n)),
    ("braces", |n| r#"{"error":"#.repeat(n)),
    ("closed braces", |n| format!("{}1{}", r#"{"error":"#.repeat(n), "}".repeat(n))),
    ("quotation marks", |n| "\"".repeat(n)),
    ("braces and quotation marks", |n| "{\"".repeat(n)),
    ("objects in text", |n| many(n, |n| format!(r#"error {{"code":"c{n}"}} "#))),
    ("objects without an end in text", |n| r#"x {"code":"a" "#.repeat(n)),
    ("codes", |n| {
        format!(r#"{{"error":{{{}"message":"m"}}}}"#, many(n, |n| format!(r#""code{n}":"insufficient_quota","#)))
    }),
    ("errors", |n| format!(r#"{{"errors":[{}{{}}]}}"#, r#"{"type":"rate_limit_error","message":"m"},"#.repeat(n))),
    ("a long message", |n| {
        format!(r#"{{"error":{{"type":"x","message":"{}"}}}}"#, "try again in 5 seconds ".repeat(n))
    }),
    ("text in text", |n| format!(r#"{{"error":"{}"}}"#, r#"{\"error\":\"x\"}"#.repeat(n))),
    ("dates", |n| "resets 2026-01-01T00:00:00Z at 5pm (Europe/Berlin) ".repeat(n)),
    ("numbers", |n| "429 1 2 3 503 ".repeat(n)),
    ("long numbers", |n| format!("try again in {} seconds", "9".repeat(n))),
    ("a page", |n| format!("<html><title>502</title>{}", "<p>Bad gateway</p>".repeat(n))),
    ("models that are not found", |n| "model x not ".repeat(n)),
    ("words of the caller", |n| "\"quoted\" 'words' `here` ".repeat(n)),
    ("other scripts", |n| "\u{130}\u{df}\u{fffd}".repeat(n)),
    ("lines", |n| "event: error\ndata: {}\n\n".repeat(n)),
];

fn rows<T: 'static>(name: &'static str, run: fn(&str) -> T) -> impl Iterator<Item = Row> {
    SHAPES.into_iter().map(move |(shape, made)| row(&format!("{name}: {shape}"), 500, made, move |text| run(text)))
}

fn classifier() -> FailureClassifier {
    FailureClassifier::new(&provider("anthropic")).with_model("claude-x")
}

fn answer(status: u16, body: &str, headers: &HeaderMap) -> Option<provider_auth::Failure> {
    let failure = classifier().response(StatusCode::from_u16(status).unwrap(), headers, body.as_bytes(), at(NOW));
    failure.inspect(|failure| drop(format!("{failure:?} {} {}", failure.sentence(), failure.help())))
}

#[test]
fn bodies() {
    let all = rows("answer 429", |text| answer(429, text, &HeaderMap::new()))
        .chain(rows("answer 400", |text| answer(400, text, &HeaderMap::new())));
    check(&all.collect::<Vec<_>>());
}

#[test]
fn texts_and_events() {
    let all = rows("error's text", |text| classifier().text(text, at(NOW)))
        .chain(rows("event", |text| classifier().event("error", text.as_bytes(), at(NOW))));
    check(&all.collect::<Vec<_>>());
}

#[test]
fn headers_and_words() {
    let header = |name: &'static str, unit: &'static str| {
        move |units: usize| {
            let mut headers = HeaderMap::new();
            headers.insert(name, unit.repeat(units).parse().unwrap());
            headers
        }
    };
    let read = |headers: &HeaderMap| answer(429, "{}", headers);
    check(&[
        row(
            "answer: many headers",
            400,
            |n| {
                let mut headers = HeaderMap::new();
                for n in 0..n {
                    let name = http::HeaderName::try_from(format!("x-ratelimit-reset-{n}")).unwrap();
                    headers.append(name, "5s".parse().unwrap());
                    headers.append("retry-after", "5".parse().unwrap());
                }
                headers
            },
            read,
        ),
        row("answer: retry-after, digits", 5_000, header("retry-after", "9"), read),
        row("answer: retry-after, a date again", 1_000, header("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT "), read),
        row("answer: reset, units", 500, header("x-ratelimit-reset-requests", "1h2m3s"), read),
        row("answer: retry-after-ms, points", 5_000, header("retry-after-ms", ".1"), read),
        row("answer: request id", 5_000, header("request-id", "r"), read),
        row(
            "answer: words of the caller",
            30,
            |n| (0..n).map(|n| format!("word-{n}")).collect(),
            |words: &Vec<String>| {
                let classifier = classifier().with_caller_words(words.iter().map(String::as_str));
                let body = br#"{"error":{"message":"no word-1 here"}}"#;
                classifier.response(StatusCode::BAD_REQUEST, &HeaderMap::new(), body, at(NOW))
            },
        ),
        row(
            "answer: a word of the caller that is long",
            2_000,
            |n| "w ".repeat(n),
            |word| {
                let classifier = classifier().with_caller_words([word.as_str()]).with_model(word);
                classifier.text(&format!("no {word} and {word}"), at(NOW))
            },
        ),
    ]);
}
