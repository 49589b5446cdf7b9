//! The address of the client: of its connection, or as the proxies in front of the gate have written it.
//!
//! A header is counted from the right: what is further left than the entries of the trusted proxies
//! is the client's own claim, and never taken. Too few entries, or one that is no address, and there
//! is none.

use core::net::{IpAddr, SocketAddr};

use crate::http::message::{Head, Header, Lines};
use crate::rules::client_address::{AddressHeader, AddressRules};

/// The names of all of them: with an address configured, a request carries one of them and never the client's.
pub(crate) const NAMES: [&str; 3] = ["x-forwarded-for", "forwarded", "x-real-ip"];

impl AddressHeader {
    fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
            Self::XRealIp => "x-real-ip",
        }
    }
}

impl AddressRules {
    /// The address of the client that sent this head, if it can be had.
    pub(crate) fn find(self, head: &Head) -> Option<IpAddr> {
        let lines = Lines::of(head);
        match self {
            Self::Connection => address(head.peer.as_deref()?),
            Self::Header(AddressHeader::XRealIp, _) => address_in(lines.sole("x-real-ip")?),
            Self::Header(AddressHeader::XForwardedFor, hop) => {
                let entries: Vec<&[u8]> = lines
                    .all("x-forwarded-for")
                    .flat_map(|value| value.split(|byte| *byte == b','))
                    .collect();
                address_in(entries.iter().rev().nth(hop.checked_sub(1)?)?)
            }
            Self::Header(AddressHeader::Forwarded, hop) => {
                let entries: Vec<&[u8]> = lines
                    .all("forwarded")
                    .flat_map(|value| split_outside_quotes(value, b','))
                    .collect();
                address(&node(entries.iter().rev().nth(hop.checked_sub(1)?)?)?)
            }
        }
    }

    /// The line that says so to the upstream.
    pub(crate) fn line(self, address: IpAddr) -> Header {
        match self {
            Self::Connection => Header::new("x-forwarded-for", &address.to_string()),
            // RFC 7239 section 6: an IPv6 address is in brackets, and so in quotes.
            Self::Header(header @ AddressHeader::Forwarded, _) => match address {
                IpAddr::V4(address) => Header::new(header.name(), &format!("for={address}")),
                IpAddr::V6(address) => Header::new(header.name(), &format!("for=\"[{address}]\"")),
            },
            Self::Header(header, _) => Header::new(header.name(), &address.to_string()),
        }
    }
}

fn address_in(value: &[u8]) -> Option<IpAddr> {
    address(std::str::from_utf8(value).ok()?)
}

/// An IP address, with its port and its brackets taken off. An IPv4 address that a dual-stack socket shows as
/// an IPv6 one is written as what it is.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim_ascii();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let in_brackets = || bare?.parse().ok().map(IpAddr::V6);
    let with_port =
        || text.parse::<SocketAddr>().ok().filter(is_of_a_socket).map(|found| found.ip());
    let found = text.parse().ok().or_else(in_brackets).or_else(with_port)?;
    Some(IpAddr::to_canonical(&found))
}

/// No connection has the port 0. Envoy gives it to an address that it took from a header by itself, which is
/// the client's claim.
fn is_of_a_socket(address: &SocketAddr) -> bool {
    address.port() != 0
}

/// The parts of a value between separators that are outside of any quoted-string (RFC 9110 section 5.6.4). It is read
/// from the right: what a client wrote further left, an open quote say, changes nothing for the entries that
/// proxies appended.
fn split_outside_quotes(value: &[u8], separator: u8) -> Vec<&[u8]> {
    let (mut parts, mut end, mut quoted) = (Vec::new(), value.len(), false);
    for (at, byte) in value.iter().enumerate().rev() {
        if *byte == b'"' && !is_escaped(value, at) {
            quoted = !quoted;
        } else if *byte == separator && !quoted {
            parts.push(value.get(at.saturating_add(1)..end).unwrap_or_default());
            end = at;
        }
    }
    parts.push(value.get(..end).unwrap_or_default());
    parts.reverse();
    parts
}

