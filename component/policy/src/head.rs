//! What is refused of any request before its path is looked at, and the header lines of one.

use crate::denial::Flaw;
use crate::overrides;
use crate::protocol::{Head, Header};

/// Header lines, found by name.
#[derive(Clone, Copy)]
pub(crate) struct Lines<'a>(&'a [Header]);

impl<'a> Lines<'a> {
    pub(crate) fn of(head: &'a Head) -> Self {
        Self(&head.headers)
    }

    /// The values of all lines of this name, in order.
    pub(crate) fn all(self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.0
            .iter()
            .filter(move |line| line.name.eq_ignore_ascii_case(name))
            .map(|line| line.value.as_slice())
    }

    pub(crate) fn has(self, name: &'a str) -> bool {
        self.all(name).next().is_some()
    }

    /// The value of the one line of this name; nothing when there are several.
    pub(crate) fn sole(self, name: &'a str) -> Option<&'a [u8]> {
        let mut values = self.all(name);
        values.next().filter(|_| values.next().is_none())
    }
}

/// The hop-by-hop fields that `Connection` may name (RFC 9110 section 7.6.1). It may not name an
/// end-to-end field: a gateway behind us would drop what we judged, `Authorization` say.
const HOP_BY_HOP: [&str; 7] = [
    "close",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
];

/// Refuses what would make another request of a passed one.
pub(crate) fn check_passed(head: &Head) -> Result<(), Flaw> {
    let overridden = head.headers.iter().any(|line| overrides::is_override(&line.name));
    if overridden { Err(Flaw::PathOverride) } else { Ok(()) }
}

/// Whether the client offers HTTP/2 on this connection and nothing else, as some clients do with every
/// request (RFC 7540 section 3.2; RFC 9113 section 3.1 has it no more). A server may ignore it, and so
/// it is: drivers take `Upgrade` and `HTTP2-Settings` off.
fn offers_h2c_alone(lines: Lines<'_>) -> bool {
    lines.sole("upgrade").is_some_and(|value| value.trim_ascii().eq_ignore_ascii_case(b"h2c"))
}

/// Refuses what no gateway can judge.
pub(crate) fn check(head: &Head) -> Result<(), Flaw> {
    let lines = Lines::of(head);
    if head.method == "CONNECT" {
        return Err(Flaw::Connect);
    }
    let malformed = |line: &Header| {
        line.value.iter().any(|byte| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f)
    };
    if head.headers.iter().any(malformed) {
        return Err(Flaw::HeaderMalformed);
    }
    let offers_h2c = offers_h2c_alone(lines);
    if lines.has("upgrade") && !offers_h2c {
        return Err(Flaw::Upgrade);
    }
    for token in lines.all("connection").flat_map(|value| value.split(|byte| *byte == b',')) {
        let token = token.trim_ascii();
        if token.eq_ignore_ascii_case(b"upgrade") {
            if offers_h2c {
                continue;
            }
            return Err(Flaw::Upgrade);
        }
        let hop_by_hop = HOP_BY_HOP.iter().any(|name| token.eq_ignore_ascii_case(name.as_bytes()));
        if !token.is_empty() && !hop_by_hop {
            return Err(Flaw::ConnectionNamesHeader);
        }
    }
    Ok(())
}
