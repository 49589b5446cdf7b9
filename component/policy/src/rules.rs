//! The compiled policy as plain data. No module here knows the document or the code that applies a rule.

pub(crate) mod names;
pub(crate) mod log;
pub(crate) mod cors;
pub(crate) mod pass;
pub(crate) mod client_address;
pub(crate) mod shadow;
pub(crate) mod metadata;
pub(crate) mod issuer;

use std::sync::Arc;

use client_address::AddressRules;
use cors::CorsRules;
use issuer::{IssuerRules, Issuers};
use log::LogRules;
use metadata::MetadataRules;
use pass::PassPrefixes;
use shadow::ShadowRules;

/// Headers that go on from any client. `forward_headers` adds to them.
pub(crate) const FORWARDED: [&str; 7] = [
    "accept",
    "accept-language",
    "user-agent",
    "auth0-client",
    "origin",
    "traceparent",
    "tracestate",
];

/// Compiled rules. What is said of each key in the document is in `docs/configuration.md`.
#[derive(Default)]
pub(crate) struct Rules {
    /// The segments of `{base}/users`.
    pub(crate) users: Vec<String>,
    /// The same, case folded.
    pub(crate) users_folded: Vec<String>,
    pub(crate) issuers: Issuers,
    /// Whether `GET {base}/users/{user_id}` is open to the user.
    pub(crate) profile: bool,
    pub(crate) pass: PassPrefixes,
    pub(crate) cors: Option<CorsRules>,
    /// Lower-case names.
    pub(crate) forward_headers: Vec<String>,
    /// Where the address of the client is found, if it is asked for.
    pub(crate) client_address: Option<AddressRules>,
    /// The header of request ids, lower case, if they are asked for.
    pub(crate) request_id: Option<String>,
    pub(crate) encoded_slashes_in_ids: bool,
    /// Whether `/authorize` under `pass` may carry a request object.
    pub(crate) request_objects: bool,
    /// Longest token that is read.
    pub(crate) max_token_bytes: usize,
    pub(crate) upstream_timeout_ms: u32,
    pub(crate) body_timeout_ms: u32,
    pub(crate) log: LogRules,
    /// How the secondary's metadata is carried over, if it is.
    pub(crate) metadata: Option<MetadataRules>,
    /// Until when the policy lets through what it would refuse, if it does.
    pub(crate) shadow: Option<ShadowRules>,
}

impl Rules {
    /// The rules of an issuer, by its exact name.
    pub(crate) fn issuer(&self, name: &str) -> Option<Arc<IssuerRules>> {
        self.issuers.named(name)
    }
}
