//! The place of everything in a text, by JSON Pointer (RFC 6901).

use std::collections::BTreeMap;

/// A stretch of one line. Lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
    /// In characters; it may reach beyond the line.
    pub(crate) width: usize,
}

impl Place {
    /// A single character.
    pub(super) fn at(line: usize, column: usize) -> Self {
        Self { line: line.max(1), column: column.max(1), width: 1 }
    }
}

/// The JSON Pointer of an object's member.
pub(super) fn member(object: &str, name: &str) -> String {
    format!("{object}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The JSON Pointer of a list's item.
pub(super) fn item(list: &str, index: usize) -> String {
    format!("{list}/{index}")
}

/// The places of all values of a document, and of their keys.
#[derive(Debug, Default)]
pub(super) struct Places(BTreeMap<String, (Option<Place>, Option<Place>)>);

impl Places {
    pub(super) fn insert(&mut self, pointer: String, key: Option<Place>, value: Option<Place>) {
        self.0.insert(pointer, (key, value));
    }

    /// Lets the place of one value stand for another's, which is not in the text.
    pub(super) fn stand_for(&mut self, there: &str, pointer: String) {
        if let Some(places) = self.0.get(there).copied() {
            self.0.insert(pointer, places);
        }
    }

    /// The place of a key.
    pub(super) fn key(&self, pointer: &str) -> Option<Place> {
        self.0.get(pointer).and_then(|(key, _)| *key)
    }

    /// The place of a value itself.
    pub(super) fn own(&self, pointer: &str) -> Option<Place> {
        self.0.get(pointer).and_then(|(_, value)| *value)
    }

    /// The place to look at for a value: its own where it begins in the line of its key, else the key. What
    /// has no place here, because it came from another file, is looked for at what it is in.
    pub(super) fn value(&self, pointer: &str) -> Option<Place> {
        match self.0.get(pointer) {
            Some((Some(key), Some(value))) if key.line != value.line => Some(*key),
            Some((key, value)) => value.or(*key),
            None => pointer.rsplit_once('/').and_then(|(parent, _)| self.value(parent)),
        }
    }

    #[cfg(test)]
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, Option<Place>, Option<Place>)> {
        self.0.iter().map(|(pointer, (key, value))| (pointer.as_str(), *key, *value))
    }
}
