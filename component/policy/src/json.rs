//! JSON as strict readers need it: a member that stands twice is an error, not the last one's win.
//!
//! `serde_json::Value` keeps the last of two members silently; two readers of one token could then
//! see two different tokens (RFC 7519 section 4, RFC 8259 section 4).

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

/// A JSON value without duplicate members at any depth.
#[derive(Clone, Debug, PartialEq)]
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
    /// Not JSON at all, nested too deeply, or followed by more.
    Malformed,
    /// A member stands twice in an object.
    Duplicate,
}

/// Reads a whole text. Nesting is bounded by `serde_json` (128).
pub(crate) fn parse(text: &[u8]) -> Result<Json, NotStrict> {
    // `Json` takes every value, so the only data error left is the one raised for a duplicate.
    serde_json::from_slice(text)
        .map_err(|error| if error.is_data() { NotStrict::Duplicate } else { NotStrict::Malformed })
}

impl Json {
    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) fn into_object(self) -> Option<Object> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    /// A member, when this is an object that has it.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        if let Self::Object(members) = self { members.get(name) } else { None }
    }

    /// What stands here, for a message to the author of a document.
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

    /// The same value for readers that were written for `serde_json`.
    pub(crate) fn to_value(&self) -> serde_json::Value {
        use serde_json::Value;
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Text(text) => Value::String(text.clone()),
            Self::List(items) => items.iter().map(Self::to_value).collect(),
            Self::Object(members) => {
                members.iter().map(|(name, value)| (name.clone(), value.to_value())).collect()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Strict)
    }
}

struct Strict;

impl<'de> Visitor<'de> for Strict {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Json, E> {
        Ok(Json::Bool(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Number::from_f64(number).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut object = Object::new();
        while let Some((name, value)) = members.next_entry::<String, Json>()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("duplicate member"));
            }
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strictness() {
        use NotStrict::{Duplicate, Malformed};
        for (row, text, expected) in [
            ("duplicate", r#"{"a":1,"a":2}"#, Err(Duplicate)),
            ("duplicate behind an escape", r#"{"a":1,"\u0061":2}"#, Err(Duplicate)),
            ("duplicate in the depth", r#"{"x":[{"a":1,"a":1}]}"#, Err(Duplicate)),
            ("trailing bytes", "{} x", Err(Malformed)),
            ("byte order mark", "\u{feff}{}", Err(Malformed)),
            ("comment", "{/**/}", Err(Malformed)),
            ("lone surrogate", r#""\ud800""#, Err(Malformed)),
            ("empty", "", Err(Malformed)),
            ("text", r#""a""#, Ok(Json::Text("a".to_owned()))),
        ] {
            assert_eq!(parse(text.as_bytes()), expected, "{row}");
        }
        assert_eq!(parse("[".repeat(10_000).as_bytes()), Err(Malformed), "depth is bounded");
        assert_eq!(parse(b"\"\xff\""), Err(Malformed), "not UTF-8");
    }
}
