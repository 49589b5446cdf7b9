//! When keys that are baked in end: after a while, or at a moment.

use std::time::Duration;

use linkgate_policy::{Time, duration_ms};

/// The longest that keys may be baked in for. A key that an issuer withdraws works for as long; raised, a stolen
/// one does too.
pub(crate) const LONGEST: Duration = Duration::from_hours(720);

/// A duration as policies have them: a whole number and `ms`, `s`, `m` or `h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let duration = duration_ms(text).map(Duration::from_millis);
    let fits = |duration: &Duration| (Duration::from_millis(1)..=LONGEST).contains(duration);
    duration.filter(fits).ok_or_else(|| {
        "expected a duration of at most `720h`, such as `24h` or `90m`, found something else"
            .to_owned()
    })
}

/// A moment as RFC 3339 has it, in UTC: `2026-12-01T00:00:00Z`.
pub(crate) fn moment(text: &str) -> Result<Time, String> {
    parsed(text).ok_or_else(|| {
        "expected a moment in UTC, such as `2026-12-01T00:00:00Z`, found something else".to_owned()
    })
}

fn parsed(text: &str) -> Option<Time> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    let in_range = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !in_range {
        return None;
    }
    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
    let from_march = (month + 9) % 12;
    let year = year - u64::from(month <= 2);
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    let days = 365 * year + year / 4 - year / 100 + year / 400 + day_of_year;
    let seconds = ((days.checked_sub(DAYS_TO_1970)? * 24 + hour) * 60 + minute) * 60 + second;
    let moment = Time { unix_ms: seconds * 1000 };
    // A day that the month does not have comes out as another, and a number without its zeros likewise.
    (moment.to_string().replace(".000", "") == text).then_some(moment)
}

/// Days from 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: u64 = 719_468;

fn numbers(text: &str, between: char) -> Option<[u64; 3]> {
    let numbers: Option<Vec<u64>> = text.split(between).map(|part| part.parse().ok()).collect();
    numbers?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_they_are_told() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2000-02-29T23:59:59Z",
            "2026-12-01T00:00:00Z",
            "2100-03-01T12:00:00Z",
            "9999-12-31T23:59:59Z",
        ] {
            let told = moment(text).unwrap().to_string();
            assert_eq!(told.replace(".000", ""), text);
        }
        for text in [
            "",
            "2026-12-01",
            "2026-12-01T00:00:00",
            "2026-12-01T00:00:00+01:00",
            "2026-02-30T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-12-00T00:00:00Z",
            "2026-12-1T00:00:00Z",
            "+2026-12-01T00:00:00Z",
            "2026-12-01T24:00:00Z",
            "2026-12-01T00:00:60Z",
            "0000-01-01T00:00:00Z",
            "99999-01-01T00:00:00Z",
            "18446744073709551615-01-01T00:00:00Z",
        ] {
            assert!(moment(text).is_err(), "{text}");
        }
    }

    #[test]
    fn keys_end_within_a_month() {
        assert_eq!(duration("24h"), Ok(Duration::from_hours(24)));
        assert_eq!(duration("720h"), Ok(LONGEST));
        for text in ["", "0s", "721h", "7d", "24", "-1h", "1.5h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
