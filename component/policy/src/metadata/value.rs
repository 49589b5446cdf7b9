//! JSON that comes out as it went in: numbers keep their text, `1.10` and `12345678901234567890123`
//! among them, and a member that stands twice is an error.

use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// `null`, `true`, `false` or a number, as its text.
    Plain(String),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Value>),
    /// An object.
    Object(Members),
}

/// The members of an object, by name.
pub(crate) type Members = BTreeMap<String, Value>;

/// Metadata as the API leaves it after a write: first level only, and `null` deletes.
pub(super) fn patched(metadata: &Members, writes: &Members) -> Members {
    let mut after = metadata.clone();
    after.extend(writes.clone());
    after.retain(|_, value| !value.is_null());
    after
}

/// Bytes of metadata as compact JSON.
pub(super) fn size(metadata: Members) -> usize {
    Value::Object(metadata).to_json().len()
}

impl Value {
    /// Reads a whole text; nothing when it is not strict JSON. Nesting is bounded by `serde_json` (128).
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    pub(crate) fn null() -> Self {
        Self::Plain("null".to_owned())
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Plain(text) if text == "null")
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) fn as_object(&self) -> Option<&Members> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    /// A member, when this is an object that has it.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        self.as_object()?.get(name)
    }

    /// Its compact form.
    pub(crate) fn to_json(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Plain(text) => out.push_str(text),
            Self::Text(text) => write_text(text, out),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_text(name, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    // A string always has a JSON form.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw: Box<RawValue> = Deserialize::deserialize(deserializer)?;
        let text = raw.get();
        let nested = |error: serde_json::Error| D::Error::custom(error);
        match text.as_bytes().first() {
            Some(b'{') => serde_json::from_str::<Object>(text)
                .map(|object| Self::Object(object.0))
                .map_err(nested),
            Some(b'[') => serde_json::from_str(text).map(Self::List).map_err(nested),
            Some(b'"') => serde_json::from_str(text).map(Self::Text).map_err(nested),
            _ => Ok(Self::Plain(text.to_owned())),
        }
    }
}

/// Members that stand once each.
struct Object(Members);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Once)
    }
}

struct Once;

impl<'de> Visitor<'de> for Once {
    type Value = Object;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Object, A::Error> {
        let mut members = Members::new();
        while let Some((name, value)) = entries.next_entry::<String, Value>()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("duplicate member"));
            }
        }
        Ok(Object(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _items: A) -> Result<Object, A::Error> {
        Err(A::Error::custom("an array"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        for text in [
            r#"{"a":1.10,"b":12345678901234567890123,"c":-0.0,"d":1e400,"e":[true,false,null]}"#,
            r#"{"":{"\u0000":"\"\\"},"ключ":"значение","😀":[[],{}]}"#,
            "[]",
            r#""x""#,
        ] {
            let value = Value::parse(text.as_bytes()).unwrap();
            assert_eq!(value.to_json(), text);
            assert_eq!(Value::parse(value.to_json().as_bytes()), Some(value));
        }
    }

    #[test]
    fn it_is_strict() {
        for (row, text) in [
            ("a member twice", r#"{"a":1,"a":1}"#),
            ("a member twice in the depth", r#"{"x":[{"a":1,"\u0061":1}]}"#),
            ("trailing bytes", "{} x"),
            ("half of it", r#"{"a":"#),
            ("no JSON", "<html>"),
            ("a number that is none", "01"),
            ("not UTF-8", "\"\u{fffd}"),
        ] {
            assert_eq!(Value::parse(text.as_bytes()), None, "{row}");
        }
        assert_eq!(Value::parse("[".repeat(10_000).as_bytes()), None, "depth is bounded");
        assert_eq!(Value::parse(b"\"\xff\""), None, "not UTF-8");
    }
}
