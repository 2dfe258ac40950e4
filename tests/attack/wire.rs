//! Data from and for the network: answers, streams, bodies, URLs and pasted texts.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};
use provider_auth::cache::{BreakpointOptions, mark_body};
use provider_auth::{CacheRetention, Endpoint, FailureClassifier, ProviderId, setup};
use serde_json::Value;

use crate::driver::{attack, is_subsequence};
use crate::support::{NOW, at};

#[allow(dead_code, missing_docs, reason = "the crate's own reader, of which this test uses a part")]
#[path = "../../src/net/event_stream.rs"]
mod event_stream;

const ANSWERS: [&str; 4] = [
    r#"{"type":"error","error":{"type":"rate_limit_error","message":"Rate limit reached. Please try again in 20s."}}"#,
    r#"{"error":{"code":429,"message":"Quota exceeded, resets at 3:15pm (UTC)","details":[{"retryDelay":"3.5s"}]}}"#,
    "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n",
    "You have hit your limit. Try again in 2 days 3 hours, at 2026-11-26T10:00:00Z or on Nov 30 at 5am.",
];

#[test]
fn deadlines_are_ahead_and_capped() {
    let words = [
        "in ",
        "999999999999",
        "-1",
        "1e309",
        "NaN",
        " days",
        " ms",
        "retry after ",
        "resets at ",
        "\0",
        "\"",
        "{",
        "9999-12-31",
    ];
    let cap = Duration::from_secs(3_600);
    let classifiers = ["anthropic", "openai", "google", "nobody"]
        .map(|name| FailureClassifier::new(&ProviderId::new(name).unwrap()).with_deadline_cap(cap));
    attack("answers", &ANSWERS, &words, |input, random| {
        let mut headers = HeaderMap::new();
        for name in ["retry-after", "retry-after-ms", "anthropic-ratelimit-unified-reset", "x-ratelimit-reset-requests"]
        {
            let from = random.below(input.len() + 1);
            let value = input[from..].iter().copied().take(random.below(30)).collect::<Vec<u8>>();
            HeaderValue::from_bytes(&value).ok().and_then(|value| headers.insert(name, value));
        }
        let status = StatusCode::from_u16(u16::try_from(200 + random.below(400)).unwrap()).unwrap();
        let classifier = &classifiers[random.below(classifiers.len())];
        let text = String::from_utf8_lossy(input);
        let found = [
            classifier.response(status, &headers, input, at(NOW)),
            classifier.text(&text, at(NOW)),
            classifier.event("error", input, at(NOW)),
        ];
        for deadline in found.iter().flatten().filter_map(provider_auth::Failure::deadline) {
            assert!(deadline >= at(NOW) && deadline <= at(NOW) + cap, "{deadline}");
        }
    });
}

/// What is told of a stream that comes in such pieces.
fn told<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (mut reader, mut told) = (event_stream::EventReader::with_limit(200), Vec::new());
    let mut each = |event: event_stream::Event<'_>| told.push((event.name.to_vec(), event.data.to_vec()));
    pieces.into_iter().for_each(|piece| reader.push(piece, &mut each));
    reader.finish(&mut each);
    told
}

