//! The calls of a merge. Paths come from verified ids alone, through the encoder of all paths.

use super::account::{FIELDS, patch_body};
use crate::http::message::Header;
use crate::http::outgoing::Call;
use crate::http::own_request;
use crate::http::path;
use crate::rules::Rules;
use crate::text::json::Object as Members;

/// What every call carries besides its own.
pub(crate) struct Caller<'a> {
    pub(crate) rules: &'a Rules,
    pub(crate) token: &'a str,
    /// `traceparent` of the request, to be passed on.
    pub(crate) traceparent: Option<&'a str>,
    pub(crate) timeout_ms: u32,
    pub(crate) max_answer_bytes: u32,
}

impl Caller<'_> {
    /// Reads an account.
    pub(crate) fn read(&self, user_id: &str) -> Call {
        self.call("GET", format!("{}?{FIELDS}", self.account(user_id)), None)
    }

    /// Writes members of an account's `user_metadata`; nothing where there is nothing to write: an
    /// empty object would wipe everything (Auth0 docs, "Manage User Metadata").
    pub(crate) fn write(&self, user_id: &str, members: Members) -> Option<Call> {
        let body = (!members.is_empty()).then(|| patch_body(members))?;
        Some(self.call("PATCH", self.account(user_id), Some(body)))
    }

    fn account(&self, user_id: &str) -> String {
        path::encode(self.rules.users.iter().map(String::as_str).chain([user_id]))
    }

    fn call(&self, method: &'static str, path: String, body: Option<Vec<u8>>) -> Call {
        let mut headers = own_request::headers("application/json");
        headers.push(Header::new("authorization", &format!("Bearer {}", self.token)));
        headers.extend(self.traceparent.map(|trace| Header::new("traceparent", trace)));
        if body.is_some() {
            headers.push(Header::new("content-type", "application/json"));
        }
        let Self { timeout_ms, max_answer_bytes, .. } = *self;
        Call { method, path, headers, body, timeout_ms, max_answer_bytes }
    }
}
