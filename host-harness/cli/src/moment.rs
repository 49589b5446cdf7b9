//! A moment as people write it: as policies have it, or Unix seconds.

use linkgate_policy::moment_ms;

/// Unix seconds of `2026-01-15`, `2026-01-15T12:00:00Z` or `1768478400`.
///
/// # Errors
/// It is none of them; the text says what was expected.
pub(crate) fn unix_s(text: &str) -> Result<u64, String> {
    text.parse().ok().or_else(|| moment_ms(text).map(|unix_ms| unix_ms / 1000)).ok_or_else(|| {
        format!("expected a time such as `2026-01-15T12:00:00Z` or Unix seconds, found `{text}`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_in_both_forms_and_in_no_other() {
        for (text, expected) in [
            ("2026-01-15T12:00:00Z", Some(1_768_478_400)),
            ("2026-01-15", Some(1_768_435_200)),
            ("1768478400", Some(1_768_478_400)),
            ("2026-02-29T00:00:00Z", None),
            ("now", None),
            ("", None),
        ] {
            assert_eq!(unix_s(text).ok(), expected, "{text}");
        }
    }
}
