//! A moment as RFC 3339 text, with the calendar that it takes.

use std::fmt;

use serde::{Serialize, Serializer};

/// A moment, in Unix milliseconds; told as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub unix_ms: u64,
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, milliseconds) = (self.unix_ms / 1_000, self.unix_ms % 1_000);
        let (minutes, second) = (seconds / 60, seconds % 60);
        let (hours, minute) = (minutes / 60, minutes % 60);
        let (days, hour) = (hours / 24, hours % 24);
        let (year, month, day) = date(days);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.")?;
        write!(f, "{milliseconds:03}Z")
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar: Howard Hinnant,
/// "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`. Its years begin in March, so
/// that the leap day is a year's last.
fn date(days: u64) -> (u64, u64, u64) {
    let since_year_0 = days.saturating_add(DAYS_TO_1970);
    let (era, day_of_era) = (since_year_0 / DAYS_IN_ERA, since_year_0 % DAYS_IN_ERA);
    let leap_days = day_of_era / 1_460 + day_of_era / 146_096 - day_of_era / 36_524;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era + year_of_era / 100 - 365 * year_of_era - year_of_era / 4;
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = 400 * era + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

/// Days from 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: u64 = 719_468;

/// Days in 400 years, after which the calendar repeats itself.
const DAYS_IN_ERA: u64 = 146_097;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_to_the_millisecond() {
        for (unix_ms, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_795_406_706_789, "2026-11-23T04:05:06.789Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(Time { unix_ms }.to_string(), expected);
        }
        assert!(Time { unix_ms: u64::MAX }.to_string().ends_with('Z'), "and no overflow");
    }

    /// Two eras of the calendar, each day counted from the one before.
    #[test]
    fn each_day_follows_the_one_before() {
        let mut expected = (1970, 1, 1);
        for days in 0..2 * DAYS_IN_ERA {
            assert_eq!(date(days), expected, "day {days}");
            let (year, month, day) = expected;
            let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let last = match month {
                2 => 28 + u64::from(is_leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            expected = match (month, day == last) {
                (12, true) => (year + 1, 1, 1),
                (_, true) => (year, month + 1, 1),
                (_, false) => (year, month, day + 1),
            };
        }
    }
}
