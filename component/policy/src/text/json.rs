//! JSON as a strict reader needs it, and the one reader of whatever comes from outside: tokens, key
//! sets, link bodies, answers of the API, policy documents.
//!
//! - A member that appears twice in an object is an error, not the last one's win: two readers of one
//!   token could otherwise see two tokens (RFC 7519 section 4, RFC 8259 section 4).
//! - Nesting has a limit ([`MAX_DEPTH`]). A guest has 1 MiB of stack, and to exhaust it ends every
//!   exchange of the instance.
//! - A number keeps its text: `1.10` and `12345678901234567890123` come out as they went in. Values are
//!   compared by what they are: `1.10` is `1.1` ([`Number`]).
//!
//! The grammar is RFC 8259's. Strings with escapes are handed to `serde_json`, the structure is read here, because
//! `serde_json` either loses the text of numbers or, with `RawValue`, starts to count depth again at
//! each level.

use super::grown::grown;
use std::borrow::Cow;
use std::collections::BTreeMap;

pub(crate) use super::number::Number;

/// A JSON value without duplicate members at any depth.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Json>),
    Object(Object),
}

/// The members of an object, by name.
pub(crate) type Object = BTreeMap<String, Json>;

/// Why a text is not strict JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotStrict {
    /// Not JSON at all, or followed by more.
    Malformed,
    /// A member appears twice in an object.
    Duplicate,
    /// More than [`MAX_DEPTH`] lists and objects inside each other.
    TooDeep,
}

/// Lists and objects inside each other. Tokens, key sets and policies have five at most. Raised, a
/// text of a few KiB costs more of the guest's stack, of which 1 MiB is shared by all exchanges.
pub(crate) const MAX_DEPTH: usize = 32;

/// [`NotStrict::TooDeep`] in words, for who wrote the text.
pub(crate) const TOO_DEEP: &str =
    "expected at most 32 lists and objects inside each other, found more";

/// Reads a whole text.
pub(crate) fn parse(text: &[u8]) -> Result<Json, NotStrict> {
    let text = std::str::from_utf8(text).map_err(|_not_utf8| NotStrict::Malformed)?;
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(MAX_DEPTH)?;
    if reader.peek().is_some() { Err(NotStrict::Malformed) } else { Ok(value) }
}

/// What a heap allocation costs beside its content, in bytes.
const ALLOCATION: usize = 16;

/// The memory that members take on the heap, in bytes; a generous estimate. A `BTreeMap` fills its nodes by half at
/// least, a `Vec` too.
pub(crate) fn size(members: &Object) -> usize {
    let member = |(name, value): (&String, &Json)| {
        2 * (size_of::<String>() + size_of::<Json>()) + name.len() + ALLOCATION + value.size()
    };
    members.iter().map(member).sum::<usize>() + ALLOCATION
}

impl Json {
    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) fn as_object(&self) -> Option<&Object> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    pub(crate) fn into_object(self) -> Option<Object> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// A member, when this is an object that has it.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        self.as_object()?.get(name)
    }

    /// The kind of value, for a message to the author of a document.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// Lists and objects inside each other; 0 for anything else.
    pub(crate) fn depth(&self) -> usize {
        match self {
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) => 0,
            Self::List(items) => 1 + items.iter().map(Self::depth).max().unwrap_or_default(),
            Self::Object(members) => {
                1 + members.values().map(Self::depth).max().unwrap_or_default()
            }
        }
    }

    /// The memory that it takes on the heap, in bytes; a generous estimate.
    fn size(&self) -> usize {
        match self {
            Self::Null | Self::Bool(_) => 0,
            Self::Number(number) => number.as_str().len() + ALLOCATION,
            Self::Text(text) => text.len() + ALLOCATION,
            Self::List(items) => {
                items.iter().map(|item| 2 * size_of::<Self>() + item.size()).sum::<usize>()
                    + ALLOCATION
            }
            Self::Object(members) => size(members),
        }
    }

    /// The same value for readers that were written for `serde_json`.
    pub(crate) fn to_value(&self) -> serde_json::Value {
        use serde_json::Value;
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(*flag),
            // A number beyond what `serde_json` can hold is none to such a reader.
            Self::Number(number) => serde_json::from_str(number.as_str()).unwrap_or_default(),
            Self::Text(text) => Value::String(text.clone()),
            Self::List(items) => items.iter().map(Self::to_value).collect(),
            Self::Object(members) => {
                let members = members.iter().map(|(name, value)| (name.clone(), value.to_value()));
                Value::Object(grown(members))
            }
        }
    }

    /// Its compact form, members in byte order.
    pub(crate) fn to_json(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, |number| number.as_str().into());
        out
    }

    /// The same for all texts of the same value.
    pub(crate) fn to_canonical_json(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, Number::canonical);
        out
    }

    fn write(&self, out: &mut String, number: fn(&Number) -> Cow<'_, str>) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Self::Number(own) => out.push_str(&number(own)),
            Self::Text(text) => write_text(text, out),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    item.write(out, number);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    write_text(name, out);
                    out.push(':');
                    value.write(out, number);
                }
                out.push('}');
            }
        }
    }
}

