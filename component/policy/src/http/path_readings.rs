//! What laxer readers than ours would make of a path, a query, or an id.
//!
//! A server behind the gate may decode again, normalise, fold case, collapse slashes, strip `;parameters`
//! or white space, stop at a NUL, or take a `\` for a `/`. What any of them could read as a guarded path is
//! not passed by.

use std::borrow::Cow;

use super::path::hex;
use crate::text::compatibility;
use crate::verdict::cause::Flaw;

/// How often a text is decoded again. No client nests encodings that deep in earnest; what goes deeper
/// is refused.
const MAX_DECODINGS: usize = 8;

/// A path as a laxer reader sees it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reading<'a> {
    /// Segments, case folded, without empty ones, up to where a reader may see the path end.
    pub(crate) segments: Vec<Cow<'a, str>>,
    /// Whether it was cut off there: at a `?`, a `#` or a control character that was encoded.
    pub(crate) cut: bool,
}

/// The texts that some reader may take a raw path for, each to be [`read`].
///
/// A dot segment in any of them is a flaw: where it leads depends on who resolves it.
pub(crate) fn texts(raw_path: &str) -> Result<Vec<Cow<'_, str>>, Flaw> {
    let mut all = Vec::new();
    for bytes in decodings(raw_path.as_bytes())? {
        let text = utf8(bytes).ok_or(Flaw::PathDisguised)?;
        let path = match compatibility::folded(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(folded) => Cow::Owned(folded),
        };
        if has_dots(&path) {
            return Err(Flaw::PathDotSegment);
        }
        // A reader that drops such characters reads on behind them.
        let without_blanks = path.contains(is_blank).then(|| path.replace(is_blank, ""));
        all.push(path);
        all.extend(without_blanks.map(Cow::Owned));
    }
    Ok(all)
}

fn utf8(bytes: Cow<'_, [u8]>) -> Option<Cow<'_, str>> {
    match bytes {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    }
}

/// A text as a reader that takes it for a path sees it.
pub(crate) fn read(path: &str) -> Reading<'_> {
    let end = path.find(|c: char| matches!(c, '?' | '#') || c.is_control());
    let shown = end.and_then(|end| path.get(..end)).unwrap_or(path);
    let name = |piece| before(piece, |c| c == ';').trim();
    let segments = pieces(shown).map(name).filter(|piece| !piece.is_empty()).map(fold);
    Reading { segments: segments.collect(), cut: end.is_some() }
}

/// Refuses an id, decoded once, that has a dot segment between slashes of either kind for some reader,
/// however often encoded. The id of a secondary is compared with nothing.
pub(crate) fn check_id(id: &str) -> Result<(), Flaw> {
    let dots = |bytes: &Cow<'_, [u8]>| {
        let bytes = shortened(bytes);
        let text = String::from_utf8_lossy(&bytes);
        has_dots(&compatibility::folded(&text))
    };
    if decodings(id.as_bytes())?.iter().any(dots) { Err(Flaw::PathDotSegment) } else { Ok(()) }
}

/// The bytes with each overlong form of an ASCII character replaced by it. UTF-8 has none (RFC 3629 section 3), and
/// some old decoders read them.
fn shortened(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, tail)) = rest.split_first() {
        let (short, after) = match rest {
            [high @ (0xc0 | 0xc1), last @ 0x80..=0xbf, after @ ..]
            | [0xe0, high @ (0x80 | 0x81), last @ 0x80..=0xbf, after @ ..]
            | [0xf0, 0x80, high @ (0x80 | 0x81), last @ 0x80..=0xbf, after @ ..] => {
                ((high & 1) << 6 | last & 0x3f, after)
            }
            _ => (*first, tail),
        };
        out.push(short);
        rest = after;
    }
    out
}

