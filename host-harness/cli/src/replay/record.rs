//! A line of the log, as far as a decision can be made of it again.

use linkgate_policy::cause::Flaw;
use linkgate_policy::{Cause, Denial, Fault, LogLine};
use serde_json::{Map, Value};

use super::Why;
use super::head::flaw_of;
use crate::explain::is_of_a_merge;

/// A decision record.
pub(crate) struct Logged {
    /// Without its claims.
    pub(crate) line: LogLine,
    /// None where no token was verified, or claims were not logged.
    pub(crate) bearer: Option<Claims>,
    pub(crate) secondary: Option<Claims>,
}

/// The claims of a token that was verified.
pub(crate) struct Claims(Map<String, Value>);

/// What a text ends with that was cut, at this many characters or more.
const CUT: (&str, usize) = ("...", 256);

impl Logged {
    pub(crate) fn read(line: &[u8]) -> Result<Self, Why> {
        let mut line = LogLine::read(line).ok_or(Why::NoRecord)?;
        let mut claims = line.claims.take().unwrap_or_default();
        let mut of = |whose: &str| match claims.get_mut(whose).map(Value::take) {
            Some(Value::Object(claims)) => Some(Claims(claims)),
            Some(_) | None => None,
        };
        let (bearer, secondary) = (of("bearer"), of("secondary"));
        Ok(Self { line, bearer, secondary })
    }

    /// What the gate decided, whatever came of it afterwards.
    pub(crate) fn decided(&self) -> Result<Cause, Why> {
        // In shadow the decision is the one that would have been made.
        let shadow = self.line.shadow.as_ref().map(|shadow| &shadow.cause);
        let name = shadow.unwrap_or(&self.line.cause);
        let cause = Cause::all().find(|cause| cause.name() == *name).ok_or(Why::NoRecord)?;
        if self.line.route == "pass" {
            // However it ended on its way, unless the gate itself refused it.
            let is_refused = flaw_of(cause).is_some_and(|flaw| flaw != Flaw::BodyFailed);
            return Ok(if is_refused { cause } else { Cause::Passed });
        }
        match cause {
            Cause::Failed(fault) if is_before_the_decision(fault) => Ok(cause),
            Cause::Denied(Denial::Request(flaw)) if is_of_a_merge(flaw) => Ok(Cause::Granted),
            Cause::Denied(_) | Cause::Preflight => Ok(cause),
            Cause::Granted | Cause::LinkFound | Cause::Failed(_) => Ok(Cause::Granted),
            Cause::Passed | Cause::Shadowed | Cause::Unfinished => Err(Why::Undecided),
        }
    }

    /// Bytes of a token that was presented and not verified.
    pub(crate) fn unverified_bytes(&self) -> Option<u64> {
        self.line.unverified.as_deref()?.split_once(':')?.0.parse().ok()
    }

    pub(crate) fn target(&self) -> Result<Vec<u8>, Why> {
        if self.line.path.starts_with("sha256:") {
            return Err(Why::Hashed);
        }
        let path = whole(&self.line.path)?;
        // Bytes that were no text are not in the log.
        if path.contains('\u{fffd}') { Err(Why::Cut) } else { Ok(path.into_bytes()) }
    }
}

impl Claims {
    /// When the token was verified, in Unix milliseconds.
    pub(crate) fn at(&self) -> Result<u64, Why> {
        self.0.get("at_unix_ms").and_then(Value::as_u64).ok_or(Why::NoRecord)
    }

    /// Length of the token. A log of before it was written has none.
    pub(crate) fn bytes(&self) -> Option<u64> {
        self.0.get("bytes").and_then(Value::as_u64)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// The claims as the token had them, as far as a policy looks at them.
    pub(crate) fn members(&self) -> Result<Map<String, Value>, Why> {
        let mut members = Map::new();
        for (name, value) in &self.0 {
            let (name, value) = match (name.as_str(), value) {
                ("at_unix_ms" | "alg" | "typ" | "bytes", _) => continue,
                ("machine", _) => ("gty", "client-credentials".into()),
                ("event", _) => ("events", Value::Object(Map::new())),
                ("bound", _) => ("cnf", Value::Object(Map::new())),
                ("act", Value::Object(act)) => ("act", self::act(act)?),
                ("typ_claim", value) => ("typ", texts(value)?),
                (name, value) => (name, texts(value)?),
            };
            members.insert(name.to_owned(), value);
        }
        Ok(members)
    }
}

/// The actor, whole. A hash is held against no list.
fn act(logged: &Map<String, Value>) -> Result<Value, Why> {
    let is_hashed = |actor: &str| actor.starts_with("sha256:");
    if logged.get("sub").and_then(Value::as_str).is_some_and(is_hashed) {
        return Err(Why::Cut);
    }
    logged.iter().map(|(name, value)| Ok((name.clone(), texts(value)?))).collect()
}

/// A text or a list of texts, whole. Of a list that was too long for the log, its length alone is there.
fn texts(value: &Value) -> Result<Value, Why> {
    match value {
        Value::String(text) => Ok(whole(text)?.into()),
        Value::Array(items) => items.iter().map(texts).collect(),
        Value::Object(_) => Err(Why::Cut),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(value.clone()),
    }
}

/// A text as it was before it was escaped for the log, if all of it is there.
fn whole(text: &str) -> Result<String, Why> {
    let (mark, most) = CUT;
    if text.ends_with(mark) && text.chars().count() >= most {
        return Err(Why::Cut);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        rest = if let Some((hex, after)) =
            after.strip_prefix("u{").and_then(|after| after.split_once('}'))
        {
            let code = u32::from_str_radix(hex, 16).ok().and_then(char::from_u32);
            out.push(code.ok_or(Why::NoRecord)?);
            after
        } else {
            out.push('\\');
            after.strip_prefix('\\').ok_or(Why::NoRecord)?
        };
    }
    out.push_str(rest);
    Ok(out)
}

fn is_before_the_decision(fault: Fault) -> bool {
    matches!(
        fault,
        Fault::OutOfOrder | Fault::KeysUnavailable | Fault::KeyUndecided | Fault::KeysBusy
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_back_whole_or_not_at_all() {
        for (row, text, expected) in [
            ("plain", "auth0|a", Ok("auth0|a")),
            ("escaped", "a\\u{d}\\u{e9}\\\\b", Ok("a\r\u{e9}\\b")),
            ("escaped twice", "a\\\\u{d}", Ok("a\\u{d}")),
            ("three dots of its own", "a...", Ok("a...")),
            ("not escaped by us", "a\\n", Err(Why::NoRecord)),
            ("no character", "\\u{110000}", Err(Why::NoRecord)),
        ] {
            assert_eq!(whole(text).as_deref(), expected.as_ref().copied(), "{row}");
        }
        let long = "x".repeat(300);
        assert_eq!(whole(&linkgate_policy::escaped(&long)), Err(Why::Cut));
        let odd = "\\\u{202e}\u{1f600}\"\u{0}";
        assert_eq!(whole(&linkgate_policy::escaped(odd)).as_deref(), Ok(odd));
    }
}
