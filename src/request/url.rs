//! Completes base URLs to the URLs of calls.

use std::fmt::Write as _;

use http::Uri;

use super::hosts::EndpointKind;
use super::known_hosts::known;
use crate::error::Result;
use crate::net::{PlainHttp, checked, invalid};

const MESSAGES: &str = "/v1/messages";

/// Google's path for Anthropic's models, below a project's location.
const PUBLISHER: &str = "/publishers/anthropic/models";

/// Returns the URL of a call for a base URL, and the kind of the server. A query in the base URL stays after the path.
///
/// If the model is part of the URL and is not named, the base is taken for the whole URL.
pub(super) fn at(base: &str, model: Option<&str>, plain: PlainHttp) -> Result<(Uri, EndpointKind)> {
    let uri = checked(base, plain)?;
    let row = uri.host().and_then(known);
    let kind = row.map_or(EndpointKind::AnthropicCompatible, |row| row.kind);
    let path = uri.path();
    let (kind, path) = match (kind, model) {
        (EndpointKind::BedrockRuntime, _) if is_below_anthropic(path) => {
            (EndpointKind::BedrockMessages, join(path, "/anthropic/v1/messages"))
        }
        (EndpointKind::BedrockRuntime, Some(model)) if !path.contains("/model/") => {
            (kind, format!("{}/{}/invoke", join(path, "/model"), encoded(model)))
        }
        (EndpointKind::Vertex, Some(model)) if !path.contains(':') => {
            if !(path.contains("/projects/") && path.contains("/locations/")) {
                let help = "End `baseUrl` with `/v1/projects/PROJECT/locations/LOCATION`, with your own names.";
                return Err(invalid("the URL does not name the project and the location").with_help(help));
            }
            (kind, format!("{}/{}:rawPredict", join(path, PUBLISHER), encoded(model)))
        }
        (EndpointKind::BedrockRuntime | EndpointKind::Vertex, _) => (kind, path.to_owned()),
        _ => (kind, join(path, row.map_or(MESSAGES, |row| row.path))),
    };
    Ok((with_path(&uri, &path)?, kind))
}

/// Returns the URL of a call to a server of a given kind.
pub(super) fn of_kind(kind: EndpointKind, base: &str) -> Result<Uri> {
    let uri = checked(base, PlainHttp::Loopback)?;
    let Some(path) = kind.row().path else { return Ok(uri) };
    let row = uri.host().and_then(known).filter(|row| row.kind == kind);
    let path = join(uri.path(), row.map_or(path, |row| row.path));
    with_path(&uri, &path)
}

/// Returns the URL with another path.
pub(super) fn with_path(uri: &Uri, path: &str) -> Result<Uri> {
    let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
        return Err(invalid("the URL is not absolute"));
    };
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{scheme}://{authority}{path}{query}").parse().map_err(|_| invalid("the URL cannot be extended"))
}

/// Adds a path to that of a base, without repeating segments that already end the base. People configure the base with
/// and without the version, and sometimes with the whole path or only its end.
fn join(base: &str, path: &str) -> String {
    let mut base = base.trim_end_matches('/');
    for segment in path.rsplit('/').filter(|segment| !segment.is_empty()) {
        if let Some(parent) = base.strip_suffix(segment).and_then(|parent| parent.strip_suffix('/')) {
            base = parent.trim_end_matches('/');
        }
    }
    format!("{base}{path}")
}

/// Returns `true` if a path leads to Bedrock's Messages API, and not to one of the other APIs beside it.
fn is_below_anthropic(path: &str) -> bool {
    path.split('/').any(|segment| segment == "anthropic")
}

/// Encodes a model's name as one segment of a path. Amazon's and Google's own examples leave colons and `@` as they
/// are.
fn encoded(model: &str) -> String {
    let mut text = String::new();
    for byte in model.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:@".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}