/// Whether a query may have a parameter of this name, which is of small letters and `_`, for any reader.
pub(crate) fn names_parameter(query: &str, wanted: &str) -> bool {
    let Ok(decodings) = decodings(query.as_bytes()) else { return true };
    decodings.iter().any(|bytes| {
        let text = String::from_utf8_lossy(bytes).replace('+', " ");
        let text = compatibility::folded(&text);
        text.split(['&', ';', '?', '#']).any(|pair| is_name(before(pair, |c| c == '='), wanted))
    })
}

/// Whether a reader takes a parameter's name for the wanted one: as it is, up to an index or a control
/// character, without white space, or with a `_` for what cannot be in a variable's name (PHP).
fn is_name(name: &str, wanted: &str) -> bool {
    let name = fold(name);
    let begins = |name: &str| {
        let goes_on = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        name.strip_prefix(wanted).is_some_and(|rest| !rest.starts_with(goes_on))
    };
    let underscored = name.trim_matches(is_blank).replace(['.', ' ', '['], "_");
    begins(name.trim_start_matches(is_blank))
        || begins(&name.replace(is_blank, ""))
        || begins(&underscored)
}

/// Folds case the way the laxest reader might: `ſ` is an `s`, the Kelvin sign a `k`.
pub(crate) fn fold(text: &str) -> Cow<'_, str> {
    match text {
        small if small.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) => {
            small.into()
        }
        ascii if ascii.is_ascii() => ascii.to_ascii_lowercase().into(),
        other => other.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect(),
    }
}

/// What is between slashes of either kind.
fn pieces(path: &str) -> impl Iterator<Item = &str> {
    path.split(['/', '\\'])
}

fn before(text: &str, end: impl Fn(char) -> bool) -> &str {
    text.split(end).next().unwrap_or_default()
}

/// Whether a piece is `.` or `..` to a reader that drops white space and controls, or stops at one, or at
/// a parameter.
fn has_dots(path: &str) -> bool {
    let ends = |c: char| matches!(c, ';' | '?' | '#') || c.is_control();
    let only_dots =
        |text: &str| text.contains('.') && text.chars().all(|c| c == '.' || is_blank(c));
    path.contains('.')
        && pieces(path).any(|piece| only_dots(piece) || only_dots(before(piece, ends)))
}

/// What some readers trim or drop: white space, controls, and characters that are not seen (Unicode's
/// `Default_Ignorable_Code_Point` and the marks of direction).
fn is_blank(c: char) -> bool {
    if c.is_ascii() {
        return c <= ' ' || c == '\u{7f}';
    }
    let unseen = matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{e0000}'..='\u{e0fff}');
    unseen || c.is_whitespace() || c.is_control()
}

/// The text, and what it becomes when it is normalised and decoded again and again.
fn decodings(text: &[u8]) -> Result<Vec<Cow<'_, [u8]>>, Flaw> {
    let mut all = vec![Cow::Borrowed(text)];
    if text.is_ascii() && !text.contains(&b'%') {
        return Ok(all);
    }
    for _ in 0..MAX_DECODINGS {
        let last = all.last().map_or(text, AsRef::as_ref);
        let folded = std::str::from_utf8(last).map(compatibility::folded);
        let next = decode_leniently(folded.as_ref().map_or(last, |text| text.as_bytes()));
        if last == next {
            return Ok(all);
        }
        all.push(Cow::Owned(next));
    }
    Err(Flaw::PathDisguised)
}

