//! Moments in a document: a date, or a date and a time in UTC (RFC 3339).

use super::timestamp::Time;

/// Unix milliseconds of `2026-12-20`, which is its midnight, or of `2026-12-20T09:00:00Z`.
#[must_use]
pub fn parse_ms(text: &str) -> Option<u64> {
    let (date, time) = text.split_at_checked(DATE)?;
    let clock = if time.is_empty() { "T00:00:00Z" } else { time };
    let whole = format!("{date}{}.000Z", clock.strip_suffix('Z')?);
    Time::parse(&whole).map(|time| time.unix_ms)
}

/// Characters of a date.
const DATE: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_date_or_a_date_and_a_time() {
        for (text, expected) in [
            ("1970-01-01", Some(0)),
            ("2000-02-29", Some(951_782_400_000)),
            ("2026-11-23T04:05:06Z", Some(1_795_406_706_000)),
            ("2100-03-01", Some(4_107_542_400_000)),
            ("2026-11-23T04:05:06", None),
            ("2026-11-23T04:05:06+01:00", None),
            ("2026-11-23 04:05:06Z", None),
            ("2026-11-23T04:05Z", None),
            ("2026-11-23T04:05:06.5Z", None),
            ("2026-02-30", None),
            ("2026-13-01", None),
            ("2026-00-10", None),
            ("2026-10-00", None),
            ("2026-11-23T24:00:00Z", None),
            ("2026-11-23T23:60:00Z", None),
            ("1969-12-31", None),
            ("0000-01-01", None),
            ("2026-1-1", None),
            ("20261123", None),
            ("+026-11-23", None),
            ("2026-11-2\u{e9}", None),
            ("tomorrow", None),
            ("", None),
        ] {
            assert_eq!(parse_ms(text), expected, "{text}");
        }
    }
}
