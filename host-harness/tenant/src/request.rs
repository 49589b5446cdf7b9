//! What a client sent, as plain data.

use std::fmt;

/// The longest request body the tenant reads, in bytes.
///
/// The longest body it expects is a metadata patch of some kilobytes. A higher limit only lets one client hold more memory.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// An HTTP request, whole, with its target as it was received.
///
/// `Debug` shows neither header values nor the body: both carry tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The method, in the case it was sent in: `POST`.
    pub method: String,
    /// The request-target: path and query, still percent-encoded. The absolute form (`http://host/path`) is understood too.
    pub target: String,
    /// Names and values in the order received; names in any case, repeated ones repeated.
    pub headers: Vec<(String, String)>,
    /// The body's bytes; empty when there was none.
    pub body: Vec<u8>,
}

impl Request {
    /// A request without headers or body.
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// The same request with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same request with `Authorization: Bearer {token}`.
    #[must_use]
    pub fn with_bearer(self, token: &str) -> Self {
        self.with_header("Authorization", &format!("Bearer {token}"))
    }

    /// The same request with a body of that media type.
    #[must_use]
    pub fn with_body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let mut request = self.with_header("Content-Type", content_type);
        request.body = body.into();
        request
    }

    /// The same request with a JSON body.
    #[must_use]
    pub fn with_json(self, body: &serde_json::Value) -> Self {
        self.with_body("application/json", body.to_string())
    }

    /// Every value of the header called `name`, in the order received.
    pub fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(held, _)| held.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("target", &self.target)
            .field("headers", &names)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}
