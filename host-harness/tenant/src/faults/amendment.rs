//! Changes to an answer that is otherwise sent as it is.

use serde_json::{Map, Value, json};

use crate::answer::Answer;

/// What is changed of an answer before it goes out, the tenant's own or a [`Status`](super::Fault::Status) in its place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Amendment {
    /// Names in lower case. `Some` is the header's only value afterwards; with `None` it is left out.
    pub headers: Vec<(String, Option<String>)>,
    /// Spaces are added to the body until it has so many bytes: JSON stays the JSON it was. A longer body stays as it is.
    pub pad_to_bytes: Option<usize>,
}

impl Amendment {
    /// Gives a header this value in place of those it has.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_ascii_lowercase(), Some(value.to_owned())));
        self
    }

    /// Leaves a header out.
    #[must_use]
    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.push((name.to_ascii_lowercase(), None));
        self
    }

    /// Makes the body this long, in bytes.
    #[must_use]
    pub fn padded_to(self, bytes: usize) -> Self {
        Self { pad_to_bytes: Some(bytes), ..self }
    }

    pub(crate) fn apply(&self, mut answer: Answer) -> Answer {
        for (name, value) in &self.headers {
            answer.headers.retain(|(held, _)| !held.eq_ignore_ascii_case(name));
            answer.headers.extend(value.clone().map(|value| (name.clone(), value)));
        }
        let bytes = self.pad_to_bytes.unwrap_or_default().max(answer.body.len());
        answer.body.resize(bytes, b' ');
        answer
    }

    /// The form it has in a document.
    pub(crate) fn to_json(&self) -> Value {
        let mut json = Map::new();
        if !self.headers.is_empty() {
            let headers: Map<String, Value> =
                self.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            json.insert("headers".to_owned(), Value::Object(headers));
        }
        if let Some(bytes) = self.pad_to_bytes {
            json.insert("pad_to_bytes".to_owned(), json!(bytes));
        }
        Value::Object(json)
    }
}
