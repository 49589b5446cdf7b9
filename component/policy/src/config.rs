//! The policy document, from text to compiled rules.
//!
//! All mistakes of a document are found in one run; an unknown key is a mistake everywhere.

mod advice;
mod client;
mod duration;
mod headers;
mod issuer;
mod keys;
mod metadata;
mod moment;
mod notes;
mod parties;
mod remote;
mod review;
mod secondary;
mod section;
mod shadow;
mod spelling;
mod step_up;

#[cfg(test)]
mod advice_test;
#[cfg(test)]
mod mistakes_test;

use std::sync::Arc;

use jsonwebtoken::Algorithm;

pub use duration::parse_ms as duration_ms;
pub use moment::parse_ms as moment_ms;
pub use notes::{Mistake, UNKNOWN_KEY};
pub(crate) use review::compile;
pub use review::{Review, review};
use section::{Entry, Section};
pub use spelling::nearest;

use crate::client_address::AddressRules;
use crate::keyring::IssuerKeys;
use crate::lax;
use crate::metadata::{Credentials, MetadataRules};
use crate::path;
use crate::protocol::{Abilities, Now, Secrets};
use crate::scope::ScopeClaim;
use crate::shadow::ShadowRules;
use crate::step_up::StepUpRules;

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

/// Auth0's tokens have about 1 KiB, those with many groups or permissions 20 KiB. Raised further, a caller buys
/// more parsing before the first check, and no host takes the head of such a request.
const MAX_TOKEN_BYTES: std::ops::RangeInclusive<u64> = 8192..=65_536;

/// Compiled rules. What is said of each key in the document is in `docs/configuration.md`.
#[derive(Default)]
pub(crate) struct Rules {
    /// The segments of `{base}/users`.
    pub(crate) users: Vec<String>,
    /// The same, case folded.
    pub(crate) users_folded: Vec<String>,
    pub(crate) issuers: Vec<Arc<IssuerRules>>,
    /// Whether `GET {base}/users/{user_id}` is open to the user.
    pub(crate) profile: bool,
    /// The segments of each `pass` prefix.
    pub(crate) pass: Vec<Vec<String>>,
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
    /// Longest token that is looked at.
    pub(crate) max_token_bytes: usize,
    pub(crate) upstream_timeout_ms: u32,
    pub(crate) body_timeout_ms: u32,
    pub(crate) log: LogRules,
    /// How the secondary's metadata is carried over, if it is.
    pub(crate) metadata: Option<MetadataRules>,
    /// Until when the policy lets through what it would refuse, if it does.
    pub(crate) shadow: Option<ShadowRules>,
}

/// What decision records show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogRules {
    pub(crate) hash_subjects: bool,
    /// The claims of verified tokens, redacted.
    pub(crate) log_claims: bool,
}

/// What a token of one issuer must be.
pub(crate) struct IssuerRules {
    /// `iss`, exact.
    pub(crate) issuer: String,
    /// The place in the policy document, and in the keyring.
    pub(crate) position: usize,
    pub(crate) kind: Kind,
    pub(crate) algorithms: Vec<Algorithm>,
    /// Accepted `aud`. None at all: access tokens must have no `aud`, and are accepted by their client.
    pub(crate) audiences: Vec<String>,
    /// What an access token may name beside an accepted `aud`: the issuer's own `userinfo`, and what the policy lists.
    pub(crate) audiences_beside: Vec<String>,
    /// Where an access token names its client. None: nowhere, and no rule asks.
    pub(crate) client_claim: Option<&'static str>,
    /// The accepted clients. None: any.
    pub(crate) clients: Option<Vec<String>>,
    pub(crate) scopes: Vec<String>,
    pub(crate) scope_claim: ScopeClaim,
    pub(crate) clock_skew_ms: u64,
    pub(crate) max_token_age_ms: Option<u64>,
    /// `typ`, when it is asked for.
    pub(crate) token_type: Option<String>,
    /// The claim `token_use`, when it is asked for.
    pub(crate) token_use: Option<&'static str>,
    /// Scope claims that ID tokens may hold.
    pub(crate) id_token_scopes: Vec<&'static str>,
    /// Who may act for a user (`act`).
    pub(crate) actors: Vec<String>,
    /// Whether a bearer that is bound to a key is refused. False: switched off in so many words.
    pub(crate) refuses_bound: bool,
    /// How strong and how fresh a sign-in linking and unlinking ask for, if they do.
    pub(crate) step_up: Option<StepUpRules>,
    pub(crate) secondary: SecondaryRules,
    pub(crate) shadow: BearerShadow,
}

