//! A status that is only named in a text: `HTTP 404: no body`, `Error code: 429 - ...`, `503 Engine Overloaded`.

use super::text::Text;

/// What may stand before a number that is a status.
const MARKERS: [&str; 14] = [
    "http status code ",
    "http status ",
    "status code ",
    "statuscode ",
    "error code ",
    "api error ",
    "http error ",
    "got a ",
    "returned a ",
    "received a ",
    "status ",
    "http ",
    "code ",
    "error ",
];

/// Words that make a number a status although no punctuation follows the marker, at the start of a text only.
const LOOSE: [&str; 2] = ["got ", "returned "];

/// The status a text names. A bare number in prose is not one, least of all 402.
pub(super) fn status_in(text: &Text) -> Option<u16> {
    let text = text.as_str().trim_start();
    leading(text).or_else(|| marked(text))
}

/// `429 too many requests`, `402: ...`, `402 payment required`, behind an optional `error:` or `http`.
fn leading(text: &str) -> Option<u16> {
    let text = text.strip_prefix("error: ").or_else(|| text.strip_prefix("apierror: ")).unwrap_or(text);
    let bare = text.starts_with(|c: char| c.is_ascii_digit());
    let text = text.strip_prefix("http/1.1 ").or_else(|| text.strip_prefix("http/2 ")).unwrap_or(text);
    let (status, behind) = number(text)?;
    // The number of a payment error is also an ordinary number; alone it must be followed by more than a noun.
    let ordinary = bare && status == 402;
    let payment = behind.trim_start().starts_with("payment") || behind.starts_with([':', '{']) || behind.is_empty();
    (!ordinary || payment).then_some(status)
}

fn marked(text: &str) -> Option<u16> {
    let markers = MARKERS.iter().chain(&LOOSE);
    let mut found: Option<(usize, u16)> = None;
    for marker in markers {
        let word = marker.trim_end();
        let mut from = 0;
        while let Some(at) = text.get(from..).and_then(|left| left.find(word)) {
            let start = from + at;
            from = start + word.len();
            let begins = !text.get(..start).unwrap_or_default().ends_with(char::is_alphanumeric);
            let behind = text.get(from..).unwrap_or_default();
            let behind = behind.trim_start_matches([' ', ':', '=', '(', '\'']);
            if let Some((status, after)) = number(behind)
                && begins
                && !after.starts_with(char::is_alphanumeric)
                && found.is_none_or(|(earlier, _)| start < earlier)
            {
                found = Some((start, status));
            }
        }
    }
    found.map(|(_, status)| status)
}

/// Three digits that are an error status and end there.
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
            ("decode 404", None),
            ("", None),
        ] {
            assert_eq!(status_in(&Text::new(text)), expected, "{text}");
        }
        assert_eq!(status_in(&Text::new("Error code 403 was returned, not 402-related")), Some(403));
    }
}
