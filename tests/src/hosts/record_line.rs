//! The decision line of the proxy edition, read back.

use std::collections::BTreeMap;

use linkgate::cases::Record;

/// What a decision line begins with; other lines are not decisions.
const BEGINNING: &str = "linkgate outcome=";

/// The record in a line, if it is a decision.
pub(crate) fn parse(line: &str) -> Option<Record> {
    if !line.starts_with(BEGINNING) {
        return None;
    }
    let mut pairs = pairs(line.strip_prefix("linkgate ")?)?;
    let text =
        |pairs: &mut BTreeMap<String, String>, name: &str| pairs.remove(name).unwrap_or_default();
    let number = |text: Option<String>| text.and_then(|text| text.parse().ok());
    let record = Record {
        outcome: text(&mut pairs, "outcome"),
        cause: text(&mut pairs, "cause"),
        reason: text(&mut pairs, "reason"),
        route: text(&mut pairs, "route"),
        method: text(&mut pairs, "method"),
        path: text(&mut pairs, "path"),
        status: number(pairs.remove("status")),
        upstream_called: text(&mut pairs, "upstream_called") == "true",
        upstream_status: number(pairs.remove("upstream_status")),
        subject: pairs.remove("subject"),
        secondary: pairs.remove("secondary"),
        issuer: pairs.remove("issuer"),
        client: pairs.remove("client"),
        traceparent: pairs.remove("traceparent"),
        unverified: pairs.remove("unverified"),
        end: text(&mut pairs, "end"),
        elapsed_ms: text(&mut pairs, "elapsed_ms").parse().ok()?,
    };
    pairs.is_empty().then_some(record)
}

/// `name=value`, values quoted where they may hold anything; a quote inside has a backslash.
fn pairs(mut rest: &str) -> Option<BTreeMap<String, String>> {
    let mut pairs = BTreeMap::new();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(after) => quoted(after)?,
            None => match after.split_once(' ') {
                Some((value, after)) => (value.to_owned(), after),
                None => (after.to_owned(), ""),
            },
        };
        pairs.insert(name.to_owned(), value);
        rest = after.strip_prefix(' ').unwrap_or(after);
    }
    Some(pairs)
}

/// The value up to its closing quote, and what follows. Of the core's own escapes nothing is undone.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => match letters.next()? {
                (_, '"') => value.push('"'),
                (_, other) => value.extend(['\\', other]),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_back() {
        let line = r#"linkgate outcome=denied cause=c reason=r route=none method="GET" path="/a\"b\\\u{a} =" status=400 upstream_called=false subject="auth0|a b" end=finished elapsed_ms=3"#;
        let record = parse(line).expect("a decision");
        assert_eq!((record.path.as_str(), record.status), (r#"/a"b\\\u{a} ="#, Some(400)));
        assert_eq!((record.subject.as_deref(), record.issuer), (Some("auth0|a b"), None));
        for other in ["Serving HTTP", "linkgate is unavailable: x", "linkgate outcome=a"] {
            assert!(parse(other).is_none(), "{other}");
        }
    }
}