/// Which rules of a bearer are logged and not enforced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BearerShadow {
    pub(crate) scopes: bool,
    pub(crate) max_token_age: bool,
    pub(crate) step_up: bool,
}

/// Which rules of a secondary token are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SecondaryShadow {
    pub(crate) max_age: bool,
    pub(crate) email_verified: bool,
}

/// What a secondary token of the same issuer must be.
pub(crate) struct SecondaryRules {
    pub(crate) algorithms: Vec<Algorithm>,
    /// None: the bearer's own client.
    pub(crate) audiences: Option<Vec<String>>,
    /// Since `auth_time`, else `iat`. None: switched off in so many words.
    pub(crate) max_age_ms: Option<u64>,
    /// Whether `auth_time` has to be there, and `iat` stands in for nothing.
    pub(crate) require_auth_time: bool,
    pub(crate) email_verified: bool,
    /// Who may act for the user of the second account.
    pub(crate) actors: Vec<String>,
    pub(crate) shadow: SecondaryShadow,
}

/// What a bearer token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    AccessToken,
    IdToken,
}

/// Which pages may call from a browser.
#[derive(Default)]
pub(crate) struct CorsRules {
    pub(crate) origins: Vec<String>,
    pub(crate) max_age_s: u64,
}

impl Rules {
    /// The rules of an issuer, by its exact name.
    pub(crate) fn issuer(&self, name: &str) -> Option<Arc<IssuerRules>> {
        self.issuers.iter().find(|rules| rules.issuer == name).cloned()
    }
}

impl IssuerRules {
    /// The header `typ` of its ID tokens, where the policy names it: `type` is that of bearers.
    pub(crate) fn id_token_type(&self) -> Option<&str> {
        self.token_type.as_deref().filter(|_| self.kind == Kind::IdToken)
    }
}

/// A document, compiled.
pub(crate) struct Compiled {
    pub(crate) rules: Rules,
    /// Of each issuer, in the order of the document.
    pub(crate) keys: Vec<IssuerKeys>,
    /// Whose tokens the calls of a merge carry.
    pub(crate) credentials: Credentials,
}

/// What a document is compiled with.
struct Around<'a> {
    secrets: &'a Secrets,
    host: Abilities,
    seed: u64,
    now: Now,
}

fn read(mut document: Section<'_>, around: &Around<'_>) -> Compiled {
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
        users_folded: users.iter().map(|segment| lax::fold(segment)).collect(),
        users,
        issuers: issuers.into_iter().map(Arc::new).collect(),
        profile,
        pass,
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
    Compiled { rules, keys, credentials }
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

/// Prefixes that neither cover each other nor the guarded routes: there is no general pass mode.
fn pass_prefixes(entry: &Entry<'_>, users: &[String]) -> Vec<Vec<String>> {
    let mut seen: Vec<Vec<String>> = Vec::new();
    entry.list(|entry| {
        let own = prefix(entry)?;
        let folded: Vec<String> = own.iter().map(|segment| lax::fold(segment)).collect();
        let overlaps = |other: &[String]| {
            let other: Vec<String> = other.iter().map(|segment| lax::fold(segment)).collect();
            folded.starts_with(&other) || other.starts_with(&folded)
        };
        if overlaps(users) {
            return entry.wrong(
                "a prefix apart from the guarded routes",
                &format!("one that overlaps `{}`", path::encode(users.iter().map(String::as_str))),
            );
        }
        if let Some(other) = seen.iter().find(|other| overlaps(other)) {
            return entry.wrong(
                "prefixes that do not overlap",
                &format!("one that overlaps `{}`", path::encode(other.iter().map(String::as_str))),
            );
        }
        seen.push(own.clone());
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
