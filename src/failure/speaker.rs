//! The source of an answer: the provider, or something on the way to it.
//!
//! A refusal by something on the way does not concern the credential. An answer of 500 and above is never judged this
//! way, because its status is more reliable, except for the one status that only a captive portal sends.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};

use super::transport::TransportError;

/// The mark of an answer that is not the provider's.
struct Row {
    mark: Mark,
    error: TransportError,
}

enum Mark {
    /// RFC 9110 section 15.5.8, RFC 6585 section 6.
    Status(u16),
    /// A header with this value; any value if it is empty.
    Header(&'static str, &'static str),
    /// The first words of a body, in lower case.
    Start(&'static str),
    /// A web page where JSON was expected.
    Page,
}

const fn row(mark: Mark, error: TransportError) -> Row {
    Row { mark, error }
}

/// In the order of evaluation. Sources: RFC 9110, RFC 6585; Cloudflare's pages on challenges and on errors 1xxx; Vercel's
/// firewall; Squid's `X-Squid-Error`. As of November 2026.
const TABLE: [Row; 8] = [
    row(Mark::Status(407), TransportError::Proxy),
    row(Mark::Status(511), TransportError::Intercepted),
    row(Mark::Header("cf-mitigated", "challenge"), TransportError::Intercepted),
    row(Mark::Header("x-vercel-mitigated", ""), TransportError::Intercepted),
    row(Mark::Header("x-squid-error", ""), TransportError::Proxy),
    row(Mark::Header("proxy-authenticate", ""), TransportError::Proxy),
    row(Mark::Start("error code: 1"), TransportError::Intercepted),
    row(Mark::Page, TransportError::Intercepted),
];

/// Returns what answered instead of the provider; `None` if the provider did. `spoke` is `true` if its envelope or its
/// request id is present.
pub(super) fn impostor(status: StatusCode, headers: &HeaderMap, body: &str, spoke: bool) -> Option<TransportError> {
    if status.as_u16() >= 500 && status.as_u16() != 511 {
        return None;
    }
    let start = start_of(body);
    let matches = |row: &&Row| match row.mark {
        Mark::Status(known) => status.as_u16() == known,
        Mark::Header(name, value) => {
            let told = headers.get(name).filter(|_| !status.is_success() && !spoke).and_then(|told| told.to_str().ok());
            told.is_some_and(|told| value.is_empty() || told.trim().eq_ignore_ascii_case(value))
        }
        // Four digits are Cloudflare's own refusals; three are the status of an origin.
        Mark::Start(words) => start
            .strip_prefix(words)
            .is_some_and(|rest| rest.len() == 3 && rest.bytes().all(|byte| byte.is_ascii_digit())),
        Mark::Page => !spoke && is_page(status, headers, &start),
    };
    TABLE.iter().find(matches).map(|row| row.error)
}

/// Returns the first words of a body in lower case, without a byte order mark and comments.
fn start_of(body: &str) -> String {
    let mut body = body.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    while let Some((_, rest)) = body.strip_prefix("<!--").and_then(|comment| comment.split_once("-->")) {
        body = rest.trim_start();
    }
    body.chars().take(64).collect::<String>().trim_end().to_ascii_lowercase()
}

/// Returns `true` if a body is a web page, whose words add nothing to its status.
pub(super) fn is_markup(body: &str) -> bool {
    starts_as_markup(&start_of(body))
}

/// Amazon's and Google's storage services answer in XML.
fn starts_as_markup(start: &str) -> bool {
    start.starts_with('<') && !start.starts_with("<?xml") && !start.starts_with("<error")
}

fn is_page(status: StatusCode, headers: &HeaderMap, start: &str) -> bool {
    let tagged = starts_as_markup(start);
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let declared = kind.trim().get(..9).is_some_and(|kind| kind.eq_ignore_ascii_case("text/html"));
    // A success counts as one unless its type and its body both show a page.
    tagged && (declared || !status.is_success())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Headers = &'static [(&'static str, &'static str)];

    #[test]
    fn every_row_has_a_sample() {
        let page = "<!DOCTYPE html><html><head><title>Just a moment...</title>";
        let samples: [(u16, Headers, &str, TransportError); 10] = [
            (407, &[], "", TransportError::Proxy),
            (511, &[], "", TransportError::Intercepted),
            (403, &[("cf-mitigated", "challenge")], "", TransportError::Intercepted),
            (429, &[("x-vercel-mitigated", "challenge")], "", TransportError::Intercepted),
            (403, &[("x-squid-error", "ERR_ACCESS_DENIED 0")], "", TransportError::Proxy),
            (401, &[("proxy-authenticate", "Basic")], "", TransportError::Proxy),
            (403, &[], "error code: 1020", TransportError::Intercepted),
            (403, &[], page, TransportError::Intercepted),
            (401, &[], " \u{feff}<!-- a comment --> <HTML>", TransportError::Intercepted),
            (200, &[("content-type", "text/html")], page, TransportError::Intercepted),
        ];
        let headers = |headers: &[(&'static str, &'static str)]| -> HeaderMap {
            let pair = |(name, value): &(&'static str, &'static str)| {
                (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))
            };
            headers.iter().map(pair).collect()
        };
        for (status, marks, body, expected) in samples {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(impostor(status, &headers(marks), body, false), Some(expected), "{status} {marks:?} {body}");
        }
        for (status, marks, body, has_id) in [
            (403, &[][..], page, true),
            (503, &[("cf-mitigated", "challenge")], page, false),
            (200, &[("content-type", "application/json")], page, false),
            (403, &[("cf-mitigated", "no")], r#"{"error":{}}"#, false),
            (403, &[], "error code: 502", false),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(impostor(status, &headers(marks), body, has_id), None, "{status} {marks:?} {body}");
        }
    }
}