/// Writes a string.
pub(crate) fn write_text(text: &str, out: &mut String) {
    // A string always has a JSON form.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

/// A text and the place in it. Each method starts at its token and ends behind it.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    /// A value with at most `depth` lists and objects inside each other.
    fn value(&mut self, depth: usize) -> Result<Json, NotStrict> {
        match self.peek().ok_or(NotStrict::Malformed)? {
            b'{' => self.object(depth.checked_sub(1).ok_or(NotStrict::TooDeep)?).map(Json::Object),
            b'[' => self.list(depth.checked_sub(1).ok_or(NotStrict::TooDeep)?).map(Json::List),
            b'"' => self.string().map(Json::Text),
            b'-' | b'0'..=b'9' => self.number().map(Json::Number),
            _ => self.word(),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Object, NotStrict> {
        let mut members = Object::new();
        self.items(b'}', |reader| {
            if reader.peek() != Some(b'"') {
                return Err(NotStrict::Malformed);
            }
            let name = reader.string()?;
            reader.expect(b':')?;
            let value = reader.value(depth)?;
            match members.insert(name, value) {
                None => Ok(()),
                Some(_first) => Err(NotStrict::Duplicate),
            }
        })?;
        Ok(members)
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Json>, NotStrict> {
        let mut list = Vec::new();
        self.items(b']', |reader| {
            list.push(reader.value(depth)?);
            Ok(())
        })?;
        Ok(list)
    }

    /// What is between an opening bracket and `end`, a comma between two.
    fn items(
        &mut self,
        end: u8,
        mut item: impl FnMut(&mut Self) -> Result<(), NotStrict>,
    ) -> Result<(), NotStrict> {
        self.at += 1;
        if self.peek() == Some(end) {
            self.at += 1;
            return Ok(());
        }
        loop {
            item(self)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(byte) if byte == end => {
                    self.at += 1;
                    return Ok(());
                }
                Some(_) | None => return Err(NotStrict::Malformed),
            }
        }
    }

    /// A string. Most are their own value: RFC 8259 section 7 has all characters stand for themselves but the
    /// quotation mark, the backslash and controls.
    fn string(&mut self) -> Result<String, NotStrict> {
        let is_itself = |byte: &u8| !matches!(byte, b'"' | b'\\' | ..=0x1f);
        let length = self.bytes().iter().skip(1).take_while(|byte| is_itself(byte)).count();
        if self.bytes().get(length + 1) != Some(&b'"') {
            return self.escaped_string();
        }
        let token = self.take(length + 2);
        Ok(token.get(1..=length).unwrap_or_default().to_owned())
    }

    /// Escapes, controls and surrogates are `serde_json`'s to judge.
    fn escaped_string(&mut self) -> Result<String, NotStrict> {
        let mut escaped = false;
        let inner = self.bytes().iter().skip(1).position(|byte| {
            let ends = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            ends
        });
        let token = self.take(inner.ok_or(NotStrict::Malformed)? + 2);
        serde_json::from_str(token).map_err(|_malformed| NotStrict::Malformed)
    }

    /// RFC 8259 section 6.
    fn number(&mut self) -> Result<Number, NotStrict> {
        let token = self.token();
        let unsigned = token.strip_prefix('-').unwrap_or(token);
        let (whole, rest) = digits(unsigned).ok_or(NotStrict::Malformed)?;
        let leads = whole.len() > 1 && whole.starts_with('0');
        let rest = match rest.strip_prefix('.') {
            Some(fraction) => digits(fraction).ok_or(NotStrict::Malformed)?.1,
            None => rest,
        };
        let rest = match rest.strip_prefix(['e', 'E']) {
            Some(exponent) => {
                let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
                digits(exponent).ok_or(NotStrict::Malformed)?.1
            }
            None => rest,
        };
        if leads || !rest.is_empty() {
            return Err(NotStrict::Malformed);
        }
        Ok(Number::of(token))
    }

    fn word(&mut self) -> Result<Json, NotStrict> {
        match self.token() {
            "null" => Ok(Json::Null),
            "true" => Ok(Json::Bool(true)),
            "false" => Ok(Json::Bool(false)),
            _ => Err(NotStrict::Malformed),
        }
    }

    /// A run of what words and numbers are made of.
    fn token(&mut self) -> &'a str {
        let made_of = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let length = self.bytes().iter().take_while(|byte| made_of(**byte)).count();
        self.take(length)
    }

    fn expect(&mut self, byte: u8) -> Result<(), NotStrict> {
        if self.peek() != Some(byte) {
            return Err(NotStrict::Malformed);
        }
        self.at += 1;
        Ok(())
    }

    /// The next byte that is not white space (RFC 8259 section 2), which it stays in front of.
    fn peek(&mut self) -> Option<u8> {
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.at += self.bytes().iter().take_while(|byte| blank(byte)).count();
        self.bytes().first().copied()
    }

    fn take(&mut self, length: usize) -> &'a str {
        let token = self.text.get(self.at..self.at + length).unwrap_or_default();
        self.at += length;
        token
    }

    /// What is left, as bytes: as text, each read would ask whether a character begins here.
    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }
}

