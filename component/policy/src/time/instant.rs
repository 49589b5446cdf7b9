//! Moments in a document: a date, or a date and a time in UTC (RFC 3339).

use super::timestamp::Time;

/// Unix milliseconds of `2026-12-20`, which is its midnight, or of `2026-12-20T09:00:00Z`.
#[must_use]
pub fn parse_ms(text: &str) -> Option<u64> {
    let (date, time) = text.split_at_checked(DATE)?;
    let clock = if time.is_empty() { "T00:00:00Z" } else { time };
    let whole = format!("{date}{}.000Z", clock.strip_suffix('Z')?);
    let number = |from: usize, to: usize| whole.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let days = days_to(year, month, day)?;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    // Told again it must read the same: there is no 30 February, no 24:00, and no other spelling.
    Some(seconds * 1000).filter(|unix_ms| Time { unix_ms: *unix_ms }.to_string() == whole)
}

/// Characters of a date.
const DATE: usize = 10;

/// Days from 1970-01-01, as Howard Hinnant's `days_from_civil` counts them. Its years begin in March.
fn days_to(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = if month <= 2 { year.checked_sub(1)? } else { year };
    let month_from_march = (month + 9) % 12;
    let leap_days = year / 4 + year / 400 - year / 100;
    let day_of_year = (153 * month_from_march + 2) / 5 + day.checked_sub(1)?;
    (365 * year + leap_days + day_of_year).checked_sub(DAYS_TO_1970)
}

/// Days from 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: u64 = 719_468;

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
