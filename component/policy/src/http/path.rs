//! The raw request target, split and decoded exactly once; and the way back.
//!
//! One reader for the check and for what is sent: what was judged is re-encoded from the decoded
//! segments, so no parser behind us gets to read the client's own spelling.

use crate::verdict::cause::Flaw;

/// Longest request target, in bytes. Ids have at most 255 characters; what passes by may carry a
/// long query. Raised, a caller buys more work per request.
const MAX_TARGET: usize = 8192;

/// Most segments of a path. A guarded one has at most ten; each is read again for laxer readings.
const MAX_SEGMENTS: usize = 64;

/// A request target in origin-form (RFC 9112 section 3.2.1).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    /// The path as received.
    pub(crate) raw_path: &'a str,
    /// The query as received, without its `?`.
    pub(crate) query: Option<&'a str>,
    /// The path's segments, decoded. None for `/`. One may be empty (`//`, or a trailing `/`): who reads
    /// them says where.
    pub(crate) segments: Vec<Segment>,
}

impl Target<'_> {
    /// Whether there is a `//` in it, or a `/` at its end.
    pub(crate) fn has_empty_segment(&self) -> bool {
        self.segments.iter().any(|segment| segment.text.is_empty())
    }
}

/// A path segment, decoded exactly once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// The decoded text: no dot segment, no control character.
    pub(crate) text: String,
    /// Whether it holds a slash or a backslash that was percent-encoded.
    pub(crate) slashed: bool,
}

impl AsRef<str> for Segment {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

/// Reads a request target; anything that could be read in two ways is a flaw.
pub(crate) fn read(target: &[u8]) -> Result<Target<'_>, Flaw> {
    if target.len() > MAX_TARGET {
        return Err(Flaw::TargetTooLong);
    }
    if target.iter().any(|byte| *byte <= b' ' || *byte == 0x7f) {
        return Err(Flaw::PathRawControl);
    }
    let target = std::str::from_utf8(target).map_err(|_| Flaw::PathNotUtf8)?;
    if !target.starts_with('/') {
        return Err(Flaw::TargetForm);
    }
    if target.contains('#') {
        return Err(Flaw::PathFragment);
    }
    let (raw_path, query) =
        target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    if raw_path.contains('\\') {
        return Err(Flaw::PathBackslash);
    }
    let segments = match raw_path {
        "/" => Vec::new(),
        path if path.matches('/').count() > MAX_SEGMENTS => return Err(Flaw::TargetTooLong),
        path => path.split('/').skip(1).map(segment).collect::<Result<_, _>>()?,
    };
    Ok(Target { raw_path, query, segments })
}

fn segment(raw: &str) -> Result<Segment, Flaw> {
    // As most are: raw controls, `/` and `\` are gone, and nothing is encoded.
    let is_plain = raw.bytes().all(|byte| byte.is_ascii() && byte != b'%');
    let text = if is_plain { raw.to_owned() } else { decoded(raw)? };
    if text == "." || text == ".." {
        return Err(Flaw::PathDotSegment);
    }
    let slashed = !is_plain && text.contains(['/', '\\']);
    Ok(Segment { text, slashed })
}

fn decoded(raw: &str) -> Result<String, Flaw> {
    let bytes = decode(raw.as_bytes()).ok_or(Flaw::PathEscapeMalformed)?;
    let text = String::from_utf8(bytes).map_err(|_| Flaw::PathNotUtf8)?;
    if text.chars().any(char::is_control) { Err(Flaw::PathControl) } else { Ok(text) }
}

/// Percent-decodes once (RFC 3986 section 2.1); nothing on a `%` without two hex digits.
pub(crate) fn decode(raw: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter();
    while let Some(byte) = bytes.next() {
        if *byte == b'%' {
            out.push(hex(*bytes.next()?)? << 4 | hex(*bytes.next()?)?);
        } else {
            out.push(*byte);
        }
    }
    Some(out)
}

