//! The words of a line as a POSIX shell parts them. `shell-words` does that; what it leaves alone, `$'…'` as browsers copy it, is
//! written in plain quotes first. Variables are named and not filled in: their values are in another process.

/// The words of a line.
pub(super) fn words(line: &str) -> Result<Vec<String>, String> {
    let plain = without_ansi_c(line)?;
    shell_words::split(&plain).map_err(|_| {
        "expected a closing quote in the line, found none: was it copied whole?".to_owned()
    })
}

/// Where in a line a letter is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Nothing,
    Single,
    Double,
}

/// The line with each `$'…'` in single quotes. A variable outside of single quotes is a mistake.
fn without_ansi_c(line: &str) -> Result<String, String> {
    let mut plain = String::with_capacity(line.len());
    let (mut within, mut rest) = (Within::Nothing, line);
    while let Some(letter) = rest.chars().next() {
        let after = rest.get(letter.len_utf8()..).unwrap_or_default();
        match (within, letter) {
            // The end of a line, as Windows has it, too: the splitter knows `\n` alone.
            (Within::Nothing | Within::Double, '\\') if after.starts_with("\r\n") => {
                plain.push_str("\\\n");
                rest = after.get(2..).unwrap_or_default();
                continue;
            }
            (Within::Nothing | Within::Double, '\\') => {
                let next = after.chars().next();
                plain.push('\\');
                plain.extend(next);
                rest = after.get(next.map_or(0, char::len_utf8)..).unwrap_or_default();
                continue;
            }
            (Within::Nothing, '$') if after.starts_with('\'') => {
                let (text, after) = ansi_c(after.get(1..).unwrap_or_default())?;
                plain.push_str(&shell_words::quote(&text));
                rest = after;
                continue;
            }
            (Within::Nothing | Within::Double, '$') => {
                if let Some(variable) = variable(rest) {
                    return Err(not_filled_in(variable));
                }
            }
            (Within::Nothing, '\'') => within = Within::Single,
            (Within::Nothing, '"') => within = Within::Double,
            (Within::Single, '\'') | (Within::Double, '"') => within = Within::Nothing,
            _ => {}
        }
        plain.push(letter);
        rest = after;
    }
    Ok(plain)
}

/// What is said of a variable that no shell filled in.
pub(super) fn not_filled_in(variable: &str) -> String {
    format!(
        "expected a value, found the variable `{variable}`, which is not filled in here: have the shell do it, as in `echo \"curl … $TOKEN\" | linkgate explain …`, or write the value"
    )
}

/// The first variable in a text whose name is one of those: `$NAME`, `${NAME}`, `$(command)`, or `%NAME%` of cmd.exe.
pub(super) fn variable_in(text: &str, is_meant: impl Fn(&str) -> bool) -> Option<String> {
    let marks = text.match_indices(['$', '%']).filter_map(|(at, _)| text.get(at..));
    let variables = marks.filter_map(|rest| variable(rest).or_else(|| of_cmd(rest)));
    variables.into_iter().find(|variable| is_meant(variable)).map(str::to_owned)
}

/// `%NAME%`, where the name is not the digits of a byte (RFC 3986 section 2.1).
fn of_cmd(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('%')?;
    let (name, _) = inner.split_once('%')?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let is_byte = name.len() >= 2 && name.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    text.get(..name.len() + 2).filter(|_| is_name && !is_byte)
}

/// The variable that a text begins with: `$NAME`, `${NAME}`; or the command, `$(…)`.
pub(super) fn variable(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('$')?;
    if inner.starts_with('(') {
        return text.get(..text.find(')').map_or(2, |end| end + 1));
    }
    let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let braced = inner.strip_prefix('{');
    let name = braced.unwrap_or(inner);
    let length = name.find(|c| !is_of_a_name(c)).unwrap_or(name.len());
    let is_name = length > 0 && !name.starts_with(|c: char| c.is_ascii_digit());
    let marks = if braced.is_some() { 3 } else { 1 };
    text.get(..length + marks).filter(|_| is_name)
}

/// The text of `$'…'`, and what comes behind it.
fn ansi_c(text: &str) -> Result<(String, &str), String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        rest = rest.get(letter.len_utf8()..).unwrap_or_default();
        match letter {
            '\'' => return Ok((out, rest)),
            '\\' => {
                let (meant, after) = escape(rest);
                out.extend(meant);
                rest = after;
            }
            other => out.push(other),
        }
    }
    Err("expected a closing `'` in the line, found none: was it copied whole?".to_owned())
}

/// What a backslash makes of the letters behind it (bash, ANSI-C quoting), and what is left.
fn escape(text: &str) -> (Option<char>, &str) {
    let Some(letter) = text.chars().next() else { return (None, text) };
    let rest = text.get(letter.len_utf8()..).unwrap_or_default();
    let plain = match letter {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'x' => return number(rest, 2, 16).unwrap_or((Some(letter), rest)),
        'u' => return number(rest, 4, 16).unwrap_or((Some(letter), rest)),
        'U' => return number(rest, 8, 16).unwrap_or((Some(letter), rest)),
        '0'..='7' => return number(text, 3, 8).unwrap_or((Some(letter), rest)),
        other => other,
    };
    (Some(plain), rest)
}

/// The letter of a number of at most so many digits, and what is left.
fn number(digits: &str, most: usize, radix: u32) -> Option<(Option<char>, &str)> {
    let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len()).min(most);
    let (number, after) = digits.split_at_checked(end)?;
    let code = u32::from_str_radix(number, radix).ok().and_then(char::from_u32)?;
    Some((Some(code), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_parted_as_a_shell_parts_them() {
        for (line, expected) in [
            ("a 'b c' \"d \\\" e\" f\\ g", &["a", "b c", "d \" e", "f g"][..]),
            ("a \\\n b \\\r\n c", &["a", "b", "c"]),
            ("a $'b\\'c' 'd$E' \"\\$F\"", &["a", "b'c", "d$E", "$F"]),
            ("a $'\\n\\t\\\\' b$", &["a", "\n\t\\", "b$"]),
            ("a $5", &["a", "$5"]),
        ] {
            assert_eq!(words(line).unwrap(), expected, "{line}");
        }
        for line in ["a 'b", "a \"b", "a $'b", "a $B", "a \"${B}\"", "a \"$(b)\""] {
            assert!(words(line).is_err(), "{line}");
        }
    }
}
