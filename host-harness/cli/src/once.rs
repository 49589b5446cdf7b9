//! JSON in which every member is written once: of two with one name, readers disagree on which counts.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Reads JSON. Says in a phrase why it is none, or which member is written twice.
pub(crate) fn read(text: &[u8]) -> Result<Value, String> {
    let Once(value) =
        serde_json::from_slice(text).map_err(|error| format!("expected JSON: {error}"))?;
    Ok(value)
}

struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Once(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some((name, Once(value))) = object.next_entry::<String, _>()? {
            if members.contains_key(&name) {
                return Err(Error::custom(format!("`{name}` is written twice")));
            }
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_read_as_it_stands() {
        let text = r#"{"a":[1,-2,0.5,"x",true,null],"b":{"a":1}}"#;
        assert_eq!(read(text.as_bytes()).unwrap().to_string(), text);
    }

    #[test]
    fn a_member_that_stands_twice_is_an_error() {
        for (text, why) in [
            (r#"{"a":1,"a":1}"#, "expected JSON: `a` is written twice at line 1 column 13"),
            (r#"[{"a":{"b":1,"b":2}}]"#, "expected JSON: `b` is written twice at line 1 column 19"),
            ("<html>", "expected JSON: expected value at line 1 column 1"),
            ("{} {}", "expected JSON: trailing characters at line 1 column 4"),
        ] {
            assert_eq!(read(text.as_bytes()), Err(why.to_owned()), "{text}");
        }
    }
}
