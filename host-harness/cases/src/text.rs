//! Text with placeholders, rendered to bytes.
//!
//! | placeholder | becomes |
//! |---|---|
//! | `{{alice}}` | a name of the suite |
//! | `{{bearer}}` | a token, minted when the case runs |
//! | `{{bearer.header}}`, `.claims`, `.signature` | one part of it |
//! | `{{now}}`, `{{now-61s}}`, `{{now+1h}}` | the case's clock in Unix seconds, shifted |
//! | `{{date now+10d}}` | the same as RFC 3339 has it, for policies |
//! | `{{secret SERVICE}}` | a secret of the host's |
//! | `{{repeat a 9000}}` | a text, repeated |
//! | `{{bytes ff fe}}` | bytes, in hex |

use linkgate_policy::Time;

use crate::trouble::Trouble;

/// Renders a text; `meaning` knows the names that are not built in.
pub(crate) fn render(
    text: &str,
    now_s: u64,
    meaning: &dyn Fn(&str) -> Result<String, Trouble>,
) -> Result<Vec<u8>, Trouble> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, tail) = after
            .split_once("}}")
            .ok_or_else(|| Trouble::new(format!("`{{{{` without `}}}}` in `{text}`")))?;
        out.extend_from_slice(before.as_bytes());
        out.extend(placeholder(name.trim(), now_s, meaning)?);
        rest = tail;
    }
    out.extend_from_slice(rest.as_bytes());
    Ok(out)
}

/// The same for text that has to stay text.
pub(crate) fn render_text(
    text: &str,
    now_s: u64,
    meaning: &dyn Fn(&str) -> Result<String, Trouble>,
) -> Result<String, Trouble> {
    String::from_utf8(render(text, now_s, meaning)?)
        .map_err(|_| Trouble::new(format!("`{text}` is not UTF-8 here")))
}

fn placeholder(
    name: &str,
    now_s: u64,
    meaning: &dyn Fn(&str) -> Result<String, Trouble>,
) -> Result<Vec<u8>, Trouble> {
    let mut words = name.split_whitespace();
    match (words.next(), words.next(), words.next(), words.next()) {
        (Some("repeat"), Some(piece), Some(times), None) => {
            let times = times
                .parse()
                .map_err(|_| Trouble::new(format!("expected a number in `{name}`")))?;
            Ok(piece.repeat(times).into_bytes())
        }
        (Some("bytes"), Some(_), _, _) => {
            name.split_whitespace().skip(1).map(|hex| byte(hex, name)).collect()
        }
        (Some("date"), Some(when), None, None) => {
            let seconds = moment(when, now_s)
                .ok_or_else(|| Trouble::new(format!("expected a time in `{name}`")))?;
            let date = Time { unix_ms: seconds.saturating_mul(1_000) }.to_string();
            Ok(date.replace(".000Z", "Z").into_bytes())
        }
        _ => match moment(name, now_s) {
            Some(moment) => Ok(moment.to_string().into_bytes()),
            None => meaning(name).map(String::into_bytes),
        },
    }
}

fn byte(hex: &str, name: &str) -> Result<u8, Trouble> {
    u8::from_str_radix(hex, 16)
        .map_err(|_| Trouble::new(format!("expected two hex digits a byte in `{name}`")))
}

/// `now`, `now+1h`, `now-61s` in Unix seconds; nothing for another text.
pub(crate) fn moment(text: &str, now_s: u64) -> Option<u64> {
    let shift = text.strip_prefix("now")?;
    if shift.is_empty() {
        return Some(now_s);
    }
    let (digits, unit_s) = match shift.char_indices().last()? {
        (at, 's') => (shift.get(1..at)?, 1),
        (at, 'm') => (shift.get(1..at)?, 60),
        (at, 'h') => (shift.get(1..at)?, 3_600),
        (at, 'd') => (shift.get(1..at)?, 86_400),
        _ => return None,
    };
    let seconds = digits.parse::<u64>().ok()?.checked_mul(unit_s)?;
    match shift.chars().next()? {
        '+' => now_s.checked_add(seconds),
        '-' => now_s.checked_sub(seconds),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_become_bytes() {
        let names = |name: &str| {
            if name == "alice" { Ok("a|1".to_owned()) } else { Err(Trouble::new("unknown")) }
        };
        for (row, text, expected) in [
            ("plain", "a { b } c", &b"a { b } c"[..]),
            ("name", "/{{alice}}/{{ alice }}", b"/a|1/a|1"),
            ("time", "{{now-1m}} {{now+1h}}", b"940 4600"),
            ("date", "{{date now+2d}}", b"1970-01-03T00:16:40Z"),
            ("repeat", "{{repeat ab 3}}", b"ababab"),
            ("bytes", "/{{bytes c3 28}}", b"/\xc3\x28"),
        ] {
            assert_eq!(render(text, 1_000, &names).expect(row), expected, "{row}");
        }
        for (row, text) in [
            ("unknown", "{{bob}}"),
            ("open", "{{alice"),
            ("hex", "{{bytes xx}}"),
            ("date", "{{date tomorrow}}"),
            ("number", "{{repeat a b}}"),
        ] {
            assert!(render(text, 1_000, &names).is_err(), "{row}");
        }
    }

    #[test]
    fn times_are_relative_to_the_clock() {
        for (text, expected) in [
            ("now", Some(1_000)),
            ("now+2s", Some(1_002)),
            ("now-2d", None),
            ("now-10m", Some(400)),
            ("nowhere", None),
            ("now+x", None),
        ] {
            assert_eq!(moment(text, 1_000), expected, "{text}");
        }
    }
}