#[test]
fn streams_say_the_same_in_any_pieces() {
    let words = [
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        "\r\r",
        "data:",
        "event: ",
        ":",
        "\u{feff}",
        "data",
        "id: 1\n",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    let samples = [
        "event: a\ndata: {\"x\":1}\n\ndata: b\r\n\r\nevent: c\rdata: d\rdata: e\r\r",
        "\u{feff}data: 1\n\n: note\n\nevent: last\ndata: cut",
    ];
    attack("streams", &samples, &words, |input, random| {
        let whole = told([input]);
        assert_eq!(told(input.chunks(1)), whole, "byte by byte");
        let (mut rest, mut pieces) = (input, Vec::new());
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(1 + random.below(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        assert_eq!(told(pieces), whole, "in pieces");
    });
}

/// How many markers stand in a body that was read as a tree, in the places where they count.
fn markers(value: &Value) -> usize {
    let marker = |members: &serde_json::Map<String, Value>| {
        usize::from(members.get("cache_control").is_some_and(Value::is_object))
    };
    let list = |value: &Value| value.as_array().map_or(0, |blocks| blocks.iter().map(markers).sum());
    let Some(members) = value.as_object() else { return 0 };
    let inner = ["tools", "system", "messages", "content"].iter().filter_map(|name| members.get(*name));
    marker(members) + inner.map(list).sum::<usize>()
}

#[test]
fn bodies_are_marked_within_the_rules_and_kept_otherwise() {
    let words = [
        r#""cache_control":{"type":"ephemeral"},"#,
        r#"{"type":"text","text":"x"},"#,
        r#""ttl":"1h""#,
        "null",
        "[]",
        "{}",
        "\\u0041",
        "\"",
        ",",
        " ",
    ];
    let samples = [
        r#"{"model":"m","tools":[{"name":"t","input_schema":{"type":"object"}}],"system":[{"type":"text","text":"s"}],"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"t","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":[{"type":"text","text":"r"}]}]}]}"#,
        r#"{"system":"s","messages":[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"5m"}}]}]}"#,
    ];
    attack("bodies", &samples, &words, |input, random| {
        let retention = [CacheRetention::Short, CacheRetention::Long][random.below(2)];
        let options = BreakpointOptions::new(retention).automatic(random.below(4) == 0);
        let Ok((marked, plan)) = mark_body(input.to_vec(), &options) else { return };
        assert!(is_subsequence(input, &marked), "the body is kept");
        let (before, after): (Value, Value) =
            (serde_json::from_slice(input).unwrap(), serde_json::from_slice(&marked).unwrap());
        assert!(markers(&after) <= 4, "{} markers", markers(&after));
        assert!(markers(&after) >= markers(&before));
        assert!(plan.breakpoints().len() <= 4);
        let (twice, _) = mark_body(marked.clone(), &options).expect("what is marked is legal");
        assert_eq!(String::from_utf8_lossy(&twice), String::from_utf8_lossy(&marked), "twice is once");
    });
}

#[test]
fn addresses_are_what_the_client_connects_to() {
    let words = [
        "http://",
        "https://",
        "@",
        "\\",
        "#",
        "?",
        "%2e",
        "127.0.0.1",
        "0x7f.1",
        "[::1]",
        "xn--",
        "[::ffff:1.2.3.4]",
        "localhost",
        ".",
        ":",
        "\t",
        "2130706433",
        "1",
        "/",
    ];
    let samples = [
        "https://api.example.com/v1",
        "http://127.0.0.1:8080/a?b=c",
        "http://localhost/",
        "http://[::1]:1/x",
        "https://1.2.3.4",
    ];
    attack("addresses", &samples, &words, |input, _| {
        let Ok(endpoint) = Endpoint::new(&String::from_utf8_lossy(input)) else { return };
        let Ok(url) = reqwest::Url::parse(&endpoint.uri().to_string()) else { return };
        let bare = |host: &str| host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
        let (ours, theirs) = (bare(endpoint.host()), bare(url.host_str().unwrap()));
        let address = |host: &str| host.parse::<std::net::IpAddr>().ok();
        assert!(
            ours == theirs || (address(&ours).is_some() && address(&ours) == address(&theirs)),
            "{ours} is {theirs}"
        );
        if url.scheme() == "http" {
            let is_local = address(&theirs).is_some_and(|ip| ip.to_canonical().is_loopback());
            assert!(is_local || theirs == "localhost" || theirs.ends_with(".localhost"), "plain HTTP to {theirs}");
        }
        assert!(url.username().is_empty() && url.password().is_none());
    });
}

#[test]
fn numbers_in_disguise_are_no_hosts() {
    for host in ["1", "0x7f.1", "1.2.3.:4", "1.2.3.4.", "2130706433", "127.1", "010.0.0.1"] {
        for scheme in ["https", "http"] {
            assert!(Endpoint::new(&format!("{scheme}://{host}/")).is_err(), "{scheme}://{host}/");
        }
    }
    assert!(Endpoint::new("https://1.2.3.4/").is_ok() && Endpoint::new("https://1.2.3.example/").is_ok());
}

#[test]
fn what_is_pasted_can_stand_in_a_header_or_is_refused() {
    let words = [
        "\n",
        "\r",
        "\0",
        "\u{1b}[200~",
        "\"",
        "'",
        "export X=",
        "Bearer ",
        "x-api-key: ",
        " ",
        "\u{200b}",
        "\u{e9}",
        "sk-ant-oat01-",
        "`",
        "…",
    ];
    let samples = [
        "sk-ant-api03-made-up-key-0123456789",
        "sk-ant-oat01-made-up-token-0123456789",
        "export ANTHROPIC_API_KEY=\"made-up-0123456789\"\n",
    ];
    let (anthropic, other) = (ProviderId::anthropic(), ProviderId::new("other").unwrap());
    attack("pastes", &samples, &words, |input, _| {
        let text = String::from_utf8_lossy(input);
        let pasted = [
            setup::api_key(&anthropic, &text),
            setup::api_key(&other, &text),
            setup::token(&anthropic, &text),
            setup::setup_token(&text),
            setup::as_it_is(&text),
        ];
        for pasted in pasted.into_iter().flatten() {
            let secret = pasted.secret.expose();
            assert!(!secret.is_empty() && !secret.contains(char::is_control), "{secret:?}");
            assert!(
                HeaderValue::from_str(secret).is_ok() && is_subsequence(secret.as_bytes(), text.as_bytes()),
                "{secret:?}"
            );
        }
    });
}
