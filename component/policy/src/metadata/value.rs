//! Metadata as JSON that comes out as it went in ([`crate::text::json`]).

use crate::text::json;

pub(crate) use crate::text::json::{Json as Value, Object as Members};

/// Lists and objects inside each other in an account's metadata, itself counted: what the reader takes
/// of an answer, in which metadata is a member. Whatever is written has to be readable again.
pub(super) const MAX_DEPTH: usize = json::MAX_DEPTH - 1;

/// Metadata as the API leaves it after a write: first level only, and `null` deletes.
pub(super) fn patched(metadata: &Members, writes: &Members) -> Members {
    let mut after = metadata.clone();
    after.extend(writes.clone());
    after.retain(|_, value| !value.is_null());
    after
}

/// Whether the API refuses this name of a key (Auth0 docs, "Metadata Field Names and Data Types").
pub(super) fn is_forbidden(key: &str) -> bool {
    key.contains(['.', '$'])
}

/// Bytes of metadata as compact JSON.
pub(super) fn size(metadata: Members) -> usize {
    Value::Object(metadata).to_json().len()
}

/// Lists and objects inside each other in metadata, itself counted.
pub(super) fn depth(metadata: &Members) -> usize {
    1 + metadata.values().map(Value::depth).max().unwrap_or_default()
}

/// Whether two values are the same: numbers by value, `1.0` and `1`, whatever their texts.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other
                || decimal(one.as_str()).is_some_and(|one| Some(one) == decimal(other.as_str()))
        }
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => same_members(one, other),
        (one, other) => one == other,
    }
}

/// Whether two objects have the same members.
pub(super) fn same_members(one: &Members, other: &Members) -> bool {
    one.len() == other.len()
        && one.iter().zip(other).all(|((key, one), (name, other))| key == name && same(one, other))
}

/// A number as sign, digits without zeros around them, and exponent; nothing when its exponent is
/// beyond all use. Zero has no sign: `-0` is `0`.
fn decimal(text: &str) -> Option<(bool, String, i64)> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    let leading = all.trim_start_matches('0');
    let significant = leading.trim_end_matches('0');
    if significant.is_empty() {
        return Some((false, String::new(), 0));
    }
    let shift = i64::try_from(leading.len() - significant.len()).ok()?
        - i64::try_from(fraction.len()).ok()?;
    let exponent = exponent.parse::<i64>().ok()?.checked_add(shift)?;
    Some((negative, significant.to_owned(), exponent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::json::Number;

    #[test]
    fn numbers_are_compared_by_value() {
        let number = |text: &str| Value::Number(Number::of(text));
        for (one, other, expected) in [
            ("1", "1.0", true),
            ("100", "1e2", true),
            ("0.10", "1E-1", true),
            ("-0", "0.0", true),
            ("1e400", "10e399", true),
            ("12345678901234567890123", "12345678901234567890124", false),
            ("1", "-1", false),
            ("1e99999999999999999999", "1e99999999999999999999", true),
            ("1e99999999999999999999", "2e99999999999999999999", false),
        ] {
            assert_eq!(same(&number(one), &number(other)), expected, "{one} and {other}");
        }
    }
}
