//! A request body as one JSON object, from JSON or from a form.

use serde_json::{Map, Value};

use crate::refusal::Refusal;
use crate::request::{MAX_BODY_BYTES, Request};

/// Why a body is no object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyFault {
    TooLarge,
    MediaType,
    Json,
    /// It is JSON, but of this type.
    NoObject(&'static str),
}

/// Reads the body by its `Content-Type`; without one it is taken for JSON.
///
/// Like the API it simulates, this is lenient where a gate should not be: of a repeated JSON member the last one counts,
/// a repeated form field becomes an array, and `a[b]=c` becomes `{"a":{"b":"c"}}`.
pub(crate) fn object(request: &Request) -> Result<Map<String, Value>, BodyFault> {
    if request.body.len() > MAX_BODY_BYTES {
        return Err(BodyFault::TooLarge);
    }
    match media_type(request).as_str() {
        "" | "application/json" => json_object(&request.body),
        "application/x-www-form-urlencoded" => Ok(form_object(&request.body)),
        _ => Err(BodyFault::MediaType),
    }
}

/// Refuses every member that `allowed` does not name.
pub(crate) fn only(body: &Map<String, Value>, allowed: &[&str]) -> Result<(), Refusal> {
    match body.keys().find(|key| !allowed.contains(&key.as_str())) {
        Some(key) => Err(Refusal::InvalidBody(format!("Additional properties not allowed: {key}"))),
        None => Ok(()),
    }
}

/// The refusal of a `value` that is not of the `expected` type.
pub(crate) fn wrong_type(expected: &str, value: &Value, property: &str) -> Refusal {
    Refusal::InvalidBody(format!(
        "Expected type {expected} but found type {} on property {property}",
        type_of(value)
    ))
}

fn media_type(request: &Request) -> String {
    let header = request.header_values("content-type").next().unwrap_or_default();
    header.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn json_object(bytes: &[u8]) -> Result<Map<String, Value>, BodyFault> {
    if bytes.is_empty() {
        return Err(BodyFault::NoObject("null"));
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(BodyFault::NoObject(type_of(&other))),
        Err(_) => Err(BodyFault::Json),
    }
}

fn form_object(bytes: &[u8]) -> Map<String, Value> {
    let mut object = Map::new();
    for (name, value) in form_urlencoded::parse(bytes) {
        insert(&mut object, &name, Value::String(value.into_owned()));
    }
    object
}

fn insert(object: &mut Map<String, Value>, name: &str, value: Value) {
    if let Some((outer, inner)) = name.strip_suffix(']').and_then(|name| name.split_once('[')) {
        let nested = object.entry(outer).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(nested) = nested {
            nested.insert(inner.to_owned(), value);
        }
        return;
    }
    let joined = match object.remove(name) {
        None => value,
        Some(Value::Array(mut values)) => {
            values.push(value);
            Value::Array(values)
        }
        Some(first) => Value::Array(vec![first, value]),
    };
    object.insert(name.to_owned(), joined);
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_form_becomes_an_object() {
        let rows = [
            ("plain", "a=1&b=x%20y+z", json!({"a": "1", "b": "x y z"})),
            ("encoded name", "link%5Fwith=t", json!({"link_with": "t"})),
            ("repeated", "a=1&a=2&a=3", json!({"a": ["1", "2", "3"]})),
            ("nested", "m[k]=1&m%5Bl%5D=2", json!({"m": {"k": "1", "l": "2"}})),
            ("nested under a text", "m=0&m[k]=1", json!({"m": "0"})),
            ("odd brackets", "]=1&[=2", json!({"]": "1", "[": "2"})),
            ("bytes that are not UTF-8", "a=%ff", json!({"a": "\u{fffd}"})),
            ("empty", "", json!({})),
        ];
        for (name, form, expected) in rows {
            assert_eq!(Value::Object(form_object(form.as_bytes())), expected, "{name}");
        }
    }

    #[test]
    fn what_is_no_object_is_refused() {
        let rows = [
            ("empty", "", BodyFault::NoObject("null")),
            ("array", "[]", BodyFault::NoObject("array")),
            ("broken", "{", BodyFault::Json),
            ("trailing", "{} x", BodyFault::Json),
            ("a control character", "{\"a\":\"\u{1}\"}", BodyFault::Json),
        ];
        for (name, text, fault) in rows {
            let request = Request::new("POST", "/").with_body("application/json", text);
            assert_eq!(object(&request), Err(fault), "{name}");
        }
    }
}