pub(crate) fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Encodes segments to a path: RFC 3986 unreserved characters as they are, all else upper-case
/// percent-encoded.
pub(crate) fn encode<'a>(segments: impl IntoIterator<Item = &'a str>) -> String {
    let mut path = String::new();
    for segment in segments {
        path.push('/');
        for byte in segment.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                path.push(char::from(byte));
            } else {
                let digit =
                    |four_bits: u8| char::from_digit(four_bits.into(), 16).unwrap_or_default();
                path.extend(
                    ['%', digit(byte >> 4), digit(byte & 0xf)].map(|c| c.to_ascii_uppercase()),
                );
            }
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::super::path_readings;
    use super::*;

    fn texts(target: &str) -> Result<Vec<String>, Flaw> {
        read(target.as_bytes())
            .map(|target| target.segments.into_iter().map(|segment| segment.text).collect())
    }

    #[test]
    fn one_decoding_and_one_only() {
        for (row, target, expected) in [
            ("raw bar", "/users/auth0|a", vec!["users", "auth0|a"]),
            ("encoded bar", "/users/auth0%7Ca", vec!["users", "auth0|a"]),
            ("encoded twice", "/users/auth0%257Ca", vec!["users", "auth0%7Ca"]),
            ("raw UTF-8", "/ü", vec!["ü"]),
            ("encoded UTF-8", "/%C3%bc", vec!["ü"]),
            ("plus is a plus", "/a+b", vec!["a+b"]),
            ("semicolon is a byte", "/a;b", vec!["a;b"]),
            ("the root", "/", vec![]),
            ("encoded space", "/my%20conn", vec!["my conn"]),
            ("double slash", "//a", vec!["", "a"]),
            ("trailing slash", "/a/", vec!["a", ""]),
        ] {
            assert_eq!(
                texts(target),
                Ok(expected.into_iter().map(str::to_owned).collect()),
                "{row}"
            );
        }
    }

    #[test]
    fn ambiguity_is_a_flaw() {
        for (row, target, flaw) in [
            ("empty", "", Flaw::TargetForm),
            ("absolute-form", "http://a/b", Flaw::TargetForm),
            ("asterisk-form", "*", Flaw::TargetForm),
            ("fragment", "/a#b", Flaw::PathFragment),
            ("fragment in the query", "/a?b#c", Flaw::PathFragment),
            ("raw space", "/a b", Flaw::PathRawControl),
            ("backslash", "/a\\b", Flaw::PathBackslash),
            ("half an escape", "/a%2", Flaw::PathEscapeMalformed),
            ("no hex", "/%zz", Flaw::PathEscapeMalformed),
            ("signed hex", "/%+1", Flaw::PathEscapeMalformed),
            ("dot", "/a/./b", Flaw::PathDotSegment),
            ("encoded dots", "/a/%2e%2E/b", Flaw::PathDotSegment),
            ("mixed dots", "/a/.%2e", Flaw::PathDotSegment),
            ("NUL", "/a%00", Flaw::PathControl),
            ("C1 control", "/a%C2%85", Flaw::PathControl),
            ("not UTF-8", "/%ff", Flaw::PathNotUtf8),
            ("overlong slash", "/%c0%af", Flaw::PathNotUtf8),
        ] {
            assert_eq!(texts(target), Err(flaw), "{row}");
        }
        assert_eq!(read(&[b'/'; MAX_TARGET + 1]), Err(Flaw::TargetTooLong));
        assert_eq!(texts(&"/a".repeat(MAX_SEGMENTS + 1)), Err(Flaw::TargetTooLong));
        assert_eq!(read(b"/\xff"), Err(Flaw::PathNotUtf8));
    }

    #[test]
    fn what_was_read_is_written_back_in_one_spelling() {
        for (target, written) in [
            ("/users/auth0|a", "/users/auth0%7Ca"),
            ("/users/auth0%7ca", "/users/auth0%7Ca"),
            ("/users/a%252F", "/users/a%252F"),
            ("/users/a%2Fb", "/users/a%2Fb"),
            ("/ü@:+=", "/%C3%BC%40%3A%2B%3D"),
            ("/-._~", "/-._~"),
        ] {
            let first = texts(target).unwrap();
            assert_eq!(encode(first.iter().map(String::as_str)), written);
            assert_eq!(texts(written), Ok(first), "{target} re-reads to itself");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_accepted_path_is_written_back_to_itself(path in "/[a-z%0-9A-F|;:@./\\\\\u{fc} -]{0,12}") {
            if let Ok(segments) = texts(&path) {
                let written = encode(segments.iter().map(String::as_str));
                let root = if segments.is_empty() { "/" } else { "" };
                proptest::prop_assert_eq!(texts(&(written + root)), Ok(segments));
            }
        }

        #[test]
        fn no_target_is_too_odd_to_read(target: Vec<u8>) {
            if let Ok(target) = read(&target) {
                let _ = path_readings::texts(target.raw_path);
            }
        }
    }
}
