//! A moment as RFC 3339 text, with the calendar that it takes.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A moment, in Unix milliseconds; written as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub unix_ms: u64,
}

impl Time {
    /// A moment, as it is written here and in no other spelling.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        let days = days_to(year, month, day)?;
        let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
        let time = Self { unix_ms: seconds * 1000 + number(20, 23)? };
        // Written again it must read the same: there is no 30 February, no 24:00, and no other spelling.
        Some(time).filter(|time| time.to_string() == text)
    }
}

impl Time {
    /// RFC 3339. It is in each line of the log, so it is made without `format!`, whose cost there shows.
    fn text(self) -> String {
        let (seconds, milliseconds) = (self.unix_ms / 1_000, self.unix_ms % 1_000);
        let (minutes, second) = (seconds / 60, seconds % 60);
        let (hours, minute) = (minutes / 60, minutes % 60);
        let (days, hour) = (hours / 24, hours % 24);
        let (year, month, day) = date(days);
        let mut text = String::with_capacity("1970-01-01T00:00:00.000Z".len());
        // A year of more than four digits is written whole.
        let mut unit = 1_000;
        while year / unit >= 10 {
            unit *= 10;
        }
        for (number, first_unit, after) in [
            (year, unit, '-'),
            (month, 10, '-'),
            (day, 10, 'T'),
            (hour, 10, ':'),
            (minute, 10, ':'),
            (second, 10, '.'),
            (milliseconds, 100, 'Z'),
        ] {
            push(&mut text, number, first_unit);
            text.push(after);
        }
        text
    }
}

/// Appends a number: its digits from that unit down to the ones.
fn push(text: &mut String, number: u64, first_unit: u64) {
    let mut unit = first_unit;
    while unit > 0 {
        let digit = u32::try_from(number / unit % 10).ok();
        text.extend(digit.and_then(|digit| char::from_digit(digit, 10)));
        unit /= 10;
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("expected a time in UTC"))
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

/// Days in 400 years, after which the calendar repeats itself.
const DAYS_IN_ERA: u64 = 146_097;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_and_read_to_the_millisecond() {
        for (unix_ms, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_795_406_706_789, "2026-11-23T04:05:06.789Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(Time { unix_ms }.to_string(), expected);
            assert_eq!(Time::parse(expected), Some(Time { unix_ms }));
        }
        let last = Time { unix_ms: u64::MAX }.to_string();
        assert_eq!(last, "584556019-04-03T14:25:51.615Z", "and no overflow");
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
