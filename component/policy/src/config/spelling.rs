//! Which word somebody may have meant.

/// The known word that is nearest to what was written, if any is near.
#[must_use]
pub fn nearest<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let plain = plain(written);
    let length = plain.chars().count();
    if !(SHORTEST..=LONGEST).contains(&length) {
        return None;
    }
    known
        .filter_map(|word| {
            let candidate = self::plain(word);
            let edits = edits(&plain, &candidate);
            let is_near = edits <= length.div_ceil(4);
            let is_part = candidate.starts_with(&plain) || candidate.ends_with(&plain);
            (is_near || is_part).then_some((edits, word))
        })
        .min()
        .map(|(_, word)| word)
}

/// The help that goes with it.
pub(super) fn question(word: &str) -> String {
    format!("did you mean `{word}`?")
}

/// A variable of a shell in a text: `${NAME}`. Nothing here expands one.
pub(super) fn variable(text: &str) -> Option<&str> {
    // To search for two characters is prepared at some cost, and each text of a policy is searched.
    if !text.contains('$') {
        return None;
    }
    let (before, rest) = text.split_once("${")?;
    let (name, _) = rest.split_once('}')?;
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    // With the marks around it, which are three bytes.
    if is_name { text.get(before.len()..before.len() + name.len() + 3) } else { None }
}

/// The help that goes with it.
pub(super) fn not_expanded(variable: &str) -> String {
    format!("`{variable}` is not expanded here: write the value, or fill it in before (`envsubst`)")
}

/// Without what differs between `clockSkew`, `clock-skew` and `clock_skew`.
fn plain(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

/// Letters. Of fewer, everything is near; raised, `alg` finds nothing.
const SHORTEST: usize = 3;

/// Letters. No key is longer, and the comparison takes the square of it.
const LONGEST: usize = 40;

/// How many letters must be put in, taken out, changed or swapped with their neighbour (optimal string
/// alignment).
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    let mut previous = None;
    for (row, letter) in from.chars().enumerate() {
        let mut current = vec![row + 1];
        let mut other = None;
        for (column, &target) in to.iter().enumerate() {
            let at =
                |line: &[usize], column: usize| line.get(column).copied().unwrap_or(usize::MAX / 2);
            let mut fewest = (at(&last, column) + usize::from(letter != target))
                .min(at(&last, column + 1) + 1)
                .min(at(&current, column) + 1);
            if column > 0 && previous == Some(target) && other == Some(letter) {
                fewest = fewest.min(at(&before_last, column - 1) + 1);
            }
            current.push(fewest);
            other = Some(target);
        }
        before_last = std::mem::replace(&mut last, current);
        previous = Some(letter);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_found_and_another_word_is_not() {
        let known = ["audiences", "algorithms", "clock_skew", "issuer", "jwks_uri", "type", "kind"];
        for (written, expected) in [
            ("audience", Some("audiences")),
            ("audeinces", Some("audiences")),
            ("aud", Some("audiences")),
            ("alg", Some("algorithms")),
            ("clockSkew", Some("clock_skew")),
            ("clock-skew", Some("clock_skew")),
            ("skew", Some("clock_skew")),
            ("jwks-url", Some("jwks_uri")),
            ("isuer", Some("issuer")),
            ("typ", Some("type")),
            ("id", None),
            ("leeway", None),
            ("secrets", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, known.into_iter()), expected, "{written}");
        }
        assert_eq!(nearest(&"a".repeat(100_000), known.into_iter()), None, "not compared at all");
    }

    #[test]
    fn edits_are_counted() {
        for (from, to, expected) in [("", "", 0), ("", "ab", 2), ("ab", "ba", 1), ("abc", "axc", 1)]
        {
            assert_eq!(edits(from, to), expected, "{from} {to}");
        }
    }
}
