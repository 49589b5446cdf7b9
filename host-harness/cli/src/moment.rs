//! A moment as people write it: RFC 3339 in UTC, or Unix seconds.

/// Unix seconds of `2026-01-15T12:00:00Z` or `1768478400`.
///
/// # Errors
/// It is neither; the text says what was expected.
pub(crate) fn unix_s(text: &str) -> Result<u64, String> {
    text.parse().ok().or_else(|| rfc_3339(text)).ok_or_else(|| {
        format!("expected a time such as `2026-01-15T12:00:00Z` or Unix seconds, found `{text}`")
    })
}

fn rfc_3339(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let days = days(year, month, day)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    days.checked_mul(86_400)?.checked_add(hour * 3_600 + minute * 60 + second)
}

fn numbers(text: &str, between: char, digits: [usize; 3]) -> Option<[u64; 3]> {
    let mut parts = text.split(between);
    let mut next = |digits: usize| {
        let part = parts.next()?;
        let is_number = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { part.parse().ok() } else { None }
    };
    let [first, second, third] = digits;
    let found = [next(first)?, next(second)?, next(third)?];
    parts.next().is_none().then_some(found)
}

/// Days since 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`).
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let longest = match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    if day == 0 || day > longest {
        return None;
    }
    let year = if month <= 2 { year.checked_sub(1)? } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era).checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_in_both_forms_and_in_no_other() {
        for (text, expected) in [
            ("2026-01-15T12:00:00Z", Some(1_768_478_400)),
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-02-29T23:59:59Z", Some(951_868_799)),
            ("1768478400", Some(1_768_478_400)),
            ("2026-02-29T00:00:00Z", None),
            ("2026-13-01T00:00:00Z", None),
            ("2026-01-15T24:00:00Z", None),
            ("2026-01-15T12:00:00+01:00", None),
            ("2026-01-15", None),
            ("now", None),
            ("", None),
        ] {
            assert_eq!(unix_s(text).ok(), expected, "{text}");
        }
    }
}
