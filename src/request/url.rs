//! Which URLs a credential may be sent to.

use std::net::{Ipv4Addr, Ipv6Addr};

use http::Uri;
use http::uri::Scheme;

use crate::error::{Error, ErrorKind, Result};

/// Reads a base URL and adds the path of the Messages API. A query in the base URL stays behind the path.
pub(super) fn with_path(base: &str, path: &str) -> Result<Uri> {
    let uri = checked(base)?;
    let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
        return Err(invalid("the URL is not absolute"));
    };
    let joined = join(uri.path(), path);
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{scheme}://{authority}{joined}{query}").parse().map_err(|_| invalid("the URL cannot be extended"))
}

/// Reads a URL that a credential may be sent to.
pub(crate) fn checked(url: &str) -> Result<Uri> {
    let url = url.trim();
    // The parser drops fragments without a word.
    if url.contains('#') {
        return Err(invalid("the URL has a fragment"));
    }
    let uri: Uri = url.parse().map_err(|_| invalid("the URL cannot be parsed"))?;
    let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
        return Err(invalid("the URL is not absolute"));
    };
    if *scheme != Scheme::HTTP && *scheme != Scheme::HTTPS {
        return Err(invalid("the URL is neither http nor https"));
    }
    if authority.as_str().contains('@') {
        return Err(invalid("the URL has a user name or password in it"));
    }
    check_host(authority.host(), authority.as_str())?;
    if *scheme == Scheme::HTTP && !is_loopback(authority.host()) {
        let message = "a credential would travel over plain HTTP to a host that is not loopback";
        return Err(Error::new(ErrorKind::InsecureTransport, message));
    }
    Ok(uri)
}

/// People configure the base with and without the version, and sometimes the whole path.
fn join(base: &str, path: &str) -> String {
    if path.is_empty() {
        return base.to_owned();
    }
    let base = base.trim_end_matches('/');
    if base.ends_with(path) {
        return base.to_owned();
    }
    let version = path.split('/').nth(1).unwrap_or_default();
    match base.strip_suffix(version) {
        Some(parent) if parent.ends_with('/') && !version.is_empty() => {
            format!("{}{path}", parent.trim_end_matches('/'))
        }
        _ => format!("{base}{path}"),
    }
}

/// Parsers disagree about odd hosts, and the check must hold for the one that connects. So only plain ones pass.
fn check_host(host: &str, authority: &str) -> Result<()> {
    let plain = match bracketed(host) {
        Some(inside) => inside.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)),
    };
    let port = authority.strip_prefix(host).unwrap_or_default();
    let port_is_valid = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    if plain && port_is_valid { Ok(()) } else { Err(invalid("the URL has no valid host and port")) }
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

fn bracketed(host: &str) -> Option<&str> {
    host.strip_prefix('[')?.strip_suffix(']')
}

/// 127.0.0.0/8, `::1` and `localhost`, spelled plainly. Names that merely resolve to loopback today are not.
pub(crate) fn is_loopback(host: &str) -> bool {
    match bracketed(host) {
        Some(inside) => inside.parse::<Ipv6Addr>().is_ok_and(|address| address == Ipv6Addr::LOCALHOST),
        None => {
            host.eq_ignore_ascii_case("localhost")
                || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        }
    }
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidUrl, message)
}
