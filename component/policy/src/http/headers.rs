//! What is refused of any request before its path is read, and the header lines of one.

use super::message::{Head, Lines};
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

/// Whether there is a control character in a field value (RFC 9110 section 5.5); a tab is none. Each byte of each
/// request is looked at, so eight at a time.
fn has_control(value: &[u8]) -> bool {
    let is_control = |byte: &u8| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f;
    let (eights, rest) = value.as_chunks::<8>();
    eights.iter().any(|eight| may_have_control(*eight) && eight.iter().any(is_control))
        || rest.iter().any(is_control)
}

/// Whether a byte of eight is below a space or is 0x7f; perhaps also where one is above it.
fn may_have_control(eight: [u8; 8]) -> bool {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    let bytes = u64::from_ne_bytes(eight);
    // A byte borrows its high bit if it is smaller than what is subtracted. ("Determine if a word has a byte less
    // than n", Sean Eron Anderson, "Bit Twiddling Hacks".)
    let below = |bytes: u64, n: u64| bytes.wrapping_sub(EACH * n) & !bytes & (EACH * 0x80);
    below(bytes, u64::from(b' ')) | below(bytes ^ (EACH * 0x7f), 1) != 0
}

/// Refuses what no gateway can judge.
pub(crate) fn check(head: &Head) -> Result<(), Flaw> {
    let lines = Lines::of(head);
    if head.method == "CONNECT" {
        return Err(Flaw::Connect);
    }
    if head.headers.iter().any(|line| has_control(&line.value)) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_is_found_at_every_place() {
        for byte in 0..=u8::MAX {
            let expected = byte != b'\t' && byte.is_ascii_control();
            for beside in [b'a', b'~', b' ', b'\t', 0x80, 0xff] {
                for place in 0..19 {
                    let mut value = [beside; 19];
                    value[place] = byte;
                    assert_eq!(has_control(&value), expected, "{byte} at {place} beside {beside}");
                }
            }
        }
        assert!(!has_control(b""));
    }
}
