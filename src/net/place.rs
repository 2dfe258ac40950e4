//! Classifies hosts by name: this machine, a private network, or elsewhere.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The name of Google's metadata server, which hands out credentials.
const METADATA: &str = "metadata.google.internal";

/// The address of Amazon's metadata server, which is among the unique local ones.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// The location of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// This machine: 127.0.0.0/8, `::1` and `localhost`, spelled plainly. Names that resolve to it do not count.
    Loopback,
    /// A private network: RFC 1918, unique local addresses, names of one label, and those below `.local` and `.internal`.
    Private,
    /// A link-local address, where clouds serve the credentials of their machines.
    Link,
    /// Anywhere else, including numbers that are not written as addresses.
    Elsewhere,
}

impl Place {
    /// Classifies the host of a URL. An IPv6 address is in brackets.
    pub(crate) fn of(host: &str) -> Self {
        if let Some(inside) = bracketed(host) {
            return inside.parse().map_or(Self::Elsewhere, of_v6);
        }
        if host.eq_ignore_ascii_case("localhost") {
            return Self::Loopback;
        }
        match host.parse() {
            Ok(address) => of_v4(address),
            Err(_) if ends_in_number(host) => Self::Elsewhere,
            Err(_) if host.eq_ignore_ascii_case(METADATA) => Self::Link,
            Err(_) if is_local_name(host) => Self::Private,
            Err(_) => Self::Elsewhere,
        }
    }

    /// Returns `true` for a private network or a link-local address.
    pub(crate) fn is_private(self) -> bool {
        matches!(self, Self::Private | Self::Link)
    }
}

/// Returns the text inside brackets, as in IPv6 hosts.
pub(super) fn bracketed(host: &str) -> Option<&str> {
    host.strip_prefix('[')?.strip_suffix(']')
}

fn of_v4(address: Ipv4Addr) -> Place {
    match address {
        _ if address.is_loopback() => Place::Loopback,
        _ if address.is_private() => Place::Private,
        _ if address.is_link_local() => Place::Link,
        _ => Place::Elsewhere,
    }
}

fn of_v6(address: Ipv6Addr) -> Place {
    if address == Ipv6Addr::LOCALHOST {
        return Place::Loopback;
    }
    match address.to_ipv4_mapped().map(of_v4) {
        // Not every resolver takes this spelling for the local machine.
        Some(Place::Loopback) => Place::Private,
        Some(place) => place,
        None if address == METADATA_V6 => Place::Link,
        None if address.is_unique_local() => Place::Private,
        None if address.is_unicast_link_local() => Place::Link,
        None => Place::Elsewhere,
    }
}

/// Returns `true` if clients read the host as an IPv4 address in some notation: its last label is a decimal or
/// hexadecimal number (URL standard, "ends in a number").
pub(super) fn ends_in_number(host: &str) -> bool {
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let is_hex = hex.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    is_hex || (!last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Returns `true` for names that no public resolver knows: one label, or below `.local` (RFC 6762) or `.internal`
/// (reserved in 2024).
fn is_local_name(host: &str) -> bool {
    let mut labels = host.rsplit('.');
    let last = labels.next().unwrap_or_default();
    let is_whole = host.split('.').all(|label| !label.is_empty());
    let is_below = ["local", "internal"].iter().any(|zone| last.eq_ignore_ascii_case(zone));
    is_whole && (labels.next().is_none() || is_below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_where_they_are() {
        for (host, place) in [
            ("127.0.0.1", Place::Loopback),
            ("[::1]", Place::Loopback),
            ("LocalHost", Place::Loopback),
            ("10.0.2.2", Place::Private),
            ("172.16.0.1", Place::Private),
            ("172.31.255.255", Place::Private),
            ("192.168.1.250", Place::Private),
            ("[fd12:3456::1]", Place::Private),
            ("[fc00::1]", Place::Private),
            ("[::ffff:10.0.0.1]", Place::Private),
            ("[::ffff:127.0.0.1]", Place::Private),
            ("litellm", Place::Private),
            ("my_gateway-1", Place::Private),
            ("mac-studio.local", Place::Private),
            ("host.docker.INTERNAL", Place::Private),
            ("169.254.169.254", Place::Link),
            ("[fe80::1]", Place::Link),
            ("metadata.google.internal", Place::Link),
            ("[fd00:ec2::254]", Place::Link),
            ("[::ffff:169.254.1.1]", Place::Link),
            ("172.32.0.1", Place::Elsewhere),
            ("172.15.0.1", Place::Elsewhere),
            ("192.169.0.1", Place::Elsewhere),
            ("100.64.0.1", Place::Elsewhere),
            ("8.8.8.8", Place::Elsewhere),
            ("0.0.0.0", Place::Elsewhere),
            ("[2001:db8::1]", Place::Elsewhere),
            ("[::]", Place::Elsewhere),
            ("[::ffff:8.8.8.8]", Place::Elsewhere),
            // The older, compatible form is not the mapped one.
            ("[::10.0.0.1]", Place::Elsewhere),
            ("example.com", Place::Elsewhere),
            ("10.0.0.1.example.com", Place::Elsewhere),
            ("local.example.com", Place::Elsewhere),
            ("notlocal", Place::Private),
            ("a.notlocal", Place::Elsewhere),
            ("foo.localhost", Place::Elsewhere),
            // Numbers in disguise.
            ("0x7f.1", Place::Elsewhere),
            ("0x7f000001", Place::Elsewhere),
            ("0x", Place::Elsewhere),
            ("0X0a000001", Place::Elsewhere),
            ("2130706433", Place::Elsewhere),
            ("167772161", Place::Elsewhere),
            ("012.0.0.1", Place::Elsewhere),
            ("10.1", Place::Elsewhere),
            ("10.0.0.0x1", Place::Elsewhere),
            ("10.0.0.1.", Place::Elsewhere),
            ("litellm.", Place::Elsewhere),
            ("printer.local.", Place::Elsewhere),
            (".local", Place::Elsewhere),
            ("a..local", Place::Elsewhere),
            ("", Place::Elsewhere),
        ] {
            assert_eq!(Place::of(host), place, "{host}");
        }
    }
}