/// At least one digit, and what comes after.
fn digits(text: &str) -> Option<(&str, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    text.split_at_checked(length).filter(|_| length > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `depth` lists or objects inside each other.
    fn nested(depth: usize, open: &str, close: &str) -> String {
        format!("{}1{}", open.repeat(depth), close.repeat(depth))
    }

    #[test]
    fn strictness() {
        use NotStrict::{Duplicate, Malformed};
        for (row, text, expected) in [
            ("duplicate", r#"{"a":1,"a":2}"#, Duplicate),
            ("duplicate behind an escape", r#"{"a":1,"\u0061":2}"#, Duplicate),
            ("duplicate in the depth", r#"{"x":[{"a":1,"a":1}]}"#, Duplicate),
            ("trailing bytes", "{} x", Malformed),
            ("a second value", "{}{}", Malformed),
            ("byte order mark", "\u{feff}{}", Malformed),
            ("white space of another kind", "\u{a0}{}", Malformed),
            ("comment", "{/**/}", Malformed),
            ("lone surrogate", r#""\ud800""#, Malformed),
            ("unknown escape", r#""\x""#, Malformed),
            ("raw control", "\"\u{1}\"", Malformed),
            ("open string", r#""a"#, Malformed),
            ("escaped end", r#""a\""#, Malformed),
            ("empty", "", Malformed),
            ("HTML", "<html>", Malformed),
            ("half of it", r#"{"a":"#, Malformed),
            ("comma at the end", "[1,]", Malformed),
            ("comma at the end of an object", r#"{"a":1,}"#, Malformed),
            ("comma alone", "[,]", Malformed),
            ("no comma", "[1 2]", Malformed),
            ("no colon", r#"{"a" 1}"#, Malformed),
            ("a name that is no string", "{1:1}", Malformed),
            ("another bracket", "[1}", Malformed),
            ("leading zero", "01", Malformed),
            ("negative leading zero", "-01", Malformed),
            ("sign alone", "-", Malformed),
            ("plus", "+1", Malformed),
            ("no fraction", "1.", Malformed),
            ("no whole part", ".5", Malformed),
            ("no exponent", "1e", Malformed),
            ("hexadecimal", "0x1", Malformed),
            ("not a number", "NaN", Malformed),
            ("infinity", "-Infinity", Malformed),
            ("capitals", "True", Malformed),
            ("digits of another script", "١", Malformed),
        ] {
            assert_eq!(parse(text.as_bytes()), Err(expected), "{row}");
        }
        assert_eq!(parse(b"\"\xff\""), Err(Malformed), "not UTF-8");
        assert_eq!(parse(br#" "a" "#), Ok(Json::Text("a".to_owned())), "text");
    }

    #[test]
    fn nesting_has_a_limit() {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}"), (r#"[{"a":"#, "}]")] {
            let levels = open.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count();
            let deepest = nested(MAX_DEPTH / levels, open, close);
            assert_eq!(parse(deepest.as_bytes()).map(|value| value.depth()), Ok(MAX_DEPTH));
            // Valid JSON, but for its depth: 100 000 levels would exhaust a native stack, too.
            for depth in [MAX_DEPTH / levels + 1, 1700, 100_000] {
                let text = nested(depth, open, close);
                assert_eq!(parse(text.as_bytes()), Err(NotStrict::TooDeep), "{depth} of {open}");
            }
        }
        assert!(TOO_DEEP.contains(&format!(" {MAX_DEPTH} ")));
        assert_eq!(parse(b"1").map(|value| value.depth()), Ok(0));
        assert_eq!(parse(br#"{"a":[],"b":1}"#).map(|value| value.depth()), Ok(2));
    }

    #[test]
    fn what_goes_in_comes_out() {
        for text in [
            r#"{"a":1.10,"b":12345678901234567890123,"c":-0.0,"d":1e400,"e":[true,false,null]}"#,
            r#"{"":{"\u0000":"\"\\"},"ключ":"значение","😀":[[],{}]}"#,
            "[]",
            "[1E+2,2e-7,0,-1]",
            r#""x""#,
        ] {
            let value = parse(text.as_bytes()).unwrap();
            assert_eq!(value.to_json(), text);
            assert_eq!(parse(value.to_canonical_json().as_bytes()).as_ref(), Ok(&value));
            assert_eq!(parse(value.to_json().as_bytes()), Ok(value));
        }
    }

    #[test]
    fn numbers_say_what_they_are() {
        for (text, whole, double) in [
            ("0", Some(0), 0.0),
            ("18446744073709551615", Some(u64::MAX), 18_446_744_073_709_551_615.0),
            ("18446744073709551616", None, 18_446_744_073_709_551_616.0),
            ("1.5", None, 1.5),
            ("1e3", None, 1000.0),
            ("-1", None, -1.0),
            ("1e400", None, f64::INFINITY),
        ] {
            let Json::Number(number) = parse(text.as_bytes()).unwrap() else { panic!("{text}") };
            assert_eq!((number.as_u64(), number.as_f64()), (whole, Some(double)), "{text}");
        }
    }

    /// JSON-like text: valid texts, and texts that are nearly so.
    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("[".to_owned()),
            Just("]".to_owned()),
            Just("{".to_owned()),
            Just("}".to_owned()),
            Just(",".to_owned()),
            Just(":".to_owned()),
            Just(" ".to_owned()),
            Just("null".to_owned()),
            Just("true".to_owned()),
            "-?[0-9]{1,3}(\\.[0-9]{0,2})?([eE][+-]?[0-9]{0,2})?",
            "\"[a-c]\"",
            "\"(\\\\[nu\"\\\\0]|[0-9a-f\"\u{7f}é]){0,6}\"",
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    fn valid() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            Just(" false ".to_owned()),
            "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,2})?",
            "\"[ -!#-\\[\\]-~é]{0,4}\"",
        ];
        leaf.prop_recursive(4, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4)
                    .prop_map(|items| format!("[{}]", items.join(","))),
                prop::collection::vec(("\"[a-d]\"", inner), 0..4).prop_map(|members| {
                    let members: Vec<_> =
                        members.iter().map(|(name, value)| format!("{name}: {value}")).collect();
                    format!("{{ {} }}", members.join(" , "))
                }),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        /// `serde_json` takes whatever this reader takes, as the same value, and nothing else but
        /// duplicates.
        #[test]
        fn it_agrees_with_serde_json(text in prop_oneof![text(), valid()]) {
            let peer = serde_json::from_str::<serde_json::Value>(&text);
            match (parse(text.as_bytes()), peer) {
                (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours.to_value(), theirs),
                (Err(NotStrict::Duplicate), _) | (Err(NotStrict::Malformed), Err(_)) => {}
                // A number beyond a double.
                (Ok(_), Err(error)) => prop_assert!(error.to_string().contains("out of range"), "{}", error),
                (Err(flaw), peer) => prop_assert!(false, "{flaw:?} of {text}: {peer:?}"),
            }
        }

        #[test]
        fn no_text_is_too_much(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _any = parse(&bytes);
        }
    }
}
