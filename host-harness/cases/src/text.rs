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

/// What is wrong with a value of a token that was meant for a moment and is none, such as `exp: now-2`. As a text it
/// would be refused for its type, and a case that expects a refusal would pass for another reason than it says.
#[must_use]
pub fn moment_mistake(claim: &str, text: &str) -> Option<String> {
    let trimmed = text.trim_start();
    let rest = trimmed.get(..3).filter(|begin| begin.eq_ignore_ascii_case("now"));
    let rest = rest.and_then(|_| trimmed.get(3..))?;
    let counts =
        rest.trim_start().starts_with(|c: char| matches!(c, '+' | '-') || c.is_ascii_digit());
    let is_meant = counts || DATES.contains(&claim);
    // As of the last moment there is, and of the first: what one of them takes is a moment of some clock.
    let is_moment = moment(text, 0).or_else(|| moment(text, u64::MAX)).is_some();
    (is_meant && !is_moment).then(|| {
        format!("expected a moment such as `now`, `now-61s` or `now+1h` (`s`, `m`, `h`, `d`), found `{text}`")
    })
}

/// Claims that are dates (RFC 7519 section 4.1, `OpenID` Connect Core section 2).
const DATES: [&str; 4] = ["exp", "nbf", "iat", "auth_time"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_for_a_moment_is_one_or_a_mistake() {
        for (claim, text, is_mistake) in [
            ("exp", "now", false),
            ("exp", "now-61s", false),
            ("exp", "now-2", true),
            ("exp", "now -2s", true),
            ("exp", " now-2", true),
            ("exp", "\tnow-2s", true),
            ("exp", "now-2s ", true),
            ("exp", "Now", true),
            ("exp", "nowish", true),
            ("exp", "tomorrow", false),
            ("exp", "now-99999999999999999999s", true),
            ("name", "now+1w", true),
            ("name", "NOW-1s", true),
            ("name", "now2", true),
            ("name", "nowak", false),
            ("name", "now here", false),
            ("name", "no", false),
            ("name", "n\u{f6}w-1", false),
        ] {
            assert_eq!(moment_mistake(claim, text).is_some(), is_mistake, "{claim}: {text}");
        }
    }

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
