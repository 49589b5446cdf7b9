//! What is refused of any request before its path is read, and the header lines of one.

use super::message::{Head, Header, Lines};
use super::override_headers;
use crate::verdict::cause::Flaw;

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
    let overridden = head.headers.iter().any(|line| override_headers::is_override(&line.name));
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
