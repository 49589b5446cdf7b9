//! A number of JSON as its text, compared by value.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

/// A number, which keeps its text. Two texts of one number (`1`, `1.0`, `10e-1`) are one value.
#[derive(Clone, Debug)]
pub(crate) struct Number(String);

/// A whole number of so many digits is one text for all that it may be written as.
const WHOLE_DIGITS: i64 = 40;

impl Number {
    /// A number of this text, which is one of RFC 8259 section 6.
    pub(crate) fn of(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Its text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is written as a whole number: without a fraction and without an exponent.
    pub(crate) fn is_whole(&self) -> bool {
        self.0.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
    }

    /// A whole number that is written as one.
    pub(crate) fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    /// The nearest number that a double holds.
    pub(crate) fn as_f64(&self) -> Option<f64> {
        self.0.parse().ok()
    }

    /// One text for all texts of a value: the number itself where it is short and whole, else its digits
    /// without zeros around them, and an exponent. `-0` is `0`.
    pub(crate) fn canonical(&self) -> Cow<'_, str> {
        let is_short = i64::try_from(self.0.len()).is_ok_and(|length| length <= WHOLE_DIGITS);
        if is_short && self.is_whole() && self.0 != "-0" {
            return Cow::Borrowed(&self.0);
        }
        // Of an exponent that is beyond all use, the text is all that can be compared.
        self.decimal().map_or(Cow::Borrowed(&self.0), Cow::Owned)
    }

    fn decimal(&self) -> Option<String> {
        let (sign, text) =
            self.0.strip_prefix('-').map_or(("", self.0.as_str()), |rest| ("-", rest));
        let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all = format!("{whole}{fraction}");
        let leading = all.trim_start_matches('0');
        let significant = leading.trim_end_matches('0');
        if significant.is_empty() {
            return Some("0".to_owned());
        }
        let length = |text: &str| i64::try_from(text.len()).ok();
        let shift = length(leading)? - length(significant)? - length(fraction)?;
        let exponent = exponent.parse::<i64>().ok()?.checked_add(shift)?;
        let zeros = usize::try_from(exponent).ok().filter(|_| {
            length(significant)
                .is_some_and(|digits| digits.saturating_add(exponent) <= WHOLE_DIGITS)
        });
        Some(match zeros {
            Some(zeros) => format!("{sign}{significant}{}", "0".repeat(zeros)),
            None => format!("{sign}{significant}e{exponent}"),
        })
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    /// An order for sets: not that of the values.
    fn cmp(&self, other: &Self) -> Ordering {
        if self.0 == other.0 {
            return Ordering::Equal;
        }
        self.canonical().cmp(&other.canonical())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_by_value() {
        let long = format!("1{}", "0".repeat(50));
        let (short, longer) = (format!("-1{}", "0".repeat(39)), format!("-1{}", "0".repeat(38)));
        for (one, other, expected) in [
            ("1", "1.0", true),
            ("100", "1e2", true),
            ("0.10", "1E-1", true),
            ("-0", "0.0", true),
            ("1e400", "10e399", true),
            (&long, "1e50", true),
            (&short, "-1e39", true),
            (&longer, "-1e38", true),
            (&short, &longer, false),
            ("12345678901234567890123", "12345678901234567890123.0", true),
            ("12345678901234567890123", "12345678901234567890124", false),
            ("1", "-1", false),
            ("1", "10", false),
            ("0.1", "1", false),
            ("1e99999999999999999999", "1e99999999999999999999", true),
            ("1e99999999999999999999", "2e99999999999999999999", false),
        ] {
            assert_eq!(Number::of(one) == Number::of(other), expected, "{one} and {other}");
        }
    }
}
