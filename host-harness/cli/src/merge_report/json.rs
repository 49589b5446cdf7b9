//! The report for programs: `linkgate.plan/1`.

use linkgate_policy::{Fate, Preview};
use serde_json::json;
use serde_json::value::RawValue;

/// A merge as JSON. Values of accounts keep the text of their numbers.
pub(crate) fn planned(preview: &Preview) -> String {
    // Strings, numbers and JSON alone: it always has a text.
    serde_json::to_string(&Planned::of(preview)).unwrap_or_default()
}

/// As JSON, why there would be none.
pub(crate) fn refused(cause: &str, why: &str) -> String {
    json!({ "schema": SCHEMA, "refused": { "cause": cause, "why": why } }).to_string()
}

const SCHEMA: &str = "linkgate.plan/1";

#[derive(serde::Serialize)]
struct Planned {
    schema: &'static str,
    /// Always null: the link would be made.
    refused: (),
    keys: Vec<KeyRow>,
    before_link: Option<Box<RawValue>>,
    after_link: Option<Box<RawValue>>,
    bytes: usize,
    max_bytes: usize,
    reserved: String,
}

#[derive(serde::Serialize)]
struct KeyRow {
    key: String,
    fate: Option<&'static str>,
    primary: Option<Box<RawValue>>,
    secondary: Option<Box<RawValue>>,
    outcome: Option<Box<RawValue>>,
}

impl Planned {
    fn of(preview: &Preview) -> Self {
        let keys = preview.keys.iter().map(|key| KeyRow {
            key: key.key.clone(),
            fate: key.fate.map(Fate::name),
            primary: raw(key.primary.as_ref()),
            secondary: raw(key.secondary.as_ref()),
            outcome: raw(key.outcome.as_ref()),
        });
        Self {
            schema: SCHEMA,
            refused: (),
            keys: keys.collect(),
            before_link: raw(preview.before_link.as_ref()),
            after_link: raw(preview.after_link.as_ref()),
            bytes: preview.bytes,
            max_bytes: preview.max_bytes,
            reserved: preview.reserved.clone(),
        }
    }
}

fn raw(json: Option<&String>) -> Option<Box<RawValue>> {
    json.and_then(|json| RawValue::from_string(json.clone()).ok())
}
