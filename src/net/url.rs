//! Checks whether a credential may be sent to a URL.

use std::net::{Ipv4Addr, Ipv6Addr};

use http::Uri;
use http::uri::Scheme;

use super::place::{Place, bracketed, ends_in_number};
use crate::error::{Error, ErrorKind, Result};

/// The hosts that requests may go to over plain HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlainHttp {
    /// This machine, which is always allowed.
    Loopback,
    /// Also hosts of a private network, without a credential, so that nothing of value can be read on the way.
    WithoutCredential,
    /// Also hosts of a private network, with a credential, because the user or the caller allowed it.
    PrivateNetwork,
}

impl PlainHttp {
    fn allows(self, place: Place) -> bool {
        match place {
            Place::Loopback => true,
            Place::Private => self != Self::Loopback,
            // Clouds hand out credentials there to every request.
            Place::Link => self == Self::PrivateNetwork,
            Place::Elsewhere => false,
        }
    }
}

/// Parses a URL and checks that requests may go there.
pub(crate) fn checked(url: &str, plain: PlainHttp) -> Result<Uri> {
    let url = url.trim();
    // The parser silently drops fragments.
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
    if *scheme == Scheme::HTTP && !plain.allows(Place::of(authority.host())) {
        return Err(insecure(authority.host()));
    }
    if is_disguised(authority.host()) {
        let help = "Write the address as four decimal numbers, such as `127.0.0.1`, or the host's name.";
        return Err(invalid("the URL's host is a number that is not written as an address").with_help(help));
    }
    Ok(uri)
}

/// Creates the error for a host that no credential may be sent to over plain HTTP.
pub(crate) fn insecure(host: &str) -> Error {
    let message = if Place::of(host).is_private() {
        "a credential would be sent over plain HTTP to a host in a private network, which is not allowed for this endpoint"
    } else {
        "a credential would be sent over plain HTTP to a host that is not loopback"
    };
    Error::new(ErrorKind::InsecureTransport, message)
}

/// Accepts plain hosts and ports only. Parsers disagree about odd ones, and the check must hold for the one that
/// connects.
fn check_host(host: &str, authority: &str) -> Result<()> {
    let plain = match bracketed(host) {
        Some(inside) => inside.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)),
    };
    let port = authority.strip_prefix(host).unwrap_or_default();
    let port_is_valid = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    if plain && port_is_valid { Ok(()) } else { Err(invalid("the URL has no valid host and port")) }
}

/// Returns `true` for an address that is not written as one, such as `1`, `0x7f.1` or `2130706433`. Clients read
/// numbers in several ways, and the one that connects would decide where the credential goes.
fn is_disguised(host: &str) -> bool {
    ends_in_number(host) && host.parse::<Ipv4Addr>().is_err()
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

/// Returns the scheme, the host and the port of a URL. The rest may be secret, because gateways put keys into paths and
/// queries.
pub(crate) fn origin(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "[redacted]".to_owned() };
    format!("{scheme}://{}", host_and_port(rest))
}

/// Returns the host of a URL, which may be invalid: enough to tell two servers apart, not to decide where a credential
/// goes.
pub(crate) fn host(url: &str) -> Option<&str> {
    let whole = host_and_port(url.split_once(':')?.1.strip_prefix("//")?);
    // The last colon may be inside the brackets of an address.
    let host = whole.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(whole, |(host, _)| host);
    Some(host).filter(|host| !host.is_empty())
}

fn host_and_port(after_scheme: &str) -> &str {
    let end = after_scheme.bytes().position(|byte| matches!(byte, b'/' | b'?' | b'#' | b'\\'));
    let authority = end.and_then(|end| after_scheme.get(..end)).unwrap_or(after_scheme);
    authority.rsplit('@').next().unwrap_or_default()
}

/// Returns `true` if two URLs lead to the same server.
pub(crate) fn same_origin(one: &Uri, other: &Uri) -> bool {
    let host = |uri: &Uri| uri.host().unwrap_or_default().to_ascii_lowercase();
    let port = |uri: &Uri| uri.port_u16().unwrap_or(if uri.scheme() == Some(&Scheme::HTTP) { 80 } else { 443 });
    one.scheme() == other.scheme() && host(one) == host(other) && port(one) == port(other)
}

/// Creates the error for a URL that cannot be used.
pub(crate) fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidUrl, message)
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn the_host_is_found_in_what_people_write() {
        for (url, expected) in [
            ("https://api.anthropic.com", Some("api.anthropic.com")),
            ("https://api.anthropic.com:443/v1?a#b", Some("api.anthropic.com")),
            ("https://user:word@relay.example.com:8443\\v1", Some("relay.example.com")),
            ("http://[::1]:8080/", Some("[::1]")),
            ("http://[2001:db8::1]", Some("[2001:db8::1]")),
            ("http://:80/", None),
            ("relay.example.com/v1", None),
            ("mailto:a@b", None),
            ("", None),
        ] {
            assert_eq!(host(url), expected, "{url}");
        }
    }
}
