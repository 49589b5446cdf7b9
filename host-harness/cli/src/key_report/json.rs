//! The report for programs: one object in one line. `docs/commands.md` tells its members.

use linkgate_policy::{KeyRow, KeySource, Time, escaped};
use serde::Serialize;

use super::{Origin, Report};

/// Its name and version: a member that goes, or means something else, makes it another.
const SCHEMA: &str = "linkgate.keys/1";

/// The report in its JSON form.
pub(crate) fn text(report: &Report) -> String {
    let whole = Whole {
        schema: SCHEMA,
        asked: report.asked,
        usable: report.is_usable(),
        issuers: report.sources.iter().map(|source| issuer(report, source)).collect(),
    };
    // Every member is text, a number or a list of them: there is nothing that JSON cannot say.
    serde_json::to_string(&whole).unwrap_or_default()
}

#[derive(Serialize)]
struct Whole<'a> {
    schema: &'static str,
    asked: Time,
    usable: bool,
    issuers: Vec<Issuer<'a>>,
}

#[derive(Serialize)]
struct Issuer<'a> {
    #[serde(rename = "issuer")]
    name: &'a str,
    usable: bool,
    source: &'static str,
    url: Option<&'a str>,
    jwks_uri: Option<&'a str>,
    age_ms: Option<u64>,
    fresh_until: Option<Time>,
    usable_until: Option<Time>,
    withdrawal_ms: Option<u64>,
    failure: Option<String>,
    secret_algorithms: &'a [&'static str],
    secret_seen: Option<bool>,
    algorithms_without_key: &'a [&'static str],
    host_algorithms: Vec<&'static str>,
    keys: Vec<Key<'a>>,
}

/// A key, for any report.
#[derive(Serialize)]
pub(crate) struct Key<'a> {
    kid: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    size: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    algorithms: &'a [&'static str],
    thumbprint: Option<&'a str>,
    repeated: bool,
    refused: Option<&'a str>,
}

fn issuer<'a>(report: &Report, source: &'a KeySource) -> Issuer<'a> {
    Issuer {
        name: &source.issuer,
        usable: source.usable,
        source: match Origin::of(source) {
            Origin::Policy => "policy",
            Origin::Url(_) => "jwks_uri",
            Origin::Discovery(_) => "discovery",
        },
        url: source.url.as_deref(),
        jwks_uri: source.jwks_uri.as_deref(),
        age_ms: source.age_ms,
        fresh_until: source.fresh_for_ms.map(|ms| report.after(ms)),
        usable_until: source.expires_in_ms.map(|ms| report.after(ms)),
        withdrawal_ms: source.withdrawal_ms,
        failure: source.last_failure.as_deref().map(escaped),
        secret_algorithms: &source.secret_algorithms,
        secret_seen: (!source.secret_algorithms.is_empty()).then(|| report.sees_secret_of(source)),
        algorithms_without_key: &source.algorithms_without_key,
        host_algorithms: source.host_algorithms.iter().map(|one| one.name()).collect(),
        keys: source.keys.iter().map(key).collect(),
    }
}

/// What is said of a key.
pub(crate) fn key(row: &KeyRow) -> Key<'_> {
    Key {
        kid: row.kid.as_deref().map(escaped),
        kind: escaped(&row.kind),
        size: escaped(&row.size),
        usage: row.usage.as_deref().map(escaped),
        algorithms: &row.algorithms,
        thumbprint: row.thumbprint.as_deref(),
        repeated: row.repeated,
        refused: row.refused.as_deref(),
    }
}