/// Percent-decodes once, also the `%u002e` of old servers; a `%` without hex digits is itself, as
/// many decoders have it.
fn decode_leniently(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        let escape = (*first == b'%').then(|| one(tail).or_else(|| wide(tail))).flatten();
        if let Some((c, after)) = escape {
            out.extend(c);
            rest = after;
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    out
}

/// The byte of two hex digits, and what comes after them.
fn one(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let [high, low, after @ ..] = text else { return None };
    Some((vec![hex(*high)? << 4 | hex(*low)?], after))
}

/// The character of a `u` and four hex digits.
fn wide(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let [b'u' | b'U', digits @ ..] = text else { return None };
    let (digits, after) = digits.split_at_checked(4)?;
    let code =
        digits.iter().try_fold(0, |code, digit| Some(code << 4 | u32::from(hex(*digit)?)))?;
    let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    Some((c.to_string().into_bytes(), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reaches(path: &str) -> Result<bool, Flaw> {
        let users = ["api", "users"].map(Cow::Borrowed);
        texts(path).map(|all| all.iter().any(|text| read(text).segments.starts_with(&users)))
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
            "/api%00/users",
            "/ap%E2%80%8Bi/users",
            "/%EF%BD%81pi/users",
            "/api%EF%BC%8Fusers",
            "/%u0061pi/users",
            "/%uFF41pi/users",
            "/%EF%BC%8561pi/users",
        ] {
            assert_eq!(reaches(path), Ok(true), "{path}");
        }
        for path in [
            "/app/api/users",
            "/api/userss",
            "/api",
            "/100%25",
            "/app/what%3F",
            "/app/a..b",
            "/app/.well-known",
            "/app/caf%c3%a9",
            "/app/v1.%20x",
        ] {
            assert_eq!(reaches(path), Ok(false), "{path}");
        }
        for path in [
            "/app/%252e%252e/x",
            "/app/..;/x",
            "/app/%2e%2e%3b/x",
            "/app/%252e%252e/1%25",
            "/app/..%20/x",
            "/app/%20../x",
            "/app/..%2520/x",
            "/app/..%c2%a0/x",
            "/app/..%00/x",
            "/app/..%00x/y",
            "/app/..%3fx",
            "/app/..%09/x",
            "/app/.%e2%80%8b./x",
            "/app/%u002e%u002e/x",
            "/app/%U002E./x",
            "/app/%e2%80%a5/x",
            "/app/%ef%bc%8e%ef%bc%8e/x",
            "/app/%ef%bc%852e%ef%bc%852e/x",
            "/app/..%e2%88%95x",
            "/app/.../x",
            "/app/.%ef%b8%8f./x",
            "/app/..%c2%a5x",
        ] {
            assert_eq!(reaches(path), Err(Flaw::PathDotSegment), "{path}");
        }
        for path in [format!("/%{}41", "25".repeat(20)), "/a%25ff".to_owned()] {
            assert_eq!(reaches(&path), Err(Flaw::PathDisguised), "{path}");
        }
    }

    #[test]
    fn an_id_is_one_segment_to_every_reader() {
        for id in [
            "auth0|a",
            "a/b",
            "oauth2|siwe|eip155%3A5%3A0xD7",
            "a..b",
            "100%",
            "%FF",
            ";a",
            "oidc|https://idp.example/u/1",
            "/a",
            "a\\",
        ] {
            assert_eq!(check_id(id), Ok(()), "{id}");
        }
        for id in [
            "1/../2",
            "1%2F..%2F2",
            "1\\..\\2",
            "%2e%2e",
            "..;",
            "x/..;y",
            "1/./2",
            "1/.. /2",
            "1/%u002e./2",
            "1//..//2",
            "1/\u{2025}/2",
            "1%252F%252E%252E%252F2",
            "1/%C0%AE%C0%AE/2",
            "1%C0%AF..%C1%9C2",
            "1/%E0%80%AE%F0%80%80%AE/2",
            "1/.\u{34f}./2",
            "1\u{a5}..\u{20a9}2",
        ] {
            assert_eq!(check_id(id), Err(Flaw::PathDotSegment), "{id}");
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
            "access%00_token=t",
            "access.token=t",
            "access+token=t",
            "%u0061ccess_token=t",
            "%EF%BD%81ccess_token=t",
            "access_token%EF%BC%9Dt",
        ] {
            assert!(names_parameter(query, "access_token"), "{query}");
        }
        for query in ["", "token=access_token", "my_access_token=1", "access_token_hint=1"] {
            assert!(!names_parameter(query, "access_token"), "{query}");
        }
    }
}
