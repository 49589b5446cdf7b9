//! A caller's text for a log: nothing in it can break a line or grow it.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// Longest text of a caller's choosing in a record, in characters: the longest id an Auth0 tenant
/// gives out (255) fits. Raised, a caller buys more room in the log.
pub(crate) const MAX_TEXT: usize = 256;

/// A caller's text for a log: printable ASCII as it is, the rest as `\u{…}`, cut at [`MAX_TEXT`].
#[must_use]
pub fn escaped(text: &str) -> String {
    escaped_to(text, MAX_TEXT)
}

/// The same, cut at `most` characters.
pub(crate) fn escaped_to(text: &str, most: usize) -> String {
    // Most texts have nothing to escape: they are copied as a whole.
    if text.len() <= most && text.bytes().all(|byte| byte != b'\\' && matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len().min(most));
    for (index, c) in text.chars().enumerate() {
        if index == most {
            out.push_str("...");
            break;
        }
        match c {
            '\\' => out.push_str("\\\\"),
            ' '..='~' => out.push(c),
            other => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(other));
            }
        }
    }
    out
}

/// The first 16 hex digits of the SHA-256: the same bytes read the same in every line.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// An issuer's text in a phrase.
pub(crate) fn shown(text: &str) -> String {
    format!("`{}`", escaped_to(text, SHOWN))
}

/// Characters of it that are shown: every registered name fits.
const SHOWN: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_caller_cannot_break_a_log_line() {
        for (row, given, expected) in [
            ("plain", "auth0|alice", "auth0|alice"),
            ("line break", "a\r\nb", "a\\u{d}\\u{a}b"),
            ("terminal escape", "\u{1b}[31m", "\\u{1b}[31m"),
            ("direction override", "a\u{202e}b", "a\\u{202e}b"),
            ("backslash", "a\\u{d}", "a\\\\u{d}"),
        ] {
            assert_eq!(escaped(given), expected, "{row}");
        }
        assert_eq!(escaped(&"x".repeat(300)).len(), MAX_TEXT + 3);
    }
}
