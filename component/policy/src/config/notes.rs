//! What is found while a document is read: mistakes, warnings, and which keys were looked for.

use std::cell::RefCell;
use std::collections::BTreeSet;

/// Something wrong in a policy document, or unwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where, as a JSON Pointer (RFC 6901). Empty for the whole document.
    pub pointer: String,
    /// What was expected and what was found.
    pub message: String,
    /// What to do about it, when more can be said.
    pub help: Option<String>,
}

/// Something legal in a policy document that is unwise. A policy accepts it by its name, `allow: [name]`, or by name and
/// place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Its name, one of [`WARNINGS`](super::WARNINGS) or [`ALLOW_UNUSED`](super::ALLOW_UNUSED).
    pub name: &'static str,
    /// Where, as a JSON Pointer (RFC 6901).
    pub pointer: String,
    /// What is unwise about it.
    pub message: String,
    /// What would be better.
    pub help: String,
}

/// What the message of a mistake begins with that is about a key itself, and not about its value: a reader who
/// marks the place in the source marks the key then.
pub const UNKNOWN_KEY: &str = "expected a known key";

/// A JSON Pointer as people write the way to a key: `issuers[0].keys`. Empty for the whole document.
#[must_use]
pub fn key_path(pointer: &str) -> String {
    let mut path = String::new();
    for segment in pointer.split('/').skip(1) {
        let name = segment.replace("~1", "/").replace("~0", "~");
        let is_index = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        let parts = match (is_index, path.is_empty()) {
            (true, _) => ["[", &name, "]"],
            (false, true) => ["", &name, ""],
            (false, false) => [".", &name, ""],
        };
        path.extend(parts);
    }
    path
}

/// The notes taken so far.
#[derive(Default)]
pub(super) struct Notes {
    mistakes: RefCell<Vec<Mistake>>,
    warnings: RefCell<Vec<Warning>>,
    /// None where a policy is only compiled: each start would pay for what no one reads. Advice is for reviews, too.
    asked: Option<RefCell<BTreeSet<String>>>,
}

impl Notes {
    /// Notes that hold the keys that were looked for, too.
    pub(super) fn with_keys() -> Self {
        Self { asked: Some(RefCell::default()), ..Self::default() }
    }

    pub(super) fn mistake(&self, pointer: &str, message: String, help: Option<String>) {
        self.mistakes.borrow_mut().push(Mistake { pointer: pointer.to_owned(), message, help });
    }

    pub(super) fn warning(&self, name: &'static str, pointer: &str, message: &str, help: &str) {
        if !self.is_review() {
            return;
        }
        let (pointer, message, help) = (pointer.to_owned(), message.to_owned(), help.to_owned());
        self.warnings.borrow_mut().push(Warning { name, pointer, message, help });
    }

    /// Whether someone reads advice.
    pub(super) fn is_review(&self) -> bool {
        self.asked.is_some()
    }

    /// Notes that a key was looked for, whether it is there or not.
    pub(super) fn asked(&self, section: &str, key: &str) {
        let Some(asked) = &self.asked else { return };
        let mut path = String::new();
        for segment in section.split('/').skip(1) {
            if segment.bytes().all(|byte| byte.is_ascii_digit()) {
                path.push_str("[]");
            } else {
                path.push_str(if path.is_empty() { "" } else { "." });
                path.push_str(segment);
            }
        }
        path.push_str(if path.is_empty() { "" } else { "." });
        asked.borrow_mut().insert(path + key);
    }

    /// Mistakes, warnings, and the keys that were looked for.
    pub(super) fn into_parts(self) -> (Vec<Mistake>, Vec<Warning>, BTreeSet<String>) {
        let asked = self.asked.map(RefCell::into_inner).unwrap_or_default();
        (self.mistakes.into_inner(), self.warnings.into_inner(), asked)
    }
}
