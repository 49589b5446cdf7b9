//! The parts of metadata that must not be lost, worked out apart from the gate.

use serde_json::Value;

use crate::setup::Setup;
use crate::world::{LEFT_OUT, Metadata};

/// What every reserved key begins with.
pub(crate) const RESERVED: &str = "linkgate_";

/// A value that must not be lost.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Piece {
    /// From the top-level key down.
    pub(crate) path: Vec<String>,
    pub(crate) value: Value,
    /// Whether it is an item of the list there.
    pub(crate) is_item: bool,
}

/// The parts of metadata that a rule can settle apart from each other. What entries hold belongs to the
/// keys it was staged or kept for.
pub(crate) fn pieces(metadata: &Metadata, setup: Setup) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (key, value) in metadata {
        if key.starts_with(RESERVED) {
            continue;
        }
        parts(std::slice::from_ref(key), value, setup, &mut pieces);
    }
    pieces
}

/// The same of what a policy carries over.
pub(crate) fn carried(metadata: &Metadata, setup: Setup) -> Vec<Piece> {
    let carried = metadata.iter().filter(|(key, value)| *key != LEFT_OUT && !value.is_null());
    pieces(&carried.map(|(key, value)| (key.clone(), value.clone())).collect(), setup)
}

fn parts(path: &[String], value: &Value, setup: Setup, pieces: &mut Vec<Piece>) {
    let piece =
        |value: &Value, is_item| Piece { path: path.to_vec(), value: value.clone(), is_item };
    match value {
        Value::Object(members) if setup.deep && !members.is_empty() => {
            for (name, value) in members {
                let path: Vec<String> = path.iter().chain([name]).cloned().collect();
                parts(&path, value, setup, pieces);
            }
        }
        Value::Array(items) if setup.deep && !items.is_empty() => {
            pieces.extend(items.iter().map(|item| piece(item, true)));
        }
        // Where objects and lists become one, an empty one is part of any.
        Value::Object(_) | Value::Array(_) if setup.deep => pieces.push(piece(value, true)),
        other => pieces.push(piece(other, false)),
    }
}

impl Piece {
    /// The top-level key it belongs to.
    pub(crate) fn key(&self) -> &str {
        &self.path[0]
    }

    /// Whether it can be read on an account: under its key, or anywhere inside a reserved key.
    pub(crate) fn is_reachable(&self, metadata: &Metadata) -> bool {
        self.is_at_home(metadata)
            || metadata
                .iter()
                .filter(|(key, _)| key.starts_with(RESERVED))
                .any(|(_, value)| self.is_inside(value))
    }

    fn is_inside(&self, value: &Value) -> bool {
        value.as_object().is_some_and(|members| {
            self.is_at_home(members) || members.values().any(|value| self.is_inside(value))
        })
    }

    /// Whether it is under its key.
    pub(crate) fn is_at_home(&self, members: &Metadata) -> bool {
        match self.found(members) {
            Some(Value::Object(_)) if self.is_item => self.value.is_object(),
            Some(Value::Array(items)) if self.is_item => {
                items.contains(&self.value) || self.value.as_array().is_some_and(Vec::is_empty)
            }
            Some(found) => !self.is_item && *found == self.value,
            None => false,
        }
    }

    /// Whether its place has a list.
    pub(crate) fn reaches_array(&self, members: &Metadata) -> bool {
        let first = members.get(self.key());
        let found = self.path[1..].iter().try_fold(first, |at, name| at.map(|at| at.get(name)));
        found.flatten().is_some_and(Value::is_array)
    }

    /// What is in its place: the value at its path, or at the part of it that is no object.
    pub(crate) fn found<'a>(&self, members: &'a Metadata) -> Option<&'a Value> {
        let mut found = members.get(self.key())?;
        for name in &self.path[1..] {
            let Value::Object(members) = found else { return Some(found) };
            found = members.get(name)?;
        }
        Some(found)
    }
}
