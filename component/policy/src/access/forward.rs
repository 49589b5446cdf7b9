//! The request that goes upstream, rebuilt from what was checked.
//!
//! ```text
//!  Permit                ─▶ unlink, profile
//!  Permit + Secondary    ─▶ link
//! ```
//!
//! Nothing of the client's own spelling goes on: the path is encoded anew from the decoded ids, the
//! body is written anew, the headers are the ones on the allow-list. No parser behind us gets a
//! chance to disagree with ours.

use super::permit::Permit;
use super::profile_query::ProfileQuery;
use super::secondary::Secondary;
use crate::http::message::{Head, Header};
use crate::http::path;
use crate::rules::{FORWARDED, Rules};

/// The client's headers that go on, in the order received.
pub(crate) fn allowed_headers(head: &Head, rules: &Rules) -> Vec<Header> {
    let allowed = |line: &&Header| {
        let name = line.name.to_ascii_lowercase();
        FORWARDED.contains(&name.as_str()) || rules.forward_headers.contains(&name)
    };
    head.headers
        .iter()
        .filter(allowed)
        .map(|line| Header { name: line.name.to_ascii_lowercase(), value: line.value.clone() })
        .collect()
}

/// Seal of a [`Forward`]: made here alone, so that every other way to build one does not compile.
#[derive(PartialEq, Eq)]
pub(crate) struct Permitted(());

/// Links the secondary to the permit's account.
pub(crate) fn link(
    permit: &Permit,
    secondary: &Secondary,
    headers: Vec<Header>,
    rules: &Rules,
) -> Forward {
    // A verified token is three parts of base64url: there is nothing in it to escape.
    let body = format!(r#"{{"link_with":"{}"}}"#, secondary.token());
    let mut forward = on_account(permit, "POST", &["identities"], headers, rules);
    forward.headers.push(Header::new("content-type", "application/json"));
    forward.body = Some(body.into_bytes());
    forward
}

/// Takes an identity, by its provider and its id, off the permit's account.
pub(crate) fn unlink(
    permit: &Permit,
    (provider, id): (&str, &str),
    headers: Vec<Header>,
    rules: &Rules,
) -> Forward {
    on_account(permit, "DELETE", &["identities", provider, id], headers, rules)
}

/// Reads the permit's account, or some of its members.
pub(crate) fn profile(
    permit: &Permit,
    query: &ProfileQuery,
    headers: Vec<Header>,
    rules: &Rules,
) -> Forward {
    let mut forward = on_account(permit, "GET", &[], headers, rules);
    forward.path.push_str(&query.written());
    forward
}

/// A request on the permit's account, with the caller's own bearer and no other.
fn on_account(
    permit: &Permit,
    method: &'static str,
    below: &[&str],
    mut headers: Vec<Header>,
    rules: &Rules,
) -> Forward {
    let value = [b"Bearer ", permit.bearer().token().as_bytes()].concat();
    headers.push(Header { name: "authorization".to_owned(), value });
    let users = rules.users.iter().map(String::as_str);
    let path = path::encode(users.chain([permit.user_id()]).chain(below.iter().copied()));
    Forward {
        method,
        path,
        headers,
        body: None,
        timeout_ms: rules.upstream_timeout_ms,
        permitted: Permitted(()),
    }
}

/// A request to the upstream. Made in [`crate::access::forward`] alone, from a permit.
#[derive(PartialEq, Eq)]
pub struct Forward {
    /// Method.
    pub method: &'static str,
    /// Path in origin-form, canonically encoded; of a profile with the query that was checked.
    pub path: String,
    /// The complete list of headers, but for `host` and the framing.
    pub headers: Vec<Header>,
    /// The body; none at all when absent.
    pub body: Option<Vec<u8>>,
    /// Milliseconds until the head of the answer.
    pub timeout_ms: u32,
    /// INVARIANT: only `crate::access::forward` fills this, and it asks for a permit.
    pub(crate) permitted: crate::access::forward::Permitted,
}

impl std::fmt::Debug for Forward {
    /// Headers and body stay out: they hold credentials.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Forward")
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