/// Whether there is an odd number of backslashes before this place.
fn is_escaped(value: &[u8], at: usize) -> bool {
    let before = value.get(..at).unwrap_or_default();
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// The one `for` of an element of `Forwarded` (RFC 7239 section 4), its quotes taken off. An address holds
/// nothing that would be escaped.
fn node(element: &[u8]) -> Option<String> {
    let mut found = None;
    for pair in split_outside_quotes(element, b';') {
        let (name, value) = std::str::from_utf8(pair).ok()?.split_once('=')?;
        // Section 4: each parameter once.
        if name.trim_ascii().eq_ignore_ascii_case("for")
            && found.replace(value.trim_ascii()).is_some()
        {
            return None;
        }
    }
    let value = found?;
    let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    Some(unquoted.unwrap_or(value).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rules: AddressRules, lines: &[(&str, &str)]) -> Option<String> {
        let headers = lines.iter().map(|(name, value)| Header::new(name, value)).collect();
        let head = Head {
            method: "GET".to_owned(),
            target: b"/".to_vec(),
            headers,
            peer: Some("192.0.2.1:4711".to_owned()),
        };
        rules.find(&head).map(|address| address.to_string())
    }

    #[test]
    fn an_address_is_read_without_port_and_brackets() {
        for (row, text, expected) in [
            ("IPv4", "192.0.2.7", Some("192.0.2.7")),
            ("with a port", "192.0.2.7:4711", Some("192.0.2.7")),
            ("IPv6", "2001:db8::7", Some("2001:db8::7")),
            ("in brackets", "[2001:db8::7]", Some("2001:db8::7")),
            ("in brackets with a port", "[2001:DB8::7]:80", Some("2001:db8::7")),
            ("mapped", "::ffff:192.0.2.7", Some("192.0.2.7")),
            ("space around it", " 192.0.2.7\t", Some("192.0.2.7")),
            ("a port that no socket has", "192.0.2.7:0", None),
            ("a name", "localhost", None),
            ("unknown", "unknown", None),
            ("obfuscated", "_hidden", None),
            ("octal", "0192.0.2.7", None),
            ("short", "192.0.2", None),
            ("brackets around IPv4", "[192.0.2.7]", None),
            ("a zone", "fe80::1%eth0", None),
            ("two", "192.0.2.7 192.0.2.8", None),
            ("a line break", "192.0.2.7\r\nx: y", None),
            ("nothing", "", None),
        ] {
            let found = address(text).map(|address| address.to_string());
            assert_eq!(found.as_deref(), expected, "{row}");
        }
    }

    #[test]
    fn entries_are_counted_from_the_right_over_all_lines() {
        let at = |hop| AddressRules::Header(AddressHeader::XForwardedFor, hop);
        let lines = [
            ("x-forwarded-for", "203.0.113.9, 192.0.2.2"),
            ("x-real-ip", "203.0.113.66"),
            ("X-Forwarded-For", "192.0.2.3"),
        ];
        for (hop, expected) in [
            (1, Some("192.0.2.3")),
            (2, Some("192.0.2.2")),
            (3, Some("203.0.113.9")),
            (4, None),
            (0, None),
        ] {
            assert_eq!(found(at(hop), &lines).as_deref(), expected, "{hop}");
        }
        let empty = [("x-forwarded-for", "203.0.113.9, , 192.0.2.2")];
        assert_eq!(found(at(2), &empty), None, "an empty entry is one, and no address");
        let folded = [("x_forwarded_for", "203.0.113.9")];
        assert_eq!(found(at(1), &folded), None, "another name to a proxy");
        assert_eq!(found(at(1), &[]), None);
    }

    #[test]
    fn forwarded_is_read_as_its_rfc_has_it() {
        let at = |hop| AddressRules::Header(AddressHeader::Forwarded, hop);
        for (row, hop, value, expected) in [
            ("plain", 1, "for=192.0.2.43", Some("192.0.2.43")),
            ("any case", 1, "For=192.0.2.43;Proto=http;By=203.0.113.43", Some("192.0.2.43")),
            (
                "quoted IPv6 and port",
                1,
                "for=\"[2001:db8:cafe::17]:4711\"",
                Some("2001:db8:cafe::17"),
            ),
            (
                "second from the right",
                2,
                "for=203.0.113.9, for=192.0.2.1;by=_x",
                Some("203.0.113.9"),
            ),
            (
                "a comma in quotes",
                1,
                "for=203.0.113.9, for=192.0.2.1;host=\"a,b\"",
                Some("192.0.2.1"),
            ),
            ("an open quote of the client's", 1, "for=\"x, for=192.0.2.1", Some("192.0.2.1")),
            (
                "the same, two proxies",
                2,
                "for=\", for=\"[2001:db8::1]\", for=10.0.0.1",
                Some("2001:db8::1"),
            ),
            ("an escaped quote", 1, "for=x;host=\"\\\",for=203.0.113.9\"", None),
            ("unknown", 1, "for=unknown", None),
            ("obfuscated", 1, "for=_gazonk", None),
            ("no `for`", 1, "by=192.0.2.1", None),
            ("twice", 1, "for=192.0.2.1;for=192.0.2.2", None),
            ("no pair", 1, "192.0.2.1", None),
            ("too few", 2, "for=192.0.2.1", None),
        ] {
            assert_eq!(found(at(hop), &[("forwarded", value)]).as_deref(), expected, "{row}");
        }
    }

    #[test]
    fn the_connection_and_the_one_line_have_one_address() {
        assert_eq!(found(AddressRules::Connection, &[]).as_deref(), Some("192.0.2.1"));
        let real = AddressRules::Header(AddressHeader::XRealIp, 1);
        assert_eq!(found(real, &[("x-real-ip", "192.0.2.9")]).as_deref(), Some("192.0.2.9"));
        let two = [("x-real-ip", "203.0.113.9"), ("x-real-ip", "192.0.2.9")];
        assert_eq!(found(real, &two), None, "which one the proxy wrote cannot be known");
        assert_eq!(found(real, &[("x-real-ip", "192.0.2.9, 192.0.2.8")]), None);
    }

    #[test]
    fn the_upstream_gets_one_line() {
        let v6 = "2001:db8::1".parse().unwrap();
        for (header, expected) in [
            (AddressHeader::XForwardedFor, "2001:db8::1"),
            (AddressHeader::Forwarded, "for=\"[2001:db8::1]\""),
            (AddressHeader::XRealIp, "2001:db8::1"),
        ] {
            let line = AddressRules::Header(header, 1).line(v6);
            assert_eq!(line, Header::new(header.name(), expected));
            assert!(NAMES.contains(&header.name()));
        }
    }

    proptest::proptest! {
        #[test]
        fn what_a_client_writes_to_the_left_moves_nothing(claim in "[a-z0-9=\",;\\\\ ._:\\[\\]-]{0,40}") {
            let at = |header| AddressRules::Header(header, 1);
            let value = format!("{claim}, for=\"[2001:db8::1]:80\";proto=https");
            let forwarded = found(at(AddressHeader::Forwarded), &[("forwarded", &value)]);
            proptest::prop_assert_eq!(forwarded.as_deref(), Some("2001:db8::1"));
            let value = format!("{claim}, 192.0.2.1");
            let listed = found(at(AddressHeader::XForwardedFor), &[("x-forwarded-for", &value)]);
            proptest::prop_assert_eq!(listed.as_deref(), Some("192.0.2.1"));
        }
    }
}
