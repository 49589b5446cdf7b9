//! A request-target, split and percent-decoded once.

use crate::refusal::Refusal;

/// The decoded path segments of a target, and its query.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    /// `/a/b%2Fc` is `["a", "b/c"]`.
    pub(crate) segments: Vec<String>,
    /// What follows the first `?`, still encoded; empty without one.
    pub(crate) query: &'a str,
}

/// Splits `raw` on `/`, then decodes each segment once, so that an encoded slash stays inside its segment.
///
/// Nothing is collapsed: `..` and empty segments are segments like any other, and match no route.
pub(crate) fn parse(raw: &str) -> Result<Target<'_>, Refusal> {
    if raw.contains('#') || raw.chars().any(char::is_control) {
        return Err(Refusal::InvalidUri);
    }
    let origin_form = without_authority(raw);
    let (path, query) = origin_form.split_once('?').unwrap_or((origin_form, ""));
    let path = path.strip_prefix('/').ok_or(Refusal::InvalidUri)?;
    let segments =
        path.split('/').map(decode_once).collect::<Option<Vec<_>>>().ok_or(Refusal::InvalidUri)?;
    Ok(Target { segments, query })
}

/// The absolute form without scheme and host (RFC 9112, section 3.2.2).
fn without_authority(raw: &str) -> &str {
    let Some((_, rest)) =
        raw.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"))
    else {
        return raw;
    };
    rest.find('/').and_then(|start| rest.get(start..)).unwrap_or("/")
}

/// `None` for a `%` that two hex digits do not follow, and for bytes that are not UTF-8.
fn decode_once(segment: &str) -> Option<String> {
    let mut bytes = segment.bytes();
    let mut decoded = Vec::with_capacity(segment.len());
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' {
            hex_digit(bytes.next()?)? * 16 + hex_digit(bytes.next()?)?
        } else {
            byte
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex_digit(byte: u8) -> Option<u8> {
    u8::try_from(char::from(byte).to_digit(16)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_decoded_exactly_once() {
        let rows = [
            ("raw bar", "/users/auth0|abc", vec!["users", "auth0|abc"]),
            ("encoded bar", "/users/auth0%7Cabc", vec!["users", "auth0|abc"]),
            ("twice encoded", "/users/auth0%257Cabc", vec!["users", "auth0%7Cabc"]),
            (
                "encoded slash stays inside",
                "/samlp%7Cmy%20conn%7Cjo%2Fhn%40ex.com",
                vec!["samlp|my conn|jo/hn@ex.com"],
            ),
            ("raw UTF-8", "/auth0|zoë", vec!["auth0|zoë"]),
            ("encoded UTF-8", "/auth0|zo%C3%AB", vec!["auth0|zoë"]),
            ("plus is a plus", "/a+b", vec!["a+b"]),
            ("nothing is collapsed", "/a/../b//", vec!["a", "..", "b", "", ""]),
            ("absolute form", "http://127.0.0.1:1/a/b", vec!["a", "b"]),
            ("absolute form without a path", "http://127.0.0.1:1", vec![""]),
        ];
        for (name, raw, expected) in rows {
            assert_eq!(parse(raw).unwrap().segments, expected, "{name}");
        }
    }

    #[test]
    fn malformed_targets_are_refused() {
        for raw in ["", "users", "*", "/%", "/%4", "/%zz", "/%ff", "/a#b", "/a\u{0}b", "/%é1"] {
            assert_eq!(parse(raw), Err(Refusal::InvalidUri), "{raw:?}");
        }
    }

    #[test]
    fn the_query_is_kept_encoded() {
        assert_eq!(parse("/a?b=%20&c=/?").unwrap().query, "b=%20&c=/?");
    }
}
