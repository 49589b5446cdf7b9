//! Pieces of a file of cases, each read at its place: what is no such piece is reported there.

use std::collections::BTreeMap;

use linkgate_cases::Wrapped;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::form::below;
use crate::document::{Document, Finding};

/// Reads pieces of a document, and takes down what is wrong with them.
pub(super) struct Reader<'d> {
    pub(super) document: &'d Document,
    pub(super) findings: Vec<Finding>,
}

impl Reader<'_> {
    pub(super) fn each<T>(
        &mut self,
        pointer: &str,
        members: &Map<String, Value>,
        key: &str,
    ) -> BTreeMap<String, T>
    where
        Wrapped<T>: DeserializeOwned,
    {
        let pointer = below(pointer, key);
        match members.get(key) {
            None => BTreeMap::new(),
            Some(Value::Object(named)) => named
                .iter()
                .filter_map(|(name, value)| {
                    Some((name.clone(), self.short(&below(&pointer, name), value)?))
                })
                .collect(),
            Some(_) => {
                self.wrong(&pointer, format!("expected `{key}` by their names, found no names"));
                BTreeMap::new()
            }
        }
    }

    pub(super) fn required<T: DeserializeOwned>(
        &mut self,
        pointer: &str,
        members: &Map<String, Value>,
        key: &str,
    ) -> Option<T> {
        match members.get(key) {
            Some(value) => self.piece(&below(pointer, key), value),
            None => self.missing(pointer, key),
        }
    }

    pub(super) fn optional<T: DeserializeOwned>(
        &mut self,
        pointer: &str,
        members: &Map<String, Value>,
        key: &str,
    ) -> Option<T> {
        members.get(key).and_then(|value| self.piece(&below(pointer, key), value))
    }

    pub(super) fn missing<T>(&mut self, pointer: &str, key: &str) -> Option<T> {
        self.wrong(pointer, format!("expected `{key}`, found nothing"));
        None
    }

    pub(super) fn short<T>(&mut self, pointer: &str, value: &Value) -> Option<T>
    where
        Wrapped<T>: DeserializeOwned,
    {
        self.piece::<Wrapped<T>>(pointer, value).map(|Wrapped(value)| value)
    }

    pub(super) fn piece<T: DeserializeOwned>(&mut self, pointer: &str, value: &Value) -> Option<T> {
        match T::deserialize(value.clone()) {
            Ok(piece) => Some(piece),
            Err(error) => {
                let text = error.to_string();
                // Reported already, with its place and a suggestion.
                if !text.starts_with("unknown field") {
                    self.wrong(pointer, phrase(&text));
                }
                None
            }
        }
    }

    pub(super) fn wrong(&mut self, pointer: &str, message: String) {
        self.findings.push(self.document.mistake(pointer, false, message, None));
    }
}

/// What a reader of values says, in the words of this house.
fn phrase(text: &str) -> String {
    let swapped = |rest: &str| {
        let (found, expected) = rest.split_once(", expected ")?;
        Some(format!("expected {expected}, found {found}"))
    };
    let told = ["invalid type: ", "invalid value: ", "invalid length ", "unknown variant "]
        .iter()
        .find_map(|start| text.strip_prefix(start).and_then(swapped));
    let missing = || {
        let name = text.strip_prefix("missing field ")?;
        Some(format!("expected {name}, found nothing"))
    };
    let told = told.or_else(missing).unwrap_or_else(|| text.to_owned());
    WORDS.iter().fold(told, |told, (theirs, ours)| told.replace(theirs, ours))
}

/// Names of types, and what people call them.
const WORDS: [(&str, &str); 5] = [
    ("expected u16", "expected a whole number below 65536"),
    ("a sequence", "a list"),
    ("a map", "an object"),
    ("a boolean", "`true` or `false`"),
    ("found string ", "found "),
];
