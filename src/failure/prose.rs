//! A status that is stated in a text: `HTTP 404: no body`, `Error code: 429 - ...`, `503 Engine Overloaded`.

use super::text::normalize;

/// Words before a number that is a status.
const MARKERS: [&str; 12] = [
    "http status code ",
    "http status ",
    "status code ",
    "statuscode ",
    "error code ",
    "api error ",
    "http error ",
    "status ",
    "http ",
    "code ",
    "error ",
    ": [",
];

/// Words before a status in a sentence: `got a 402 from the API`.
const TOLD: [&str; 3] = ["got a ", "returned a ", "received a "];

/// Words after a status: its phrase, or the first words of error messages. Other nouns after a number are what was
/// counted, or the name of a street.
const PHRASES: [&str; 50] = [
    "too many",
    "payment required",
    "unauthorized",
    "forbidden",
    "not found",
    "bad request",
    "internal server",
    "bad gateway",
    "service unavailable",
    "service temporarily",
    "gateway time",
    "request time",
    "request entity",
    "request too",
    "request failed",
    "request rejected",
    "request was",
    "overloaded",
    "conflict",
    "unprocessable",
    "gone",
    "payload",
    "method not",
    "not acceptable",
    "resource exhausted",
    "resource has",
    "resource not",
    "invalid",
    "permission",
    "access denied",
    "insufficient",
    "unavailable",
    "server error",
    "error",
    "rate limit",
    "quota exceeded",
    "engine",
    "model ",
    "prompt ",
    "input ",
    "max ",
    "status code",
    "content type",
    "no body",
    "was returned",
    "upstream ",
    "page not found",
    "404 page",
    "api ",
    "response from",
];

/// Words after a status in a sentence: its source.
const GIVERS: [&str; 10] = [
    "from the api",
    "from api",
    "from proxy",
    "from the server",
    "from the provider",
    "from openai",
    "from anthropic",
    "error",
    "response",
    "status",
];

/// Words about money. Without one of them, the number of a payment error is an ordinary number.
const MONEY: [&str; 8] = ["credit", "balance", "points", "quota", "insufficient", "billing", "funds", "budget"];

/// Returns the status that a text states. A bare number in prose is not one, least of all 402.
pub(super) fn status_in(text: &str) -> Option<u16> {
    // Most texts have none.
    if !text.as_bytes().windows(3).any(|three| matches!(three, [b'4' | b'5', b'0'..=b'9', b'0'..=b'9'])) {
        return None;
    }
    let mut normal = String::new();
    normalize(text, &mut normal);
    let normal = normal.trim_start();
    leading(text.trim_start(), normal).or_else(|| marked(normal))
}

/// `429 too many requests`, `402: ...`, `402 payment required`, behind an optional name of an error or `http`.
fn leading(original: &str, text: &str) -> Option<u16> {
    let mut text = text.strip_prefix("http/1.1 ").or_else(|| text.strip_prefix("http/2 ")).unwrap_or(text);
    while let Some((name, rest)) = text.split_once(": ")
        && (1..40).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
        && !name.starts_with(|c: char| c.is_ascii_digit())
    {
        text = rest.trim_start();
    }
    let (status, behind) = number(text)?;
    let behind = behind.trim_start();
    // A wrapper and the wrapped error may both state it.
    let behind = behind.strip_prefix(&status.to_string()).map_or(behind, str::trim_start);
    if behind.is_empty() || behind.starts_with([':', '-', '{', '(', '"', '\'', ']', '|']) || is_phrase(behind) {
        return Some(status);
    }
    // A whole sentence after a status describes the error.
    let (_, after) = original.split_once(&format!("{status} "))?;
    let sentence = after.trim_start().starts_with(|c: char| c.is_uppercase() || !c.is_ascii());
    let whole = behind.split(' ').count() > 2 && behind.trim_end().ends_with(['.', '!', '?', ')']);
    let foreign = after.starts_with(|c: char| !c.is_ascii());
    let told = match status {
        402 => MONEY.iter().any(|word| behind.contains(word)),
        _ => whole,
    };
    (sentence && (told || foreign)).then_some(status)
}

fn is_phrase(behind: &str) -> bool {
    PHRASES.iter().any(|phrase| behind.starts_with(phrase)) && !behind.starts_with("payment methods")
}

