//! A policy, and its keys on request, made part of a component.
//!
//! ```text
//!  policy ─▶ review, refusal ─▶ keys, fetched once ─▶ Baked ─▶ artifact ─▶ file
//! ```

pub(crate) mod end_date;
mod refusal;

use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use linkgate_gateway::Fetcher;
use linkgate_policy::edition::{BakedKeys, BakedSet};
use linkgate_policy::{Policy, Secrets, Time};
use serde_json::value::RawValue;

use crate::document::{Document, Finding, Severity};
use crate::edition::Edition;
use crate::key_report::Report;
use crate::progress::Progress;

/// All there is to say of a policy that is to be baked in, in the order of its lines: what `linkgate check`
/// says, and what needs a secret.
pub(crate) fn review(document: &Document, edition: Edition) -> Vec<Finding> {
    let value = serde_json::from_str(document.json()).unwrap_or_default();
    let mut findings = document.located(&refusal::mistakes(&value));
    let is_refused = |pointer: &str| findings.iter().any(|refused| refused.pointer == pointer);
    let mut reviewed = document.review(&Secrets::stand_in(), edition.abilities()).findings;
    // What is refused need not be called unwise, too.
    reviewed.retain(|found| found.severity == Severity::Error || !is_refused(&found.pointer));
    findings.extend(reviewed);
    findings.sort_by_key(|finding| finding.place.map(|place| (place.line, place.column)));
    findings
}

/// The keys of a policy's issuers, as they are now.
pub(crate) enum Gathered {
    /// To be baked in.
    Sets(BakedKeys),
    /// All keys stand in the policy itself.
    NoneToFetch,
    /// An issuer has none that can be used: how all of them stand.
    Lacking(Report),
}

/// Fetches the keys of each issuer, once.
pub(crate) async fn gather(mut policy: Policy, fetcher: Fetcher, until: Time) -> Gathered {
    let report = Report::gather(&mut policy, fetcher, Progress::after(Duration::ZERO)).await;
    let published: Vec<_> = policy.published_keys().collect();
    if published.is_empty() {
        return Gathered::NoneToFetch;
    }
    let set = |(issuer, set): (&str, Option<String>)| {
        let jwks = RawValue::from_string(set?).ok()?;
        Some(BakedSet { issuer: issuer.to_owned(), jwks })
    };
    let sets: Option<Vec<BakedSet>> = published.into_iter().map(set).collect();
    match sets.filter(|_| report.is_usable()) {
        Some(sets) => Gathered::Sets(BakedKeys { until_unix_ms: until.unix_ms, sets }),
        None => Gathered::Lacking(report),
    }
}

/// Writes a file whole or not at all.
pub(crate) fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut partial = file.as_os_str().to_owned();
    partial.push(format!(".{}.partial", std::process::id()));
    let write = || {
        let mut out = std::fs::File::create(&partial)?;
        out.write_all(bytes)?;
        out.sync_all()?;
        std::fs::rename(&partial, file)
    };
    write().inspect_err(|_| {
        let _ = std::fs::remove_file(&partial);
    })
}
