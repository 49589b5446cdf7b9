//! A JSON object that is written member by member.

use std::fmt::{Display, Write as _};

use serde::Serialize;

/// The members written so far.
pub(super) struct Members(String);

/// Room for a line of the log as most are.
const USUAL_BYTES: usize = 1024;

impl Default for Members {
    fn default() -> Self {
        Self(String::with_capacity(USUAL_BYTES))
    }
}

impl Members {
    /// A name of letters and `_`, in front of its value.
    fn name(&mut self, name: &'static str) {
        self.0.push_str(if self.0.is_empty() { "{\"" } else { ",\"" });
        self.0.push_str(name);
        self.0.push_str("\":");
    }

    /// A text, or null.
    pub(super) fn text<'t>(&mut self, name: &'static str, text: impl Into<Option<&'t str>>) {
        self.name(name);
        match text.into() {
            None => self.0.push_str("null"),
            Some(text) if is_written_plainly(text) => {
                self.0.push('"');
                self.0.push_str(text);
                self.0.push('"');
            }
            Some(text) => self.push(text),
        }
    }

    /// A number or a truth value, or null.
    pub(super) fn value(&mut self, name: &'static str, value: Option<impl Display>) {
        self.name(name);
        let _ = match value {
            None => self.0.write_str("null"),
            Some(value) => write!(self.0, "{value}"),
        };
    }

    /// Whatever serde can write.
    pub(super) fn serialized(&mut self, name: &'static str, value: &impl Serialize) {
        self.name(name);
        self.push(value);
    }

    fn push(&mut self, value: &(impl Serialize + ?Sized)) {
        // Strings, numbers, truth values and what is made of them always serialize.
        self.0.push_str(&serde_json::to_string(value).unwrap_or_default());
    }

    /// The object.
    pub(super) fn object(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// Whether nothing in a text is escaped in JSON (RFC 8259 section 7).
fn is_written_plainly(text: &str) -> bool {
    text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\')
}