fn marked(text: &str) -> Option<u16> {
    let mut found: Option<(usize, u16)> = None;
    let markers = MARKERS.iter().map(|marker| (*marker, false)).chain(TOLD.iter().map(|marker| (*marker, true)));
    for (marker, told) in markers {
        let word = marker.trim_end();
        let mut from = 0;
        while let Some(at) = text.get(from..).and_then(|left| left.find(word)) {
            let start = from + at;
            from = start + word.len();
            let inside = text.get(..start).unwrap_or_default().ends_with(char::is_alphanumeric);
            let begins = !inside || !word.starts_with(char::is_alphanumeric);
            let behind = text.get(from..).unwrap_or_default();
            let behind = behind.trim_start_matches([' ', ':', '=', '(', '\'']);
            if let Some((status, after)) = number(behind)
                && begins
                && (is_told(status, after, told)
                    || (is_strong(marker) && status != 402 && !after.starts_with('?') && !text.contains('?')))
                && found.is_none_or(|(earlier, _)| start < earlier)
            {
                found = Some((start, status));
            }
        }
    }
    found.map(|(_, status)| status)
}

/// Returns `true` if only a status can follow a marker.
fn is_strong(marker: &str) -> bool {
    ["http", "api error", "status code", "statuscode"].iter().any(|start| marker.starts_with(start))
}

/// Returns `true` if a number after a marker is still a status in view of what follows.
fn is_told(status: u16, after: &str, told: bool) -> bool {
    let ends = after.is_empty() || after.starts_with([':', '-', '{', '(', ')', ']', '}', '"', '\'', '|', '\u{2026}']);
    let behind = after.trim_start();
    let pause = after.starts_with(['.', ',', ';']) && (status != 402 || behind.len() < 2);
    let given = GIVERS.iter().any(|giver| behind.starts_with(giver));
    let stops = behind.is_empty() || behind.starts_with([':', '-', '{', '(', '"', '\'', ']']);
    ends || stops || pause || given || (!told && is_phrase(behind))
}

/// Returns three digits that are an error status, and the rest.
fn number(text: &str) -> Option<(u16, &str)> {
    let (digits, behind) = text.split_at_checked(3)?;
    let status: u16 = digits.parse().ok().filter(|status| (400..=599).contains(status))?;
    let fraction = behind.starts_with(['.', ',']) && behind.chars().nth(1).is_some_and(|c| c.is_ascii_digit());
    let ends = !behind.starts_with(char::is_alphanumeric) && !fraction;
    ends.then_some((status, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_and_not_named() {
        for (text, expected) in [
            ("HTTP 404: No body", Some(404)),
            ("429 too many requests", Some(429)),
            ("529 API is busy", Some(529)),
            ("410 Gone", Some(410)),
            ("Error code: 400 - {'error': 'x'}", Some(400)),
            ("{\"status\": 429}", Some(429)),
            ("Error: 503 Service Unavailable", Some(503)),
            ("HTTP/1.1 502 Bad Gateway", Some(502)),
            ("status: 402", Some(402)),
            ("status=402", Some(402)),
            ("got a 402 from the API", Some(402)),
            ("402 payment required", Some(402)),
            ("402: no credit", Some(402)),
            ("request failed with status code 500", Some(500)),
            ("See ticket #402 for details", None),
            ("402 records were processed", None),
            ("processed 402 records", None),
            ("Room 402 is available", None),
            ("port 402 is open", None),
            ("There is a 402 near me", None),
            ("4020 things", None),
            ("429.5 tokens", None),
            ("status 429,000", None),
            ("It returned status 429.", Some(429)),
            ("request failed: error code 429, upstream status 500", Some(429)),
            ("status 200", None),
            ("402, 403 and 404 are pages", None),
            ("402. Chapter of the book", None),
            ("402 Used cars for sale", None),
            ("402 Payment methods are accepted here", None),
            ("[402] citations", None),
            ("Status: 402 pending orders", None),
            ("Their code 402 was long", None),
            ("He received a 402 from his aunt", None),
            ("We returned a 402 on Monday", None),
            ("402 403 a no into a have could", None),
            ("429 Elm Street", None),
            ("code 429 Main Street", None),
            ("Order #[401]", None),
            ("See [429] for details", None),
            ("The status 500 club", None),
            ("error 404 restaurants nearby", None),
            ("503 Service dogs", None),
            ("404 or we there from the over", None),
            ("Error fetching: [400 ] Invalid JSON payload", Some(400)),
            ("MiddlewareError: 400 Invalid value", Some(400)),
            ("failed with status 500. Please try again", Some(500)),
            ("decode 404", None),
            ("A returned 402 records.", None),
            ("got 402 points", None),
            ("I got 404 stars", None),
            ("404 stars and counting", None),
            ("402 You've used up your points!", Some(402)),
            ("503 engine overloaded", Some(503)),
            ("400 max_tokens is too large", Some(400)),
            ("", None),
        ] {
            assert_eq!(status_in(text), expected, "{text}");
        }
        assert_eq!(status_in("Error code 403 was returned, not 402-related"), Some(403));
    }
}
