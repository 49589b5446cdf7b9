//! The JSON Schema (draft 2020-12) of the policy document, for editors.
//!
//! It says what a key is called and what may stand there. What hangs together across keys is the core's to judge:
//! a document that `linkgate check` is content with fits the schema, not the other way round.

use serde_json::{Map, Value, json};

use super::{Key, Section, Shape, Unless, tables};

/// Its name.
pub const ID: &str = "urn:linkgate:policy:1";

/// The schema.
#[must_use]
pub fn schema() -> Value {
    let mut whole = Map::new();
    whole.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    whole.insert("$id".to_owned(), json!(ID));
    whole.insert("title".to_owned(), json!("linkgate policy"));
    whole.extend(Section::find("").map(|section| object(&section)).unwrap_or_default());
    Value::Object(whole)
}

fn object(section: &Section) -> Map<String, Value> {
    let properties: Map<String, Value> =
        section.keys.iter().map(|key| (key.name.to_owned(), property(section, key))).collect();
    let is_required = |key: &&Key| matches!(key.unless, Unless::Required);
    let required: Vec<&str> = section.keys.iter().filter(is_required).map(|key| key.name).collect();
    let mut object = Map::new();
    object.insert("type".to_owned(), json!("object"));
    object.insert("additionalProperties".to_owned(), json!(false));
    object.insert("properties".to_owned(), Value::Object(properties));
    if !required.is_empty() {
        object.insert("required".to_owned(), json!(required));
    }
    object
}

fn property(section: &Section, key: &Key) -> Value {
    let mut property = shape(&section.key_path(key.name), key.shape);
    property.insert("description".to_owned(), json!(tables::hover(key)));
    match key.unless {
        Unless::Is(value) => {
            property.insert("default".to_owned(), written(value));
        }
        Unless::Required | Unless::Says(_) => {}
    }
    Value::Object(property)
}

/// A default as JSON. The few that are lists hold one bare word.
fn written(value: &str) -> Value {
    match value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(only) => json!([only]),
        None => serde_json::from_str(value).unwrap_or_else(|_word| json!(value)),
    }
}

fn shape(path: &str, shape: Shape) -> Map<String, Value> {
    let text = json!({ "type": "string", "minLength": 1 });
    let duration = json!({ "type": "string", "pattern": DURATION });
    let schema = match shape {
        Shape::One => json!({ "const": 1 }),
        Shape::Text => text,
        Shape::SecretName => json!({ "type": "string", "pattern": "^[A-Z0-9_]+$" }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::True => json!({ "const": true }),
        Shape::Word(words) => json!({ "enum": words }),
        Shape::Duration(..) => duration,
        Shape::DurationOr(_, _, word) => json!({ "anyOf": [duration, { "const": word }] }),
        Shape::Moment => json!({ "type": "string", "pattern": MOMENT }),
        Shape::Whole(from, to) => json!({ "type": "integer", "minimum": from, "maximum": to }),
        Shape::Texts(least) => json!({ "type": "array", "items": text, "minItems": least }),
        Shape::TextsOr(word) => json!({
            "anyOf": [{ "type": "array", "items": text, "minItems": 1 }, { "const": word }]
        }),
        Shape::Words(words) => json!({
            "type": "array", "items": { "enum": words }, "minItems": 1, "uniqueItems": true
        }),
        Shape::WordsAt(words) => {
            let at =
                json!({ "type": "string", "pattern": format!("^({}) at \\S+$", words.join("|")) });
            json!({
                "type": "array", "items": { "anyOf": [{ "enum": words }, at] },
                "minItems": 1, "uniqueItems": true
            })
        }
        Shape::Object => Value::Object(found(path)),
        Shape::ObjectOr(word) => json!({ "anyOf": [found(path), { "const": word }] }),
        Shape::Objects => {
            let items = found(&format!("{path}[]"));
            json!({ "type": "array", "items": items, "minItems": 1 })
        }
        Shape::KeySet => json!({
            "type": "object", "required": ["keys"],
            "properties": { "keys": { "type": "array", "items": { "type": "object", "required": ["kty"] }, "minItems": 1 } }
        }),
    };
    if let Value::Object(members) = schema { members } else { Map::new() }
}

/// The section of that path.
fn found(path: &str) -> Map<String, Value> {
    Section::find(path).map(|section| object(&section)).unwrap_or_default()
}

/// A date, and perhaps a time. Whether there is such a day is the core's to judge.
const MOMENT: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?$";

/// A whole number and a unit. The range is the core's to judge.
const DURATION: &str = "^[0-9]+(ms|s|m|h)$";
