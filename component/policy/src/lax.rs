//! What laxer readers than ours would make of a path, a query, or an id.
//!
//! A server behind the gate may decode again, fold case, collapse slashes, strip `;parameters`, or
//! take a `\` for a `/`. What any of them could read as a guarded path is not passed by.

use crate::denial::Flaw;
use crate::path::hex;

/// How often a text is decoded again. Nobody nests encodings that deep in earnest; what goes deeper
/// is refused.
const MAX_DECODINGS: usize = 8;

/// A path as a laxer reader sees it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Segments, case folded, without empty ones, up to where a reader may see the path end.
    pub(crate) segments: Vec<String>,
    /// Whether it was cut off there: at a `?`, a `#` or a control character that was encoded.
    pub(crate) cut: bool,
}

/// Every reading of a raw path.
///
/// A dot segment in any of them is a flaw: where it leads depends on who resolves it.
pub(crate) fn readings(raw_path: &str) -> Result<Vec<Reading>, Flaw> {
    decodings(raw_path.as_bytes())?
        .iter()
        .map(|bytes| reading(std::str::from_utf8(bytes).map_err(|_| Flaw::PathDisguised)?))
        .collect()
}

fn reading(path: &str) -> Result<Reading, Flaw> {
    if pieces(path).any(is_dots) {
        return Err(Flaw::PathDotSegment);
    }
    let end = path.find(|c: char| matches!(c, '?' | '#') || c.is_control());
    let shown = end.and_then(|end| path.get(..end)).unwrap_or(path);
    let segments = pieces(shown).map(str::trim).filter(|piece| !piece.is_empty()).map(fold);
    Ok(Reading { segments: segments.collect(), cut: end.is_some() })
}

/// Refuses an id, decoded once, that a laxer reader would take for more than one segment's text: a
/// dot segment between its slashes, however often encoded, or nothing between two of them.
pub(crate) fn check_id(id: &str) -> Result<(), Flaw> {
    let slashed = id.contains(['/', '\\']);
    if slashed && id.split(['/', '\\']).any(str::is_empty) {
        return Err(Flaw::PathEmptySegment);
    }
    let dots = |bytes: &Vec<u8>| pieces(&String::from_utf8_lossy(bytes)).any(is_dots);
    if decodings(id.as_bytes())?.iter().any(dots) { Err(Flaw::PathDotSegment) } else { Ok(()) }
}

/// Whether a query may have a parameter whose name begins with this, for any reader.
pub(crate) fn names_parameter(query: &str, wanted: &str) -> bool {
    let Ok(decodings) = decodings(query.as_bytes()) else { return true };
    decodings.iter().any(|bytes| {
        let text = String::from_utf8_lossy(bytes).replace('+', " ");
        let names = text.split(['&', ';', '?', '#']).filter_map(|pair| pair.split('=').next());
        names.map(|name| fold(name.trim())).any(|name| name.starts_with(wanted))
    })
}

/// Folds case the way the laxest reader might: `ſ` is an `s`, the Kelvin sign a `k`.
pub(crate) fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// What stands between slashes of either kind, without `;parameters`.
fn pieces(path: &str) -> impl Iterator<Item = &str> {
    path.split(['/', '\\']).map(|piece| piece.split(';').next().unwrap_or_default())
}

fn is_dots(piece: &str) -> bool {
    matches!(piece, "." | "..")
}

/// The text, and what it becomes when it is decoded again and again.
fn decodings(text: &[u8]) -> Result<Vec<Vec<u8>>, Flaw> {
    let mut all = vec![text.to_vec()];
    for _ in 0..MAX_DECODINGS {
        let next = decode_leniently(all.last().map_or(text, Vec::as_slice));
        if all.last() == Some(&next) {
            return Ok(all);
        }
        all.push(next);
    }
    Err(Flaw::PathDisguised)
}

/// Percent-decodes once; a `%` without two hex digits stands for itself, as many decoders have it.
fn decode_leniently(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        let escape = match tail {
            [high, low, after @ ..] if *first == b'%' => {
                hex(*high).zip(hex(*low)).map(|(high, low)| (high << 4 | low, after))
            }
            _ => None,
        };
        let (byte, after) = escape.unwrap_or((*first, tail));
        out.push(byte);
        rest = after;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reaches(path: &str) -> Result<bool, Flaw> {
        let users = ["api".to_owned(), "users".to_owned()];
        readings(path).map(|all| all.iter().any(|one| one.segments.starts_with(&users)))
    }

    #[test]
    fn disguises_are_seen_through() {
        for path in [
            "/api/users/x",
            "/API/Users",
            "//api//users",
            "/api;v=1/users;x",
            "/%61pi/users",
            "/%2561pi/u%2573ers",
            "/api%252Fusers",
            "/api%255cusers",
            "/api/u\u{17f}ers",
            "/api/users%3fx",
            "/api/users%20",
            "/%2561pi/users/100%25",
            "/%2561pi/users/%25zz",
        ] {
            assert_eq!(reaches(path), Ok(true), "{path}");
        }
        for path in ["/app/api/users", "/api/userss", "/api", "/100%25", "/app/what%3F"] {
            assert_eq!(reaches(path), Ok(false), "{path}");
        }
        for path in ["/app/%252e%252e/x", "/app/..;/x", "/app/%2e%2e%3b/x", "/app/%252e%252e/1%25"]
        {
            assert_eq!(reaches(path), Err(Flaw::PathDotSegment), "{path}");
        }
        for path in [format!("/%{}41", "25".repeat(20)), "/a%25ff".to_owned()] {
            assert_eq!(reaches(&path), Err(Flaw::PathDisguised), "{path}");
        }
    }

    #[test]
    fn an_id_is_one_segment_to_every_reader() {
        for id in ["auth0|a", "a/b", "oauth2|siwe|eip155%3A5%3A0xD7", "a..b", "100%", "%FF", ";a"] {
            assert_eq!(check_id(id), Ok(()), "{id}");
        }
        for id in ["1/../2", "1%2F..%2F2", "1\\..\\2", "%2e%2e", "..;", "x/..;y", "1/./2"] {
            assert_eq!(check_id(id), Err(Flaw::PathDotSegment), "{id}");
        }
        for id in ["/a", "a//b", "a\\"] {
            assert_eq!(check_id(id), Err(Flaw::PathEmptySegment), "{id}");
        }
    }

    #[test]
    fn a_parameter_is_found_under_every_spelling() {
        for query in [
            "access_token=t",
            "x=1&access_token",
            "x=1;access_token=t",
            "access_token[]=t",
            "access_token%5B0%5D=t",
            "%25252561ccess_token=t",
            "+Access_Token=t",
            "access_token%00=t",
            "a=100%25&%2561ccess_token=t",
        ] {
            assert!(names_parameter(query, "access_token"), "{query}");
        }
        for query in ["", "token=access_token", "my_access_token=1"] {
            assert!(!names_parameter(query, "access_token"), "{query}");
        }
    }
}
