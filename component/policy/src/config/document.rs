//! The whole document, section by section, to compiled rules.

use std::collections::BTreeMap;

use super::advice;
use super::allow;
use super::client;
use super::headers;
use super::host::Around;
use super::issuer;
use super::metadata;
use super::section::{Entry, Section};
use super::shadow;
use crate::http::path;
use crate::http::path_readings;
use crate::keys::rules::IssuerKeys;
use crate::metadata::Credentials;
use crate::rules::Rules;
use crate::rules::log::LogRules;

/// Auth0's tokens have about 1 KiB, those with many groups or permissions 20 KiB. Raised further, a caller buys
/// more parsing before the first check, and no host takes the head of such a request.
const MAX_TOKEN_BYTES: std::ops::RangeInclusive<u64> = 8192..=65_536;

/// A document, compiled.
pub(crate) struct Compiled {
    pub(crate) rules: Rules,
    /// Of each issuer, in the order of the document.
    pub(crate) keys: Vec<IssuerKeys>,
    /// Whose tokens the calls of a merge carry.
    pub(crate) credentials: Credentials,
    /// Whether the component verifies every signature by itself.
    pub(crate) component_verifies: bool,
}

pub(crate) fn read(mut document: Section<'_>, around: &Around<'_>) -> Compiled {
    if let Some(version) = document.required("version") {
        version.exactly_one();
    }
    let base = document
        .optional("base_path")
        .and_then(|entry| prefix(&entry))
        .unwrap_or_else(|| vec!["api".to_owned(), "v2".to_owned()]);
    let users: Vec<String> = base.into_iter().chain(["users".to_owned()]).collect();
    let (issuers, keys) = document
        .required("issuers")
        .map(|entry| issuer::read_all(&entry, around.secrets))
        .unwrap_or_default();
    let profile = document
        .optional("profile")
        .and_then(|entry| entry.one_of(&[("off", false), ("read-own", true)]))
        .unwrap_or(false);
    let pass =
        document.optional("pass").map(|entry| pass_prefixes(&entry, &users)).unwrap_or_default();
    let cors = document.optional("cors").and_then(|entry| entry.section()).map(headers::cors);
    let forward_headers = document
        .optional("forward_headers")
        .map(|entry| entry.list(headers::forwarded))
        .unwrap_or_default();
    let client_address =
        document.optional("client_address").and_then(|entry| client::address(&entry, around.host));
    let request_id = document
        .optional("request_id")
        .and_then(|entry| entry.section())
        .and_then(client::request_id);
    let encoded_slashes_in_ids = document
        .optional("encoded_slashes")
        .and_then(|entry| entry.one_of(&[("refuse", false), ("in-ids", true)]))
        .unwrap_or(false);
    let request_objects = document
        .optional("request_objects")
        .and_then(|entry| entry.one_of(&[("refuse", false), ("pass", true)]))
        .unwrap_or(false);
    let component_verifies = document
        .optional("verification")
        .and_then(|entry| entry.one_of(&[("host", false), ("component", true)]))
        .unwrap_or(false);
    let max_token_bytes = document
        .optional("max_token_bytes")
        .and_then(|entry| {
            let bytes = entry.whole_number(MAX_TOKEN_BYTES)?;
            advice::max_token(&entry, bytes);
            usize::try_from(bytes).ok()
        })
        .unwrap_or(8192);
    let upstream_timeout_ms = document
        .optional("upstream_timeout")
        .and_then(|entry| entry.duration_ms(100..=300_000))
        .unwrap_or(10_000);
    let body_timeout_ms = document
        .optional("body_timeout")
        .and_then(|entry| entry.duration_ms(100..=300_000))
        .unwrap_or(10_000);
    let log =
        document.optional("log").and_then(|entry| entry.section()).map(log).unwrap_or_default();
    if let Some(entry) = document.optional("allow") {
        allow::read(&entry);
    }
    let metadata = document
        .optional("metadata")
        .and_then(|entry| entry.section())
        .and_then(|section| metadata::read(section, &issuers, around));
    let shadow = document
        .optional("shadow")
        .and_then(|entry| entry.section())
        .and_then(|section| shadow::whole(section, around.now));
    document.end();
    let (metadata, credentials) = metadata
        .map_or((None, Credentials::Caller), |(rules, credentials)| (Some(rules), credentials));
    let rules = Rules {
        users_folded: folded(&users),
        users,
        issuers: issuers.into_iter().collect(),
        profile,
        pass: pass.into_iter().collect(),
        cors,
        forward_headers,
        client_address,
        request_id,
        encoded_slashes_in_ids,
        max_token_bytes,
        request_objects,
        // In range: both are capped at 300 000.
        upstream_timeout_ms: u32::try_from(upstream_timeout_ms).unwrap_or(u32::MAX),
        body_timeout_ms: u32::try_from(body_timeout_ms).unwrap_or(u32::MAX),
        log,
        metadata,
        shadow,
    };
    Compiled { rules, keys, credentials, component_verifies }
}

/// A path prefix of plain segments: every reader, strict or lax, reads it in the same way.
fn prefix(entry: &Entry<'_>) -> Option<Vec<String>> {
    let text = entry.text()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    let target = path::read(text.as_bytes()).ok().filter(|_| text.bytes().all(plain));
    match target {
        Some(target) if !target.segments.is_empty() && !target.has_empty_segment() => {
            Some(target.segments.into_iter().map(|segment| segment.text).collect())
        }
        _ => entry.wrong(
            "an absolute path of letters, digits, `-`, `_`, `.` and `~`, without a trailing slash",
            &format!("`{text}`"),
        ),
    }
}

fn folded(path: &[String]) -> Vec<String> {
    path.iter().map(|segment| path_readings::fold(segment).into_owned()).collect()
}

/// Prefixes that neither cover each other nor the guarded routes: there is no general pass mode.
fn pass_prefixes(entry: &Entry<'_>, users: &[String]) -> Vec<Vec<String>> {
    let users_folded = folded(users);
    // Folded, and as written. Of those that were taken none overlaps another, so that only neighbours can overlap one
    // more: what is between a path and one that it begins with begins with it, too.
    let mut seen: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    entry.list(|entry| {
        let own = prefix(entry)?;
        let own_folded = folded(&own);
        let overlaps =
            |other: &[String]| own_folded.starts_with(other) || other.starts_with(&own_folded);
        if overlaps(&users_folded) {
            return entry.wrong(
                "a prefix apart from the guarded routes",
                &format!("one that overlaps `{}`", path::encode(users.iter().map(String::as_str))),
            );
        }
        let before = seen.range::<Vec<String>, _>(..=&own_folded).next_back();
        let behind = seen.range::<Vec<String>, _>(&own_folded..).next();
        let mut neighbours = before.into_iter().chain(behind);
        if let Some((_, other)) = neighbours.find(|(other, _)| overlaps(other)) {
            return entry.wrong(
                "prefixes that do not overlap",
                &format!("one that overlaps `{}`", path::encode(other.iter().map(String::as_str))),
            );
        }
        seen.insert(own_folded, own.clone());
        Some(own)
    })
}

fn log(mut section: Section<'_>) -> LogRules {
    let hash_subjects = section
        .optional("subjects")
        .and_then(|entry| entry.one_of(&[("plain", false), ("hashed", true)]))
        .unwrap_or(false);
    let log_claims = section
        .optional("claims")
        .and_then(|entry| entry.one_of(&[("off", false), ("redacted", true)]))
        .unwrap_or(false);
    section.end();
    LogRules { hash_subjects, log_claims }
}
